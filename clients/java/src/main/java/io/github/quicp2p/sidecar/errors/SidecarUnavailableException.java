package io.github.quicp2p.sidecar.errors;

/** No sidecar answers at the endpoint, or it went away in the middle of the call. */
public class SidecarUnavailableException extends SidecarException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public SidecarUnavailableException(ErrorDetails details) {
    super(details);
  }
}
