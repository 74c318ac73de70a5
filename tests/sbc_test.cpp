// Is the method right on average? Ranks of the truth among posterior draws are uniform, and mistakes are seen.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "uptake/calibration.hpp"
#include "verify/known_posteriors.hpp"

namespace uptake {
namespace {

// Chi-squared with 19 degrees of freedom, 99.9 % point; 20 bins.
constexpr double kLimit = 43.82;

enum class Output : std::uint8_t { adjusted, raw };

Fit abc_fit(const CalibrationProblem& problem, std::size_t budget, Output output) {
  return [problem, budget, output](const std::vector<Observed>& observed, std::uint64_t seed) {
    CalibrationProblem own = problem;
    own.observed = observed;
    AbcOptions options;
    options.seed = seed;
    options.budget = budget;
    options.n_particles = 1000;
    options.n_predictive = 1;
    Control control;
    control.body = Body::serial;
    const AbcResult result = calibrate_abc(own, options, control);
    return output == Output::raw ? result.raw : result.posterior;
  };
}

TEST(Sbc, RanksOfTheCalibratedBassModelAreUniform) {
  const KnownPosterior known = bass();
  SbcOptions options;
  options.n_fits = 100;
  options.quantities = {{"total",
                         [&known](std::span<const double> theta, std::span<const double>, Key key) {
                           double total = 0;
                           for (const double jump : known.problem.simulate(theta, key)) total += jump;
                           return total;
                         }},
                        {"first year's probability", [](std::span<const double> theta, std::span<const double> y, Key) {
                           return bass_probability(theta[0], theta[1], static_cast<int>(y[0]));
                         }}};
  const Sbc sbc =
      simulation_based_calibration(known.problem, abc_fit(known.problem, 20'000, Output::adjusted), options, Control{});
  ASSERT_EQ(sbc.n_fits, 100U);
  ASSERT_EQ(sbc.names.size(), 4U);
  for (std::size_t column = 0; column < sbc.names.size(); ++column) {
    EXPECT_LT(sbc.chi_squared(column, 20), kLimit) << sbc.names[column];
    // 99.9 % binomial limits for 100 fits
    EXPECT_NEAR(sbc.coverage(column, 0.5), 0.5, 0.165) << sbc.names[column];
    EXPECT_NEAR(sbc.coverage(column, 0.9), 0.9, 0.10) << sbc.names[column];
  }
}

TEST(Sbc, SeesAPosteriorThatIgnoresTheDataOnlyInQuantitiesOfTheData) {
  const KnownPosterior known = one_normal();
  const Fit prior_only = [&](const std::vector<Observed>&, std::uint64_t seed) {
    WeightedDraws draws{200, 1, {}, std::vector<double>(200, 1 / 200.0)};
    for (std::size_t i = 0; i < draws.n; ++i) {
      draws.values.push_back(known.problem.prior.draw(calibration_key(seed, Purpose::prior, 0, 0, i))[0]);
    }
    return draws;
  };
  SbcOptions options;
  options.n_fits = 400;
  options.quantities = {{"distance to the data", [](std::span<const double> theta, std::span<const double> y, Key) {
                           return std::abs(theta[0] - y[0]);
                         }}};
  const Sbc sbc = simulation_based_calibration(known.problem, prior_only, options, Control{});
  EXPECT_LT(sbc.chi_squared(0, 20), kLimit);
  EXPECT_GT(sbc.chi_squared(1, 20), kLimit);
}

TEST(Sbc, SeesThatTheUnadjustedCloudIsTooWide) {
  const KnownPosterior known = sharp_normals(10, 5);
  SbcOptions options;
  options.n_fits = 40;
  const Sbc sbc =
      simulation_based_calibration(known.problem, abc_fit(known.problem, 20'000, Output::raw), options, Control{});
  double covered = 0;
  for (std::size_t column = 0; column < 5; ++column) covered += sbc.coverage(column, 0.5) / 5;
  // Five independent parameters: 0.5 with a standard error of 0.035
  EXPECT_GT(covered, 0.5 + 4 * 0.035);
}

TEST(Sbc, SeesALikelihoodCountedTwice) {
  const KnownPosterior known = ten_normals();
  CalibrationProblem narrow = known.problem;
  narrow.simulate = [](std::span<const double> theta, Key key) {
    std::vector<double> s(theta.begin(), theta.end());
    for (std::size_t k = 0; k < s.size(); ++k) s[k] += std::sqrt(0.1 / 2) * normal_number(key, k);
    return s;
  };
  SbcOptions options;
  options.n_fits = 40;
  const Sbc sbc =
      simulation_based_calibration(known.problem, abc_fit(narrow, 20'000, Output::adjusted), options, Control{});
  double covered = 0;
  for (std::size_t column = 0; column < 10; ++column) covered += sbc.coverage(column, 0.9) / 10;
  // Ten independent parameters: 0.9 with a standard error of 0.015
  EXPECT_LT(covered, 0.9 - 4 * 0.015);
}

}  // namespace
}  // namespace uptake
