package io.github.quicp2p.sidecar;

import io.github.quicp2p.sidecar.gen.overlay.v1.Queue;

/** What a sidecar keeps. */
public enum QueueName {
  /** Durable messages on their way to peers. */
  OUTGOING(Queue.QUEUE_OUTGOING),
  /** Durable messages that have come and that no app here has settled. */
  INCOMING(Queue.QUEUE_INCOMING),
  /** Messages that no app here would acknowledge. */
  DEAD_INCOMING(Queue.QUEUE_DEAD_INCOMING),
  /** Messages that their peer would not take. */
  DEAD_OUTGOING(Queue.QUEUE_DEAD_OUTGOING);

  private final Queue wire;

  QueueName(Queue wire) {
    this.wire = wire;
  }

  Queue wire() {
    return wire;
  }
}
