package io.github.quicp2p.sidecar.errors;

/**
 * A message, header or batch is larger than a limit; the metadata has {@code limit} and {@code
 * size}.
 */
public class MessageTooLargeException extends RequestException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public MessageTooLargeException(ErrorDetails details) {
    super(details);
  }
}
