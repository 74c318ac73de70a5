#include "verify/known_posteriors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "statistics/special_functions.hpp"

namespace uptake {

namespace {
double log_normal_density(double x, double mean, double sd) {
  const double z = (x - mean) / sd;
  return -0.5 * z * z - std::log(sd * std::sqrt(2 * std::numbers::pi));
}
double log_beta(double a, double b) { return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b); }

struct NormalTask {
  double prior_mean, prior_sd, noise_sd, observed;
};

/// Independent conjugate problems side by side.
KnownPosterior normals(std::string id, std::string name, const std::vector<NormalTask>& tasks) {
  KnownPosterior known;
  known.id = std::move(id);
  known.name = std::move(name);
  for (std::size_t j = 0; j < tasks.size(); ++j) {
    const auto& [prior_mean, prior_sd, noise_sd, observed] = tasks[j];
    known.problem.parameters.push_back(
        {.name = fmt::format("theta{}", j + 1), .unit = "1", .prior = {Family::normal, prior_mean, prior_sd}});
    known.problem.observed.push_back({fmt::format("y{}", j + 1), observed});
    const double prior_precision = 1 / (prior_sd * prior_sd), precision = 1 / (noise_sd * noise_sd);
    known.means.push_back((prior_mean * prior_precision + observed * precision) / (prior_precision + precision));
    known.sds.push_back(1 / std::sqrt(prior_precision + precision));
    known.log_evidence += log_normal_density(observed, prior_mean, std::hypot(prior_sd, noise_sd));
  }
  known.problem.prior = independent_prior(known.problem.parameters);
  known.problem.simulate = [tasks](std::span<const double> theta, Key key) {
    std::vector<double> s(tasks.size());
    for (std::size_t j = 0; j < s.size(); ++j) s[j] = theta[j] + tasks[j].noise_sd * normal_number(key, j);
    return s;
  };
  known.log_likelihood = [tasks](std::span<const double> theta) {
    double sum = 0;
    for (std::size_t j = 0; j < tasks.size(); ++j) {
      sum += log_normal_density(tasks[j].observed, theta[j], tasks[j].noise_sd);
    }
    return sum;
  };
  return known;
}

/// k successes in n under Beta(a, b); `log_ways` is that of the data's order.
KnownPosterior beta_problem(std::string id, std::string name, int k, int n, double a, double b, double log_ways) {
  KnownPosterior known;
  known.id = std::move(id);
  known.name = std::move(name);
  known.side = Side::natural;
  known.problem.parameters = {{.name = "share", .unit = "1", .prior = {Family::beta, a, b}}};
  known.problem.prior = independent_prior(known.problem.parameters);
  known.problem.observed = {{"successes", static_cast<double>(k)}};
  known.problem.simulate = [n](std::span<const double> theta, Key key) {
    return std::vector<double>{static_cast<double>(binomial_quantile(n, theta[0], uniform_number(key, 0)))};
  };
  known.log_likelihood = [k, n, log_ways](std::span<const double> theta) {
    return log_ways + k * std::log(theta[0]) + (n - k) * std::log1p(-theta[0]);
  };
  const double after_a = a + k, after_b = b + n - k, sum = after_a + after_b;
  known.means = {after_a / sum};
  known.sds = {std::sqrt(after_a * after_b / (sum * sum * (sum + 1)))};
  known.log_evidence = log_ways + log_beta(after_a, after_b) - log_beta(a, b);
  return known;
}

KnownPosterior bass_problem() {
  KnownPosterior known;
  known.problem.parameters = {{.name = "p", .unit = "1/year", .prior = {Family::lognormal, 0.03, 0.8}},
                              {.name = "q", .unit = "1/year", .prior = {Family::lognormal, 0.38, 0.6}}};
  known.problem.prior = independent_prior(known.problem.parameters);
  return known;
}

int bass_jump(std::span<const double> theta, int in_use, double u) {
  return static_cast<int>(binomial_quantile(kBassSize - in_use, bass_probability(theta[0], theta[1], in_use), u));
}
}  // namespace

KnownPosterior one_normal() {
  return normals("P1", "normal mean, one observation",
                 {{.prior_mean = 0, .prior_sd = 1, .noise_sd = 0.5, .observed = 2}});
}

KnownPosterior ten_normals() {
  const double sd = std::sqrt(0.1);
  return normals("P4", "ten normal means",
                 std::vector<NormalTask>(10, {.prior_mean = 0, .prior_sd = sd, .noise_sd = sd, .observed = 0.3}));
}

