package io.github.quicp2p.sidecar.errors;

/** Dialling the peer failed; nothing was received there. */
public class PeerUnreachableException extends PeerException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public PeerUnreachableException(ErrorDetails details) {
    super(details);
  }
}
