package io.github.quicp2p.sidecar.errors;

/** The sidecar knows nothing by that name. */
public class NotFoundException extends SidecarException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public NotFoundException(ErrorDetails details) {
    super(details);
  }
}