KnownPosterior sharp_normals(std::size_t n, std::size_t n_sharp) {
  std::vector<NormalTask> tasks;
  for (std::size_t i = 0; i < n; ++i) {
    const bool sharp = i < n_sharp;
    tasks.push_back({.prior_mean = 0,
                     .prior_sd = 1,
                     .noise_sd = sharp ? 0.1 : 1.0,
                     .observed = sharp ? 0.8 - 0.2 * static_cast<double>(i) : 0.3});
  }
  return normals("P5", fmt::format("{} normal means, {} of them sharp", n, n_sharp), tasks);
}

KnownPosterior beta_binomial(double a, double b) {
  return beta_problem("P6", fmt::format("2 of 5 under Beta({}, {})", a, b), 2, 5, a, b, std::log(10.0));
}

KnownPosterior normal_about(double mean) {
  return normals("P8", fmt::format("normal about {}", mean),
                 {{.prior_mean = mean, .prior_sd = 0.5, .noise_sd = 0.5, .observed = 1}});
}

KnownPosterior gamma_poisson() {
  KnownPosterior known;
  known.id = "P9";
  known.name = "Poisson counts 3, 5, 4 under Gamma(2, 1)";
  known.side = Side::natural;
  known.problem.parameters = {{.name = "rate", .unit = "1", .prior = {Family::gamma_share, 2, 1}}};
  known.problem.prior = independent_prior(known.problem.parameters);
  known.problem.observed = {{"y1", 3}, {"y2", 5}, {"y3", 4}};
  known.problem.simulate = [](std::span<const double> theta, Key key) {
    std::vector<double> s(3);
    for (std::size_t k = 0; k < s.size(); ++k) {
      s[k] = static_cast<double>(poisson_quantile(theta[0], uniform_number(key, k)));
    }
    return s;
  };
  const double log_factorials = std::lgamma(4.0) + std::lgamma(6.0) + std::lgamma(5.0);
  known.log_likelihood = [log_factorials](std::span<const double> theta) {
    return 12 * std::log(theta[0]) - 3 * theta[0] - log_factorials;
  };
  known.means = {14.0 / 4};
  known.sds = {std::sqrt(14.0) / 4};
  known.log_evidence = std::lgamma(14.0) - 14 * std::log(4.0) - std::lgamma(2.0) - log_factorials;
  return known;
}

KnownPosterior bernoulli(double a, double b) {
  return beta_problem("P10", fmt::format("50 of 100 in order under Beta({}, {})", a, b), 50, 100, a, b, 0);
}

double bass_probability(double p, double q, int in_use) {
  return -std::expm1(-(p + q * in_use / static_cast<double>(kBassSize)));
}

double bass_log_likelihood(double p, double q) {
  double sum = 0;
  for (std::size_t t = 1; t < kBassCounts.size(); ++t) {
    const int before = kBassCounts[t - 1];
    sum += log_binomial(kBassCounts[t] - before, kBassSize - before, bass_probability(p, q, before));
  }
  return sum;
}

double reported_bass_log_likelihood(double p, double q) {
  std::array<double, kBassSize + 1> forward{};
  forward[0] = 1;
  double sum = 0;
  for (const int reported : kReportedCounts) {
    std::array<double, kBassSize + 1> next{};
    for (int from = 0; from <= kBassSize; ++from) {
      const double mass = forward[static_cast<std::size_t>(from)];
      if (mass <= 0) continue;
      const double jump = bass_probability(p, q, from);
      for (int to = std::max(from, reported); to <= kBassSize; ++to) {
        next[static_cast<std::size_t>(to)] += mass * std::exp(log_binomial(to - from, kBassSize - from, jump));
      }
    }
    double total = 0;
    for (int in_use = 0; in_use <= kBassSize; ++in_use) {
      double& mass = next[static_cast<std::size_t>(in_use)];
      mass *= std::exp(log_binomial(reported, in_use, kReporting));
      total += mass;
    }
    sum += std::log(total);
    for (double& mass : next) mass /= total;
    forward = next;
  }
  return sum;
}

KnownPosterior bass() {
  KnownPosterior known = bass_problem();
  known.id = "P12";
  known.name = "Bass adoption, every count seen";
  for (std::size_t t = 1; t < kBassCounts.size(); ++t) {
    known.problem.observed.push_back(
        {fmt::format("new in year {}", t), static_cast<double>(kBassCounts[t] - kBassCounts[t - 1])});
  }
  known.problem.simulate = [](std::span<const double> theta, Key key) {
    std::vector<double> s(kBassCounts.size() - 1);
    int in_use = 0;
    for (std::size_t t = 0; t < s.size(); ++t) {
      const int jump = bass_jump(theta, in_use, uniform_number(key, t));
      s[t] = jump;
      in_use += jump;
    }
    return s;
  };
  known.log_likelihood = [](std::span<const double> theta) { return bass_log_likelihood(theta[0], theta[1]); };
  // By quadrature over bass_log_likelihood; tests/known_posteriors_test.cpp does it again.
  known.means = {-3.50528504836, -0.638329873339};
  known.sds = {0.474491303142, 0.195412913117};
  known.log_evidence = -19.4538930115;
  return known;
}

