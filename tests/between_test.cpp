// What sets places apart: the law against made-up worlds, where it is known what is luck and what is not.
#include "statistics/between.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>
#include <span>
#include <vector>

namespace uptake {
namespace {

constexpr std::array kSizes{840.0, 1050.0, 700.0,  500.0, 1500.0, 1600.0, 900.0, 1300.0,
                            300.0, 550.0,  1400.0, 600.0, 850.0,  650.0,  2400.0};

/// Worlds in which a share that all have in common moves from world to world, and each place by luck beside it.
struct Worlds {
  std::vector<ShareOfPlace> places;
  double whole_sd = 0;
};
/// @param luck standard deviation of a place of `eligible` organisations within one world @param own what is a place's in
/// every world
template <typename Luck, typename Own>
Worlds worlds_of(std::mt19937_64& random, int n, Luck luck, Own own) {
  std::normal_distribution<> normal;
  std::vector<double> sum(kSizes.size() + 1), squares(kSizes.size() + 1);
  double all = 0;
  for (const double size : kSizes) all += size;
  for (int world = 0; world < n; ++world) {
    const double common = 0.4 + 0.1 * normal(random);
    double whole = 0;
    for (std::size_t k = 0; k < kSizes.size(); ++k) {
      const double share = common + own(k) + luck(kSizes[k]) * normal(random);
      whole += kSizes[k] / all * share;
      sum[k] += share;
      squares[k] += share * share;
    }
    sum.back() += whole;
    squares.back() += whole * whole;
  }
  const auto sd = [&](std::size_t k) { return std::sqrt((squares[k] - sum[k] * sum[k] / n) / (n - 1)); };
  Worlds worlds;
  for (std::size_t k = 0; k < kSizes.size(); ++k) worlds.places.push_back({sum[k] / n, sd(k), kSizes[k]});
  worlds.whole_sd = sd(kSizes.size());
  return worlds;
}

constexpr auto kNothing = [](std::size_t) { return 0.0; };

TEST(Between, LuckAloneIsCalledMoreThanLuckInOneRunOfTwenty) {
  // NOLINTNEXTLINE(cert-msc32-c,cert-msc51-cpp): the same worlds every time
  std::mt19937_64 random(1);
  const auto same = [](double) { return 0.03; };
  const auto by_size = [](double size) { return 1 / std::sqrt(size); };
  constexpr int kRuns = 1000, kWorlds = 40;
  const auto run = [&](auto luck, auto own) {
    int n_more = 0;
    double ratio = 0;
    for (int k = 0; k < kRuns; ++k) {
      const Worlds worlds = worlds_of(random, kWorlds, luck, own);
      const auto found = between(worlds.places, worlds.whole_sd, kWorlds);
      if (!found) return std::pair{-1, 0.0};
      n_more += found->is_more_than_luck() ? 1 : 0;
      ratio += found->of_means * found->of_means / (found->luck * found->luck) / kRuns;
    }
    return std::pair{n_more, ratio};
  };
  // Mean square and tail are what the law says of them, up to 4 standard errors: the mean of 1,000 chi-squared of 14
  // degrees over these, and a binomial share.
  const double ratio_error = std::sqrt(2.0 / (kSizes.size() - 1) / kRuns), n_error = std::sqrt(0.05 * 0.95 * kRuns);
  for (const auto& [n_more, ratio] : {run(same, kNothing), run(by_size, kNothing)}) {
    EXPECT_LT(std::abs(ratio - 1) / ratio_error, 4) << ratio;
    EXPECT_LT(std::abs(n_more - 0.05 * kRuns) / n_error, 4) << n_more;
  }
  // Mutant: places that are half of their luck apart in every world.
  const auto [n_more, ratio] =
      run(same, [](std::size_t k) { return (k % 2 == 0 ? 0.5 : -0.5) * 0.03 / std::sqrt(kWorlds); });
  EXPECT_GT((ratio - 1) / ratio_error, 4);
  EXPECT_GT((n_more - 0.05 * kRuns) / n_error, 4);
}

TEST(Between, WhatIsTheSameInEveryWorldIsSeenAndMeasured) {
  // NOLINTNEXTLINE(cert-msc32-c,cert-msc51-cpp): the same worlds every time
  std::mt19937_64 random(2);
  constexpr int kWorlds = 400;
  const auto luck = [](double) { return 0.03; };
  const auto own = [](std::size_t k) { return k % 2 == 0 ? 0.01 : -0.01; };
  const Worlds worlds = worlds_of(random, kWorlds, luck, own);
  const auto found = between(worlds.places, worlds.whole_sd, kWorlds);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->is_more_than_luck());
  EXPECT_NEAR(found->luck_of_world, 0.03, 0.002) << "what all places have in common is no luck of theirs";
  EXPECT_NEAR(found->luck, found->luck_of_world / 20, 1e-12);
  EXPECT_NEAR(found->own, 0.01, 0.002);
  EXPECT_NEAR(found->keeps_its_place(), 0.63, 0.03);  // the normal law at a third
}

TEST(Between, IsExactOnAnExampleDoneByHand) {
  // Shares of two equal places in two worlds: 1 and 0, then 0.5 and 0.5. Means 0.75 and 0.25, each with variance 0.125; the
  // whole is 0.5 in both worlds. Luck of one world is 0.125, of the mean half of it.
  const std::array<ShareOfPlace, 2> places{{{0.75, std::sqrt(0.125), 10}, {0.25, std::sqrt(0.125), 10}}};
  const auto found = between(places, 0, 2);
  ASSERT_TRUE(found);
  EXPECT_DOUBLE_EQ(found->of_means, 0.25);
  EXPECT_DOUBLE_EQ(found->luck_of_world, std::sqrt(0.125));
  EXPECT_DOUBLE_EQ(found->luck, 0.25);
  EXPECT_DOUBLE_EQ(found->own, 0);
  EXPECT_NEAR(found->luck_at_most, 0.25 * 1.959964, 1e-6);  // one degree of freedom: the normal law
}

TEST(Between, NothingIsSaidWhereNothingVaries) {
  const std::array<ShareOfPlace, 2> alike{{{0.5, 0.1, 10}, {0.5, 0.1, 10}}};
  EXPECT_FALSE(between(alike, 0.1, 100)) << "they rise and fall together";
  EXPECT_FALSE(between(alike, 0, 1)) << "one world";
  EXPECT_FALSE(between(std::span(alike).first(1), 0, 100)) << "one place";
  EXPECT_FALSE(between({}, 0, 100));
}

}  // namespace
}  // namespace uptake
