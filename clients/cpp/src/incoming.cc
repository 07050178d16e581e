#include "incoming.h"

#include <utility>

#include "convert.h"

namespace sidecar::detail {
namespace {

namespace pb = overlay::v1;

Received under_envelope(const pb::Delivery& delivery, int index, std::uint64_t opening) {
  const auto offset = static_cast<std::uint64_t>(index);
  Received received;
  received.peer_id = delivery.peer_id();
  received.channel = delivery.channel();
  received.priority = from_proto(delivery.priority());
  received.instance = delivery.instance();
  received.bulk = delivery.bulk();
  received.sequence = delivery.first_sequence() + offset;
  received.redelivery_count = delivery.redelivery_count();
  received.received_at = from_proto(delivery.received_at());
  received.delivery_id = delivery.first_delivery_id() != 0 ? delivery.first_delivery_id() + offset : 0;
  received.durable = delivery.durable();
  received.opening = opening;
  return received;
}

}  // namespace

void Incoming::restart() {
  ++opening_;
  assembling_.reset();
}

Result<void> Incoming::take(pb::Delivery& delivery, std::deque<Item>& into) {
  if (delivery.has_chunk()) return take_chunk(delivery, into);
  for (int index = 0; index < delivery.messages_size(); ++index) {
    pb::Message& message = *delivery.mutable_messages(index);
    Received received = under_envelope(delivery, index, opening_);
    received.payload = std::move(*message.mutable_payload());
    received.headers = from_proto(message.headers());
    received.message_id = std::move(*message.mutable_message_id());
    into.emplace_back(std::move(received));
  }
  return {};
}

Result<void> Incoming::take_chunk(pb::Delivery& delivery, std::deque<Item>& into) {
  pb::Chunk& chunk = *delivery.mutable_chunk();
  if (chunk.offset() == 0) {
    assembling_.emplace();
    total_ = chunk.total();
    headers_ = from_proto(chunk.headers());
  }
  if (!assembling_ || chunk.offset() != assembling_->size() || chunk.total() != total_ ||
      chunk.data().size() > total_ - assembling_->size()) {
    return tl::make_unexpected(
        Error::of(ErrorKind::SidecarError, "the sidecar sent a chunk at " + std::to_string(chunk.offset()) + " of " +
                                               std::to_string(chunk.total()) + " that continues nothing"));
  }
  *assembling_ += chunk.data();
  if (assembling_->size() < total_) return {};
  Received received = under_envelope(delivery, 0, opening_);
  received.payload = std::move(*assembling_);
  received.headers = std::move(headers_);
  received.message_id = std::move(*chunk.mutable_message_id());
  assembling_.reset();
  headers_.clear();
  into.emplace_back(std::move(received));
  return {};
}

}  // namespace sidecar::detail
