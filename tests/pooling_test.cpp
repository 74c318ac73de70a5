// Pooling of programmes on normal problems whose answers are known.
#include "calibration/pooling.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include "calibration/tempering.hpp"
#include "statistics/scores.hpp"
#include "verify/known_posteriors.hpp"

namespace uptake {
namespace {

// P14 (Rubin 1981): eight schools.
constexpr std::array<double, 8> kY{28, 8, -3, 7, -1, 1, 18, 12};
constexpr std::array<double, 8> kS{15, 10, 16, 11, 9, 11, 10, 18};
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// y +- s as the posterior of a programme under a flat working prior, or under N(0, working_sd^2).
PooledProgramme normal_programme(std::size_t g, double y, double s, double working_sd = kInfinity) {
  const double own = 1 / (s * s), prior = std::isinf(working_sd) ? 0 : 1 / (working_sd * working_sd);
  PooledProgramme programme{.name = "programme " + std::to_string(g),
                            .parameters = {0},
                            .draws = {},
                            .log_working_prior = {},
                            .covariates = {}};
  programme.draws = {4000, 1, {}, std::vector<double>(4000, 1 / 4000.0)};
  for (std::size_t i = 0; i < 4000; ++i) {
    // A shifted lattice in a shuffled order: no luck of the stored draws in the comparison.
    const double u = (static_cast<double>(i) + 0.5) / 4000;
    programme.draws.values.push_back(own * y / (own + prior) + normal_quantile(u) / std::sqrt(own + prior));
  }
  programme.log_working_prior = [prior](std::span<const double> theta) { return -0.5 * prior * theta[0] * theta[0]; };
  return programme;
}

PoolingModel one_parameter(double spread) {
  return {.parameters = {"effect"}, .mean = {0}, .sd = {kInfinity}, .spread = {spread}};
}

struct Moments {
  double mean = 0, sd = 0;
};
Moments moments(std::span<const double> values) {
  Moments m;
  for (const double v : values) m.mean += v / static_cast<double>(values.size());
  for (const double v : values) m.sd += (v - m.mean) * (v - m.mean) / static_cast<double>(values.size());
  m.sd = std::sqrt(m.sd);
  return m;
}

// The answers are by Gauss-Legendre quadrature over tau with 2,000 nodes, in another program.
TEST(PoolNormal, GivesTheAnswersOfTheEightSchools) {
  const NormalPool p = pool_normal(kY, kS, 10);
  EXPECT_NEAR(p.mu_mean, 7.85963151634, 1e-8);
  EXPECT_NEAR(p.mu_sd, 4.67259174, 1e-5);
  EXPECT_NEAR(p.tau_mean, 4.84414318320, 1e-7);
  EXPECT_NEAR(p.tau_sd, 3.74809670745, 1e-7);
  EXPECT_NEAR(p.means[0], 10.1798174, 1e-5);
  EXPECT_NEAR(p.predictive_sd, 7.7037033, 1e-5);
}

/// How far a pool of the eight schools is from what is known, in standard errors of `worth` independent draws: the
/// moments of mu and tau, of the first school and of the next one.
std::vector<double> distances_from_known(const Pooled& pooled, double worth) {
  const double error = 1 / std::sqrt(worth);
  const Moments mu = moments(pooled.mu), tau = moments(pooled.tau);
  const Moments next = moments(predictive(pooled, {}, make_key(1, 1)).values);
  return {(mu.mean - 7.85963151634) / (4.67259174 * error),
          (mu.sd / 4.67259174 - 1) / error,
          (tau.mean - 4.84414856) / (3.74808687 * error),
          (tau.sd / 3.74808687 - 1) / error,
          (moments(pooled.programmes[0].values).mean - 10.1798174) / (8 * error),
          (next.mean - 7.8596322) / (7.7037033 * error),
          (next.sd / 7.7037033 - 1) / (1.5 * error)};
}

/// Two-sided tail area of an observation under predictive draws: prior-data conflict (Box 1980).
double tail_area(std::span<const double> draws, double observed) {
  const auto n_below = std::ranges::count_if(draws, [&](double draw) { return draw < observed; });
  const double below = static_cast<double>(n_below) / static_cast<double>(draws.size());
  return 2 * std::min(below, 1 - below);
}

class PoolTwoStages : public testing::TestWithParam<double> {};
TEST_P(PoolTwoStages, MeetsTheEightSchoolsFromStoredDrawsWhateverTheWorkingPrior) {
  std::vector<PooledProgramme> schools;
  for (std::size_t g = 0; g < 8; ++g) schools.push_back(normal_programme(g, kY[g], kS[g], GetParam()));
  const PoolingOptions options{.seed = 3, .n_iterations = 2500, .n_kept = 10'000, .n_stored = 500};
  const Pooled pooled = pool(one_parameter(10), schools, options, Control{});
  // The autocorrelation time of mu and tau is about 10 draws: 10,000 are worth about 1,000.
  for (const double z : distances_from_known(pooled, 1000)) EXPECT_LT(std::abs(z), 4);
  EXPECT_LT(pooled.largest_r_hat, 1.03);
  EXPECT_TRUE(pooled.warnings.empty()) << pooled.warnings.front();
}
INSTANTIATE_TEST_SUITE_P(FlatAndNormal, PoolTwoStages, testing::Values(kInfinity, 30.0),
                         [](const auto& param) { return std::isinf(param.param) ? "Flat" : "Normal"; });

TEST(Pool, OfSchoolsSaidToBeTooMuchAlikeIsSeen) {
  std::vector<PooledProgramme> schools;
  for (std::size_t g = 0; g < 8; ++g) schools.push_back(normal_programme(g, kY[g], kS[g]));
  const Pooled pooled =
      pool(one_parameter(5), schools, {.seed = 3, .n_iterations = 2000, .n_kept = 4000, .n_stored = 500}, Control{});
  const std::vector<double> z = distances_from_known(pooled, 400);
  EXPECT_LT(z[2], -4) << "mean of tau";
  EXPECT_LT(z[3], -4) << "spread of tau";
}

TEST(Pool, WithTheWorkingPriorCountedTwiceIsSeen) {
  // The same schools, stored under N(0, 5^2), but said to be stored under a flat prior.
  std::vector<PooledProgramme> schools;
  for (std::size_t g = 0; g < 8; ++g) {
    schools.push_back(normal_programme(g, kY[g], kS[g], 5));
    schools.back().log_working_prior = [](std::span<const double>) { return 0.0; };
  }
  const Pooled pooled =
      pool(one_parameter(10), schools, {.seed = 3, .n_iterations = 2000, .n_kept = 4000, .n_stored = 500}, Control{});
  EXPECT_LT(distances_from_known(pooled, 400)[0], -4) << "mean of mu";
}

TEST(Pool, FindsWhatACovariateDoes) {
  // Twelve programmes known to 0.1, half of them mandated and 0.8 faster on the log scale.
  std::vector<PooledProgramme> programmes;
  for (std::size_t g = 0; g < 12; ++g) {
    const double mandated = g % 2 == 0 ? 1 : 0;
    programmes.push_back(normal_programme(g, -1 + 0.8 * mandated + 0.2 * normal_number(make_key(8, g), 0), 0.1));
    programmes.back().covariates = {mandated};
  }
  PoolingModel model = one_parameter(0.5);
  model.n_covariates = 1;
  model.covariate_sd = 2;
  const Pooled pooled = pool(model, programmes, {.n_iterations = 1000, .n_stored = 300}, Control{});
  const Moments slope = moments(pooled.slopes);
  EXPECT_NEAR(slope.mean, 0.8, 4 * slope.sd);
  EXPECT_GT(slope.mean, 4 * slope.sd) << "and sees that it is there";
  const Moments with = moments(predictive(pooled, std::array{1.0}, make_key(1, 1)).values);
  const Moments without = moments(predictive(pooled, std::array{0.0}, make_key(1, 1)).values);
  EXPECT_NEAR(with.mean - without.mean, slope.mean, 0.05);
}

TEST(Pool, ProgrammesMayInformDifferentParameters) {
  PoolingModel model{.parameters = {"a", "b"}, .mean = {0, 5}, .sd = {kInfinity, 2}, .spread = {10, 1}};
  std::vector<PooledProgramme> schools;
  for (std::size_t g = 0; g < 8; ++g) schools.push_back(normal_programme(g, kY[g], kS[g]));
  const Pooled pooled = pool(model, schools, {.n_iterations = 1500, .n_kept = 6000, .n_stored = 300}, Control{});
  std::vector<double> a, b;
  for (std::size_t i = 0; i < pooled.n; ++i) {
    a.push_back(pooled.mu[2 * i]);
    b.push_back(pooled.mu[2 * i + 1]);
  }
  EXPECT_NEAR(moments(a).mean, 7.86, 0.7);
  EXPECT_NEAR(moments(b).mean, 5, 0.15) << "nobody informs b: its prior";
  EXPECT_NEAR(moments(b).sd, 2, 0.15);
  model.sd[1] = kInfinity;
  EXPECT_THROW(static_cast<void>(pool(model, schools, {}, Control{})), InputError);
}

TEST(Pool, GivesTheSameBitsForAnyNumberOfThreads) {
  std::vector<PooledProgramme> schools;
  for (std::size_t g = 0; g < 8; ++g) schools.push_back(normal_programme(g, kY[g], kS[g]));
  Control serial, threads;
  serial.body = Body::serial;
  threads.body = Body::threads;
  threads.n_threads = 3;
  const PoolingOptions options{.n_warm_up = 50, .n_iterations = 200, .n_kept = 400};
  const Pooled one = pool(one_parameter(10), schools, options, serial);
  const Pooled other = pool(one_parameter(10), schools, options, threads);
  EXPECT_EQ(one.mu, other.mu);
  EXPECT_EQ(one.tau, other.tau);
  EXPECT_EQ(one.programmes[3].values, other.programmes[3].values);
}

TEST(Pool, WarnsOfFewProgrammesAndOfOneUnlikeTheOthers) {
  std::vector<PooledProgramme> programmes;
  for (std::size_t g = 0; g < 4; ++g) programmes.push_back(normal_programme(g, 0.1 * static_cast<double>(g), 0.05));
  programmes.push_back(normal_programme(4, 6, 2));
  const auto warned = [](const Pooled& pooled, const std::string& about) {
    return std::ranges::any_of(pooled.warnings,
                               [&](const std::string& w) { return w.find(about) != std::string::npos; });
  };
  const Pooled five = pool(one_parameter(0.05), programmes, {.n_iterations = 500}, Control{});
  EXPECT_TRUE(warned(five, "programme 4 "));
  EXPECT_FALSE(warned(five, "programmes say little"));
  programmes.resize(3);
  EXPECT_TRUE(
      warned(pool(one_parameter(0.05), programmes, {.n_iterations = 500}, Control{}), "3 programmes say little"));
  EXPECT_THROW(static_cast<void>(pool(one_parameter(-1), {}, {}, Control{})), InputError);
}

TEST(LeaveOneOut, CoversProgrammesOfTheSameKindAndNotOthers) {
  // Known answer: programmes drawn from the hierarchy are covered as often as said; PITs by the closed form agree.
  std::vector<PooledProgramme> programmes;
  std::vector<double> y, s;
  constexpr std::size_t kProgrammes = 10;
  for (std::size_t g = 0; g < kProgrammes; ++g) {
    s.push_back(0.3);
    y.push_back(1 + std::hypot(0.5, 0.3) * normal_quantile((static_cast<double>(g) + 0.5) / kProgrammes));
    programmes.push_back(normal_programme(g, y[g], s[g]));
  }
  const PoolingOptions options{.n_chains = 2, .n_warm_up = 100, .n_iterations = 1000, .n_kept = 2000, .n_stored = 200};
  const LeaveOneOut sound = leave_one_out(one_parameter(0.5), programmes, options, Control{});
  constexpr double kOneOfTen = 0.101;
  EXPECT_NEAR(sound.covered50, 0.5, kOneOfTen);
  EXPECT_NEAR(sound.covered90, 0.9, kOneOfTen);
  // The first one by the closed form: predictive of the others, widened by its own error.
  const NormalPool others = pool_normal(std::span(y).subspan(1), std::span(s).subspan(1), 0.5);
  const double z = (y[0] - others.predictive_mean) / std::hypot(others.predictive_sd, s[0]);
  EXPECT_NEAR(sound.programmes[0].pit[0], std::erfc(-z / std::sqrt(2)) / 2, 0.03);
  // Spread said to be far smaller than it is: too many fall outside.
  const LeaveOneOut narrow = leave_one_out(one_parameter(0.02), programmes, options, Control{});
  EXPECT_LT(narrow.covered50, 0.5 - kOneOfTen);
  EXPECT_LT(narrow.covered90, 0.9 - kOneOfTen);
}

TEST(RobustPrior, IsADensityThatItsDrawsFollow) {
  std::vector<PooledProgramme> schools;
  for (std::size_t g = 0; g < 8; ++g) schools.push_back(normal_programme(g, kY[g], kS[g]));
  const RobustPrior robust{
      .pooled = pool(one_parameter(10), schools, {.n_iterations = 500, .n_kept = 300, .n_stored = 300}, Control{}),
      .covariates = {},
      .vague_mean = {8},
      .vague_sd = {100}};
  const UnconstrainedPrior prior = prior_of(robust);
  const auto mass_below = [](const UnconstrainedPrior& of, double limit) {
    double mass = 0;
    for (int i = -5000; i < 5000; ++i) {
      const std::vector<double> theta{0.1 * i + 0.05};
      if (theta[0] < limit) mass += 0.1 * std::exp(of.log_density(theta));
    }
    return mass;
  };
  EXPECT_NEAR(mass_below(prior, kInfinity), 1, 2e-3) << "narrow parts between the nodes";
  constexpr std::size_t kDraws = 20'000;
  double drawn_below = 0;
  for (std::size_t i = 0; i < kDraws; ++i) {
    drawn_below += prior.draw(calibration_key(2, Purpose::prior, 0, 0, i))[0] < -5;
  }
  drawn_below /= kDraws;
  const auto z_of = [&](double below) { return (drawn_below - below) / std::sqrt(below * (1 - below) / kDraws); };
  EXPECT_LT(std::abs(z_of(mass_below(prior, -5))), 4);
  RobustPrior mutant = robust;
  mutant.weight = 0.85;
  EXPECT_GT(z_of(mass_below(prior_of(mutant), -5)), 4);
}

TEST(RobustPrior, LetsGoOfTheReferenceClassWhenDataContradictIt) {
  std::vector<PooledProgramme> schools;
  for (std::size_t g = 0; g < 8; ++g) schools.push_back(normal_programme(g, kY[g], kS[g]));
  const RobustPrior robust{
      .pooled = pool(one_parameter(10), schools, {.n_iterations = 500, .n_kept = 200, .n_stored = 300}, Control{}),
      .covariates = {},
      .vague_mean = {8},
      .vague_sd = {100}};
  const UnconstrainedPrior prior = prior_of(robust);
  const std::vector<CalibratedParameter> parameters{{.name = "effect", .prior = {Family::normal, 0, 1}}};
  const auto share = [&](double y) {
    const LogLikelihood likelihood = [y](std::span<const double> theta, Key) {
      return -0.5 * std::pow((theta[0] - y) / 3, 2);
    };
    const TemperedResult fit = calibrate_tempered(parameters, prior, likelihood, {.n_particles = 500}, Control{});
    // Posterior probability of the vague part, by its share of the density at each draw.
    double of_vague = 0;
    for (std::size_t i = 0; i < fit.posterior.n; ++i) {
      const std::span<const double> theta = fit.posterior.row(i);
      const double z = (theta[0] - robust.vague_mean[0]) / robust.vague_sd[0];
      const double vague = std::exp(-z * z / 2) / robust.vague_sd[0] / std::sqrt(2 * std::numbers::pi);
      of_vague += fit.posterior.weights[i] * (1 - robust.weight) * vague / std::exp(prior.log_density(theta));
    }
    return of_vague;
  };
  const WeightedDraws next = predictive(robust.pooled, {}, make_key(1, 1));
  EXPECT_LT(share(9), 0.1);
  EXPECT_GT(tail_area(next.values, 9), 0.5);
  EXPECT_GT(share(90), 0.5);
  EXPECT_LT(tail_area(next.values, 90), 0.02);
  // Exact: both evidences are normal integrals of the parts.
  const double y = 30, s = 3;
  double pooled = 0;
  for (std::size_t i = 0; i < robust.pooled.n; ++i) {
    const double sd = std::hypot(robust.pooled.tau[i], s), z = (y - robust.pooled.mu[i]) / sd;
    pooled += std::exp(-z * z / 2) / sd / static_cast<double>(robust.pooled.n);
  }
  const double sd = std::hypot(100, s), vague = std::exp(-std::pow((y - 8) / sd, 2) / 2) / sd;
  EXPECT_NEAR(share(y), 0.2 * vague / (0.8 * pooled + 0.2 * vague), 0.04);
  RobustPrior wrong = robust;
  wrong.weight = 1;
  wrong.vague_sd.clear();
  EXPECT_THROW(static_cast<void>(prior_of(wrong)), InputError);
}

/// Normal parts and a normal likelihood have normal evidences: N(y; centre, hypot(spread, s)).
TEST(VagueWeight, IsThatOfTheExactEvidences) {
  Pooled pooled;
  pooled.model = one_parameter(1);
  pooled.n = 2;
  pooled.mu = {0, 4};
  pooled.tau = {1, 2};
  const RobustPrior robust{.pooled = pooled, .covariates = {}, .vague_mean = {1}, .vague_sd = {10}};
  constexpr double kError = 3, kWorking = 8;
  const auto exact = [&](double y) {
    const auto evidence = [&](double centre, double spread) {
      const double sd = std::hypot(spread, kError), z = (y - centre) / sd;
      return std::exp(-z * z / 2) / sd;
    };
    const double of_pooled = 0.8 * (evidence(0, 1) + evidence(4, 2)) / 2, of_vague = 0.2 * evidence(1, 10);
    return of_vague / (of_vague + of_pooled);
  };
  constexpr double kNear = 0.01;
  for (const double y : {-4.0, 3.0, 9.0, 12.0}) {
    const PooledProgramme programme = normal_programme(0, y, kError, kWorking);
    EXPECT_NEAR(vague_weight(robust, programme), exact(y), kNear) << y;
  }
  EXPECT_LT(exact(3), 0.1);
  EXPECT_GT(exact(12), kUnlike);
  // The working prior counted, or another weight of the parts, is seen.
  PooledProgramme counted = normal_programme(0, 9, kError, kWorking);
  counted.log_working_prior = [](std::span<const double>) { return 0.0; };
  EXPECT_GT(std::abs(vague_weight(robust, counted) - exact(9)), 3 * kNear);
  RobustPrior other = robust;
  other.weight = 0.7;
  EXPECT_GT(vague_weight(other, normal_programme(0, 9, kError, kWorking)) - exact(9), 3 * kNear);
}

TEST(VagueWeight, TellsTheProgrammeThatIsUnlikeTheOthers) {
  std::vector<PooledProgramme> programmes;
  for (std::size_t g = 0; g < 8; ++g) programmes.push_back(normal_programme(g, 0.1 * static_cast<double>(g), 0.3));
  programmes.push_back(normal_programme(8, 5, 0.3));
  const PoolingOptions options{.n_chains = 2, .n_warm_up = 100, .n_iterations = 500, .n_kept = 500, .n_stored = 200};
  PoolingModel model = one_parameter(0.5);
  const LeaveOneOut flat = leave_one_out(model, programmes, options, Control{});
  EXPECT_TRUE(std::isnan(flat.programmes[0].vague_weight)) << "a flat part has no evidence";
  model.sd = {3};
  const LeaveOneOut found = leave_one_out(model, programmes, options, Control{});
  for (const LeftOut& one : found.programmes)
    EXPECT_EQ(one.vague_weight > kUnlike, one.programme == "programme 8") << one.programme << " " << one.vague_weight;
}

}  // namespace
}  // namespace uptake
