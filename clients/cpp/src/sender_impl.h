#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "core.h"
#include "outgoing.h"
#include "sidecar/sender.h"

namespace sidecar {

// Two threads: one hands frames to gRPC, gathering what comes while the last one is on its way, one takes receipts.
class Sender::Impl {
 public:
  Impl(std::shared_ptr<detail::Core> core, std::string_view peer_id, const SenderOptions& options,
       const CallOptions& call);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  Result<std::uint64_t> send(std::string payload, Headers headers, std::string message_id);
  Result<void> result(std::uint64_t number, std::optional<Duration> timeout);
  Result<void> flush(std::optional<Duration> timeout);
  Result<void> close();
  void cancel();

 private:
  bool wait_through(std::unique_lock<std::mutex>& lock, std::uint64_t number, std::optional<Duration> timeout);
  void write();
  void read();

  const std::shared_ptr<detail::Core> core_;
  std::mutex mutex_;
  std::condition_variable changed_;
  detail::Outgoing book_;
  bool closing_ = false;
  // The call has ended.
  bool over_ = false;
  // The writer waits for something to write.
  bool idle_ = false;
  detail::Call call_;
  const std::unique_ptr<grpc::ClientReaderWriter<overlay::v1::SendStreamRequest, overlay::v1::SendStreamResponse>>
      stream_;
  // Joined by the reader.
  std::thread writer_;
  std::thread reader_;
};

}  // namespace sidecar
