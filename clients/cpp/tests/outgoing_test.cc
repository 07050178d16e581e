#include "outgoing.h"

#include <gtest/gtest.h>

namespace sidecar::detail {
namespace {

namespace pb = overlay::v1;

constexpr std::uint64_t kWhole = 1'000'000;

Outgoing book(std::size_t window = kWindowBytes) {
  SenderOptions options;
  options.channel = "files";
  return Outgoing("peer", options, window);
}

std::uint64_t add(Outgoing& book, std::string payload, std::uint64_t whole = kWhole) {
  return book.add(std::move(payload), {}, {}, whole);
}

pb::SendStreamResponse receipt(std::uint64_t through, pb::DeliveryLevel level = pb::DELIVERY_LEVEL_DELIVERED) {
  pb::SendStreamResponse response;
  response.add_receipts()->set_through_sequence(through);
  response.mutable_receipts(0)->set_level(level);
  return response;
}

pb::SendStreamResponse exception(std::uint64_t first, std::uint64_t last, pb::ErrorReason reason) {
  auto response = receipt(last);
  auto& told = *response.mutable_receipts(0)->add_exceptions();
  told.set_first(first);
  told.set_last(last);
  told.set_reason(reason);
  told.set_detail("because");
  return response;
}

TEST(Outgoing, GathersWhatComesWhileNobodyAsks) {
  Outgoing out = book();
  EXPECT_EQ(1u, add(out, "one"));
  EXPECT_EQ(2u, add(out, "two"));
  const auto frame = out.next_frame();
  ASSERT_TRUE(frame);
  ASSERT_EQ(2, frame->messages_size());
  EXPECT_EQ("two", frame->messages(1).payload());
  EXPECT_FALSE(out.next_frame());
}

TEST(Outgoing, AFrameHasAboutAMebibyte) {
  Outgoing out = book();
  for (int count = 0; count < 3; ++count) add(out, std::string(600'000, 'x'));
  for (int count = 0; count < 3; ++count) EXPECT_EQ(1, out.next_frame()->messages_size());
  const Headers headers = {{"name", std::string(8000, 'x')}};
  for (int count = 0; count < 1000; ++count) out.add("", headers, "", kWhole);
  while (const auto frame = out.next_frame()) EXPECT_LE(frame->ByteSizeLong(), kFrameBytes + 10'000);
}

TEST(Outgoing, ALargeMessageGoesInChunks) {
  Outgoing out = book();
  const std::string payload = std::string(kChunkBytes, 'a') + "tail";
  add(out, "before");
  out.add(payload, {{"name", "value"}}, "id", kWhole);
  add(out, "behind");
  EXPECT_EQ(1, out.next_frame()->messages_size());
  const auto first = out.next_frame();
  EXPECT_EQ(0u, first->chunk().offset());
  EXPECT_EQ(payload.size(), first->chunk().total());
  EXPECT_EQ("id", first->chunk().message_id());
  EXPECT_EQ("value", first->chunk().headers().at("name"));
  const auto second = out.next_frame();
  EXPECT_EQ(kChunkBytes, second->chunk().offset());
  EXPECT_EQ("tail", second->chunk().data());
  EXPECT_EQ("id", second->chunk().message_id());
  EXPECT_EQ(0u, second->chunk().headers().size());
  EXPECT_EQ("behind", out.next_frame()->messages(0).payload());
}

TEST(Outgoing, IsFullUntilReceiptsOfItsLevelCome) {
  Outgoing out = book(100 + 2 * kMessageBytes);
  add(out, std::string(50, 'x'));
  EXPECT_FALSE(out.full());
  add(out, std::string(50, 'x'));
  EXPECT_TRUE(out.full());
  out.take(receipt(2, pb::DELIVERY_LEVEL_SENT));
  EXPECT_TRUE(out.full());
  out.take(receipt(1));
  EXPECT_FALSE(out.full());
  EXPECT_EQ(1u, out.through());
  out.take(receipt(2));
  EXPECT_EQ(0u, out.pending_bytes());
}

TEST(Outgoing, NamesEachFailureOnce) {
  Outgoing out = book();
  for (int count = 0; count < 5; ++count) add(out, "x");
  EXPECT_FALSE(out.new_failures());
  out.take(exception(2, 3, pb::ERROR_REASON_EXPIRED));
  EXPECT_FALSE(out.error_of(1));
  EXPECT_EQ(ErrorKind::Expired, out.error_of(2)->kind);
  const auto failed = out.new_failures();
  ASSERT_TRUE(failed);
  EXPECT_EQ(ErrorKind::SendFailed, failed->kind);
  EXPECT_EQ("EXPIRED", failed->reason);
  EXPECT_EQ(grpc::StatusCode::DEADLINE_EXCEEDED, failed->code);
  ASSERT_EQ(1u, failed->failures.size());
  EXPECT_EQ(3u, failed->failures[0].last);
  EXPECT_EQ(0u, failed->detail.find("2 messages failed, the first being number 2")) << *failed;
  EXPECT_FALSE(out.new_failures());
}

TEST(Outgoing, TheEndGivesEveryMessageAnOutcome) {
  Outgoing out = book();
  for (int count = 0; count < 2; ++count) add(out, "x");
  (void)out.next_frame();
  out.take(receipt(1));
  add(out, "never handed over");
  out.end(Error::of(ErrorKind::SidecarUnavailable, "gone"));
  EXPECT_EQ(3u, out.through());
  EXPECT_EQ(0u, out.pending_bytes());
  EXPECT_FALSE(out.error_of(1));
  EXPECT_EQ(ErrorKind::OutcomeUnknown, out.error_of(2)->kind);
  EXPECT_EQ(grpc::StatusCode::UNAVAILABLE, out.error_of(2)->code);
  EXPECT_EQ(ErrorKind::SidecarUnavailable, out.error_of(3)->kind);
  EXPECT_TRUE(out.ended());
  EXPECT_FALSE(out.has_frame());
}

TEST(Outgoing, WhatWasRefusedHasTheRefusalAsItsOutcome) {
  Outgoing out = book();
  add(out, "x");
  (void)out.next_frame();
  out.end(Error::of(ErrorKind::PeerUnknown, "nobody knows it"));
  EXPECT_EQ(ErrorKind::PeerUnknown, out.error_of(1)->kind);
}

TEST(Outgoing, AnEndInOrderFailsNothing) {
  Outgoing out = book();
  add(out, "x");
  (void)out.next_frame();
  out.take(receipt(1));
  out.end(std::nullopt);
  EXPECT_FALSE(out.new_failures());
  EXPECT_TRUE(out.ended());
}

}  // namespace
}  // namespace sidecar::detail
