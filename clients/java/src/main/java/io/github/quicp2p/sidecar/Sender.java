package io.github.quicp2p.sidecar;

import com.google.protobuf.ByteString;
import io.github.quicp2p.sidecar.Core.CallFuture;
import io.github.quicp2p.sidecar.errors.ErrorDetails;
import io.github.quicp2p.sidecar.errors.MessageTooLargeException;
import io.github.quicp2p.sidecar.errors.SendFailedException;
import io.github.quicp2p.sidecar.errors.SidecarException;
import io.github.quicp2p.sidecar.gen.overlay.v1.Limits;
import io.github.quicp2p.sidecar.gen.overlay.v1.Message;
import io.github.quicp2p.sidecar.gen.overlay.v1.MessageServiceGrpc;
import io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamOpen;
import io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamResponse;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.Status.Code;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/**
 * Many messages to one peer and channel over one call, pipelined.
 *
 * <p>{@link #send} returns as soon as there is room (16 MiB may be without an outcome) and gives
 * the message's number; {@link #result} waits for one message, {@link #flush} for all so far, and
 * so does {@link #close}. When the sidecar goes away, what was handed over fails with
 * OutcomeUnknownException and the sender is of no more use: open a new one. It may be used by
 * several threads. Each verb has a form that gives a future.
 */
public final class Sender implements AutoCloseable {
  /** Sends of {@link #sendAsync} that may wait for room. */
  private static final int MOST_WAITING = 1024;

  private record Outcome(long number, CompletableFuture<Void> future) {}

  private record Queued(Message message, boolean large, CompletableFuture<Long> future) {}

  private final Core core;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Outgoing book;
  private final ClientCall<SendStreamRequest, SendStreamResponse> call;
  private final PriorityQueue<Outcome> outcomes =
      new PriorityQueue<>(Comparator.comparingLong(Outcome::number));
  private final Deque<Queued> queued = new ArrayDeque<>();
  private final CompletableFuture<Void> over = new CompletableFuture<>();
  private boolean pumping;
  private boolean closing;
  private boolean halfClosed;
  private boolean started;
  private boolean cancelled;

  private Sender(Core core, Wait level, CallOptions options) {
    this.core = core;
    book = new Outgoing(level);
    // Ready is a call that has written all it was given: what comes meanwhile is one frame.
    call =
        core.channel.newCall(
            MessageServiceGrpc.getSendStreamMethod(), options.withOnReadyThreshold(1));
  }

  /** The timeout is for all of it; null for none. */
  static Sender open(
      Core core, String peerId, String channel, SendOptions options, Duration timeout) {
    CallOptions call = timeout == null ? CallOptions.DEFAULT : Core.within(timeout);
    SendStreamOpen.Builder opening =
        SendStreamOpen.newBuilder()
            .setPeerId(peerId)
            .setChannel(channel)
            .setPriority(options.priority().wire())
            .setLevel(options.level().wire())
            .setDurable(options.durable());
    options.ttl().ifPresent(ttl -> opening.setTtl(Wire.duration(ttl)));
    Sender sender = new Sender(core, options.level(), call);
    sender.call.start(sender.new Listener(), new Metadata());
    sender.call.request(2);
    sender.call.sendMessage(SendStreamRequest.newBuilder().setOpen(opening).build());
    sender.lock.lock();
    try {
      sender.started = true;
    } finally {
      sender.lock.unlock();
    }
    sender.kick();
    return sender;
  }

  /** {@link #send(ByteString, Map, String)} without headers and id; the array is copied. */
  public long send(byte[] payload) {
    return send(ByteString.copyFrom(payload), Map.of(), "");
  }

  /**
   * Takes a message of any size; waits while there is no room.
   *
   * @return its number, from 1 on
   * @throws SidecarException what ended the call, once it has ended
   */
  public long send(ByteString payload, Map<String, String> headers, String messageId) {
    boolean large = payload.size() > Limit.ASKED_ABOVE && Core.await(large(core, payload.size()));
    Message message = message(payload, headers, messageId);
    long number;
    boolean idle;
    lock.lock();
    try {
      while ((book.full() || !queued.isEmpty()) && book.ended() == null && !closing) {
        changed.await();
      }
      checkOpen();
      number = book.add(message, large);
      idle = toPump();
    } catch (InterruptedException interrupt) {
      throw Core.interrupted();
    } finally {
      lock.unlock();
    }
    if (idle) {
      core.executor.execute(this::pump);
    }
    return number;
  }

  /**
   * Takes a message of any size; the future is complete, with its number, once there was room for
   * it. At most 1,024 may wait so: IllegalStateException says to wait for former ones.
   */
  public CompletableFuture<Long> sendAsync(
      ByteString payload, Map<String, String> headers, String messageId) {
    Message message = message(payload, headers, messageId);
    if (payload.size() <= Limit.ASKED_ABOVE) {
      return sendAsync(message, false);
    }
    return large(core, payload.size())
        .thenComposeAsync(large -> sendAsync(message, large), core.executor);
  }

