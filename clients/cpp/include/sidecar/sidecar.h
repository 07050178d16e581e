// The client of quic-p2p-sidecar: messages between apps, each through the sidecar beside it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "overlay/v1/bootstrap.pb.h"
#include "overlay/v1/cursor.pb.h"
#include "overlay/v1/node.pb.h"
#include "overlay/v1/peer.pb.h"
#include "overlay/v1/queue.pb.h"
#include "sidecar/cancellation.h"
#include "sidecar/endpoint.h"
#include "sidecar/error.h"
#include "sidecar/messages.h"
#include "sidecar/responder.h"
#include "sidecar/sender.h"
#include "sidecar/stream.h"
#include "sidecar/subscription.h"
#include "sidecar/watch.h"

namespace grpc {
class Channel;
class ClientContext;
}  // namespace grpc

namespace sidecar {

struct Stubs;

namespace detail {
class Core;
}

// What is empty or unset comes from the environment (sidecar/endpoint.h).
struct Options {
  std::string endpoint = {};
  std::string token = {};
  std::optional<Tls> tls = {};
  // How long a call may take where its caller says nothing.
  Duration timeout = std::chrono::seconds(30);
};

// The sidecar beside this app. Every verb gives its value or an Error; none throws. Everything but moving and
// destroying may be done from several threads. Senders, subscriptions, streams and the like may outlive it: they end
// when it does.
class Sidecar {
 public:
  // InvalidField says what of the options or the environment is malformed. Nothing is dialled yet.
  [[nodiscard]] static Result<Sidecar> open(const Options& options = {});
  Sidecar(Sidecar&&) noexcept;
  Sidecar& operator=(Sidecar&&) noexcept;
  // As `close`.
  ~Sidecar();

  // Ends every call and the channel; what other threads iterate over ends too, without an error.
  void close();

  // Returns once the sidecar is ready at `level`; DeadlinePassed says what it waited for.
  [[nodiscard]] Result<void> wait_ready(Duration timeout = std::chrono::seconds(30), Readiness level = Readiness::api);

  // messages

  // Sends one message of any size and waits for its level.
  [[nodiscard]] Result<Sent> send(std::string_view peer_id, std::string payload = {}, const SendOptions& options = {},
                                  const CallOptions& call = {});
  // Opens a pipelined way to one peer and channel, for many messages; without a deadline unless one is given.
  [[nodiscard]] Result<Sender> sender(std::string_view peer_id, const SenderOptions& options = {},
                                      const CallOptions& call = {});
  // Subscribes to a channel. A timeout is for all of it.
  [[nodiscard]] Result<Receiver> receive(std::string_view channel = {}, const CallOptions& call = {});
  // The same with acknowledgements.
  [[nodiscard]] Result<Consumer> consume(std::string_view channel = {}, const ConsumeOptions& options = {},
                                         const CallOptions& call = {});
  // Sends a message to every linked peer, or to those with some labels; by peer id whether it was delivered there, or
  // why not.
  [[nodiscard]] Result<std::map<std::string, Result<void>>> broadcast(std::string payload = {},
                                                                      const BroadcastOptions& options = {},
                                                                      const CallOptions& call = {});
  // Sends an unreliable message to a linked peer.
  [[nodiscard]] Result<void> send_datagram(std::string_view peer_id, std::string payload,
                                           const DatagramOptions& options = {}, const CallOptions& call = {});
  // What comes on a channel.
  [[nodiscard]] Result<Datagrams> datagrams(std::string_view channel = {});

  // what is kept

  // What the sidecar keeps, summed by queue, peer and channel.
  [[nodiscard]] Result<overlay::v1::ListQueuesResponse> queues(const CallOptions& call = {});
  // At most `limit` of what a queue holds, oldest first.
  [[nodiscard]] Result<std::vector<overlay::v1::Letter>> letters(Queue queue, const LetterFilter& filter = {},
                                                                 std::size_t limit = 500, const CallOptions& call = {});
  // One letter with its messages; LetterUnknown when there is no such.
  [[nodiscard]] Result<overlay::v1::GetLetterResponse> letter(Queue queue, std::uint64_t id,
                                                              const CallOptions& call = {});
  // Removes letters for good; how many messages.
  [[nodiscard]] Result<std::uint64_t> purge(Queue queue, const LetterFilter& filter = {}, const CallOptions& call = {});
  // Puts dead letters back where they came from; how many messages.
  [[nodiscard]] Result<std::uint64_t> replay(Queue queue, const LetterFilter& filter = {},
                                             const CallOptions& call = {});

  // requests and byte streams

