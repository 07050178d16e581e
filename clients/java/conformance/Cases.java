import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.ByteString;
import io.github.quicp2p.sidecar.Arrival;
import io.github.quicp2p.sidecar.ConsumeOptions;
import io.github.quicp2p.sidecar.Consumer;
import io.github.quicp2p.sidecar.Datagram;
import io.github.quicp2p.sidecar.Datagrams;
import io.github.quicp2p.sidecar.EventNews;
import io.github.quicp2p.sidecar.Gap;
import io.github.quicp2p.sidecar.Inbox;
import io.github.quicp2p.sidecar.NodeEvent;
import io.github.quicp2p.sidecar.PeerChange;
import io.github.quicp2p.sidecar.PeerNews;
import io.github.quicp2p.sidecar.PeersSnapshot;
import io.github.quicp2p.sidecar.Readiness;
import io.github.quicp2p.sidecar.Received;
import io.github.quicp2p.sidecar.Receiver;
import io.github.quicp2p.sidecar.SendOptions;
import io.github.quicp2p.sidecar.Sender;
import io.github.quicp2p.sidecar.Sent;
import io.github.quicp2p.sidecar.Sidecar;
import io.github.quicp2p.sidecar.Watch;
import io.github.quicp2p.sidecar.gen.overlay.v1.GetNodeResponse;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** The cases, by name and role. */
final class Cases {
  private final Driver driver;
  private final Sidecar sidecar;
  private final Flows flows;

  Cases(Driver driver, Sidecar sidecar) {
    this.driver = driver;
    this.sidecar = sidecar;
    flows = new Flows(driver, sidecar);
  }

  /** The result of a case; null where it is not known. */
  JsonElement play(String name, Params params) throws IOException, InterruptedException {
    return switch (name) {
      case "identity/app" -> identity(params);
      case "call/app" -> Verbs.call(sidecar, params);
      case "messages/sender" -> sendMessages(params);
      case "messages/receiver" -> receiveMessages(params);
      case "receipts/sender" -> sendForReceipts(params);
      case "receipts/consumer" -> consumeCounted(params);
      case "pipelined/sender" -> sendPipelined(params);
      case "pipelined/receiver" -> receivePipelined(params);
      case "acks/consumer" -> consumeBySteps(params);
      case "restart/consumer" -> consumeOverRestarts(params);
      case "gap/receiver" -> receiveOverGap(params);
      case "watch/app" -> watch(params);
      case "events/app" -> events(params);
      case "datagrams/sender" -> sendDatagrams(params);
      case "datagrams/receiver" -> receiveDatagrams(params);
      case "replies/responder", "bench/responder" -> flows.respond(params);
      case "replies/requester" -> flows.request(params);
      case "streams/opener" -> flows.open(params);
      case "streams/closer" -> flows.close(params);
      case "streams/acceptor" -> flows.accept(params);
      case "stream_reset/opener" -> flows.openToReset(params);
      case "stream_reset/acceptor" -> flows.acceptToBeReset(params);
      case "bench/app" -> Bench.run(sidecar, params);
      case "bench/sink" -> receivePipelined(params);
      default -> null;
    };
  }

  private JsonElement identity(Params params) {
    String level = params.has("level") ? params.text("level") : "api";
    sidecar.waitReady(
        Readiness.valueOf(level.toUpperCase(Locale.ROOT)),
        params.time("timeout").orElse(Duration.ofSeconds(30)));
    GetNodeResponse node = sidecar.node();
    return Json.object(
        "peer_id", Json.text(node.getPeerId()),
        "network_id", Json.text(node.getNetworkId()),
        "version", Json.text(node.getVersion()),
        "engine", Json.text(node.getEngine()),
        "front", Json.text(node.getFront()),
        "max_message_bytes", Json.number(node.getLimits().getMaxMessageBytes()));
  }

