package io.github.quicp2p.sidecar.errors;

import java.io.Serializable;

/** A field is missing or malformed; {@link #fields} names each. */
public class InvalidFieldException extends RequestException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public InvalidFieldException(ErrorDetails details) {
    super(details);
  }

  /**
   * One invalid field.
   *
   * @param field its name
   * @param description what is wrong with it
   */
  public record Violation(String field, String description) implements Serializable {
    private static final long serialVersionUID = 1L;
  }
}
