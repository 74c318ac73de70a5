#include "calibration/posterior_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <set>

#include "calibration/reference_class.hpp"
#include "files/file.hpp"
#include "files/hdf5_writer.hpp"
#include "files/results_file.hpp"
#include "files/seal.hpp"
#include "uptake/record.hpp"
#include "uptake/version.hpp"

namespace uptake {

namespace {
/// Binary digits kept of draws, as a 32-bit float has. [A]
constexpr int kDrawDigits = 23;
/// Most draws, programmes and observations that are believed of a file.
constexpr std::size_t kMostDraws = 100'000, kMostProgrammesOfFile = 1000, kMostPoints = 100'000;

constexpr FileKind kPosteriorKind{"posterior",
                                  "posterior_format",
                                  kPosteriorFormat,
                                  "make it again with `uptake calibrate`",
                                  "make it with `uptake calibrate`",
                                  FileKind::Unsealed::refused};

/// Draws of each programme that starts from past ones. [A]
constexpr std::size_t kPooledDraws = 1000;

bool is_finite_inside(const CalibratedParameter& parameter, double value) {
  return std::isfinite(to_unconstrained({&parameter, 1}, {&value, 1}).front());
}

/// The value as it is stored: rounded, but inside the range, and never where its logarithm or logit ends.
double storable(const CalibratedParameter& parameter, double value) {
  const double clipped = std::clamp(value, parameter.lowest, parameter.highest);
  const double candidate = rounded(clipped, kDrawDigits);
  if (candidate >= parameter.lowest && candidate <= parameter.highest && is_finite_inside(parameter, candidate))
    return candidate;
  if (is_finite_inside(parameter, clipped)) return clipped;
  const double middle = quantile(parameter.prior, 0.5, parameter.lowest, parameter.highest);
  return std::nextafter(clipped, middle);
}

// ---- writing ------------------------------------------------------------------------------------------------------

std::vector<std::int32_t> counting(std::size_t n) {
  std::vector<std::int32_t> numbers(n);
  for (std::size_t i = 0; i < n; ++i) numbers[i] = static_cast<std::int32_t>(i);
  return numbers;
}

template <class Things, class Of>
std::vector<std::string> texts_of(const Things& things, const Of& of) {
  std::vector<std::string> texts;
  for (const auto& thing : things) texts.emplace_back(of(thing));
  return texts;
}
template <class Things, class Of>
std::vector<double> numbers_of(const Things& things, const Of& of) {
  std::vector<double> numbers;
  for (const auto& thing : things) numbers.push_back(static_cast<double>(of(thing)));
  return numbers;
}
template <class Things, class Of>
std::vector<std::int32_t> counts_of(const Things& things, const Of& of) {
  std::vector<std::int32_t> numbers;
  for (const auto& thing : things) numbers.push_back(static_cast<std::int32_t>(of(thing)));
  return numbers;
}

Attributes with_units(std::string meaning, std::string units) {
  Attributes attributes = named(std::move(meaning));
  attributes.emplace_back("units", std::move(units));
  return attributes;
}

/// Values [draw][column] as one compressed chunk for each column, whose values are alike. `digits` of each are kept.
void add_columns(Hdf5Group& group, const std::string& name, const std::vector<std::string>& dimensions,
                 std::size_t n_draws, const Extents& columns, std::span<const double> values, int digits,
                 const Attributes& attributes) {
  Extents chunk(1 + columns.size(), 1);
  chunk.front() = n_draws;
  std::size_t n_columns = 1;
  for (const std::uint64_t extent : columns) n_columns *= extent;
  Hdf5Chunks dataset = group.chunked(name, dimensions, chunk, attributes);
  for (std::size_t column = 0; column < n_columns; ++column) {
    std::vector<double> one(n_draws);
    for (std::size_t i = 0; i < n_draws; ++i) one[i] = values[i * n_columns + column];
    Extents offset(1 + columns.size(), 0);
    std::size_t rest = column;
    for (std::size_t axis = columns.size(); axis-- > 0; rest /= columns[axis]) offset[1 + axis] = rest % columns[axis];
    dataset.take(offset, packed(std::move(one), digits));
  }
}

void write_points(Hdf5Group& group, const ProgrammeFit& fit) {
  const std::vector<std::string> axis{"point"};
  group.scale("point", counting(fit.points.size()), named("observation, fitted to or not"));
  const auto series = [&](const PointFit& one) -> const ObservedSeries& { return fit.series[one.asked.series]; };
  const auto text = [&](const char* name, const char* meaning, auto&& of) {
    group.text(name, texts_of(fit.points, of), axis, named(meaning));
  };
  text("measure", "what was observed, as in the table of observations",
       [&](const auto& p) { return series(p).measure; });
  text("region", "where, as in the table", [&](const auto& p) { return series(p).region; });
  text("point_unit", "unit of observed and its predictive quantiles", [&](const auto& p) { return series(p).unit; });
  text("date", "when, as in the table", [&](const auto& p) { return p.asked.point.date; });
  const auto number = [&](const char* name, const char* meaning, auto&& of) {
    group.doubles(name, numbers_of(fit.points, of), axis, named(meaning));
  };
  number("observed", "as published, in point_unit", [](const auto& p) { return p.observed; });
  number("p05", "posterior predictive, 5 % quantile", [](const auto& p) { return p.p05; });
  number("p25", "posterior predictive, 25 % quantile", [](const auto& p) { return p.p25; });
  number("p50", "posterior predictive, median", [](const auto& p) { return p.p50; });
  number("p75", "posterior predictive, 75 % quantile", [](const auto& p) { return p.p75; });
  number("p95", "posterior predictive, 95 % quantile", [](const auto& p) { return p.p95; });
  number("pit", "P(predictive < observed) + P(equal) / 2", [](const auto& p) { return p.pit; });
  std::vector<std::uint8_t> fitted;
  for (const PointFit& one : fit.points) fitted.push_back(one.was_fitted ? 1 : 0);
  group.flags("fitted", fitted, axis, {"compared_with_only", "fitted"}, named("whether it entered the likelihood"));
}

void write_generations(Hdf5Group& group, const ProgrammeFit& fit) {
  const std::vector<std::string> axis{"generation"};
  group.scale("generation", counts_of(fit.generations, [](const auto& g) { return g.number; }),
              named("generation of the calibration"));
  group.doubles("tolerance", numbers_of(fit.generations, [](const auto& g) { return g.tolerance; }), axis,
                with_units("largest scaled distance that is kept", "1"));
  group.doubles("acceptance", numbers_of(fit.generations, [](const auto& g) { return g.acceptance; }), axis,
                with_units("share of proposals taken", "1"));
  group.integers("simulations", counts_of(fit.generations, [](const auto& g) { return g.n_simulations; }), axis,
                 with_units("simulations so far", "1"));
}

/// The eight diagnostics; contraction and correlation stand beside the draws, whatever the method.
void write_diagnostics(Hdf5Group& group, const ProgrammeFit& fit) {
  const Diagnostics& d = fit.diagnostics;
  const std::size_t p = fit.parameters.size();
  const auto number = [&](const char* name, double value, const char* meaning) {
    group.doubles(name, {value}, {}, with_units(meaning, "1"));
  };
  const std::vector<std::string> axis{"parameter"};
  number("effective_size", d.effective_size, "effective size of the kernel's weights");
  number("effective_size_needed", d.effective_size_needed, "effective size that the regression needs");
  number("misfit", d.misfit, "squared Mahalanobis distance of the observed in the final cloud");
  number("misfit_p", d.misfit_p, "its tail area; below 0.01 the model cannot reproduce the data");
  number("mean_shift", d.mean_shift, "largest shift of a mean between the last two generations, in sd");
  number("sd_shift", d.sd_shift, "largest relative shift of an sd between the last two generations");
  group.integers("n_failed", {static_cast<std::int32_t>(d.n_failed)}, {}, with_units("failed simulations", "1"));
  group.integers("n_dropped", {static_cast<std::int32_t>(d.n_dropped)}, {},
                 with_units("summaries that never vary", "1"));
  if (d.raw_to_adjusted.size() == p)
    group.doubles("raw_to_adjusted", d.raw_to_adjusted, axis,
                  with_units("ratio of sds before and after the regression; above 2 the tolerance is coarse", "1"));
  if (d.adjustment.size() == p) {
    std::vector<std::uint8_t> adjustment;
    for (const Adjustment one : d.adjustment) adjustment.push_back(static_cast<std::uint8_t>(one));
    group.flags("adjustment", adjustment, axis, {"automatic", "local_linear", "heteroscedastic", "none"},
                named("regression that the parameter got"));
  }
  if (d.series.empty()) return;
  const std::vector<std::string> summaries{"summary"};
  group.scale("summary", counting(d.series.size()), named("summary that was fitted to"));
  group.text("summary_name", texts_of(d.series, [](const auto& s) { return s.name; }), summaries, named("what it is"));
  const auto of = [&](const char* name, const char* meaning, auto&& value) {
    group.doubles(name, numbers_of(d.series, value), summaries, named(meaning));
  };
  of("summary_observed", "observed value", [](const auto& s) { return s.observed; });
  of("summary_z", "(observed - mean) / sd within the final cloud", [](const auto& s) { return s.z; });
  of("summary_p05", "posterior predictive, 5 % quantile", [](const auto& s) { return s.p05; });
  of("summary_p50", "posterior predictive, median", [](const auto& s) { return s.p50; });
  of("summary_p95", "posterior predictive, 95 % quantile", [](const auto& s) { return s.p95; });
  of("summary_pit", "P(predictive < observed) + P(equal) / 2", [](const auto& s) { return s.pit; });
  of("summary_p_value", "2 min(pit, 1 - pit)", [](const auto& s) { return s.p_value; });
}

void write_fit(const Hdf5File& file, const ProgrammeFit& fit, const HistoricProgramme& programme) {
  Hdf5Group group = file.group("programmes/" + fit.programme);
  const std::size_t p = fit.parameters.size(), n = fit.draws.n;
  const auto keys = texts_of(fit.parameters, [](const auto& one) { return one.name; });
  const std::vector<std::string> axis{"parameter"};
  Attributes about{{"programme", fit.programme},
                   {"record", programme.record},
                   {"method", std::string(kMethodNames[static_cast<std::size_t>(fit.method)])},
                   {"completion", std::string(fit.completion == Completion::complete ? "complete" : "interrupted")}};
  if (fit.log_evidence) about.emplace_back("log_evidence", *fit.log_evidence);
  group.attributes(about);
  group.scale("draw", counting(n), named("joint draw; in a random order, so that a part is a sample"));
  group.scale("parameter", keys, named("key in scenarios and --set"));
  group.scale("parameter2", keys, named("as parameter"));
  group.text("unit", texts_of(fit.parameters, [](const auto& one) { return one.unit; }), axis, named("unit of draws"));
  group.text("prior", texts_of(fit.parameters, [](const auto& one) { return to_text(one.prior); }), axis,
             named("working prior that it was calibrated under, in unit"));
  group.doubles("lowest", numbers_of(fit.parameters, [](const auto& one) { return one.lowest; }), axis,
                named("lowest possible value, in unit"));
  group.doubles("highest", numbers_of(fit.parameters, [](const auto& one) { return one.highest; }), axis,
                named("highest possible value, in unit"));
  group.doubles("contraction", fit.contraction, axis,
                with_units("1 - var(posterior) / var(prior), on the real line", "1"));
  std::vector<std::uint8_t> informed;
  for (const double contraction : fit.contraction) informed.push_back(contraction >= kInformed ? 1 : 0);
  group.flags("informed", informed, axis, {"not_informed_by_these_data", "informed"},
              named(fmt::format("whether contraction reaches {}", kInformed)));
  if (fit.correlation.size() == p * p)
    group.doubles("correlation", fit.correlation, {"parameter", "parameter2"},
                  with_units("posterior correlation, on the real line", "1"));
  std::vector<double> values;
  values.reserve(n * p);
  for (std::size_t i = 0; i < n; ++i) {
    const std::vector<double> natural = to_natural(fit.parameters, fit.draws.row(i));
    for (std::size_t j = 0; j < p; ++j) values.push_back(storable(fit.parameters[j], natural[j]));
  }
  Attributes drawn = named("joint draws from the posterior, in unit");
  drawn.push_back(digits_kept(kDrawDigits));
  // Values are rounded already; those that would leave their range keep all digits.
  add_columns(group, "draws", {"draw", "parameter"}, n, {p}, values, kAllDigits, drawn);
  group.integers("n_simulations", {static_cast<std::int32_t>(fit.n_simulations)}, {},
                 with_units("simulations in all", "1"));
  group.integers("n_fitted", {static_cast<std::int32_t>(fit.n_fitted)}, {}, with_units("observations fitted to", "1"));
  if (fit.method == Method::abc) write_diagnostics(group, fit);
  group.text("warnings", {fmt::format("{}", fmt::join(fit.warnings, "\n"))}, {}, named("sentences, one a line"));
  if (!fit.generations.empty()) write_generations(group, fit);
  if (!fit.points.empty()) write_points(group, fit);
}

void write_left_out(Hdf5Group& group, const LeaveOneOut& left_out, const PosteriorRecord& posterior) {
  const std::vector<std::string>& all = posterior.pooled->model.parameters;
  std::vector<std::string> programmes, parameters;
  std::vector<double> pit;
  for (const LeftOut& one : left_out.programmes) {
    for (std::size_t j = 0; j < one.pit.size(); ++j) {
      programmes.push_back(one.programme);
      parameters.push_back(all[one.parameters[j]]);
      pit.push_back(one.pit[j]);
    }
  }
  group.doubles("covered50", {left_out.covered50}, {}, with_units("share within the others' 50 % interval", "1"));
  group.doubles("covered90", {left_out.covered90}, {}, with_units("share within the others' 90 % interval", "1"));
  if (pit.empty()) return;
  group.scale("left_out", counting(pit.size()), named("parameter of a programme that was left out"));
  group.text("left_out_programme", programmes, {"left_out"}, named("programme"));
  group.text("left_out_parameter", parameters, {"left_out"}, named("parameter"));
  group.doubles("left_out_pit", pit, {"left_out"}, with_units("P(predictive of the others < its own)", "1"));
}

void write_pooled(const Hdf5File& file, const PosteriorRecord& posterior) {
  const Pooled& pooled = *posterior.pooled;
  const PoolingModel& model = pooled.model;
  const std::size_t k = model.parameters.size();
  Hdf5Group group = file.group("pooled");
  group.scale("draw", counting(pooled.n), named("draw of the hierarchy"));
  group.scale("parameter", model.parameters, named("pooled parameter, on the real line"));
  Attributes digits = named("mean of programmes whose covariates are 0");
  digits.push_back(digits_kept(kDrawDigits));
  add_columns(group, "mu", {"draw", "parameter"}, pooled.n, {k}, pooled.mu, kDrawDigits, digits);
  digits.front() = named("spread of programmes").front();
  add_columns(group, "tau", {"draw", "parameter"}, pooled.n, {k}, pooled.tau, kDrawDigits, digits);
  if (model.n_covariates > 0) {
    std::vector<std::string> names;
    for (std::size_t c = 0; c < model.n_covariates; ++c)
      names.emplace_back(c < covariate_names().size() ? std::string(covariate_names()[c]) : fmt::format("{}", c));
    group.scale("covariate", names, named("what kind of programme it is, 0 or 1"));
    digits.front() = named("what a covariate adds to the mean").front();
    add_columns(group, "slopes", {"draw", "parameter", "covariate"}, pooled.n, {k, model.n_covariates}, pooled.slopes,
                kDrawDigits, digits);
  }
  const std::vector<std::string> axis{"parameter"};
  group.doubles("prior_mean", model.mean, axis, named("mean of the prior of mu"));
  group.doubles("prior_sd", model.sd, axis, named("sd of the prior of mu"));
  group.doubles("prior_spread", model.spread, axis, named("scale of the half-normal prior of tau"));
  group.doubles("covariate_sd", {model.covariate_sd}, {}, named("sd of the normal prior of slopes"));
  group.doubles("largest_r_hat", {pooled.largest_r_hat}, {},
                with_units("largest split R-hat over mu, slopes and tau", "1"));
  auto names = posterior.pooled_programmes;
  if (names.empty()) names = texts_of(posterior.fits, [](const auto& fit) { return fit.programme; });
  if (!names.empty() && names.size() == pooled.effective_share.size()) {
    group.scale("programme", names, named("programme that is pooled"));
    group.doubles("effective_share", pooled.effective_share, {"programme"},
                  with_units("mean effective share of its stored draws", "1"));
  }
  group.text("warnings", {fmt::format("{}", fmt::join(pooled.warnings, "\n"))}, {}, named("sentences, one a line"));
  if (posterior.left_out) write_left_out(group, *posterior.left_out, posterior);
}

void write_all(const PosteriorRecord& posterior, Hdf5Output& output) {
  const Quiet quiet;
  const Hdf5File file(output);
  Hdf5Group root = file.root();
  root.attributes(
      {{"Conventions", std::string(kConventions)},
       {"title", posterior.record->title},
       {"source", fmt::format("uptake {}", version())},
       {"posterior_format", std::int32_t{kPosteriorFormat}},
       {"digest", posterior.record->digest},
       {"seed", fmt::format("{}", posterior.seed)},
       {"command", posterior.command},
       {"cutoff", posterior.cutoff},
       {"licence", std::string("Apache-2.0; calibrated to public sector information licensed under the Open "
                               "Government Licence v3.0")}});
  root.scale("programme", texts_of(posterior.fits, [](const auto& fit) { return fit.programme; }),
             named("programme that is calibrated; its group is /programmes/<name>"));
  std::vector<std::uint8_t> method;
  for (const ProgrammeFit& fit : posterior.fits) method.push_back(static_cast<std::uint8_t>(fit.method));
  root.flags("method", method, {"programme"}, {kMethodNames.begin(), kMethodNames.end()},
             named("how it was calibrated"));
  static_cast<void>(file.group("programmes"));
  for (const ProgrammeFit& fit : posterior.fits) {
    const auto programme = std::ranges::find(posterior.record->programmes, fit.programme,
                                             [](const HistoricProgramme& one) { return one.spec.name; });
    UPTAKE_EXPECTS(programme != posterior.record->programmes.end());
    write_fit(file, fit, *programme);
  }
  if (posterior.pooled) write_pooled(file, posterior);
}
}  // namespace

void write_posterior(const PosteriorRecord& posterior, const std::filesystem::path& path) {
  UPTAKE_EXPECTS(posterior.record != nullptr && !posterior.fits.empty());
  Replacement file(path);
  Hdf5Output output{file.descriptor(), 0};
  write_all(posterior, output);
  if (output.error != 0) throw file_error(file.path(), "cannot write", output.error);
  seal(file);
  file.put_in_place();
}

// ---- reading ------------------------------------------------------------------------------------------------------

namespace {
/// Numbers of a dataset that must have this shape.
std::vector<double> numbers(const ResultsFile& file, const std::string& path, const std::vector<std::size_t>& shape) {
  if (file.shape(path) != shape) throw file.broken(fmt::format("{} has another shape than its axes", path));
  return std::move(file.numbers(path).values);
}
std::vector<std::string> texts(const ResultsFile& file, const std::string& path, std::size_t n) {
  auto all = file.texts(path);
  if (all.size() != n) throw file.broken(fmt::format("{} has another length than its axis", path));
  return all;
}
/// Length of a scale. @param most that is believed
std::size_t length(const ResultsFile& file, const std::string& path, std::size_t most) {
  const auto shape = file.shape(path);
  if (shape.size() != 1 || shape.front() == 0 || shape.front() > most)
    throw file.broken(fmt::format("{} is no axis of 1 to {}", path, most));
  return shape.front();
}

std::size_t count(const ResultsFile& file, const std::string& path) {
  const double value = numbers(file, path, {}).front();
  if (!(value >= 0)) throw file.broken(fmt::format("{} is negative", path));
  return static_cast<std::size_t>(value);
}

/// What the file tells of a calibration beside its draws.
CalibrationAccount read_account(const ResultsFile& file, const std::string& group) {
  CalibrationAccount account;
  const std::string of_group = group.substr(0, group.size() - 1);
  account.method = file.attribute(of_group, "method");
  account.is_complete = file.attribute(of_group, "completion") == "complete";
  account.n_simulations = count(file, group + "n_simulations");
  account.n_fitted = count(file, group + "n_fitted");
  account.warnings = lines_of(file.text(group + "warnings"));
  if (!file.has(group + "point")) return account;
  const std::size_t n = length(file, group + "point", kMostPoints);
  const auto text = [&](const char* name) { return texts(file, group + name, n); };
  const auto number = [&](const char* name) { return numbers(file, group + name, {n}); };
  const auto measure = text("measure"), region = text("region"), unit = text("point_unit"), date = text("date");
  const auto observed = number("observed"), p05 = number("p05"), p25 = number("p25"), p50 = number("p50"),
             p75 = number("p75"), p95 = number("p95"), pit = number("pit"), fitted = number("fitted");
  for (std::size_t i = 0; i < n; ++i) {
    account.points.push_back({measure[i], region[i], unit[i], date[i], observed[i], p05[i], p25[i], p50[i], p75[i],
                              p95[i], pit[i], fitted[i] != 0});
  }
  return account;
}

StoredFit read_fit(const ResultsFile& file, const std::string& name) {
  const std::string group = fmt::format("programmes/{}/", name);
  StoredFit fit;
  fit.programme = name;
  const std::size_t p = length(file, group + "parameter", kNProgrammeParameters);
  const std::size_t n = length(file, group + "draw", kMostDraws);
  const auto keys = texts(file, group + "parameter", p), units = texts(file, group + "unit", p),
             priors = texts(file, group + "prior", p);
  const auto lowest = numbers(file, group + "lowest", {p}), highest = numbers(file, group + "highest", {p});
  for (std::size_t j = 0; j < p; ++j) {
    const auto prior = parse_prior(priors[j]);
    if (!prior) throw file.broken(fmt::format("\"{}\" of {} is no prior", priors[j], keys[j]));
    if (!(lowest[j] < highest[j])) throw file.broken(fmt::format("the range of {} is empty", keys[j]));
    fit.parameters.push_back({keys[j], units[j], *prior, lowest[j], highest[j]});
  }
  fit.contraction = numbers(file, group + "contraction", {p});
  const auto values = numbers(file, group + "draws", {n, p});
  fit.draws = {n, p, {}, std::vector<double>(n, 1 / static_cast<double>(n))};
  fit.draws.values.reserve(n * p);
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = to_unconstrained(fit.parameters, std::span(values).subspan(i * p, p));
    for (std::size_t j = 0; j < p; ++j) {
      const double value = values[i * p + j];
      if (!(value >= lowest[j] && value <= highest[j]) || !std::isfinite(row[j]))
        throw file.broken(fmt::format("draw {} of {} of {} is {}, outside its range", i, keys[j], name, value));
    }
    fit.draws.values.insert(fit.draws.values.end(), row.begin(), row.end());
  }
  fit.account = read_account(file, group);
  return fit;
}

Pooled read_pooled(const ResultsFile& file, std::vector<std::string>& covariates) {
  Pooled pooled;
  const std::size_t k = length(file, "pooled/parameter", kNProgrammeParameters);
  pooled.n = length(file, "pooled/draw", kMostDraws);
  PoolingModel& model = pooled.model;
  model.parameters = texts(file, "pooled/parameter", k);
  pooled.mu = numbers(file, "pooled/mu", {pooled.n, k});
  pooled.tau = numbers(file, "pooled/tau", {pooled.n, k});
  if (file.has("pooled/covariate")) {
    constexpr std::size_t kMostCovariates = 100;
    model.n_covariates = length(file, "pooled/covariate", kMostCovariates);
    covariates = texts(file, "pooled/covariate", model.n_covariates);
    pooled.slopes = numbers(file, "pooled/slopes", {pooled.n, k, model.n_covariates});
  }
  model.mean = numbers(file, "pooled/prior_mean", {k});
  model.sd = numbers(file, "pooled/prior_sd", {k});
  model.spread = numbers(file, "pooled/prior_spread", {k});
  model.covariate_sd = numbers(file, "pooled/covariate_sd", {}).front();
  pooled.largest_r_hat = numbers(file, "pooled/largest_r_hat", {}).front();
  const auto finite = [](const std::vector<double>& values) {
    return std::ranges::all_of(values, [](double value) { return std::isfinite(value); });
  };
  if (!finite(pooled.mu) || !finite(pooled.slopes) || !finite(pooled.tau) ||
      std::ranges::any_of(pooled.tau, [](double tau) { return tau < 0; }))
    throw file.broken("the hierarchy over its programmes holds impossible values");
  return pooled;
}
}  // namespace