  // Asks an app beside a peer, one that answers on the channel. RequestFailed when it answered with an error, its
  // `code` in the metadata; the deadline is the request's.
  [[nodiscard]] Result<Replied> request(std::string_view peer_id, std::string payload = {},
                                        const RequestOptions& options = {}, const CallOptions& call = {});
  // Answers the requests of a channel.
  [[nodiscard]] Result<Responder> reply(Answerer answer, std::string_view channel = {},
                                        const ReplyOptions& options = {});
  // A byte stream to an app beside a peer that accepts that name; it may be written at once.
  [[nodiscard]] Result<Stream> open_stream(std::string_view peer_id, std::string_view name,
                                           const StreamOptions& options = {});
  // Waits for the next byte stream of that name, of `peer_ids` only where any are named; `cancellation` ends the wait.
  [[nodiscard]] Result<Stream> accept_stream(std::string_view name, const std::vector<std::string>& peer_ids = {},
                                             std::optional<Cancellation> cancellation = std::nullopt);

  // peers

  // Every peer the sidecar knows, by id.
  [[nodiscard]] Result<std::vector<overlay::v1::Peer>> peers(bool linked_only = false, const CallOptions& call = {});
  // One peer; PeerUnknown when there is no such.
  [[nodiscard]] Result<overlay::v1::Peer> peer(std::string_view peer_id, const CallOptions& call = {});
  // A snapshot of the peers, then every change.
  [[nodiscard]] Result<PeerWatch> watch_peers();
  // Links to a peer id or contact `[peer-id@]host:port`.
  [[nodiscard]] Result<overlay::v1::Peer> connect(std::string_view target, const CallOptions& call = {});
  // Ends the link to a peer; gives the number of messages that were lost by it.
  [[nodiscard]] Result<std::uint64_t> disconnect(std::string_view peer_id, const CallOptions& call = {});
  // Keeps a peer out from now on, over restarts too, and cuts its link at once.
  [[nodiscard]] Result<void> block_peer(std::string_view peer_id, const CallOptions& call = {});
  // Keeps a peer out no longer; PeerUnknown when it was not blocked.
  [[nodiscard]] Result<void> unblock_peer(std::string_view peer_id, const CallOptions& call = {});
  // How long it takes to a peer's sidecar and back.
  [[nodiscard]] Result<Duration> ping(std::string_view peer_id, const CallOptions& call = {});

  // the way in

  // Dials the contacts given, or the remembered and known ones, until the first is linked.
  [[nodiscard]] Result<std::vector<overlay::v1::ContactResult>> bootstrap(const std::vector<std::string>& contacts = {},
                                                                          const CallOptions& call = {});
  // The contacts, configured and added; with `cached` also the nodes the sidecar remembers.
  [[nodiscard]] Result<std::vector<overlay::v1::Contact>> contacts(bool cached = false, const CallOptions& call = {});
  // Adds contacts, which outlast a restart of the sidecar.
  [[nodiscard]] Result<std::vector<overlay::v1::Contact>> add_contacts(const std::vector<std::string>& contacts,
                                                                       const CallOptions& call = {});
  // Removes an added contact, or forgets a remembered one; ContactUnknown when there is no such.
  [[nodiscard]] Result<void> remove_contact(std::string_view contact, const CallOptions& call = {});

  // the sidecar itself

  // Who this sidecar is, where it listens, what its limits are.
  [[nodiscard]] Result<overlay::v1::GetNodeResponse> node(const CallOptions& call = {});
  // Has linked peers dial this sidecar back, where each sees it or at the addresses given (numeric host:port).
  [[nodiscard]] Result<overlay::v1::CheckReachabilityResponse> check_reachability(
      const std::vector<std::string>& addresses = {}, const CallOptions& call = {});
  // What happens from now on, or from `cursor` on.
  [[nodiscard]] Result<EventWatch> events(const std::optional<overlay::v1::Cursor>& cursor = std::nullopt);
  // Asks the sidecar to leave and stop; gives the number of messages that had no outcome by then.
  [[nodiscard]] Result<std::uint64_t> drain(std::optional<Duration> timeout = std::nullopt, bool wait = true);

  // beneath the wrapper

  // The generated stubs (sidecar/stubs.h). They live as long as this client.
  [[nodiscard]] Stubs& stubs() const;
  // Puts the token and a deadline on the context of a call on `stubs`.
  void prepare(grpc::ClientContext& context, std::optional<Duration> timeout = std::nullopt) const;
  [[nodiscard]] const std::shared_ptr<grpc::Channel>& channel() const;
  [[nodiscard]] const Endpoint& endpoint() const;

 private:
  explicit Sidecar(std::shared_ptr<detail::Core> core);
  std::shared_ptr<detail::Core> core_;
};

}  // namespace sidecar
