#include "text.h"

#include <algorithm>

namespace sidecar::detail {
namespace {

// The bytes of the character that the text begins with; 0 where that is none.
std::size_t character(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
  if (size == 0 || text.size() < size) return 0;
  // The second byte's range keeps out what has a shorter form, halves of surrogate pairs, and what is beyond U+10FFFF.
  const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t at = 2; at < size; ++at) {
    if (byte(at) < 0x80 || byte(at) > 0xBF) return 0;
  }
  return size;
}

tl::unexpected<Error> not_utf8(const std::string& field) {
  Error error = Error::of(ErrorKind::InvalidField, field + ": is not UTF-8");
  error.fields = {{field, "is not UTF-8"}};
  return tl::make_unexpected(std::move(error));
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = character(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string as_utf8(std::string_view text, std::size_t most) {
  std::string told;
  while (!text.empty()) {
    const std::size_t size = character(text);
    if (told.size() + std::max<std::size_t>(size, 1) > most) break;
    if (size == 0) {
      told += '?';
    } else {
      told += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return told;
}

Result<void> check_text(std::string_view message_id, const Headers& headers) {
  if (!is_utf8(message_id)) return not_utf8("message_id");
  for (const auto& [name, value] : headers) {
    if (!is_utf8(name) || !is_utf8(value)) return not_utf8("headers");
  }
  return {};
}

}  // namespace sidecar::detail
