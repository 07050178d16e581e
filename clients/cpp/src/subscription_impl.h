// The insides of Receiver and Consumer.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>

#include "acks.h"
#include "core.h"
#include "incoming.h"
#include "sidecar/subscription.h"

namespace sidecar {

namespace detail {

// Messages from calls that follow each other: what both have in common.
class Subscription {
 public:
  Subscription(std::shared_ptr<Core> core, const CallOptions& options);
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  virtual ~Subscription() = default;

  // Opens the first call.
  Result<void> open();
  Result<std::optional<Item>> next();

 protected:
  // Makes a call, and returns when its headers have come or it has failed.
  virtual void begin() = 0;
  // Takes one response; false when the call is over.
  virtual bool read() = 0;
  // Ends the call.
  virtual void cancel_call() = 0;
  // Passes over what was not read, to the end of the call, and gives its status.
  virtual grpc::Status finish() = 0;

  // Takes deliveries of a response.
  template <class Response>
  bool take(Response& response) {
    for (auto& delivery : *response.mutable_deliveries()) {
      if (auto taken = incoming_.take(delivery, ready_); !taken) {
        failed_ = std::move(taken.error());
        break;
      }
    }
    return true;
  }
  // What is left of the subscription's own time.
  [[nodiscard]] std::optional<Duration> time_left() const;

  const std::shared_ptr<Core> core_;
  const std::optional<Cancellation> cancellation_;
  const std::optional<std::chrono::steady_clock::time_point> end_;
  // Held by whoever reads.
  std::mutex reading_;
  Incoming incoming_;
  // Said by `close`, or when the client is closed.
  Cancellation closed_;

 private:
  Result<void> open_call();
  Result<void> resume(const Error& broken);

  Listener client_closed_;
  std::deque<Item> ready_;
  std::optional<Error> failed_;
  std::uint64_t instance_ = 0;
};

}  // namespace detail

class Receiver::Impl final : public detail::Subscription {
 public:
  Impl(std::shared_ptr<detail::Core> core, std::string_view channel, const CallOptions& options);
  ~Impl() override;

  void close();

 private:
  struct Running {
    explicit Running(const Impl& of) : call(*of.core_, of.time_left(), of.cancellation_) {}
    detail::Call call;
    std::unique_ptr<grpc::ClientReader<overlay::v1::ReceiveResponse>> stream;
  };

  void begin() override;
  bool read() override;
  void cancel_call() override;
  grpc::Status finish() override;

  overlay::v1::ReceiveRequest request_;
  std::mutex mutex_;
  // Changed by whoever reads, under the mutex; empty once it is finished.
  std::shared_ptr<Running> running_;
};

class Consumer::Impl final : public detail::Subscription {
 public:
  Impl(std::shared_ptr<detail::Core> core, std::string_view channel, const ConsumeOptions& options,
       const CallOptions& call);
  ~Impl() override;

  void tell(detail::Acks::Verb verb, const Received& message, Duration duration);
  [[nodiscard]] std::uint64_t unknown() const { return unknown_; }
  void close();

 private:
  struct Running {
    explicit Running(const Impl& of) : call(*of.core_, of.time_left(), of.cancellation_) {}
    detail::Call call;
    std::unique_ptr<grpc::ClientReaderWriter<overlay::v1::ConsumeRequest, overlay::v1::ConsumeResponse>> stream;
    // Hands over acknowledgements, gathering those that come while the last ones are on their way.
    std::thread writer;
    // The call has ended.
    bool over = false;
  };

  void begin() override;
  bool read() override;
  void cancel_call() override;
  grpc::Status finish() override;
  void write(Running& running);

  std::mutex mutex_;
  std::condition_variable changed_;
  detail::Acks acks_;
  std::uint64_t opening_ = 0;
  bool half_closed_ = false;
  std::shared_ptr<Running> running_;
  std::atomic<std::uint64_t> unknown_{0};
};

}  // namespace sidecar
