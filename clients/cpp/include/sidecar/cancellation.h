// A word to stop, said once by anybody and heard by everybody who holds a copy.
#pragma once

#include <memory>
#include <optional>

#include "sidecar/error.h"

namespace sidecar {

namespace detail {
class CancellationState;
}

// Copies are the same cancellation. Thread-safe.
class Cancellation {
 public:
  Cancellation();

  // Says it; what waits for it or was given it ends. Saying it again changes nothing.
  void cancel() const;
  [[nodiscard]] bool cancelled() const;
  // Returns once it is said.
  void wait() const;
  // The same, or after `duration`; tells whether it was said.
  [[nodiscard]] bool wait_for(Duration duration) const;

  // For the client's own use.
  [[nodiscard]] const std::shared_ptr<detail::CancellationState>& state() const { return state_; }

 private:
  std::shared_ptr<detail::CancellationState> state_;
};

// How long a call may take, and who may take it back.
struct CallOptions {
  CallOptions() = default;
  // Not explicit: `sidecar.ping(peer_id, 5s)`.
  template <class Rep, class Period>
  CallOptions(std::chrono::duration<Rep, Period> limit)  // NOLINT(google-explicit-constructor)
      : timeout(std::chrono::duration_cast<Duration>(limit)) {}
  CallOptions(Cancellation by)  // NOLINT(google-explicit-constructor)
      : cancellation(std::move(by)) {}

  // Unset for the verb's default: the client's, or none for what lasts.
  std::optional<Duration> timeout;
  // Ends the call as Cancelled.
  std::optional<Cancellation> cancellation;
};

}  // namespace sidecar
