package io.github.quicp2p.sidecar;

import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** How a byte stream is opened. */
public final class StreamOptions {
  /** What holds where nothing is said. */
  public static final StreamOptions DEFAULT = builder().build();

  private final Map<String, String> headers;
  private final Duration acceptTimeout;

  private StreamOptions(Builder builder) {
    headers = builder.headers;
    acceptTimeout = builder.acceptTimeout;
  }

  /** Begins with what holds where nothing is said. */
  public static Builder builder() {
    return new Builder();
  }

  /** What to say beside the payload; at most 8 KiB. */
  public Map<String, String> headers() {
    return headers;
  }

  /** How long to wait for an app that accepts it; 10 s where nothing is said. */
  public Optional<Duration> acceptTimeout() {
    return Optional.ofNullable(acceptTimeout);
  }

  /** Makes a {@link StreamOptions}. */
  public static final class Builder {
    private Map<String, String> headers = Map.of();
    private Duration acceptTimeout;

    private Builder() {}

    /** What to say beside the payload; at most 8 KiB. */
    public Builder headers(Map<String, String> value) {
      headers = Map.copyOf(value);
      return this;
    }

    /** How long to wait for an app that accepts it; 10 s where nothing is said. */
    public Builder acceptTimeout(Duration value) {
      if (value.isNegative()) {
        throw Wire.invalid("acceptTimeout", "not less than zero");
      }
      acceptTimeout = Objects.requireNonNull(value, "acceptTimeout");
      return this;
    }

    /** What was said. */
    public StreamOptions build() {
      return new StreamOptions(this);
    }
  }
}
