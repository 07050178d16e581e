#pragma once

#include <functional>
#include <memory>

#include "sidecar/messages.h"

namespace sidecar {

// Answers one request. Called from several threads at once, as many as there are credits. What it throws is the
// requester's error `internal`, and ends nothing else.
using Answerer = std::function<Answer(const IncomingRequest&)>;

// Answers the requests of a channel, from threads of its own, until it is closed or the sidecar goes away.
class Responder {
 public:
  Responder(Responder&&) noexcept;
  Responder& operator=(Responder&&) noexcept;
  // As `cancel`.
  ~Responder();

  // Returns when it has ended: with why, or without an error after `close`.
  [[nodiscard]] Result<void> wait();
  // Takes no more requests, and returns when those at work are answered and the sidecar has the answers. `wait` in
  // another thread returns too. Never call this or `cancel` from an Answerer.
  void close();
  // The same at once: those at work are told that nobody waits (`cancelled`), and what they answer is dropped.
  void cancel();

  class Impl;
  explicit Responder(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace sidecar
