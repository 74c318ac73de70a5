#include "../bench/busy.hpp"

#include <gtest/gtest.h>

namespace uptake::bench {
namespace {

// user nice system idle iowait irq softirq steal guest guest_nice
constexpr const char* kStat =
    "cpu  1000 0 0 0 0 0 0 0 0 0\n"
    "cpu0 100 20 30 4000 5000 1 2 7 90 8\n"
    "cpu1 200 0 0 9 9 0 0 0 0 0\n"
    "cpu12 5 0 0 0 0 0 0 0 0 0\n"
    "intr 5 6 7\n";

TEST(Busy, WorkIsEverythingButIdlingAndWaitingForTheDisk) {
  const auto all = [](int) { return true; };
  EXPECT_DOUBLE_EQ(seconds_at_work(kStat, all, 100), 3.65);
  EXPECT_DOUBLE_EQ(seconds_at_work(
                       kStat, [](int core) { return core == 0; }, 100),
                   1.6);
  EXPECT_DOUBLE_EQ(seconds_at_work(
                       kStat, [](int core) { return core == 12; }, 1),
                   5);
  EXPECT_TRUE(std::isnan(seconds_at_work(
      kStat, [](int core) { return core == 2; }, 100)));
  EXPECT_TRUE(std::isnan(seconds_at_work("", all, 100)));
}

TEST(Busy, WhoFitsBesideOthersIsNotDisturbed) {
  EXPECT_DOUBLE_EQ(taken_by_others(1, 1, 2), 0);
  EXPECT_DOUBLE_EQ(taken_by_others(2, 0, 2), 0);
  EXPECT_DOUBLE_EQ(taken_by_others(2, 0.5, 2), 0.25);
  EXPECT_DOUBLE_EQ(taken_by_others(4, 3, 4), 0.75);
  EXPECT_DOUBLE_EQ(taken_by_others(1, 9, 2), 1);
  EXPECT_TRUE(std::isnan(taken_by_others(1, std::numeric_limits<double>::quiet_NaN(), 2)));
}

}  // namespace
}  // namespace uptake::bench
