package io.github.quicp2p.sidecar.errors;

/** None of the contacts could be linked; the metadata names each with its reason. */
public class BootstrapFailedException extends PeerException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public BootstrapFailedException(ErrorDetails details) {
    super(details);
  }
}
