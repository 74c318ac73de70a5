// One sequence of operations, the same bits whatever instructions work it: scalar, SSE2, AVX2, AVX-512.
#include "random/lanes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace uptake {
namespace {

using lanes::Functions;
using lanes::Set;

constexpr std::size_t kMillion = 1'000'000;

/// Positive normal numbers: of every exponent, uniforms, and numbers next to 1 and to the ends.
std::vector<double> arguments_of_log() {
  std::vector<double> x{std::numeric_limits<double>::min(),
                        std::numeric_limits<double>::max(),
                        1,
                        0x1p-54,
                        0x1p-53,
                        1 - 0x1p-53,
                        1 + 0x1p-52,
                        0.5,
                        2,
                        std::sqrt(0.5),
                        std::sqrt(2.0)};
  for (int exponent = -1022; exponent < 1024; ++exponent) x.push_back(std::ldexp(1.0, exponent));
  for (std::uint64_t i = 0; i < kMillion; ++i) {
    const std::uint64_t bits = mix64(i);
    x.push_back(std::bit_cast<double>((bits >> 12) | (1 + (bits & 0xfffU) % 2046) << 52));
    x.push_back((static_cast<double>(mix64(i + kMillion) >> 11) + 0.5) * 0x1p-53);
  }
  return x;
}

std::vector<double> arguments_of_exp() {
  std::vector<double> x{0, -0.0, 1, -1, 708, -708, 709, -709, 1e300, -1e300, 0x1p-1074, -0x1p-60, 0.5 * std::log(2.0)};
  for (int k = -1020; k < 1020; ++k) x.push_back((k + 0.5) * std::log(2.0));  // where the power of two changes
  for (std::uint64_t i = 0; i < kMillion; ++i) {
    const double u = static_cast<double>(mix64(i) >> 11) * 0x1p-53;
    x.push_back(1420 * u - 710);
    x.push_back(8 * u - 4);
  }
  return x;
}

std::vector<double> probabilities() {
  std::vector<double> x{0x1p-54, 0x1p-53, 1 - 0x1p-53, 0.5, 0.075, 0.925, std::nextafter(0.075, 0), std::exp(-25.0)};
  for (int k = 1; k < 54; ++k) x.insert(x.end(), {std::ldexp(1.0, -k), 1 - std::ldexp(1.0, -k)});
  for (std::uint64_t i = 0; i < kMillion; ++i) x.push_back((static_cast<double>(mix64(i) >> 11) + 0.5) * 0x1p-53);
  return x;
}

/// How many results differ in any bit from those of single calls.
template <class One>
std::size_t n_different(void (*many)(double*, std::size_t), One one, const std::vector<double>& arguments) {
  std::vector<double> results = arguments;
  many(results.data(), results.size());
  std::size_t n = 0;
  for (std::size_t i = 0; i < results.size(); ++i)
    n += std::bit_cast<std::uint64_t>(results[i]) != std::bit_cast<std::uint64_t>(one(arguments[i])) ? 1 : 0;
  return n;
}

TEST(Lanes, EverySetOfInstructionsGivesTheBitsOfSingleCalls) {
  int n_sets = 0;
  for (const Set set : lanes::kSets) {
    const Functions* functions = lanes::functions(set);
    if (functions == nullptr) continue;
    ++n_sets;
    EXPECT_EQ(n_different(functions->log, lanes::log, arguments_of_log()), 0U) << functions->name;
    EXPECT_EQ(n_different(functions->exp, lanes::exp, arguments_of_exp()), 0U) << functions->name;
    EXPECT_EQ(n_different(functions->normal_quantile, normal_quantile, probabilities()), 0U) << functions->name;
  }
  EXPECT_GE(n_sets, 2);
}

TEST(Lanes, TheCheckOfBitsNoticesAFusedMultiplicationAndTheLibrarysLogarithm) {
  const auto fused = [](double* x, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) x[i] = std::fma(std::round(x[i]), 0x1.62e42fefa39efp-1, lanes::log(0.75));
  };
  const auto apart = [](double x) {
    const double product = std::round(x) * 0x1.62e42fefa39efp-1;
    return product + lanes::log(0.75);
  };
  std::vector<double> exponents;
  for (int k = 1; k < 1000; ++k) exponents.push_back(k);
  EXPECT_GT(n_different(fused, apart, exponents), 100U);
  const auto library = [](double* x, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) x[i] = std::log(x[i]);
  };
  EXPECT_GT(n_different(library, lanes::log, arguments_of_log()), 1000U);
}

