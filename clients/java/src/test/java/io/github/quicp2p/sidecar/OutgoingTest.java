package io.github.quicp2p.sidecar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.github.quicp2p.sidecar.errors.LinkClosedException;
import io.github.quicp2p.sidecar.errors.OutcomeUnknownException;
import io.github.quicp2p.sidecar.errors.SendFailedException;
import io.github.quicp2p.sidecar.errors.SidecarErrors;
import io.github.quicp2p.sidecar.errors.SidecarException;
import io.github.quicp2p.sidecar.gen.overlay.v1.Chunk;
import io.github.quicp2p.sidecar.gen.overlay.v1.DeliveryException;
import io.github.quicp2p.sidecar.gen.overlay.v1.DeliveryLevel;
import io.github.quicp2p.sidecar.gen.overlay.v1.ErrorReason;
import io.github.quicp2p.sidecar.gen.overlay.v1.Message;
import io.github.quicp2p.sidecar.gen.overlay.v1.Receipt;
import io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamResponse;
import io.grpc.Status;
import org.junit.jupiter.api.Test;

class OutgoingTest {
  private final Outgoing book = new Outgoing(Wait.DELIVERED);

  private static Message message(int size) {
    return Message.newBuilder().setPayload(ByteString.copyFrom(new byte[size])).build();
  }

  private void through(DeliveryLevel level, long number, long... failed) {
    Receipt.Builder receipt = Receipt.newBuilder().setLevel(level).setThroughSequence(number);
    for (long one : failed) {
      receipt.addExceptions(
          DeliveryException.newBuilder()
              .setFirst(one)
              .setLast(one)
              .setReason(ErrorReason.ERROR_REASON_LINK_CLOSED)
              .setDetail("closed"));
    }
    book.receipts(SendStreamResponse.newBuilder().addReceipts(receipt).build());
  }

  @Test
  void whatComesMeanwhileIsOneFrame() {
    for (int i = 1; i <= 100; i++) {
      assertEquals(i, book.add(message(10), false));
    }
    assertEquals(100, book.nextFrame().getMessagesCount());
    assertNull(book.nextFrame());
  }

  @Test
  void framesHaveAMebibyteAndLargerMessagesTheirOwn() {
    book.add(message(600_000), false);
    book.add(message(600_000), false);
    book.add(message(5 << 20), false);
    book.add(message(1), false);
    assertEquals(1, book.nextFrame().getMessagesCount());
    assertEquals(1, book.nextFrame().getMessagesCount());
    assertEquals(1, book.nextFrame().getMessagesCount());
    assertEquals(1, book.nextFrame().getMessagesCount());
  }

  @Test
  void chunksContinueEachOther() {
    Message large = message(5 << 20).toBuilder().setMessageId("m").putHeaders("a", "b").build();
    book.add(message(1), false);
    book.add(large, true);
    book.add(message(1), false);
    assertEquals(1, book.nextFrame().getMessagesCount());
    long offset = 0;
    for (int part = 0; part < 3; part++) {
      Chunk chunk = book.nextFrame().getChunk();
      assertEquals(offset, chunk.getOffset());
      assertEquals(5 << 20, chunk.getTotal());
      assertEquals("m", chunk.getMessageId());
      assertEquals(part == 0 ? 1 : 0, chunk.getHeadersCount());
      offset += chunk.getData().size();
    }
    assertEquals(5 << 20, offset);
    SendStreamRequest last = book.nextFrame();
    assertEquals(1, last.getMessagesCount());
    assertFalse(last.hasChunk());
  }

  @Test
  void onlyReceiptsOfTheLevelGiveOutcomes() {
    book.add(message(36), false);
    book.add(message(36), false);
    assertEquals(200, book.pendingBytes());
    through(DeliveryLevel.DELIVERY_LEVEL_SENT, 2);
    assertEquals(0, book.through());
    through(DeliveryLevel.DELIVERY_LEVEL_DELIVERED, 1);
    assertEquals(1, book.through());
    assertEquals(100, book.pendingBytes());
    through(DeliveryLevel.DELIVERY_LEVEL_DELIVERED, 99);
    assertEquals(2, book.through());
    assertEquals(0, book.pendingBytes());
  }

  @Test
  void failuresAreToldOnce() {
    for (int i = 0; i < 5; i++) {
      book.add(message(1), false);
    }
    through(DeliveryLevel.DELIVERY_LEVEL_DELIVERED, 3, 2);
    assertNull(book.errorOf(1));
    assertInstanceOf(LinkClosedException.class, book.errorOf(2));
    SendFailedException failed = book.newFailures();
    assertNotNull(failed);
    assertEquals(2, failed.failures().get(0).first());
    assertEquals("LINK_CLOSED", failed.reason());
    assertNull(book.newFailures());
    through(DeliveryLevel.DELIVERY_LEVEL_DELIVERED, 5, 5);
    assertEquals(5, book.newFailures().failures().get(0).last());
  }

  @Test
  void fullAtSixteenMebibytes() {
    book.add(message((16 << 20) - 65), false);
    assertFalse(book.full());
    book.add(message(0), false);
    assertTrue(book.full());
  }

  @Test
  void whatWasHandedOverIsUnknownAndTheRestFailsAsTheCall() {
    book.add(message(1), false);
    book.nextFrame();
    book.add(message(1), false);
    SidecarException gone = SidecarErrors.from(Status.UNAVAILABLE, null);
    book.end(gone);
    assertInstanceOf(OutcomeUnknownException.class, book.errorOf(1));
    assertSame(gone, book.errorOf(2));
    assertSame(gone, book.ended());
    assertEquals(2, book.through());
    assertNull(book.nextFrame());
  }

  @Test
  void whatTheSidecarRefusedFailsAsThat() {
    book.add(message(1), false);
    book.nextFrame();
    SidecarException refused = SidecarErrors.ofReason("PEER_UNKNOWN", "who?");
    book.end(refused);
    assertSame(refused, book.errorOf(1));
  }
}
