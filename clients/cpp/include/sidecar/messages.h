// What passes between an app and its sidecar.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "overlay/v1/peer.pb.h"
#include "sidecar/cancellation.h"
#include "sidecar/error.h"

namespace sidecar {

using Headers = std::map<std::string, std::string>;
using Time = std::chrono::system_clock::time_point;

// How far a message has come.
enum class Level {
  sent,       // it left this sidecar, or is in its journal where it is durable
  delivered,  // it is in the other sidecar's inbox, or journal
  processed,  // an app over there has acknowledged it
};

enum class Priority { high, normal, low };

// `live`: the process answers; `api`: it takes calls; `overlay`: it is linked to at least one peer.
enum class Readiness { live, api, overlay };

// What a sidecar keeps: durable messages on their way to peers, those that no app here has settled, and dead letters.
enum class Queue { outgoing, incoming, dead_incoming, dead_outgoing };

struct SendOptions {
  std::string channel = {};
  Headers headers = {};
  std::string message_id = {};
  Priority priority = Priority::normal;
  // The level to wait for.
  Level wait = Level::delivered;
  // Kept in the journals of both sidecars, for `ttl` at most.
  bool durable = false;
  std::optional<Duration> ttl = {};
  // Called again with it, `send` sends nothing twice. Not for a message that goes in chunks.
  std::string request_id = {};
};

// What became of a message that reached the level asked for.
struct Sent {
  // The caller's, or the one the sidecar made; empty for one that went in chunks without an id.
  std::string message_id;
  Level level = Level::delivered;
  // When it left the sidecar, when the other sidecar's and when the other app's acknowledgement came; unset where it is
  // not known.
  std::optional<Time> sent_at;
  std::optional<Time> delivered_at;
  std::optional<Time> processed_at;
};

struct SenderOptions {
  std::string channel = {};
  Priority priority = Priority::normal;
  // The level at which a message has its outcome.
  Level wait = Level::delivered;
  bool durable = false;
  std::optional<Duration> ttl = {};
};

// A message from a peer.
struct Received {
  std::string payload;
  Headers headers;
  std::string message_id;
  // The sender, proven by its key.
  std::string peer_id;
  std::string channel;
  Priority priority = Priority::normal;
  // Which run of the sender's sidecar numbered it; (peer_id, instance, priority, bulk, sequence) names a message.
  std::uint64_t instance = 0;
  bool bulk = false;
  std::uint64_t sequence = 0;
  // How often it was handed to a subscriber before.
  std::uint32_t redelivery_count = 0;
  // When the sidecar received the run of messages that it came in.
  Time received_at;
  // In `consume`, what it is acknowledged by; else 0.
  std::uint64_t delivery_id = 0;
  bool durable = false;
  // Which opening of its subscription handed it out: 0 for the first, more after each Gap.
  std::uint64_t opening = 0;
};

// A subscription or watch was broken off and is taken up again: what the sidecar held for it then may be lost.
struct Gap {
  std::string detail;
  // Whether it is another run of the sidecar: what was not durable died with the former one.
  bool restarted = false;
};

// What a subscription gives: `if (const auto* message = std::get_if<Received>(&item))`.
using Item = std::variant<Received, Gap>;

struct ConsumeOptions {
  // How many messages may be handed out and not yet acked or nacked; at least 1.
  std::uint32_t credits = 64;
  // A message not acked for so long is handed out again; unset: when the consumer ends.
  std::optional<Duration> ack_deadline = {};
  // What comes back for the so manieth time becomes a dead letter; 0: never.
  std::uint32_t max_deliveries = 0;
};

// Chooses letters of a queue; what is unset chooses all.
struct LetterFilter {
  std::optional<std::string> peer_id = {};
  std::optional<std::string> channel = {};
  std::vector<std::uint64_t> ids = {};
};

struct RequestOptions {
  std::string channel = {};
  Headers headers = {};
};

// A reply.
struct Replied {
  std::string payload = {};
  Headers headers = {};
};

// How an app fails a request: the requester gets RequestFailed with this code, a short word, and these words.
struct AnswerError {
  std::string code;
  std::string message = {};
};

// What another app asks.
struct IncomingRequest {
  // Who asks, proven by its key.
  std::string peer_id;
  std::string channel;
  std::string payload;
  Headers headers;
  // How long the requester waits, from when it came; unset where it did not say.
  std::optional<Duration> time_left;
  // Said when nobody waits for the answer any longer.
  Cancellation cancelled;
};

// What an app answers.
using Answer = tl::expected<Replied, AnswerError>;

struct ReplyOptions {
  // How many requests it works on at once, each in a thread.
  std::uint32_t credits = 16;
  // The peers whose requests it takes; none for any peer.
  std::vector<std::string> peer_ids = {};
};

struct StreamOptions {
  Headers headers = {};
  // How long to wait for an app that accepts; 10 s where unset.
  std::optional<Duration> accept_timeout = {};
};

struct BroadcastOptions {
  std::string channel = {};
  Headers headers = {};
  // Only to linked peers that carry all of these labels.
  std::map<std::string, std::string> labels = {};
};

struct DatagramOptions {
  std::string channel = {};
  // How long it may wait in this sidecar for its turn; 0.1 s where unset.
  std::optional<Duration> ttl = {};
};

// A datagram that came.
struct Datagram {
  // The sender, proven by its key.
  std::string peer_id;
  std::string payload;
};

// Every peer known, when a watch begins or has to begin anew; what is not in it is forgotten.
struct PeersSnapshot {
  std::vector<overlay::v1::Peer> peers;
};

// A peer as it is now; with `removed`, only its id is set and it is forgotten.
struct PeerChange {
  overlay::v1::Peer peer;
  bool removed = false;
};

using PeerNews = std::variant<PeersSnapshot, PeerChange>;

}  // namespace sidecar
