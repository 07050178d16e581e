package io.github.quicp2p.sidecar.errors;

import io.github.quicp2p.sidecar.errors.InvalidFieldException.Violation;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A call to the sidecar failed. The kinds of failure are its subclasses, which the package's page
 * shows as a tree; a plain one is of a kind that this client does not know.
 */
public class SidecarException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ErrorDetails details;

  /** With what is known of it. */
  public SidecarException(ErrorDetails details) {
    super(
        (details.reason().isEmpty() ? details.code().name() : details.reason())
            + ": "
            + details.detail(),
        details.cause());
    this.details = details;
  }

  /** All that is known of it. */
  final ErrorDetails details() {
    return details;
  }

  /** The sidecar's own name for it; empty where the failure is not the sidecar's word. */
  public String reason() {
    return details.reason();
  }

  /** gRPC's canonical status. */
  public Status.Code code() {
    return details.code();
  }

  /** What was wrong, in words, and what to do. */
  public String detail() {
    return details.detail();
  }

  /** Figures by name. */
  public Map<String, String> metadata() {
    return details.metadata();
  }

  /** The fields of the request that are invalid, and what is wrong with each. */
  public List<Violation> fields() {
    return details.fields();
  }

  /** After how long trying again makes sense, where that is known. */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(details.retryAfter());
  }
}
