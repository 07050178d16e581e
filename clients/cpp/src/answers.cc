#include "answers.h"

#include <utility>

#include "convert.h"
#include "text.h"

namespace sidecar::detail {
namespace {

// The most of a reply's payload, of its headers, of an error's code, which has one byte at least, and of its words.
constexpr std::size_t kPayloadBytes = 16 << 20;
constexpr std::size_t kHeaderBytes = 8 << 10;
constexpr std::size_t kCodeBytes = 128;
constexpr std::size_t kWordsBytes = 1 << 10;

Answer checked(Answer answer) {
  if (!answer) {
    const std::string& code = answer.error().code;
    if (!code.empty() && code.size() <= kCodeBytes && is_utf8(code)) return answer;
    return tl::make_unexpected(AnswerError{"internal", code + ": " + answer.error().message});
  }
  std::size_t size = 0;
  for (const auto& [name, value] : answer->headers) size += name.size() + value.size();
  if (answer->payload.size() > kPayloadBytes || size > kHeaderBytes) {
    return tl::make_unexpected(AnswerError{"internal", "the reply is larger than 16 MiB, or its headers than 8 KiB"});
  }
  if (auto text = check_text("", answer->headers); !text) {
    return tl::make_unexpected(AnswerError{"internal", text.error().detail});
  }
  return answer;
}

}  // namespace

overlay::v1::Answer told(std::uint64_t number, Answer answer) {
  answer = checked(std::move(answer));
  overlay::v1::Answer told;
  told.set_request_id(number);
  if (answer) {
    told.set_payload(std::move(answer->payload));
    put(answer->headers, told.mutable_headers());
  } else {
    const AnswerError& error = answer.error();
    told.mutable_error()->set_code(error.code);
    told.mutable_error()->set_message(as_utf8(error.message.empty() ? error.code : error.message, kWordsBytes));
  }
  return told;
}

}  // namespace sidecar::detail
