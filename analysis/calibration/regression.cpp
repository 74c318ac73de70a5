#include "calibration/regression.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "statistics/special_functions.hpp"

namespace uptake {

namespace {
using Vector = Eigen::VectorXd;
using Index = Eigen::Index;

constexpr double kRidge = 1e-8;  // relative to the trace: only breaks ties between collinear summaries [A]

/// Least squares coefficients of `responses` on `design` with row weights; ridge relative to the mean diagonal.
Matrix weighted_least_squares(const Matrix& design, const Vector& weights, const Matrix& responses) {
  Matrix gram = design.transpose() * weights.asDiagonal() * design;
  gram.diagonal().array() += kRidge * gram.trace() / static_cast<double>(gram.rows());
  return gram.ldlt().solve(design.transpose() * weights.asDiagonal() * responses);
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// 1.4826 makes it the standard deviation of a normal distribution.
double scaled_mad(const Eigen::Ref<const Vector>& values) {
  std::vector<double> work(values.begin(), values.end());
  const double centre = median(work);
  for (std::size_t i = 0; i < work.size(); ++i) work[i] = std::abs(values[static_cast<Index>(i)] - centre);
  return 1.4826 * median(work);
}

double sd(const Eigen::Ref<const Vector>& values) {
  return std::sqrt((values.array() - values.mean()).square().sum() / static_cast<double>(values.size() - 1));
}

/// n R^2 of the squared residuals regressed on the design (Koenker 1981, J. Econometrics 17:107).
double breusch_pagan(const Matrix& design, const Vector& weights, const Vector& squared, double n) {
  const Matrix fit = weighted_least_squares(design, weights, squared);
  const Vector fitted = design * fit.col(0);
  const double total = weights.sum(), mean = weights.dot(squared) / total;
  const double all = (weights.array() * (squared.array() - mean).square()).sum();
  const double explained = (weights.array() * (fitted.array() - mean).square()).sum();
  return all > 0 ? n * explained / all : 0;
}
}  // namespace

Matrix covariance(const MatrixView& rows) {
  const Matrix centred = rows.rowwise() - rows.colwise().mean();
  return centred.transpose() * centred / static_cast<double>(rows.rows() - 1);
}

Matrix spread_of(const MatrixView& rows) {
  Matrix c = covariance(rows);
  c.diagonal().array() += 1e-10;  // a cloud that lost a direction still factorises
  return c.llt().matrixL();
}

std::vector<double> residual_scales(const MatrixView& parameters, const MatrixView& summaries) {
  const Index n = parameters.rows(), p = parameters.cols();
  Matrix design(n, p + 1);
  design.col(0).setOnes();
  for (Index j = 0; j < p; ++j) {
    const double spread = sd(parameters.col(j));
    design.col(j + 1) = (parameters.col(j).array() - parameters.col(j).mean()) / (spread > 0 ? spread : 1);
  }
  const Matrix residuals = summaries - design * weighted_least_squares(design, Vector::Ones(n), summaries);
  std::vector<double> scales(static_cast<std::size_t>(summaries.cols()));
  for (Index k = 0; k < summaries.cols(); ++k) {
    const double own = sd(summaries.col(k));
    const double magnitude = summaries.col(k).cwiseAbs().maxCoeff();
    double scale = scaled_mad(residuals.col(k));
    // What least squares leaves of an exact linear dependence is rounding and the ridge, not noise.
    if (scale <= 10 * kRidge * own) scale = own;
    scales[static_cast<std::size_t>(k)] = own > 1e-13 * magnitude ? scale : 0;
  }
  return scales;
}

Adjusted adjust(const MatrixView& parameters, const MatrixView& summaries, std::span<const double> observed,
                std::span<const double> scales, std::span<const double> distances, double tolerance,
                Adjustment adjustment) {
  const Index n = parameters.rows(), p = parameters.cols();
  std::vector<Index> used;
  for (std::size_t k = 0; k < scales.size(); ++k) {
    if (scales[k] > 0) used.push_back(static_cast<Index>(k));
  }
  Vector weights(n);
  for (Index i = 0; i < n; ++i) {
    const double u = tolerance > 0 ? distances[static_cast<std::size_t>(i)] / tolerance : 0;
    weights[i] = adjustment == Adjustment::none ? 1 : std::max(0.0, 1 - u * u);
  }
  if (!(weights.sum() > 0)) weights.setOnes();  // all at one distance: nothing tells them apart
  Adjusted result;
  result.draws.n = static_cast<std::size_t>(n);
  result.draws.n_parameters = static_cast<std::size_t>(p);
  result.draws.weights.resize(result.draws.n);
  Vector::Map(result.draws.weights.data(), n) = weights / weights.sum();
  result.used.assign(result.draws.n_parameters,
                     adjustment == Adjustment::none ? Adjustment::none : Adjustment::local_linear);
  Matrix adjusted = parameters;
  if (adjustment != Adjustment::none && tolerance > 0 && !used.empty()) {
    Matrix design(n, static_cast<Index>(used.size()) + 1);
    design.col(0).setOnes();
    for (std::size_t c = 0; c < used.size(); ++c) {
      const auto k = static_cast<std::size_t>(used[c]);
      design.col(static_cast<Index>(c) + 1) = (summaries.col(used[c]).array() - observed[k]) / scales[k];
    }
    const Matrix coefficients = weighted_least_squares(design, weights, parameters);
    const Matrix residuals = parameters - design * coefficients;
    const double critical = 0.01, size = effective_size(result.draws.weights);
    for (Index j = 0; j < p; ++j) {
      const Vector squared = residuals.col(j).array().square();
      const bool uneven =
          adjustment == Adjustment::automatic &&
          chi_squared_tail(breusch_pagan(design, weights, squared, size), static_cast<double>(used.size())) < critical;
      if (adjustment == Adjustment::heteroscedastic || uneven) {
        const Vector log_squared = (squared.array() + 1e-300).log();
        const Matrix spread = weighted_least_squares(design, weights, log_squared);
        // Both spreads carry the same bias of the logarithm, which cancels in their ratio.
        const Vector ratio = ((spread(0, 0) - (design * spread.col(0)).array()) / 2).exp();
        adjusted.col(j) = coefficients(0, j) + residuals.col(j).array() * ratio.array();
        result.used[static_cast<std::size_t>(j)] = Adjustment::heteroscedastic;
      } else {
        adjusted.col(j) = coefficients(0, j) + residuals.col(j).array();
      }
    }
  }
  result.draws.values.assign(adjusted.data(), adjusted.data() + adjusted.size());
  return result;
}

Position position_in(const MatrixView& cloud, std::span<const double> point) {
  const Index d = cloud.cols();
  Position position;
  position.z.resize(static_cast<std::size_t>(d));
  std::vector<Index> varying;
  Vector z(d);
  for (Index k = 0; k < d; ++k) {
    const double spread = sd(cloud.col(k)), gap = point[static_cast<std::size_t>(k)] - cloud.col(k).mean();
    const bool constant = !(spread > 1e-13 * cloud.col(k).cwiseAbs().maxCoeff());
    if (!constant) varying.push_back(k);
    // Off a constant by more than rounding is infinitely far.
    const bool at_it = constant && std::abs(gap) <= 1e-9 * std::abs(cloud.col(k).mean());
    z[k] = constant ? (at_it ? 0 : std::copysign(std::numeric_limits<double>::infinity(), gap)) : gap / spread;
    position.z[static_cast<std::size_t>(k)] = z[k];
  }
  if (varying.empty()) return position;
  Matrix standard(cloud.rows(), static_cast<Index>(varying.size()));
  Vector at(static_cast<Index>(varying.size()));
  for (Index c = 0; c < at.size(); ++c) {
    const Index k = varying[static_cast<std::size_t>(c)];
    standard.col(c) = (cloud.col(k).array() - cloud.col(k).mean()) / sd(cloud.col(k));
    at[c] = z[k];
  }
  const Matrix correlation = standard.transpose() * standard / static_cast<double>(cloud.rows() - 1);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> axes(correlation);
  const double largest = axes.eigenvalues().maxCoeff();
  for (Index a = 0; a < axes.eigenvalues().size(); ++a) {
    const double eigenvalue = axes.eigenvalues()[a];
    if (eigenvalue <= 1e-8 * largest) continue;  // totals are sums of others: no direction of their own
    const double along = axes.eigenvectors().col(a).dot(at);
    position.squared_distance += along * along / eigenvalue;
    position.degrees += 1;
  }
  return position;
}

}  // namespace uptake
