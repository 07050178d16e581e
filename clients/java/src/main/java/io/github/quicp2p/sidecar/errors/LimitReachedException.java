package io.github.quicp2p.sidecar.errors;

/** Too many calls, channels or subscriptions of this kind are open. */
public class LimitReachedException extends BusyException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public LimitReachedException(ErrorDetails details) {
    super(details);
  }
}
