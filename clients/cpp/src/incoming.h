// The receiver's end of Receive and Consume, without any I/O: deliveries in, whole messages out.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "overlay/v1/message.pb.h"
#include "sidecar/messages.h"

namespace sidecar::detail {

// Unfolds deliveries into messages and puts the chunks of a large one together. A series of chunks that its call did
// not finish is dropped by `restart`: the sidecar hands the message out anew.
class Incoming {
 public:
  // Counts the calls: 0 is the first.
  [[nodiscard]] std::uint64_t opening() const { return opening_; }
  // A new call begins.
  void restart();
  // Appends the messages that this delivery completes. SidecarError when a chunk does not continue its series.
  Result<void> take(overlay::v1::Delivery& delivery, std::deque<Item>& into);

 private:
  Result<void> take_chunk(overlay::v1::Delivery& delivery, std::deque<Item>& into);

  std::uint64_t opening_ = 0;
  std::optional<std::string> assembling_;
  std::uint64_t total_ = 0;
  Headers headers_;
};

}  // namespace sidecar::detail
