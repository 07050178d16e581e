package io.github.quicp2p.sidecar.errors;

/** The other side, or the way to it. */
public class PeerException extends SidecarException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public PeerException(ErrorDetails details) {
    super(details);
  }
}
