#include "uptake/paged.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>

namespace uptake {
namespace {

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
