package io.github.quicp2p.sidecar.errors;

/**
 * The cursor is of another run of the sidecar or older than what it remembers: begin the watch
 * anew.
 */
public class CursorExpiredException extends RequestException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public CursorExpiredException(ErrorDetails details) {
    super(details);
  }
}
