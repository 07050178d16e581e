package io.github.quicp2p.sidecar.errors;

/** The call's deadline passed before the operation ended. */
public class DeadlinePassedException extends SidecarException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public DeadlinePassedException(ErrorDetails details) {
    super(details);
  }
}
