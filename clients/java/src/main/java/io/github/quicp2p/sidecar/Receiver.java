package io.github.quicp2p.sidecar;

import io.github.quicp2p.sidecar.gen.overlay.v1.MessageServiceGrpc;
import io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveResponse;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import java.time.Duration;

/** What comes to a channel; a message counts as taken once it is written to this app. */
public final class Receiver extends Inbox {
  private final ReceiveRequest request;

  Receiver(Core core, String channel, Duration timeout) {
    super(core, timeout);
    request = ReceiveRequest.newBuilder().setChannel(channel).build();
  }

  @Override
  void begin(CallOptions options) {
    beginning();
    Reading<ReceiveResponse> reading =
        new Reading<>() {
          @Override
          void take(ReceiveResponse response) {
            incoming.take(response.getDeliveriesList(), Receiver.this::offer);
          }
        };
    ClientCall<ReceiveRequest, ReceiveResponse> call =
        reading.start(MessageServiceGrpc.getReceiveMethod(), options);
    call.sendMessage(request);
    call.halfClose();
  }
}
