#include "calibration/fit_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "files/json_text.hpp"
#include "statistics/scores.hpp"
#include "uptake/grouped.hpp"

namespace uptake {

namespace {
using Json = nlohmann::ordered_json;

/// Quantiles of a parameter in its own unit.
double own_quantile(const ProgrammeFit& fit, std::size_t j, double probability) {
  std::vector<double> x(fit.parameters.size(), 0.0);
  x[j] = quantile_of(fit.draws, j, probability);
  return to_natural(fit.parameters, x)[j];
}

const ObservedSeries* series_of(const ProgrammeFit& fit, const PointFit& point) {
  return point.asked.series < fit.series.size() ? &fit.series[point.asked.series] : nullptr;
}

std::string days_of(const ObservedPoint& point) {
  return point.from < point.to ? fmt::format("{} to {}", iso(point.from), iso(point.to)) : iso(point.to);
}

std::string heading(const ProgrammeFit& fit) {
  // What checks the fit is no part of the budget.
  const std::size_t n_fitting = fit.generations.empty() ? fit.n_simulations : fit.generations.back().n_simulations;
  std::string text = fmt::format(
      "{}: {} fitted to by {}, {} simulations{}, {:.0f} s", fit.programme, plural(fit.n_fitted, "observation"),
      kMethodNames[static_cast<std::size_t>(fit.method)], grouped(n_fitting),
      n_fitting < fit.n_simulations ? fmt::format(" and {} to check it", grouped(fit.n_simulations - n_fitting))
                                    : std::string(),
      fit.seconds);
  if (fit.log_evidence) text += fmt::format(", ln evidence {:.2f}", *fit.log_evidence);
  int inside = 0, fitted = 0, informed = 0;
  for (const PointFit& point : fit.points) {
    fitted += point.was_fitted;
    inside += point.was_fitted && point.observed >= point.p05 && point.observed <= point.p95;
  }
  for (const double one : fit.contraction) informed += one >= kInformed;
  return text + fmt::format("\n  {} of {} inside the model's 90 % interval; {} of {} parameters informed\n", inside,
                            fitted, informed, fit.parameters.size());
}

std::string observations(const ProgrammeFit& fit) {
  std::string text =
      fmt::format("  {:<46} {:>10} {:>10} {:>23} {:>5}\n", "observation", "observed", "median", "90 % interval", "PIT");
  for (const PointFit& point : fit.points) {
    const ObservedSeries* series = series_of(fit, point);
    const std::string name = fmt::format("{} {}, {}", series->measure, series->region, point.asked.point.date);
    const bool inside = point.observed >= point.p05 && point.observed <= point.p95;
    text += fmt::format("  {:<46} {:>10.5g} {:>10.5g} {:>11.5g} to {:>8.5g} {:>5.2f}{}{}\n", name, point.observed,
                        point.p50, point.p05, point.p95, point.pit, point.was_fitted ? "" : "  not fitted to",
                        inside ? "" : "  outside");
  }
  return text;
}

std::string learnt(const ProgrammeFit& fit) {
  std::string text = fmt::format("  {:<30} {:>8} {:>9} {:>21} {:>11}  {}\n", "parameter", "unit", "median",
                                 "90 % interval", "contraction", "prior");
  for (std::size_t j = 0; j < fit.parameters.size(); ++j) {
    text += fmt::format("  {:<30} {:>8} {:>9.3g} {:>9.3g} to {:>8.3g} {:>11.2f}  {}{}\n", fit.parameters[j].name,
                        fit.parameters[j].unit, own_quantile(fit, j, 0.5), own_quantile(fit, j, 0.05),
                        own_quantile(fit, j, 0.95), fit.contraction[j], to_text(fit.parameters[j].prior),
                        fit.contraction[j] < kInformed ? "  not informed" : "");
  }
  return text;
}

/// "Not informed" stands beside the parameter already.
bool is_about_information(const std::string& warning) { return warning.find("is not informed") != std::string::npos; }

std::string warnings(const ProgrammeFit& fit) {
  std::string text;
  for (const std::string& warning : fit.warnings)
    if (!is_about_information(warning)) text += "  warning: " + warning + "\n";
  return text;
}

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json json_of(const ProgrammeFit& fit) {
  Json parameters = Json::array(), points = Json::array(), generations = Json::array();
  for (std::size_t j = 0; j < fit.parameters.size(); ++j) {
    parameters.push_back({{"parameter", fit.parameters[j].name},
                          {"unit", fit.parameters[j].unit},
                          {"prior", to_text(fit.parameters[j].prior)},
                          {"p05", number(own_quantile(fit, j, 0.05))},
                          {"p50", number(own_quantile(fit, j, 0.5))},
                          {"p95", number(own_quantile(fit, j, 0.95))},
                          {"contraction", number(fit.contraction[j])},
                          {"informed", fit.contraction[j] >= kInformed}});
  }
  for (const PointFit& point : fit.points) {
    const ObservedSeries* series = series_of(fit, point);
    points.push_back({{"measure", series->measure},
                      {"counts", kMeasureNames[static_cast<std::size_t>(series->counts)]},
                      {"region", series->region},
                      {"unit", series->unit},
                      {"date", point.asked.point.date},
                      {"days", days_of(point.asked.point)},
                      {"fitted", point.was_fitted},
                      {"observed", number(point.observed)},
                      {"p05", number(point.p05)},
                      {"p25", number(point.p25)},
                      {"p50", number(point.p50)},
                      {"p75", number(point.p75)},
                      {"p95", number(point.p95)},
                      {"pit", number(point.pit)}});
  }
  for (const Generation& one : fit.generations) {
    generations.push_back({{"generation", one.number},
                           {"tolerance", number(one.tolerance)},
                           {"acceptance", number(one.acceptance)},
                           {"sweeps", one.n_sweeps},
                           {"simulations", one.n_simulations}});
  }
  Json json{{"programme", fit.programme},
            {"method", kMethodNames[static_cast<std::size_t>(fit.method)]},
            {"observations_fitted", fit.n_fitted},
            {"simulations", fit.n_simulations},
            {"log_evidence", fit.log_evidence ? number(*fit.log_evidence) : Json(nullptr)},
            {"parameters", std::move(parameters)},
            {"observations", std::move(points)},
            {"warnings", fit.warnings}};
  if (fit.method == Method::abc) {
    const Diagnostics& d = fit.diagnostics;
    json["generations"] = std::move(generations);
    json["diagnostics"] = {{"effective_size", number(d.effective_size)},
                           {"effective_size_needed", number(d.effective_size_needed)},
                           {"misfit", number(d.misfit)},
                           {"misfit_p", number(d.misfit_p)},
                           {"mean_shift", number(d.mean_shift)},
                           {"sd_shift", number(d.sd_shift)},
                           {"raw_to_adjusted", d.raw_to_adjusted}};
  }
  return json;
}

double quantile_of_column(const std::vector<double>& values, std::size_t n, std::size_t width, std::size_t column,
                          double probability) {
  std::vector<double> of_column;
  for (std::size_t i = 0; i < n; ++i) of_column.push_back(values[i * width + column]);
  return quantiles_of(of_column, std::array{probability}).front();
}
}  // namespace

std::string fit_legend() {
  return "PIT: share of what the calibrated model would report that lies below the observation (0.05 to 0.95 is "
         "inside).\n"
         "contraction: share of the prior's variance that the observations took away; below 0.1 a parameter is not "
         "informed.\n"
         "prior: LN(median, sd of the logarithm), Beta(a, b), U(low, high), HalfN(sd), N(mean, sd). Meaning: uptake "
         "params.\n"
         "What is fitted is gross adoption. Effects, and what would have happened anyway, are not.\n";
}

std::string fit_text(const ProgrammeFit& fit) {
  if (fit.completion == Completion::interrupted) return fmt::format("{}: interrupted\n", fit.programme);
  return heading(fit) + observations(fit) + learnt(fit) + warnings(fit);
}

std::string fit_text_with_diagnostics(const ProgrammeFit& fit) {
  if (fit.completion == Completion::interrupted || fit.method != Method::abc) return fit_text(fit);
  return heading(fit) + observations(fit) + learnt(fit) +
         diagnostics_text(fit.parameters, fit.draws, fit.diagnostics, fit.generations) + warnings(fit);
}

std::string pooled_text(const Pooled& pooled, const LeaveOneOut* left_out) {
  const std::size_t k = pooled.model.parameters.size();
  std::string text = fmt::format(
      "past programmes together ({} of them): mean over programmes and spread between them, on the log or logit\n"
      "  {:<26} {:>8} {:>20} {:>8} {:>20}\n",
      pooled.programmes.size(), "parameter", "mean", "90 % interval", "spread", "90 % interval");
  for (std::size_t j = 0; j < k; ++j) {
    const auto mu = [&](double q) { return quantile_of_column(pooled.mu, pooled.n, k, j, q); };
    const auto tau = [&](double q) { return quantile_of_column(pooled.tau, pooled.n, k, j, q); };
    text += fmt::format("  {:<26} {:>8.2f} {:>9.2f} to {:>7.2f} {:>8.2f} {:>9.2f} to {:>7.2f}\n",
                        pooled.model.parameters[j], mu(0.5), mu(0.05), mu(0.95), tau(0.5), tau(0.05), tau(0.95));
  }
  if (left_out != nullptr) {
    text += fmt::format(
        "  each programme left out in turn: {:.0f} % of its parameters inside the 50 % interval of what the others "
        "say, "
        "{:.0f} % inside the 90 % one\n",
        100 * left_out->covered50, 100 * left_out->covered90);
    for (const LeftOut& one : left_out->programmes)
      if (one.vague_weight > kUnlike)
        text += fmt::format(
            "  warning: {} behaves unlike the reference class: what the others say of it keeps {:.0f} % of the robust\n"
            "  prior given its own data, of {:.0f} % before\n",
            one.programme, 100 * (1 - one.vague_weight), 100 * RobustPrior{}.weight);
  }
  for (const std::string& warning : pooled.warnings) text += "  warning: " + warning + "\n";
  return text;
}

std::string calibration_json(const PosteriorRecord& posterior) {
  Json programmes = Json::array();
  for (const ProgrammeFit& fit : posterior.fits) programmes.push_back(json_of(fit));
  Json json{{"schema", 1},
            {"history", posterior.record->name},
            {"digest", posterior.record->digest},
            {"seed", posterior.seed},
            {"programmes", std::move(programmes)}};
  if (posterior.pooled) {
    const Pooled& pooled = *posterior.pooled;
    const std::size_t k = pooled.model.parameters.size();
    Json rows = Json::array();
    for (std::size_t j = 0; j < k; ++j) {
      Json row{{"parameter", pooled.model.parameters[j]}};
      for (const auto& [name, values] : {std::pair{"mean", &pooled.mu}, std::pair{"spread", &pooled.tau}})
        row[name] = {{"p05", quantile_of_column(*values, pooled.n, k, j, 0.05)},
                     {"p50", quantile_of_column(*values, pooled.n, k, j, 0.5)},
                     {"p95", quantile_of_column(*values, pooled.n, k, j, 0.95)}};
      rows.push_back(std::move(row));
    }
    json["pooled"] = {{"parameters", std::move(rows)},
                      {"largest_r_hat", number(pooled.largest_r_hat)},
                      {"effective_share", pooled.effective_share},
                      {"warnings", pooled.warnings}};
    if (posterior.left_out) {
      json["pooled"]["left_out"] = {{"covered50", posterior.left_out->covered50},
                                    {"covered90", posterior.left_out->covered90}};
      Json& alike = json["pooled"]["left_out"]["programmes"] = Json::array();
      for (const LeftOut& one : posterior.left_out->programmes)
        alike.push_back({{"programme", one.programme}, {"vague_weight", number(one.vague_weight)}});
    }
  }
  return json_text(json, 2) + "\n";
}

}  // namespace uptake