KnownPosterior reported_bass() {
  KnownPosterior known = bass_problem();
  known.id = "P13";
  known.name = "Bass adoption, 85 % report";
  for (std::size_t t = 0; t < kReportedCounts.size(); ++t) {
    const int before = t == 0 ? 0 : kReportedCounts[t - 1];
    known.problem.observed.push_back(
        {fmt::format("change in year {}", t + 1), static_cast<double>(kReportedCounts[t] - before)});
  }
  known.problem.simulate = [](std::span<const double> theta, Key key) {
    std::vector<double> s(kReportedCounts.size());
    int in_use = 0;
    double before = 0;
    for (std::size_t t = 0; t < s.size(); ++t) {
      in_use += bass_jump(theta, in_use, uniform_number(key, 2 * t));
      const auto reported = static_cast<double>(binomial_quantile(in_use, kReporting, uniform_number(key, 2 * t + 1)));
      s[t] = reported - before;
      before = reported;
    }
    return s;
  };
  known.log_likelihood = [](std::span<const double> theta) { return reported_bass_log_likelihood(theta[0], theta[1]); };
  known.means = {-3.48158, -0.64705};
  known.sds = {0.47691, 0.22475};
  known.log_evidence = -24.2199660258;
  return known;
}

namespace {
constexpr double kPersistence = 0.9, kMove = 0.25, kNoise = 0.5;  // the last two are variances
}  // namespace

FilteredLevel kalman_filter() {
  FilteredLevel level{.mean = 0, .variance = kMove / (1 - kPersistence * kPersistence)};
  for (std::size_t t = 0; t < kLevelSeries.size(); ++t) {
    if (t > 0) {
      level.mean *= kPersistence;
      level.variance = kPersistence * kPersistence * level.variance + kMove;
    }
    level.log_likelihood += log_normal_density(kLevelSeries[t], level.mean, std::sqrt(level.variance + kNoise));
    const double gain = level.variance / (level.variance + kNoise);
    level.mean += gain * (kLevelSeries[t] - level.mean);
    level.variance *= 1 - gain;
  }
  return level;
}

LevelStepper::State LevelStepper::start(std::span<const double>, Key key) const { return {.level = 0, .key = key}; }
void LevelStepper::advance(State& state, int interval) const {
  const double z = normal_number(state.key, static_cast<std::size_t>(interval));
  state.level = interval == 0 ? std::sqrt(kMove / (1 - kPersistence * kPersistence)) * z
                              : kPersistence * state.level + std::sqrt(kMove) * z;
}
double LevelStepper::observe(const State& state, int interval) const {
  return log_normal_density(kLevelSeries[static_cast<std::size_t>(interval)], state.level, std::sqrt(kNoise));
}

BassStepper::State BassStepper::start(std::span<const double> parameters, Key key) const {
  return {.p = parameters[0], .q = parameters[1], .in_use = 0, .key = key};
}
void BassStepper::advance(State& state, int interval) const {
  state.in_use += bass_jump(std::array{state.p, state.q}, state.in_use,
                            uniform_number(state.key, static_cast<std::size_t>(interval)));
}
double BassStepper::observe(const State& state, int interval) const {
  return log_binomial(counts[static_cast<std::size_t>(interval)], state.in_use, kReporting);
}

Closeness closeness(const KnownPosterior& known, const WeightedDraws& draws) {
  WeightedDraws compared = draws;
  if (known.side == Side::natural) {
    for (std::size_t i = 0; i < draws.n; ++i) {
      const std::vector<double> values = to_natural(known.problem.parameters, draws.row(i));
      std::ranges::copy(values, compared.values.begin() + static_cast<std::ptrdiff_t>(i * draws.n_parameters));
    }
  }
  const std::vector<double> means = means_of(compared), sds = sds_of(compared);
  Closeness result{.smallest_sd_ratio = std::numeric_limits<double>::infinity()};
  for (std::size_t j = 0; j < means.size(); ++j) {
    const double error = std::abs(means[j] - known.means[j]) / known.sds[j], ratio = sds[j] / known.sds[j];
    result.mean_error += error / static_cast<double>(means.size());
    result.largest_error = std::max(result.largest_error, error);
    result.sd_ratio += std::log(ratio) / static_cast<double>(means.size());
    result.smallest_sd_ratio = std::min(result.smallest_sd_ratio, ratio);
    result.largest_sd_ratio = std::max(result.largest_sd_ratio, ratio);
  }
  result.sd_ratio = std::exp(result.sd_ratio);
  return result;
}

}  // namespace uptake
