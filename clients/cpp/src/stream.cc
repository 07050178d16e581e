#include "sidecar/stream.h"

#include "stream_impl.h"

namespace sidecar {

Stream::Stream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

std::string Stream::peer_id() const { return impl_->about().peer_id; }
std::string Stream::name() const { return impl_->about().name; }
Headers Stream::headers() const { return impl_->about().headers; }
std::uint64_t Stream::suspensions() const { return impl_->about().suspensions; }
Result<void> Stream::opened() { return impl_->opened(); }
Result<void> Stream::write(std::string_view data) { return impl_->write(data); }
void Stream::finish() { impl_->finish(); }
Result<std::string> Stream::read(std::size_t most) { return impl_->read(most); }

Result<std::string> Stream::read_all() {
  std::string all;
  for (;;) {
    auto part = impl_->read(kPiece);
    if (!part) return part;
    if (part->empty()) return all;
    all += *part;
  }
}

void Stream::reset(std::uint64_t code, std::string detail) { impl_->reset(code, std::move(detail)); }
Result<void> Stream::close() { return impl_->close(); }
void Stream::cancel() { impl_->cancel(); }

}  // namespace sidecar
