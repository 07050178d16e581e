package io.github.quicp2p.sidecar.errors;

/** What was asked cannot be done as asked; a repeat fails the same way. */
public class RequestException extends SidecarException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public RequestException(ErrorDetails details) {
    super(details);
  }
}
