// Parameters on the real line: transformations, priors with their Jacobians, weighted draws.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "uptake/calibration.hpp"

namespace uptake {

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Interval {
  double low, high;
};
/// Of the logit scale: of the logarithm where that is uniform.
Interval interval_of(const CalibratedParameter& parameter) {
  if (parameter.prior.family == Family::log_uniform) {
    return {std::log(std::max(parameter.prior.a, parameter.lowest)),
            std::log(std::min(parameter.prior.b, parameter.highest))};
  }
  if (parameter.prior.family == Family::uniform) {
    return {std::max(parameter.prior.a, parameter.lowest), std::min(parameter.prior.b, parameter.highest)};
  }
  return {0, 1};
}

double unconstrained(const CalibratedParameter& parameter, double natural) {
  switch (scale_of(parameter)) {
    case Scale::identity:
      return natural;
    case Scale::log:
      return std::log(natural);
    case Scale::logit: {
      const auto [low, high] = interval_of(parameter);
      const double value = parameter.prior.family == Family::log_uniform ? std::log(natural) : natural;
      return std::log((value - low) / (high - value));
    }
  }
  return natural;
}

double natural(const CalibratedParameter& parameter, double x) {
  switch (scale_of(parameter)) {
    case Scale::identity:
      return x;
    case Scale::log:
      return std::exp(x);
    case Scale::logit: {
      const auto [low, high] = interval_of(parameter);
      const double value = low + (high - low) / (1 + std::exp(-x));
      return parameter.prior.family == Family::log_uniform ? std::exp(value) : value;
    }
  }
  return x;
}

/// ln of prior density times Jacobian, without constants.
double log_density(const CalibratedParameter& parameter, double x) {
  const double value = natural(parameter, x);
  if (!(value >= parameter.lowest && value <= parameter.highest)) return -kInfinity;
  // d value / d x = value on the log scale, (value - low)(high - value) / (high - low) on the logit scale; with
  // e = exp(-|x|) the latter is e / (1 + e)^2 up to a constant, which does not cancel far out.
  const double log_logistic = -std::abs(x) - 2 * std::log1p(std::exp(-std::abs(x)));
  const double a = parameter.prior.a, b = parameter.prior.b;
  switch (parameter.prior.family) {
    case Family::normal:
      return -0.5 * ((value - a) / b) * ((value - a) / b);
    case Family::lognormal: {
      const double z = (x - std::log(a)) / b;
      return -0.5 * z * z;
    }
    case Family::half_normal:
      return -0.5 * (value / a) * (value / a) + x;
    case Family::gamma_share:
      return a * x - value;
    case Family::beta: {
      // a ln v + b ln(1 - v), both without cancellation
      const double tail = std::log1p(std::exp(-std::abs(x)));
      const double log_v = x > 0 ? -tail : x - tail, log_rest = x > 0 ? -x - tail : -tail;
      return a * log_v + b * log_rest;
    }
    case Family::uniform:
    case Family::log_uniform:
      return log_logistic;
    case Family::fixed:
    case Family::one_or_uniform:
      break;
  }
  return -kInfinity;
}

std::vector<Problem> problems_of(const CalibratedParameter& parameter) {
  std::vector<Problem> problems;
  const Family family = parameter.prior.family;
  if (family == Family::fixed || family == Family::one_or_uniform) {
    problems.push_back(
        {parameter.name, fmt::format("prior {} has no density, so it cannot be calibrated", to_text(parameter.prior)),
         "give it a normal, lognormal, half-normal, gamma, beta, uniform or log-uniform prior, or leave it out"});
    return problems;
  }
  if (!(parameter.lowest < parameter.highest)) {
    problems.push_back({parameter.name, fmt::format("range [{}, {}] is empty", parameter.lowest, parameter.highest),
                        "the lowest value must be below the highest"});
    return problems;
  }
  const bool has_ends = family == Family::uniform || family == Family::log_uniform;
  if (const auto [low, high] = interval_of(parameter); has_ends && !(low < high)) {
    problems.push_back({parameter.name, "prior has no mass in the parameter's range", "widen one of them"});
  }
  return problems;
}

/// By rejection: quantiles at fresh uniforms until one is inside the range.
double draw_one(const CalibratedParameter& parameter, Key key, std::size_t index) {
  constexpr std::uint16_t kAttempts = 10'000;
  for (std::uint16_t attempt = 0; attempt < kAttempts; ++attempt) {
    const double u = uniform(key, {.organisation = index, .occurrence = attempt});
    const double value = quantile(parameter.prior, u, -kInfinity, kInfinity);
    const double x = unconstrained(parameter, value);
    if (value >= parameter.lowest && value <= parameter.highest && std::isfinite(x)) return x;
  }
  throw InputError({{parameter.name,
                     fmt::format("prior {} has next to no mass in [{}, {}]", to_text(parameter.prior), parameter.lowest,
                                 parameter.highest),
                     "move the prior or widen the range"}});
}
}  // namespace

Scale scale_of(const CalibratedParameter& parameter) {
  switch (parameter.prior.family) {
    case Family::lognormal:
    case Family::half_normal:
    case Family::gamma_share:
      return Scale::log;
    case Family::beta:
    case Family::uniform:
    case Family::log_uniform:
      return Scale::logit;
    case Family::normal:
    case Family::fixed:
    case Family::one_or_uniform:
      return Scale::identity;
  }
  return Scale::identity;
}