const StoredFit* StoredPosterior::find(const std::string& programme) const {
  const auto at = std::ranges::find(fits, programme, &StoredFit::programme);
  return at == fits.end() ? nullptr : &*at;
}

StoredPosterior read_posterior(const std::filesystem::path& path) {
  const ResultsFile file(path, kPosteriorKind);
  StoredPosterior stored;
  stored.file = path;
  stored.digest = file.attribute("", "digest");
  stored.title = file.attribute("", "title");
  stored.command = file.attribute("", "command");
  stored.cutoff = file.attribute("", "cutoff");
  const auto names = texts(file, "programme", length(file, "programme", kMostProgrammesOfFile));
  const auto methods = numbers(file, "method", {names.size()});
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (name.empty() || name.find('/') != std::string::npos || !seen.insert(name).second)
      throw file.broken(fmt::format("\"{}\" names no programme, or one twice", name));
    stored.fits.push_back(read_fit(file, name));
    StoredFit& fit = stored.fits.back();
    const double method = methods[stored.fits.size() - 1];
    if (!(method >= 0 && method < static_cast<double>(kMethodNames.size())))
      throw file.broken(fmt::format("the method of {} is unknown", name));
    fit.method = static_cast<Method>(static_cast<int>(method));
    if (!stored.cutoff.empty())
      fit.account.warnings.insert(fit.account.warnings.begin(),
                                  fmt::format("fitted to nothing counted after {}", stored.cutoff));
  }
  if (file.has("pooled")) {
    stored.pooled = read_pooled(file, stored.covariates);
    stored.pooled->warnings = lines_of(file.text("pooled/warnings"));
    stored.pooled_programmes = names;
    if (file.has("pooled/programme"))
      stored.pooled_programmes =
          texts(file, "pooled/programme", length(file, "pooled/programme", kMostProgrammesOfFile));
  }
  return stored;
}

