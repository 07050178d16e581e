package io.github.quicp2p.sidecar;

import java.time.Duration;

/**
 * Messages of a channel, and a {@link Gap} wherever the subscription was broken off and is taken up
 * again.
 */
public abstract sealed class Inbox extends Subscription<Arrival> permits Receiver, Consumer {
  final Incoming incoming = new Incoming();
  private boolean first = true;

  Inbox(Core core, Duration timeout) {
    super(core, timeout);
  }

  /** A call begins: what a former one left unfinished is dropped. */
  final void beginning() {
    if (!first) {
      incoming.restart();
    }
    first = false;
  }

  @Override
  final Arrival resumed(Gap gap) {
    return gap;
  }

  @Override
  final boolean asksInstance() {
    return true;
  }
}
