package io.github.quicp2p.sidecar.errors;

/** This app's token is not for that; the metadata has {@code app} and what it {@code needs}. */
public class ScopeDeniedException extends RequestException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public ScopeDeniedException(ErrorDetails details) {
    super(details);
  }
}
