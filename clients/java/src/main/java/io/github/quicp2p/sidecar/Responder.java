package io.github.quicp2p.sidecar;

import com.google.protobuf.ByteString;
import io.github.quicp2p.sidecar.Core.CallFuture;
import io.github.quicp2p.sidecar.errors.ErrorDetails;
import io.github.quicp2p.sidecar.errors.SidecarException;
import io.github.quicp2p.sidecar.errors.SidecarUnavailableException;
import io.github.quicp2p.sidecar.gen.overlay.v1.Answer;
import io.github.quicp2p.sidecar.gen.overlay.v1.AnswerError;
import io.github.quicp2p.sidecar.gen.overlay.v1.MessageServiceGrpc;
import io.github.quicp2p.sidecar.gen.overlay.v1.ReplyAnswers;
import io.github.quicp2p.sidecar.gen.overlay.v1.ReplyOpen;
import io.github.quicp2p.sidecar.gen.overlay.v1.ReplyRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.ReplyResponse;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.Status.Code;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;

/**
 * Answers the requests of a channel, several at once, until it is closed or the sidecar goes away.
 */
public final class Responder implements AutoCloseable {
  private static final int MOST_WORDS = 1024;
  private static final int MOST_CODE = 128;
  private static final int MOST_PAYLOAD = 16 << 20;
  private static final int MOST_HEADERS = 8 << 10;
  private static final long CLOSE_SECONDS = 5;

  /** Begins one answer; gives what takes it back. */
  private interface Work extends BiFunction<IncomingRequest, CallFuture<Replied>, Runnable> {}

  private final Core core;
  private final Work work;
  private final Executor executor;
  private final ClientCall<ReplyRequest, ReplyResponse> call;
  private final Map<Long, Runnable> inHand = new HashMap<>();
  private final CallFuture<Void> opened = new CallFuture<>();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private final CompletableFuture<Void> over = new CompletableFuture<>();
  private boolean closing;
  private boolean halfClosed;
  private boolean closed;

  private Responder(Core core, Work work, ReplyOptions options) {
    this.core = core;
    this.work = work;
    executor = options.executor().orElse(core.executor);
    call =
        core.channel.newCall(
            MessageServiceGrpc.getReplyMethod(), CallOptions.DEFAULT.withExecutor(Core.DIRECT));
  }

  /** Answers by what holds a thread for each request. */
  static Responder holding(Core core, String channel, Answerer answerer, ReplyOptions options) {
    Executor executor = options.executor().orElse(core.executor);
    Work work =
        (request, future) -> {
          FutureTask<Void> task =
              new FutureTask<>(
                  () -> {
                    try {
                      future.complete(answerer.answer(request));
                    } catch (Exception error) {
                      future.completeExceptionally(error);
                    } catch (Error error) {
                      future.completeExceptionally(error);
                      throw error;
                    }
                    return null;
                  });
          executor.execute(task);
          return () -> task.cancel(true);
        };
    return new Responder(core, work, options).start(channel, options);
  }

  /** Answers by what gives a future for each request. */
  static Responder promising(
      Core core, String channel, AsyncAnswerer answerer, ReplyOptions options) {
    Executor executor = options.executor().orElse(core.executor);
    Work work =
        (request, future) -> {
          executor.execute(
              () -> {
                try {
                  future.follows(answerer.answer(request).toCompletableFuture());
                } catch (Exception error) {
                  future.completeExceptionally(error);
                } catch (Error error) {
                  future.completeExceptionally(error);
                  throw error;
                }
              });
          return () -> future.cancel(true);
        };
    return new Responder(core, work, options).start(channel, options);
  }

  private Responder start(String channel, ReplyOptions options) {
    opened.aborts(this::cancel);
    call.start(new Listener(), new Metadata());
    call.request(1);
    call.sendMessage(
        ReplyRequest.newBuilder()
            .setOpen(
                ReplyOpen.newBuilder()
                    .setChannel(channel)
                    .setCredits(options.credits())
                    .addAllPeerIds(options.peerIds()))
            .build());
    return this;
  }

  /** Complete when the sidecar has taken the call. */
  CompletableFuture<Void> opened() {
    return opened;
  }

  /**
   * Returns when this was closed.
   *
   * @throws SidecarException why it has ended otherwise
   */
  public void await() {
    try {
      Core.await(ended.copy());
    } finally {
      if (Thread.currentThread().isInterrupted()) {
        cancel();
      }
    }
  }

  /** Complete when this was closed; it fails with why it has ended otherwise. */
  public CompletableFuture<Void> ended() {
    return ended.copy();
  }

  /**
   * Takes no more requests, lets those in hand be answered, and ends; after five seconds it is
   * {@link #cancel}. Not for a thread that answers.
   */
  @Override
  public void close() {
    CompletableFuture<Void> done = closeAsync();
    try {
      Core.await(done);
    } finally {
      if (!done.isDone()) {
        cancel();
      }
    }
  }

  /** {@link #close} as a future. */
  public CompletableFuture<Void> closeAsync() {
    synchronized (this) {
      closing = true;
      if (inHand.isEmpty()) {
        halfClose();
      }
    }
    return over.copy()
        .completeOnTimeout(null, CLOSE_SECONDS, TimeUnit.SECONDS)
        .thenRunAsync(this::cancel, core.executor);
  }

