package io.github.quicp2p.sidecar;

import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** How a message goes to many. */
public final class BroadcastOptions {
  /** What holds where nothing is said. */
  public static final BroadcastOptions DEFAULT = builder().build();

  private final Map<String, String> headers;
  private final Map<String, String> labels;
  private final Duration timeout;

  private BroadcastOptions(Builder builder) {
    headers = builder.headers;
    labels = builder.labels;
    timeout = builder.timeout;
  }

  /** Begins with what holds where nothing is said. */
  public static Builder builder() {
    return new Builder();
  }

  /** What to say beside the payload; at most 8 KiB. */
  public Map<String, String> headers() {
    return headers;
  }

  /** Only to linked peers that carry all of these labels. */
  public Map<String, String> labels() {
    return labels;
  }

  /** How long the call may take; the client's own timeout where nothing is said. */
  public Optional<Duration> timeout() {
    return Optional.ofNullable(timeout);
  }

  /** Makes a {@link BroadcastOptions}. */
  public static final class Builder {
    private Map<String, String> headers = Map.of();
    private Map<String, String> labels = Map.of();
    private Duration timeout;

    private Builder() {}

    /** What to say beside the payload; at most 8 KiB. */
    public Builder headers(Map<String, String> value) {
      headers = Map.copyOf(value);
      return this;
    }

    /** Only to linked peers that carry all of these labels. */
    public Builder labels(Map<String, String> value) {
      labels = Map.copyOf(value);
      return this;
    }

    /** How long the call may take; the client's own timeout where nothing is said. */
    public Builder timeout(Duration value) {
      if (value.isNegative()) {
        throw Wire.invalid("timeout", "not less than zero");
      }
      timeout = Objects.requireNonNull(value, "timeout");
      return this;
    }

    /** What was said. */
    public BroadcastOptions build() {
      return new BroadcastOptions(this);
    }
  }
}
