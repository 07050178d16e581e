#include "sidecar/sender.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "core.h"
#include "outgoing.h"
#include "sender_impl.h"
#include "text.h"

namespace sidecar {

namespace pb = overlay::v1;

Sender::Impl::Impl(std::shared_ptr<detail::Core> core, std::string_view peer_id, const SenderOptions& options,
                   const CallOptions& call)
    : core_(std::move(core)),
      book_(peer_id, options),
      call_(*core_, call.timeout, call.cancellation),
      stream_(core_->stubs.messages->SendStream(call_.context())) {
  writer_ = std::thread([this] { write(); });
  reader_ = std::thread([this] { read(); });
}

Sender::Impl::~Impl() {
  cancel();
  reader_.join();
}

Result<std::uint64_t> Sender::Impl::send(std::string payload, Headers headers, std::string message_id) {
  if (auto text = detail::check_text(message_id, headers); !text) return tl::make_unexpected(std::move(text.error()));
  std::uint64_t whole_bytes = detail::kSurelyWhole;
  if (payload.size() > whole_bytes) {
    auto limits = core_->limits();
    if (!limits) return tl::make_unexpected(std::move(limits.error()));
    if (auto fits = detail::check_size(payload.size(), *limits); !fits) {
      return tl::make_unexpected(std::move(fits.error()));
    }
    whole_bytes = limits->whole_bytes();
  }
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return !book_.full() || book_.ended() || closing_; });
  if (book_.ended()) return tl::make_unexpected(*book_.ended());
  if (closing_) return tl::make_unexpected(Error::of(ErrorKind::SidecarUnavailable, "the sender is closed"));
  const std::uint64_t number = book_.add(std::move(payload), std::move(headers), std::move(message_id), whole_bytes);
  if (idle_) changed_.notify_all();
  return number;
}

Result<void> Sender::Impl::result(std::uint64_t number, std::optional<Duration> timeout) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (number == 0 || number > book_.count()) {
    return tl::make_unexpected(Error::of(ErrorKind::InvalidField,
                                         "number: no message " + std::to_string(number) + " was sent by this sender"));
  }
  if (!wait_through(lock, number, timeout)) {
    return tl::make_unexpected(
        Error::of(ErrorKind::DeadlinePassed, "message " + std::to_string(number) + " has no outcome yet"));
  }
  if (auto error = book_.error_of(number)) return tl::make_unexpected(std::move(*error));
  return {};
}

Result<void> Sender::Impl::flush(std::optional<Duration> timeout) {
  std::unique_lock<std::mutex> lock(mutex_);
  const std::uint64_t number = book_.count();
  if (!wait_through(lock, number, timeout)) {
    return tl::make_unexpected(Error::of(ErrorKind::DeadlinePassed,
                                         std::to_string(number - book_.through()) + " messages have no outcome yet"));
  }
  if (auto failed = book_.new_failures()) return tl::make_unexpected(std::move(*failed));
  return {};
}

Result<void> Sender::Impl::close() {
  std::unique_lock<std::mutex> lock(mutex_);
  closing_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return book_.ended().has_value(); });
  if (auto failed = book_.new_failures()) return tl::make_unexpected(std::move(*failed));
  return {};
}

void Sender::Impl::cancel() {
  call_.cancel();
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return book_.ended().has_value(); });
}

bool Sender::Impl::wait_through(std::unique_lock<std::mutex>& lock, std::uint64_t number,
                                std::optional<Duration> timeout) {
  const auto through = [&] { return book_.through() >= number; };
  if (timeout) return changed_.wait_until(lock, detail::after(*timeout), through);
  changed_.wait(lock, through);
  return true;
}

void Sender::Impl::write() {
  bool taken = stream_->Write(book_.opening());
  std::unique_lock<std::mutex> lock(mutex_);
  while (taken) {
    auto frame = book_.next_frame();
    if (!frame) {
      if (closing_ || over_) break;
      idle_ = true;
      changed_.wait(lock, [this] { return book_.has_frame() || closing_ || over_; });
      idle_ = false;
      continue;
    }
    lock.unlock();
    taken = stream_->Write(*frame);
    lock.lock();
  }
  lock.unlock();
  if (taken) stream_->WritesDone();
}

void Sender::Impl::read() {
  pb::SendStreamResponse response;
  while (stream_->Read(&response)) {
    const std::lock_guard<std::mutex> lock(mutex_);
    book_.take(response);
    changed_.notify_all();
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    over_ = true;
    changed_.notify_all();
  }
  writer_.join();
  const grpc::Status status = stream_->Finish();
  const std::lock_guard<std::mutex> lock(mutex_);
  book_.end(status.ok() ? std::nullopt : std::optional<Error>(core_->error(status)));
  changed_.notify_all();
}

Sender::Sender(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Sender::Sender(Sender&&) noexcept = default;
Sender& Sender::operator=(Sender&&) noexcept = default;
Sender::~Sender() = default;

Result<std::uint64_t> Sender::send(std::string payload, Headers headers, std::string message_id) {
  return impl_->send(std::move(payload), std::move(headers), std::move(message_id));
}
Result<void> Sender::result(std::uint64_t number, std::optional<Duration> timeout) {
  return impl_->result(number, timeout);
}
Result<void> Sender::flush(std::optional<Duration> timeout) { return impl_->flush(timeout); }
Result<void> Sender::close() { return impl_->close(); }
void Sender::cancel() { impl_->cancel(); }

}  // namespace sidecar
