package io.github.quicp2p.sidecar.errors;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.github.quicp2p.sidecar.errors.InvalidFieldException.Violation;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Turns what gRPC and receipts tell into this client's exceptions. */
public final class SidecarErrors {
  private static final String DOMAIN = "overlay.v1";

  private record Kind(
      String reason, Code code, Function<ErrorDetails, ? extends SidecarException> make) {}

  private static final Map<String, Kind> BY_REASON =
      Stream.of(
              entry("INVALID_FIELD", Code.INVALID_ARGUMENT, InvalidFieldException::new),
              entry("MESSAGE_TOO_LARGE", Code.INVALID_ARGUMENT, MessageTooLargeException::new),
              entry("PEER_IS_SELF", Code.INVALID_ARGUMENT, PeerIsSelfException::new),
              entry("FRAME_UNEXPECTED", Code.INVALID_ARGUMENT, FrameUnexpectedException::new),
              entry("TOKEN_INVALID", Code.UNAUTHENTICATED, TokenInvalidException::new),
              entry("SCOPE_DENIED", Code.PERMISSION_DENIED, ScopeDeniedException::new),
              entry("PEER_NOT_ALLOWED", Code.PERMISSION_DENIED, PeerNotAllowedException::new),
              entry("CURSOR_EXPIRED", Code.OUT_OF_RANGE, CursorExpiredException::new),
              entry("PEER_UNKNOWN", Code.NOT_FOUND, PeerUnknownException::new),
              entry("CONTACT_UNKNOWN", Code.NOT_FOUND, ContactUnknownException::new),
              entry("LETTER_UNKNOWN", Code.NOT_FOUND, LetterUnknownException::new),
              entry("PEER_UNREACHABLE", Code.UNAVAILABLE, PeerUnreachableException::new),
              entry("PEER_NOT_DIALABLE", Code.UNAVAILABLE, PeerNotDialableException::new),
              entry("PEER_REFUSED", Code.FAILED_PRECONDITION, PeerRefusedException::new),
              entry("IDENTITY_MISMATCH", Code.FAILED_PRECONDITION, IdentityMismatchException::new),
              entry("PEER_UNTRUSTED", Code.PERMISSION_DENIED, PeerUntrustedException::new),
              entry("LINK_CLOSED", Code.UNAVAILABLE, LinkClosedException::new),
              entry("BOOTSTRAP_FAILED", Code.UNAVAILABLE, BootstrapFailedException::new),
              entry("OUTCOME_UNKNOWN", Code.UNKNOWN, OutcomeUnknownException::new),
              entry(
                  "UNSUPPORTED_BY_PEER", Code.FAILED_PRECONDITION, UnsupportedByPeerException::new),
              entry("DEAD_LETTERED", Code.FAILED_PRECONDITION, DeadLetteredException::new),
              entry("EXPIRED", Code.DEADLINE_EXCEEDED, ExpiredException::new),
              entry("PURGED", Code.CANCELLED, PurgedException::new),
              entry("QUEUE_FULL", Code.RESOURCE_EXHAUSTED, QueueFullException::new),
              entry("LIMIT_REACHED", Code.RESOURCE_EXHAUSTED, LimitReachedException::new),
              entry("JOURNAL_FULL", Code.RESOURCE_EXHAUSTED, JournalFullException::new),
              entry("NO_SUBSCRIBER", Code.RESOURCE_EXHAUSTED, NoSubscriberException::new),
              entry("STREAM_LOST", Code.UNAVAILABLE, StreamLostException::new),
              entry("PENDING", Code.DEADLINE_EXCEEDED, PendingException::new),
              entry("CANCELLED", Code.CANCELLED, CancelledException::new),
              entry("DRAINING", Code.UNAVAILABLE, DrainingException::new),
              entry("JOURNAL_FAILED", Code.UNAVAILABLE, JournalFailedException::new),
              entry("INTERNAL", Code.INTERNAL, InternalErrorException::new),
              entry("REQUEST_FAILED", Code.ABORTED, RequestFailedException::new),
              entry("STREAM_RESET", Code.ABORTED, StreamResetException::new),
              entry("DEADLINE", Code.DEADLINE_EXCEEDED, DeadlinePassedException::new))
          .collect(Collectors.toUnmodifiableMap(Kind::reason, Function.identity()));

