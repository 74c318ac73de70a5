// The known answers of calibration at full size, with the figures of docs/calibration-evidence.md on stdout:
// ctest -L long, or build/release/calibration_long_test.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "calibration/tempering.hpp"
#include "likelihood_noise.hpp"
#include "uptake/calibration.hpp"
#include "verify/known_posteriors.hpp"

namespace uptake {
namespace {

std::string told(const Closeness& c) {
  return fmt::format("mean error {:.3f} sd (largest {:.3f}), sd ratio {:.3f} ({:.3f} to {:.3f})", c.mean_error,
                     c.largest_error, c.sd_ratio, c.smallest_sd_ratio, c.largest_sd_ratio);
}
Control serial() {
  Control control;
  control.body = Body::serial;
  return control;
}

// ---- the primary method -------------------------------------------------------------------------------------------

std::vector<KnownPosterior> gate_problems() {
  return {ten_normals(), sharp_normals(10, 5), sharp_normals(20, 8), bass(), reported_bass()};
}

class AbcGate : public testing::TestWithParam<std::uint64_t> {};

TEST_P(AbcGate, IsMetOnEveryKnownPosteriorAtTheDefaultBudget) {
  for (const KnownPosterior& known : gate_problems()) {
    AbcOptions options;
    options.seed = GetParam();
    const AbcResult result = calibrate_abc(known.problem, options, Control{});
    const Closeness c = closeness(known, result.posterior), raw = closeness(known, result.raw);
    fmt::print("{:<4} {:<32} seed {}: {}; raw error {:.2f} sd {:.2f}; {} simulations, effective size {:.0f}\n",
               known.id, known.name, GetParam(), told(c), raw.mean_error, raw.sd_ratio, result.n_simulations,
               result.diagnostics.effective_size);
    EXPECT_TRUE(kAbcGate.passes(c)) << known.name << ": " << told(c);
    EXPECT_GE(result.diagnostics.effective_size, 0.3 * 2000) << known.name;
    EXPECT_LE(result.n_simulations, 120'000U) << known.name;
    EXPECT_FALSE(kAbcGate.passes(raw)) << known.name << ": the unadjusted cloud passes";
  }
}
INSTANTIATE_TEST_SUITE_P(ThreeSeeds, AbcGate, testing::Values(1, 2, 3));

/// The kernel alone: unadjusted, at a stated tolerance, against ABC's own exact posterior (uniform kernel, y = 2).
TEST(Abc, MeetsTheExactPosteriorOfItsKernelAtAStatedTolerance) {
  struct Row {
    double tolerance, mean, sd;
  };
  for (const auto& [tolerance, mean, sd] :
       {Row{1, 1.2613257301, 0.576506030262}, Row{0.5, 1.50013344581, 0.496153557122},
        Row{0.2, 1.5831200315, 0.456428619751}, Row{0.1, 1.5957451247, 0.449577816669},
        Row{0.05, 1.59893407224, 0.447808563641}}) {
    AbcOptions options;
    options.n_particles = 4000;
    options.budget = 10'000'000;
    options.scales = {1};
    options.target_tolerance = tolerance;
    options.adjustment = Adjustment::none;
    options.never_moved = 1e-3;
    const AbcResult result = calibrate_abc(one_normal().problem, options, serial());
    fmt::print("P3   tolerance {}: mean {:.4f} (exact {:.4f}), sd {:.4f} (exact {:.4f}), {} simulations\n", tolerance,
               means_of(result.raw)[0], mean, sds_of(result.raw)[0], sd, result.n_simulations);
    EXPECT_EQ(result.generations.back().tolerance, tolerance);
    EXPECT_NEAR(means_of(result.raw)[0], mean, 0.03) << tolerance;
    EXPECT_NEAR(sds_of(result.raw)[0], sd, 0.03) << tolerance;
    if (tolerance == 1) {
      EXPECT_GT(std::abs(means_of(result.raw)[0] - 1.6), 0.03) << "the check cannot tell tolerances apart";
    }
  }
}

// ---- ranks --------------------------------------------------------------------------------------------------------

/// Chi-squared with 19 degrees of freedom, 99.9 % point.
constexpr double kLimit = 43.82;

Fit default_fit(const CalibrationProblem& problem) {
  return [problem](const std::vector<Observed>& observed, std::uint64_t seed) {
    CalibrationProblem own = problem;
    own.observed = observed;
    AbcOptions options;
    options.seed = seed;
    options.n_predictive = 1;
    return calibrate_abc(own, options, serial()).posterior;
  };
}

void expect_uniform(const KnownPosterior& known, const Fit& fit, const SbcOptions& options) {
  const Sbc sbc = simulation_based_calibration(known.problem, fit, options, Control{});
  const auto n = static_cast<double>(options.n_fits);
  for (std::size_t column = 0; column < sbc.names.size(); ++column) {
    const double chi_squared = sbc.chi_squared(column, 20);
    const double half = sbc.coverage(column, 0.5), nine_tenths = sbc.coverage(column, 0.9);
    fmt::print("SBC  {:<32} {} fits, {:<16} chi-squared {:5.1f}, coverage {:.3f} of 50 %, {:.3f} of 90 %\n", known.name,
               sbc.n_fits, sbc.names[column], chi_squared, half, nine_tenths);
    EXPECT_LT(chi_squared, kLimit) << known.name << " " << sbc.names[column];
    EXPECT_LT(std::abs(half - 0.5) / std::sqrt(0.25 / n), 4) << known.name << " " << sbc.names[column];
    EXPECT_LT(std::abs(nine_tenths - 0.9) / std::sqrt(0.09 / n), 4) << known.name << " " << sbc.names[column];
  }
}

TEST(Sbc, OfTheDefaultCalibrationOfTheBassModel) {
  const KnownPosterior known = bass();
  SbcOptions options;
  options.n_fits = 500;
  options.quantities = {{"total",
                         [&known](std::span<const double> theta, std::span<const double>, Key key) {
                           double total = 0;
                           for (const double jump : known.problem.simulate(theta, key)) total += jump;
                           return total;
                         }},
                        {"ln likelihood", [](std::span<const double> theta, std::span<const double> y, Key) {
                           double sum = 0;
                           int in_use = 0;
                           for (const double jump : y) {
                             const double probability = bass_probability(theta[0], theta[1], in_use);
                             sum +=
                                 jump * std::log(probability) + (kBassSize - in_use - jump) * std::log1p(-probability);
                             in_use += static_cast<int>(jump);
                           }
                           return sum;
                         }}};
  expect_uniform(known, default_fit(known.problem), options);
}

TEST(Sbc, OfTheDefaultCalibrationOfTenNormalsFiveOfThemSharp) {
  const KnownPosterior known = sharp_normals(10, 5);
  SbcOptions options;
  options.n_fits = 200;
  options.quantities = {{"misfit", [](std::span<const double> theta, std::span<const double> y, Key) {
                           double sum = 0;
                           for (std::size_t k = 0; k < y.size(); ++k) {
                             sum += std::pow((theta[k] - y[k]) / (k < 5 ? 0.1 : 1), 2);
                           }
                           return sum;
                         }}};
  expect_uniform(known, default_fit(known.problem), options);
}

// ---- the second method --------------------------------------------------------------------------------------------

TemperedResult tempered(const KnownPosterior& known, std::uint64_t seed, const LogLikelihood& log_likelihood,
                        std::size_t n_particles = 1000) {
  return calibrate_tempered(known.problem.parameters, known.problem.prior, log_likelihood,
                            {.seed = seed, .n_particles = n_particles}, Control{});
}
LogLikelihood exact(const KnownPosterior& known) {
  return [of = known.log_likelihood](std::span<const double> theta, Key) { return of(theta); };
}

void expect_tempered(const KnownPosterior& known, const LogLikelihood& log_likelihood, const std::string& how) {
  double evidence = 0;
  constexpr int kRuns = 5;
  for (int run = 1; run <= kRuns; ++run) {
    const TemperedResult result = tempered(known, static_cast<std::uint64_t>(run), log_likelihood);
    const Closeness c = closeness(known, result.posterior);
    fmt::print("{:<4} {:<32} {}, run {}: {}; ln evidence {:.3f} (exact {:.3f}); {} likelihoods\n", known.id, known.name,
               how, run, told(c), result.log_evidence, known.log_evidence, result.n_likelihoods);
    EXPECT_TRUE(kTemperedGate.passes(c)) << known.name << ", run " << run << ": " << told(c);
    evidence += result.log_evidence / kRuns;
  }
  EXPECT_NEAR(evidence, known.log_evidence, 0.15) << known.name;
}

TEST(Tempering, MeetsPosteriorAndEvidenceWhereTheLikelihoodIsKnown) {
  for (const KnownPosterior& known :
       {beta_binomial(1, 1), gamma_poisson(), bernoulli(1, 1), bernoulli(20, 20), bass(), ten_normals()}) {
    expect_tempered(known, exact(known), "exact likelihood");
  }
}

TEST(Tempering, MeetsPosteriorAndEvidenceOfTheReportedBassModelThroughItsFilter) {
  const LogLikelihood filtered = [](std::span<const double> theta, Key key) {
    return filtered_log_likelihood(BassStepper{}, theta, 12, {.n_states = 50}, key);
  };
  const double noise = likelihood_noise(filtered, std::array{0.0307, 0.5236}, 1000);
  fmt::print("P13  sd of the ln likelihood estimate of 50 states at the posterior mean: {:.2f}\n", noise);
  EXPECT_LT(noise, 1.8);
  expect_tempered(reported_bass(), filtered, "filter of 50 states");
}

TEST(ParticleFilter, IsUnbiasedForTheLikelihood) {
  // @return whether the mean of estimated over exact likelihoods is 1 as far as the check can see
  const auto is_unbiased = [](const std::string& name, const auto& stepper, const std::vector<double>& theta,
                              int n_intervals, double known) {
    constexpr std::size_t kRuns = 3000;
    double sum = 0, squares = 0;
    run_tasks(
        kRuns,
        [&](std::size_t run) {
          return std::vector<double>{std::exp(
              filtered_log_likelihood(stepper, theta, n_intervals, {.n_states = 100}, make_key(11, run)) - known)};
        },
        [&](std::size_t, std::vector<double>&& value) {
          sum += value[0];
          squares += value[0] * value[0];
        },
        Control{});
    const double mean = sum / kRuns, error = std::sqrt((squares / kRuns - mean * mean) / kRuns);
    fmt::print("{}: mean of estimated over exact likelihood {:.4f} (standard error {:.4f})\n", name, mean, error);
    return std::abs(mean - 1) < 0.02 && std::abs(mean - 1) / error < 4;
  };
  const auto expect_unbiased = [&](const std::string& name, const auto& stepper, const std::vector<double>& theta,
                                   int n_intervals, double known) {
    EXPECT_TRUE(is_unbiased(name, stepper, theta, n_intervals, known));
    EXPECT_FALSE(is_unbiased(name + ", mutant without the last report", stepper, theta, n_intervals - 1, known));
  };
  expect_unbiased("P11", LevelStepper{}, {}, 10, kalman_filter().log_likelihood);
  expect_unbiased("P13", BassStepper{}, {0.03, 0.4}, 12, reported_bass_log_likelihood(0.03, 0.4));
  expect_unbiased("P13", BassStepper{}, {0.02, 0.6}, 12, reported_bass_log_likelihood(0.02, 0.6));
}

TEST(Tempering, RanksThroughTheFilterAreUniform) {
  const KnownPosterior known = reported_bass();
  const Fit fit = [&known](const std::vector<Observed>& observed, std::uint64_t seed) {
    BassStepper stepper{.counts = {}};
    double level = 0;
    for (const Observed& one : observed) stepper.counts.push_back(static_cast<int>(level += one.value));
    const LogLikelihood filtered = [&stepper](std::span<const double> theta, Key key) {
      return filtered_log_likelihood(stepper, theta, 12, {.n_states = 50}, key);
    };
    return calibrate_tempered(known.problem.parameters, known.problem.prior, filtered,
                              {.seed = seed, .n_particles = 300}, serial())
        .posterior;
  };
  SbcOptions options;
  options.n_fits = 100;
  expect_uniform(known, fit, options);
}

}  // namespace
}  // namespace uptake
