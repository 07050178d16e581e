#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "sidecar/messages.h"

namespace sidecar {

// Many messages to one peer and channel over one call, pipelined.
//
// `send` returns as soon as there is room (16 MiB may be without an outcome) and gives the message's number; `result`
// waits for one message, `flush` for all so far, `close` for all and ends. A Sender that is destroyed without `close`
// ends its call at once, as by an error: what has no outcome then may or may not arrive. When the sidecar goes away,
// what was handed over fails as OutcomeUnknown and the sender is of no more use: open a new one.
//
// Everything but moving and destroying may be done from several threads.
class Sender {
 public:
  Sender(Sender&&) noexcept;
  Sender& operator=(Sender&&) noexcept;
  ~Sender();

  // Takes a message of any size; gives its number, from 1 on. Fails with what ended the call, once it has ended.
  [[nodiscard]] Result<std::uint64_t> send(std::string payload, Headers headers = {}, std::string message_id = {});
  // Returns once message `number` has reached its level, or with why it did not, or DeadlinePassed.
  [[nodiscard]] Result<void> result(std::uint64_t number, std::optional<Duration> timeout = std::nullopt);
  // Returns once every message so far has an outcome. SendFailed names those that failed and were not named before;
  // DeadlinePassed when `timeout` was not enough.
  [[nodiscard]] Result<void> flush(std::optional<Duration> timeout = std::nullopt);
  // Sends no more, waits for what was sent, and ends the call. SendFailed as in `flush`.
  [[nodiscard]] Result<void> close();
  // Ends the call at once; what has no outcome fails.
  void cancel();

  class Impl;
  explicit Sender(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace sidecar
