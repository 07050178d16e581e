// What a verb of the client may fail with, by the reason the sidecar gives (overlay.v1.ErrorReason).
//
//   SidecarError
//   ├── RequestError                what was asked cannot be done as asked; a repeat fails the same way
//   │   ├── InvalidField            `fields` names each and what is wrong with it
//   │   ├── MessageTooLarge
//   │   ├── PeerIsSelf
//   │   ├── FrameUnexpected
//   │   ├── TokenInvalid
//   │   ├── ScopeDenied
//   │   ├── PeerNotAllowed          the app over there does not take this peer
//   │   └── CursorExpired           begin the watch anew
//   ├── NotFound
//   │   ├── PeerUnknown
//   │   ├── ContactUnknown
//   │   └── LetterUnknown
//   ├── PeerError                   the other side, or the way to it
//   │   ├── PeerUnreachable
//   │   ├── PeerNotDialable         it is a client: it links by itself
//   │   ├── PeerRefused
//   │   ├── IdentityMismatch
//   │   ├── PeerUntrusted
//   │   ├── LinkClosed
//   │   ├── BootstrapFailed
//   │   ├── OutcomeUnknown          it was sent and may have arrived
//   │   ├── UnsupportedByPeer       its sidecar does not take such messages
//   │   ├── DeadLettered            no app over there would acknowledge it
//   │   ├── Expired                 its time to live has passed
//   │   └── Purged                  somebody has emptied the queue that held it
//   ├── Busy                        try again later, `retry_after` from now where it is given
//   │   ├── QueueFull
//   │   ├── LimitReached
//   │   ├── JournalFull             the sidecar's disk, or its budget there, is full
//   │   └── NoSubscriber            nobody reads the channel over there and it is full
//   ├── RequestFailed               the app that was asked answered with an error
//   ├── StreamReset                 the other app has ended the stream, or went away
//   ├── StreamLost                  its connection was lost for too long
//   ├── DeadlinePassed
//   │   └── Pending                 a durable message is on its way, and goes on
//   ├── Cancelled
//   ├── SidecarUnavailable          no sidecar answers at the endpoint, or it went away in the middle of the call
//   │   ├── Draining                it is about to stop and takes nothing new
//   │   └── JournalFailed           its disk does not take the journal
//   ├── InternalError               the sidecar's own fault; its log has the details
//   └── SendFailed                  messages of a Sender that did not reach their level: `failures`
//
// A plain SidecarError is a failure of a kind that this client does not know.
#pragma once

#include <grpcpp/support/status.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace sidecar {

// Any duration of std::chrono converts to it.
using Duration = std::chrono::nanoseconds;

enum class ErrorKind {
  SidecarError,
  RequestError,
  InvalidField,
  MessageTooLarge,
  PeerIsSelf,
  FrameUnexpected,
  TokenInvalid,
  ScopeDenied,
  PeerNotAllowed,
  CursorExpired,
  NotFound,
  PeerUnknown,
  ContactUnknown,
  LetterUnknown,
  PeerError,
  PeerUnreachable,
  PeerNotDialable,
  PeerRefused,
  IdentityMismatch,
  PeerUntrusted,
  LinkClosed,
  BootstrapFailed,
  OutcomeUnknown,
  UnsupportedByPeer,
  DeadLettered,
  Expired,
  Purged,
  Busy,
  QueueFull,
  LimitReached,
  JournalFull,
  NoSubscriber,
  RequestFailed,
  StreamReset,
  StreamLost,
  DeadlinePassed,
  Pending,
  Cancelled,
  SidecarUnavailable,
  Draining,
  JournalFailed,
  InternalError,
  SendFailed,
};

// Its name, as in the tree above.
[[nodiscard]] std::string_view name_of(ErrorKind kind);

// The kind above it; SidecarError's is SidecarError.
[[nodiscard]] ErrorKind parent_of(ErrorKind kind);

// A field of a request and what is wrong with it.
struct FieldViolation {
  std::string field;
  std::string description;
};

struct Failure;

struct Error {
  ErrorKind kind = ErrorKind::SidecarError;
  // The sidecar's name for it (`PEER_UNKNOWN`); empty when the failure is not the sidecar's word.
  std::string reason;
  // gRPC's canonical status.
  grpc::StatusCode code = grpc::StatusCode::UNKNOWN;
  // What was wrong and what to do, in words.
  std::string detail;
  // Figures by name: `limit` and `size`, the answering app's `code`, ...
  std::map<std::string, std::string> metadata;
  std::vector<FieldViolation> fields;
  // After how long trying again makes sense, where it is known.
  std::optional<Duration> retry_after;
  // Of SendFailed: which messages, and why each.
  std::vector<Failure> failures;

  // An error of a kind, with the reason and the status that go with it.
  [[nodiscard]] static Error of(ErrorKind kind, std::string detail);
  // The error for a reason, whatever brought it; a plain SidecarError where this client does not know it.
  [[nodiscard]] static Error of_reason(std::string reason, std::string detail);
  // What gRPC told of a call that failed. `status` must not be OK.
  [[nodiscard]] static Error of_status(const grpc::Status& status);

  // Whether it is of that kind or one below it.
  [[nodiscard]] bool is(ErrorKind which) const;
  // `PEER_UNKNOWN: no contact, record or link ...`
  [[nodiscard]] std::string message() const;
};

// Messages of a Sender that did not reach their level, by number, inclusive.
struct Failure {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  Error error;
};

std::ostream& operator<<(std::ostream& out, const Error& error);

// What every verb gives: a value, or why there is none. `if (auto node = sidecar.node()) use(node->peer_id()); else
// log(node.error());`
template <class T>
using Result = tl::expected<T, Error>;

}  // namespace sidecar