  /** {@link #sendAsync(ByteString, Map, String)} without headers and id; the array is copied. */
  public CompletableFuture<Long> sendAsync(byte[] payload) {
    return sendAsync(ByteString.copyFrom(payload), Map.of(), "");
  }

  private CompletableFuture<Long> sendAsync(Message message, boolean large) {
    CompletableFuture<Long> future = new CompletableFuture<>();
    lock.lock();
    try {
      checkOpen();
      if (!book.full() && queued.isEmpty()) {
        future.complete(book.add(message, large));
      } else if (queued.size() >= MOST_WAITING) {
        throw new IllegalStateException(
            MOST_WAITING + " messages wait for room: wait for their futures before sending more");
      } else {
        queued.addLast(new Queued(message, large, future));
      }
    } catch (SidecarException error) {
      future.completeExceptionally(error);
    } finally {
      lock.unlock();
    }
    kick();
    return future;
  }

  /** Returns once the message has reached its level; throws why it did not. */
  public void result(long number) {
    Core.await(outcome(number));
  }

  /** The same for so long at most; then DeadlinePassedException. */
  public void result(long number, Duration timeout) {
    Core.await(
        outcome(number), timeout, () -> "message " + number + " has no outcome after " + timeout);
  }

  /** Complete once the message has reached its level; it fails with why it did not. */
  public CompletableFuture<Void> resultAsync(long number) {
    return unhurried(outcome(number));
  }

  /**
   * What depends on it may wait: not on a thread that has to learn what it waits for. A future that
   * only this class waits for is completed where its outcome is read.
   */
  private <T> CompletableFuture<T> unhurried(CompletableFuture<T> future) {
    return future.isDone() ? future : future.thenApplyAsync(Function.identity(), core.executor);
  }

  private CompletableFuture<Void> outcome(long number) {
    CompletableFuture<Void> future = new CompletableFuture<>();
    SidecarException error;
    lock.lock();
    try {
      if (number < 1 || number > book.count()) {
        throw new IllegalArgumentException("no message has the number " + number);
      }
      if (book.through() < number) {
        outcomes.add(new Outcome(number, future));
        return future.thenRun(() -> throwOf(number));
      }
      error = book.errorOf(number);
    } finally {
      lock.unlock();
    }
    if (error == null) {
      future.complete(null);
    } else {
      future.completeExceptionally(error);
    }
    return future;
  }

  private void throwOf(long number) {
    SidecarException error;
    lock.lock();
    try {
      error = book.errorOf(number);
    } finally {
      lock.unlock();
    }
    if (error != null) {
      throw error;
    }
  }

  /**
   * Returns once every message so far has an outcome.
   *
   * @throws SendFailedException naming those that did not reach their level and were not named
   *     before
   */
  public void flush() {
    Core.await(outcomes());
  }

  /** The same for so long at most; then DeadlinePassedException. */
  public void flush(Duration timeout) {
    Core.await(outcomes(), timeout, () -> pending() + " messages have no outcome after " + timeout);
  }

  /** {@link #flush} as a future. */
  public CompletableFuture<Void> flushAsync() {
    return unhurried(outcomes());
  }

  private CompletableFuture<Void> outcomes() {
    CompletableFuture<Void> future = new CompletableFuture<>();
    lock.lock();
    try {
      long number = book.count();
      if (book.through() < number) {
        outcomes.add(new Outcome(number, future));
      } else {
        future.complete(null);
      }
    } finally {
      lock.unlock();
    }
    return future.thenRun(this::throwNewFailures);
  }

  private void throwNewFailures() {
    SendFailedException failed;
    lock.lock();
    try {
      failed = book.newFailures();
    } finally {
      lock.unlock();
    }
    if (failed != null) {
      throw failed;
    }
  }

