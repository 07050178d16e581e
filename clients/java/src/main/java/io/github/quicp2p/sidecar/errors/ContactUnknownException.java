package io.github.quicp2p.sidecar.errors;

/** It is not among the bootstrap contacts. */
public class ContactUnknownException extends NotFoundException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public ContactUnknownException(ErrorDetails details) {
    super(details);
  }
}