// ---- what a scenario draws ----------------------------------------------------------------------------------------

namespace {
bool is_log(std::string_view column) { return column.starts_with("log "); }

double on_real_line(std::string_view column, double value) {
  return is_log(column) ? std::log(value) : std::log(value / (1 - value));
}

PosteriorProgramme calibrated_programme(const StoredFit& fit, std::vector<Problem>& problems, const std::string& file) {
  PosteriorProgramme programme{fit.programme, PosteriorKind::calibrated, {}, fit.draws.n, {}, fit.account};
  std::vector<const ParameterSpec*> rows;
  for (std::size_t j = 0; j < fit.parameters.size(); ++j) {
    const ParameterSpec* const row = find_parameter(fit.parameters[j].name);
    if (row == nullptr) {
      problems.push_back({file,
                          fmt::format("{} was calibrated with \"{}\", which this version does not know", fit.programme,
                                      fit.parameters[j].name),
                          "calibrate it again"});
      continue;
    }
    rows.push_back(row);
    programme.parameters.push_back({row->id, fit.parameters[j].prior, fit.contraction[j]});
  }
  if (rows.size() < fit.parameters.size()) return programme;
  for (std::size_t i = 0; i < fit.draws.n; ++i) {
    const auto natural = to_natural(fit.parameters, fit.draws.row(i));
    for (std::size_t j = 0; j < natural.size(); ++j) {
      // back and forth may leave the range by the last digit
      const double inside = std::clamp(natural[j], fit.parameters[j].lowest, fit.parameters[j].highest);
      programme.values.push_back(inside);
    }
  }
  return programme;
}

PosteriorProgramme pooled_programme(const StoredPosterior& stored, const ProgrammeSpec& spec_of) {
  PosteriorProgramme programme{spec_of.name, PosteriorKind::pooled, {}, kPooledDraws, {}};
  programme.account.warnings = stored.pooled->warnings;
  const RobustPrior robust = robust_prior(*stored.pooled, covariates_of(spec_of));
  programme.values = drawn_from(robust, kPooledDraws, identity_of(spec_of.name));
  const std::span<const Parameter> rows = pooled_parameters();
  for (std::size_t j = 0; j < rows.size(); ++j) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < kPooledDraws; ++i) {
      const double x = on_real_line(stored.pooled->model.parameters[j], programme.values[i * rows.size() + j]);
      sum += x;
      squares += x * x;
    }
    const auto n = static_cast<double>(kPooledDraws);
    const double variance = squares / n - sum / n * (sum / n);
    programme.parameters.push_back({rows[j], spec_of.settings[static_cast<std::size_t>(rows[j])].prior,
                                    1 - variance / (robust.vague_sd[j] * robust.vague_sd[j])});
  }
  return programme;
}

