package io.github.quicp2p.sidecar;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** Which messages of a queue. */
public final class LetterFilter {
  /** What holds where nothing is said. */
  public static final LetterFilter DEFAULT = builder().build();

  private final String peerId;
  private final String channel;
  private final List<Long> ids;

  private LetterFilter(Builder builder) {
    peerId = builder.peerId;
    channel = builder.channel;
    ids = builder.ids;
  }

  /** Begins with what holds where nothing is said. */
  public static Builder builder() {
    return new Builder();
  }

  /** Those of one peer. */
  public Optional<String> peerId() {
    return Optional.ofNullable(peerId);
  }

  /** Those of one channel. */
  public Optional<String> channel() {
    return Optional.ofNullable(channel);
  }

  /** These alone, at most 1,000. */
  public List<Long> ids() {
    return ids;
  }

  /** Makes a {@link LetterFilter}. */
  public static final class Builder {
    private String peerId;
    private String channel;
    private List<Long> ids = List.of();

    private Builder() {}

    /** Those of one peer. */
    public Builder peerId(String value) {
      peerId = Objects.requireNonNull(value, "peerId");
      return this;
    }

    /** Those of one channel. */
    public Builder channel(String value) {
      channel = Objects.requireNonNull(value, "channel");
      return this;
    }

    /** These alone, at most 1,000. */
    public Builder ids(List<Long> value) {
      ids = List.copyOf(value);
      return this;
    }

    /** What was said. */
    public LetterFilter build() {
      return new LetterFilter(this);
    }
  }
}
