/// The linear algebra of calibration: spreads, residual scales, regression adjustment, clouds and how far out a point is.
#pragma once

#include <Eigen/Dense>
#include <span>
#include <vector>

#include "uptake/calibration.hpp"

namespace uptake {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixView = Eigen::Map<const Matrix>;

[[nodiscard]] inline MatrixView as_matrix(std::span<const double> values, std::size_t rows, std::size_t columns) {
  UPTAKE_EXPECTS(values.size() == rows * columns);
  return {values.data(), static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(columns)};
}

/// Unbiased covariance of the rows.
[[nodiscard]] Matrix covariance(const MatrixView& rows);
/// Lower Cholesky factor of covariance + 1e-10 I.
[[nodiscard]] Matrix spread_of(const MatrixView& rows);

/// Noise of each summary given the parameters: 1.4826 times the median absolute deviation of the residuals of a linear
/// regression on the parameters. A summary without noise is scaled by its own spread; one that never varies gets 0.
[[nodiscard]] std::vector<double> residual_scales(const MatrixView& parameters, const MatrixView& summaries);

struct Adjusted {
  WeightedDraws draws;
  std::vector<Adjustment> used;  ///< by parameter
};
/// Parameters as they would have been had the summaries been the observed ones. Regression on (s - y) / scale with
/// Epanechnikov weights 1 - (distance / tolerance)^2; a tolerance of 0 is an exact match: nothing to adjust.
/// Local linear: Beaumont, Zhang & Balding (2002, Genetics 162:2025). Heteroscedastic: Blum & Francois (2010, Statistics
/// and Computing 20:63), spread from a linear regression of the log squared residuals.
[[nodiscard]] Adjusted adjust(const MatrixView& parameters, const MatrixView& summaries,
                              std::span<const double> observed, std::span<const double> scales,
                              std::span<const double> distances, double tolerance, Adjustment adjustment);

/// A point beside a cloud.
struct Position {
  double squared_distance = 0;  ///< Mahalanobis, in the directions in which the cloud varies
  double degrees = 0;           ///< number of these directions
  std::vector<double> z;        ///< by coordinate: (point - mean) / sd; infinite off a constant coordinate
};
[[nodiscard]] Position position_in(const MatrixView& cloud, std::span<const double> point);

}  // namespace uptake
