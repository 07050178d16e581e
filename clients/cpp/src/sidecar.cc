#include "sidecar/sidecar.h"

#include <algorithm>
#include <utility>

#include "convert.h"
#include "core.h"
#include "health.h"
#include "responder_impl.h"
#include "sender_impl.h"
#include "stream_impl.h"
#include "subscription_impl.h"
#include "text.h"
#include "watching.h"

namespace sidecar {
namespace {

namespace pb = overlay::v1;
using Messages = pb::MessageService::Stub;
using Peers = pb::PeerService::Stub;
using Bootstrap = pb::BootstrapService::Stub;
using Node = pb::NodeService::Stub;
using Queues = pb::QueueService::Stub;

// Peers, contacts or letters asked for at a time.
constexpr int kPage = 500;
// How long each question of `wait_ready` may take.
constexpr Duration kCheck = std::chrono::seconds(2);

// The field of a response, or the error.
template <class Response, class Get>
auto mapped(Result<Response> response, Get get) -> Result<std::decay_t<decltype(get(*response))>> {
  if (!response) return tl::make_unexpected(std::move(response.error()));
  return get(*response);
}

template <class Response>
Result<void> nothing_of(const Result<Response>& response) {
  if (!response) return tl::make_unexpected(response.error());
  return {};
}

template <class Entries>
auto listed(Entries& entries) {
  using Entry = typename Entries::value_type;
  return std::vector<Entry>(std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end()));
}

// All pages of a list: `ask(token)` gives one, `entries(page)` what it holds; at most `limit` entries.
template <class Entry, class Ask, class Entries>
Result<std::vector<Entry>> paged(Ask ask, Entries entries, std::size_t limit = SIZE_MAX) {
  std::vector<Entry> all;
  std::string token;
  while (all.size() < limit) {
    auto page = ask(token, static_cast<int>(std::min<std::size_t>(kPage, limit - all.size())));
    if (!page) return tl::make_unexpected(std::move(page.error()));
    for (auto& each : *entries(*page)) all.push_back(std::move(each));
    token = page->next_page_token();
    if (token.empty()) break;
  }
  return all;
}

pb::LetterFilter chosen(Queue queue, const LetterFilter& filter) {
  pb::LetterFilter proto;
  proto.set_queue(detail::to_proto(queue));
  if (filter.peer_id) proto.set_peer_id(*filter.peer_id);
  if (filter.channel) proto.set_channel(*filter.channel);
  for (const std::uint64_t id : filter.ids) proto.add_ids(id);
  return proto;
}

Sent sent(pb::SendResponse& response) {
  Sent sent;
  sent.message_id = std::move(*response.mutable_message_id());
  sent.level = detail::from_proto(response.level());
  if (response.has_sent_at()) sent.sent_at = detail::from_proto(response.sent_at());
  if (response.has_delivered_at()) sent.delivered_at = detail::from_proto(response.delivered_at());
  if (response.has_processed_at()) sent.processed_at = detail::from_proto(response.processed_at());
  return sent;
}

tl::unexpected<Error> invalid(const std::string& field, const std::string& wrong) {
  Error error = Error::of(ErrorKind::InvalidField, field + ": " + wrong);
  error.fields = {{field, wrong}};
  return tl::make_unexpected(std::move(error));
}

}  // namespace

Sidecar::Sidecar(std::shared_ptr<detail::Core> core) : core_(std::move(core)) {}
Sidecar::Sidecar(Sidecar&&) noexcept = default;

Sidecar& Sidecar::operator=(Sidecar&& other) noexcept {
  if (this != &other) {
    if (core_) close();
    core_ = std::move(other.core_);
  }
  return *this;
}

Sidecar::~Sidecar() {
  if (core_) close();
}

Result<Sidecar> Sidecar::open(const Options& options) {
  auto endpoint = Endpoint::from_environment(options.endpoint, options.token, options.tls);
  if (!endpoint) return tl::make_unexpected(std::move(endpoint.error()));
  return Sidecar(std::make_shared<detail::Core>(std::move(*endpoint), options.timeout));
}

void Sidecar::close() { core_->closing.cancel(); }

