package io.github.quicp2p.sidecar.errors;

/** The app over there does not take this peer's requests or streams. */
public class PeerNotAllowedException extends RequestException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public PeerNotAllowedException(ErrorDetails details) {
    super(details);
  }
}
