package io.github.quicp2p.sidecar.errors;

/** Somebody has purged the queue that held the message. */
public class PurgedException extends PeerException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public PurgedException(ErrorDetails details) {
    super(details);
  }
}
