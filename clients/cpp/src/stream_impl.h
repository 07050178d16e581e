// The insides of Stream: the same for Open and Accept, whose frames differ in their names only.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "convert.h"
#include "core.h"
#include "sidecar/stream.h"

namespace sidecar {

class Stream::Impl {
 public:
  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  virtual ~Impl() = default;

  struct About {
    std::string peer_id;
    std::string name;
    Headers headers;
    std::uint64_t suspensions = 0;
  };

  [[nodiscard]] virtual About about() const = 0;
  virtual Result<void> opened() = 0;
  virtual Result<void> write(std::string_view data) = 0;
  virtual void finish() = 0;
  virtual Result<std::string> read(std::size_t most) = 0;
  virtual void reset(std::uint64_t code, std::string detail) = 0;
  virtual Result<void> close() = 0;
  virtual void cancel() = 0;
};

namespace detail {

template <class Request, class Response>
class Piped final : public Stream::Impl {
 public:
  using Pipe = grpc::ClientReaderWriter<Request, Response>;

  // `begin(stubs, context)` makes the call; `first` is its opening frame.
  template <class Begin>
  Piped(std::shared_ptr<Core> core, Begin begin, const Request& first, About about)
      : core_(std::move(core)),
        call_(*core_, std::nullopt),
        pipe_(begin(core_->stubs, call_.context())),
        about_(std::move(about)) {
    pipe_->Write(first);
  }

  ~Piped() override {
    cancel();
    const std::lock_guard<std::mutex> reading(reading_);
    drain();
  }

  About about() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return about_;
  }

  Result<void> opened() override {
    const std::lock_guard<std::mutex> reading(reading_);
    while (!accepted_) {
      auto went_on = take_frame();
      if (!went_on) return tl::make_unexpected(std::move(went_on.error()));
      if (!*went_on) {
        return tl::make_unexpected(Error::of(ErrorKind::StreamReset, "the stream ended before it was accepted"));
      }
    }
    return {};
  }

  Result<void> write(std::string_view data) override {
    for (; !data.empty(); data.remove_prefix(std::min(data.size(), Stream::kPiece))) {
      const std::string_view piece = data.substr(0, Stream::kPiece);
      Request frame;
      frame.set_data(piece.data(), piece.size());
      std::unique_lock<std::mutex> writing(writing_);
      if (finished_) {
        return tl::make_unexpected(Error::of(ErrorKind::FrameUnexpected, "this way of the stream is finished"));
      }
      if (!pipe_->Write(frame)) {
        writing.unlock();
        return tl::make_unexpected(why());
      }
    }
    return {};
  }

  void finish() override {
    const std::lock_guard<std::mutex> writing(writing_);
    if (std::exchange(finished_, true)) return;
    Request frame;
    frame.mutable_finish();
    // Where it cannot be written the call is over, which reading tells.
    if (pipe_->Write(frame)) pipe_->WritesDone();
  }

  Result<std::string> read(std::size_t most) override {
    const std::lock_guard<std::mutex> reading(reading_);
    while (taken_ == left_.size() && !ended_) {
      auto went_on = take_frame();
      if (!went_on) return tl::make_unexpected(std::move(went_on.error()));
    }
    if (taken_ == 0 && left_.size() <= most) return std::exchange(left_, {});
    std::string data = left_.substr(taken_, most);
    taken_ += data.size();
    return data;
  }

  void reset(std::uint64_t code, std::string detail) override {
    {
      const std::lock_guard<std::mutex> writing(writing_);
      Request frame;
      frame.mutable_reset()->set_code(code);
      frame.mutable_reset()->set_detail(std::move(detail));
      // `reset` may follow `finish`, but not the end of the client's frames.
      if (finished_) {
        call_.cancel();
      } else if (pipe_->Write(frame)) {
        pipe_->WritesDone();
      }
      finished_ = true;
    }
    const std::lock_guard<std::mutex> reading(reading_);
    drain();
  }

  Result<void> close() override {
    finish();
    const std::lock_guard<std::mutex> reading(reading_);
    drain();
    if (!status_->ok()) return tl::make_unexpected(core_->error(*status_));
    return {};
  }

  void cancel() override { call_.cancel(); }

  // Ends it as long as it lives, for the wait of `accept_stream`.
  Listener cancelled_by(const Cancellation& cancellation) {
    return Listener(cancellation, [this] { call_.cancel(); });
  }

 private:
  // Takes a frame; false at the end of the other app's way.
  Result<bool> take_frame() {
    Response response;
    if (status_ || !pipe_->Read(&response)) {
      drain();
      if (!status_->ok()) return tl::make_unexpected(core_->error(*status_));
      ended_ = true;
      return false;
    }
    switch (response.frame_case()) {
      case Response::kData:
        left_ = std::move(*response.mutable_data());
        taken_ = 0;
        break;
      case Response::kAccepted: {
        accepted_ = true;
        auto& told = *response.mutable_accepted();
        const std::lock_guard<std::mutex> lock(mutex_);
        about_.peer_id = std::move(*told.mutable_peer_id());
        about_.name = std::move(*told.mutable_name());
        about_.headers = from_proto(told.headers());
        break;
      }
      case Response::kFinished:
        ended_ = true;
        return false;
      case Response::kState: {
        const std::lock_guard<std::mutex> lock(mutex_);
        about_.suspensions += response.state() == overlay::v1::STREAM_STATE_SUSPENDED ? 1 : 0;
        break;
      }
      case Response::FRAME_NOT_SET:
        break;
    }
    return true;
  }

  // Passes over what still comes, to the call's end.
  void drain() {
    if (status_) return;
    Response rest;
    while (pipe_->Read(&rest)) {
    }
    status_ = pipe_->Finish();
  }

  // Why writing failed.
  Error why() {
    const std::lock_guard<std::mutex> reading(reading_);
    drain();
    return status_->ok() ? Error::of(ErrorKind::StreamReset, "the stream is over") : core_->error(*status_);
  }

  const std::shared_ptr<Core> core_;
  Call call_;
  const std::unique_ptr<Pipe> pipe_;
  mutable std::mutex mutex_;
  About about_;
  std::mutex writing_;
  bool finished_ = false;
  // What follows belongs to whoever holds it.
  std::mutex reading_;
  bool accepted_ = false;
  bool ended_ = false;
  // What came and was not read: `left_` from `taken_` on.
  std::string left_;
  std::size_t taken_ = 0;
  std::optional<grpc::Status> status_;
};

}  // namespace detail
}  // namespace sidecar
