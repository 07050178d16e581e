package io.github.quicp2p.sidecar.errors;

/** The other app has reset the stream, or went away. */
public class StreamResetException extends SidecarException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public StreamResetException(ErrorDetails details) {
    super(details);
  }

  /** The other app's number for it, unsigned; 0 where it said none. */
  public long resetCode() {
    String code = metadata().getOrDefault("code", "");
    try {
      return code.isEmpty() ? 0 : Long.parseUnsignedLong(code);
    } catch (NumberFormatException notNumber) {
      return 0;
    }
  }
}