/// Whether the hierarchy is over what this version pools.
void check_pooled(const StoredPosterior& stored, std::vector<Problem>& problems) {
  const auto& columns = stored.pooled->model.parameters;
  bool same = columns.size() == pooled_parameters().size() && std::ranges::equal(stored.covariates, covariate_names());
  for (const std::string& column : columns) same = same && (is_log(column) || column.starts_with("logit "));
  if (!same)
    problems.push_back({stored.file.string(),
                        "pools other parameters or covariates over its programmes than this version does",
                        "calibrate again"});
}

void add_bits(std::string& text, double value) {
  const auto bits = std::bit_cast<std::array<char, sizeof value>>(value);
  text.append(bits.data(), bits.size());
}

/// What is told of a calibration: it stands in the results, so their digest covers it.
void add_account(std::string& text, const CalibrationAccount& account) {
  text += fmt::format("\n{} {} {} {} {}", account.method, account.is_complete, account.n_simulations, account.n_fitted,
                      fmt::join(account.warnings, "\n"));
  for (const CalibratedPoint& one : account.points) {
    text += fmt::format("\n{}\n{}\n{}\n{}\n{}", one.measure, one.region, one.unit, one.date, one.was_fitted);
    for (const double value : {one.observed, one.p05, one.p25, one.p50, one.p75, one.p95, one.pit})
      add_bits(text, value);
  }
}