  private JsonElement sendMessages(Params params) {
    JsonArray levels = new JsonArray();
    Map<String, String> headers = params.map("headers");
    for (JsonElement size : params.list("sizes")) {
      Sent sent =
          sidecar.send(
              params.text("peer_id"),
              params.text("channel"),
              Driver.pattern(size.getAsInt()),
              SendOptions.builder().headers(headers).build());
      levels.add(Json.name(sent.level()));
    }
    return Json.object("levels", levels);
  }

  /** The next message; gaps are passed over. */
  private static Received message(Inbox inbox) {
    while (true) {
      Arrival arrival = inbox.next().orElseThrow();
      if (arrival instanceof Received message) {
        return message;
      }
    }
  }

  private JsonElement receiveMessages(Params params) {
    JsonArray messages = new JsonArray();
    try (Receiver inbox = sidecar.receive(params.text("channel"))) {
      driver.ready();
      while (messages.size() < params.count("count")) {
        Received message = message(inbox);
        messages.add(
            Json.object(
                "size", Json.number(message.payload().size()),
                "digest", Json.text(Driver.digest(message.payload())),
                "headers", Json.headers(message.headers()),
                "peer_id", Json.text(message.peerId()),
                "channel", Json.text(message.channel()),
                "redelivery_count", Json.number(message.redeliveryCount())));
      }
    }
    return Json.object("messages", messages);
  }

  private JsonElement sendForReceipts(Params params) {
    JsonArray receipts = new JsonArray();
    for (String level : params.texts("levels")) {
      Sent sent =
          sidecar.send(
              params.text("peer_id"),
              params.text("channel"),
              level.getBytes(java.nio.charset.StandardCharsets.UTF_8),
              SendOptions.builder()
                  .level(Json.level(level))
                  .messageId("m-" + level)
                  .durable(params.flag("durable", false))
                  .build());
      receipts.add(
          Json.object(
              "level", Json.text(Json.name(sent.level())),
              "message_id", Json.text(sent.messageId()),
              "sent_at", Json.seconds(sent.sentAt()),
              "delivered_at", Json.seconds(sent.deliveredAt()),
              "processed_at", Json.seconds(sent.processedAt())));
    }
    return Json.object("receipts", receipts);
  }

  private JsonElement consumeCounted(Params params) {
    int count = 0;
    try (Consumer inbox = sidecar.consume(params.text("channel"))) {
      driver.ready();
      while (count < params.count("count")) {
        inbox.ack(message(inbox));
        count++;
      }
    }
    return Json.object("count", Json.number(count));
  }

  private JsonElement sendPipelined(Params params) {
    SendOptions.Builder options = SendOptions.builder();
    params.get("wait").ifPresent(value -> options.level(Json.level(value.getAsString())));
    byte[] pattern = Driver.pattern(params.count("size"));
    try (Sender sender =
        sidecar.sender(params.text("peer_id"), params.text("channel"), options.build())) {
      for (long number = 1; number <= params.count("count"); number++) {
        byte[] payload = pattern.clone();
        ByteBuffer.wrap(payload).putLong(number);
        sender.send(payload);
      }
      sender.flush();
    }
    return Json.object("count", Json.number(params.count("count")));
  }

  private JsonElement receivePipelined(Params params) {
    MessageDigest digest = Driver.sha256();
    int count = 0;
    try (Receiver inbox = sidecar.receive(params.text("channel"))) {
      driver.ready();
      while (count < params.count("count")) {
        Driver.update(digest, message(inbox).payload());
        count++;
      }
    }
    return Json.object("count", Json.number(count), "digest", Json.text(Driver.hex(digest)));
  }

  private JsonElement consumeBySteps(Params params) {
    ConsumeOptions.Builder options = ConsumeOptions.builder();
    if (params.has("credits")) {
      options.credits(params.count("credits"));
    }
    params.time("ack_deadline").ifPresent(options::ackDeadline);
    options.maxDeliveries(params.count("max_deliveries"));
    JsonArray messages = new JsonArray();
    try (Consumer inbox = sidecar.consume(params.text("channel"), options.build())) {
      driver.ready();
      for (JsonElement each : params.list("steps")) {
        Params step = new Params(each.getAsJsonObject());
        Received message = message(inbox);
        switch (step.text("do")) {
          case "ack" -> inbox.ack(message);
          case "nack" -> inbox.nack(message, step.time("delay").orElse(Duration.ZERO));
          case "extend" -> {
            inbox.extend(message, step.time("seconds").orElseThrow());
            inbox.ack(message);
          }
          case "leave" -> {}
          default -> throw new IllegalArgumentException("no step is named " + step.text("do"));
        }
        messages.add(
            Json.object(
                "digest", Json.text(Driver.digest(message.payload())),
                "redelivery_count", Json.number(message.redeliveryCount())));
      }
    }
    return Json.object("messages", messages);
  }

