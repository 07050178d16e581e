// What becomes `string` fields of protobuf, which are UTF-8: one that is not would cost a call of many messages all of
// them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sidecar/messages.h"

namespace sidecar::detail {

// Whether the text is UTF-8 (RFC 3629).
bool is_utf8(std::string_view text);

// The text with question marks for what of it is not UTF-8, and at most so many bytes of it, cut between characters.
std::string as_utf8(std::string_view text, std::size_t most);

// InvalidField for an id or headers of a message that are not UTF-8.
Result<void> check_text(std::string_view message_id, const Headers& headers);

}  // namespace sidecar::detail
