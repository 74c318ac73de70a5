#include "backtest/baselines.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <functional>

#include "uptake/calibration.hpp"
#include "uptake/error.hpp"

namespace uptake {

namespace {
using Vector = Eigen::VectorXd;
using Index = Eigen::Index;

/// Sum of squares of residual(x), from `x`: Levenberg & Marquardt with numerical derivatives and Marquardt's scaling
/// (1963, J. SIAM 11:431).
Vector least_squares(const std::function<Vector(const Vector&)>& residual, Vector x) {
  constexpr int kMostSteps = 200;
  constexpr double kDifference = 1e-6;
  double damping = 1e-3;
  Vector r = residual(x);
  for (int step = 0; step < kMostSteps; ++step) {
    Eigen::MatrixXd jacobian(r.size(), x.size());
    for (Index j = 0; j < x.size(); ++j) {
      Vector up = x, down = x;
      up[j] += kDifference;
      down[j] -= kDifference;
      jacobian.col(j) = (residual(up) - residual(down)) / (2 * kDifference);
    }
    const Eigen::MatrixXd gram = jacobian.transpose() * jacobian;
    const Vector slope = jacobian.transpose() * r;
    bool better = false;
    for (int attempt = 0; attempt < 30 && !better; ++attempt) {
      Eigen::MatrixXd damped = gram;
      damped.diagonal() += damping * (gram.diagonal().array() + 1e-12).matrix();
      const Vector candidate = x - damped.ldlt().solve(slope);
      const Vector there = residual(candidate);
      if (there.allFinite() && there.squaredNorm() < r.squaredNorm()) {
        const double moved = (candidate - x).norm();
        x = candidate;
        r = there;
        damping = std::max(1e-12, damping / 10);
        better = true;
        if (moved < 1e-12) return x;
      } else {
        damping *= 10;
      }
    }
    if (!better) return x;
  }
  return x;
}

/// Bounds of the search on ln p and ln q: from one adopter in a million a year to all within days [A].
constexpr double kLowestLog = -14, kHighestLog = 4;
double bounded(double x) { return std::clamp(x, kLowestLog, kHighestLog); }

BassCurve curve_of(const Vector& x, double ceiling) {
  return {.p = std::exp(bounded(x[0])), .q = std::exp(bounded(x[1])), .m = ceiling / (1 + std::exp(-x[2]))};
}

Vector residuals_of(const BassCurve& curve, std::span<const SeriesPoint> past) {
  Vector r(static_cast<Index>(past.size()));
  for (std::size_t i = 0; i < past.size(); ++i) {
    r[static_cast<Index>(i)] = curve.at(past[i].time) - past[i].value;
  }
  return r;
}

BassCurve fit_from(std::span<const SeriesPoint> past, double ceiling, const Vector& start) {
  return curve_of(
      least_squares([&](const Vector& x) { return Vector(residuals_of(curve_of(x, ceiling), past) / ceiling); }, start),
      ceiling);
}

Vector start_of(const BassCurve& curve, double ceiling) {
  const double share = std::clamp(curve.m / ceiling, 1e-6, 1 - 1e-6);
  Vector x(3);
  x << std::log(curve.p), std::log(curve.q), std::log(share / (1 - share));
  return x;
}

constexpr double kMedianP = 0.03, kSpreadP = 0.7, kMedianQ = 0.38, kSpreadQ = 0.5;
constexpr double kErrorShare = 0.05;  // of the ceiling [A]

/// Errors and departures from the prior in units of their sd: half the sum of squares is minus the log posterior.
Vector mode_residuals(const Vector& x, std::span<const SeriesPoint> past, double ceiling) {
  const BassCurve curve{.p = std::exp(bounded(x[0])), .q = std::exp(bounded(x[1])), .m = ceiling};
  Vector all(static_cast<Index>(past.size()) + 2);
  all << residuals_of(curve, past) / (kErrorShare * ceiling), (x[0] - std::log(kMedianP)) / kSpreadP,
      (x[1] - std::log(kMedianQ)) / kSpreadQ;
  return all;
}

using Path = std::function<double(std::size_t draw, std::size_t time)>;
BaselineForecast forecast(const BaselineRequest& request, const Path& path) {
  BaselineForecast result{request.n_draws, std::vector<double>(request.n_draws * request.times.size())};
  for (std::size_t i = 0; i < request.n_draws; ++i) {
    for (std::size_t t = 0; t < request.times.size(); ++t) {
      result.values[t * request.n_draws + i] = std::clamp(path(i, t), 0.0, request.ceiling);
    }
  }
  return result;
}

void check(const BaselineRequest& request) {
  std::vector<Problem> problems;
  const auto complain = [&](std::string what, std::string suggestion) {
    problems.push_back({"baseline", std::move(what), std::move(suggestion)});
  };
  if (request.past.empty()) complain("has no observation before the cut-off", "move the cut-off");
  if (!(request.ceiling > 0)) complain("has no positive eligible number", "give the denominator of the series");
  double time = 0;
  for (const SeriesPoint& point : request.past) {
    if (!std::isfinite(point.value) || point.time < time) complain("observations do not ascend in time", "");
    time = point.time;
  }
  for (const double asked : request.times) {
    if (!(asked > time)) complain("asked times do not ascend from the last observation", "");
    time = asked;
  }
  if (!problems.empty()) throw InputError(std::move(problems));
}

Key draw_key(Key key, std::size_t draw) { return calibration_key(key.value, Purpose::baseline, 0, 0, draw); }
}  // namespace

double BassCurve::at(double years) const {
  const double e = std::exp(-(p + q) * years);
  return m * (1 - e) / (1 + q / p * e);
}

BassCurve fit_bass(std::span<const SeriesPoint> past, double ceiling) {
  UPTAKE_EXPECTS(past.size() >= 4);
  BassCurve best;
  double least = std::numeric_limits<double>::infinity();
  // The sum of squares has several valleys: from slow and fast, imitating and not, half full and nearly full.
  for (const double p : {0.003, 0.03, 0.3}) {
    for (const double q : {0.1, 0.38, 1.5}) {
      for (const double share : {0.5, 0.95}) {
        const BassCurve curve = fit_from(past, ceiling, start_of({.p = p, .q = q, .m = share * ceiling}, ceiling));
        const double squares = residuals_of(curve, past).squaredNorm();
        if (squares < least) {
          least = squares;
          best = curve;
        }
      }
    }
  }
  return best;
}

BassMode fit_bass_mode(std::span<const SeriesPoint> past, double ceiling) {
  const auto residual = [&](const Vector& x) { return mode_residuals(x, past, ceiling); };
  Vector start(2);
  start << std::log(kMedianP), std::log(kMedianQ);
  const Vector x = least_squares(residual, start);
  // Laplace: the inverse of the Gauss-Newton Hessian at the mode.
  constexpr double kDifference = 1e-5;
  Eigen::MatrixXd jacobian(static_cast<Index>(past.size()) + 2, 2);
  for (Index j = 0; j < 2; ++j) {
    Vector up = x, down = x;
    up[j] += kDifference;
    down[j] -= kDifference;
    jacobian.col(j) = (residual(up) - residual(down)) / (2 * kDifference);
  }
  const Eigen::Matrix2d covariance = (jacobian.transpose() * jacobian).inverse();
  return {.curve = {.p = std::exp(x[0]), .q = std::exp(x[1]), .m = ceiling},
          .covariance = {covariance(0, 0), covariance(0, 1), covariance(1, 0), covariance(1, 1)}};
}

BaselineForecast persistence(const BaselineRequest& request, Key key) {
  check(request);
  const auto& past = request.past;
  double variance = 0;  // per year
  for (std::size_t i = 1; i < past.size(); ++i) {
    const double change = past[i].value - past[i - 1].value, years = past[i].time - past[i - 1].time;
    if (years > 0) variance += change * change / years / static_cast<double>(past.size() - 1);
  }
  return forecast(request, [&, level = 0.0](std::size_t i, std::size_t t) mutable {
    if (t == 0) level = past.back().value;
    const double years = request.times[t] - (t == 0 ? past.back().time : request.times[t - 1]);
    level += std::sqrt(variance * years) * normal_number(draw_key(key, i), t);
    return level;
  });
}

BaselineForecast linear_trend(const BaselineRequest& request, Key key) {
  check(request);
  const auto& past = request.past;
  const auto n = static_cast<double>(past.size());
  double mean_time = 0, mean = 0, spread = 0, product = 0;
  for (const SeriesPoint& point : past) {
    mean_time += point.time / n;
    mean += point.value / n;
  }
  for (const SeriesPoint& point : past) {
    spread += (point.time - mean_time) * (point.time - mean_time);
    product += (point.time - mean_time) * (point.value - mean);
  }
  const double slope = spread > 0 ? product / spread : 0;
  const std::size_t degrees = past.size() > 2 && spread > 0 ? past.size() - 2 : 0;
  double squares = 0;
  for (const SeriesPoint& point : past) {
    const double residual = point.value - mean - slope * (point.time - mean_time);
    squares += residual * residual;
  }
  const double sd = degrees > 0 ? std::sqrt(squares / static_cast<double>(degrees)) : 0;
  return forecast(request, [&](std::size_t i, std::size_t t) {
    const double from_mean = request.times[t] - mean_time, line = mean + slope * from_mean;
    if (degrees == 0) return line;
    // One path: level, slope and scale are drawn once, the error of observation at each time.
    const Key own = draw_key(key, i);
    double chi_squared = 0;
    for (std::size_t k = 0; k < degrees; ++k) chi_squared += std::pow(normal_number(own, k), 2);
    const double scale = sd / std::sqrt(chi_squared / static_cast<double>(degrees));
    return line + scale * (normal_number(own, degrees) / std::sqrt(n) +
                           normal_number(own, degrees + 1) * from_mean / std::sqrt(spread) +
                           normal_number(own, degrees + 2 + t));
  });
}

BaselineForecast plain_bass(const BaselineRequest& request, Key key) {
  check(request);
  const auto& past = request.past;
  if (past.size() <= 3) {
    const BassMode mode = fit_bass_mode(past, request.ceiling);
    const Eigen::Matrix2d root =
        Eigen::Map<const Eigen::Matrix<double, 2, 2, Eigen::RowMajor>>(mode.covariance.data()).llt().matrixL();
    return forecast(request, [&](std::size_t i, std::size_t t) {
      const Key own = draw_key(key, i);
      const Eigen::Vector2d jump = root * Eigen::Vector2d(normal_number(own, 0), normal_number(own, 1));
      const BassCurve curve{
          .p = mode.curve.p * std::exp(jump[0]), .q = mode.curve.q * std::exp(jump[1]), .m = request.ceiling};
      return curve.at(request.times[t]) + kErrorShare * request.ceiling * normal_number(own, 2 + t);
    });
  }
  const BassCurve best = fit_bass(past, request.ceiling);
  const Vector residuals = residuals_of(best, past);
  const auto n = static_cast<double>(past.size());
  const double inflate = std::sqrt(n / (n - 3));  // three parameters took up part of the errors
  const auto resample = [&](Key own, std::size_t index) {
    const auto at = static_cast<Index>(uniform_number(own, index) * n);
    return inflate * (residuals[at] - residuals.mean());
  };
  std::vector<BassCurve> curves;
  for (std::size_t i = 0; i < request.n_draws; ++i) {
    const Key own = draw_key(key, i);
    std::vector<SeriesPoint> again(past.begin(), past.end());
    for (std::size_t k = 0; k < again.size(); ++k) again[k].value = best.at(again[k].time) + resample(own, k);
    curves.push_back(fit_from(again, request.ceiling, start_of(best, request.ceiling)));
  }
  return forecast(request, [&](std::size_t i, std::size_t t) {
    return curves[i].at(request.times[t]) + resample(draw_key(key, i), past.size() + t);
  });
}

}  // namespace uptake
