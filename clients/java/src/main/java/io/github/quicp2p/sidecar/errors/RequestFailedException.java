package io.github.quicp2p.sidecar.errors;

/** The app that was asked answered with an error. */
public class RequestFailedException extends SidecarException {
  private static final long serialVersionUID = 1L;

  /** With what is known of it. */
  public RequestFailedException(ErrorDetails details) {
    super(details);
  }

  /** The answering app's short word for it. */
  public String answerCode() {
    return metadata().getOrDefault("code", "");
  }
}
