package io.github.quicp2p.sidecar;

import io.github.quicp2p.sidecar.gen.overlay.v1.MessageServiceGrpc;
import io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.ReceiveDatagramsResponse;
import io.grpc.CallOptions;
import io.grpc.ClientCall;

/** Unreliable messages that come on a channel. It ends with an error when the sidecar goes away. */
public final class Datagrams extends Subscription<Datagram> {
  private final ReceiveDatagramsRequest request;
  private long dropped;

  Datagrams(Core core, String channel) {
    super(core, null);
    request = ReceiveDatagramsRequest.newBuilder().setChannel(channel).build();
  }

  /** How many the sidecar has dropped because this app was slower than they came. */
  public long dropped() {
    lock.lock();
    try {
      return dropped;
    } finally {
      lock.unlock();
    }
  }

  @Override
  Datagram resumed(Gap gap) {
    return null;
  }

  @Override
  boolean resumes() {
    return false;
  }

  @Override
  void begin(CallOptions options) {
    Reading<ReceiveDatagramsResponse> reading =
        new Reading<>() {
          @Override
          void take(ReceiveDatagramsResponse response) {
            dropped += response.getDropped();
            response
                .getDatagramsList()
                .forEach(came -> offer(new Datagram(came.getPeerId(), came.getPayload())));
          }
        };
    ClientCall<ReceiveDatagramsRequest, ReceiveDatagramsResponse> call =
        reading.start(MessageServiceGrpc.getReceiveDatagramsMethod(), options);
    call.sendMessage(request);
    call.halfClose();
  }
}