  private JsonElement consumeOverRestarts(Params params) {
    Set<String> seen = new HashSet<>();
    int gaps = 0;
    try (Consumer inbox = sidecar.consume(params.text("channel"))) {
      driver.ready();
      while (seen.size() < params.count("count")) {
        Arrival arrival = inbox.next().orElseThrow();
        if (arrival instanceof Received message) {
          String digest = Driver.digest(message.payload());
          driver.event(
              "message",
              Json.object(
                  "digest", Json.text(digest),
                  "redelivery_count", Json.number(message.redeliveryCount())));
          inbox.ack(message);
          seen.add(digest);
        } else {
          gaps++;
        }
      }
    }
    return Json.object("gaps", Json.number(gaps));
  }

  private JsonElement receiveOverGap(Params params) {
    boolean broken = false;
    try (Receiver inbox = sidecar.receive(params.text("channel"))) {
      driver.ready();
      for (Arrival arrival : inbox) {
        if (arrival instanceof Gap gap) {
          broken = true;
          driver.event(
              "gap", Json.object("restarted", new com.google.gson.JsonPrimitive(gap.restarted())));
        } else if (arrival instanceof Received message) {
          driver.event(
              "message", Json.object("digest", Json.text(Driver.digest(message.payload()))));
          if (broken) {
            break;
          }
        }
      }
    }
    return new JsonObject();
  }

  private JsonElement watch(Params params) {
    try (Watch<PeerNews> watch = sidecar.watchPeers()) {
      for (int count = 0; count < params.count("count"); count++) {
        PeerNews news = watch.next().orElseThrow();
        if (news instanceof PeersSnapshot snapshot) {
          driver.event(
              "snapshot",
              Json.object(
                  "peers", Json.array(snapshot.peers(), peer -> Json.text(peer.getPeerId()))));
        } else if (news instanceof PeerChange change) {
          driver.event(
              "change",
              Json.object(
                  "peer_id", Json.text(change.peer().getPeerId()),
                  "state", Json.plain(change.peer().getState(), "PEER_STATE_"),
                  "removed", new com.google.gson.JsonPrimitive(change.removed())));
        }
      }
    }
    return new JsonObject();
  }

  private JsonElement events(Params params) {
    try (Watch<EventNews> watch = sidecar.events()) {
      for (EventNews news : watch) {
        if (news instanceof NodeEvent event) {
          driver.event("event", Json.object("kind", Json.text(event.kind())));
          if (event.kind().equals(params.text("until"))) {
            break;
          }
        } else {
          driver.event("gap", new JsonObject());
        }
      }
    }
    return new JsonObject();
  }

  private JsonElement sendDatagrams(Params params) {
    for (JsonElement size : params.list("sizes")) {
      sidecar.sendDatagram(
          params.text("peer_id"), params.text("channel"), Driver.pattern(size.getAsInt()));
    }
    return new JsonObject();
  }

  private JsonElement receiveDatagrams(Params params) {
    JsonArray sizes = new JsonArray();
    JsonArray peers = new JsonArray();
    try (Datagrams datagrams = sidecar.datagrams(params.text("channel"))) {
      driver.ready();
      while (sizes.size() < params.count("count")) {
        Datagram datagram = datagrams.next().orElseThrow();
        ByteString payload = datagram.payload();
        sizes.add(payload.size());
        peers.add(datagram.peerId());
      }
    }
    return Json.object("sizes", sizes, "peer_ids", peers);
  }
}
