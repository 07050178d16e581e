package io.github.quicp2p.sidecar.errors;

/** The queue for this peer stayed full until the deadline. */
public class QueueFullException extends BusyException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public QueueFullException(ErrorDetails details) {
    super(details);
  }
}
