package io.github.quicp2p.sidecar.errors;

/** The peer named is this app's own sidecar. */
public class PeerIsSelfException extends RequestException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public PeerIsSelfException(ErrorDetails details) {
    super(details);
  }
}
