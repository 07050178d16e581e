package io.github.quicp2p.sidecar.errors;

/** The journal's disk, or its budget, is full. */
public class JournalFullException extends BusyException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public JournalFullException(ErrorDetails details) {
    super(details);
  }
}
