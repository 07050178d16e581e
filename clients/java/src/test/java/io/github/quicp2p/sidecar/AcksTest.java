package io.github.quicp2p.sidecar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeNack;
import io.github.quicp2p.sidecar.gen.overlay.v1.DeliveryRange;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class AcksTest {
  private final Acks acks = new Acks();

  private static List<Long> bounds(List<DeliveryRange> ranges) {
    return ranges.stream()
        .flatMap(range -> List.of(range.getFirst(), range.getLast()).stream())
        .toList();
  }

  @Test
  void consecutiveOnesAreOneRange() {
    for (long id : new long[] {1, 2, 3, 7, 8, 5}) {
      acks.say(Acks.Verb.ACK, Duration.ZERO, id);
    }
    assertEquals(List.of(1L, 3L, 7L, 8L, 5L, 5L), bounds(acks.next().getAck().getRangesList()));
    assertNull(acks.next());
  }

  @Test
  void verbsKeepTheirOrder() {
    acks.say(Acks.Verb.ACK, Duration.ZERO, 1);
    acks.say(Acks.Verb.NACK, Duration.ofMillis(1500), 2);
    acks.say(Acks.Verb.NACK, Duration.ZERO, 3);
    acks.say(Acks.Verb.EXTEND, Duration.ofSeconds(9), 4);
    assertTrue(acks.next().hasAck());
    ConsumeNack later = acks.next().getNack();
    assertEquals(500_000_000, later.getDelay().getNanos());
    assertFalse(acks.next().getNack().hasDelay());
    assertEquals(9, acks.next().getExtend().getDeadline().getSeconds());
    assertTrue(acks.isEmpty());
  }

  @Test
  void whatWasForAnotherCallIsForgotten() {
    acks.say(Acks.Verb.ACK, Duration.ZERO, 1);
    acks.clear();
    assertNull(acks.next());
  }
}
