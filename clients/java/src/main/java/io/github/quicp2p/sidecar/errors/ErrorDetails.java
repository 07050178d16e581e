package io.github.quicp2p.sidecar.errors;

import io.grpc.Status;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * What is known of a failure.
 *
 * @param detail what was wrong, in words, and what to do
 * @param code gRPC's canonical status
 * @param reason the sidecar's own name for it, as in {@code overlay.v1.ErrorReason} without the
 *     prefix; empty where it is not the sidecar's word
 * @param metadata figures by name
 * @param fields the invalid fields of a request
 * @param retryAfter after how long a repeat makes sense; null where that is not known
 * @param cause what gRPC said; null where it said nothing
 */
public record ErrorDetails(
    String detail,
    Status.Code code,
    String reason,
    Map<String, String> metadata,
    List<InvalidFieldException.Violation> fields,
    Duration retryAfter,
    Throwable cause)
    implements Serializable {

  private static final long serialVersionUID = 1L;

  /** Copies what could change. */
  public ErrorDetails {
    metadata = Map.copyOf(metadata);
    fields = List.copyOf(fields);
  }

  /** Of words, a status and a reason alone. */
  public static ErrorDetails of(String detail, Status.Code code, String reason) {
    return new ErrorDetails(detail, code, reason, Map.of(), List.of(), null, null);
  }

  /** The same with another cause. */
  public ErrorDetails withCause(Throwable other) {
    return new ErrorDetails(detail, code, reason, metadata, fields, retryAfter, other);
  }
}