Result<void> Sidecar::wait_ready(Duration timeout, Readiness level) {
  const auto end = std::chrono::steady_clock::now() + std::min(timeout, Duration(std::chrono::hours(24 * 365)));
  const auto left = [&] { return Duration(end - std::chrono::steady_clock::now()); };
  std::string last = "no answer yet";
  for (std::size_t attempt = 0; left() > Duration::zero(); ++attempt) {
    const detail::Health health = detail::check_health(*core_, detail::name_of(level), std::min(left(), kCheck));
    if (core_->closing.cancelled()) return tl::make_unexpected(detail::Core::closed_error());
    if (health.serving) return {};
    if (health.status.ok()) {
      last = std::string("the sidecar answers and is not ready at level '") + detail::name_of(level) + "'";
    } else {
      Error failed = core_->error(health.status);
      if (!failed.is(ErrorKind::SidecarUnavailable) && !failed.is(ErrorKind::DeadlinePassed)) {
        return tl::make_unexpected(std::move(failed));
      }
      last = "no sidecar answers at " + core_->endpoint.address + ": " + failed.detail;
    }
    const Duration pause = std::min(detail::retry_wait(attempt), left());
    if (pause > Duration::zero() && core_->closing.wait_for(pause)) {
      return tl::make_unexpected(detail::Core::closed_error());
    }
  }
  return tl::make_unexpected(Error::of(
      ErrorKind::DeadlinePassed,
      "not ready after " + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count()) +
          " ms: " + last));
}

// messages

Result<Sent> Sidecar::send(std::string_view peer_id, std::string payload, const SendOptions& options,
                           const CallOptions& call) {
  if (auto text = detail::check_text(options.message_id, options.headers); !text) {
    return tl::make_unexpected(std::move(text.error()));
  }
  if (payload.size() > detail::kSurelyWhole) {
    auto limits = core_->limits();
    if (!limits) return tl::make_unexpected(std::move(limits.error()));
    if (auto fits = detail::check_size(payload.size(), *limits); !fits) {
      return tl::make_unexpected(std::move(fits.error()));
    }
    if (payload.size() > limits->whole_bytes()) {
      if (!options.request_id.empty()) return invalid("request_id", "a message that goes in chunks has none");
      CallOptions limited = call;
      if (!limited.timeout) limited.timeout = core_->timeout;
      auto way =
          sender(peer_id, {options.channel, options.priority, options.wait, options.durable, options.ttl}, limited);
      if (!way) return tl::make_unexpected(std::move(way.error()));
      auto number = way->send(std::move(payload), options.headers, options.message_id);
      if (!number) return tl::make_unexpected(std::move(number.error()));
      if (auto arrived = way->result(*number); !arrived) return tl::make_unexpected(std::move(arrived.error()));
      if (auto closed = way->close(); !closed) return tl::make_unexpected(std::move(closed.error()));
      return Sent{options.message_id, options.wait, std::nullopt, std::nullopt, std::nullopt};
    }
  }
  pb::SendRequest request;
  request.set_peer_id(std::string(peer_id));
  request.set_channel(options.channel);
  request.set_priority(detail::to_proto(options.priority));
  request.set_level(detail::to_proto(options.wait));
  request.set_durable(options.durable);
  request.set_request_id(options.request_id);
  if (options.ttl) *request.mutable_ttl() = detail::to_proto(*options.ttl);
  pb::Message& message = *request.mutable_message();
  message.set_message_id(options.message_id);
  message.set_payload(std::move(payload));
  detail::put(options.headers, message.mutable_headers());
  return mapped(core_->unary(*core_->stubs.messages, &Messages::Send, request, call),
                [](pb::SendResponse& response) { return sent(response); });
}

Result<Sender> Sidecar::sender(std::string_view peer_id, const SenderOptions& options, const CallOptions& call) {
  if (core_->closing.cancelled()) return tl::make_unexpected(detail::Core::closed_error());
  return Sender(std::make_unique<Sender::Impl>(core_, peer_id, options, call));
}

Result<Receiver> Sidecar::receive(std::string_view channel, const CallOptions& call) {
  auto impl = std::make_unique<Receiver::Impl>(core_, channel, call);
  if (auto opened = impl->open(); !opened) return tl::make_unexpected(std::move(opened.error()));
  return Receiver(std::move(impl));
}

Result<Consumer> Sidecar::consume(std::string_view channel, const ConsumeOptions& options, const CallOptions& call) {
  if (options.credits < 1) return invalid("credits", "at least 1");
  auto impl = std::make_unique<Consumer::Impl>(core_, channel, options, call);
  if (auto opened = impl->open(); !opened) return tl::make_unexpected(std::move(opened.error()));
  return Consumer(std::move(impl));
}

