#include "core.h"

#include <algorithm>

namespace sidecar::detail {
namespace {

std::shared_ptr<grpc::Channel> channel_to(const Endpoint& endpoint) {
  constexpr int kTransportBytes = static_cast<int>(kGrpcBytes + kEnvelopeRoom);
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kTransportBytes);
  arguments.SetMaxSendMessageSize(kTransportBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 15'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 1);
  arguments.SetServiceConfigJSON(service_config());
  // The sidecar is next door: when it restarts, it is back within a second.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // gRPC takes this as the time a connection attempt may last, too; a busy sidecar needs more than an instant.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  // Two clients of one process share nothing.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // No proxy stands between an app and its own sidecar.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  if (!endpoint.tls) return grpc::CreateCustomChannel(endpoint.address, grpc::InsecureChannelCredentials(), arguments);
  if (!endpoint.tls->server_name.empty()) arguments.SetSslTargetNameOverride(endpoint.tls->server_name);
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = endpoint.tls->ca;
  options.pem_cert_chain = endpoint.tls->certificate;
  options.pem_private_key = endpoint.tls->key;
  return grpc::CreateCustomChannel(endpoint.address, grpc::SslCredentials(options), arguments);
}

}  // namespace

Duration retry_wait(std::size_t attempt) {
  using std::chrono::milliseconds;
  static constexpr std::array kWaits = {milliseconds(50), milliseconds(100), milliseconds(200), milliseconds(500),
                                        milliseconds(1000)};
  return kWaits[std::min(attempt, kWaits.size() - 1)];
}

std::chrono::system_clock::time_point after(Duration timeout) {
  constexpr Duration kLongest = std::chrono::hours(24 * 365 * 10);
  return std::chrono::system_clock::now() + std::chrono::duration_cast<std::chrono::system_clock::duration>(
                                                std::clamp(timeout, Duration::zero(), kLongest));
}

Result<void> check_size(std::uint64_t size, const Limits& limits) {
  if (size <= limits.max_message_bytes) return {};
  const std::string most = std::to_string(limits.max_message_bytes);
  Error error = Error::of(ErrorKind::MessageTooLarge, "payload: " + std::to_string(size) +
                                                          " bytes, and the sidecar takes messages of at most " + most +
                                                          "; open_stream takes any length");
  error.metadata = {{"limit", most}, {"size", std::to_string(size)}};
  return tl::make_unexpected(std::move(error));
}

Call::Call(const Core& core, std::optional<Duration> timeout, const std::optional<Cancellation>& cancellation) {
  core.prepare(context_, timeout);
  closing_ = Listener(core.closing, [this] { context_.TryCancel(); });
  if (cancellation) cancelled_ = Listener(*cancellation, [this] { context_.TryCancel(); });
}

Core::Core(Endpoint at, Duration default_timeout)
    : endpoint(std::move(at)), timeout(default_timeout), channel(channel_to(endpoint)), stubs(channel) {}

void Core::prepare(grpc::ClientContext& context, std::optional<Duration> limit) const {
  if (limit) context.set_deadline(after(*limit));
  if (!endpoint.token.empty()) context.AddMetadata("authorization", "Bearer " + endpoint.token);
}

Error Core::closed_error() {
  Error error = Error::of(ErrorKind::SidecarUnavailable, "this client is closed");
  return error;
}

Error Core::error(const grpc::Status& status) const {
  return closing.cancelled() ? closed_error() : Error::of_status(status);
}

bool Core::look(Duration duration) const { return channel->WaitForConnected(after(duration)); }

std::pair<Cancellation, Listener> Core::ending() const {
  Cancellation word;
  return {word, Listener(closing, [word] { word.cancel(); })};
}

Result<Limits> Core::limits() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (limits_) return *limits_;
  }
  auto node = unary(*stubs.node, &overlay::v1::NodeService::Stub::GetNode, overlay::v1::GetNodeRequest(), {});
  if (!node) return tl::make_unexpected(std::move(node.error()));
  const std::lock_guard<std::mutex> lock(mutex_);
  limits_ = Limits{node->limits().max_message_bytes(), node->limits().max_grpc_bytes()};
  return *limits_;
}

Result<std::uint64_t> Core::instance() {
  auto node = unary(*stubs.node, &overlay::v1::NodeService::Stub::GetNode, overlay::v1::GetNodeRequest(), kInstance);
  if (!node) return tl::make_unexpected(std::move(node.error()));
  return node->instance();
}

}  // namespace sidecar::detail
