#include "sidecar/subscription.h"

#include <algorithm>
#include <utility>

#include "subscription_impl.h"

namespace sidecar {

namespace pb = overlay::v1;

namespace detail {
namespace {

std::optional<std::chrono::steady_clock::time_point> end_of(const CallOptions& options) {
  if (!options.timeout) return std::nullopt;
  // Like `after`, on the clock that nobody sets.
  const Duration longest = std::chrono::hours(24 * 365 * 10);
  return std::chrono::steady_clock::now() + std::clamp(*options.timeout, Duration::zero(), longest);
}

}  // namespace

Subscription::Subscription(std::shared_ptr<Core> core, const CallOptions& options)
    : core_(std::move(core)), cancellation_(options.cancellation), end_(end_of(options)) {
  std::tie(closed_, client_closed_) = core_->ending();
}

std::optional<Duration> Subscription::time_left() const {
  if (!end_) return std::nullopt;
  return std::max(Duration::zero(), Duration(*end_ - std::chrono::steady_clock::now()));
}

Result<void> Subscription::open() {
  const std::lock_guard<std::mutex> reading(reading_);
  auto opened = open_call();
  if (!opened) failed_ = opened.error();
  return opened;
}

Result<void> Subscription::open_call() {
  begin();
  auto instance = core_->instance();
  if (!instance) return tl::make_unexpected(std::move(instance.error()));
  instance_ = *instance;
  return {};
}

Result<std::optional<Item>> Subscription::next() {
  const std::lock_guard<std::mutex> reading(reading_);
  for (;;) {
    if (!ready_.empty()) {
      std::optional<Item> item(std::move(ready_.front()));
      ready_.pop_front();
      return item;
    }
    if (closed_.cancelled()) return std::optional<Item>();
    if (failed_) return tl::make_unexpected(*failed_);
    if (read()) continue;
    const grpc::Status status = finish();
    if (closed_.cancelled()) return std::optional<Item>();
    const Error broken = status.ok() ? Error::of(ErrorKind::SidecarUnavailable, "the sidecar ended the subscription")
                                     : core_->error(status);
    if (auto resumed = resume(broken); !resumed) failed_ = std::move(resumed.error());
  }
}

// Opens the next call where the last one ended for a reason that may pass.
Result<void> Subscription::resume(const Error& broken) {
  if (!broken.is(ErrorKind::SidecarUnavailable)) return tl::make_unexpected(broken);
  const std::uint64_t former = instance_;
  Error last = broken;
  for (std::size_t attempt = 0;; ++attempt) {
    if (end_ && std::chrono::steady_clock::now() >= *end_) {
      return tl::make_unexpected(Error::of(ErrorKind::DeadlinePassed, "the sidecar did not come back: " + last.detail));
    }
    if (cancellation_ && cancellation_->cancelled()) {
      return tl::make_unexpected(Error::of(ErrorKind::Cancelled, "the subscription was cancelled"));
    }
    if (closed_.wait_for(retry_wait(attempt))) return {};
    incoming_.restart();
    if (!core_->look(kReconnect)) continue;
    auto opened = open_call();
    if (opened) {
      ready_.emplace_back(Gap{broken.detail, instance_ != former});
      return {};
    }
    cancel_call();
    finish();
    last = opened.error();
    if (!last.is(ErrorKind::SidecarUnavailable) && !last.is(ErrorKind::DeadlinePassed)) {
      return tl::make_unexpected(last);
    }
  }
}

}  // namespace detail

// Receiver

Receiver::Impl::Impl(std::shared_ptr<detail::Core> core, std::string_view channel, const CallOptions& options)
    : Subscription(std::move(core), options) {
  request_.set_channel(std::string(channel));
}

Receiver::Impl::~Impl() {
  close();
  const std::lock_guard<std::mutex> reading(reading_);
  finish();
}

void Receiver::Impl::close() {
  closed_.cancel();
  cancel_call();
}

void Receiver::Impl::cancel_call() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (running_) running_->call.cancel();
}

void Receiver::Impl::begin() {
  auto running = std::make_shared<Running>(*this);
  running->stream = core_->stubs.messages->Receive(running->call.context(), request_);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    running_ = running;
  }
  if (closed_.cancelled()) running->call.cancel();
  running->stream->WaitForInitialMetadata();
}