  private SidecarErrors() {}

  private static Kind entry(
      String reason, Code code, Function<ErrorDetails, ? extends SidecarException> make) {
    return new Kind(reason, code, make);
  }

  /** The exception for a reason that came in another way than as a status, such as a receipt. */
  public static SidecarException ofReason(String reason, String detail) {
    Kind kind = BY_REASON.get(reason);
    return of(ErrorDetails.of(detail, kind == null ? Code.UNKNOWN : kind.code(), reason));
  }

  /** The exception for what is known of a failure: by its reason, else by its status. */
  public static SidecarException of(ErrorDetails details) {
    if (!details.reason().isEmpty()) {
      Kind kind = BY_REASON.get(details.reason());
      return kind == null ? new SidecarException(details) : kind.make().apply(details);
    }
    return switch (details.code()) {
      case UNAVAILABLE -> new SidecarUnavailableException(details);
      case DEADLINE_EXCEEDED -> new DeadlinePassedException(details);
      case CANCELLED -> new CancelledException(details);
      case UNAUTHENTICATED -> new TokenInvalidException(details);
      case INTERNAL -> new InternalErrorException(details);
      default -> new SidecarException(details);
    };
  }

  /** Another exception for the same failure, which becomes its cause. */
  public static SidecarException again(SidecarException error) {
    return of(error.details().withCause(error));
  }

  /** What a stub of {@code sidecar.stubs()} threw, in this client's terms; it becomes the cause. */
  public static SidecarException from(StatusRuntimeException error) {
    return from(error.getStatus(), error.getTrailers(), error);
  }

  /** The same for the checked kind. */
  public static SidecarException from(StatusException error) {
    return from(error.getStatus(), error.getTrailers(), error);
  }

  /** A status, and the trailers that came with it, in this client's terms. */
  public static SidecarException from(Status status, Metadata trailers) {
    return from(status, trailers, status.asRuntimeException(trailers));
  }

  private static SidecarException from(Status status, Metadata trailers, Throwable cause) {
    String detail = status.getDescription();
    if (detail == null || detail.isEmpty()) {
      detail = status.getCode().name().replace('_', ' ').toLowerCase(Locale.ROOT);
    }
    String reason = "";
    Map<String, String> metadata = Map.of();
    List<Violation> fields = new ArrayList<>();
    Duration retryAfter = null;
    com.google.rpc.Status packed =
        StatusProto.fromStatusAndTrailers(status, trailers == null ? new Metadata() : trailers);
    try {
      for (Any item : packed.getDetailsList()) {
        if (item.is(ErrorInfo.class)) {
          ErrorInfo info = item.unpack(ErrorInfo.class);
          if (info.getDomain().equals(DOMAIN)) {
            reason = info.getReason();
            metadata = info.getMetadataMap();
          }
        } else if (item.is(BadRequest.class)) {
          item.unpack(BadRequest.class)
              .getFieldViolationsList()
              .forEach(one -> fields.add(new Violation(one.getField(), one.getDescription())));
        } else if (item.is(RetryInfo.class)) {
          com.google.protobuf.Duration delay = item.unpack(RetryInfo.class).getRetryDelay();
          retryAfter = Duration.ofSeconds(delay.getSeconds(), delay.getNanos());
        }
      }
    } catch (InvalidProtocolBufferException malformed) {
      cause.addSuppressed(malformed);
    }
    // A connection that is lost under the call is UNKNOWN to Netty, caused by an I/O error.
    boolean lost = status.getCode() == Code.UNKNOWN && status.getCause() instanceof IOException;
    Code code = lost ? Code.UNAVAILABLE : status.getCode();
    return of(new ErrorDetails(detail, code, reason, metadata, fields, retryAfter, cause));
  }
}
