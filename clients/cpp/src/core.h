// What everything of one client shares: the channel, the stubs over it, and the word that it is closed.
#pragma once

#include <grpcpp/grpcpp.h>

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "listeners.h"
#include "sidecar/cancellation.h"
#include "sidecar/endpoint.h"
#include "sidecar/error.h"
#include "sidecar/stubs.h"

namespace sidecar::detail {

// clients/service_config.json: what gRPC itself repeats, and how. Send is not in it: a call that was cut may have sent
// its message.
const char* service_config();

// The most payload that one gRPC message carries where GetNode has not said it.
inline constexpr std::uint64_t kGrpcBytes = 16 << 20;
// Room for envelopes around the largest payload.
inline constexpr std::uint64_t kEnvelopeRoom = 1 << 20;
// Room that a message's headers and tags are given when it is judged whether a frame can hold it.
inline constexpr std::uint64_t kEnvelopeBytes = 64 << 10;
// Payloads up to here are sent without knowing the limits.
inline constexpr std::uint64_t kSurelyWhole = 1 << 20;

// How long each attempt to take up a broken call waits for the sidecar to be back.
inline constexpr Duration kReconnect = std::chrono::seconds(1);
// How long a call that found no sidecar looks for it once more before it says so.
inline constexpr Duration kLook = std::chrono::milliseconds(100);
// How long GetNode may take when a subscription opens.
inline constexpr Duration kInstance = std::chrono::seconds(5);

// How long a closing consumer or responder waits for the sidecar to take its last acknowledgements or answers.
inline constexpr Duration kClose = std::chrono::seconds(5);

// The pause before an attempt to take up a broken call.
Duration retry_wait(std::size_t attempt);

// Now and `timeout`, or years from now where that is later than a clock can say.
std::chrono::system_clock::time_point after(Duration timeout);

struct Limits {
  std::uint64_t max_message_bytes;
  std::uint64_t max_grpc_bytes;

  // The largest payload that is sent in one gRPC message.
  [[nodiscard]] std::uint64_t whole_bytes() const {
    return max_grpc_bytes > kEnvelopeBytes ? max_grpc_bytes - kEnvelopeBytes : 0;
  }
};

// MessageTooLarge for a payload that no sidecar of these limits takes.
Result<void> check_size(std::uint64_t size, const Limits& limits);

class Core;

// The context of one call, which the end of its client, or the caller's cancellation, ends.
class Call {
 public:
  Call(const Core& core, std::optional<Duration> timeout,
       const std::optional<Cancellation>& cancellation = std::nullopt);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  [[nodiscard]] grpc::ClientContext* context() { return &context_; }
  void cancel() { context_.TryCancel(); }

 private:
  grpc::ClientContext context_;
  // Behind the context, so that none of them speaks to it after its end.
  Listener closing_;
  Listener cancelled_;
};

class Core {
 public:
  Core(Endpoint at, Duration default_timeout);

  const Endpoint endpoint;
  const Duration timeout;
  const std::shared_ptr<grpc::Channel> channel;
  Stubs stubs;
  // Said by `close`.
  const Cancellation closing;

  void prepare(grpc::ClientContext& context, std::optional<Duration> limit) const;
  // What a call's status means here.
  [[nodiscard]] Error error(const grpc::Status& status) const;
  // The word for a client that is closed.
  [[nodiscard]] static Error closed_error();
  // Waits for the channel to be connected. Without a thread in it, gRPC's channel goes no further with a reconnection
  // than to begin it.
  bool look(Duration duration) const;
  // A word that is said when this client is closed, or by itself.
  [[nodiscard]] std::pair<Cancellation, Listener> ending() const;
  // Asked of GetNode once.
  Result<Limits> limits();
  // The number of the sidecar's run.
  Result<std::uint64_t> instance();

  template <class Stub, class Request, class Response>
  Result<Response> unary(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                         const Request& request, const CallOptions& options) {
    if (closing.cancelled()) return tl::make_unexpected(closed_error());
    Call call(*this, options.timeout.value_or(timeout), options.cancellation);
    Response response;
    const grpc::Status status = (stub.*method)(call.context(), request, &response);
    if (status.ok()) return response;
    Error failed = error(status);
    // Whoever tries again after a pause finds a channel that has had a chance to reconnect.
    if (failed.is(ErrorKind::SidecarUnavailable) && !closing.cancelled()) look(kLook);
    return tl::make_unexpected(std::move(failed));
  }

 private:
  std::mutex mutex_;
  std::optional<Limits> limits_;
};

}  // namespace sidecar::detail