/// Largest distance from the true value, in units of the last place of the result.
template <class Result, class Truth>
double worst_ulps(Result result, Truth truth, const std::vector<double>& arguments) {
  double worst = 0;
  for (const double x : arguments) {
    const double y = result(x);
    const double ulp = std::nextafter(std::abs(y), std::numeric_limits<double>::infinity()) - std::abs(y);
    const long double error = std::abs(static_cast<long double>(y) - truth(x));
    worst = std::max(worst, static_cast<double>(error / static_cast<long double>(ulp)));
  }
  return worst;
}

TEST(Lanes, LogarithmAndExponentialAreWithinOneUnitOfTheLastPlace) {
  static_assert(std::numeric_limits<long double>::digits >= 64);
  const auto true_log = [](double x) { return std::log(static_cast<long double>(x)); };
  const auto true_exp = [](double x) { return std::exp(static_cast<long double>(std::clamp(x, -708.0, 709.0))); };
  EXPECT_LT(worst_ulps(lanes::log, true_log, arguments_of_log()), 1);
  EXPECT_LT(worst_ulps(lanes::exp, true_exp, arguments_of_exp()), 1);
  EXPECT_EQ(lanes::log(1), 0);
  EXPECT_EQ(lanes::exp(0), 1);
  // The last bit wrong in one of many is noticed.
  EXPECT_GT(worst_ulps([](double x) { return std::nextafter(lanes::log(x), x == 2 ? 0.0 : lanes::log(x)); }, true_log,
                       {3, 2}),
            0.5);
}

TEST(Lanes, UniformsOfManyAreThoseOfSingleBlocksForEveryLength) {
  std::vector<std::uint64_t> organisations;
  for (std::uint64_t i = 0; i < 100'003; ++i) organisations.push_back(mix64(i));
  organisations[5] = 0;
  organisations[6] = ~std::uint64_t{0};
  for (const Set set : lanes::kSets) {
    const Functions* functions = lanes::functions(set);
    if (functions == nullptr) continue;
    for (std::uint32_t trial = 0; trial < 24; ++trial) {
      const Key key{mix64(1000 + trial)};
      const DrawId id{0, static_cast<std::uint32_t>(mix64(trial)), static_cast<std::uint16_t>(trial * 2749),
                      static_cast<std::uint16_t>(trial * 60000)};
      const std::size_t n = trial < 20 ? trial : organisations.size();
      std::vector<double> first(n + 1, -1), second(n + 1, -1), alone(n + 1, -1);
      functions->uniforms(key, id, organisations.data(), n, first.data(), second.data());
      functions->uniforms(key, id, organisations.data(), n, alone.data(), nullptr);
      std::size_t n_wrong = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const auto both = uniforms(key, {organisations[i], id.programme, id.stream, id.occurrence});
        n_wrong += first[i] != both[0] || second[i] != both[1] || alone[i] != both[0] ? 1 : 0;
      }
      EXPECT_EQ(n_wrong, 0U) << functions->name << ", " << n;
      EXPECT_EQ(first[n], -1);
      EXPECT_EQ(second[n], -1);
    }
  }
}

