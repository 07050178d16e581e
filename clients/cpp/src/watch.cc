#include "sidecar/watch.h"

#include "watching.h"

namespace sidecar {

namespace pb = overlay::v1;

namespace detail {

std::unique_ptr<grpc::ClientReader<pb::WatchPeersResponse>> PeersFold::start(Stubs& stubs,
                                                                             grpc::ClientContext* context) {
  pb::WatchPeersRequest request;
  if (cursor_) {
    *request.mutable_cursor() = *cursor_;
  } else {
    snapshot_.emplace();
  }
  return stubs.peers->WatchPeers(context, request);
}

void PeersFold::take(pb::WatchPeersResponse& response, std::deque<PeerNews>& into) {
  for (auto& change : *response.mutable_changes()) {
    if (!snapshot_) {
      into.emplace_back(PeerChange{std::move(*change.mutable_peer()), change.removed()});
    } else if (!change.removed()) {
      snapshot_->peers.push_back(std::move(*change.mutable_peer()));
    }
  }
  // Until the snapshot is whole there is nothing to resume at.
  if (snapshot_ && !response.snapshot_complete()) return;
  if (snapshot_) into.emplace_back(std::move(*snapshot_));
  snapshot_.reset();
  cursor_ = response.cursor();
}

void PeersFold::expired(std::deque<PeerNews>&) { cursor_.reset(); }

std::unique_ptr<grpc::ClientReader<pb::WatchEventsResponse>> EventsFold::start(Stubs& stubs,
                                                                               grpc::ClientContext* context) {
  pb::WatchEventsRequest request;
  if (cursor_) *request.mutable_cursor() = *cursor_;
  return stubs.node->WatchEvents(context, request);
}

void EventsFold::take(pb::WatchEventsResponse& response, std::deque<EventNews>& into) {
  for (auto& event : *response.mutable_events()) into.emplace_back(std::move(event));
  cursor_ = response.cursor();
}

void EventsFold::expired(std::deque<EventNews>& into) {
  cursor_.reset();
  into.emplace_back(Gap{"events between the end of the former watch and now are not known", true});
}

std::unique_ptr<grpc::ClientReader<pb::ReceiveDatagramsResponse>> DatagramsFold::start(Stubs& stubs,
                                                                                       grpc::ClientContext* context) {
  pb::ReceiveDatagramsRequest request;
  request.set_channel(channel_);
  return stubs.messages->ReceiveDatagrams(context, request);
}

void DatagramsFold::take(pb::ReceiveDatagramsResponse& response, std::deque<Datagram>& into) {
  for (auto& each : *response.mutable_datagrams()) {
    into.push_back({std::move(*each.mutable_peer_id()), std::move(*each.mutable_payload())});
  }
}

}  // namespace detail

template <class T>
Watch<T>::Watch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
template <class T>
Watch<T>::Watch(Watch&&) noexcept = default;
template <class T>
Watch<T>& Watch<T>::operator=(Watch&&) noexcept = default;
template <class T>
Watch<T>::~Watch() = default;
template <class T>
Result<std::optional<T>> Watch<T>::next() {
  return impl_->next();
}
template <class T>
void Watch<T>::close() {
  impl_->close();
}

template class Watch<PeerNews>;
template class Watch<EventNews>;
template class Watch<Datagram>;

}  // namespace sidecar