std::vector<double> to_unconstrained(std::span<const CalibratedParameter> parameters, std::span<const double> values) {
  UPTAKE_EXPECTS(parameters.size() == values.size());
  std::vector<double> result(values.size());
  for (std::size_t j = 0; j < values.size(); ++j) result[j] = unconstrained(parameters[j], values[j]);
  return result;
}

std::vector<double> to_natural(std::span<const CalibratedParameter> parameters, std::span<const double> values) {
  UPTAKE_EXPECTS(parameters.size() == values.size());
  std::vector<double> result(values.size());
  for (std::size_t j = 0; j < values.size(); ++j) result[j] = natural(parameters[j], values[j]);
  return result;
}

UnconstrainedPrior independent_prior(const std::vector<CalibratedParameter>& parameters) {
  std::vector<Problem> problems;
  for (const CalibratedParameter& parameter : parameters) {
    const auto of = problems_of(parameter);
    problems.insert(problems.end(), of.begin(), of.end());
  }
  if (!problems.empty()) throw InputError(std::move(problems));
  return {.n_parameters = parameters.size(),
          .draw =
              [parameters](Key key) {
                std::vector<double> x(parameters.size());
                for (std::size_t j = 0; j < x.size(); ++j) x[j] = draw_one(parameters[j], key, j);
                return x;
              },
          .log_density =
              [parameters](std::span<const double> x) {
                double sum = 0;
                for (std::size_t j = 0; j < x.size(); ++j) sum += log_density(parameters[j], x[j]);
                return sum;
              }};
}

// ---- weighted draws -----------------------------------------------------------------------------------------------

std::vector<double> variances_of(const UnconstrainedPrior& prior, std::uint64_t seed) {
  constexpr std::size_t kDraws = 20'000;
  constexpr std::size_t kGeneration = (1U << 12) - 1;  // that no calibration reaches
  std::vector<double> means(prior.n_parameters, 0.0), sums(prior.n_parameters, 0.0);
  for (std::size_t i = 0; i < kDraws; ++i) {
    const std::vector<double> x = prior.draw(calibration_key(seed, Purpose::prior, kGeneration, 0, i));
    for (std::size_t j = 0; j < x.size(); ++j) {  // Welford 1962
      const double gap = x[j] - means[j];
      means[j] += gap / static_cast<double>(i + 1);
      sums[j] += gap * (x[j] - means[j]);
    }
  }
  for (double& sum : sums) sum /= kDraws - 1;
  return sums;
}

std::vector<double> means_of(const WeightedDraws& draws) {
  std::vector<double> means(draws.n_parameters, 0.0);
  for (std::size_t i = 0; i < draws.n; ++i) {
    for (std::size_t j = 0; j < means.size(); ++j) means[j] += draws.weights[i] * draws.row(i)[j];
  }
  return means;
}

std::vector<double> sds_of(const WeightedDraws& draws) {
  const std::vector<double> means = means_of(draws);
  std::vector<double> sds(draws.n_parameters, 0.0);
  double squares = 0;
  for (std::size_t i = 0; i < draws.n; ++i) {
    squares += draws.weights[i] * draws.weights[i];
    for (std::size_t j = 0; j < sds.size(); ++j) {
      const double deviation = draws.row(i)[j] - means[j];
      sds[j] += draws.weights[i] * deviation * deviation;
    }
  }
  // 1 - sum w^2 is (n - 1) / n for equal weights: the usual unbiased estimate.
  for (double& sd : sds) sd = squares < 1 ? std::sqrt(sd / (1 - squares)) : 0;
  return sds;
}

double quantile_of(const WeightedDraws& draws, std::size_t parameter, double probability) {
  std::vector<std::size_t> order(draws.n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto value = [&](std::size_t i) { return draws.row(i)[parameter]; };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return value(a) < value(b); });
  double cumulated = 0;
  for (const std::size_t i : order) {
    cumulated += draws.weights[i];
    if (cumulated >= probability) return value(i);
  }
  return value(order.back());
}

double effective_size(std::span<const double> weights) {
  double sum = 0, squares = 0;
  for (const double w : weights) {
    sum += w;
    squares += w * w;
  }
  return squares > 0 ? sum * sum / squares : 0;
}

WeightedDraws resampled(const WeightedDraws& draws, std::size_t n, Key key) {
  WeightedDraws result{n, draws.n_parameters, {}, std::vector<double>(n, 1.0 / static_cast<double>(n))};
  result.values.resize(n * draws.n_parameters);
  std::vector<std::size_t> chosen(n);
  const double start = uniform_number(key, 0);
  double cumulated = draws.weights[0];
  std::size_t from = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double place = (static_cast<double>(i) + start) / static_cast<double>(n);
    while (cumulated < place && from + 1 < draws.n) cumulated += draws.weights[++from];
    chosen[i] = from;
  }
  // Fisher & Yates (Durstenfeld 1964)
  for (std::size_t i = n; i > 1; --i) {
    const auto j = static_cast<std::size_t>(uniform_number(key, i) * static_cast<double>(i));
    std::swap(chosen[i - 1], chosen[j]);
  }
  for (std::size_t i = 0; i < n; ++i) {
    std::ranges::copy(draws.row(chosen[i]),
                      result.values.begin() + static_cast<std::ptrdiff_t>(i * draws.n_parameters));
  }
  return result;
}

}  // namespace uptake
