package io.github.quicp2p.sidecar.errors;

/** The message's time to live has passed. */
public class ExpiredException extends PeerException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public ExpiredException(ErrorDetails details) {
    super(details);
  }
}
