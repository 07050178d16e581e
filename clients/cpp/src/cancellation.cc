#include "sidecar/cancellation.h"

#include <algorithm>
#include <utility>

#include "listeners.h"

namespace sidecar {
namespace detail {
namespace {
// Beyond this, adding to the clock might overflow; nobody waits a year.
constexpr Duration kLongest = std::chrono::hours(24 * 365);
}  // namespace

void CancellationState::cancel() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (cancelled_) return;
  cancelled_ = true;
  changed_.notify_all();
  for (auto& [number, heard] : listeners_) heard();
  listeners_.clear();
}

bool CancellationState::cancelled() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return cancelled_;
}

void CancellationState::wait() const {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return cancelled_; });
}

bool CancellationState::wait_for(Duration duration) const {
  std::unique_lock<std::mutex> lock(mutex_);
  return changed_.wait_for(lock, std::min(duration, kLongest), [this] { return cancelled_; });
}

std::uint64_t CancellationState::listen(std::function<void()> heard) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (cancelled_) {
    heard();
    return 0;
  }
  listeners_.emplace(++last_, std::move(heard));
  return last_;
}

void CancellationState::unlisten(std::uint64_t number) {
  const std::lock_guard<std::mutex> lock(mutex_);
  listeners_.erase(number);
}

Listener::Listener(const Cancellation& to, std::function<void()> heard)
    : to_(to.state()), number_(to_->listen(std::move(heard))) {}

Listener::Listener(Listener&& other) noexcept : to_(std::move(other.to_)), number_(std::exchange(other.number_, 0)) {}

Listener& Listener::operator=(Listener&& other) noexcept {
  if (this != &other) {
    if (number_ != 0) to_->unlisten(number_);
    to_ = std::move(other.to_);
    number_ = std::exchange(other.number_, 0);
  }
  return *this;
}

Listener::~Listener() {
  if (number_ != 0) to_->unlisten(number_);
}

}  // namespace detail

Cancellation::Cancellation() : state_(std::make_shared<detail::CancellationState>()) {}
void Cancellation::cancel() const { state_->cancel(); }
bool Cancellation::cancelled() const { return state_->cancelled(); }
void Cancellation::wait() const { state_->wait(); }
bool Cancellation::wait_for(Duration duration) const { return state_->wait_for(duration); }

}  // namespace sidecar
