#include "sidecar/responder.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "answers.h"
#include "convert.h"
#include "responder_impl.h"

namespace sidecar {

namespace pb = overlay::v1;

Responder::Impl::Impl(std::shared_ptr<detail::Core> core, Answerer answer, std::string_view channel,
                      const ReplyOptions& options)
    : core_(std::move(core)),
      answer_(std::move(answer)),
      credits_(std::max<std::size_t>(options.credits, 1)),
      call_(*core_, std::nullopt) {
  auto& open = *opening_.mutable_open();
  open.set_channel(std::string(channel));
  open.set_credits(options.credits);
  for (const auto& peer_id : options.peer_ids) open.add_peer_ids(peer_id);
}

Responder::Impl::~Impl() {
  cancel();
  if (reader_.joinable()) reader_.join();
}

Result<void> Responder::Impl::open() {
  stream_ = core_->stubs.messages->Reply(call_.context());
  if (!stream_->Write(opening_)) {
    // The call is over: its status says why.
    pb::ReplyResponse rest;
    while (stream_->Read(&rest)) {
    }
    const grpc::Status status = stream_->Finish();
    return tl::make_unexpected(status.ok()
                                   ? Error::of(ErrorKind::SidecarUnavailable, "the sidecar ended the call early")
                                   : core_->error(status));
  }
  stream_->WaitForInitialMetadata();
  reader_ = std::thread([this] { read(); });
  return {};
}

Result<void> Responder::Impl::wait() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return outcome_.has_value(); });
  return *outcome_;
}

void Responder::Impl::close() {
  std::unique_lock<std::mutex> lock(mutex_);
  closed_ = true;
  // What nobody has begun goes to another app, or fails, when the call ends.
  waiting_.clear();
  changed_.notify_all();
  changed_.wait(lock, [this] { return at_work_ == 0 || over_; });
  lock.unlock();
  {
    const std::lock_guard<std::mutex> writing(writing_);
    if (!std::exchange(half_closed_, true)) stream_->WritesDone();
  }
  lock.lock();
  if (!changed_.wait_for(lock, detail::kClose, [this] { return outcome_.has_value(); })) {
    lock.unlock();
    cancel();
  }
}

void Responder::Impl::cancel() {
  std::unique_lock<std::mutex> lock(mutex_);
  closed_ = true;
  call_.cancel();
  if (reader_.joinable()) changed_.wait(lock, [this] { return outcome_.has_value(); });
}

void Responder::Impl::read() {
  pb::ReplyResponse response;
  while (stream_->Read(&response)) {
    const std::lock_guard<std::mutex> lock(mutex_);
    take(response);
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    over_ = true;
    waiting_.clear();
    for (const auto& [id, cancelled] : open_) cancelled.cancel();
    changed_.notify_all();
  }
  for (auto& worker : workers_) worker.join();
  const grpc::Status status = stream_->Finish();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (closed_ || core_->closing.cancelled()) {
    outcome_ = Result<void>();
  } else {
    outcome_ = tl::make_unexpected(status.ok() ? Error::of(ErrorKind::SidecarUnavailable, "the sidecar ended the call")
                                               : core_->error(status));
  }
  changed_.notify_all();
}

void Responder::Impl::take(pb::ReplyResponse& response) {
  for (auto& each : *response.mutable_requests()) {
    Asked asked;
    asked.id = each.request_id();
    asked.request.peer_id = std::move(*each.mutable_peer_id());
    asked.request.channel = std::move(*each.mutable_channel());
    asked.request.payload = std::move(*each.mutable_payload());
    asked.request.headers = detail::from_proto(each.headers());
    if (each.has_time_left()) asked.request.time_left = detail::from_proto(each.time_left());
    if (closed_) continue;
    open_.emplace(asked.id, asked.request.cancelled);
    waiting_.push_back(std::move(asked));
    if (idle_ < waiting_.size() && workers_.size() < credits_) workers_.emplace_back([this] { work(); });
  }
  for (const std::uint64_t id : response.cancelled()) {
    const auto waits = std::find_if(waiting_.begin(), waiting_.end(), [&](const Asked& each) { return each.id == id; });
    if (waits != waiting_.end()) {
      waiting_.erase(waits);
      open_.erase(id);
    } else if (const auto at_work = open_.find(id); at_work != open_.end()) {
      at_work->second.cancel();
    }
  }
  changed_.notify_all();
}

void Responder::Impl::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return over_ || !waiting_.empty(); });
    --idle_;
    if (over_) return;
    const Asked asked = std::move(waiting_.front());
    waiting_.pop_front();
    ++at_work_;
    lock.unlock();
    pb::ReplyRequest frame;
    *frame.mutable_answers()->add_answers() = answer_to(asked);
    // An answer that nobody waits for is unknown to the sidecar, which says so and forgets it.
    if (!asked.request.cancelled.cancelled()) {
      const std::lock_guard<std::mutex> writing(writing_);
      stream_->Write(frame);
    }
    lock.lock();
    open_.erase(asked.id);
    --at_work_;
    if (closed_) changed_.notify_all();
  }
}

pb::Answer Responder::Impl::answer_to(const Asked& asked) const {
  Answer answer = tl::make_unexpected(AnswerError{"internal", "the app failed"});
  try {
    answer = answer_(asked.request);
  } catch (const std::exception& error) {
    // An app's bug is the requester's error, and ends nothing else.
    answer = tl::make_unexpected(AnswerError{"internal", error.what()});
  } catch (...) {
    answer = tl::make_unexpected(AnswerError{"internal", "the app threw something that is no exception"});
  }
  return detail::told(asked.id, std::move(answer));
}

Responder::Responder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Responder::Responder(Responder&&) noexcept = default;
Responder& Responder::operator=(Responder&&) noexcept = default;
Responder::~Responder() = default;
Result<void> Responder::wait() { return impl_->wait(); }
void Responder::close() { impl_->close(); }
void Responder::cancel() { impl_->cancel(); }

}  // namespace sidecar
