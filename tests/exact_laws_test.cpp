// The laws that the kernel is judged by are judged here: their continuous limits are the published answers of docs/verification.md
// section 8, and their coarse steps the published biases.
#include "verify/exact_laws.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace uptake {
namespace {

constexpr double kPrinted9 = 0.6e-9;  // half a unit of the ninth printed decimal, and a little rounding

BirthChain bass_group(int size, int steps_per_year) {
  return {.size = size, .p = 0.03, .q = 0.38, .n_listened = size - 1.0, .step_years = 1.0 / steps_per_year};
}

TEST(ExactLaws, BassGroupsTendToThePublishedFractions) {
  const auto limit = [](int size) {
    return continuous_limit([size](int n) { return fraction_law(bass_group(size, n), 5 * n).mean; });
  };
  EXPECT_NEAR(limit(2), 0.206717495, kPrinted9);
  EXPECT_NEAR(limit(10), 0.290738652, kPrinted9);
  EXPECT_NEAR(limit(100), 0.326182129, kPrinted9);
  EXPECT_NEAR(continuous_limit([](int n) { return std::sqrt(fraction_law(bass_group(100, n), 5 * n).variance); }),
              0.094862134, kPrinted9);
}

TEST(ExactLaws, CoarseStepsHaveThePublishedBias) {
  const auto at = [](int steps) { return fraction_law(bass_group(100, steps), 5 * steps).mean; };
  EXPECT_NEAR(at(4), 0.3070294, 0.6e-7);
  EXPECT_NEAR(at(12), 0.3195937, 0.6e-7);
  EXPECT_NEAR(at(52), 0.3246432, 0.6e-7);
  EXPECT_NEAR(at(365), 0.3259622, 0.6e-7);
}

TEST(ExactLaws, DistributionsSumToOneAndSpreadIsTheVariance) {
  const BirthChain chain = bass_group(10, 52);
  const auto law = distribution_after(chain, 260);
  EXPECT_NEAR(std::accumulate(law.begin(), law.end(), 0.0), 1.0, 1e-12);
  EXPECT_DOUBLE_EQ(fraction_spread_law(chain, 260).mean, fraction_law(chain, 260).variance);
}

TEST(ExactLaws, CompletionOfAFullyMixedGroupIsThePublishedTime) {
  const auto chain = [](int n) {
    return BirthChain{.size = 100, .in_use_at_start = 1, .q = 1, .n_listened = 99, .step_years = 1.0 / n};
  };
  EXPECT_NEAR(continuous_limit([&](int n) { return completion_moments(chain(n))[0]; }), 10.251207485, kPrinted9);
  EXPECT_NEAR(continuous_limit([&](int n) {
                const auto moments = completion_moments(chain(n));
                return std::sqrt(moments[1] - moments[0] * moments[0]);
              }),
              1.845988442, kPrinted9);
}

TEST(ExactLaws, BassWithoutNoiseIsTheClosedForm) {
  const auto limit = [](int years) {
    return continuous_limit([years](int n) {
      const StageChain bass{.p = 0.03, .q = 0.38, .skipped = {true, true}, .step_years = 1.0 / n};
      return shares_after(bass, {1, 0, 0, 0, 0}, years * n)[3];
    });
  };
  EXPECT_NEAR(limit(1), 0.035758164, kPrinted9);
  EXPECT_NEAR(limit(5), 0.331198642, kPrinted9);
  EXPECT_NEAR(limit(15), 0.971609640, kPrinted9);
}

TEST(ExactLaws, LinearNoiseIsTheSpreadOfALargeGroup) {
  const StageChain bass{.p = 0.03, .q = 0.38, .skipped = {true, true}, .step_years = 1.0 / 52};
  const double noise = share_noise_after(bass, {1, 0, 0, 0, 0}, 260)[3];
  EXPECT_NEAR(noise / 400, fraction_law(bass_group(400, 52), 260).variance, 0.02 * noise / 400);
}

TEST(ExactLaws, LinearNoiseWithoutPeersIsBinomial) {
  const StageChain chain{.engage = 0.6,
                         .p = 0.5,
                         .finish = 1 / 0.75,
                         .success = 0.64,
                         .stop = 0.126,
                         .restart = 0.03,
                         .step_years = 1.0 / 52};
  const StageShares shares = shares_after(chain, {1, 0, 0, 0, 0}, 260);
  const StageShares noise = share_noise_after(chain, {1, 0, 0, 0, 0}, 260);
  for (std::size_t s = 0; s < kNStages; ++s) EXPECT_NEAR(noise[s], shares[s] * (1 - shares[s]), 1e-9);
}

TEST(ExactLaws, FiveStagesTendToThePublishedExponential) {
  const auto limit = [](int years, std::size_t stage) {
    return continuous_limit([=](int n) {
      const StageChain chain{.engage = 0.6,
                             .p = 0.5,
                             .finish = 1 / 0.75,
                             .success = 0.64,
                             .stop = 0.126,
                             .restart = 0.03,
                             .step_years = 1.0 / n};
      return shares_after(chain, {1, 0, 0, 0, 0}, years * n)[stage];
    });
  };
  constexpr StageShares kFive{.049787068, .316419613, .136194827, .394742957, .102855534};
  constexpr StageShares kTen{.002478752, .100692653, .053155271, .479116769, .364556554};
  for (std::size_t stage = 0; stage < kNStages; ++stage) {
    EXPECT_NEAR(limit(5, stage), kFive[stage], kPrinted9);
    EXPECT_NEAR(limit(10, stage), kTen[stage], kPrinted9);
  }
}

TEST(ExactLaws, StoppingAndDecidingAgainSettlesAtTheRootOfTheQuadratic) {
  const auto settled = [](double q, double stop) {
    return continuous_limit([=](int n) {
      const StageChain chain{.p = 0.03,
                             .q = q,
                             .stop = stop,
                             .skipped = {true, true},
                             .restarting = Restart::decides_again,
                             .step_years = 1.0 / n};
      return shares_after(chain, {0, 0, 0, 1, 0}, 150 * n)[3];
    });
  };
  EXPECT_NEAR(settled(0.38, 0.126), 0.701943392, kPrinted9);
  EXPECT_NEAR(settled(0.38, 0.25), 0.441837530, kPrinted9);
  EXPECT_NEAR(settled(0, 0.126), 0.192307692, kPrinted9);
}

TEST(ExactLaws, ErlangAndSurvivalAreThePublishedFigures) {
  EXPECT_NEAR(erlang_cdf(3, 0.75, 0.75), 0.576809919, kPrinted9);
  EXPECT_NEAR(erlang_cdf(3, 0.75, 1.5), 0.938031196, kPrinted9);
  EXPECT_NEAR(survival(1, 0.25, 0.10), 0.778801, 0.6e-6);
  EXPECT_NEAR(survival(2, 0.25, 0.10), 0.704688, 0.6e-6);
  EXPECT_NEAR(survival(6, 0.25, 0.10), 0.472367, 0.6e-6);
  EXPECT_NEAR(continuous_limit([](int n) { return stopped_and_restarted(0.25, 0.10, 0.0969, 1.0 / n, 6 * n); }), 0.16,
              0.005);
}

TEST(ExactLaws, AHazardUsedAsAProbabilityFiresTooOften) {
  EXPECT_GT(fires_within(0.4, 0.25, Firing::hazard_as_probability), fires_within(0.4, 0.25, Firing::exponential));
  EXPECT_DOUBLE_EQ(fires_within(0.4, 0.25, Firing::exponential), 1 - std::exp(-0.1));
}

}  // namespace
}  // namespace uptake
