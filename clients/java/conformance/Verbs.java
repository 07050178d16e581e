import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.github.quicp2p.sidecar.BroadcastOptions;
import io.github.quicp2p.sidecar.EventNews;
import io.github.quicp2p.sidecar.LetterFilter;
import io.github.quicp2p.sidecar.NodeEvent;
import io.github.quicp2p.sidecar.PeerNews;
import io.github.quicp2p.sidecar.PeersSnapshot;
import io.github.quicp2p.sidecar.Priority;
import io.github.quicp2p.sidecar.QueueName;
import io.github.quicp2p.sidecar.RequestOptions;
import io.github.quicp2p.sidecar.SendOptions;
import io.github.quicp2p.sidecar.Sent;
import io.github.quicp2p.sidecar.Sidecar;
import io.github.quicp2p.sidecar.Watch;
import io.github.quicp2p.sidecar.errors.SidecarException;
import io.github.quicp2p.sidecar.gen.overlay.v1.Contact;
import io.github.quicp2p.sidecar.gen.overlay.v1.Cursor;
import io.github.quicp2p.sidecar.gen.overlay.v1.GetLetterResponse;
import io.github.quicp2p.sidecar.gen.overlay.v1.Peer;
import java.util.Collection;
import java.util.Locale;

/** The case {@code call}: one verb, its arguments and its value. */
final class Verbs {
  private Verbs() {}

  static JsonObject call(Sidecar shared, Params params) {
    Sidecar sidecar =
        params.has("token") ? Sidecar.builder().token(params.text("token")).build() : shared;
    try {
      Sidecar timed = params.time("timeout").map(sidecar::withTimeout).orElse(sidecar);
      return Json.object("value", value(timed, params.text("verb"), params.inner("args")));
    } catch (SidecarException error) {
      return Driver.raised(error);
    } finally {
      if (sidecar != shared) {
        sidecar.close();
      }
    }
  }

  private static JsonElement value(Sidecar sidecar, String verb, Params args) {
    String peerId = args.text("peer_id");
    return switch (verb) {
      case "node" -> Json.text(sidecar.node().getPeerId());
      case "peers" ->
          Json.array(
              sidecar.peers(args.flag("linked_only", false)), peer -> Json.text(peer.getPeerId()));
      case "peer" -> peer(sidecar.peer(peerId));
      case "connect" -> Json.text(sidecar.connect(args.text("target")).getPeerId());
      case "disconnect" -> Json.number(sidecar.disconnect(peerId));
      case "block_peer" -> nothing(() -> sidecar.blockPeer(peerId));
      case "unblock_peer" -> nothing(() -> sidecar.unblockPeer(peerId));
      case "ping" -> Json.number(sidecar.ping(peerId).toNanos() / 1e9);
      case "bootstrap" ->
          Json.array(
              sidecar.bootstrap(args.texts("contacts").toArray(String[]::new)),
              one ->
                  Json.object(
                      "address", Json.text(one.getAddress()),
                      "peer_id", Json.text(one.getPeerId()),
                      "error", Json.text(one.getError())));
      case "contacts" -> addresses(sidecar.contacts(args.flag("cached", false)));
      case "add_contacts" -> addresses(sidecar.addContacts(args.texts("contacts")));
      case "remove_contact" -> nothing(() -> sidecar.removeContact(args.text("contact")));
      case "check_reachability" ->
          Json.array(
              sidecar
                  .checkReachability(args.texts("addresses").toArray(String[]::new))
                  .getChecksList(),
              one ->
                  Json.object(
                      "peer_id", Json.text(one.getPeerId()),
                      "address", Json.text(one.getAddress()),
                      "result", Json.plain(one.getResult(), "REACHABILITY_")));
      case "drain" -> Json.number(sidecar.drain(args.time("timeout"), args.flag("wait", true)));
      case "send" -> send(sidecar, args);
      case "broadcast" -> broadcast(sidecar, args);
      case "send_datagram" ->
          nothing(
              () ->
                  sidecar.sendDatagram(
                      peerId, args.text("channel"), args.payload(), args.time("ttl")));
      case "request" ->
          Json.replied(
              sidecar.request(
                  peerId,
                  args.text("channel"),
                  args.payload(),
                  RequestOptions.builder().headers(args.map("headers")).build()));
      case "watch_peers" -> {
        try (Watch<PeerNews> watch = sidecar.watchPeers()) {
          PeersSnapshot first = (PeersSnapshot) watch.next().orElseThrow();
          yield Json.object(
              "snapshot", Json.array(first.peers(), peer -> Json.text(peer.getPeerId())));
        }
      }
      case "events" -> {
        Cursor from =
            Cursor.newBuilder()
                .setInstance(args.number("instance", 0))
                .setRevision(args.number("revision", 0))
                .build();
        try (Watch<EventNews> watch = sidecar.events(from)) {
          EventNews first = watch.next().orElseThrow();
          yield Json.text(first instanceof NodeEvent event ? event.kind() : "gap");
        }
      }
      case "queues" ->
          Json.array(
              sidecar.queues().getQueuesList(),
              one ->
                  Json.object(
                      "queue", Json.plain(one.getQueue(), "QUEUE_"),
                      "peer_id", Json.text(one.getPeerId()),
                      "channel", Json.text(one.getChannel()),
                      "messages", Json.number(one.getMessages())));
      default -> kept(sidecar, verb, args);
    };
  }

