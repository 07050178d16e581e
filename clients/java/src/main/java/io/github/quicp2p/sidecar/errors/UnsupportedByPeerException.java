package io.github.quicp2p.sidecar.errors;

/** The peer's sidecar does not take such messages. */
public class UnsupportedByPeerException extends PeerException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public UnsupportedByPeerException(ErrorDetails details) {
    super(details);
  }
}
