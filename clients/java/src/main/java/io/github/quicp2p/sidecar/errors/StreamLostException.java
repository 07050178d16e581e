package io.github.quicp2p.sidecar.errors;

/** The stream's connection was lost and it could not be resumed in time. */
public class StreamLostException extends SidecarException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public StreamLostException(ErrorDetails details) {
    super(details);
  }
}
