/// Forecasts that a calibrated model has to beat. Each gives draws of the series at the asked times.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "uptake/random.hpp"

namespace uptake {

/// A cumulative count at a time in years since launch.
struct SeriesPoint {
  double time = 0, value = 0;
};

/// Draws by time: values[t * n_draws + i]; each draw is one path.
struct BaselineForecast {
  std::size_t n_draws = 0;
  std::vector<double> values;
  [[nodiscard]] std::span<const double> at(std::size_t time) const { return {values.data() + time * n_draws, n_draws}; }
};

struct BaselineRequest {
  std::vector<SeriesPoint> past;  ///< ascending in time, at least one
  std::vector<double> times;      ///< years since launch, ascending, after the last point
  double ceiling = 0;             ///< eligible number; draws are kept within [0, ceiling]
  std::size_t n_draws = 1000;
};

/// The last value stays: a random walk without drift whose variance per year is the mean of (change^2 / years) so far.
/// From one point nothing is known of the variance, and every draw is that point.
[[nodiscard]] BaselineForecast persistence(const BaselineRequest& request, Key key);
/// Least squares line with Student's prediction distribution; from two points the line alone, from one the point.
[[nodiscard]] BaselineForecast linear_trend(const BaselineRequest& request, Key key);

/// Bass (1969): ceiling m, cumulative m (1 - e) / (1 + q/p e), e = exp(-(p + q) t).
struct BassCurve {
  double p = 0, q = 0, m = 0;
  [[nodiscard]] double at(double years) const;
};
/// Non-linear least squares of p, q and m <= ceiling (Srinivasan & Mason 1986), four points or more.
[[nodiscard]] BassCurve fit_bass(std::span<const SeriesPoint> past, double ceiling);
/// Mode of (ln p, ln q) under LN(0.03, 0.7) and LN(0.38, 0.5) with m = ceiling and normal errors of 5 % of the ceiling
/// [A]; any number of points.
struct BassMode {
  BassCurve curve;
  std::array<double, 4> covariance{};  ///< of (ln p, ln q), Laplace's approximation
};
[[nodiscard]] BassMode fit_bass_mode(std::span<const SeriesPoint> past, double ceiling);
/// Three points or fewer: the mode with Laplace's approximation. More: least squares with a bootstrap of residuals
/// (Efron 1979). Both with an error of observation.
[[nodiscard]] BaselineForecast plain_bass(const BaselineRequest& request, Key key);

}  // namespace uptake