TEST(Lanes, WhatIsLeftOverOfAVectorIsWorkedAndNothingBeyondIt) {
  for (const Set set : lanes::kSets) {
    const Functions* functions = lanes::functions(set);
    if (functions == nullptr) continue;
    for (std::size_t n = 0; n < 40; ++n) {
      for (const auto& [many, one] :
           {std::pair{functions->log, +[](double x) { return lanes::log(x); }},
            std::pair{functions->exp, +[](double x) { return lanes::exp(x); }},
            std::pair{functions->normal_quantile, +[](double x) { return normal_quantile(x); }}}) {
        std::vector<double> x(n + 1, 0.25);
        for (std::size_t i = 0; i < n; ++i) x[i] = (static_cast<double>(i) + 0.5) / 40;
        many(x.data(), n);
        for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(x[i], one((static_cast<double>(i) + 0.5) / 40));
        EXPECT_EQ(x[n], 0.25);
      }
    }
  }
}

constexpr std::uint32_t kGuard = 0xdeadbeef;

/// Slacks that end on both sides of 0 and on it, of any number of records.
TEST(Lanes, SpendSlackTheSameWayRecordByRecordAndInVectors) {
  constexpr int kShift = 18;
  constexpr std::uint64_t kMask = (1U << 17) - 1;
  for (const Set set : lanes::kSets) {
    const Functions* functions = lanes::functions(set);
    if (functions == nullptr) continue;
    std::size_t n_spent = 0, n_exactly = 0;
    for (std::size_t n = 0; n < 150; ++n) {
      for (const std::uint64_t each : {std::uint64_t{0}, std::uint64_t{12345}, std::uint64_t{0xfffffff7U}}) {
        const std::uint64_t always = mix64(n) >> 24;
        std::vector<std::uint64_t> words, expected;
        std::vector<std::uint32_t> who, list(n + 1, kGuard);
        for (std::size_t i = 0; i < n; ++i) {
          const std::uint64_t seen = mix64(1000 * n + i) & ((1U << kShift) - 1);
          const std::uint64_t loss = always + each * (seen & kMask);
          const std::uint64_t left = mix64(i ^ n) % 5 - 2;  // -2 .. 2
          words.push_back((loss + (left << (mix64(i) % 20))) << kShift | seen);
          expected.push_back(words[i] - (loss << kShift));
          if (static_cast<std::int64_t>(expected[i]) < 0) who.push_back(7 + static_cast<std::uint32_t>(i));
          n_exactly += expected[i] >> kShift == 0 ? 1 : 0;
        }
        const std::size_t n_listed = functions->spend(words.data(), n, always, each, kMask, kShift, 7, list.data());
        EXPECT_EQ(list[n], kGuard) << "nothing is written beyond the room of n";
        list.resize(n_listed);
        EXPECT_EQ(list, who) << functions->name << ", " << n;
        EXPECT_EQ(words, expected) << functions->name << ", " << n;
        n_spent += who.size();
      }
    }
    EXPECT_GT(n_exactly, 1000U);  // who has exactly nothing left is not among the spent
    EXPECT_GT(n_spent, 1000U);
  }
}

TEST(Lanes, ListWordsWithoutBitsTheSameWayOneByOneAndInVectors) {
  constexpr std::uint64_t kBits = std::uint64_t{5} << 17;
  for (const Set set : lanes::kSets) {
    const Functions* functions = lanes::functions(set);
    if (functions == nullptr) continue;
    for (std::size_t n = 0; n < 150; ++n) {
      std::vector<std::uint32_t> who, with_one, list(n + 1, kGuard);
      std::vector<std::uint64_t> words;
      for (std::size_t i = 0; i < n; ++i) {
        const std::array<std::uint64_t, 4> kinds{0, std::uint64_t{1} << 17, std::uint64_t{4} << 17, kBits};
        const std::uint64_t kind = kinds[mix64(1000 * n + i) % kinds.size()];
        words.push_back((mix64(i) & ~kBits) | kind);
        if (kind == 0) who.push_back(7 + static_cast<std::uint32_t>(i));
        if (kind != kBits) with_one.push_back(7 + static_cast<std::uint32_t>(i));
      }
      const std::vector<std::uint64_t> before = words;
      const std::size_t n_listed = functions->without(words.data(), n, kBits, 7, list.data());
      EXPECT_EQ(list[n], kGuard) << "nothing is written beyond the room of n";
      list.resize(n_listed);
      EXPECT_EQ(list, who) << functions->name << ", " << n;
      EXPECT_EQ(words, before);
      if (n > 60) {
        EXPECT_NE(list, with_one) << "one of the bits is enough to be left out";
      }
    }
  }
}

