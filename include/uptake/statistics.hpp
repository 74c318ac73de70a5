/// What is said of a quantity that each replicate has its own value of.
#pragma once

#include <span>

namespace uptake {

/// Statistics of one quantity over replicates.
struct Statistics {
  double mean = 0, sd = 0, p05 = 0, p25 = 0, p50 = 0, p75 = 0, p95 = 0;
  double mcse = 0;  ///< Monte-Carlo standard error of the mean, sd / sqrt(n)
};
/// Exact sample quantiles by linear interpolation of order statistics (Hyndman & Fan 1996, type 7); NaN values are left
/// out; all NaN gives NaN. Reorders `values`.
[[nodiscard]] Statistics statistics(std::span<double> values);

}  // namespace uptake
