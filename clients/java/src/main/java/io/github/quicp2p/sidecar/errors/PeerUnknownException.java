package io.github.quicp2p.sidecar.errors;

/** No contact, record or link tells where this peer is. */
public class PeerUnknownException extends NotFoundException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public PeerUnknownException(ErrorDetails details) {
    super(details);
  }
}
