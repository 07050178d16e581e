package io.github.quicp2p.sidecar.errors;

/** The message is in the journal and goes on; the call had to be answered. */
public class PendingException extends DeadlinePassedException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public PendingException(ErrorDetails details) {
    super(details);
  }
}
