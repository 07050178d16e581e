package io.github.quicp2p.sidecar.errors;

/** Whoever answered at the address is not the peer that was expected. */
public class IdentityMismatchException extends PeerException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public IdentityMismatchException(ErrorDetails details) {
    super(details);
  }
}
