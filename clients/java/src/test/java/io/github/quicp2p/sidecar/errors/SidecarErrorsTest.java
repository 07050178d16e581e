package io.github.quicp2p.sidecar.errors;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.github.quicp2p.sidecar.errors.InvalidFieldException.Violation;
import io.github.quicp2p.sidecar.gen.overlay.v1.ErrorReason;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SidecarErrorsTest {
  private static StatusRuntimeException told(String domain, String reason) {
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(Status.Code.RESOURCE_EXHAUSTED.value())
            .setMessage("full")
            .addDetails(
                Any.pack(
                    ErrorInfo.newBuilder()
                        .setDomain(domain)
                        .setReason(reason)
                        .putMetadata("limit", "8")
                        .build()))
            .addDetails(
                Any.pack(
                    RetryInfo.newBuilder()
                        .setRetryDelay(
                            com.google.protobuf.Duration.newBuilder()
                                .setSeconds(1)
                                .setNanos(500_000_000))
                        .build()))
            .addDetails(
                Any.pack(
                    BadRequest.newBuilder()
                        .addFieldViolations(
                            BadRequest.FieldViolation.newBuilder()
                                .setField("credits")
                                .setDescription("at least 1"))
                        .build()))
            .build());
  }

  @Test
  void allThatTheSidecarSays() {
    StatusRuntimeException cause = told("overlay.v1", "QUEUE_FULL");
    SidecarException error = SidecarErrors.from(cause);
    assertInstanceOf(QueueFullException.class, error);
    assertInstanceOf(BusyException.class, error);
    assertSame(cause, error.getCause());
    assertEquals("QUEUE_FULL", error.reason());
    assertEquals("full", error.detail());
    assertEquals("QUEUE_FULL: full", error.getMessage());
    assertEquals("8", error.metadata().get("limit"));
    assertEquals(Duration.ofMillis(1500), error.retryAfter().orElseThrow());
    assertEquals(List.of(new Violation("credits", "at least 1")), error.fields());
    assertEquals(Status.Code.RESOURCE_EXHAUSTED, error.code());
  }

  @Test
  void aReasonOfAnotherDomainIsNone() {
    SidecarException error = SidecarErrors.from(told("example.org", "QUEUE_FULL"));
    assertSame(SidecarException.class, error.getClass());
    assertEquals("", error.reason());
  }

  @Test
  void aReasonThatIsNotKnownIsCarried() {
    SidecarException error = SidecarErrors.from(told("overlay.v1", "OF_TOMORROW"));
    assertSame(SidecarException.class, error.getClass());
    assertEquals("OF_TOMORROW", error.reason());
  }

  @Test
  void aStatusWithoutDetailsGoesByItsCode() {
    assertInstanceOf(
        SidecarUnavailableException.class, SidecarErrors.from(Status.UNAVAILABLE, null));
    assertInstanceOf(
        DeadlinePassedException.class, SidecarErrors.from(Status.DEADLINE_EXCEEDED, null));
    assertInstanceOf(CancelledException.class, SidecarErrors.from(Status.CANCELLED, null));
    assertInstanceOf(TokenInvalidException.class, SidecarErrors.from(Status.UNAUTHENTICATED, null));
    assertInstanceOf(InternalErrorException.class, SidecarErrors.from(Status.INTERNAL, null));
    SidecarException other = SidecarErrors.from(Status.UNIMPLEMENTED, null);
    assertSame(SidecarException.class, other.getClass());
    assertEquals("unimplemented", other.detail());
    assertEquals("", other.reason());
  }

  @Test
  void aLostConnectionIsNoSidecar() {
    Status lost = Status.UNKNOWN.withCause(new ClosedChannelException());
    SidecarException error = SidecarErrors.from(lost, null);
    assertInstanceOf(SidecarUnavailableException.class, error);
    assertEquals(Status.Code.UNAVAILABLE, error.code());
  }

  @ParameterizedTest
  @EnumSource(
      value = ErrorReason.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"ERROR_REASON_UNSPECIFIED", "UNRECOGNIZED"})
  void everyReasonHasItsKind(ErrorReason reason) {
    String name = reason.name().replace("ERROR_REASON_", "");
    SidecarException error = SidecarErrors.ofReason(name, "words");
    String kind = error.getClass().getSimpleName().replace("Exception", "");
    String expected = name.equals("DEADLINE") ? "DEADLINEPASSED" : name.replace("_", "");
    expected = expected.equals("INTERNAL") ? "INTERNALERROR" : expected;
    assertEquals(expected, kind.toUpperCase(java.util.Locale.ROOT));
    assertEquals(name, error.reason());
  }
}
