// One verb by its name.
#include <google/protobuf/descriptor.h>

#include <functional>
#include <map>
#include <stdexcept>

#include "driver.h"

namespace driver {
namespace {

namespace pb = overlay::v1;

// The arguments of one verb, and the client and options of its call.
struct Verb {
  sidecar::Sidecar& app;
  json args;
  sidecar::CallOptions options;

  template <class T>
  T arg(const char* name, T otherwise = {}) const {
    const auto found = args.find(name);
    return found == args.end() || found->is_null() ? otherwise : found->get<T>();
  }
  [[nodiscard]] std::string text(const char* name) const { return arg<std::string>(name); }
  [[nodiscard]] std::string payload() const {
    return args.contains("size") ? pattern(arg<std::size_t>("size")) : from_base64(text("b64"));
  }
  [[nodiscard]] sidecar::LetterFilter filter() const {
    sidecar::LetterFilter filter;
    if (args.contains("peer_id") && !args["peer_id"].is_null()) filter.peer_id = text("peer_id");
    if (args.contains("channel") && !args["channel"].is_null()) filter.channel = text("channel");
    filter.ids = arg<std::vector<std::uint64_t>>("ids");
    return filter;
  }
  [[nodiscard]] sidecar::Queue queue() const {
    static const std::map<std::string, sidecar::Queue> kQueues = {{"outgoing", sidecar::Queue::outgoing},
                                                                  {"incoming", sidecar::Queue::incoming},
                                                                  {"dead_incoming", sidecar::Queue::dead_incoming},
                                                                  {"dead_outgoing", sidecar::Queue::dead_outgoing}};
    return kQueues.at(text("queue"));
  }
};

std::string queue_name(pb::Queue queue) { return pb::Queue_Name(queue).substr(std::string("QUEUE_").size()); }

std::string reason_name(pb::ErrorReason reason) {
  if (reason == pb::ERROR_REASON_UNSPECIFIED) return "";
  return pb::ErrorReason_Name(reason).substr(std::string("ERROR_REASON_").size());
}

json peer_of(const pb::Peer& peer) {
  return {{"peer_id", peer.peer_id()},
          {"state", pb::PeerState_Name(peer.state()).substr(std::string("PEER_STATE_").size())}};
}

// A list of something of each entry.
template <class Entries, class Get>
json each_of(const Entries& entries, Get get) {
  json list = json::array();
  for (const auto& entry : entries) list.push_back(get(entry));
  return list;
}

json send(Verb& verb) {
  sidecar::SendOptions options;
  options.channel = verb.text("channel");
  options.headers = verb.arg<sidecar::Headers>("headers");
  options.message_id = verb.text("message_id");
  options.priority = priority_named(verb.arg<std::string>("priority", "normal"));
  options.wait = level_named(verb.arg<std::string>("wait", "delivered"));
  options.durable = verb.arg<bool>("durable");
  options.ttl = optional_duration(verb.args, "ttl");
  options.request_id = verb.text("request_id");
  const auto sent = value(verb.app.send(verb.text("peer_id"), verb.payload(), options, verb.options));
  return {{"message_id", sent.message_id}, {"level", name_of(sent.level)}};
}

json broadcast(Verb& verb) {
  json told = json::object();
  for (const auto& [peer_id, outcome] :
       value(verb.app.broadcast(verb.payload(),
                                {verb.text("channel"), verb.arg<sidecar::Headers>("headers"),
                                 verb.arg<std::map<std::string, std::string>>("labels")},
                                verb.options))) {
    told[peer_id] = outcome ? "" : outcome.error().reason;
  }
  return told;
}

json request(Verb& verb) {
  const auto reply =
      value(verb.app.request(verb.text("peer_id"), verb.payload(),
                             {verb.text("channel"), verb.arg<sidecar::Headers>("headers")}, verb.options));
  return {{"b64", to_base64(reply.payload)}, {"headers", reply.headers}};
}

json first_event(Verb& verb) {
  pb::Cursor cursor;
  cursor.set_instance(verb.arg<std::uint64_t>("instance"));
  cursor.set_revision(verb.arg<std::uint64_t>("revision"));
  auto news = value(verb.app.events(cursor));
  const auto first = value(news.next());
  if (!first || std::holds_alternative<sidecar::Gap>(*first)) return "gap";
  const auto& event = std::get<pb::Event>(*first);
  return pb::Event::descriptor()->FindFieldByNumber(static_cast<int>(event.kind_case()))->name();
}

json first_news(Verb& verb) {
  auto news = value(verb.app.watch_peers());
  const auto first = value(news.next());
  const auto& snapshot = std::get<sidecar::PeersSnapshot>(first.value());
  return {{"snapshot", each_of(snapshot.peers, [](const pb::Peer& peer) { return peer.peer_id(); })}};
}

const std::map<std::string, std::function<json(Verb&)>>& verbs() {
  static const std::map<std::string, std::function<json(Verb&)>> known = {
      {"node", [](Verb& v) -> json { return value(v.app.node(v.options)).peer_id(); }},
      {"peers",
       [](Verb& v) {
         return each_of(value(v.app.peers(v.arg<bool>("linked_only"), v.options)),
                        [](const pb::Peer& peer) { return peer.peer_id(); });
       }},
      {"peer", [](Verb& v) { return peer_of(value(v.app.peer(v.text("peer_id"), v.options))); }},
      {"connect", [](Verb& v) -> json { return value(v.app.connect(v.text("target"), v.options)).peer_id(); }},
      {"disconnect", [](Verb& v) -> json { return value(v.app.disconnect(v.text("peer_id"), v.options)); }},
      {"block_peer",
       [](Verb& v) -> json {
         value(v.app.block_peer(v.text("peer_id"), v.options));
         return nullptr;
       }},
      {"unblock_peer",
       [](Verb& v) -> json {
         value(v.app.unblock_peer(v.text("peer_id"), v.options));
         return nullptr;
       }},
      {"ping", [](Verb& v) -> json { return seconds(value(v.app.ping(v.text("peer_id"), v.options))); }},
      {"bootstrap",
       [](Verb& v) {
         return each_of(
             value(v.app.bootstrap(v.arg<std::vector<std::string>>("contacts"), v.options)),
             [](const pb::ContactResult& each) {
               return json{{"address", each.address()}, {"peer_id", each.peer_id()}, {"error", each.error()}};
             });
       }},
      {"contacts",
       [](Verb& v) {
         return each_of(value(v.app.contacts(v.arg<bool>("cached"), v.options)),
                        [](const pb::Contact& each) { return each.address(); });
       }},
      {"add_contacts",
       [](Verb& v) {
         return each_of(value(v.app.add_contacts(v.arg<std::vector<std::string>>("contacts"), v.options)),
                        [](const pb::Contact& each) { return each.address(); });
       }},
      {"remove_contact",
       [](Verb& v) -> json {
         value(v.app.remove_contact(v.text("contact"), v.options));
         return nullptr;
       }},
      {"check_reachability",
       [](Verb& v) {
         const auto told = value(v.app.check_reachability(v.arg<std::vector<std::string>>("addresses"), v.options));
         return each_of(told.checks(), [](const pb::ReachabilityCheck& each) {
           return json{{"peer_id", each.peer_id()},
                       {"address", each.address()},
                       {"result", pb::Reachability_Name(each.result()).substr(std::string("REACHABILITY_").size())}};
         });
       }},
      {"drain",
       [](Verb& v) -> json {
         return value(v.app.drain(optional_duration(v.args, "timeout"), v.arg<bool>("wait", true)));
       }},
      {"send", send},
      {"broadcast", broadcast},
      {"send_datagram",
       [](Verb& v) -> json {
         value(v.app.send_datagram(v.text("peer_id"), v.payload(),
                                   {v.text("channel"), optional_duration(v.args, "ttl")}, v.options));
         return nullptr;
       }},
      {"request", request},
      {"queues",
       [](Verb& v) {
         const auto kept = value(v.app.queues(v.options));
         return each_of(kept.queues(), [](const pb::QueueSummary& each) {
           return json{{"queue", queue_name(each.queue())},
                       {"peer_id", each.peer_id()},
                       {"channel", each.channel()},
                       {"messages", each.messages()}};
         });
       }},
      {"letters",
       [](Verb& v) {
         return each_of(value(v.app.letters(v.queue(), v.filter(), 500, v.options)), [](const pb::Letter& each) {
           return json{{"id", each.id()},
                       {"channel", each.channel()},
                       {"messages", each.messages()},
                       {"reason", reason_name(each.reason())}};
         });
       }},
      {"letter",
       [](Verb& v) {
         const auto letter = value(v.app.letter(v.queue(), v.arg<std::uint64_t>("id"), v.options));
         return json{{"id", letter.letter().id()}, {"payloads", each_of(letter.messages(), [](const pb::Message& each) {
                                                      return to_base64(each.payload());
                                                    })}};
       }},
      {"purge", [](Verb& v) -> json { return value(v.app.purge(v.queue(), v.filter(), v.options)); }},
      {"replay", [](Verb& v) -> json { return value(v.app.replay(v.queue(), v.filter(), v.options)); }},
      {"watch_peers", first_news},
      {"events", first_event},
  };
  return known;
}

}  // namespace

json call(Case& run) {
  const auto name = run.param<std::string>("verb");
  const auto verb = verbs().find(name);
  if (verb == verbs().end()) throw std::invalid_argument("no verb '" + name + "'");
  std::optional<sidecar::Sidecar> other;
  if (run.params().contains("token")) {
    sidecar::Options options;
    options.token = run.param<std::string>("token");
    other = value(sidecar::Sidecar::open(options));
  }
  Verb asked{other ? *other : run.app, run.param<json>("args", json::object()), {}};
  asked.options.timeout = optional_duration(run.params(), "timeout");
  if (!asked.options.timeout && name != "drain") asked.options.timeout = optional_duration(asked.args, "timeout");
  try {
    return {{"value", verb->second(asked)}};
  } catch (const Failed& failed) {
    return {{"raised", error_json(failed.error)}};
  }
}

}  // namespace driver
