#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core.h"
#include "sidecar/responder.h"

namespace sidecar {

// One thread takes requests; as many as there are credits, made when they are first needed, answer them.
class Responder::Impl {
 public:
  Impl(std::shared_ptr<detail::Core> core, Answerer answer, std::string_view channel, const ReplyOptions& options);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  // Opens the call.
  Result<void> open();
  Result<void> wait();
  void close();
  void cancel();

 private:
  struct Asked {
    std::uint64_t id;
    IncomingRequest request;
  };

  void read();
  void take(overlay::v1::ReplyResponse& response);
  void work();
  [[nodiscard]] overlay::v1::Answer answer_to(const Asked& asked) const;

  const std::shared_ptr<detail::Core> core_;
  const Answerer answer_;
  overlay::v1::ReplyRequest opening_;
  const std::size_t credits_;
  detail::Call call_;
  std::unique_ptr<grpc::ClientReaderWriter<overlay::v1::ReplyRequest, overlay::v1::ReplyResponse>> stream_;
  std::mutex writing_;
  // Guarded by `writing_`.
  bool half_closed_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Asked> waiting_;
  // Those that wait or are at work, by number.
  std::map<std::uint64_t, Cancellation> open_;
  std::size_t idle_ = 0;
  std::size_t at_work_ = 0;
  bool closed_ = false;
  bool over_ = false;
  std::optional<Result<void>> outcome_;
  // Made and joined by the reader.
  std::vector<std::thread> workers_;
  std::thread reader_;
};

}  // namespace sidecar
