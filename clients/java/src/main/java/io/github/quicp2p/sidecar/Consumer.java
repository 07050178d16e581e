package io.github.quicp2p.sidecar;

import io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeOpen;
import io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.DeliveryRange;
import io.github.quicp2p.sidecar.gen.overlay.v1.MessageServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * What comes to a channel, to be acknowledged. What is not acked when it closes goes to another
 * subscriber. After a restart of the sidecar what was not acked comes again, behind a {@link Gap}
 * and with a raised redelivery count; acks of messages from before it are passed over.
 */
public final class Consumer extends Inbox {
  /** How long a closing consumer waits for the sidecar to take its last acknowledgements. */
  private static final Duration CLOSE = Duration.ofSeconds(5);

  private final ConsumeRequest opening;
  private final Acks acks = new Acks();
  private ClientCall<ConsumeRequest, ConsumeResponse> call;
  private Reading<ConsumeResponse> current;
  private CompletableFuture<Void> over = CompletableFuture.completedFuture(null);
  private boolean pumping;
  private boolean halfClosing;
  private boolean halfClosed;
  private long unknown;

  Consumer(Core core, String channel, ConsumeOptions options) {
    super(core, options.timeout().orElse(null));
    ConsumeOpen.Builder open =
        ConsumeOpen.newBuilder()
            .setChannel(channel)
            .setCredits(options.credits())
            .setMaxDeliveries(options.maxDeliveries());
    options.ackDeadline().ifPresent(time -> open.setAckDeadline(Wire.duration(time)));
    opening = ConsumeRequest.newBuilder().setOpen(open).build();
  }

  @Override
  void begin(CallOptions options) {
    beginning();
    acks.clear();
    CompletableFuture<Void> ends = new CompletableFuture<>();
    Reading<ConsumeResponse> reading =
        new Reading<>() {
          @Override
          void take(ConsumeResponse response) {
            for (DeliveryRange range : response.getUnknownList()) {
              unknown += range.getLast() - range.getFirst() + 1;
            }
            incoming.take(response.getDeliveriesList(), Consumer.this::offer);
          }

          @Override
          public void onReady() {
            kick();
          }

          @Override
          void over() {
            ends.complete(null);
          }
        };
    over = ends;
    current = reading;
    // Ready is a call that has written all it was given: acks gathered meanwhile are one frame.
    call = reading.start(MessageServiceGrpc.getConsumeMethod(), options.withOnReadyThreshold(1));
    call.sendMessage(opening);
  }

  /** How many acknowledgements came too late: the sidecar no longer held their messages here. */
  public long unknown() {
    lock.lock();
    try {
      return unknown;
    } finally {
      lock.unlock();
    }
  }

  /** These are done. */
  public void ack(Received... messages) {
    ack(Arrays.asList(messages));
  }

  /** These are done. */
  public void ack(Collection<Received> messages) {
    say(Acks.Verb.ACK, Duration.ZERO, messages);
  }

  /** Hand this out again, to any subscriber. */
  public void nack(Received message) {
    nack(List.of(message), Duration.ZERO);
  }

  /** Hand this out again, to any subscriber, so much later. */
  public void nack(Received message, Duration delay) {
    nack(List.of(message), delay);
  }

  /** Hand these out again, to any subscriber, so much later. */
  public void nack(Collection<Received> messages, Duration delay) {
    say(Acks.Verb.NACK, delay, messages);
  }

  /** This takes longer: it comes back so much later, counted from now, if it is not acked. */
  public void extend(Received message, Duration time) {
    extend(List.of(message), time);
  }

  /** These take longer: they come back so much later, counted from now, if they are not acked. */
  public void extend(Collection<Received> messages, Duration time) {
    say(Acks.Verb.EXTEND, time, messages);
  }

  private void say(Acks.Verb verb, Duration time, Collection<Received> messages) {
    lock.lock();
    try {
      for (Received message : messages) {
        if (message.opening() == incoming.opening()) {
          acks.say(verb, time, message.deliveryId());
        }
      }
    } finally {
      lock.unlock();
    }
    kick();
  }

  private void kick() {
    lock.lock();
    try {
      if (pumping || halfClosed || acks.isEmpty() && !halfClosing) {
        return;
      }
      pumping = true;
    } finally {
      lock.unlock();
    }
    core.executor.execute(this::pump);
  }

  private void pump() {
    while (true) {
      lock.lock();
      try {
        ConsumeRequest request = call != null && current.writable() ? acks.next() : null;
        if (request != null) {
          call.sendMessage(request);
          continue;
        }
        pumping = false;
        if (halfClosing && !halfClosed && acks.isEmpty()) {
          halfClosed = true;
          call.halfClose();
        }
        return;
      } finally {
        lock.unlock();
      }
    }
  }

  /** Hands over the last acknowledgements, and ends the subscription; it waits 5 s at most. */
  @Override
  public void close() {
    CompletableFuture<Void> closed = closeAsync();
    try {
      Core.await(closed);
    } finally {
      if (!closed.isDone()) {
        abort();
      }
    }
  }

  /** {@link #close} as a future. */
  public CompletableFuture<Void> closeAsync() {
    CompletableFuture<Void> ends;
    lock.lock();
    try {
      ends = over;
      halfClosing = true;
    } finally {
      lock.unlock();
    }
    if (closing()) {
      kick();
    }
    return ends.copy()
        .completeOnTimeout(null, CLOSE.toMillis(), TimeUnit.MILLISECONDS)
        .thenRunAsync(this::abort, core.executor);
  }
}
