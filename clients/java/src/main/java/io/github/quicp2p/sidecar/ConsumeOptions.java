package io.github.quicp2p.sidecar;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/** How messages are taken. */
public final class ConsumeOptions {
  /** What holds where nothing is said. */
  public static final ConsumeOptions DEFAULT = builder().build();

  private final int credits;
  private final Duration ackDeadline;
  private final int maxDeliveries;
  private final Duration timeout;

  private ConsumeOptions(Builder builder) {
    credits = builder.credits;
    ackDeadline = builder.ackDeadline;
    maxDeliveries = builder.maxDeliveries;
    timeout = builder.timeout;
  }

  /** Begins with what holds where nothing is said. */
  public static Builder builder() {
    return new Builder();
  }

  /** How many messages may be handed out and not yet acked or nacked; at least 1. */
  public int credits() {
    return credits;
  }

  /**
   * After how long a message that is not acked is handed out again; as long as the consumer lives
   * where nothing is said.
   */
  public Optional<Duration> ackDeadline() {
    return Optional.ofNullable(ackDeadline);
  }

  /** A message that comes back for that time becomes a dead letter; 0 is never. */
  public int maxDeliveries() {
    return maxDeliveries;
  }

  /** How long it consumes, in all; without end where nothing is said. */
  public Optional<Duration> timeout() {
    return Optional.ofNullable(timeout);
  }

  /** Makes a {@link ConsumeOptions}. */
  public static final class Builder {
    private int credits = 64;
    private Duration ackDeadline;
    private int maxDeliveries;
    private Duration timeout;

    private Builder() {}

    /** How many messages may be handed out and not yet acked or nacked; at least 1. */
    public Builder credits(int value) {
      if (value < 1) {
        throw Wire.invalid("credits", "at least 1");
      }
      credits = value;
      return this;
    }

    /**
     * After how long a message that is not acked is handed out again; as long as the consumer lives
     * where nothing is said.
     */
    public Builder ackDeadline(Duration value) {
      if (value.isNegative()) {
        throw Wire.invalid("ackDeadline", "not less than zero");
      }
      ackDeadline = Objects.requireNonNull(value, "ackDeadline");
      return this;
    }

    /** A message that comes back for that time becomes a dead letter; 0 is never. */
    public Builder maxDeliveries(int value) {
      if (value < 0) {
        throw Wire.invalid("maxDeliveries", "at least 0");
      }
      maxDeliveries = value;
      return this;
    }

    /** How long it consumes, in all; without end where nothing is said. */
    public Builder timeout(Duration value) {
      if (value.isNegative()) {
        throw Wire.invalid("timeout", "not less than zero");
      }
      timeout = Objects.requireNonNull(value, "timeout");
      return this;
    }

    /** What was said. */
    public ConsumeOptions build() {
      return new ConsumeOptions(this);
    }
  }
}