/// Levels that never fall, and goals between them and on them; what stands beyond the window must not count.
TEST(Lanes, ClimbsPassTheirGoalsInTheSameWeekOneByOneAndInVectors) {
  constexpr std::size_t kStride = 90, kTables = 5, kMany = 30;
  constexpr std::array<std::array<bool, kTables>, lanes::kClimbs> kHas{{{true, false, false, false, false},
                                                                        {true, true, false, false, false},
                                                                        {true, false, true, true, false},
                                                                        {true, true, true, true, false},
                                                                        {true, true, true, true, true}}};
  const auto tables = [](std::size_t n, std::uint64_t seed) {
    std::vector<std::int64_t> values(n * kStride + lanes::kBeyond, -1);
    for (std::size_t table = 0; table < n; ++table) {
      std::int64_t value = 0;
      for (std::size_t week = 0; week < kStride; ++week) {
        const std::uint64_t word = mix64(seed + table * kStride + week);
        values[table * kStride + week] = value += word % 3 == 0 ? 0 : static_cast<std::int64_t>(word >> 30);
      }
    }
    return values;
  };
  const auto levels = tables(kTables, 1), apart = tables(1, 2);
  for (const Set set : lanes::kSets) {
    const Functions* functions = lanes::functions(set);
    if (functions == nullptr) continue;
    std::size_t n_on_goal = 0, n_mutant = 0;
    for (std::size_t way = 0; way < lanes::kClimbs; ++way) {
      for (std::size_t from = 0; from < kStride; from += 7) {
        for (std::size_t to = from + 1; to < std::min(kStride, from + 45); ++to) {
          std::array<lanes::Climb, kMany> climbs{};
          std::array<std::uint16_t, kMany> below{}, expected{};
          for (std::size_t k = 0; k < kMany; ++k) {
            const std::uint64_t word = mix64((way * kStride + from) * kStride * kMany + to * kMany + k);
            lanes::Climb& climb = climbs[k];
            climb.tables = levels.data();
            climb.apart = apart.data();
            for (std::size_t i = 0; i < kTables; ++i)
              climb.weights[i] = static_cast<std::uint32_t>(mix64(word + i) % 65537);
            const auto level = [&](std::size_t week) {
              std::int64_t sum = levels[week];
              for (std::size_t i = 0; i < kTables; ++i) {
                const std::int64_t value = i < 4 ? levels[(i + 1) * kStride + week] : apart[week];
                if (kHas[way][i]) sum += climb.weights[i] * value;
              }
              return sum;
            };
            climb.goal = level(from + 1 + word % (to - from)) + static_cast<std::int64_t>(word >> 60) % 2;
            if (k == 0) climb.goal = level(to) + 1;  // not in this window
            std::size_t mutant = 0;
            for (std::size_t week = from + 1; week <= to; ++week) {
              expected[k] = static_cast<std::uint16_t>(expected[k] + (level(week) < climb.goal ? 1 : 0));
              mutant += level(week) <= climb.goal ? 1U : 0U;
              n_on_goal += level(week) == climb.goal ? 1U : 0U;
            }
            n_mutant += mutant != expected[k] ? 1U : 0U;
          }
          functions->climb[way](climbs.data(), kMany, kStride, from, to, below.data());
          ASSERT_EQ(below, expected) << functions->name << ", way " << way << ", weeks " << from << " to " << to;
        }
      }
    }
    EXPECT_GT(n_on_goal, 1000U);
    EXPECT_GT(n_mutant, 1000U);  // a level on its goal is not below it
  }
}

}  // namespace
}  // namespace uptake
