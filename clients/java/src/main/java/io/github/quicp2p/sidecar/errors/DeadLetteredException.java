package io.github.quicp2p.sidecar.errors;

/** No app over there acknowledged the message: it is a dead letter there. */
public class DeadLetteredException extends PeerException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public DeadLetteredException(ErrorDetails details) {
    super(details);
  }
}
