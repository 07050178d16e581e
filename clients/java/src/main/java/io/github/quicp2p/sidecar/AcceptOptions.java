package io.github.quicp2p.sidecar;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** Which byte streams are taken. */
public final class AcceptOptions {
  /** What holds where nothing is said. */
  public static final AcceptOptions DEFAULT = builder().build();

  private final List<String> peerIds;
  private final Duration timeout;

  private AcceptOptions(Builder builder) {
    peerIds = builder.peerIds;
    timeout = builder.timeout;
  }

  /** Begins with what holds where nothing is said. */
  public static Builder builder() {
    return new Builder();
  }

  /** The peers whose streams are taken; any where none are named. */
  public List<String> peerIds() {
    return peerIds;
  }

  /** How long to wait for one; without end where nothing is said. */
  public Optional<Duration> timeout() {
    return Optional.ofNullable(timeout);
  }

  /** Makes an {@link AcceptOptions}. */
  public static final class Builder {
    private List<String> peerIds = List.of();
    private Duration timeout;

    private Builder() {}

    /** The peers whose streams are taken; any where none are named. */
    public Builder peerIds(List<String> value) {
      peerIds = List.copyOf(value);
      return this;
    }

    /** How long to wait for one; without end where nothing is said. */
    public Builder timeout(Duration value) {
      if (value.isNegative()) {
        throw Wire.invalid("timeout", "not less than zero");
      }
      timeout = Objects.requireNonNull(value, "timeout");
      return this;
    }

    /** What was said. */
    public AcceptOptions build() {
      return new AcceptOptions(this);
    }
  }
}
