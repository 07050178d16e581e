package io.github.quicp2p.sidecar;

import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** How an app is asked. */
public final class RequestOptions {
  /** What holds where nothing is said. */
  public static final RequestOptions DEFAULT = builder().build();

  private final Map<String, String> headers;
  private final Duration timeout;

  private RequestOptions(Builder builder) {
    headers = builder.headers;
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

  /**
   * How long it may take, which is told the other app; the client's own timeout where nothing is
   * said.
   */
  public Optional<Duration> timeout() {
    return Optional.ofNullable(timeout);
  }

  /** Makes a {@link RequestOptions}. */
  public static final class Builder {
    private Map<String, String> headers = Map.of();
    private Duration timeout;

    private Builder() {}

    /** What to say beside the payload; at most 8 KiB. */
    public Builder headers(Map<String, String> value) {
      headers = Map.copyOf(value);
      return this;
    }

    /**
     * How long it may take, which is told the other app; the client's own timeout where nothing is
     * said.
     */
    public Builder timeout(Duration value) {
      if (value.isNegative()) {
        throw Wire.invalid("timeout", "not less than zero");
      }
      timeout = Objects.requireNonNull(value, "timeout");
      return this;
    }

    /** What was said. */
    public RequestOptions build() {
      return new RequestOptions(this);
    }
  }
}
