package io.github.quicp2p.sidecar;

import com.google.protobuf.Timestamp;
import io.github.quicp2p.sidecar.errors.ErrorDetails;
import io.github.quicp2p.sidecar.errors.InvalidFieldException;
import io.github.quicp2p.sidecar.gen.overlay.v1.ErrorReason;
import io.grpc.Status.Code;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Between Java's words and those of the API. */
final class Wire {
  private static final String REASON = "ERROR_REASON_";

  private Wire() {}

  static com.google.protobuf.Duration duration(Duration value) {
    return com.google.protobuf.Duration.newBuilder()
        .setSeconds(value.getSeconds())
        .setNanos(value.getNano())
        .build();
  }

  static Duration duration(com.google.protobuf.Duration value) {
    return Duration.ofSeconds(value.getSeconds(), value.getNanos());
  }

  /** Its nanoseconds; below zero all are one, and centuries are as many as there are. */
  static long nanos(Duration value) {
    if (value.isNegative()) {
      return -1;
    }
    try {
      return value.toNanos();
    } catch (ArithmeticException endless) {
      return Long.MAX_VALUE;
    }
  }

  static Instant instant(Timestamp value) {
    return Instant.ofEpochSecond(value.getSeconds(), value.getNanos());
  }

  /** A reason as ErrorInfo spells it. */
  static String reason(ErrorReason reason) {
    String name = reason.name();
    return name.startsWith(REASON) ? name.substring(REASON.length()) : name;
  }

  static InvalidFieldException invalid(String field, String words) {
    return new InvalidFieldException(
        new ErrorDetails(
            field + ": " + words,
            Code.INVALID_ARGUMENT,
            "INVALID_FIELD",
            Map.of(),
            List.of(new InvalidFieldException.Violation(field, words)),
            null,
            null));
  }
}
