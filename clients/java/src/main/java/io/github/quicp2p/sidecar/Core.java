package io.github.quicp2p.sidecar;

import io.github.quicp2p.sidecar.errors.CancelledException;
import io.github.quicp2p.sidecar.errors.DeadlinePassedException;
import io.github.quicp2p.sidecar.errors.ErrorDetails;
import io.github.quicp2p.sidecar.errors.SidecarErrors;
import io.github.quicp2p.sidecar.errors.SidecarException;
import io.github.quicp2p.sidecar.errors.SidecarUnavailableException;
import io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.Limits;
import io.github.quicp2p.sidecar.gen.overlay.v1.NodeServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;

/** What both clients stand on: the channel, and calls whose outcome is a future. */
final class Core {
  static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(30);

  /** Runs what never waits where it is, on gRPC's own thread. */
  static final Executor DIRECT = Runnable::run;

  private static final long[] RETRY_MS = {50, 100, 200, 500, 1000};
  private static final AtomicInteger THREADS = new AtomicInteger();

  /** After how long a thread that has nothing to do ends; they are daemons. */
  private static final long IDLE_SECONDS = 5;

  final Endpoint endpoint;
  final Channel channel;

  /** Where futures are completed and answers are made: code of the app, which may wait. */
  final Executor executor;

  private final Link link;
  private volatile boolean closed;
  private volatile Limits limits;

