package io.github.quicp2p.sidecar;

import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** How a message goes, or the messages of a sender. */
public final class SendOptions {
  /** What holds where nothing is said. */
  public static final SendOptions DEFAULT = builder().build();

  private final Map<String, String> headers;
  private final String messageId;
  private final Priority priority;
  private final Wait level;
  private final boolean durable;
  private final Duration ttl;
  private final String requestId;
  private final Duration timeout;

  private SendOptions(Builder builder) {
    headers = builder.headers;
    messageId = builder.messageId;
    priority = builder.priority;
    level = builder.level;
    durable = builder.durable;
    ttl = builder.ttl;
    requestId = builder.requestId;
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

  /** A name for the message, at most 128 bytes, by which the receiving app knows a repeat. */
  public String messageId() {
    return messageId;
  }

  /** What goes first among messages that wait for the same link. */
  public Priority priority() {
    return priority;
  }

  /** How far it has to come before the call is answered. */
  public Wait level() {
    return level;
  }

  /**
   * Whether it is kept in the journals of both sidecars, and waits for a peer that is not there.
   */
  public boolean durable() {
    return durable;
  }

  /**
   * How long a durable message is worth delivering; the sidecar's own time where nothing is said.
   */
  public Optional<Duration> ttl() {
    return Optional.ofNullable(ttl);
  }

  /**
   * A name for the call: called again with it, nothing is sent twice. Not for a sender, nor for
   * what goes in chunks.
   */
  public String requestId() {
    return requestId;
  }

  /**
   * How long the call may take: the client's own timeout where nothing is said, and for a sender,
   * whose every message it bounds, no end.
   */
  public Optional<Duration> timeout() {
    return Optional.ofNullable(timeout);
  }

  /** Makes a {@link SendOptions}. */
  public static final class Builder {
    private Map<String, String> headers = Map.of();
    private String messageId = "";
    private Priority priority = Priority.NORMAL;
    private Wait level = Wait.DELIVERED;
    private boolean durable;
    private Duration ttl;
    private String requestId = "";
    private Duration timeout;

    private Builder() {}

    /** What to say beside the payload; at most 8 KiB. */
    public Builder headers(Map<String, String> value) {
      headers = Map.copyOf(value);
      return this;
    }

    /** A name for the message, at most 128 bytes, by which the receiving app knows a repeat. */
    public Builder messageId(String value) {
      messageId = Objects.requireNonNull(value, "messageId");
      return this;
    }

    /** What goes first among messages that wait for the same link. */
    public Builder priority(Priority value) {
      priority = Objects.requireNonNull(value, "priority");
      return this;
    }

    /** How far it has to come before the call is answered. */
    public Builder level(Wait value) {
      level = Objects.requireNonNull(value, "level");
      return this;
    }

    /**
     * Whether it is kept in the journals of both sidecars, and waits for a peer that is not there.
     */
    public Builder durable(boolean value) {
      durable = value;
      return this;
    }

    /**
     * How long a durable message is worth delivering; the sidecar's own time where nothing is said.
     */
    public Builder ttl(Duration value) {
      if (value.isNegative()) {
        throw Wire.invalid("ttl", "not less than zero");
      }
      ttl = Objects.requireNonNull(value, "ttl");
      return this;
    }

    /**
     * A name for the call: called again with it, nothing is sent twice. Not for a sender, nor for
     * what goes in chunks.
     */
    public Builder requestId(String value) {
      requestId = Objects.requireNonNull(value, "requestId");
      return this;
    }

    /**
     * How long the call may take: the client's own timeout where nothing is said, and for a sender,
     * whose every message it bounds, no end.
     */
    public Builder timeout(Duration value) {
      if (value.isNegative()) {
        throw Wire.invalid("timeout", "not less than zero");
      }
      timeout = Objects.requireNonNull(value, "timeout");
      return this;
    }

    /** What was said. */
    public SendOptions build() {
      return new SendOptions(this);
    }
  }
}
