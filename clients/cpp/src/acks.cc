#include "acks.h"

#include "convert.h"

namespace sidecar::detail {

Acks::Acks(std::string_view channel, const ConsumeOptions& options) {
  auto& open = *opening_.mutable_open();
  open.set_channel(std::string(channel));
  open.set_credits(options.credits);
  open.set_max_deliveries(options.max_deliveries);
  if (options.ack_deadline) *open.mutable_ack_deadline() = to_proto(*options.ack_deadline);
}

void Acks::gather(Verb verb, std::uint64_t id, Duration duration) {
  if (gathered_.empty() || gathered_.back().verb != verb || gathered_.back().duration != duration) {
    gathered_.push_back({verb, duration, {}});
  }
  auto& ranges = gathered_.back().ranges;
  if (!ranges.empty() && ranges.back().second + 1 == id) {
    ranges.back().second = id;
  } else {
    ranges.emplace_back(id, id);
  }
}

std::optional<overlay::v1::ConsumeRequest> Acks::next_request() {
  if (gathered_.empty()) return std::nullopt;
  const Told told = std::move(gathered_.front());
  gathered_.pop_front();
  overlay::v1::ConsumeRequest request;
  const auto add = [&](auto& frame) {
    for (const auto& [first, last] : told.ranges) {
      auto& range = *frame.add_ranges();
      range.set_first(first);
      range.set_last(last);
    }
  };
  switch (told.verb) {
    case Verb::ack:
      add(*request.mutable_ack());
      break;
    case Verb::nack:
      add(*request.mutable_nack());
      if (told.duration > Duration::zero()) *request.mutable_nack()->mutable_delay() = to_proto(told.duration);
      break;
    case Verb::extend:
      add(*request.mutable_extend());
      *request.mutable_extend()->mutable_deadline() = to_proto(told.duration);
      break;
  }
  return request;
}

}  // namespace sidecar::detail
