import com.google.gson.JsonObject;
import com.google.protobuf.ByteString;
import io.github.quicp2p.sidecar.RequestOptions;
import io.github.quicp2p.sidecar.Sender;
import io.github.quicp2p.sidecar.Sidecar;
import io.github.quicp2p.sidecar.gen.overlay.v1.DeliveryLevel;
import io.github.quicp2p.sidecar.gen.overlay.v1.Message;
import io.github.quicp2p.sidecar.gen.overlay.v1.MessageServiceGrpc;
import io.github.quicp2p.sidecar.gen.overlay.v1.Receipt;
import io.github.quicp2p.sidecar.gen.overlay.v1.RequestRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamOpen;
import io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamRequest;
import io.github.quicp2p.sidecar.gen.overlay.v1.SendStreamResponse;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** How fast: by the wrapper, and by the generated stub by hand. */
final class Bench {
  /** What the raw stub puts into one frame. */
  private static final int FRAME_BYTES = 1 << 20;

  private Bench() {}

  static JsonObject run(Sidecar sidecar, Params params) throws InterruptedException {
    boolean raw = params.text("kind").equals("raw");
    if (params.text("what").equals("requests")) {
      return requests(sidecar, params, raw);
    }
    long start = System.nanoTime();
    if (raw) {
      sendRaw(sidecar, params);
    } else {
      send(sidecar, params);
    }
    return Json.object("seconds", Json.number((System.nanoTime() - start) / 1e9));
  }

  private static void send(Sidecar sidecar, Params params) {
    byte[] payload = Driver.pattern(params.count("size"));
    int count = params.count("count");
    try (Sender sender = sidecar.sender(params.text("peer_id"), params.text("channel"))) {
      for (int i = 0; i < count; i++) {
        sender.send(payload);
      }
      sender.flush();
    }
  }

  private static void sendRaw(Sidecar sidecar, Params params) throws InterruptedException {
    int count = params.count("count");
    byte[] payload = Driver.pattern(params.count("size"));
    int each = Math.max(1, Math.min(1000, FRAME_BYTES / (payload.length + 16)));
    CountDownLatch over = new CountDownLatch(1);
    MessageServiceGrpc.newStub(sidecar.channel())
        .sendStream(
            new ClientResponseObserver<SendStreamRequest, SendStreamResponse>() {
              private int written;
              private boolean opened;
              private boolean done;

              @Override
              public void beforeStart(ClientCallStreamObserver<SendStreamRequest> call) {
                call.setOnReadyHandler(() -> write(call));
              }

              private void write(ClientCallStreamObserver<SendStreamRequest> call) {
                if (!opened) {
                  opened = true;
                  call.onNext(
                      SendStreamRequest.newBuilder()
                          .setOpen(
                              SendStreamOpen.newBuilder()
                                  .setPeerId(params.text("peer_id"))
                                  .setChannel(params.text("channel"))
                                  .setLevel(DeliveryLevel.DELIVERY_LEVEL_DELIVERED))
                          .build());
                }
                while (call.isReady() && written < count) {
                  SendStreamRequest.Builder frame = SendStreamRequest.newBuilder();
                  for (int i = 0; i < each && written < count; i++, written++) {
                    frame.addMessages(
                        Message.newBuilder().setPayload(ByteString.copyFrom(payload)));
                  }
                  call.onNext(frame.build());
                }
                if (written == count && !done) {
                  done = true;
                  call.onCompleted();
                }
              }

              @Override
              public void onNext(SendStreamResponse response) {
                for (Receipt receipt : response.getReceiptsList()) {
                  if (receipt.getExceptionsCount() > 0) {
                    throw new IllegalStateException(receipt.toString());
                  }
                }
              }

              @Override
              public void onError(Throwable error) {
                error.printStackTrace();
                over.countDown();
              }

              @Override
              public void onCompleted() {
                over.countDown();
              }
            });
    over.await();
  }

  private static JsonObject requests(Sidecar sidecar, Params params, boolean raw) {
    ByteString payload = ByteString.copyFrom(Driver.pattern(params.count("size")));
    Map<String, String> headers = Map.of("do", "echo");
    String peer = params.text("peer_id");
    String channel = params.text("channel");
    RequestOptions options = RequestOptions.builder().headers(headers).build();
    RequestRequest request =
        RequestRequest.newBuilder()
            .setPeerId(peer)
            .setChannel(channel)
            .setPayload(payload)
            .putAllHeaders(headers)
            .build();
    MessageServiceGrpc.MessageServiceBlockingStub stub =
        MessageServiceGrpc.newBlockingStub(sidecar.channel());
    double[] times = new double[params.count("count")];
    long start = System.nanoTime();
    for (int i = 0; i < times.length; i++) {
      long before = System.nanoTime();
      if (raw) {
        stub.withDeadlineAfter(30, TimeUnit.SECONDS).request(request);
      } else {
        sidecar.request(peer, channel, payload, options);
      }
      times[i] = (System.nanoTime() - before) / 1e9;
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    Arrays.sort(times);
    return Json.object(
        "seconds", Json.number(seconds),
        "p50", Json.number(times[times.length / 2]),
        "p99", Json.number(times[Math.min(times.length - 1, times.length * 99 / 100)]));
  }
}
