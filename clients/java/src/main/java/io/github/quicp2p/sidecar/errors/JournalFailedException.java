package io.github.quicp2p.sidecar.errors;

/** The journal cannot be written. */
public class JournalFailedException extends SidecarUnavailableException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public JournalFailedException(ErrorDetails details) {
    super(details);
  }
}
