// Messages from calls that follow each other.
//
// The first call is open when the verb returns: what is sent from then on is not missed. A call that the sidecar
// refuses fails the verb or the first `next`. When the sidecar went away or drained, the next call is opened as soon as
// it is back, and a Gap says so.
//
// One response is held at a time, and the next is read when its messages were taken: an app that is slow is felt by the
// sender. `next` may be called from several threads, of which one waits; `ack`, `nack`, `extend` and `close` from any.
// Destroy them when no thread is inside.
#pragma once

#include <memory>
#include <optional>

#include "sidecar/items.h"
#include "sidecar/messages.h"

namespace sidecar {

// What comes to a channel; a message counts as taken once it is written to this app.
class Receiver {
 public:
  Receiver(Receiver&&) noexcept;
  Receiver& operator=(Receiver&&) noexcept;
  ~Receiver();

  // The next message or Gap; nothing once the receiver or its client is closed.
  [[nodiscard]] Result<std::optional<Item>> next();
  // Ends the subscription; `next` in another thread ends too.
  void close();

  using Iterator = ItemIterator<Receiver, Item>;
  [[nodiscard]] Iterator begin() { return Iterator(*this); }
  [[nodiscard]] Iterator end() { return Iterator(); }

  class Impl;
  explicit Receiver(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

// The same with acknowledgements. What is not acked when the consumer closes goes to another subscriber.
//
// Acks, nacks and extends return at once and are gathered while others are on their way. Those of messages from before
// the last Gap are passed over: the sidecar no longer waits for them.
class Consumer {
 public:
  Consumer(Consumer&&) noexcept;
  Consumer& operator=(Consumer&&) noexcept;
  // As `close`.
  ~Consumer();

  // The next message or Gap; nothing once the consumer or its client is closed.
  [[nodiscard]] Result<std::optional<Item>> next();
  // It is done.
  void ack(const Received& message);
  // Hand it out again, to any subscriber, `delay` from now.
  void nack(const Received& message, Duration delay = Duration::zero());
  // It takes longer: it comes back `duration` from now if it is not acked.
  void extend(const Received& message, Duration duration);
  // How many acknowledgements came for messages that the sidecar no longer held for this consumer.
  [[nodiscard]] std::uint64_t unknown() const;
  // Hands over the last acknowledgements and ends the subscription; waits for the sidecar's end, 5 s at most.
  void close();

  using Iterator = ItemIterator<Consumer, Item>;
  [[nodiscard]] Iterator begin() { return Iterator(*this); }
  [[nodiscard]] Iterator end() { return Iterator(); }

  class Impl;
  explicit Consumer(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace sidecar
