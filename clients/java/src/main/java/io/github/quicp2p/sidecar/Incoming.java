package io.github.quicp2p.sidecar;

import com.google.protobuf.ByteString;
import io.github.quicp2p.sidecar.errors.ErrorDetails;
import io.github.quicp2p.sidecar.errors.SidecarException;
import io.github.quicp2p.sidecar.gen.overlay.v1.Chunk;
import io.github.quicp2p.sidecar.gen.overlay.v1.Delivery;
import io.github.quicp2p.sidecar.gen.overlay.v1.Message;
import io.grpc.Status.Code;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The receiver's end of Receive and Consume, without any I/O: responses in, whole messages out. A
 * series of chunks that its call did not finish is dropped by {@link #restart}: the sidecar hands
 * the message out anew.
 */
final class Incoming {
  private int opening;
  private ByteString assembling;
  private long total;
  private Map<String, String> headers = Map.of();

  /** Counts the calls: 0 is the first. */
  int opening() {
    return opening;
  }

  /** A new call begins. */
  void restart() {
    opening++;
    assembling = null;
  }

  /** Gives the messages that these deliveries complete. */
  void take(List<Delivery> deliveries, Consumer<? super Received> sink) {
    for (Delivery delivery : deliveries) {
      if (delivery.hasChunk()) {
        Chunk chunk = delivery.getChunk();
        ByteString whole = append(chunk);
        if (whole != null) {
          sink.accept(received(delivery, 0, chunk.getMessageId(), headers, whole));
          headers = Map.of();
        }
        continue;
      }
      for (int index = 0; index < delivery.getMessagesCount(); index++) {
        Message message = delivery.getMessages(index);
        sink.accept(
            received(
                delivery,
                index,
                message.getMessageId(),
                message.getHeadersMap(),
                message.getPayload()));
      }
    }
  }

  /** The whole payload, when this was its last chunk; else null. */
  private ByteString append(Chunk chunk) {
    if (chunk.getOffset() == 0) {
      assembling = ByteString.EMPTY;
      total = chunk.getTotal();
      headers = chunk.getHeadersMap();
    }
    if (assembling == null
        || chunk.getOffset() != assembling.size()
        || chunk.getTotal() != total
        || assembling.size() + (long) chunk.getData().size() > total) {
      throw new SidecarException(
          ErrorDetails.of(
              "the sidecar sent a chunk at "
                  + chunk.getOffset()
                  + " of "
                  + chunk.getTotal()
                  + " that continues nothing",
              Code.INTERNAL,
              ""));
    }
    // A rope of the parts: nothing is copied again with each.
    assembling = assembling.concat(chunk.getData());
    if (assembling.size() < total) {
      return null;
    }
    ByteString whole = assembling;
    assembling = null;
    return whole;
  }

  private Received received(
      Delivery delivery, int index, String id, Map<String, String> headers, ByteString payload) {
    long first = delivery.getFirstDeliveryId();
    return new Received(
        payload,
        headers,
        id,
        delivery.getPeerId(),
        delivery.getChannel(),
        Priority.of(delivery.getPriority()),
        delivery.getInstance(),
        delivery.getBulk(),
        delivery.getFirstSequence() + index,
        delivery.getRedeliveryCount(),
        Wire.instant(delivery.getReceivedAt()),
        first == 0 ? 0 : first + index,
        delivery.getDurable(),
        opening);
  }
}