  Core(Endpoint endpoint, Executor given) {
    this.endpoint = endpoint;
    executor =
        given != null
            ? given
            : new ThreadPoolExecutor(
                0,
                Integer.MAX_VALUE,
                IDLE_SECONDS,
                TimeUnit.SECONDS,
                new SynchronousQueue<>(),
                work -> {
                  Thread thread = new Thread(work, "sidecar-" + THREADS.incrementAndGet());
                  thread.setDaemon(true);
                  return thread;
                });
    link = Link.to(endpoint, executor);
    Channel through = link.channel;
    if (endpoint.token().isPresent()) {
      Metadata headers = new Metadata();
      headers.put(
          Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER),
          "Bearer " + endpoint.token().get());
      through =
          ClientInterceptors.intercept(through, MetadataUtils.newAttachHeadersInterceptor(headers));
    }
    channel = through;
  }

  boolean closed() {
    return closed;
  }

  void close() {
    closed = true;
    link.close();
  }

  /** How long to wait before attempt number {@code attempt}, from 0 on, to take up a call. */
  static long retryMs(int attempt) {
    return RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)];
  }

  /** Runs it on the pool so much later. */
  Executor later(long millis) {
    return CompletableFuture.delayedExecutor(millis, TimeUnit.MILLISECONDS, executor);
  }

  /** What a call's end says. */
  SidecarException error(Status status, Metadata trailers) {
    if (closed) {
      return new SidecarUnavailableException(
          ErrorDetails.of("this client is closed", Code.UNAVAILABLE, ""));
    }
    return SidecarErrors.from(status, trailers);
  }

  /**
   * One call with one answer.
   *
   * @param on where the future is completed
   */
  <Q, R, T> CompletableFuture<T> unary(
      MethodDescriptor<Q, R> method,
      Q request,
      CallOptions options,
      Executor on,
      Function<R, T> map) {
    CallFuture<T> future = new CallFuture<>();
    ClientCall<Q, R> call = channel.newCall(method, options.withExecutor(on));
    future.aborts(() -> call.cancel("the caller has taken it back", null));
    try {
      call.start(new Single<>(future, map), new Metadata());
      call.request(2);
      call.sendMessage(request);
      call.halfClose();
    } catch (RuntimeException error) {
      call.cancel("it could not be sent", error);
      throw error;
    }
    return future;
  }

  private final class Single<R, T> extends ClientCall.Listener<R> {
    private final CompletableFuture<T> future;
    private final Function<R, T> map;
    private R response;

    Single(CompletableFuture<T> future, Function<R, T> map) {
      this.future = future;
      this.map = map;
    }

    @Override
    public void onMessage(R message) {
      response = message;
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      if (!status.isOk()) {
        future.completeExceptionally(error(status, trailers));
      } else if (response == null) {
        future.completeExceptionally(
            error(Status.INTERNAL.withDescription("the sidecar gave no answer"), null));
      } else {
        try {
          future.complete(map.apply(response));
        } catch (RuntimeException error) {
          future.completeExceptionally(error);
        }
      }
    }
  }

  /** The limits of this sidecar, asked for once. */
  CompletableFuture<Limits> limits() {
    Limits known = limits;
    if (known != null) {
      return CompletableFuture.completedFuture(known);
    }
    return node(DEFAULT_TIMEOUT, DIRECT)
        .thenApply(
            node -> {
              limits = node.getLimits();
              return node.getLimits();
            });
  }

  CompletableFuture<GetNodeResponse> node(Duration timeout, Executor on) {
    return unary(
        NodeServiceGrpc.getGetNodeMethod(),
        GetNodeRequest.getDefaultInstance(),
        within(timeout),
        on,
        Function.identity());
  }

  static CallOptions within(Duration timeout) {
    return within(Wire.nanos(timeout), 0);
  }

  static CallOptions within(long nanos, long more) {
    long all = Math.min(nanos, Long.MAX_VALUE - more) + more;
    return CallOptions.DEFAULT.withDeadlineAfter(all, TimeUnit.NANOSECONDS);
  }

  /** Waits for it; what it failed with is thrown. An interrupt takes the call back. */
  static <T> T await(CompletableFuture<T> future) {
    try {
      return future.get();
    } catch (InterruptedException interrupt) {
      future.cancel(true);
      throw interrupted();
    } catch (ExecutionException failed) {
      throw thrown(failed.getCause());
    } catch (CancellationException cancelled) {
      throw new CancelledException(
          ErrorDetails.of("the call was taken back", Code.CANCELLED, "").withCause(cancelled));
    }
  }

  /** The same for so long at most; what it is about goes on. */
  static <T> T await(CompletableFuture<T> future, Duration timeout, Supplier<String> words) {
    try {
      return future.get(Wire.nanos(timeout), TimeUnit.NANOSECONDS);
    } catch (TimeoutException late) {
      throw new DeadlinePassedException(
          ErrorDetails.of(words.get(), Code.DEADLINE_EXCEEDED, "DEADLINE"));
    } catch (InterruptedException interrupt) {
      throw interrupted();
    } catch (ExecutionException failed) {
      throw thrown(failed.getCause());
    }
  }

  private static RuntimeException thrown(Throwable cause) {
    if (cause instanceof SidecarException error) {
      // Made on a thread of gRPC: the stack that helps is the caller's.
      error.fillInStackTrace();
      return error;
    }
    if (cause instanceof Error error) {
      throw error;
    }
    return cause instanceof RuntimeException error ? error : new IllegalStateException(cause);
  }

  /** For a thread that was interrupted while it waited; it stays interrupted. */
  static CancelledException interrupted() {
    Thread.currentThread().interrupt();
    return new CancelledException(
        ErrorDetails.of("the thread was interrupted while it waited", Code.CANCELLED, ""));
  }

  /** A future whose cancellation ends what is on its way for it. */
  static final class CallFuture<T> extends CompletableFuture<T> {
    private Runnable abort;

    /** What a cancellation does from now on. */
    synchronized void aborts(Runnable action) {
      abort = action;
      if (isCancelled()) {
        action.run();
      }
    }

    /** It ends as the other one does, and takes that along when it is cancelled. */
    CallFuture<T> follows(CompletableFuture<? extends T> other) {
      aborts(() -> other.cancel(true));
      other.whenComplete(
          (value, error) -> {
            if (error != null) {
              completeExceptionally(unwrapped(error));
            } else {
              complete(value);
            }
          });
      return this;
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
      boolean cancelled = super.cancel(mayInterruptIfRunning);
      if (cancelled) {
        synchronized (this) {
          if (abort != null) {
            abort.run();
          }
        }
      }
      return cancelled;
    }
  }

  /** Without the wrapping that futures put around what another one failed with. */
  static Throwable unwrapped(Throwable error) {
    Throwable inner = error;
    while (inner instanceof CompletionException && inner.getCause() != null) {
      inner = inner.getCause();
    }
    return inner;
  }
}
