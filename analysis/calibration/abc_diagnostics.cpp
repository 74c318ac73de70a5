#include "calibration/abc_diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "statistics/special_functions.hpp"
#include "statistics/statistics.hpp"
#include "uptake/grouped.hpp"
#include "uptake/results.hpp"

namespace uptake {

namespace {
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Limits of the warnings [A], from runs on problems with exact posteriors (docs/calibration-evidence.md).
constexpr double kLowestSizeShare = 0.3, kLowestMisfitP = 0.01, kLargestMeanShift = 0.1, kLargestSdShift = 0.1;
constexpr double kLowestContraction = 0.1, kLargestRawRatio = 2, kRidgeCorrelation = 0.95, kLowestPValue = 0.01;

std::vector<double> correlations(const WeightedDraws& draws) {
  const std::size_t p = draws.n_parameters;
  const std::vector<double> means = means_of(draws);
  std::vector<double> sums(p * p, 0.0), result(p * p, 0.0);
  for (std::size_t i = 0; i < draws.n; ++i) {
    for (std::size_t a = 0; a < p; ++a) {
      for (std::size_t b = 0; b < p; ++b) {
        sums[a * p + b] += draws.weights[i] * (draws.row(i)[a] - means[a]) * (draws.row(i)[b] - means[b]);
      }
    }
  }
  for (std::size_t a = 0; a < p; ++a) {
    for (std::size_t b = 0; b < p; ++b) {
      const double scale = std::sqrt(sums[a * p + a] * sums[b * p + b]);
      result[a * p + b] = scale > 0 ? sums[a * p + b] / scale : kNaN;
    }
  }
  return result;
}

std::vector<SeriesFit> fits(const CalibrationProblem& problem, const Position& position,
                            std::span<const double> predictive) {
  const std::size_t d = problem.observed.size(), n = predictive.size() / d;
  std::vector<SeriesFit> series(d);
  for (std::size_t k = 0; k < d; ++k) {
    SeriesFit& fit = series[k];
    fit.name = problem.observed[k].name;
    fit.observed = problem.observed[k].value;
    fit.z = position.z[k];
    fit.p05 = fit.p50 = fit.p95 = fit.pit = fit.p_value = kNaN;
    std::vector<double> values;
    for (std::size_t i = 0; i < n; ++i) {
      if (std::isfinite(predictive[i * d + k])) values.push_back(predictive[i * d + k]);
    }
    if (values.empty()) continue;
    double below = 0;
    for (const double v : values) below += v < fit.observed ? 1 : (v == fit.observed ? 0.5 : 0);
    fit.pit = below / static_cast<double>(values.size());
    fit.p_value = 2 * std::min(fit.pit, 1 - fit.pit);
    const Statistics s = statistics(values);
    fit.p05 = s.p05;
    fit.p50 = s.p50;
    fit.p95 = s.p95;
  }
  return series;
}

void add_warnings(const CalibrationProblem& problem, const AbcState& state, Diagnostics& d) {
  const auto warn = [&](std::string text) { d.warnings.push_back(std::move(text)); };
  const std::size_t p = problem.parameters.size();
  const auto n = static_cast<double>(state.distances.size());
  if (d.effective_size < kLowestSizeShare * n) {
    warn(fmt::format("effective sample size {:.0f} of {:.0f} particles is below {:.0f} %", d.effective_size, n,
                     100 * kLowestSizeShare));
  }
  if (d.effective_size < d.effective_size_needed) {
    warn(
        fmt::format("effective sample size {:.0f} is below the {:.0f} that a regression on {} summaries needs: use "
                    "more particles",
                    d.effective_size, d.effective_size_needed, problem.observed.size() - d.n_dropped));
  }
  if (!(d.misfit_p >= kLowestMisfitP)) {
    std::string worst;
    for (const SeriesFit& fit : d.series) {
      if (std::abs(fit.z) > 2) worst += fmt::format("{}{} ({:+.1f} sd)", worst.empty() ? "" : ", ", fit.name, fit.z);
    }
    warn(fmt::format("the model cannot reproduce the observations together (p = {:.2g}){}", d.misfit_p,
                     worst.empty() ? "" : "; furthest: " + worst));
  }
  if (d.mean_shift > kLargestMeanShift || d.sd_shift > kLargestSdShift) {
    warn(fmt::format("not settled: between the last two generations a mean moved by {:.2f} sd, an sd by {:.0f} %",
                     d.mean_shift, 100 * d.sd_shift));
  }
  for (std::size_t j = 0; j < p; ++j) {
    const std::string& name = problem.parameters[j].name;
    if (d.contraction[j] < kLowestContraction) {
      warn(fmt::format("{} is not informed by these data (contraction {:.2f})", name, d.contraction[j]));
    }
    if (d.raw_to_adjusted[j] > kLargestRawRatio) {
      warn(fmt::format("{}: the tolerance is still coarse, its unadjusted spread is {:.1f} times the adjusted one",
                       name, d.raw_to_adjusted[j]));
    }
    for (std::size_t other = 0; other < j; ++other) {
      const double r = d.correlation[j * p + other];
      if (std::abs(r) > kRidgeCorrelation) {
        warn(fmt::format("{} and {} are known only together (correlation {:+.2f})", problem.parameters[other].name,
                         name, r));
      }
    }
  }
  for (const SeriesFit& fit : d.series) {
    if (fit.p_value < kLowestPValue) {
      warn(fmt::format("{}: observed {:g} is in the tail of what the calibrated model gives (p = {:.2g})", fit.name,
                       fit.observed, fit.p_value));
    }
  }
  if (d.n_failed > 0) warn(fmt::format("{} of {} runs failed", d.n_failed, state.n_simulations));
  for (std::size_t k = 0; k < state.scales.size(); ++k) {
    if (state.scales[k] <= 0) warn(fmt::format("{} never varies in the model and says nothing", d.series[k].name));
  }
}
}  // namespace

Diagnostics diagnose(const CalibrationProblem& problem, const AbcState& state, const Adjusted& adjusted,
                     std::span<const double> predictive) {
  const std::size_t p = problem.parameters.size(), d = problem.observed.size(), n = state.distances.size();
  Diagnostics result;
  result.n_failed = state.n_failed;
  result.n_dropped = static_cast<std::size_t>(std::ranges::count_if(state.scales, [](double s) { return s <= 0; }));
  result.effective_size = effective_size(adjusted.draws.weights);
  result.effective_size_needed = 10.0 * static_cast<double>(d - result.n_dropped + 1);
  std::vector<double> observed;
  for (const Observed& one : problem.observed) observed.push_back(one.value);
  const Position position = position_in(as_matrix(state.summaries, n, d), observed);
  result.misfit = position.squared_distance;
  const bool off = std::ranges::any_of(position.z, [](double z) { return std::isinf(z); });
  result.misfit_p = off ? 0 : (position.degrees > 0 ? chi_squared_tail(result.misfit, position.degrees) : 1);
  const std::vector<double> sds = sds_of(adjusted.draws);
  if (state.generations.size() > 1) {
    const Generation &last = state.generations.back(), &before = state.generations[state.generations.size() - 2];
    for (std::size_t j = 0; j < p; ++j) {
      result.mean_shift = std::max(result.mean_shift, std::abs(last.means[j] - before.means[j]) / last.sds[j]);
      result.sd_shift = std::max(result.sd_shift, std::abs(before.sds[j] / last.sds[j] - 1));
    }
  } else {
    result.mean_shift = result.sd_shift = kNaN;
  }
  const Matrix raw = covariance(as_matrix(state.parameters, n, p));
  for (std::size_t j = 0; j < p; ++j) {
    const auto at = static_cast<Eigen::Index>(j);
    result.contraction.push_back(1 - sds[j] * sds[j] / state.prior_variances[j]);
    result.raw_to_adjusted.push_back(std::sqrt(raw(at, at)) / sds[j]);
  }
  result.series = fits(problem, position, predictive);
  result.correlation = correlations(adjusted.draws);
  result.adjustment = adjusted.used;
  add_warnings(problem, state, result);
  return result;
}

std::string diagnostics_text(std::span<const CalibratedParameter> parameters, const WeightedDraws& posterior,
                             const Diagnostics& d, std::span<const Generation> generations) {
  if (generations.empty()) return "interrupted before the first generation\n";
  const Generation& last = generations.back();
  std::string text = fmt::format(
      "{}, {} simulations, tolerance {:.3g}, acceptance {:.1f} %\n"
      "effective sample size {:.0f} (the regression needs {:.0f})\n"
      "observed in the final cloud: squared distance {:.2f}, p = {:.3g}\n",
      plural(generations.size(), "generation"), grouped(last.n_simulations), last.tolerance, 100 * last.acceptance,
      d.effective_size, d.effective_size_needed, d.misfit, d.misfit_p);
  text += generations.size() < 2 ? std::string("no generation before it to compare with: raise the budget\n")
                                 : fmt::format("last two generations: means within {:.2f} sd, sds within {:.0f} %\n",
                                               d.mean_shift, 100 * d.sd_shift);
  const std::size_t p = parameters.size();
  text += fmt::format("{:<34} {:>9} {:>9} {:>9} {:>11} {:>12}  {}\n", "parameter", "p05", "p50", "p95", "contraction",
                      "raw/adjusted", "adjustment");
  for (std::size_t j = 0; j < p; ++j) {
    const auto in_own_units = [&](double probability) {
      std::vector<double> x(p, 0.0);
      x[j] = quantile_of(posterior, j, probability);
      return to_natural(parameters, x)[j];
    };
    constexpr std::array<std::string_view, 4> kNames{"automatic", "local linear", "heteroscedastic", "none"};
    text += fmt::format("{:<34} {:>9.4g} {:>9.4g} {:>9.4g} {:>11.2f} {:>12.2f}  {}\n", parameters[j].name,
                        in_own_units(0.05), in_own_units(0.5), in_own_units(0.95), d.contraction[j],
                        d.raw_to_adjusted[j], kNames[static_cast<std::size_t>(d.adjustment[j])]);
  }
  text += "correlation";
  for (std::size_t j = 0; j < p; ++j) {
    text += fmt::format("\n{:<34}", parameters[j].name);
    for (std::size_t other = 0; other <= j; ++other) text += fmt::format(" {:>5.2f}", d.correlation[j * p + other]);
  }
  text += fmt::format("\n{:<44} {:>9} {:>9} {:>9} {:>9} {:>6} {:>6} {:>6}\n", "summary", "observed", "p05", "p50",
                      "p95", "z", "PIT", "p");
  for (const SeriesFit& fit : d.series) {
    text += fmt::format("{:<44} {:>9.4g} {:>9.4g} {:>9.4g} {:>9.4g} {:>+6.2f} {:>6.3f} {:>6.3f}\n", fit.name,
                        fit.observed, fit.p05, fit.p50, fit.p95, fit.z, fit.pit, fit.p_value);
  }
  return text;
}

}  // namespace uptake
