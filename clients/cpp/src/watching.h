// The insides of the watches.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <tuple>
#include <utility>

#include "core.h"
#include "sidecar/watch.h"

namespace sidecar::detail {

template <class T>
class Watching {
 public:
  Watching() = default;
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;
  virtual ~Watching() = default;

  virtual Result<std::optional<T>> next() = 0;
  virtual void close() = 0;
};

// Folds the responses of WatchPeers into snapshots and changes, and knows where to resume.
class PeersFold {
 public:
  using News = PeerNews;
  using Response = overlay::v1::WatchPeersResponse;
  static constexpr bool kResumes = true;

  std::unique_ptr<grpc::ClientReader<Response>> start(Stubs& stubs, grpc::ClientContext* context);
  void take(Response& response, std::deque<News>& into);
  // The cursor is void: the next call asks for a snapshot.
  void expired(std::deque<News>& into);

 private:
  std::optional<overlay::v1::Cursor> cursor_;
  std::optional<PeersSnapshot> snapshot_;
};

// The same for WatchEvents.
class EventsFold {
 public:
  using News = EventNews;
  using Response = overlay::v1::WatchEventsResponse;
  static constexpr bool kResumes = true;

  explicit EventsFold(std::optional<overlay::v1::Cursor> cursor) : cursor_(std::move(cursor)) {}
  std::unique_ptr<grpc::ClientReader<Response>> start(Stubs& stubs, grpc::ClientContext* context);
  void take(Response& response, std::deque<News>& into);
  // The cursor is void: the watch goes on with what happens from now on.
  void expired(std::deque<News>& into);

 private:
  std::optional<overlay::v1::Cursor> cursor_;
};

// Datagrams, which nobody keeps: there is nothing to resume.
class DatagramsFold {
 public:
  using News = Datagram;
  using Response = overlay::v1::ReceiveDatagramsResponse;
  static constexpr bool kResumes = false;

  explicit DatagramsFold(std::string_view channel) : channel_(channel) {}
  std::unique_ptr<grpc::ClientReader<Response>> start(Stubs& stubs, grpc::ClientContext* context);
  void take(Response& response, std::deque<News>& into);
  void expired(std::deque<News>&) {}

 private:
  std::string channel_;
};

template <class Fold>
class WatchOf final : public Watching<typename Fold::News> {
 public:
  using News = typename Fold::News;

  WatchOf(std::shared_ptr<Core> core, Fold fold) : core_(std::move(core)), fold_(std::move(fold)) {
    std::tie(closed_, client_closed_) = core_->ending();
    begin();
  }

  ~WatchOf() override {
    close();
    const std::lock_guard<std::mutex> reading(reading_);
    finish();
  }

  Result<std::optional<News>> next() override {
    const std::lock_guard<std::mutex> reading(reading_);
    for (;;) {
      if (!ready_.empty()) {
        std::optional<News> item(std::move(ready_.front()));
        ready_.pop_front();
        return item;
      }
      if (closed_.cancelled()) return std::optional<News>();
      if (failed_) return tl::make_unexpected(*failed_);
      typename Fold::Response response;
      if (running_->stream->Read(&response)) {
        attempt_ = 0;
        fold_.take(response, ready_);
        continue;
      }
      const grpc::Status status = finish();
      if (closed_.cancelled()) return std::optional<News>();
      go_on(status.ok() ? Error::of(ErrorKind::SidecarUnavailable, "the sidecar ended the watch")
                        : core_->error(status));
    }
  }

  void close() override {
    closed_.cancel();
    const std::lock_guard<std::mutex> lock(mutex_);
    if (running_) running_->call.cancel();
  }

 private:
  struct Running {
    explicit Running(const Core& core) : call(core, std::nullopt) {}
    Call call;
    std::unique_ptr<grpc::ClientReader<typename Fold::Response>> stream;
  };

  // Takes the watch up again where it broke off for a reason that may pass.
  void go_on(Error broken) {
    if (Fold::kResumes && broken.kind == ErrorKind::CursorExpired) {
      fold_.expired(ready_);
    } else if (Fold::kResumes && broken.is(ErrorKind::SidecarUnavailable)) {
      if (closed_.wait_for(retry_wait(attempt_++))) return;
      core_->look(kReconnect);
    } else {
      failed_ = std::move(broken);
      return;
    }
    begin();
  }

  void begin() {
    auto running = std::make_shared<Running>(*core_);
    running->stream = fold_.start(core_->stubs, running->call.context());
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      running_ = running;
    }
    if (closed_.cancelled()) running->call.cancel();
    running->stream->WaitForInitialMetadata();
  }

  grpc::Status finish() {
    std::shared_ptr<Running> running;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      running = std::exchange(running_, nullptr);
    }
    if (!running) return grpc::Status(grpc::StatusCode::CANCELLED, "the watch is over");
    typename Fold::Response rest;
    while (running->stream->Read(&rest)) {
    }
    return running->stream->Finish();
  }

  const std::shared_ptr<Core> core_;
  Fold fold_;
  Cancellation closed_;
  Listener client_closed_;
  // Held by whoever reads.
  std::mutex reading_;
  std::deque<News> ready_;
  std::optional<Error> failed_;
  std::size_t attempt_ = 0;
  std::mutex mutex_;
  // Changed by whoever reads, under the mutex; empty once it is finished.
  std::shared_ptr<Running> running_;
};

}  // namespace sidecar::detail
