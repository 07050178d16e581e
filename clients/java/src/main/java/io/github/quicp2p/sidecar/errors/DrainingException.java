package io.github.quicp2p.sidecar.errors;

/** The sidecar is about to stop and takes nothing new. */
public class DrainingException extends SidecarUnavailableException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public DrainingException(ErrorDetails details) {
    super(details);
  }
}
