/// Statistics of columns of values, one for each replicate.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "uptake/outcomes.hpp"

namespace uptake {

/// Statistics of one quantity over replicates.
struct Statistics {
  double mean = 0, sd = 0, p05 = 0, p25 = 0, p50 = 0, p75 = 0, p95 = 0;
  double mcse = 0;  ///< Monte-Carlo standard error of the mean, sd / sqrt(n)
};
/// Exact sample quantiles by linear interpolation of order statistics (Hyndman & Fan 1996, type 7); NaN values are left
/// out; all NaN gives NaN. Reorders `values`.
[[nodiscard]] Statistics statistics(std::span<double> values);

/// Names of the statistics, everywhere in this order.
inline constexpr std::array<std::string_view, 8> kStatisticNames{"mean", "sd",  "p05", "p25",
                                                                 "p50",  "p75", "p95", "mcse"};
/// What is nought is 0 and not -0 (a ratio of nothing to a loss).
[[nodiscard]] inline std::array<double, kStatisticNames.size()> in_order(const Statistics& s) {
  std::array values{s.mean, s.sd, s.p05, s.p25, s.p50, s.p75, s.p95, s.mcse};
  for (double& value : values) value += 0.0;
  return values;
}

/// mean(over) / mean(under), and the part of each replicate in it.
struct MeanRatio {
  double value;  ///< NaN where the ratio is undefined
  /// (over - value under) / mean(under), whose mean is 0: its standard error is that of the ratio (delta method; Cochran
  /// 1977, Sampling Techniques, section 2.11). NaN in replicates where either is undefined.
  std::vector<double> residual;
};
/// Of two metrics by replicate, as `ratio` has them.
[[nodiscard]] MeanRatio mean_ratio(const RatioOfMeans& ratio, std::span<const double> over,
                                   std::span<const double> under);
/// Standard error of the mean of the defined values; NaN for fewer than two.
[[nodiscard]] double standard_error(std::span<const double> values);

/// Finds the statistics of columns one after another; those of short ones side by side.
class ColumnStatistics {
 public:
  /// As many columns as stand side by side, a value of each.
  static constexpr std::size_t kLanes = 8;
  using Lanes = std::array<double, kLanes>;

  /// @param n values of a column
  explicit ColumnStatistics(std::size_t n);
  /// Room for a column; add() takes it.
  [[nodiscard]] std::span<double> next();
  /// The column in next() belongs to `result`, which is complete after finish(). @return how many values are defined
  std::int32_t add(Statistics& result);
  void finish();

 private:
  std::size_t n_;
  std::vector<double> values_;
  std::vector<Statistics*> waiting_;
  std::vector<Lanes> lanes_;
};

}  // namespace uptake
