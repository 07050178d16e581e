#include "sidecar/cancellation.h"

#include <gtest/gtest.h>

#include <thread>

#include "listeners.h"

namespace sidecar {
namespace {

using detail::Listener;
using std::chrono::hours;
using std::chrono::milliseconds;

TEST(Cancellation, IsHeardByEveryCopy) {
  const Cancellation word;
  const Cancellation copy = word;
  EXPECT_FALSE(copy.cancelled());
  word.cancel();
  EXPECT_TRUE(copy.cancelled());
  copy.wait();
  EXPECT_TRUE(copy.wait_for(hours(1)));
}

TEST(Cancellation, WaitingEndsWithItsTime) { EXPECT_FALSE(Cancellation().wait_for(milliseconds(1))); }

TEST(Cancellation, WakesWhoeverWaits) {
  const Cancellation word;
  std::thread waiting([&] { word.wait(); });
  word.cancel();
  waiting.join();
}

TEST(Listener, HearsOnceWhileItLives) {
  const Cancellation word;
  int heard = 0;
  int not_heard = 0;
  const Listener listener(word, [&] { ++heard; });
  {
    const Listener gone(word, [&] { ++not_heard; });
  }
  Listener moved(word, [&] { ++not_heard; });
  moved = Listener();
  word.cancel();
  word.cancel();
  EXPECT_EQ(1, heard);
  EXPECT_EQ(0, not_heard);
}

TEST(Listener, HearsAtOnceWhatWasSaidBefore) {
  const Cancellation word;
  word.cancel();
  int heard = 0;
  const Listener listener(word, [&] { ++heard; });
  EXPECT_EQ(1, heard);
}

TEST(CallOptions, AreMadeFromATimeOrACancellation) {
  const CallOptions timed = std::chrono::seconds(5);
  EXPECT_EQ(std::chrono::seconds(5), timed.timeout);
  const Cancellation word;
  const CallOptions cancellable = word;
  word.cancel();
  EXPECT_TRUE(cancellable.cancellation->cancelled());
}

}  // namespace
}  // namespace sidecar
