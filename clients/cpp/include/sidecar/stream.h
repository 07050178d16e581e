#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "sidecar/messages.h"

namespace sidecar {

// A byte stream to an app beside another sidecar. One thread may read while another writes; `cancel` may be called from
// any. A Stream that is destroyed without `close` or `reset` is cancelled: the other app must not take a part for the
// whole.
class Stream {
 public:
  // The size of the pieces that `write` makes and `read` gives at most.
  static constexpr std::size_t kPiece = 256 << 10;

  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();

  // The other end, proven by its key.
  [[nodiscard]] std::string peer_id() const;
  [[nodiscard]] std::string name() const;
  // The opening app's headers, once it is accepted.
  [[nodiscard]] Headers headers() const;
  // How often it has lost its connection and waited to go on by another.
  [[nodiscard]] std::uint64_t suspensions() const;

  // Returns once the other app has taken it, or with why it was not.
  [[nodiscard]] Result<void> opened();
  // Takes bytes; waits while the other app does not read.
  [[nodiscard]] Result<void> write(std::string_view data);
  // Writes no more; reading goes on.
  void finish();
  // The next bytes, at most so many; none at the end of the other app's way. StreamReset, StreamLost and the like
  // otherwise.
  [[nodiscard]] Result<std::string> read(std::size_t most = kPiece);
  // Everything to the end.
  [[nodiscard]] Result<std::string> read_all();
  // Ends it in both directions; the other app gets the code.
  void reset(std::uint64_t code = 0, std::string detail = {});
  // Writes no more, passes over what still comes, and returns once all that was written is with the other sidecar.
  [[nodiscard]] Result<void> close();
  // Ends it at once, as if the app had gone.
  void cancel();

  class Impl;
  explicit Stream(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace sidecar