Result<std::map<std::string, Result<void>>> Sidecar::broadcast(std::string payload, const BroadcastOptions& options,
                                                               const CallOptions& call) {
  pb::BroadcastRequest request;
  request.set_channel(options.channel);
  request.set_payload(std::move(payload));
  detail::put(options.headers, request.mutable_headers());
  detail::put(options.labels, request.mutable_labels());
  return mapped(
      core_->unary(*core_->stubs.messages, &Messages::Broadcast, request, call), [](pb::BroadcastResponse& response) {
        std::map<std::string, Result<void>> outcomes;
        for (const auto& result : response.results()) {
          auto& outcome = outcomes[result.peer_id()];
          if (result.reason() != pb::ERROR_REASON_UNSPECIFIED) {
            outcome = tl::make_unexpected(Error::of_reason(detail::bare_name(result.reason()), result.detail()));
          }
        }
        return outcomes;
      });
}

Result<void> Sidecar::send_datagram(std::string_view peer_id, std::string payload, const DatagramOptions& options,
                                    const CallOptions& call) {
  pb::SendDatagramRequest request;
  request.set_peer_id(std::string(peer_id));
  request.set_channel(options.channel);
  request.set_payload(std::move(payload));
  if (options.ttl) *request.mutable_ttl() = detail::to_proto(*options.ttl);
  return nothing_of(core_->unary(*core_->stubs.messages, &Messages::SendDatagram, request, call));
}

Result<Datagrams> Sidecar::datagrams(std::string_view channel) {
  if (core_->closing.cancelled()) return tl::make_unexpected(detail::Core::closed_error());
  using Impl = detail::WatchOf<detail::DatagramsFold>;
  return Datagrams(std::make_unique<Impl>(core_, detail::DatagramsFold(channel)));
}

// what is kept

Result<pb::ListQueuesResponse> Sidecar::queues(const CallOptions& call) {
  return core_->unary(*core_->stubs.queues, &Queues::ListQueues, pb::ListQueuesRequest(), call);
}

Result<std::vector<pb::Letter>> Sidecar::letters(Queue queue, const LetterFilter& filter, std::size_t limit,
                                                 const CallOptions& call) {
  return paged<pb::Letter>(
      [&](const std::string& token, int size) {
        pb::ListLettersRequest request;
        *request.mutable_filter() = chosen(queue, filter);
        request.set_page_token(token);
        request.set_page_size(static_cast<std::uint32_t>(size));
        return core_->unary(*core_->stubs.queues, &Queues::ListLetters, request, call);
      },
      [](pb::ListLettersResponse& page) { return page.mutable_letters(); }, limit);
}

Result<pb::GetLetterResponse> Sidecar::letter(Queue queue, std::uint64_t id, const CallOptions& call) {
  pb::GetLetterRequest request;
  request.set_queue(detail::to_proto(queue));
  request.set_id(id);
  return core_->unary(*core_->stubs.queues, &Queues::GetLetter, request, call);
}

Result<std::uint64_t> Sidecar::purge(Queue queue, const LetterFilter& filter, const CallOptions& call) {
  pb::PurgeLettersRequest request;
  *request.mutable_filter() = chosen(queue, filter);
  return mapped(core_->unary(*core_->stubs.queues, &Queues::PurgeLetters, request, call),
                [](pb::PurgeLettersResponse& response) { return std::uint64_t{response.messages()}; });
}

Result<std::uint64_t> Sidecar::replay(Queue queue, const LetterFilter& filter, const CallOptions& call) {
  pb::ReplayLettersRequest request;
  *request.mutable_filter() = chosen(queue, filter);
  return mapped(core_->unary(*core_->stubs.queues, &Queues::ReplayLetters, request, call),
                [](pb::ReplayLettersResponse& response) { return std::uint64_t{response.messages()}; });
}

// requests and byte streams

Result<Replied> Sidecar::request(std::string_view peer_id, std::string payload, const RequestOptions& options,
                                 const CallOptions& call) {
  pb::RequestRequest request;
  request.set_peer_id(std::string(peer_id));
  request.set_channel(options.channel);
  request.set_payload(std::move(payload));
  detail::put(options.headers, request.mutable_headers());
  return mapped(core_->unary(*core_->stubs.messages, &Messages::Request, request, call),
                [](pb::RequestResponse& response) {
                  return Replied{std::move(*response.mutable_payload()), detail::from_proto(response.headers())};
                });
}

