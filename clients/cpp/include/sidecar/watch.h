// Watches: what happens, told as it happens. One thread at a time may be in `next`; `close` may be called from any.
// Destroy them when no thread is inside.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "overlay/v1/cursor.pb.h"
#include "overlay/v1/node.pb.h"
#include "sidecar/items.h"
#include "sidecar/messages.h"

namespace sidecar {

namespace detail {
template <class T>
class Watching;
}

// `Watch<PeerNews>`: a snapshot of the peers, then every change; when the sidecar restarts it goes on, with a new
// snapshot where the changes in between are not known. `Watch<EventNews>`: what happens, with a Gap where that is not
// known. `Watch<Datagram>`: what comes on a channel; it is not taken up again: it ends with the error when the sidecar
// goes away.
template <class T>
class Watch {
 public:
  using Impl = detail::Watching<T>;

  explicit Watch(std::unique_ptr<Impl> impl);
  Watch(Watch&&) noexcept;
  Watch& operator=(Watch&&) noexcept;
  ~Watch();

  // The next item; nothing once the watch or its client is closed.
  [[nodiscard]] Result<std::optional<T>> next();
  // Ends it; `next` in another thread ends too.
  void close();

  using Iterator = ItemIterator<Watch, T>;
  [[nodiscard]] Iterator begin() { return Iterator(*this); }
  [[nodiscard]] Iterator end() { return Iterator(); }

 private:
  std::unique_ptr<Impl> impl_;
};

using EventNews = std::variant<overlay::v1::Event, Gap>;

using PeerWatch = Watch<PeerNews>;
using EventWatch = Watch<EventNews>;
using Datagrams = Watch<Datagram>;

extern template class Watch<PeerNews>;
extern template class Watch<EventNews>;
extern template class Watch<Datagram>;

}  // namespace sidecar
