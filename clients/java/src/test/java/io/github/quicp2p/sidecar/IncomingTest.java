package io.github.quicp2p.sidecar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.github.quicp2p.sidecar.errors.SidecarException;
import io.github.quicp2p.sidecar.gen.overlay.v1.Chunk;
import io.github.quicp2p.sidecar.gen.overlay.v1.Delivery;
import io.github.quicp2p.sidecar.gen.overlay.v1.Message;
import io.github.quicp2p.sidecar.gen.overlay.v1.Priority;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class IncomingTest {
  private final Incoming incoming = new Incoming();
  private final List<Received> came = new ArrayList<>();

  private void chunk(int offset, int total, String data) {
    Chunk chunk =
        Chunk.newBuilder()
            .setOffset(offset)
            .setTotal(total)
            .setData(ByteString.copyFromUtf8(data))
            .putHeaders("offset", Integer.toString(offset))
            .setMessageId("m")
            .build();
    incoming.take(
        List.of(Delivery.newBuilder().setChunk(chunk).setFirstDeliveryId(7).build()), came::add);
  }

  @Test
  void numbersCountOn() {
    Delivery run =
        Delivery.newBuilder()
            .addMessages(Message.newBuilder().setPayload(ByteString.copyFromUtf8("a")))
            .addMessages(Message.newBuilder().setPayload(ByteString.copyFromUtf8("b")))
            .setFirstSequence(10)
            .setFirstDeliveryId(20)
            .setPriority(Priority.PRIORITY_HIGH)
            .build();
    incoming.take(List.of(run), came::add);
    assertEquals(List.of("a", "b"), came.stream().map(Received::text).toList());
    assertEquals(List.of(10L, 11L), came.stream().map(Received::sequence).toList());
    assertEquals(List.of(20L, 21L), came.stream().map(Received::deliveryId).toList());
    assertEquals(io.github.quicp2p.sidecar.Priority.HIGH, came.get(0).priority());
  }

  @Test
  void chunksArePutTogether() {
    chunk(0, 5, "he");
    chunk(2, 5, "ll");
    assertTrue(came.isEmpty());
    chunk(4, 5, "o");
    assertEquals("hello", came.get(0).text());
    assertEquals("0", came.get(0).headers().get("offset"));
    assertEquals(7, came.get(0).deliveryId());
  }

  @Test
  void chunksThatContinueNothing() {
    assertThrows(SidecarException.class, () -> chunk(2, 5, "ll"));
    chunk(0, 5, "he");
    assertThrows(SidecarException.class, () -> chunk(3, 5, "ll"));
    assertThrows(SidecarException.class, () -> chunk(2, 6, "ll"));
    assertThrows(SidecarException.class, () -> chunk(2, 5, "more than five"));
  }

  @Test
  void aRestartDropsTheSeries() {
    chunk(0, 5, "he");
    incoming.restart();
    assertThrows(SidecarException.class, () -> chunk(2, 5, "llo"));
    chunk(0, 2, "ok");
    assertEquals(1, came.get(0).opening());
  }
}