/// Of what is drawn, of the record behind it, and of what the results tell of it.
std::string digest_of(const Posterior& posterior) {
  std::string text = fmt::format("{}\n{}\n{}\n{}\n{}", posterior.record_digest, posterior.record, posterior.command,
                                 fmt::join(posterior.past_programmes, "\n"), fmt::join(posterior.past_warnings, "\n"));
  for (const PosteriorProgramme& programme : posterior.programmes) {
    text += fmt::format("\n{} {} {}", programme.programme, static_cast<int>(programme.kind), programme.n_draws);
    for (const PosteriorParameter& one : programme.parameters) text += fmt::format(" {}", spec(one.id).key);
    for (const double value : programme.values) add_bits(text, value);
    add_account(text, programme.account);
  }
  return fmt::format("{:016x}", identity_of(text));
}
}  // namespace

Posterior posterior_for(const StoredPosterior& stored, const Scenario& scenario) {
  std::vector<Problem> problems;
  Posterior posterior{stored.file, "", {}};
  bool checked = false;
  for (const ProgrammeSpec& programme : scenario.programmes) {
    if (const StoredFit* const fit = stored.find(programme.name)) {
      posterior.programmes.push_back(calibrated_programme(*fit, problems, stored.file.string()));
    } else if (programme.starts_from == StartsFrom::past_programmes && stored.pooled) {
      if (!std::exchange(checked, true)) check_pooled(stored, problems);
      if (problems.empty()) posterior.programmes.push_back(pooled_programme(stored, programme));
    }
  }
  if (!problems.empty()) throw InputError(std::move(problems));
  posterior.record = stored.title;
  posterior.record_digest = stored.digest;
  posterior.command = stored.command;
  if (std::ranges::any_of(posterior.programmes, [](const auto& one) { return one.kind == PosteriorKind::pooled; })) {
    posterior.past_programmes = stored.pooled_programmes;
    posterior.past_warnings = stored.pooled->warnings;
  }
  posterior.digest = digest_of(posterior);
  return posterior;
}

void use_named_posterior(Scenario& scenario) {
  if (scenario.mode != ParameterMode::posterior) return;
  const StoredPosterior stored = read_posterior(scenario.posterior_file);
  auto posterior = std::make_shared<const Posterior>(posterior_for(stored, scenario));
  if (posterior->programmes.empty()) {
    std::vector<std::string_view> names, known;
    for (const ProgrammeSpec& programme : scenario.programmes) names.push_back(programme.name);
    for (const StoredFit& fit : stored.fits) known.push_back(fit.programme);
    throw InputError({{stored.file.string(), fmt::format("holds nothing for {}", fmt::join(names, ", ")),
                       fmt::format("it holds {}", fmt::join(known, ", "))}});
  }
  use_posterior(scenario, posterior);
}

}  // namespace uptake
