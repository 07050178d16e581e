#include "core.h"

#include <gtest/gtest.h>

namespace sidecar::detail {
namespace {

using std::chrono::hours;
using std::chrono::system_clock;

TEST(Deadlines, AreWhereTheClockCanBe) {
  const auto before = system_clock::now();
  EXPECT_GE(after(Duration::min()), before);
  EXPECT_LE(after(Duration::min()), system_clock::now());
  EXPECT_GE(after(hours(1)), before + hours(1));
  EXPECT_LE(after(Duration::max()), system_clock::now() + hours(24 * 365 * 10));
}

}  // namespace
}  // namespace sidecar::detail
