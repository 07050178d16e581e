// What a consumer still has to tell, without any I/O: acknowledgements gathered into ranges.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "overlay/v1/message.pb.h"
#include "sidecar/messages.h"

namespace sidecar::detail {

class Acks {
 public:
  Acks(std::string_view channel, const ConsumeOptions& options);

  enum class Verb { ack, nack, extend };

  // The first frame of every call.
  [[nodiscard]] const overlay::v1::ConsumeRequest& opening() const { return opening_; }
  // Gathers delivery ids in their order; consecutive ones become one range.
  void gather(Verb verb, std::uint64_t id, Duration duration = Duration::zero());
  // Forgets what was gathered: it was for a call that is over.
  void clear() { gathered_.clear(); }
  [[nodiscard]] bool empty() const { return gathered_.empty(); }
  // The next frame; nothing when there is nothing to tell.
  std::optional<overlay::v1::ConsumeRequest> next_request();

 private:
  struct Told {
    Verb verb;
    Duration duration;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  };

  overlay::v1::ConsumeRequest opening_;
  std::deque<Told> gathered_;
};

}  // namespace sidecar::detail
