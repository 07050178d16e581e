#include "acks.h"

#include <gtest/gtest.h>

namespace sidecar::detail {
namespace {

using std::chrono::milliseconds;

TEST(Acks, OpensWithWhatWasAskedFor) {
  ConsumeOptions options;
  options.credits = 7;
  options.ack_deadline = milliseconds(1500);
  options.max_deliveries = 3;
  const Acks acks("jobs", options);
  const auto& open = acks.opening().open();
  EXPECT_EQ("jobs", open.channel());
  EXPECT_EQ(7u, open.credits());
  EXPECT_EQ(1, open.ack_deadline().seconds());
  EXPECT_EQ(500'000'000, open.ack_deadline().nanos());
  EXPECT_EQ(3u, open.max_deliveries());
}

TEST(Acks, ConsecutiveIdsBecomeOneRange) {
  Acks acks("", {});
  for (const std::uint64_t id : {1, 2, 3, 7, 8, 5}) acks.gather(Acks::Verb::ack, id);
  const auto request = acks.next_request();
  ASSERT_TRUE(request && request->has_ack());
  ASSERT_EQ(3, request->ack().ranges_size());
  EXPECT_EQ(1u, request->ack().ranges(0).first());
  EXPECT_EQ(3u, request->ack().ranges(0).last());
  EXPECT_EQ(7u, request->ack().ranges(1).first());
  EXPECT_EQ(8u, request->ack().ranges(1).last());
  EXPECT_EQ(5u, request->ack().ranges(2).last());
  EXPECT_FALSE(acks.next_request());
}

TEST(Acks, WhatIsSaidOfThemKeepsItsOrder) {
  Acks acks("", {});
  acks.gather(Acks::Verb::ack, 1);
  acks.gather(Acks::Verb::nack, 2, milliseconds(200));
  acks.gather(Acks::Verb::nack, 3);
  acks.gather(Acks::Verb::extend, 4, milliseconds(4000));
  EXPECT_TRUE(acks.next_request()->has_ack());
  const auto delayed = acks.next_request();
  EXPECT_EQ(200'000'000, delayed->nack().delay().nanos());
  EXPECT_EQ(1, delayed->nack().ranges_size());
  const auto at_once = acks.next_request();
  EXPECT_FALSE(at_once->nack().has_delay());
  EXPECT_EQ(4, acks.next_request()->extend().deadline().seconds());
  EXPECT_TRUE(acks.empty());
}

TEST(Acks, ForgetsWhatWasForAnotherCall) {
  Acks acks("", {});
  acks.gather(Acks::Verb::ack, 1);
  acks.clear();
  EXPECT_FALSE(acks.next_request());
}

}  // namespace
}  // namespace sidecar::detail
