package io.github.quicp2p.sidecar;

import io.github.quicp2p.sidecar.gen.overlay.v1.DeliveryLevel;

/** How far a message has to come. */
public enum Wait {
  /** It left this sidecar, or is in its journal where it is durable. */
  SENT(DeliveryLevel.DELIVERY_LEVEL_SENT),
  /** It is in the other sidecar's inbox, or journal. */
  DELIVERED(DeliveryLevel.DELIVERY_LEVEL_DELIVERED),
  /** An app over there has acknowledged it. */
  PROCESSED(DeliveryLevel.DELIVERY_LEVEL_PROCESSED);

  private final DeliveryLevel wire;

  Wait(DeliveryLevel wire) {
    this.wire = wire;
  }

  DeliveryLevel wire() {
    return wire;
  }

  static Wait of(DeliveryLevel wire) {
    for (Wait one : values()) {
      if (one.wire == wire) {
        return one;
      }
    }
    return DELIVERED;
  }
}
