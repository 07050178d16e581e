package io.github.quicp2p.sidecar.errors;

/** The peer refused the connection. */
public class PeerRefusedException extends PeerException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public PeerRefusedException(ErrorDetails details) {
    super(details);
  }
}
