#include "uptake/column.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
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

}  // namespace
}  // namespace uptake
