#include "statistics/special_functions.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace uptake {

double normal_density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }

double normal_cdf(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }

double gamma_cdf(double shape, double x) {
  constexpr double kPrecision = 1e-15;
  if (!(x > 0)) return 0;
  if (std::isinf(x)) return 1;
  const double scale = std::exp(shape * std::log(x) - x - std::lgamma(shape));
  if (x < shape + 1) {
    double term = 1 / shape, sum = term;
    for (int i = 1; term > sum * kPrecision; ++i) {
      term *= x / (shape + i);
      sum += term;
    }
    return sum * scale;
  }
  constexpr double kTiny = 1e-300;
  double b = x + 1 - shape, c = 1 / kTiny, d = 1 / b, fraction = d;
  for (int i = 1; i < 100'000; ++i) {
    const double a = -i * (i - shape);
    b += 2;
    d = a * d + b;
    if (std::abs(d) < kTiny) d = kTiny;
    c = b + a / c;
    if (std::abs(c) < kTiny) c = kTiny;
    d = 1 / d;
    fraction *= c * d;
    if (std::abs(c * d - 1) < kPrecision) break;
  }
  return 1 - fraction * scale;
}

double chi_squared_tail(double x, double degrees) { return 1 - gamma_cdf(degrees / 2, x / 2); }

namespace {
/// Where summing may begin: 12 standard deviations below the mean there is nothing that a double could add to 1, and
/// above it nothing underflows.
std::int64_t first_of_note(double mean, double variance) {
  return static_cast<std::int64_t>(std::max(0.0, mean - 12 * std::sqrt(variance)));
}
}  // namespace

std::int64_t binomial_quantile(std::int64_t n, double probability, double u) {
  if (probability <= 0 || n == 0) return 0;
  if (probability >= 1) return n;
  const double odds = probability / (1 - probability);
  std::int64_t k =
      first_of_note(static_cast<double>(n) * probability, static_cast<double>(n) * probability * (1 - probability));
  double mass = std::exp(k == 0 ? static_cast<double>(n) * std::log1p(-probability) : log_binomial(k, n, probability));
  double sum = mass;
  while (sum < u && k < n) {
    mass *= odds * static_cast<double>(n - k) / static_cast<double>(k + 1);
    sum += mass;
    ++k;
  }
  return k;
}

std::int64_t poisson_quantile(double mean, double u) {
  std::int64_t k = first_of_note(mean, mean);
  const auto from = static_cast<double>(k);
  double mass = std::exp(k == 0 ? -mean : from * std::log(mean) - mean - std::lgamma(from + 1)), sum = mass;
  // Where the sum no longer grows the tail is beyond the precision of u.
  while (sum < u && (mass > 0 && (static_cast<double>(k) < mean || sum + mass > sum))) {
    ++k;
    mass *= mean / static_cast<double>(k);
    sum += mass;
  }
  return k;
}

double log_binomial(std::int64_t k, std::int64_t n, double probability) {
  constexpr double kImpossible = -std::numeric_limits<double>::infinity();
  if (k < 0 || k > n) return kImpossible;
  const auto successes = static_cast<double>(k), trials = static_cast<double>(n);
  const double ways = std::lgamma(trials + 1) - std::lgamma(successes + 1) - std::lgamma(trials - successes + 1);
  const double in = k == 0 ? 0 : successes * std::log(probability);
  const double out = k == n ? 0 : (trials - successes) * std::log1p(-probability);
  return ways + in + out;
}

}  // namespace uptake
