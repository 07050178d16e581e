package io.github.quicp2p.sidecar;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Executor;

/** Which requests an app answers. */
public final class ReplyOptions {
  /** What holds where nothing is said. */
  public static final ReplyOptions DEFAULT = builder().build();

  private final int credits;
  private final List<String> peerIds;
  private final Executor executor;

  private ReplyOptions(Builder builder) {
    credits = builder.credits;
    peerIds = builder.peerIds;
    executor = builder.executor;
  }

  /** Begins with what holds where nothing is said. */
  public static Builder builder() {
    return new Builder();
  }

  /** How many requests it works on at once; at least 1. */
  public int credits() {
    return credits;
  }

  /** The peers that may ask; any where none are named. */
  public List<String> peerIds() {
    return peerIds;
  }

  /** What runs the answers; threads of the client's own where nothing is said. */
  public Optional<Executor> executor() {
    return Optional.ofNullable(executor);
  }

  /** Makes a {@link ReplyOptions}. */
  public static final class Builder {
    private int credits = 16;
    private List<String> peerIds = List.of();
    private Executor executor;

    private Builder() {}

    /** How many requests it works on at once; at least 1. */
    public Builder credits(int value) {
      if (value < 1) {
        throw Wire.invalid("credits", "at least 1");
      }
      credits = value;
      return this;
    }

    /** The peers that may ask; any where none are named. */
    public Builder peerIds(List<String> value) {
      peerIds = List.copyOf(value);
      return this;
    }

    /** What runs the answers; threads of the client's own where nothing is said. */
    public Builder executor(Executor value) {
      executor = Objects.requireNonNull(value, "executor");
      return this;
    }

    /** What was said. */
    public ReplyOptions build() {
      return new ReplyOptions(this);
    }
  }
}
