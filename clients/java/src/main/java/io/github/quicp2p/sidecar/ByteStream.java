package io.github.quicp2p.sidecar;

import com.google.protobuf.ByteString;
import io.github.quicp2p.sidecar.Core.CallFuture;
import io.github.quicp2p.sidecar.errors.CancelledException;
import io.github.quicp2p.sidecar.errors.ErrorDetails;
import io.github.quicp2p.sidecar.errors.SidecarErrors;
import io.github.quicp2p.sidecar.errors.SidecarException;
import io.github.quicp2p.sidecar.errors.StreamResetException;
import io.github.quicp2p.sidecar.gen.overlay.v1.AcceptRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.AcceptResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.OpenRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.OpenResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.StreamAccept;
import io.github.quicp2p.sidecar.gen.overlay.v1.StreamAccepted;
import io.github.quicp2p.sidecar.gen.overlay.v1.StreamFinished;
import io.github.quicp2p.sidecar.gen.overlay.v1.StreamOpen;
import io.github.quicp2p.sidecar.gen.overlay.v1.StreamReset;
import io.github.quicp2p.sidecar.gen.overlay.v1.StreamServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.Status.Code;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * A byte stream to an app beside another sidecar. One thread may read while another writes.
 *
 * <p>{@link #finish} ends this app's way, and so does closing {@link #output}; {@link #close} does,
 * too, and returns once everything written is with the other sidecar. To the other app a stream
 * that is closed is whole: where this one fails halfway, {@link #cancel} it before the end of a
 * try-with-resources block.
 */
public final class ByteStream implements AutoCloseable {
  /** Bytes are written in pieces of this size. */
  static final int PIECE = 256 << 10;

  /** How long a reset may wait for its turn. */
  private static final int RESET_SECONDS = 5;

  /** Responses that may be asked for and not yet taken by the app. */
  private static final int AHEAD = 2;

  /** What differs between the two ways of having a stream. */
  private record Kind<Q, R>(
      MethodDescriptor<Q, R> method,
      Function<ByteString, Q> data,
      Function<StreamReset, Q> reset,
      Q finish,
      Function<R, StreamAccepted> accepted,
      Function<R, ByteString> payload) {}

  private static final Kind<OpenRequest, OpenResponse> OPEN =
      new Kind<>(
          StreamServiceGrpc.getOpenMethod(),
          data -> OpenRequest.newBuilder().setData(data).build(),
          reset -> OpenRequest.newBuilder().setReset(reset).build(),
          OpenRequest.newBuilder().setFinish(StreamFinished.getDefaultInstance()).build(),
          response -> response.hasAccepted() ? response.getAccepted() : null,
          response -> response.hasData() ? response.getData() : null);

  private static final Kind<AcceptRequest, AcceptResponse> ACCEPT =
      new Kind<>(
          StreamServiceGrpc.getAcceptMethod(),
          data -> AcceptRequest.newBuilder().setData(data).build(),
          reset -> AcceptRequest.newBuilder().setReset(reset).build(),
          AcceptRequest.newBuilder().setFinish(StreamFinished.getDefaultInstance()).build(),
          response -> response.hasAccepted() ? response.getAccepted() : null,
          response -> response.hasData() ? response.getData() : null);

  private final Core core;
  private final Call<?, ?> call;
  private final Object lock = new Object();
  private final CompletableFuture<ByteStream> accepted = new CompletableFuture<>();
  private final CompletableFuture<Void> over = new CompletableFuture<>();
  private final Deque<ByteString> came = new ArrayDeque<>();
  private final InputStream input = new StreamInput(this);
  private final OutputStream output = new StreamOutput(this);
  private String peerId;
  private String name;
  private Map<String, String> headers;
  private CompletableFuture<ByteString> reader;
  private CompletableFuture<Void> writer;
  private ByteString toWrite = ByteString.EMPTY;
  private SidecarException failure;

  /** Whether a read or a write has thrown it. */
  private boolean told;

  private boolean ended;
  private boolean finished;

  /** To finish when the write that is under way has been taken. */
  private boolean closing;

  /** By this app. */
  private boolean reset;

  private boolean discarding;
  private boolean acceptedThere;
  private boolean cancelled;

  private <Q, R> ByteStream(
      Core core, Kind<Q, R> kind, Q first, StreamAccepted known, CallOptions options) {
    this.core = core;
    peerId = known.getPeerId();
    name = known.getName();
    headers = known.getHeadersMap();
    Call<Q, R> made = new Call<>(kind, options);
    call = made;
    made.start(first);
  }

  static ByteStream open(Core core, String peerId, String name, StreamOptions options) {
    StreamOpen.Builder open =
        StreamOpen.newBuilder().setPeerId(peerId).setName(name).putAllHeaders(options.headers());
    options.acceptTimeout().ifPresent(time -> open.setAcceptTimeout(Wire.duration(time)));
    StreamAccepted known =
        StreamAccepted.newBuilder()
            .setPeerId(peerId)
            .setName(name)
            .putAllHeaders(options.headers())
            .build();
    return new ByteStream(
        core, OPEN, OpenRequest.newBuilder().setOpen(open).build(), known, CallOptions.DEFAULT);
  }

  /** Waits for the next stream of that name. The time, where one is given, is for the wait. */
  static CompletableFuture<ByteStream> accept(Core core, String name, AcceptOptions options) {
    StreamAccept accept =
        StreamAccept.newBuilder().setName(name).addAllPeerIds(options.peerIds()).build();
    ByteStream stream =
        new ByteStream(
            core,
            ACCEPT,
            AcceptRequest.newBuilder().setAccept(accept).build(),
            StreamAccepted.newBuilder().setName(name).build(),
            CallOptions.DEFAULT);
    CallFuture<ByteStream> future = new CallFuture<>();
    future.follows(stream.accepted);
    future.aborts(stream::cancel);
    options
        .timeout()
        .ifPresent(
            time ->
                core.later(TimeUnit.NANOSECONDS.toMillis(Wire.nanos(time)))
                    .execute(() -> stream.giveUp("no stream came within " + time)));
    return future;
  }

  private void giveUp(String words) {
    SidecarException late = SidecarErrors.ofReason("DEADLINE", words);
    if (accepted.completeExceptionally(late)) {
      cancel();
    }
  }

  /** The other peer, proven by its key. */
  public String peerId() {
    synchronized (lock) {
      return peerId;
    }
  }

  /** The stream's name. */
  public String name() {
    synchronized (lock) {
      return name;
    }
  }

  /** What the app that opened it says. */
  public Map<String, String> headers() {
    synchronized (lock) {
      return headers;
    }
  }

  /** Returns once the other app has taken it; throws why it was not. */
  public ByteStream opened() {
    return Core.await(accepted.copy());
  }

  /** {@link #opened} as a future. */
  public CompletableFuture<ByteStream> openedAsync() {
    return accepted.copy();
  }

  // writing

  /** Takes bytes; waits while the other app does not read. */
  public void write(byte[] data) {
    write(data, 0, data.length);
  }

  /** Takes a part of an array; waits while the other app does not read. */
  public void write(byte[] data, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, data.length);
    write(ByteString.copyFrom(data, offset, length));
  }

  /** Takes bytes; waits while the other app does not read. An interrupt ends the stream. */
  public void write(ByteString data) {
    try {
      Core.await(begin(data));
    } catch (CancelledException interrupted) {
      cancel();
      throw interrupted;
    }
  }

  /**
   * Complete when the bytes were taken; one write at a time, IllegalStateException says so.
   *
   * @throws IllegalStateException when the former write is under way, or after {@link #finish}
   */
  public CompletableFuture<Void> writeAsync(ByteString data) {
    return begin(data).thenApplyAsync(Function.identity(), core.executor);
  }

  private CompletableFuture<Void> begin(ByteString data) {
    CompletableFuture<Void> future = new CompletableFuture<>();
    synchronized (lock) {
      if (writer != null) {
        throw new IllegalStateException("another write is under way");
      }
      if ((finished || closing) && failure == null) {
        throw new IllegalStateException("the stream's way out was finished");
      }
      writer = future;
      toWrite = data;
    }
    progress();
    return future;
  }

  /** Writes what may be written now. */
  private void progress() {
    CompletableFuture<Void> done = null;
    SidecarException error = null;
    synchronized (lock) {
      while (writer != null && done == null) {
        if (failure != null || over.isDone() || cancelled || reset) {
          error = why();
          told = told || error == failure;
          done = writer;
        } else if (toWrite.isEmpty()) {
          done = writer;
        } else if (call.ready()) {
          int size = Math.min(PIECE, toWrite.size());
          call.send(toWrite.substring(0, size));
          toWrite = toWrite.substring(size);
        } else {
          return;
        }
      }
      writer = null;
      finishClosing();
    }
    if (done != null && error != null) {
      done.completeExceptionally(error);
    } else if (done != null) {
      done.complete(null);
    }
  }

  private SidecarException why() {
    return failure != null
        ? failure
        : new StreamResetException(
            ErrorDetails.of("the stream is over", Code.ABORTED, "STREAM_RESET"));
  }

  /** Writes no more; reading goes on. */
  public void finish() {
    synchronized (lock) {
      if (writer != null) {
        throw new IllegalStateException("a write is under way");
      }
      if (!finished && !cancelled) {
        finished = true;
        call.finish();
      }
    }
  }

  /** What {@link #close} began; under the lock. */
  private void finishClosing() {
    if (closing && writer == null && !finished && !cancelled && !over.isDone()) {
      finished = true;
      call.finish();
    }
  }

  // reading

  /**
   * The next bytes, as many as came together; empty at the end.
   *
   * @throws SidecarException StreamResetException, StreamLostException and the like
   */
  public ByteString read() {
    return Core.await(next());
  }

  /** {@link #read} as a future; one at a time, IllegalStateException says so. */
  public CompletableFuture<ByteString> readAsync() {
    return next().thenApplyAsync(Function.identity(), core.executor);
  }

  private CompletableFuture<ByteString> next() {
    synchronized (lock) {
      if (reader != null && !reader.isDone()) {
        throw new IllegalStateException("another read is under way");
      }
      ByteString data = came.pollFirst();
      if (data != null) {
        call.more();
        return CompletableFuture.completedFuture(data);
      }
      if (ended) {
        return CompletableFuture.completedFuture(ByteString.EMPTY);
      }
      if (failure != null) {
        told = true;
        return CompletableFuture.failedFuture(failure);
      }
      reader = new CompletableFuture<>();
      return reader;
    }
  }

  /** Everything to the end. */
  public ByteString readAll() {
    ByteString.Output all = ByteString.newOutput();
    try {
      for (ByteString part = read(); !part.isEmpty(); part = read()) {
        part.writeTo(all);
      }
    } catch (IOException impossible) {
      throw new IllegalStateException(impossible);
    }
    return all.toByteString();
  }

  /**
   * The way in, as a stream. What fails is an IOException whose cause is the SidecarException; its
   * {@code close} closes the whole stream.
   */
  public InputStream input() {
    return input;
  }

  /**
   * The way out, as a stream without a buffer of its own. What fails is an IOException whose cause
   * is the SidecarException; its {@code close} is {@link #finish}.
   */
  public OutputStream output() {
    return output;
  }

  // ending

  /** {@link #reset(long, String)} without words. */
  public void reset(long code) {
    reset(code, "");
  }

  /** Ends it in both directions; the other app gets the code, unsigned, and the words. */
  public void reset(long code, String detail) {
    synchronized (lock) {
      boolean open = !over.isDone() && !cancelled && !reset;
      if (open && finished) {
        // Behind the end of this way nothing more can be said.
        cancelled = true;
        call.cancel();
      } else if (open) {
        finished = true;
        reset = true;
        call.reset(StreamReset.newBuilder().setCode(code).setDetail(detail).build());
      }
    }
    progress();
    discard();
    // It has its turn behind what was written, which may be stuck.
    Core.await(over.copy().completeOnTimeout(null, RESET_SECONDS, TimeUnit.SECONDS));
    cancel();
  }

  /**
   * Ends the stream: writes no more, passes over what still comes, and returns once both ways have
   * ended and everything written is with the other sidecar, which waits for a write that is under
   * way and for the other app to end its way. After {@link #cancel} or {@link #reset} it does
   * nothing. An interrupt is a {@link #cancel}.
   *
   * @throws SidecarException where the stream failed before that, and neither a read nor a write
   *     has said so
   */
  @Override
  public void close() {
    finishAndDiscard();
    try {
      Core.await(over.copy());
    } catch (CancelledException interrupted) {
      cancel();
      throw interrupted;
    }
    throwFailure();
  }

  /** {@link #close} as a future. */
  public CompletableFuture<Void> closeAsync() {
    finishAndDiscard();
    return over.thenRunAsync(this::throwFailure, core.executor);
  }

  private void finishAndDiscard() {
    synchronized (lock) {
      closing = true;
      finishClosing();
    }
    discard();
  }

  /**
   * Not the exception itself: it may be what a try-with-resources block is left by, and none can be
   * suppressed by itself.
   */
  private void throwFailure() {
    synchronized (lock) {
      if (failure != null && !told && !cancelled && !reset) {
        throw SidecarErrors.again(failure);
      }
    }
  }

  /** Ends it at once, as if the app had gone: the other app is told that it was reset. */
  public void cancel() {
    synchronized (lock) {
      if (!cancelled) {
        cancelled = true;
        call.cancel();
      }
    }
    progress();
  }

  /** What still comes is passed over. */
  private void discard() {
    int room;
    synchronized (lock) {
      discarding = true;
      room = came.size();
      came.clear();
    }
    for (int i = 0; i < room; i++) {
      call.more();
    }
  }

  @Override
  public String toString() {
    return "ByteStream " + name() + " with " + peerId();
  }

  /** The call under the stream; its writing methods are called under the stream's lock. */
  private final class Call<Q, R> extends ClientCall.Listener<R> {
    private final Kind<Q, R> kind;
    private final ClientCall<Q, R> call;

    Call(Kind<Q, R> kind, CallOptions options) {
      this.kind = kind;
      call =
          core.channel.newCall(
              kind.method(), options.withExecutor(Core.DIRECT).withOnReadyThreshold(PIECE));
    }

    void start(Q first) {
      call.start(this, new Metadata());
      call.request(AHEAD);
      call.sendMessage(first);
    }

    boolean ready() {
      return call.isReady();
    }

    void send(ByteString data) {
      call.sendMessage(kind.data().apply(data));
    }

    void finish() {
      call.sendMessage(kind.finish());
      call.halfClose();
    }

    void reset(StreamReset reset) {
      call.sendMessage(kind.reset().apply(reset));
      call.halfClose();
    }

    void more() {
      call.request(1);
    }

    void cancel() {
      call.cancel("the stream was cancelled", null);
    }

    @Override
    public void onReady() {
      progress();
    }

    @Override
    public void onMessage(R response) {
      StreamAccepted told = kind.accepted().apply(response);
      ByteString data = kind.payload().apply(response);
      CompletableFuture<ByteString> waits = null;
      boolean held = false;
      synchronized (lock) {
        if (told != null) {
          acceptedThere = true;
          peerId = told.getPeerId();
          name = told.getName();
          headers = told.getHeadersMap();
        } else if (data != null && !data.isEmpty() && !discarding) {
          if (reader != null && !reader.isDone()) {
            waits = reader;
            reader = null;
          } else {
            came.addLast(data);
            held = true;
          }
        }
      }
      if (told != null) {
        core.executor.execute(() -> accepted.complete(ByteStream.this));
      }
      if (waits != null) {
        waits.complete(data);
      }
      if (!held) {
        more();
      }
      if (isEnd(response)) {
        finishedThere();
      }
    }

    private boolean isEnd(R response) {
      return response instanceof OpenResponse open && open.hasFinished()
          || response instanceof AcceptResponse accept && accept.hasFinished();
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      SidecarException error = status.isOk() ? null : core.error(status, trailers);
      CompletableFuture<ByteString> waits;
      boolean taken;
      synchronized (lock) {
        failure = error;
        taken = acceptedThere;
        waits = reader;
        reader = null;
        told = waits != null && error != null;
      }
      SidecarException unaccepted =
          error != null
              ? error
              : new StreamResetException(
                  ErrorDetails.of(
                      "the stream ended before it was accepted", Code.ABORTED, "STREAM_RESET"));
      if (!taken) {
        core.executor.execute(() -> accepted.completeExceptionally(unaccepted));
      }
      over.complete(null);
      if (error == null) {
        finishedThere();
      }
      if (waits != null && error != null) {
        waits.completeExceptionally(error);
      } else if (waits != null) {
        waits.complete(ByteString.EMPTY);
      }
      progress();
    }

    private void finishedThere() {
      CompletableFuture<ByteString> waits;
      synchronized (lock) {
        ended = true;
        waits = reader;
        reader = null;
      }
      if (waits != null) {
        waits.complete(ByteString.EMPTY);
      }
    }
  }
}
