#include "statistics/scores.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <numeric>
#include <tuple>

#include "statistics/special_functions.hpp"
#include "uptake/error.hpp"

namespace uptake {

namespace {
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double quantile_of_sorted(std::span<const double> sorted, double probability) {
  const double place = static_cast<double>(sorted.size() - 1) * probability;
  const auto low = static_cast<std::size_t>(place);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (place - std::floor(place)) * (sorted[high] - sorted[low]);
}

std::vector<double> sorted_copy(std::span<const double> sample) {
  std::vector<double> sorted(sample.begin(), sample.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

double crps_of_sorted(std::span<const double> sorted, double observed, Crps kind) {
  const auto m = static_cast<double>(sorted.size());
  double error = 0, pairs = 0;  // pairs: sum over i < j of x_j - x_i
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    error += std::abs(sorted[i] - observed);
    pairs += (2 * static_cast<double>(i) + 1 - m) * sorted[i];
  }
  return error / m - pairs / (m * (kind == Crps::fair ? m - 1 : m));
}

Wis wis_without_checks(std::span<const double> probabilities, std::span<const double> quantiles, double observed) {
  const std::size_t n = probabilities.size(), middle = n / 2;
  Wis wis;
  const double from_median = (observed - quantiles[middle]) / 2;
  (from_median > 0 ? wis.underprediction : wis.overprediction) += std::abs(from_median);
  for (std::size_t k = 0; k < middle; ++k) {
    // alpha / 2 = probabilities[k]; alpha/2 * 2/alpha = 1 for what lies outside
    const double low = quantiles[k], high = quantiles[n - 1 - k];
    wis.dispersion += probabilities[k] * (high - low);
    wis.overprediction += std::max(0.0, low - observed);
    wis.underprediction += std::max(0.0, observed - high);
  }
  const double weight = static_cast<double>(middle) + 0.5;
  wis.dispersion /= weight;
  wis.overprediction /= weight;
  wis.underprediction /= weight;
  wis.total = wis.dispersion + wis.overprediction + wis.underprediction;
  return wis;
}
}  // namespace

double crps_normal(double mean, double sd, double observed) {
  const double z = (observed - mean) / sd;
  return sd * (z * (2 * normal_cdf(z) - 1) + 2 * normal_density(z) - 1 / std::sqrt(std::numbers::pi));
}

double crps(std::span<const double> sample, double observed, Crps kind) {
  UPTAKE_EXPECTS(sample.size() > (kind == Crps::fair ? 1U : 0U));
  return crps_of_sorted(sorted_copy(sample), observed, kind);
}

Wis weighted_interval_score(std::span<const double> probabilities, std::span<const double> quantiles, double observed) {
  std::vector<Problem> problems;
  const std::size_t n = probabilities.size();
  const auto complain = [&](std::string what, std::string suggestion) {
    problems.push_back({"quantiles", std::move(what), std::move(suggestion)});
  };
  if (n == 0 || n % 2 == 0) {
    complain(fmt::format("{} probabilities have no median in their middle", n),
             "give pairs of quantiles and the median");
  }
  if (quantiles.size() != n) complain(fmt::format("{} quantiles for {} probabilities", quantiles.size(), n), "");
  for (std::size_t k = 0; k < n; ++k) {
    if (std::abs(probabilities[k] + probabilities[n - 1 - k] - 1) > 1e-9) {
      complain(fmt::format("probability {} has no counterpart {:.4g}", probabilities[k], 1 - probabilities[k]),
               "give central intervals");
    }
    if (k > 0 && !(probabilities[k] > probabilities[k - 1])) complain("probabilities do not ascend", "sort them");
    if (k > 0 && k < quantiles.size() && !(quantiles[k] >= quantiles[k - 1])) {
      complain(fmt::format("quantile {} at {} is below the one before", quantiles[k], probabilities[k]), "");
    }
  }
  if (!problems.empty()) throw InputError(std::move(problems));
  return wis_without_checks(probabilities, quantiles, observed);
}

std::vector<double> quantiles_of(std::span<const double> sample, std::span<const double> probabilities) {
  const std::vector<double> sorted = sorted_copy(sample);
  std::vector<double> quantiles;
  for (const double probability : probabilities) quantiles.push_back(quantile_of_sorted(sorted, probability));
  return quantiles;
}

Score score(std::span<const double> sample, double observed) {
  UPTAKE_EXPECTS(!sample.empty());
  const bool finite = std::ranges::all_of(sample, [](double v) { return std::isfinite(v); });
  if (!finite || !std::isfinite(observed)) {
    throw InputError({{"forecast", "a draw or the observation is not a finite number", "leave it out of the scores"}});
  }
  std::vector<double> sorted = sorted_copy(sample);
  const auto m = static_cast<double>(sorted.size());
  Score result;
  result.observed = observed;
  for (std::size_t k = 0; k < result.quantiles.size(); ++k) {
    result.quantiles[k] = quantile_of_sorted(sorted, kForecastProbabilities[k]);
  }
  result.crps = crps_of_sorted(sorted, observed, Crps::empirical);
  result.wis = wis_without_checks(kForecastProbabilities, result.quantiles, observed);
  result.below = static_cast<double>(std::ranges::lower_bound(sorted, observed) - sorted.begin()) / m;
  result.at_or_below = static_cast<double>(std::ranges::upper_bound(sorted, observed) - sorted.begin()) / m;
  result.bias = 1 - result.below - result.at_or_below;
  result.absolute_error = std::abs(result.quantiles[result.quantiles.size() / 2] - observed);
  result.log_crps = result.log_wis = kNaN;
  if (sorted.front() >= 0 && observed >= 0) {
    for (double& value : sorted) value = std::log1p(value);
    std::array<double, kForecastProbabilities.size()> quantiles{};
    for (std::size_t k = 0; k < quantiles.size(); ++k) {
      quantiles[k] = quantile_of_sorted(sorted, kForecastProbabilities[k]);
    }
    result.log_crps = crps_of_sorted(sorted, std::log1p(observed), Crps::empirical);
    result.log_wis = wis_without_checks(kForecastProbabilities, quantiles, std::log1p(observed)).total;
  }
  return result;
}

bool Score::covered(double level) const {
  const double tail = (1 - level) / 2;
  for (std::size_t k = 0; k < kForecastProbabilities.size() / 2; ++k) {
    if (std::abs(kForecastProbabilities[k] - tail) > 1e-9) continue;
    return observed >= quantiles[k] && observed <= quantiles[quantiles.size() - 1 - k];
  }
  throw InputError({{"coverage", fmt::format("level {} is not among the stored intervals", level),
                     "0.1, 0.2, ... 0.9, 0.95 and 0.98 are"}});
}

double pit_distribution(std::span<const double> below, std::span<const double> at_or_below, double u) {
  UPTAKE_EXPECTS(below.size() == at_or_below.size());
  double sum = 0;
  for (std::size_t i = 0; i < below.size(); ++i) {
    const double mass = at_or_below[i] - below[i];
    sum += mass > 0 ? std::clamp((u - below[i]) / mass, 0.0, 1.0) : (u >= below[i] ? 1 : 0);
  }
  return sum / static_cast<double>(below.size());
}

std::vector<double> pit_histogram(std::span<const Score> scores, int n_bins) {
  std::vector<double> below, at_or_below, heights;
  for (const Score& one : scores) {
    below.push_back(one.below);
    at_or_below.push_back(one.at_or_below);
  }
  double before = 0;
  for (int bin = 1; bin <= n_bins; ++bin) {
    const double here = bin == n_bins ? 1 : pit_distribution(below, at_or_below, static_cast<double>(bin) / n_bins);
    heights.push_back((here - before) * n_bins);
    before = here;
  }
  return heights;
}

Skill skill(std::span<const Compared> compared, Key key) {
  constexpr std::size_t kBootstraps = 2000;
  struct Sums {
    double ours = 0, theirs = 0;
  };
  std::map<std::string, Sums> groups;
  Skill result{.ratio = kNaN, .geometric = kNaN, .low = kNaN, .high = kNaN, .n_forecasts = compared.size()};
  Sums all;
  for (const Compared& one : compared) {
    Sums& group = groups[one.group];
    group.ours += one.ours.wis.total;
    group.theirs += one.theirs.wis.total;
    all.ours += one.ours.wis.total;
    all.theirs += one.theirs.wis.total;
  }
  result.n_groups = groups.size();
  if (all.theirs > 0) result.ratio = all.ours / all.theirs;
  double sum_of_logs = 0, n_with_ratio = 0;
  std::vector<Sums> sums;
  for (const auto& [name, group] : groups) {
    sums.push_back(group);
    if (!(group.ours > 0 && group.theirs > 0)) continue;
    sum_of_logs += std::log(group.ours / group.theirs);
    n_with_ratio += 1;
  }
  if (n_with_ratio > 0) result.geometric = std::exp(sum_of_logs / n_with_ratio);
  if (sums.size() < 2) return result;
  std::vector<double> ratios;
  for (std::size_t b = 0; b < kBootstraps; ++b) {
    Sums drawn;
    for (std::size_t g = 0; g < sums.size(); ++g) {
      const double u = uniform_number(key, b * sums.size() + g);
      const Sums& from = sums[static_cast<std::size_t>(u * static_cast<double>(sums.size()))];
      drawn.ours += from.ours;
      drawn.theirs += from.theirs;
    }
    if (drawn.theirs > 0) ratios.push_back(drawn.ours / drawn.theirs);
  }
  if (ratios.empty()) return result;
  std::sort(ratios.begin(), ratios.end());
  result.low = quantile_of_sorted(ratios, 0.05);
  result.high = quantile_of_sorted(ratios, 0.95);
  return result;
}

std::pair<double, double> chance_limits(std::size_t n, double level) {
  UPTAKE_EXPECTS(n > 0);
  constexpr double kTail = 0.025;
  const auto limit = [&](double u) {
    return static_cast<double>(binomial_quantile(static_cast<std::int64_t>(n), level, u)) / static_cast<double>(n);
  };
  return {limit(kTail), limit(1 - kTail)};
}

Coverage coverage(std::span<const Score> scores, double level, std::size_t n_independent) {
  UPTAKE_EXPECTS(n_independent <= scores.size());
  Coverage result{.level = level, .share = kNaN, .low = kNaN, .high = kNaN, .n_independent = n_independent};
  if (n_independent == 0) return result;
  const auto n_covered = std::ranges::count_if(scores, [&](const Score& one) { return one.covered(level); });
  result.share = static_cast<double>(n_covered) / static_cast<double>(scores.size());
  std::tie(result.low, result.high) = chance_limits(n_independent, level);
  return result;
}

OutsideView outside_view(std::span<const double> ratios) {
  if (ratios.empty() || !std::ranges::all_of(ratios, [](double r) { return std::isfinite(r); })) {
    throw InputError({{"outside view",
                       ratios.empty() ? "there is no past forecast to learn from"
                                      : "a ratio of realised to forecast is not a finite number",
                       "give the ratios of back-tests whose forecast is not 0"}});
  }
  const auto q = quantiles_of(ratios, std::array{0.2, 0.5, 0.8});
  return {.p20 = q[0], .p50 = q[1], .p80 = q[2], .n = ratios.size()};
}

std::vector<double> reference_quantiles(std::span<const double> forecasts, std::span<const double> ratios, double most,
                                        std::span<const double> probabilities) {
  UPTAKE_EXPECTS(!forecasts.empty() && !ratios.empty());
  std::vector<double> outcomes;
  outcomes.reserve(forecasts.size() * ratios.size());
  // Of what is below 0 the largest ratio is the lowest outcome: quantiles are of the products.
  for (const double forecast : forecasts)
    for (const double ratio : ratios) outcomes.push_back(forecast * std::min(ratio, most));
  return quantiles_of(outcomes, probabilities);
}

std::vector<double> quantile_average(std::span<const double> first, std::span<const double> second, double weight) {
  UPTAKE_EXPECTS(first.size() == second.size());
  UPTAKE_EXPECTS(weight >= 0 && weight <= 1);
  std::vector<double> average(first.size());
  for (std::size_t i = 0; i < average.size(); ++i) average[i] = (1 - weight) * first[i] + weight * second[i];
  return average;
}

}  // namespace uptake