  /** Ends at once; what is in hand is taken back, and those who asked are told. */
  public void cancel() {
    synchronized (this) {
      closing = true;
      if (!closed) {
        closed = true;
        call.cancel("the responder was closed", null);
      }
    }
  }

  private void halfClose() {
    if (!closed && !halfClosed) {
      halfClosed = true;
      call.halfClose();
    }
  }

  private void answer(long number, Replied replied, Throwable error) {
    ReplyRequest frame =
        ReplyRequest.newBuilder()
            .setAnswers(ReplyAnswers.newBuilder().addAnswers(answerOf(number, replied, error)))
            .build();
    synchronized (this) {
      // No more wait here to be written than there are credits.
      if (inHand.remove(number) != null && !closed) {
        call.sendMessage(frame);
        if (closing && inHand.isEmpty()) {
          halfClose();
        }
      }
    }
  }

  /** An answer as the sidecar takes it: one that it refused would end the call, and all others. */
  static Answer answerOf(long number, Replied replied, Throwable error) {
    Answer.Builder answer = Answer.newBuilder().setRequestId(number);
    if (error == null && replied != null) {
      long headers = 0;
      for (Map.Entry<String, String> header : replied.headers().entrySet()) {
        headers += bytes(header.getKey()) + bytes(header.getValue());
      }
      if (replied.payload().size() <= MOST_PAYLOAD && headers <= MOST_HEADERS) {
        return answer.setPayload(replied.payload()).putAllHeaders(replied.headers()).build();
      }
      return answer
          .setError(internal("the reply is larger than 16 MiB, or its headers than 8 KiB"))
          .build();
    }
    if (Core.unwrapped(error) instanceof AnswerException told
        && !told.code().isEmpty()
        && bytes(told.code()) <= MOST_CODE) {
      String words = Optional.ofNullable(told.getMessage()).orElse(told.code());
      return answer
          .setError(AnswerError.newBuilder().setCode(told.code()).setMessage(shortened(words)))
          .build();
    }
    return answer
        .setError(internal(error == null ? "the answer is null" : Core.unwrapped(error).toString()))
        .build();
  }

  private static AnswerError internal(String words) {
    return AnswerError.newBuilder().setCode("internal").setMessage(shortened(words)).build();
  }

  private static int bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }

  /** At most 1 KiB of UTF-8, cut between characters. */
  static String shortened(String words) {
    byte[] bytes = words.getBytes(StandardCharsets.UTF_8);
    if (bytes.length <= MOST_WORDS) {
      return words;
    }
    int end = MOST_WORDS;
    while ((bytes[end] & 0xC0) == 0x80) {
      end--;
    }
    return ByteString.copyFrom(bytes, 0, end).toStringUtf8();
  }

  private final class Listener extends ClientCall.Listener<ReplyResponse> {
    @Override
    public void onHeaders(Metadata headers) {
      core.executor.execute(() -> opened.complete(null));
    }

    @Override
    public void onMessage(ReplyResponse response) {
      boolean more;
      synchronized (Responder.this) {
        more = !closing;
      }
      if (more) {
        response.getRequestsList().forEach(this::begin);
      }
      List<Runnable> back = new ArrayList<>();
      synchronized (Responder.this) {
        for (long number : response.getCancelledList()) {
          Runnable takeBack = inHand.remove(number);
          if (takeBack != null) {
            back.add(takeBack);
          }
        }
      }
      back.forEach(executor::execute);
      call.request(1);
    }

    private static Runnable both(Runnable first, Runnable second) {
      return () -> {
        first.run();
        second.run();
      };
    }

    private void begin(io.github.quicp2p.sidecar.gen.overlay.v1.IncomingRequest asked) {
      long number = asked.getRequestId();
      CompletableFuture<Void> cancelled = new CompletableFuture<>();
      IncomingRequest request =
          new IncomingRequest(
              asked.getPeerId(),
              asked.getChannel(),
              asked.getPayload(),
              asked.getHeadersMap(),
              asked.hasTimeLeft()
                  ? Optional.of(Wire.duration(asked.getTimeLeft()))
                  : Optional.empty(),
              cancelled);
      CallFuture<Replied> future = new CallFuture<>();
      synchronized (Responder.this) {
        inHand.put(number, () -> cancelled.complete(null));
      }
      future.whenComplete((replied, error) -> answer(number, replied, error));
      Runnable takeBack;
      try {
        takeBack = work.apply(request, future);
      } catch (RejectedExecutionException error) {
        future.completeExceptionally(error);
        return;
      }
      boolean gone;
      synchronized (Responder.this) {
        gone = inHand.computeIfPresent(number, (key, told) -> both(told, takeBack)) == null;
      }
      if (gone) {
        takeBack.run();
      }
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      List<Runnable> back;
      boolean meant;
      synchronized (Responder.this) {
        back = List.copyOf(inHand.values());
        inHand.clear();
        meant = closing || core.closed();
        closed = true;
      }
      back.forEach(core.executor::execute);
      over.complete(null);
      SidecarException error =
          status.isOk()
              ? new SidecarUnavailableException(
                  ErrorDetails.of("the sidecar ended the call", Code.UNAVAILABLE, ""))
              : core.error(status, trailers);
      core.executor.execute(
          () -> {
            if (meant && opened.isDone()) {
              ended.complete(null);
            } else {
              opened.completeExceptionally(error);
              ended.completeExceptionally(error);
            }
          });
    }
  }
}
