package io.github.quicp2p.sidecar.errors;

/** The message was sent and no acknowledgement came: it may have arrived. */
public class OutcomeUnknownException extends PeerException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public OutcomeUnknownException(ErrorDetails details) {
    super(details);
  }
}
