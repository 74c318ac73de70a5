#include <cmath>

#include "uptake/error.hpp"
#include "uptake/outcomes.hpp"

namespace uptake {

Inequality inequality(std::span<const double> coverage, std::span<const double> weight) {
  UPTAKE_EXPECTS(coverage.size() == weight.size());
  double total = 0, weighted = 0;
  for (std::size_t q = 0; q < coverage.size(); ++q) {
    total += weight[q];
    weighted += weight[q] * coverage[q];
  }
  if (total <= 0) return {};
  const double mean = weighted / total;

  // Ranks are the mid-points of each group's cumulative share of the population; their weighted mean is 1/2.
  double below = 0, covariance = 0, rank_variance = 0, variance = 0, differences = 0;
  for (std::size_t q = 0; q < coverage.size(); ++q) {
    const double share = weight[q] / total;
    const double rank = below + share / 2 - 0.5;
    below += share;
    covariance += share * rank * (coverage[q] - mean);
    rank_variance += share * rank * rank;
    variance += share * (coverage[q] - mean) * (coverage[q] - mean);
    for (std::size_t other = 0; other < q; ++other)
      differences += 2 * share * weight[other] / total * std::abs(coverage[q] - coverage[other]);
  }

  Inequality result;
  if (rank_variance > 0) result.slope_index = covariance / rank_variance;
  if (mean == 0) return result;  // nobody is covered: equal, so every relative measure is 0
  result.relative_index = result.slope_index / mean;
  result.concentration_index = 2 * covariance / mean;
  result.gini = differences / (2 * mean);
  result.coefficient_of_variation = std::sqrt(variance) / mean;
  return result;
}

}  // namespace uptake
