package io.github.quicp2p.sidecar;

import com.google.protobuf.ByteString;
import java.time.Instant;
import java.util.Map;

/**
 * A message from a peer. ({@code peerId}, {@code instance}, {@code priority}, {@code bulk}, {@code
 * sequence}) names it.
 *
 * @param payload any bytes; {@code toByteArray()}, {@code toStringUtf8()}, {@code newInput()} and
 *     {@code asReadOnlyByteBuffer()} give them in other forms
 * @param headers what the sender says beside them
 * @param messageId the sender's name for it; may be empty
 * @param peerId the sender, proven by its key
 * @param channel the channel
 * @param priority the priority it was sent with
 * @param instance which run of the sender's sidecar numbered it
 * @param bulk whether the sequence is that of large messages
 * @param sequence its number in its sender's order
 * @param redeliveryCount how often it was handed to a subscriber before
 * @param receivedAt when the sidecar received the run of messages that it came in
 * @param deliveryId in a consumer, what it is acknowledged by; else 0
 * @param durable whether it is kept in the journals of both sidecars
 * @param opening which opening of its subscription handed it out: 0 for the first, more after gaps
 */
public record Received(
    ByteString payload,
    Map<String, String> headers,
    String messageId,
    String peerId,
    String channel,
    Priority priority,
    long instance,
    boolean bulk,
    long sequence,
    int redeliveryCount,
    Instant receivedAt,
    long deliveryId,
    boolean durable,
    int opening)
    implements Arrival {

  /** The payload as UTF-8. */
  public String text() {
    return payload.toStringUtf8();
  }
}
