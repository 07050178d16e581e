package io.github.quicp2p.sidecar;

import com.google.protobuf.ByteString;
import io.github.quicp2p.sidecar.errors.ErrorDetails;
import io.github.quicp2p.sidecar.errors.NotFoundException;
import io.github.quicp2p.sidecar.errors.OutcomeUnknownException;
import io.github.quicp2p.sidecar.errors.RequestException;
import io.github.quicp2p.sidecar.errors.SendFailedException;
import io.github.quicp2p.sidecar.errors.SendFailedException.Failure;
import io.github.quicp2p.sidecar.errors.SidecarErrors;
import io.github.quicp2p.sidecar.errors.SidecarException;
import io.github.quicp2p.sidecar.errors.SidecarUnavailableException;
import io.github.quicp2p.sidecar.gen.overlay.v1.Chunk;
import io.github.quicp2p.sidecar.gen.overlay.v1.DeliveryException;
import io.github.quicp2p.sidecar.gen.overlay.v1.Message;
import io.github.quicp2p.sidecar.gen.overlay.v1.Receipt;
import io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamResponse;
import io.grpc.Status.Code;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * The sender's end of a SendStream, without any I/O: messages in, frames out, receipts in, outcomes
 * out. Numbers run from 1; a message stays counted in {@link #pendingBytes} until it has an
 * outcome.
 */
final class Outgoing {
  /** Messages are gathered into frames of about this size; a larger one makes its own. */
  static final int FRAME_BYTES = 1 << 20;

  /** The parts of a message that no frame can hold. */
  static final int CHUNK_BYTES = 2 << 20;

  /** Room for a message's headers and tags, when it is judged whether a frame can hold it. */
  static final int ENVELOPE_BYTES = 64 << 10;

  /** How many bytes may be without an outcome before {@link #full} says to wait. */
  static final long WINDOW_BYTES = 16 << 20;

  /** What a message counts beside its payload. */
  static final int MESSAGE_BYTES = 64;

  private static final int TAG_BYTES = 10;

  /** Messages that go together, or one that goes in chunks. */
  private static final class Waiting {
    final SendStreamRequest.Builder together = SendStreamRequest.newBuilder();
    final Message large;
    long bytes;

    Waiting(Message large) {
      this.large = large;
    }
  }

  private final Wait level;
  private final Deque<Waiting> waiting = new ArrayDeque<>();

  /**
   * The bytes of messages without an outcome: number n is at n modulo the length, a power of two.
   */
  private int[] sizes = new int[64];

  private final List<Failure> failures = new ArrayList<>();
  private int offset;
  private long count;
  private long through;
  private long taken;
  private long pendingBytes;
  private int reported;
  private SidecarException ended;

  Outgoing(Wait level) {
    this.level = level;
  }

  /** The number of the last message that was added. */
  long count() {
    return count;
  }

  /** Up to which number every message has an outcome. */
  long through() {
    return through;
  }

  long pendingBytes() {
    return pendingBytes;
  }

  /** Why the call is over, once it is; else null. */
  SidecarException ended() {
    return ended;
  }

  /** Whether to wait for outcomes before adding more. */
  boolean full() {
    return pendingBytes >= WINDOW_BYTES;
  }

  /** Whether frames wait to be taken. */
  boolean hasFrame() {
    return !waiting.isEmpty();
  }

  /** Takes a message, in chunks where {@code large}; gives its number. */
  long add(Message message, boolean large) {
    if (large) {
      waiting.addLast(new Waiting(message));
    } else {
      gather(message);
    }
    if (count - through == sizes.length) {
      sizes = grown();
    }
    count++;
    int bytes = message.getPayload().size() + MESSAGE_BYTES;
    sizes[placeOf(count)] = bytes;
    pendingBytes += bytes;
    return count;
  }

  private void gather(Message message) {
    int size = message.getSerializedSize() + TAG_BYTES;
    Waiting last = waiting.peekLast();
    if (last == null || last.large != null || last.bytes + size > FRAME_BYTES) {
      last = new Waiting(null);
      waiting.addLast(last);
    }
    last.bytes += size;
    last.together.addMessages(message);
  }

  private int placeOf(long number) {
    return (int) number & sizes.length - 1;
  }

  private int[] grown() {
    int[] larger = new int[2 * sizes.length];
    for (long number = through + 1; number <= count; number++) {
      larger[(int) number & larger.length - 1] = sizes[placeOf(number)];
    }
    return larger;
  }

  /** The next frame; null when nothing waits. */
  SendStreamRequest nextFrame() {
    Waiting first = waiting.peekFirst();
    if (first == null) {
      return null;
    }
    if (first.large != null) {
      return nextChunk(first.large);
    }
    waiting.removeFirst();
    taken += first.together.getMessagesCount();
    return first.together.build();
  }

  private SendStreamRequest nextChunk(Message message) {
    ByteString payload = message.getPayload();
    int end = Math.min(payload.size(), offset + CHUNK_BYTES);
    Chunk.Builder chunk =
        Chunk.newBuilder()
            .setMessageId(message.getMessageId())
            .setOffset(offset)
            .setTotal(payload.size())
            .setData(payload.substring(offset, end));
    if (offset == 0) {
      chunk.putAllHeaders(message.getHeadersMap());
      taken++;
    }
    offset = end;
    if (end == payload.size()) {
      offset = 0;
      waiting.removeFirst();
    }
    return SendStreamRequest.newBuilder().setChunk(chunk).build();
  }

  /** Takes what the sidecar tells. */
  void receipts(SendStreamResponse response) {
    for (Receipt receipt : response.getReceiptsList()) {
      for (DeliveryException exception : receipt.getExceptionsList()) {
        failures.add(
            new Failure(
                exception.getFirst(),
                exception.getLast(),
                SidecarErrors.ofReason(Wire.reason(exception.getReason()), exception.getDetail())));
      }
      if (receipt.getLevel() == level.wire()) {
        outcomesThrough(receipt.getThroughSequence());
      }
    }
  }

  /** The call is over, by an error or (null) as it should: what has no outcome gets one. */
  void end(SidecarException error) {
    if (ended != null) {
      return;
    }
    SidecarException cause =
        error != null ? error : unavailable("the sidecar ended the call early");
    ended = error != null ? error : unavailable("the sender is closed");
    boolean refused = cause instanceof RequestException || cause instanceof NotFoundException;
    long handed = Math.max(through, taken);
    if (handed > through) {
      SidecarException unknown =
          refused
              ? cause
              : new OutcomeUnknownException(
                  ErrorDetails.of(
                          "the call ended before the sidecar told what became of it: "
                              + cause.getMessage(),
                          cause.code(),
                          "OUTCOME_UNKNOWN")
                      .withCause(cause));
      failures.add(new Failure(through + 1, handed, unknown));
    }
    if (count > handed) {
      failures.add(new Failure(handed + 1, count, cause));
    }
    outcomesThrough(count);
    waiting.clear();
  }

  private static SidecarUnavailableException unavailable(String words) {
    return new SidecarUnavailableException(ErrorDetails.of(words, Code.UNAVAILABLE, ""));
  }

  private void outcomesThrough(long number) {
    long to = Math.min(number, count);
    while (through < to) {
      through++;
      pendingBytes -= sizes[placeOf(through)];
    }
  }

  /** Why message {@code number} failed; null when it reached its level. Of one with an outcome. */
  SidecarException errorOf(long number) {
    for (Failure failure : failures) {
      if (failure.first() <= number && number <= failure.last()) {
        return failure.error();
      }
    }
    return null;
  }

  /** The failures that this has not given before; null when there are none. */
  SendFailedException newFailures() {
    if (reported == failures.size()) {
      return null;
    }
    List<Failure> fresh = List.copyOf(failures.subList(reported, failures.size()));
    reported = failures.size();
    return new SendFailedException(fresh);
  }

  @Override
  public String toString() {
    return count
        + " messages, "
        + through
        + " with an outcome, "
        + pendingBytes
        + " bytes pending, "
        + failures.size()
        + " failures"
        + (ended == null ? "" : ", ended");
  }
}
