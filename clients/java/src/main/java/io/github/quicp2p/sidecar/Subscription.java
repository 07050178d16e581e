package io.github.quicp2p.sidecar;

import io.github.quicp2p.sidecar.Core.CallFuture;
import io.github.quicp2p.sidecar.errors.CursorExpiredException;
import io.github.quicp2p.sidecar.errors.DeadlinePassedException;
import io.github.quicp2p.sidecar.errors.ErrorDetails;
import io.github.quicp2p.sidecar.errors.SidecarException;
import io.github.quicp2p.sidecar.errors.SidecarUnavailableException;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.Status.Code;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * What comes from the sidecar over calls that follow each other, one at a time.
 *
 * <p>It is read as an {@link Iterable} (each element once, whoever iterates), by {@link #next()},
 * as a {@link Stream}, or by {@link #nextAsync}. The call is read only as fast as this is: two
 * responses of the sidecar are held at most. It is open when the verb that made it returns: what is
 * sent from then on is not missed. Closing it ends an iteration that waits in another thread.
 *
 * @param <T> what comes
 */
public abstract sealed class Subscription<T> implements Iterable<T>, AutoCloseable
    permits Inbox, Watch, Datagrams {

  /** Responses that may be asked for and not yet taken by the app. */
  private static final int AHEAD = 2;

  final Core core;
  final ReentrantLock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition();
  private final Deque<T> ready = new ArrayDeque<>();
  private final Deque<CompletableFuture<Optional<T>>> waiting = new ArrayDeque<>();

  /** Up to which element each response goes whose place has not been given back. */
  private final Deque<Long> ends = new ArrayDeque<>();

  private final CallFuture<Void> opened = new CallFuture<>();
  private final long deadline;
  private final boolean limited;
  private long put;
  private long took;
  private int attempt;
  private long instance;
  private Reading<?> reading;
  private SidecarException broken;
  private SidecarException failure;
  private boolean closed;

  Subscription(Core core, Duration timeout) {
    this.core = core;
    limited = timeout != null;
    deadline = limited ? System.nanoTime() + Wire.nanos(timeout) : 0;
  }

  // What each kind says of itself.

  /** Starts a call and says its first request; under the lock. */
  abstract void begin(CallOptions options);

  /** What to yield once a call was taken up again; null for nothing. */
  abstract T resumed(Gap gap);

  /** Whether a call that the sidecar went away from is taken up again. */
  boolean resumes() {
    return true;
  }

  /** Whether the instance of the sidecar is asked for when a call has been opened. */
  boolean asksInstance() {
    return false;
  }

  /** The cursor is void. Gives what to yield for it, if anything. */
  Optional<T> expired(CursorExpiredException error) {
    throw error;
  }

  /** One call. */
  abstract class Reading<R> extends ClientCall.Listener<R> {
    private ClientCall<?, R> call;
    private SidecarException refusal;
    private boolean live;
    private boolean cancelled;

    /** Starts it; from now on it is the one that counts. */
    final <Q> ClientCall<Q, R> start(MethodDescriptor<Q, R> method, CallOptions options) {
      ClientCall<Q, R> made = core.channel.newCall(method, options.withExecutor(Core.DIRECT));
      call = made;
      reading = this;
      made.start(this, new Metadata());
      return made;
    }

    /** Whether a request may be written now; under the lock. */
    final boolean writable() {
      return !cancelled && call.isReady();
    }

    private void cancel(String words, SidecarException cause) {
      lock.lock();
      try {
        cancelled = true;
        refusal = cause;
        call.cancel(words, cause);
      } finally {
        lock.unlock();
      }
    }

    /** Gives what a response holds to {@link Subscription#offer}; under the lock. */
    abstract void take(R response);

    @Override
    public void onHeaders(Metadata headers) {
      if (!asksInstance()) {
        goOn(0);
        return;
      }
      core.node(Duration.ofSeconds(5), Core.DIRECT)
          .whenComplete(
              (node, error) -> {
                if (node != null) {
                  goOn(node.getInstance());
                } else if (Core.unwrapped(error) instanceof SidecarException known) {
                  cancel("the sidecar does not say who it is", known);
                }
              });
    }

    /** The call is open: only now is something read of it. */
    private void goOn(long now) {
      lock.lock();
      try {
        if (reading != this) {
          return;
        }
        live = true;
        attempt = 0;
        if (broken != null && !closed) {
          T told = resumed(new Gap(broken.detail(), now != instance));
          broken = null;
          if (told != null) {
            offer(told);
            ends.clear();
          }
        }
        instance = now;
      } finally {
        lock.unlock();
      }
      opened.complete(null);
      call.request(AHEAD);
    }

    @Override
    public void onMessage(R response) {
      boolean more;
      SidecarException wrong = null;
      lock.lock();
      try {
        if (reading != this || closed) {
          more = true;
        } else {
          long before = put;
          try {
            take(response);
          } catch (SidecarException error) {
            wrong = error;
          }
          more = took >= put || before == put;
          if (!more) {
            ends.addLast(put);
          }
        }
      } finally {
        lock.unlock();
      }
      if (wrong != null) {
        fail(wrong);
        cancel(wrong.detail(), wrong);
      } else if (more) {
        call.request(1);
      }
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      over();
      SidecarException error;
      boolean wasLive;
      lock.lock();
      try {
        if (reading != this) {
          return;
        }
        wasLive = live;
        error = refusal;
      } finally {
        lock.unlock();
      }
      if (error == null) {
        error =
            status.isOk()
                ? new SidecarUnavailableException(
                    ErrorDetails.of("the sidecar ended the call", Code.UNAVAILABLE, ""))
                : core.error(status, trailers);
      }
      ended(error, wasLive);
    }

    /** The call is over; called without the lock. */
    void over() {}
  }

  /** Opens the first call; complete when the sidecar has taken it. */
  final CompletableFuture<Void> open() {
    opened.aborts(this::close);
    reopen();
    return opened;
  }

  private void reopen() {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      ends.clear();
      CallOptions options = CallOptions.DEFAULT;
      if (limited) {
        options = options.withDeadlineAfter(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
      }
      begin(options);
    } catch (RuntimeException error) {
      opened.completeExceptionally(error);
      throw error;
    } finally {
      lock.unlock();
    }
  }

  /** A call has ended that was not closed by this side. */
  private void ended(SidecarException error, boolean wasLive) {
    boolean over = limited && deadline - System.nanoTime() <= 0;
    SidecarException cause = error;
    long pause;
    lock.lock();
    try {
      if (closed) {
        return;
      }
      if (core.closed()) {
        closed = opened.isDone();
        cause = closed ? null : error;
        pause = -1;
      } else if (error instanceof CursorExpiredException expired) {
        Optional<T> told = Optional.empty();
        try {
          told = expired(expired);
          pause = Core.retryMs(attempt++);
        } catch (CursorExpiredException refused) {
          pause = -1;
        }
        told.ifPresent(this::offer);
      } else {
        boolean passing =
            error instanceof SidecarUnavailableException
                || !wasLive && error instanceof DeadlinePassedException;
        if (passing && over && opened.isDone()) {
          cause =
              new DeadlinePassedException(
                  ErrorDetails.of(
                          "the sidecar did not come back: " + error.detail(),
                          Code.DEADLINE_EXCEEDED,
                          "DEADLINE")
                      .withCause(error));
        }
        if (passing && !over && opened.isDone() && resumes()) {
          if (broken == null) {
            broken = error;
          }
          pause = Core.retryMs(attempt++);
        } else {
          pause = -1;
        }
      }
    } finally {
      lock.unlock();
    }
    if (pause >= 0) {
      core.later(pause).execute(this::reopen);
    } else if (cause != null) {
      fail(cause);
    } else {
      wake();
    }
  }

  private void fail(SidecarException error) {
    lock.lock();
    try {
      if (failure == null) {
        failure = error;
      }
      reading = null;
    } finally {
      lock.unlock();
    }
    opened.completeExceptionally(error);
    wake();
  }

  /** Puts one element behind the others; under the lock. */
  final void offer(T element) {
    put++;
    if (!hand(element)) {
      ready.addLast(element);
      changed.signal();
    }
  }

  /** Gives it to a future that waits; false where none does. Under the lock. */
  private boolean hand(T element) {
    CompletableFuture<Optional<T>> waiter = waiting.pollFirst();
    if (waiter == null) {
      return false;
    }
    took++;
    core.executor.execute(
        () -> {
          if (!waiter.complete(Optional.of(element))) {
            putBack(element);
          }
        });
    return true;
  }

  /** The future it was meant for was cancelled or has timed out. */
  private void putBack(T element) {
    lock.lock();
    try {
      took--;
      if (!closed && !hand(element)) {
        ready.addFirst(element);
        changed.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  /** The next element; under the lock. Null where none is there. */
  private T poll() {
    T element = ready.pollFirst();
    if (element != null) {
      took++;
      Long end = ends.peekFirst();
      if (end != null && took >= end && reading != null) {
        ends.removeFirst();
        reading.call.request(1);
      }
    }
    return element;
  }

  /** Those who wait are told of the end. */
  private void wake() {
    Deque<CompletableFuture<Optional<T>>> waiters;
    SidecarException error;
    lock.lock();
    try {
      waiters = new ArrayDeque<>(waiting);
      waiting.clear();
      error = failure;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    for (CompletableFuture<Optional<T>> waiter : waiters) {
      if (error == null) {
        waiter.completeAsync(Optional::empty, core.executor);
      } else {
        core.executor.execute(() -> waiter.completeExceptionally(error));
      }
    }
  }

  /**
   * Waits for the next element; empty once this is closed.
   *
   * @throws SidecarException where it failed for a reason that does not pass
   */
  public Optional<T> next() {
    return await(false, 0);
  }

  /** The same for so long at most; then DeadlinePassedException, and nothing is lost. */
  public Optional<T> next(Duration timeout) {
    return await(true, Wire.nanos(timeout));
  }

  private Optional<T> await(boolean timed, long nanos) {
    long left = nanos;
    lock.lock();
    try {
      while (true) {
        T element = poll();
        if (element != null) {
          return Optional.of(element);
        }
        if (closed) {
          return Optional.empty();
        }
        if (failure != null) {
          failure.fillInStackTrace();
          throw failure;
        }
        if (!timed) {
          changed.await();
        } else if (left > 0) {
          left = changed.awaitNanos(left);
        } else {
          throw new DeadlinePassedException(
              ErrorDetails.of(
                  "nothing came within " + Duration.ofNanos(nanos),
                  Code.DEADLINE_EXCEEDED,
                  "DEADLINE"));
        }
      }
    } catch (InterruptedException interrupt) {
      throw Core.interrupted();
    } finally {
      lock.unlock();
    }
  }

  /** The next element as a future; empty once this is closed. */
  public CompletableFuture<Optional<T>> nextAsync() {
    lock.lock();
    try {
      T element = poll();
      if (element != null || closed) {
        return CompletableFuture.completedFuture(Optional.ofNullable(element));
      }
      if (failure != null) {
        return CompletableFuture.failedFuture(failure);
      }
      CompletableFuture<Optional<T>> future = new CompletableFuture<>();
      waiting.removeIf(CompletableFuture::isDone);
      waiting.addLast(future);
      return future;
    } finally {
      lock.unlock();
    }
  }

  /** Waits for each element, and ends when this is closed. */
  @Override
  public Iterator<T> iterator() {
    return new Iterator<>() {
      private Optional<T> held = Optional.empty();

      @Override
      public boolean hasNext() {
        if (held.isEmpty()) {
          held = Subscription.this.next();
        }
        return held.isPresent();
      }

      @Override
      public T next() {
        if (!hasNext()) {
          throw new NoSuchElementException("the subscription is closed");
        }
        T element = held.get();
        held = Optional.empty();
        return element;
      }
    };
  }

  /** The same as a stream, which closes this when it is closed. */
  public Stream<T> stream() {
    return StreamSupport.stream(
            Spliterators.spliteratorUnknownSize(
                iterator(), Spliterator.ORDERED | Spliterator.NONNULL),
            false)
        .onClose(this::close);
  }

  /** Marks it closed; false where it was before. */
  final boolean closing() {
    lock.lock();
    try {
      if (closed) {
        return false;
      }
      closed = true;
      ready.clear();
      if (reading != null && !ends.isEmpty()) {
        // The end of the call comes behind what it has brought and nobody reads any more.
        reading.call.request(ends.size());
        ends.clear();
      }
    } finally {
      lock.unlock();
    }
    wake();
    return true;
  }

  /** Ends the call at once. */
  final void abort() {
    lock.lock();
    try {
      if (reading != null) {
        reading.cancel("the subscription was closed", null);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Ends the subscription; an iteration that waits in another thread ends too. */
  @Override
  public void close() {
    if (closing()) {
      abort();
    }
  }
}
