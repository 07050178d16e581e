package io.github.quicp2p.sidecar.errors;

/** The call was cancelled. */
public class CancelledException extends SidecarException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public CancelledException(ErrorDetails details) {
    super(details);
  }
}
