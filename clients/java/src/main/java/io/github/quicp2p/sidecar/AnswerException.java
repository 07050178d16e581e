package io.github.quicp2p.sidecar;

import java.util.Objects;

/**
 * Thrown by an app that answers: the one that asked gets RequestFailedException with this code and
 * these words.
 */
public class AnswerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String code;

  /** A short word of the app's, at most 128 bytes, and words, of which 1 KiB are told. */
  public AnswerException(String code, String message) {
    super(message);
    this.code = Objects.requireNonNull(code, "code");
  }

  /** The short word. */
  public String code() {
    return code;
  }
}
