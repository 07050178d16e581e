// What happens when a Cancellation is said.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "sidecar/cancellation.h"

namespace sidecar::detail {

class CancellationState {
 public:
  void cancel();
  bool cancelled() const;
  void wait() const;
  bool wait_for(Duration duration) const;

  // Calls `heard` once it is said, at once where it was said before. Gives a number to take it back by, 0 when there is
  // nothing to take back.
  std::uint64_t listen(std::function<void()> heard);
  // After its return `heard` neither runs nor will.
  void unlisten(std::uint64_t number);

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool cancelled_ = false;
  std::uint64_t last_ = 0;
  // Called while the mutex is held, so that `unlisten` waits for one that runs.
  std::map<std::uint64_t, std::function<void()>> listeners_;
};

// Listens as long as it lives.
class Listener {
 public:
  Listener() = default;
  Listener(const Cancellation& to, std::function<void()> heard);
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&& other) noexcept;
  ~Listener();

 private:
  std::shared_ptr<CancellationState> to_;
  std::uint64_t number_ = 0;
};

}  // namespace sidecar::detail
