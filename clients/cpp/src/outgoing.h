// The sender's end of a SendStream, without any I/O: messages in, frames out, receipts in, outcomes out.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "overlay/v1/message.pb.h"
#include "sidecar/messages.h"

namespace sidecar::detail {

// Messages are gathered into frames of about this size; one that is larger alone makes its own.
inline constexpr std::size_t kFrameBytes = 1 << 20;
// The size of the parts of a message that no frame can hold.
inline constexpr std::size_t kChunkBytes = 2 << 20;
// How many bytes may be without an outcome before `full` says to wait.
inline constexpr std::size_t kWindowBytes = 16 << 20;
// What each message counts beside its payload.
inline constexpr std::size_t kMessageBytes = 64;

// The book of one SendStream. Numbers run from 1. `through` is the number up to which every message has an outcome;
// those that failed are in `failures`. A message stays counted in `pending_bytes` until it has one.
class Outgoing {
 public:
  Outgoing(std::string_view peer_id, const SenderOptions& options, std::size_t window = kWindowBytes);

  // The first frame.
  [[nodiscard]] const overlay::v1::SendStreamRequest& opening() const { return opening_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t through() const { return through_; }
  [[nodiscard]] std::size_t pending_bytes() const { return pending_bytes_; }
  [[nodiscard]] const std::vector<Failure>& failures() const { return failures_; }
  // Why the call is over, once it is; nothing more can be sent then.
  [[nodiscard]] const std::optional<Error>& ended() const { return ended_; }
  // Whether to wait for outcomes before adding more.
  [[nodiscard]] bool full() const { return pending_bytes_ >= window_; }
  [[nodiscard]] bool has_frame() const { return !frames_.empty(); }

  // Takes a message and gives its number; payloads above `whole_bytes` go in chunks. The call must not have ended.
  std::uint64_t add(std::string payload, Headers headers, std::string message_id, std::uint64_t whole_bytes);
  // The next frame; nothing when none waits. The chunks of a large message are cut as they are asked for.
  std::optional<overlay::v1::SendStreamRequest> next_frame();
  // Takes what the sidecar tells.
  void take(const overlay::v1::SendStreamResponse& response);
  // The call is over: what has no outcome gets one. Nothing for `error` when it ended in order.
  void end(const std::optional<Error>& error);
  // Why message `number` failed; nothing when it reached its level. Ask only once it has an outcome.
  [[nodiscard]] std::optional<Error> error_of(std::uint64_t number) const;
  // SendFailed with the failures that this has not given before; nothing when there are none.
  std::optional<Error> new_failures();

 private:
  struct Gathered {
    std::uint64_t last;
    std::size_t bytes;
    overlay::v1::SendStreamRequest request;
  };
  struct Large {
    std::uint64_t number;
    std::string payload;
    Headers headers;
    std::string message_id;
    std::size_t offset = 0;
  };

  overlay::v1::SendStreamRequest next_chunk(Large& large) const;
  void outcomes_through(std::uint64_t number);

  overlay::v1::DeliveryLevel level_;
  overlay::v1::SendStreamRequest opening_;
  std::size_t window_;
  std::uint64_t count_ = 0;
  std::uint64_t through_ = 0;
  std::size_t pending_bytes_ = 0;
  std::vector<Failure> failures_;
  std::optional<Error> ended_;
  // What waits to be handed to gRPC.
  std::deque<std::variant<Gathered, Large>> frames_;
  // (number, bytes) of what has no outcome.
  std::deque<std::pair<std::uint64_t, std::size_t>> sizes_;
  // The last message that was handed to gRPC, in part at least.
  std::uint64_t taken_ = 0;
  std::size_t reported_ = 0;
};

}  // namespace sidecar::detail
