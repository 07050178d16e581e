#include "core.h"

#include <gtest/gtest.h>

namespace sidecar::detail {
namespace {

using std::chrono::hours;
using std::chrono::system_clock;

TEST(Deadlines, AreWhereTheClockCanBe) {
  const auto before = system_clock::now();
  const auto none = after(Duration::min());
  const auto hour = after(hours(1));
  const auto longest = after(Duration::max());
  const auto now = system_clock::now();
  EXPECT_GE(none, before);
  EXPECT_LE(none, now);
  EXPECT_GE(hour, before + hours(1));
  EXPECT_LE(longest, now + hours(24 * 365 * 10));
}

}  // namespace
}  // namespace sidecar::detail
