// The primary method of calibration: mistakes that its gate must see, bits, diagnostics, faults. That it meets the gate
// is asked by verify_calibration_test.cpp, and at full size by calibration_long_test.cpp.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <stop_token>

#include "folder.hpp"
#include "team.hpp"
#include "uptake/calibration.hpp"
#include "verify/known_posteriors.hpp"

namespace uptake {
namespace {
std::string text_of(const CalibrationProblem& problem, const AbcResult& result) {
  return diagnostics_text(problem.parameters, result.posterior, result.diagnostics, result.generations);
}

Control serial() {
  Control control;
  control.body = Body::serial;
  return control;
}

std::string told(const Closeness& c) {
  return fmt::format("mean error {:.3f} sd (largest {:.3f}), sd ratio {:.3f} ({:.3f} to {:.3f})", c.mean_error,
                     c.largest_error, c.sd_ratio, c.smallest_sd_ratio, c.largest_sd_ratio);
}

// ---- mistakes that the gate must see ------------------------------------------------------------------------------

Closeness closeness_of(const KnownPosterior& known) {
  AbcOptions options;
  options.n_predictive = 1;
  return closeness(known, calibrate_abc(known.problem, options, Control{}).posterior);
}

TEST(AbcGate, RejectsFrozenSeeds) {
  KnownPosterior known = bass();
  known.problem.simulate = [right = known.problem.simulate](std::span<const double> theta, Key) {
    return right(theta, make_key(7, 7));
  };
  EXPECT_FALSE(kAbcGate.passes(closeness_of(known))) << told(closeness_of(known));
}

TEST(AbcGate, RejectsKeysReusedAcrossParticles) {
  KnownPosterior known = bass();
  known.problem.simulate = [right = known.problem.simulate](std::span<const double> theta, Key key) {
    return right(theta, Key{key.value % 3});
  };
  EXPECT_FALSE(kAbcGate.passes(closeness_of(known))) << told(closeness_of(known));
}

TEST(AbcGate, RejectsALikelihoodCountedTwice) {
  KnownPosterior known = ten_normals();
  known.problem.simulate = [](std::span<const double> theta, Key key) {
    std::vector<double> s(theta.begin(), theta.end());
    for (std::size_t k = 0; k < s.size(); ++k) s[k] += std::sqrt(0.1 / 2) * normal_number(key, k);
    return s;
  };
  EXPECT_FALSE(kAbcGate.passes(closeness_of(known))) << told(closeness_of(known));
}

TEST(AbcGate, RejectsAPriorWithoutItsJacobian) {
  KnownPosterior known = bass();
  // The density of a lognormal in its own units, taken for that of the logarithm.
  known.problem.prior.log_density = [right = known.problem.prior.log_density](std::span<const double> x) {
    return right(x) - x[0] - x[1];
  };
  EXPECT_FALSE(kAbcGate.passes(closeness_of(known))) << told(closeness_of(known));
}

// ---- the same bits ------------------------------------------------------------------------------------------------

AbcOptions small_options() {
  AbcOptions options;
  options.n_particles = 400;
  options.budget = 8000;
  options.n_predictive = 50;
  return options;
}

void expect_same(const AbcResult& a, const AbcResult& b, const std::string& what) {
  EXPECT_EQ(a.completion, b.completion) << what;
  EXPECT_EQ(a.raw.values, b.raw.values) << what;
  EXPECT_EQ(a.posterior.values, b.posterior.values) << what;
  EXPECT_EQ(a.posterior.weights, b.posterior.weights) << what;
  EXPECT_EQ(a.n_simulations, b.n_simulations) << what;
  ASSERT_EQ(a.generations.size(), b.generations.size()) << what;
  EXPECT_EQ(a.diagnostics.warnings, b.diagnostics.warnings) << what;
  ASSERT_EQ(a.diagnostics.series.size(), b.diagnostics.series.size());
  for (std::size_t k = 0; k < a.diagnostics.series.size(); ++k) {
    EXPECT_EQ(a.diagnostics.series[k].pit, b.diagnostics.series[k].pit) << what;
  }
}

TEST(Abc, GivesTheSameBitsForAnyNumberOfThreads) {
  const KnownPosterior known = bass();
  const AbcResult one = calibrate_abc(known.problem, small_options(), serial());
  EXPECT_GT(one.generations.size(), 2U);
  for (const Body body : {Body::threads, Body::tbb}) {
    for (const int n_threads : {1, 2, 5}) {
      Control control;
      control.body = body;
      control.n_threads = n_threads;
      expect_same(one, calibrate_abc(known.problem, small_options(), control), fmt::format("{} threads", n_threads));
    }
  }
  AbcOptions other = small_options();
  other.seed = 2;
  EXPECT_NE(calibrate_abc(known.problem, other, serial()).raw.values, one.raw.values);
}

TEST(Abc, SharedByATeamGivesTheSameBitsOnEveryMemberByOneExchangeASweep) {
  const auto known = bass();
  std::size_t n_sweeps = 0;
  const AbcResult one = calibrate_abc(known.problem, small_options(), serial());
  for (const Generation& generation : one.generations) n_sweeps += static_cast<std::size_t>(generation.n_sweeps);
  for (const std::size_t size : {2U, 3U}) {
    const std::size_t n_exchanges = with_team(size, [&](const Team& team) {
      Control control = serial();
      control.team = &team;
      expect_same(one, calibrate_abc(known.problem, small_options(), control),
                  fmt::format("rank {} of {}", team.rank, size));
    });
    EXPECT_EQ(n_exchanges, n_sweeps + 2) << "the prior, the sweeps, the predictive runs";
  }
}

TEST(Abc, ATeamGoesOnWithACheckpointThatItsFirstMemberAloneCanSee) {
  const auto known = bass();
  const AbcResult straight = calibrate_abc(known.problem, small_options(), serial());
  const TestFolder folder;
  for (const std::size_t size : {1U, 3U}) {  // stopped as a team of one size, gone on with as one of another
    for (const bool stops : {true, false}) {
      with_team(stops ? size : 4 - size, [&](const Team& team) {
        AbcOptions options = small_options();
        options.checkpoint = folder.path() / fmt::format("{}-{}", size, team.rank == 0 ? "fit" : "elsewhere");
        std::stop_source source;
        Control control = serial();
        control.team = &team;
        control.stop = source.get_token();
        const AbcResult result = calibrate_abc(known.problem, options, control, [&](const CalibrationProgress& now) {
          if (stops && team.rank == 0 && now.generation == 2) source.request_stop();
        });
        EXPECT_EQ(result.completion, stops ? Completion::interrupted : Completion::complete);
        if (!stops) expect_same(straight, result, fmt::format("rank {} of {}", team.rank, team.size));
        EXPECT_EQ(std::filesystem::exists(options.checkpoint), team.rank == 0);
      });
    }
  }
}

TEST(Abc, StoppedAtAnySweepAndGoneOnWithGivesTheSameBits) {
  const KnownPosterior known = bass();
  const AbcResult straight = calibrate_abc(known.problem, small_options(), serial());
  for (const int stop_after : {0, 1, 4, 7, 12}) {
    const TestFolder folder;
    AbcOptions options = small_options();
    options.checkpoint = folder.path() / "fit.checkpoint";
    std::stop_source source;
    if (stop_after == 0) source.request_stop();
    Control control = serial();
    control.stop = source.get_token();
    int n_told = 0;
    const AbcResult stopped = calibrate_abc(known.problem, options, control, [&](const CalibrationProgress&) {
      if (++n_told == stop_after) source.request_stop();
    });
    EXPECT_EQ(stopped.completion, Completion::interrupted) << stop_after;
    EXPECT_LT(stopped.generations.size(), straight.generations.size());
    expect_same(straight, calibrate_abc(known.problem, options, serial()), fmt::format("stopped at {}", stop_after));
    // Finished: what is there is the result.
    int n_more = 0;
    expect_same(straight,
                calibrate_abc(known.problem, options, serial(), [&](const CalibrationProgress&) { ++n_more; }),
                "finished");
    EXPECT_EQ(n_more, 0);
  }
}

TEST(Abc, RefusesACheckpointOfSomethingElse) {
  const TestFolder folder;
  AbcOptions options = small_options();
  options.checkpoint = folder.path() / "fit.checkpoint";
  static_cast<void>(calibrate_abc(bass().problem, options, serial()));
  const auto refused = [&](const AbcOptions& of) {
    try {
      static_cast<void>(calibrate_abc(bass().problem, of, serial()));
      return std::string();
    } catch (const FileError& error) {
      return std::string(error.what());
    }
  };
  AbcOptions other = options;
  other.seed = 9;
  EXPECT_NE(refused(other).find("another calibration"), std::string::npos) << refused(other);
  other = options;
  other.identity = "another model";
  EXPECT_NE(refused(other).find("another calibration"), std::string::npos);
  {
    std::fstream file(options.checkpoint, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(200);
    file.put('\x55');
  }
  EXPECT_NE(refused(options).find("spoilt"), std::string::npos) << refused(options);
  std::ofstream(options.checkpoint) << "some text that is longer than a header, but no checkpoint";
  EXPECT_NE(refused(options).find("no checkpoint"), std::string::npos);
}

TEST(Abc, TellsGenerationToleranceAcceptanceAndTimeLeftAfterEverySweep) {
  std::vector<CalibrationProgress> told_so_far;
  const AbcResult result = calibrate_abc(bass().problem, small_options(), serial(),
                                         [&](const CalibrationProgress& progress) { told_so_far.push_back(progress); });
  ASSERT_GT(told_so_far.size(), result.generations.size());
  EXPECT_EQ(told_so_far.back().generation, result.generations.back().number);
  EXPECT_EQ(told_so_far.back().tolerance, result.generations.back().tolerance);
  EXPECT_EQ(told_so_far.back().n_simulations, result.n_simulations);
  EXPECT_GE(result.n_simulations, small_options().budget);
  EXPECT_LT(result.n_simulations, small_options().budget + small_options().n_particles) << "budget by sweep";
  for (std::size_t i = 1; i < told_so_far.size(); ++i) {
    EXPECT_LE(told_so_far[i].tolerance, told_so_far[i - 1].tolerance);
    EXPECT_GE(told_so_far[i].remaining.count(), 0);
  }
}

// ---- what goes wrong ----------------------------------------------------------------------------------------------

TEST(Abc, NamesEveryFaultOfAProblemAtOnce) {
  CalibrationProblem problem = bass().problem;
  problem.observed[2].value = std::nan("");
  AbcOptions options;
  options.n_particles = 20;
  options.kept = 1.5;
  options.budget = 10;
  try {
    static_cast<void>(calibrate_abc(problem, options, serial()));
    FAIL() << "accepted";
  } catch (const InputError& error) {
    EXPECT_EQ(error.problems().size(), 4U) << error.what();
  }
  EXPECT_THROW(
      static_cast<void>(independent_prior({{.name = "a", .prior = {Family::fixed, 1}},
                                           {.name = "b", .prior = {Family::normal, 0, 1}, .lowest = 2, .highest = 1}})),
      InputError);
}

TEST(Abc, DrawsFailedRunsAgainAndGivesUpWhenThereAreMany) {
  KnownPosterior known = one_normal();
  const auto failing = [right = known.problem.simulate](double share) {
    return [right, share](std::span<const double> theta, Key key) {
      std::vector<double> s = right(theta, key);
      if (uniform_number(key, 99) < share) s[0] = std::nan("");
      return s;
    };
  };
  known.problem.simulate = failing(0.1);
  AbcOptions options;
  options.n_particles = 1000;
  options.budget = 50'000;
  const AbcResult result = calibrate_abc(known.problem, options, serial());
  EXPECT_NEAR(static_cast<double>(result.diagnostics.n_failed) / static_cast<double>(result.n_simulations), 0.1, 0.01);
  EXPECT_TRUE(kAbcGate.passes(closeness(known, result.posterior))) << "failures that say nothing change nothing";
  known.problem.simulate = failing(0.4);
  EXPECT_THROW(static_cast<void>(calibrate_abc(known.problem, options, serial())), InputError);
}

bool warned(const AbcResult& result, const std::string& about) {
  for (const std::string& warning : result.diagnostics.warnings) {
    if (warning.find(about) != std::string::npos) return true;
  }
  return false;
}

TEST(AbcDiagnostics, SayNothingOfASoundCalibration) {
  AbcOptions options;
  const AbcResult result = calibrate_abc(bass().problem, options, Control{});
  EXPECT_TRUE(result.diagnostics.warnings.empty()) << text_of(bass().problem, result);
  EXPECT_EQ(result.diagnostics.series.size(), 12U);
  // Contraction and correlation of the exact posterior (P12).
  EXPECT_NEAR(result.diagnostics.contraction[0], 1 - std::pow(0.474491303142 / 0.8, 2), 0.08);
  EXPECT_NEAR(result.diagnostics.contraction[1], 1 - std::pow(0.195412913117 / 0.6, 2), 0.04);
  EXPECT_NEAR(result.diagnostics.correlation[1], -0.412404, 0.1);
}

TEST(AbcDiagnostics, NameWhatTheModelCannotReproduce) {
  CalibrationProblem problem = ten_normals().problem;
  // Five observations of one parameter cannot differ like this.
  problem.simulate = [](std::span<const double> theta, Key key) {
    std::vector<double> s(10);
    for (std::size_t k = 0; k < s.size(); ++k) s[k] = theta[k < 5 ? 0 : k] + 0.3 * normal_number(key, k);
    return s;
  };
  problem.observed[1].value = 4;
  problem.observed[2].value = -4;
  AbcOptions options;
  options.budget = 50'000;
  const AbcResult result = calibrate_abc(problem, options, Control{});
  EXPECT_TRUE(warned(result, "cannot reproduce")) << text_of(problem, result);
  EXPECT_TRUE(warned(result, "y2")) << "the series is named";
  EXPECT_TRUE(warned(result, "theta2 is not informed"));
  EXPECT_FALSE(warned(result, "theta7 is not informed"));
}

TEST(AbcDiagnostics, NameRidgesAndSummariesThatSayNothing) {
  CalibrationProblem problem;
  problem.parameters = {{.name = "p", .unit = "1", .prior = {Family::normal, 0, 1}},
                        {.name = "q", .unit = "1", .prior = {Family::normal, 0, 1}}};
  problem.prior = independent_prior(problem.parameters);
  problem.simulate = [](std::span<const double> theta, Key key) {
    return std::vector<double>{theta[0] + theta[1] + 0.05 * normal_number(key, 0), 5};
  };
  problem.observed = {{"sum", 1}, {"always five", 5}};
  const AbcResult result = calibrate_abc(problem, AbcOptions{}, Control{});
  EXPECT_TRUE(warned(result, "p and q are known only together")) << text_of(problem, result);
  EXPECT_TRUE(warned(result, "always five never varies"));
  EXPECT_EQ(result.diagnostics.n_dropped, 1U);
  problem.observed[1].value = 6;
  EXPECT_TRUE(warned(calibrate_abc(problem, AbcOptions{}, Control{}), "cannot reproduce"));
}

TEST(Unconstrained, PriorsAreDrawnAsTheirDensitySays) {
  // Moments of draws against moments by quadrature of the density on the real line: a lost Jacobian would show.
  const std::vector<CalibratedParameter> each{
      {.name = "normal", .prior = {Family::normal, 1, 2}},
      {.name = "positive normal", .prior = {Family::normal, 1, 2}, .lowest = 0},
      {.name = "half-normal", .prior = {Family::half_normal, 0.3, 0}},
      {.name = "lognormal", .prior = {Family::lognormal, 0.03, 0.8}},
      {.name = "short lognormal", .prior = {Family::lognormal, 0.03, 0.8}, .highest = 0.05},
      {.name = "beta", .prior = {Family::beta, 17, 3}},
      {.name = "gamma", .prior = {Family::gamma_share, 2, 1}},
      {.name = "uniform", .prior = {Family::uniform, -1, 3}},
      {.name = "short uniform", .prior = {Family::uniform, -1, 3}, .highest = 1},
      {.name = "log-uniform", .prior = {Family::log_uniform, 0.01, 3}},
      {.name = "short log-uniform", .prior = {Family::log_uniform, 0.01, 3}, .highest = 1}};
  for (const CalibratedParameter& parameter : each) {
    const UnconstrainedPrior prior = independent_prior({parameter});
    const auto integral = [&](const auto& of) {
      double sum = 0;
      for (int i = -40'000; i <= 40'000; ++i) sum += std::exp(prior.log_density(std::vector{i * 5e-4})) * of(i * 5e-4);
      return sum;
    };
    const double mass = integral([](double) { return 1; });
    const double mean = integral([](double x) { return x; }) / mass;
    const auto central = [&](int power) {
      return integral([&](double x) { return std::pow(x - mean, power); }) / mass;
    };
    const double variance = central(2), kurtosis = central(4) / (variance * variance);
    constexpr std::size_t kDraws = 20'000;
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < kDraws; ++i) {
      const double x = prior.draw(calibration_key(3, Purpose::prior, 0, 0, i))[0];
      sum += x;
      squares += (x - mean) * (x - mean);
    }
    const double root_n = std::sqrt(static_cast<double>(kDraws));
    const auto z_of_mean = [&](double expected) { return (sum / kDraws - expected) / std::sqrt(variance) * root_n; };
    const auto z_of_spread = [&](double expected) {
      return (squares / kDraws / expected - 1) / std::sqrt(kurtosis - 1) * root_n;
    };
    EXPECT_LT(std::abs(z_of_mean(mean)), 4) << parameter.name;
    EXPECT_LT(std::abs(z_of_spread(variance)), 4) << parameter.name;
    // Mutants: a density that lies a tenth of its spread aside, or is a tenth wider.
    EXPECT_GT(std::abs(z_of_mean(mean + 0.1 * std::sqrt(variance))), 4) << parameter.name;
    EXPECT_GT(std::abs(z_of_spread(1.21 * variance)), 4) << parameter.name;
    const std::vector<double> there =
        to_unconstrained(std::vector{parameter}, to_natural(std::vector{parameter}, std::vector{mean}));
    EXPECT_NEAR(there[0], mean, 1e-9) << parameter.name;
  }
}

TEST(CalibrationKeys, AreDifferentForEveryPurposeGenerationSweepAndParticle) {
  std::set<std::uint64_t> seen;
  std::size_t n = 0;
  for (int purpose = 1; purpose <= 11; ++purpose) {
    for (std::size_t generation = 0; generation < 4; ++generation) {
      for (std::size_t sweep = 0; sweep < 4; ++sweep) {
        for (std::size_t particle = 0; particle < 50; ++particle, ++n) {
          seen.insert(calibration_key(1, static_cast<Purpose>(purpose), generation, sweep, particle).value);
        }
      }
    }
  }
  for (std::uint64_t replicate = 0; replicate < 1000; ++replicate, ++n) seen.insert(make_key(1, replicate).value);
  EXPECT_EQ(seen.size(), n);
}

}  // namespace
}  // namespace uptake
