package io.github.quicp2p.sidecar.errors;

/** There is no room now: try again later, after {@link #retryAfter} where it is known. */
public class BusyException extends SidecarException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public BusyException(ErrorDetails details) {
    super(details);
  }
}
