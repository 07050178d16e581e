package io.github.quicp2p.sidecar.errors;

/** The sidecar failed in a way that is its own fault; its log has the details. */
public class InternalErrorException extends SidecarException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public InternalErrorException(ErrorDetails details) {
    super(details);
  }
}
