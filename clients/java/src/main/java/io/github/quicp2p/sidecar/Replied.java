package io.github.quicp2p.sidecar;

import com.google.protobuf.ByteString;
import java.util.Map;

/**
 * A reply.
 *
 * @param payload any bytes
 * @param headers what it says beside them
 */
public record Replied(ByteString payload, Map<String, String> headers) {
  /** Copies the headers. */
  public Replied {
    headers = Map.copyOf(headers);
  }

  /** Without headers. */
  public static Replied of(byte[] payload) {
    return new Replied(ByteString.copyFrom(payload), Map.of());
  }

  /** Text as UTF-8, without headers. */
  public static Replied of(String text) {
    return new Replied(ByteString.copyFromUtf8(text), Map.of());
  }
}
