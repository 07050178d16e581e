package io.github.quicp2p.sidecar.errors;

/** The other side's channel is full and nobody subscribes to it there. */
public class NoSubscriberException extends BusyException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public NoSubscriberException(ErrorDetails details) {
    super(details);
  }
}
