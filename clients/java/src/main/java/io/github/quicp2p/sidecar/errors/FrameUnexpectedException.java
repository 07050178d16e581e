package io.github.quicp2p.sidecar.errors;

/** The frames of a stream are out of order. */
public class FrameUnexpectedException extends RequestException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public FrameUnexpectedException(ErrorDetails details) {
    super(details);
  }
}
