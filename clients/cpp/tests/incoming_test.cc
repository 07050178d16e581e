#include "incoming.h"

#include <gtest/gtest.h>

namespace sidecar::detail {
namespace {

namespace pb = overlay::v1;

pb::Delivery envelope() {
  pb::Delivery delivery;
  delivery.set_peer_id("peer");
  delivery.set_channel("chat");
  delivery.set_priority(pb::PRIORITY_HIGH);
  delivery.set_first_sequence(10);
  delivery.set_instance(99);
  delivery.set_first_delivery_id(5);
  delivery.set_redelivery_count(2);
  delivery.mutable_received_at()->set_seconds(1'700'000'000);
  delivery.set_durable(true);
  return delivery;
}

pb::Delivery chunk(std::uint64_t offset, std::uint64_t total, const std::string& data) {
  pb::Delivery delivery = envelope();
  delivery.mutable_chunk()->set_message_id("large");
  delivery.mutable_chunk()->set_offset(offset);
  delivery.mutable_chunk()->set_total(total);
  delivery.mutable_chunk()->set_data(data);
  return delivery;
}

TEST(Incoming, NumbersCountOnFromTheFirst) {
  pb::Delivery delivery = envelope();
  delivery.add_messages()->set_payload("one");
  (*delivery.add_messages()->mutable_headers())["name"] = "value";
  Incoming incoming;
  std::deque<Item> items;
  ASSERT_TRUE(incoming.take(delivery, items));
  ASSERT_EQ(2u, items.size());
  const auto& first = std::get<Received>(items[0]);
  EXPECT_EQ("one", first.payload);
  EXPECT_EQ("peer", first.peer_id);
  EXPECT_EQ("chat", first.channel);
  EXPECT_EQ(Priority::high, first.priority);
  EXPECT_EQ(99u, first.instance);
  EXPECT_EQ(10u, first.sequence);
  EXPECT_EQ(5u, first.delivery_id);
  EXPECT_EQ(2u, first.redelivery_count);
  EXPECT_EQ(1'700'000'000, std::chrono::system_clock::to_time_t(first.received_at));
  EXPECT_TRUE(first.durable);
  const auto& second = std::get<Received>(items[1]);
  EXPECT_EQ(11u, second.sequence);
  EXPECT_EQ(6u, second.delivery_id);
  EXPECT_EQ("value", second.headers.at("name"));
}

TEST(Incoming, InReceiveThereIsNoDeliveryId) {
  pb::Delivery delivery = envelope();
  delivery.set_first_delivery_id(0);
  delivery.add_messages();
  delivery.add_messages();
  std::deque<Item> items;
  ASSERT_TRUE(Incoming().take(delivery, items));
  EXPECT_EQ(0u, std::get<Received>(items[1]).delivery_id);
}

TEST(Incoming, PutsChunksTogether) {
  Incoming incoming;
  std::deque<Item> items;
  auto first = chunk(0, 5, "abc");
  (*first.mutable_chunk()->mutable_headers())["name"] = "value";
  auto second = chunk(3, 5, "de");
  ASSERT_TRUE(incoming.take(first, items));
  EXPECT_TRUE(items.empty());
  ASSERT_TRUE(incoming.take(second, items));
  const auto& whole = std::get<Received>(items.at(0));
  EXPECT_EQ("abcde", whole.payload);
  EXPECT_EQ("large", whole.message_id);
  EXPECT_EQ("value", whole.headers.at("name"));
  EXPECT_EQ(5u, whole.delivery_id);
}

TEST(Incoming, AChunkThatContinuesNothing) {
  for (auto wrong : {chunk(3, 5, "de"), chunk(2, 5, "de"), chunk(3, 6, "de"), chunk(3, 5, "def")}) {
    Incoming incoming;
    std::deque<Item> items;
    if (wrong.chunk().offset() != 3 || wrong.chunk().total() != 5 || wrong.chunk().data().size() != 2) {
      auto first = chunk(0, 5, "abc");
      ASSERT_TRUE(incoming.take(first, items));
    }
    const auto taken = incoming.take(wrong, items);
    ASSERT_FALSE(taken);
    EXPECT_NE(std::string::npos, taken.error().detail.find("continues nothing"));
  }
}

TEST(Incoming, ASeriesThatItsCallDidNotFinishIsDropped) {
  Incoming incoming;
  std::deque<Item> items;
  auto first = chunk(0, 5, "abc");
  auto second = chunk(3, 5, "de");
  ASSERT_TRUE(incoming.take(first, items));
  incoming.restart();
  EXPECT_EQ(1u, incoming.opening());
  EXPECT_FALSE(incoming.take(second, items));
}

}  // namespace
}  // namespace sidecar::detail
