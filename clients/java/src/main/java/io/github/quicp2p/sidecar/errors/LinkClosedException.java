package io.github.quicp2p.sidecar.errors;

/** The link was closed before the message was sent. */
public class LinkClosedException extends PeerException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public LinkClosedException(ErrorDetails details) {
    super(details);
  }
}