  private static JsonElement kept(Sidecar sidecar, String verb, Params args) {
    QueueName queue = QueueName.valueOf(args.text("queue").toUpperCase(Locale.ROOT));
    LetterFilter.Builder filter = LetterFilter.builder();
    args.get("peer_id").ifPresent(value -> filter.peerId(value.getAsString()));
    args.get("channel").ifPresent(value -> filter.channel(value.getAsString()));
    filter.ids(args.list("ids").stream().map(JsonElement::getAsLong).toList());
    return switch (verb) {
      case "letters" ->
          Json.array(
              sidecar.letters(queue, filter.build(), (int) args.number("limit", 500)),
              one ->
                  Json.object(
                      "id", Json.number(one.getId()),
                      "channel", Json.text(one.getChannel()),
                      "messages", Json.number(one.getMessages()),
                      "reason", Json.plain(one.getReason(), "ERROR_REASON_")));
      case "letter" -> {
        GetLetterResponse letter = sidecar.letter(queue, args.number("id", 0));
        yield Json.object(
            "id", Json.number(letter.getLetter().getId()),
            "payloads", Json.array(letter.getMessagesList(), one -> Json.base64(one.getPayload())));
      }
      case "purge" -> Json.number(sidecar.purge(queue, filter.build()));
      case "replay" -> Json.number(sidecar.replay(queue, filter.build()));
      default -> throw new IllegalArgumentException("no verb is named " + verb);
    };
  }

  private static JsonElement send(Sidecar sidecar, Params args) {
    SendOptions.Builder options =
        SendOptions.builder()
            .headers(args.map("headers"))
            .messageId(args.text("message_id"))
            .durable(args.flag("durable", false))
            .requestId(args.text("request_id"));
    args.get("priority")
        .ifPresent(
            value ->
                options.priority(Priority.valueOf(value.getAsString().toUpperCase(Locale.ROOT))));
    args.get("wait").ifPresent(value -> options.level(Json.level(value.getAsString())));
    args.time("ttl").ifPresent(options::ttl);
    Sent sent =
        sidecar.send(args.text("peer_id"), args.text("channel"), args.payload(), options.build());
    return Json.object(
        "message_id", Json.text(sent.messageId()), "level", Json.text(Json.name(sent.level())));
  }

  private static JsonElement broadcast(Sidecar sidecar, Params args) {
    JsonObject outcomes = new JsonObject();
    sidecar
        .broadcast(
            args.text("channel"),
            args.payload(),
            BroadcastOptions.builder()
                .headers(args.map("headers"))
                .labels(args.map("labels"))
                .build())
        .forEach(
            (peer, error) ->
                outcomes.addProperty(peer, error.map(SidecarException::reason).orElse("")));
    return outcomes;
  }

  private static JsonElement peer(Peer peer) {
    return Json.object(
        "peer_id", Json.text(peer.getPeerId()),
        "state", Json.plain(peer.getState(), "PEER_STATE_"));
  }

  private static JsonElement addresses(Collection<Contact> contacts) {
    return Json.array(contacts, contact -> Json.text(contact.getAddress()));
  }

  private static JsonElement nothing(Runnable verb) {
    verb.run();
    return JsonNull.INSTANCE;
  }
}
