#include "uptake/arrays.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>

namespace uptake {
namespace {

TEST(Column, IsOneValueUntilTwoDiffer) {
  Column<int> column;
  EXPECT_TRUE(column.empty());
  for (int i = 0; i < 5; ++i) column.push_back(7);
  EXPECT_TRUE(column.is_same());
  EXPECT_EQ(column.size(), 5U);
  column.set(3, 7);
  EXPECT_TRUE(column.is_same());
  column.set(3, 8);
  EXPECT_FALSE(column.is_same());
  column.push_back(9);
  EXPECT_EQ(column, (Column<int>{7, 7, 7, 8, 7, 9}));
  EXPECT_EQ(std::vector<int>(column.begin(), column.end()), (std::vector<int>{7, 7, 7, 8, 7, 9}));
  EXPECT_EQ(std::ranges::count(column, 7), 4);
  EXPECT_EQ(column.data()[5], column.back());
  column.assign(3, 1);
  EXPECT_TRUE(column.is_same());
  EXPECT_EQ(column, (Column<int>{1, 1, 1}));  // whichever way it is held
  EXPECT_NE(column, (Column<int>{1, 1}));
  EXPECT_NE(column, (Column<int>{1, 1, 2}));
}

TEST(Column, HoldsWhatIsNotANumberOnceToo) {
  Column<double> sizes;
  for (int i = 0; i < 4; ++i) sizes.push_back(std::nan(""));
  EXPECT_TRUE(sizes.is_same());
  EXPECT_TRUE(std::isnan(sizes[3]));
  sizes.push_back(2);
  EXPECT_TRUE(std::isnan(sizes[0]));
  EXPECT_EQ(sizes[4], 2);
}

TEST(Column, PushesAfterBeingSpreadKeepWhatWasThere) {
  Column<std::string> labels;
  labels.push_back("");
  labels.push_back("a");
  labels.push_back("");
  EXPECT_EQ(labels, (Column<std::string>{"", "a", ""}));
}

TEST(Paged, HoldsFewAndManyAndBeginsManyOnAPage) {
  for (const std::size_t n : {std::size_t{1}, std::size_t{1} << 18, (std::size_t{1} << 20) + 3}) {
    Paged<std::uint64_t> numbers(n);
    std::iota(numbers.begin(), numbers.end(), 0U);
    Paged<std::uint64_t> copy = numbers;
    numbers.push_back(7);
    EXPECT_EQ(copy.back(), n - 1);
    EXPECT_EQ(numbers[n], 7U);
    EXPECT_TRUE(std::equal(copy.begin(), copy.end(), numbers.begin()));
    if (n > std::size_t{1} << 19) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(copy.data()) % (std::size_t{1} << 21), 0U);
    }
  }
}

TEST(Paged, RefusesWhatNoMemoryHolds) {
  EXPECT_THROW(static_cast<void>(LargePages<std::uint64_t>().allocate(std::size_t{1} << 62)), std::bad_alloc);
  EXPECT_THROW(static_cast<void>(allocate_paged(~std::size_t{0} - 5)), std::bad_alloc);
}

}  // namespace
}  // namespace uptake
