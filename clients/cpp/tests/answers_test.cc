#include "answers.h"

#include <gtest/gtest.h>

#include "text.h"

namespace sidecar::detail {
namespace {

overlay::v1::Answer failed(std::string code, std::string message) {
  return told(7, tl::make_unexpected(AnswerError{std::move(code), std::move(message)}));
}

TEST(Answers, WhatASidecarTakesGoesAsItIs) {
  auto answer = told(7, Replied{std::string(16 << 20, 'x'), {{"n", "é"}}});
  EXPECT_EQ(answer.request_id(), 7U);
  EXPECT_EQ(answer.payload().size(), 16U << 20);
  EXPECT_EQ(answer.headers().at("n"), "é");
  EXPECT_EQ(failed("busy", "wait").error().code(), "busy");
  EXPECT_EQ(failed("busy", "wait").error().message(), "wait");
  EXPECT_EQ(failed("busy", "").error().message(), "busy");
}

TEST(Answers, WhatNoSidecarTakesIsTheRequestersError) {
  EXPECT_EQ(told(7, Replied{std::string((16 << 20) + 1, 'x'), {}}).error().code(), "internal");
  EXPECT_EQ(told(7, Replied{"", {{"n", std::string(8 << 10, 'v')}}}).error().code(), "internal");
  EXPECT_EQ(told(7, Replied{"", {{"n", "\xff"}}}).error().code(), "internal");
  EXPECT_EQ(failed("", "why").error().code(), "internal");
  EXPECT_EQ(failed(std::string(129, 'c'), "why").error().code(), "internal");
  EXPECT_EQ(failed("\xff", "why").error().message(), "?: why");
}

TEST(Answers, WordsAreCutBetweenCharacters) {
  std::string words;
  for (int i = 0; i < 1000; ++i) words += "é";
  const std::string cut = failed("c", "x" + words).error().message();
  EXPECT_EQ(cut.size(), 1023U);
  EXPECT_TRUE(is_utf8(cut));
  EXPECT_EQ(failed("c", "a\xff\xc3").error().message(), "a??");
}

TEST(Text, IsUtf8) {
  for (const char* text : {"", "a", "\xc3\xa9", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  for (const char* text : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                           "\xf4\x90\x80\x80", "\xff", "\xe2\x82", "\xe2\x82 "}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

TEST(Text, AMessageThatIsNone) {
  EXPECT_TRUE(check_text("id", {{"n", "v"}}));
  for (const auto& wrong : {check_text("\xff", {}), check_text("", {{"\xff", "v"}}), check_text("", {{"n", "\xff"}})}) {
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().kind, ErrorKind::InvalidField);
    EXPECT_EQ(wrong.error().fields.size(), 1U);
  }
}

}  // namespace
}  // namespace sidecar::detail