Result<Responder> Sidecar::reply(Answerer answer, std::string_view channel, const ReplyOptions& options) {
  if (!answer) return invalid("answer", "a function is needed");
  if (options.credits < 1) return invalid("credits", "at least 1");
  if (core_->closing.cancelled()) return tl::make_unexpected(detail::Core::closed_error());
  auto impl = std::make_unique<Responder::Impl>(core_, std::move(answer), channel, options);
  if (auto opened = impl->open(); !opened) return tl::make_unexpected(std::move(opened.error()));
  return Responder(std::move(impl));
}

Result<Stream> Sidecar::open_stream(std::string_view peer_id, std::string_view name, const StreamOptions& options) {
  if (core_->closing.cancelled()) return tl::make_unexpected(detail::Core::closed_error());
  pb::OpenRequest first;
  first.mutable_open()->set_peer_id(std::string(peer_id));
  first.mutable_open()->set_name(std::string(name));
  detail::put(options.headers, first.mutable_open()->mutable_headers());
  if (options.accept_timeout) {
    *first.mutable_open()->mutable_accept_timeout() = detail::to_proto(*options.accept_timeout);
  }
  return Stream(std::make_unique<detail::Piped<pb::OpenRequest, pb::OpenResponse>>(
      core_, [](Stubs& stubs, grpc::ClientContext* context) { return stubs.streams->Open(context); }, first,
      Stream::Impl::About{std::string(peer_id), std::string(name), {}, 0}));
}

Result<Stream> Sidecar::accept_stream(std::string_view name, const std::vector<std::string>& peer_ids,
                                      std::optional<Cancellation> cancellation) {
  if (core_->closing.cancelled()) return tl::make_unexpected(detail::Core::closed_error());
  pb::AcceptRequest first;
  first.mutable_accept()->set_name(std::string(name));
  for (const auto& peer_id : peer_ids) first.mutable_accept()->add_peer_ids(peer_id);
  auto impl = std::make_unique<detail::Piped<pb::AcceptRequest, pb::AcceptResponse>>(
      core_, [](Stubs& stubs, grpc::ClientContext* context) { return stubs.streams->Accept(context); }, first,
      Stream::Impl::About{});
  detail::Listener cancelled;
  if (cancellation) cancelled = impl->cancelled_by(*cancellation);
  if (auto opened = impl->opened(); !opened) return tl::make_unexpected(std::move(opened.error()));
  cancelled = {};
  return Stream(std::move(impl));
}

// peers

Result<std::vector<pb::Peer>> Sidecar::peers(bool linked_only, const CallOptions& call) {
  return paged<pb::Peer>(
      [&](const std::string& token, int size) {
        pb::ListPeersRequest request;
        request.set_page_size(size);
        request.set_page_token(token);
        request.set_linked_only(linked_only);
        return core_->unary(*core_->stubs.peers, &Peers::ListPeers, request, call);
      },
      [](pb::ListPeersResponse& page) { return page.mutable_peers(); });
}

Result<pb::Peer> Sidecar::peer(std::string_view peer_id, const CallOptions& call) {
  pb::GetPeerRequest request;
  request.set_peer_id(std::string(peer_id));
  return mapped(core_->unary(*core_->stubs.peers, &Peers::GetPeer, request, call),
                [](pb::GetPeerResponse& response) { return std::move(*response.mutable_peer()); });
}

Result<PeerWatch> Sidecar::watch_peers() {
  if (core_->closing.cancelled()) return tl::make_unexpected(detail::Core::closed_error());
  return PeerWatch(std::make_unique<detail::WatchOf<detail::PeersFold>>(core_, detail::PeersFold()));
}

Result<pb::Peer> Sidecar::connect(std::string_view target, const CallOptions& call) {
  pb::ConnectRequest request;
  request.set_target(std::string(target));
  return mapped(core_->unary(*core_->stubs.peers, &Peers::Connect, request, call),
                [](pb::ConnectResponse& response) { return std::move(*response.mutable_peer()); });
}

Result<std::uint64_t> Sidecar::disconnect(std::string_view peer_id, const CallOptions& call) {
  pb::DisconnectRequest request;
  request.set_peer_id(std::string(peer_id));
  return mapped(core_->unary(*core_->stubs.peers, &Peers::Disconnect, request, call),
                [](pb::DisconnectResponse& response) { return std::uint64_t{response.messages_lost()}; });
}

Result<void> Sidecar::block_peer(std::string_view peer_id, const CallOptions& call) {
  pb::BlockPeerRequest request;
  request.set_peer_id(std::string(peer_id));
  return nothing_of(core_->unary(*core_->stubs.peers, &Peers::BlockPeer, request, call));
}

