#include "outgoing.h"

#include <algorithm>

#include "convert.h"

namespace sidecar::detail {

namespace pb = overlay::v1;

Outgoing::Outgoing(std::string_view peer_id, const SenderOptions& options, std::size_t window)
    : level_(to_proto(options.wait)), window_(window) {
  auto& open = *opening_.mutable_open();
  open.set_peer_id(std::string(peer_id));
  open.set_channel(options.channel);
  open.set_priority(to_proto(options.priority));
  open.set_level(level_);
  open.set_durable(options.durable);
  if (options.ttl) *open.mutable_ttl() = to_proto(*options.ttl);
}

std::uint64_t Outgoing::add(std::string payload, Headers headers, std::string message_id, std::uint64_t whole_bytes) {
  const std::size_t size = payload.size() + kMessageBytes;
  std::size_t framed = size + message_id.size();
  for (const auto& [name, value] : headers) framed += name.size() + value.size() + kMessageBytes;
  ++count_;
  if (payload.size() > whole_bytes) {
    frames_.emplace_back(Large{count_, std::move(payload), std::move(headers), std::move(message_id)});
  } else {
    auto* gathered = frames_.empty() ? nullptr : std::get_if<Gathered>(&frames_.back());
    if (gathered == nullptr || gathered->bytes + framed > kFrameBytes) {
      gathered = &std::get<Gathered>(frames_.emplace_back(Gathered{0, 0, {}}));
    }
    gathered->last = count_;
    gathered->bytes += framed;
    pb::Message& message = *gathered->request.add_messages();
    message.set_payload(std::move(payload));
    message.set_message_id(std::move(message_id));
    put(headers, message.mutable_headers());
  }
  sizes_.emplace_back(count_, size);
  pending_bytes_ += size;
  return count_;
}

std::optional<pb::SendStreamRequest> Outgoing::next_frame() {
  if (frames_.empty()) return std::nullopt;
  if (auto* gathered = std::get_if<Gathered>(&frames_.front())) {
    taken_ = gathered->last;
    pb::SendStreamRequest request = std::move(gathered->request);
    frames_.pop_front();
    return request;
  }
  Large& large = std::get<Large>(frames_.front());
  taken_ = large.number;
  pb::SendStreamRequest request = next_chunk(large);
  if (large.offset == large.payload.size()) frames_.pop_front();
  return request;
}

pb::SendStreamRequest Outgoing::next_chunk(Large& large) const {
  pb::SendStreamRequest request;
  pb::Chunk& chunk = *request.mutable_chunk();
  chunk.set_message_id(large.message_id);
  chunk.set_offset(large.offset);
  chunk.set_total(large.payload.size());
  if (large.offset == 0) put(large.headers, chunk.mutable_headers());
  const std::size_t size = std::min(kChunkBytes, large.payload.size() - large.offset);
  chunk.set_data(large.payload.data() + large.offset, size);
  large.offset += size;
  return request;
}

void Outgoing::take(const pb::SendStreamResponse& response) {
  for (const auto& receipt : response.receipts()) {
    for (const auto& exception : receipt.exceptions()) {
      failures_.push_back(
          {exception.first(), exception.last(), Error::of_reason(bare_name(exception.reason()), exception.detail())});
    }
    if (receipt.level() == level_) outcomes_through(receipt.through_sequence());
  }
}

void Outgoing::end(const std::optional<Error>& error) {
  if (ended_) return;
  ended_ = error ? *error : Error::of(ErrorKind::SidecarUnavailable, "the sender is closed");
  const Error cause = error ? *error : Error::of(ErrorKind::SidecarUnavailable, "the sidecar ended the call early");
  const std::uint64_t handed = std::max(taken_, through_);
  if (through_ < taken_) {
    if (cause.is(ErrorKind::RequestError) || cause.is(ErrorKind::NotFound)) {
      failures_.push_back({through_ + 1, taken_, cause});
    } else {
      Error unknown = Error::of(ErrorKind::OutcomeUnknown,
                                "the call ended before the sidecar told what became of it: " + cause.message());
      unknown.code = cause.code;
      failures_.push_back({through_ + 1, taken_, std::move(unknown)});
    }
  }
  if (handed < count_) failures_.push_back({handed + 1, count_, cause});
  outcomes_through(count_);
  frames_.clear();
}

void Outgoing::outcomes_through(std::uint64_t number) {
  through_ = std::max(through_, std::min(number, count_));
  while (!sizes_.empty() && sizes_.front().first <= through_) {
    pending_bytes_ -= sizes_.front().second;
    sizes_.pop_front();
  }
}

std::optional<Error> Outgoing::error_of(std::uint64_t number) const {
  for (const Failure& failure : failures_) {
    if (failure.first <= number && number <= failure.last) return failure.error;
  }
  return std::nullopt;
}

std::optional<Error> Outgoing::new_failures() {
  if (reported_ == failures_.size()) return std::nullopt;
  const auto first_new = failures_.begin() + static_cast<std::ptrdiff_t>(reported_);
  std::uint64_t count = 0;
  std::for_each(first_new, failures_.end(), [&](const Failure& each) { count += each.last - each.first + 1; });
  Error failed =
      Error::of(ErrorKind::SendFailed, std::to_string(count) + (count > 1 ? " messages" : " message") +
                                           " failed, the first being number " + std::to_string(first_new->first) +
                                           ": " + first_new->error.message());
  failed.reason = first_new->error.reason;
  failed.code = first_new->error.code;
  failed.failures.assign(first_new, failures_.end());
  reported_ = failures_.size();
  return failed;
}

}  // namespace sidecar::detail
