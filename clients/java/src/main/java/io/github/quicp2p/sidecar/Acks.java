package io.github.quicp2p.sidecar;

import io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeAck;
import io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeExtend;
import io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeNack;
import io.github.quicp2p.sidecar.gen.overlay.v1.ConsumeRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.DeliveryRange;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * What a Consume call still has to tell, without any I/O: delivery ids gathered until the next
 * request is made, in their order; consecutive ones become one range.
 */
final class Acks {
  /** What may be said of messages. */
  enum Verb {
    ACK,
    NACK,
    EXTEND
  }

  private record Said(Verb verb, Duration time, List<long[]> ranges) {}

  private final Deque<Said> gathered = new ArrayDeque<>();

  /** Says it of a message; {@code time} is zero where none belongs to it. */
  void say(Verb verb, Duration time, long id) {
    Said last = gathered.peekLast();
    if (last == null || last.verb() != verb || !last.time().equals(time)) {
      last = new Said(verb, time, new ArrayList<>());
      gathered.addLast(last);
    }
    List<long[]> ranges = last.ranges();
    long[] range = ranges.isEmpty() ? null : ranges.get(ranges.size() - 1);
    if (range != null && range[1] + 1 == id) {
      range[1] = id;
    } else {
      ranges.add(new long[] {id, id});
    }
  }

  /** Forgets what was gathered: it was for a call that is over. */
  void clear() {
    gathered.clear();
  }

  boolean isEmpty() {
    return gathered.isEmpty();
  }

  /** The next frame; null when there is nothing to tell. */
  ConsumeRequest next() {
    Said said = gathered.pollFirst();
    if (said == null) {
      return null;
    }
    List<DeliveryRange> ranges = new ArrayList<>(said.ranges().size());
    for (long[] range : said.ranges()) {
      ranges.add(DeliveryRange.newBuilder().setFirst(range[0]).setLast(range[1]).build());
    }
    ConsumeRequest.Builder request = ConsumeRequest.newBuilder();
    switch (said.verb()) {
      case ACK -> request.setAck(ConsumeAck.newBuilder().addAllRanges(ranges));
      case NACK -> {
        ConsumeNack.Builder nack = ConsumeNack.newBuilder().addAllRanges(ranges);
        if (!said.time().isZero()) {
          nack.setDelay(Wire.duration(said.time()));
        }
        request.setNack(nack);
      }
      case EXTEND ->
          request.setExtend(
              ConsumeExtend.newBuilder()
                  .addAllRanges(ranges)
                  .setDeadline(Wire.duration(said.time())));
    }
    return request.build();
  }
}