Result<void> Sidecar::unblock_peer(std::string_view peer_id, const CallOptions& call) {
  pb::UnblockPeerRequest request;
  request.set_peer_id(std::string(peer_id));
  return nothing_of(core_->unary(*core_->stubs.peers, &Peers::UnblockPeer, request, call));
}

Result<Duration> Sidecar::ping(std::string_view peer_id, const CallOptions& call) {
  pb::PingRequest request;
  request.set_peer_id(std::string(peer_id));
  return mapped(core_->unary(*core_->stubs.peers, &Peers::Ping, request, call),
                [](pb::PingResponse& response) { return detail::from_proto(response.rtt()); });
}

// the way in

Result<std::vector<pb::ContactResult>> Sidecar::bootstrap(const std::vector<std::string>& contacts,
                                                          const CallOptions& call) {
  pb::BootstrapRequest request;
  for (const auto& contact : contacts) request.add_contacts(contact);
  return mapped(core_->unary(*core_->stubs.bootstrap, &Bootstrap::Bootstrap, request, call),
                [](pb::BootstrapResponse& response) { return listed(*response.mutable_results()); });
}

Result<std::vector<pb::Contact>> Sidecar::contacts(bool cached, const CallOptions& call) {
  return paged<pb::Contact>(
      [&](const std::string& token, int size) {
        pb::ListContactsRequest request;
        request.set_page_size(size);
        request.set_page_token(token);
        request.set_cached(cached);
        return core_->unary(*core_->stubs.bootstrap, &Bootstrap::ListContacts, request, call);
      },
      [](pb::ListContactsResponse& page) { return page.mutable_contacts(); });
}

Result<std::vector<pb::Contact>> Sidecar::add_contacts(const std::vector<std::string>& contacts,
                                                       const CallOptions& call) {
  pb::AddContactsRequest request;
  for (const auto& contact : contacts) request.add_contacts(contact);
  return mapped(core_->unary(*core_->stubs.bootstrap, &Bootstrap::AddContacts, request, call),
                [](pb::AddContactsResponse& response) { return listed(*response.mutable_contacts()); });
}

Result<void> Sidecar::remove_contact(std::string_view contact, const CallOptions& call) {
  pb::RemoveContactRequest request;
  request.set_contact(std::string(contact));
  return nothing_of(core_->unary(*core_->stubs.bootstrap, &Bootstrap::RemoveContact, request, call));
}

// the sidecar itself

Result<pb::GetNodeResponse> Sidecar::node(const CallOptions& call) {
  return core_->unary(*core_->stubs.node, &Node::GetNode, pb::GetNodeRequest(), call);
}

Result<pb::CheckReachabilityResponse> Sidecar::check_reachability(const std::vector<std::string>& addresses,
                                                                  const CallOptions& call) {
  pb::CheckReachabilityRequest request;
  for (const auto& address : addresses) request.add_addresses(address);
  return core_->unary(*core_->stubs.node, &Node::CheckReachability, request, call);
}

Result<EventWatch> Sidecar::events(const std::optional<pb::Cursor>& cursor) {
  if (core_->closing.cancelled()) return tl::make_unexpected(detail::Core::closed_error());
  return EventWatch(std::make_unique<detail::WatchOf<detail::EventsFold>>(core_, detail::EventsFold(cursor)));
}

Result<std::uint64_t> Sidecar::drain(std::optional<Duration> timeout, bool wait) {
  pb::DrainRequest request;
  request.set_no_wait(!wait);
  if (timeout) *request.mutable_timeout() = detail::to_proto(*timeout);
  // The sidecar's wait is bounded by `timeout`; the call's deadline leaves room for its answer.
  const Duration limit = timeout.value_or(core_->timeout) + std::chrono::seconds(2);
  return mapped(core_->unary(*core_->stubs.node, &Node::Drain, request, limit),
                [](pb::DrainResponse& response) { return std::uint64_t{response.messages_lost()}; });
}

// beneath the wrapper

Stubs& Sidecar::stubs() const { return core_->stubs; }

void Sidecar::prepare(grpc::ClientContext& context, std::optional<Duration> timeout) const {
  core_->prepare(context, timeout);
}

const std::shared_ptr<grpc::Channel>& Sidecar::channel() const { return core_->channel; }
const Endpoint& Sidecar::endpoint() const { return core_->endpoint; }

}  // namespace sidecar
