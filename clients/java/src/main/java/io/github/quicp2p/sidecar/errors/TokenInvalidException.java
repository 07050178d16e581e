package io.github.quicp2p.sidecar.errors;

/** The sidecar asks for a token, and it was not this one. */
public class TokenInvalidException extends RequestException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public TokenInvalidException(ErrorDetails details) {
    super(details);
  }
}
