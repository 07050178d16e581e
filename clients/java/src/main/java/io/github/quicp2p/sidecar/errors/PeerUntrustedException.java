package io.github.quicp2p.sidecar.errors;

/**
 * This app's sidecar does not let the peer in: by its certificates, the allow list or the block
 * list.
 */
public class PeerUntrustedException extends PeerException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public PeerUntrustedException(ErrorDetails details) {
    super(details);
  }
}
