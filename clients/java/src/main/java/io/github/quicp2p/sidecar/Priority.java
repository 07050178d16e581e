package io.github.quicp2p.sidecar;

/** What goes first among messages that wait for the same link. */
public enum Priority {
  /** Before everything else. */
  HIGH(io.github.quicp2p.sidecar.gen.overlay.v1.Priority.PRIORITY_HIGH),
  /** The default. */
  NORMAL(io.github.quicp2p.sidecar.gen.overlay.v1.Priority.PRIORITY_NORMAL),
  /** When nothing else waits, and a small share otherwise. */
  LOW(io.github.quicp2p.sidecar.gen.overlay.v1.Priority.PRIORITY_LOW);

  private final io.github.quicp2p.sidecar.gen.overlay.v1.Priority wire;

  Priority(io.github.quicp2p.sidecar.gen.overlay.v1.Priority wire) {
    this.wire = wire;
  }

  io.github.quicp2p.sidecar.gen.overlay.v1.Priority wire() {
    return wire;
  }

  static Priority of(io.github.quicp2p.sidecar.gen.overlay.v1.Priority wire) {
    for (Priority one : values()) {
      if (one.wire == wire) {
        return one;
      }
    }
    return NORMAL;
  }
}