bool Receiver::Impl::read() {
  pb::ReceiveResponse response;
  return running_ && running_->stream->Read(&response) && take(response);
}

grpc::Status Receiver::Impl::finish() {
  std::shared_ptr<Running> running;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    running = std::exchange(running_, nullptr);
  }
  if (!running) return grpc::Status(grpc::StatusCode::CANCELLED, "the subscription is over");
  pb::ReceiveResponse rest;
  while (running->stream->Read(&rest)) {
  }
  return running->stream->Finish();
}

Receiver::Receiver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Receiver::Receiver(Receiver&&) noexcept = default;
Receiver& Receiver::operator=(Receiver&&) noexcept = default;
Receiver::~Receiver() = default;
Result<std::optional<Item>> Receiver::next() { return impl_->next(); }
void Receiver::close() { impl_->close(); }

// Consumer

Consumer::Impl::Impl(std::shared_ptr<detail::Core> core, std::string_view channel, const ConsumeOptions& options,
                     const CallOptions& call)
    : Subscription(std::move(core), call), acks_(channel, options) {}

Consumer::Impl::~Impl() {
  close();
  const std::lock_guard<std::mutex> reading(reading_);
  finish();
}

void Consumer::Impl::tell(detail::Acks::Verb verb, const Received& message, Duration duration) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (message.opening != opening_ || message.delivery_id == 0 || half_closed_) return;
  acks_.gather(verb, message.delivery_id, duration);
  changed_.notify_all();
}

void Consumer::Impl::close() {
  closed_.cancel();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    half_closed_ = true;
    changed_.notify_all();
    if (!running_) return;
  }
  // The status comes behind what was not read; whoever reads in another thread reads that as well.
  const Cancellation ended;
  std::thread giving_up([this, ended] {
    if (!ended.wait_for(detail::kClose)) cancel_call();
  });
  {
    const std::lock_guard<std::mutex> reading(reading_);
    pb::ConsumeResponse rest;
    while (running_ && running_->stream->Read(&rest)) {
    }
    finish();
  }
  ended.cancel();
  giving_up.join();
}

void Consumer::Impl::cancel_call() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (running_) running_->call.cancel();
}

void Consumer::Impl::begin() {
  auto running = std::make_shared<Running>(*this);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    acks_.clear();
    opening_ = incoming_.opening();
    running_ = running;
  }
  running->stream = core_->stubs.messages->Consume(running->call.context());
  if (running->stream->Write(acks_.opening())) running->stream->WaitForInitialMetadata();
  running->writer = std::thread([this, &each = *running] { write(each); });
}

bool Consumer::Impl::read() {
  pb::ConsumeResponse response;
  if (!running_ || !running_->stream->Read(&response)) return false;
  for (const auto& range : response.unknown()) unknown_ += range.last() - range.first() + 1;
  return take(response);
}

grpc::Status Consumer::Impl::finish() {
  std::shared_ptr<Running> running;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    running = std::exchange(running_, nullptr);
    if (running) running->over = true;
    changed_.notify_all();
  }
  if (!running) return grpc::Status(grpc::StatusCode::CANCELLED, "the subscription is over");
  pb::ConsumeResponse rest;
  while (running->stream->Read(&rest)) {
  }
  running->writer.join();
  return running->stream->Finish();
}

void Consumer::Impl::write(Running& running) {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return !acks_.empty() || half_closed_ || running.over; });
    if (running.over) return;
    auto request = acks_.next_request();
    lock.unlock();
    if (!request) {
      running.stream->WritesDone();
      return;
    }
    if (!running.stream->Write(*request)) return;
    lock.lock();
  }
}

Consumer::Consumer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Consumer::Consumer(Consumer&&) noexcept = default;
Consumer& Consumer::operator=(Consumer&&) noexcept = default;
Consumer::~Consumer() = default;
Result<std::optional<Item>> Consumer::next() { return impl_->next(); }
void Consumer::ack(const Received& message) { impl_->tell(detail::Acks::Verb::ack, message, Duration::zero()); }
void Consumer::nack(const Received& message, Duration delay) { impl_->tell(detail::Acks::Verb::nack, message, delay); }
void Consumer::extend(const Received& message, Duration duration) {
  impl_->tell(detail::Acks::Verb::extend, message, duration);
}
std::uint64_t Consumer::unknown() const { return impl_->unknown(); }
void Consumer::close() { impl_->close(); }

}  // namespace sidecar
