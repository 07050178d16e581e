package io.github.quicp2p.sidecar.errors;

/** The peer is a client, which is never dialled, and it is not linked. */
public class PeerNotDialableException extends PeerException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public PeerNotDialableException(ErrorDetails details) {
    super(details);
  }
}
