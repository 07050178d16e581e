package io.github.quicp2p.sidecar;

import io.github.quicp2p.sidecar.gen.overlay.v1.SendResponse;
import java.time.Instant;
import java.util.Optional;

/**
 * What became of a message that reached the level asked for.
 *
 * @param messageId the caller's, or the one that the sidecar made; empty for one that went in
 *     chunks without an id
 * @param level the level
 * @param sentAt when it left the sidecar, where that is known
 * @param deliveredAt when the other sidecar's acknowledgement came; empty below DELIVERED
 * @param processedAt the same for the other app's; empty below PROCESSED
 */
public record Sent(
    String messageId,
    Wait level,
    Optional<Instant> sentAt,
    Optional<Instant> deliveredAt,
    Optional<Instant> processedAt) {

  static Sent of(SendResponse response) {
    return new Sent(
        response.getMessageId(),
        Wait.of(response.getLevel()),
        when(response.hasSentAt(), response.getSentAt()),
        when(response.hasDeliveredAt(), response.getDeliveredAt()),
        when(response.hasProcessedAt(), response.getProcessedAt()));
  }

  private static Optional<Instant> when(boolean known, com.google.protobuf.Timestamp time) {
    return known ? Optional.of(Wire.instant(time)) : Optional.empty();
  }
}