  private long pending() {
    lock.lock();
    try {
      return book.count() - book.through();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Sends no more, waits until everything sent has an outcome, and ends the call.
   *
   * @throws SendFailedException as in {@link #flush}
   */
  @Override
  public void close() {
    try {
      Core.await(closeAsync());
    } finally {
      if (Thread.currentThread().isInterrupted()) {
        cancel();
      }
    }
  }

  /** {@link #close} as a future. */
  public CompletableFuture<Void> closeAsync() {
    lock.lock();
    try {
      closing = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    kick();
    return over.thenRunAsync(this::throwNewFailures, core.executor);
  }

  /** Ends the call at once; what has no outcome fails. */
  public void cancel() {
    lock.lock();
    try {
      cancelled = true;
      if (pumping) {
        // A call must not be written to and cancelled at once: whoever writes does it then.
        return;
      }
      pumping = true;
    } finally {
      lock.unlock();
    }
    call.cancel("the sender was cancelled", null);
  }

  @Override
  public String toString() {
    lock.lock();
    try {
      return "Sender of " + book;
    } finally {
      lock.unlock();
    }
  }

  private void checkOpen() {
    if (book.ended() != null) {
      throw book.ended();
    }
    if (closing) {
      throw new IllegalStateException("the sender is closed");
    }
  }

  private static Message message(
      ByteString payload, Map<String, String> headers, String messageId) {
    Message.Builder message = Message.newBuilder().setPayload(payload);
    if (!headers.isEmpty()) {
      message.putAllHeaders(headers);
    }
    if (!messageId.isEmpty()) {
      message.setMessageId(messageId);
    }
    return message.build();
  }

  /** Lets the pool write what may be written, unless it does already. */
  private void kick() {
    boolean idle;
    lock.lock();
    try {
      idle = toPump();
    } finally {
      lock.unlock();
    }
    if (idle) {
      core.executor.execute(this::pump);
    }
  }

  /** Whether the caller has to begin writing; under the lock. */
  private boolean toPump() {
    boolean idle = !pumping && started && !halfClosed && (book.hasFrame() || closing);
    // Not ready: what waits goes when the call says that it is.
    if (!idle || !closing && !call.isReady()) {
      return false;
    }
    pumping = true;
    return true;
  }

  private void pump() {
    while (true) {
      SendStreamRequest frame;
      boolean stop;
      lock.lock();
      try {
        stop = cancelled;
        frame = !stop && book.ended() == null && call.isReady() ? book.nextFrame() : null;
        if (frame == null && !stop) {
          pumping = false;
          if (!closing || halfClosed || book.hasFrame() || !queued.isEmpty()) {
            return;
          }
          halfClosed = true;
          call.halfClose();
          return;
        }
      } finally {
        lock.unlock();
      }
      if (stop) {
        call.cancel("the sender was cancelled", null);
        return;
      }
      call.sendMessage(frame);
    }
  }

  private Runnable later(Runnable completing) {
    return () -> core.executor.execute(completing);
  }

  /** What became known: under the lock. Gives the futures to complete without it. */
  private void settle(Deque<Runnable> done) {
    while (!outcomes.isEmpty() && outcomes.peek().number() <= book.through()) {
      CompletableFuture<Void> future = outcomes.remove().future();
      done.add(() -> future.complete(null));
    }
    while (!queued.isEmpty() && (book.ended() != null || !book.full())) {
      Queued next = queued.removeFirst();
      if (book.ended() != null) {
        SidecarException error = book.ended();
        done.add(later(() -> next.future().completeExceptionally(error)));
      } else {
        long number = book.add(next.message(), next.large());
        done.add(later(() -> next.future().complete(number)));
      }
    }
    changed.signalAll();
  }

  private final class Listener extends ClientCall.Listener<SendStreamResponse> {
    @Override
    public void onReady() {
      kick();
    }

    @Override
    public void onMessage(SendStreamResponse response) {
      Deque<Runnable> done = new ArrayDeque<>();
      lock.lock();
      try {
        book.receipts(response);
        settle(done);
      } finally {
        lock.unlock();
      }
      call.request(1);
      kick();
      done.forEach(Runnable::run);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      Deque<Runnable> done = new ArrayDeque<>();
      lock.lock();
      try {
        book.end(status.isOk() ? null : core.error(status, trailers));
        settle(done);
      } finally {
        lock.unlock();
      }
      done.forEach(Runnable::run);
      over.complete(null);
    }
  }

  /** Whether a payload goes in chunks; it fails where it is larger than the sidecar takes. */
  static CompletableFuture<Boolean> large(Core core, int size) {
    if (size <= Limit.ASKED_ABOVE) {
      return CompletableFuture.completedFuture(false);
    }
    CallFuture<Boolean> future = new CallFuture<>();
    return future.follows(core.limits().thenApply(limits -> Limit.large(limits, size)));
  }

  /** What the sidecar's limits mean for a payload. */
  static final class Limit {
    /** No limit of a sidecar is asked for below. */
    static final int ASKED_ABOVE = 1 << 20;

    private Limit() {}

    static boolean large(Limits limits, int size) {
      if (Integer.toUnsignedLong(size) > limits.getMaxMessageBytes()) {
        throw new MessageTooLargeException(
            new ErrorDetails(
                "the payload has "
                    + size
                    + " bytes, and this sidecar takes "
                    + limits.getMaxMessageBytes(),
                Code.INVALID_ARGUMENT,
                "MESSAGE_TOO_LARGE",
                Map.of(
                    "limit",
                    Long.toString(limits.getMaxMessageBytes()),
                    "size",
                    Integer.toString(size)),
                List.of(),
                null,
                null));
      }
      return size > limits.getMaxGrpcBytes() - Outgoing.ENVELOPE_BYTES;
    }
  }
}
