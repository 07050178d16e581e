import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.ByteString;
import io.github.quicp2p.sidecar.AnswerException;
import io.github.quicp2p.sidecar.ByteStream;
import io.github.quicp2p.sidecar.Replied;
import io.github.quicp2p.sidecar.RequestOptions;
import io.github.quicp2p.sidecar.Responder;
import io.github.quicp2p.sidecar.Sidecar;
import io.github.quicp2p.sidecar.StreamOptions;
import io.github.quicp2p.sidecar.errors.SidecarException;
import java.io.IOException;
import java.security.MessageDigest;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** The cases of requests and byte streams. */
final class Flows {
  private final Driver driver;
  private final Sidecar sidecar;

  Flows(Driver driver, Sidecar sidecar) {
    this.driver = driver;
    this.sidecar = sidecar;
  }

  JsonElement respond(Params params) throws InterruptedException {
    CountDownLatch left = new CountDownLatch(params.count("count"));
    AtomicInteger answered = new AtomicInteger();
    AtomicInteger cancelled = new AtomicInteger();
    try (Responder responder =
        sidecar.reply(
            params.text("channel"),
            asked -> {
              try {
                String what = asked.headers().getOrDefault("do", "echo");
                if (what.equals("wait")) {
                  driver.event("asked", new JsonObject());
                  asked.cancelled().join();
                  cancelled.incrementAndGet();
                  return null;
                }
                answered.incrementAndGet();
                if (what.equals("fail")) {
                  throw new AnswerException("empty", "ask something");
                }
                return new Replied(asked.payload(), asked.headers());
              } finally {
                left.countDown();
              }
            })) {
      driver.ready();
      left.await();
    }
    return Json.object(
        "answered", Json.number(answered.get()), "cancelled", Json.number(cancelled.get()));
  }

  JsonElement request(Params params) throws IOException {
    JsonArray replies = new JsonArray();
    for (JsonElement each : params.list("steps")) {
      replies.add(ask(params, new Params(each.getAsJsonObject())));
    }
    return Json.object("replies", replies);
  }

  private JsonObject ask(Params params, Params step) throws IOException {
    java.util.Map<String, String> headers = step.map("headers");
    headers.put("do", step.text("do"));
    RequestOptions.Builder options = RequestOptions.builder().headers(headers);
    step.time("timeout").ifPresent(options::timeout);
    CompletableFuture<Replied> asked =
        sidecar
            .async()
            .request(
                params.text("peer_id"), params.text("channel"), step.payload(), options.build());
    if (step.flag("take_back", false)) {
      driver.awaitContinue();
      asked.cancel(true);
    }
    try {
      return Json.replied(asked.join());
    } catch (CancellationException taken) {
      return Json.object(
          "raised", Json.object("kind", Json.text("Cancelled"), "reason", Json.text("")));
    } catch (CompletionException failed) {
      if (failed.getCause() instanceof SidecarException error) {
        return Driver.raised(error);
      }
      throw failed;
    }
  }

  private static JsonObject drained(ByteStream stream) {
    MessageDigest digest = Driver.sha256();
    long size = 0;
    for (ByteString part = stream.read(); !part.isEmpty(); part = stream.read()) {
      size += part.size();
      Driver.update(digest, part);
    }
    return Json.object("size", Json.number(size), "digest", Json.text(Driver.hex(digest)));
  }

  JsonElement open(Params params) {
    StreamOptions options = StreamOptions.builder().headers(params.map("headers")).build();
    try (ByteStream stream =
        sidecar.openStream(params.text("peer_id"), params.text("name"), options)) {
      stream.write(Driver.pattern(params.count("size")));
      stream.finish();
      return drained(stream);
    }
  }

  JsonElement close(Params params) {
    try (ByteStream stream = sidecar.openStream(params.text("peer_id"), params.text("name"))) {
      stream.write(Driver.pattern(params.count("size")));
    }
    return new JsonObject();
  }

  JsonElement accept(Params params) {
    driver.ready();
    try (ByteStream stream = sidecar.acceptStream(params.text("name"))) {
      JsonObject came = drained(stream);
      stream.write(Driver.pattern(params.count("back")));
      stream.finish();
      came.add("headers", Json.headers(stream.headers()));
      came.addProperty("peer_id", stream.peerId());
      return came;
    }
  }

  JsonElement openToReset(Params params) throws IOException {
    try (ByteStream stream = sidecar.openStream(params.text("peer_id"), params.text("name"))) {
      stream.write(new byte[1]);
      driver.awaitContinue();
      stream.reset(params.number("code", 0));
    }
    return new JsonObject();
  }

  JsonElement acceptToBeReset(Params params) {
    driver.ready();
    try (ByteStream stream = sidecar.acceptStream(params.text("name"))) {
      stream.read();
      driver.event("opened", new JsonObject());
      try {
        return drained(stream);
      } catch (SidecarException error) {
        return Driver.raised(error);
      }
    }
  }
}
