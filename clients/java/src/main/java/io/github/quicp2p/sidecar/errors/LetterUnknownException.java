package io.github.quicp2p.sidecar.errors;

/** There is no queued message or dead letter with this id. */
public class LetterUnknownException extends NotFoundException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public LetterUnknownException(ErrorDetails details) {
    super(details);
  }
}
