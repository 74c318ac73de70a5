// The sections that hold the model against what was observed: calibration, published figures, back-test.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "files/results_file.hpp"
#include "report/report_sections.hpp"
#include "results/numbers.hpp"
#include "results/outside_view.hpp"
#include "results/published.hpp"
#include "results/wording.hpp"
#include "statistics/scores.hpp"
#include "statistics/statistics.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/parameters.hpp"
#include "uptake/record.hpp"

namespace uptake {

namespace {
using Json = nlohmann::ordered_json;

/// More programmes than these are folded away, a line each. [A]
constexpr std::size_t kMostOpen = 3;

/// What a record counts, in words.
std::string measure_words(std::string measure) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kWords{
      {{"adopting_orgs", "organisations that adopted"},
       {"engaged_orgs", "organisations engaged"},
       {"sustained_orgs", "organisations that sustain use"},
       {"funded_sites", "sites funded"},
       {"uptake_pct", "uptake"}}};
  const auto known = std::ranges::find(kWords, measure, [](const auto& pair) { return std::string(pair.first); });
  if (known != kWords.end()) return std::string(known->second);
  if (const MetricSpec& beds = spec(Metric::capacity_beds); measure == beds.name) return std::string(beds.brief);
  std::ranges::replace(measure, '_', ' ');
  return measure;
}

std::string_view where_it_lies(const IntervalRow& row) {
  if (row.observed < row.p05) return "below all";
  if (row.observed > row.p95) return "above all";
  return row.observed < row.p25 || row.observed > row.p75 ? "in the 90 %" : "in the 50 %";
}

std::size_t n_within(const std::vector<IntervalRow>& rows, double IntervalRow::*low, double IntervalRow::*high) {
  return static_cast<std::size_t>(std::ranges::count_if(
      rows, [&](const auto& row) { return row.observed >= row.*low && row.observed <= row.*high; }));
}

/// How many of the observations lie where, in words.
std::string held(const std::vector<IntervalRow>& rows) {
  return fmt::format("within the 90 % interval {0} of {2}, within the 50 % interval {1} of {2}",
                     n_within(rows, &IntervalRow::p05, &IntervalRow::p95),
                     n_within(rows, &IntervalRow::p25, &IntervalRow::p75), rows.size());
}

// ---- Calibration --------------------------------------------------------------------------------------------------

/// The group /calibration, whose columns fit together.
struct Calibration {
  explicit Calibration(const ResultsFile& results) : file(results) {
    programmes = texts("programme", 0);
    const std::size_t n = programmes.size();
    method = texts("method", n);
    warnings = texts("warnings", n);
    kind = numbers("kind", n);
    completion = numbers("completion", n);
    n_simulations = numbers("n_simulations", n);
    n_fitted = numbers("n_fitted", n);
    key = texts("key", 0);
    const std::size_t p = key.size();
    parameter_programme = texts("parameter_programme", p);
    unit = texts("unit", p);
    prior = texts("prior", p);
    low = numbers("posterior_p05", p);
    median = numbers("posterior_p50", p);
    high = numbers("posterior_p95", p);
    contraction = numbers("contraction", p);
    informed = numbers("informed", p);
    if (!file.has("calibration/point")) return;
    measure = texts("measure", 0);
    const std::size_t m = measure.size();
    point_programme = texts("point_programme", m);
    region = texts("region", m);
    point_unit = texts("point_unit", m);
    date = texts("date", m);
    fitted = numbers("fitted", m);
    constexpr std::array kNames{"observed", "p05", "p25", "p50", "p75", "p95"};
    for (std::size_t k = 0; k < kNames.size(); ++k) point[k] = numbers(kNames[k], m);
  }
  [[nodiscard]] IntervalRow row(std::size_t i) const {
    return {date[i], point[0][i], point[1][i], point[2][i], point[3][i], point[4][i], point[5][i], fitted[i] == 0};
  }

  const ResultsFile& file;
  std::vector<std::string> programmes, method, warnings, key, parameter_programme, unit, prior, measure,
      point_programme, region, point_unit, date;
  std::vector<double> kind, completion, n_simulations, n_fitted, low, median, high, contraction, informed, fitted;
  std::array<std::vector<double>, 6> point;

 private:
  /// @param n that there must be; 0 = as many as there are
  [[nodiscard]] std::vector<std::string> texts(const std::string& name, std::size_t n) const {
    auto all = file.texts("calibration/" + name);
    if (n > 0 && all.size() != n) throw file.broken("columns of its calibration have different lengths");
    return all;
  }
  [[nodiscard]] std::vector<double> numbers(const std::string& name, std::size_t n) const {
    auto all = std::move(file.numbers("calibration/" + name).values);
    if (all.size() != n) throw file.broken("columns of its calibration have different lengths");
    return all;
  }
};

std::string method_words(const std::string& method) {
  if (method == "abc") return "approximate Bayesian computation";
  if (method == "tempered") return "tempered sequential Monte Carlo";
  if (method == "kalman") return "ensemble Kalman inversion";
  return method;
}

/// Observations of a programme as drawings, one for each series, and one table.
std::string observations(const Calibration& all, const std::string& programme, const std::string& title, Json& data) {
  std::vector<std::pair<std::array<std::string, 3>, std::vector<std::size_t>>> series;
  for (std::size_t i = 0; i < all.measure.size(); ++i) {
    if (all.point_programme[i] != programme) continue;
    const std::array name{measure_words(all.measure[i]), all.region[i], all.point_unit[i]};
    auto found =
        std::ranges::find(series, name, &std::pair<std::array<std::string, 3>, std::vector<std::size_t>>::first);
    if (found == series.end()) found = series.insert(series.end(), {name, {}});
    found->second.push_back(i);
  }
  if (series.empty()) return "";
  std::string html;
  std::vector<std::vector<Cell>> cells;
  for (const auto& [name, points] : series) {
    std::vector<IntervalRow> rows;
    for (const std::size_t i : points) {
      const IntervalRow row = rows.emplace_back(all.row(i));
      cells.push_back({{fmt::format("{}, {}, {}", name[0], name[1], row.name)},
                       number_cell(shown(row.observed)),
                       number_cell(shown(row.p50)),
                       number_cell(span_text(row.p25, row.p75)),
                       number_cell(span_text(row.p05, row.p95)),
                       {std::string(where_it_lies(row))},
                       {row.is_hollow ? "compared with only" : "fitted to"}});
    }
    html += interval_figure(data, rows, name[2],
                            fmt::format("{}, {}, {}: observed beside what the calibrated model gives; {}", title,
                                        name[0], name[1], held(rows)),
                            fmt::format("{}, {}. Diamond: observed (open: not fitted to); line: median; bands: 50 and "
                                        "90 % of what the calibrated model gives.",
                                        capitalised(name[0]), name[1]));
  }
  return html + table(fmt::format("{}: observed beside what the calibrated model gives", title),
                      {{"Observation"},
                       number_cell("observed"),
                       number_cell("median"),
                       number_cell("50 %"),
                       number_cell("90 %"),
                       {"it lies"},
                       {"use"}},
                      cells);
}

std::string learnt(const Calibration& all, const std::string& programme, const std::string& title, bool is_pooled) {
  std::vector<std::vector<Cell>> rows;
  for (std::size_t j = 0; j < all.key.size(); ++j) {
    if (all.parameter_programme[j] != programme) continue;
    const ParameterSpec* const known = find_parameter(all.key[j]);
    rows.push_back({{all.key[j]},
                    {known ? std::string(known->meaning) : ""},
                    number_cell(fmt::format("{:.3g}", all.median[j])),
                    number_cell(fmt::format("{:.3g} to {:.3g}", all.low[j], all.high[j])),
                    {all.unit[j]},
                    {short_prior(all.prior[j])},
                    number_cell(fmt::format("{:.2f}", all.contraction[j])),
                    {is_pooled              ? "from past programmes"
                     : all.informed[j] == 0 ? "not informed"
                                            : "informed"}});
  }
  return table(fmt::format("{}: what was learnt of each parameter", title),
               {{"Parameter"},
                {"meaning"},
                number_cell("median"),
                number_cell("90 %"),
                {"unit"},
                {"prior"},
                number_cell("contraction"),
                {"record"}},
               rows);
}

/// "Not informed" stands beside the parameter already.
bool is_about_information(const std::string& warning) { return warning.find("is not informed") != std::string::npos; }

std::string calibrated_programme(const Calibration& all, std::size_t j, const std::string& title,
                                 const std::vector<std::string>& past, Json& data) {
  const std::string& name = all.programmes[j];
  if (all.kind[j] != 0) {
    return paragraph(fmt::format("{} has no calibration of its own: its parameters follow from what {} "
                                 "say together, mixed with a vague part for the case that it is unlike them.",
                                 title, plural(past.size(), "past programme"))) +
           learnt(all, name, title, true);
  }
  const auto n_fitted = static_cast<std::size_t>(all.n_fitted[j]);
  std::string html = paragraph(fmt::format(
      "{} fitted to by {}, {} simulations{}.", plural(n_fitted, "observation"), method_words(all.method[j]),
      grouped(all.n_simulations[j]), all.completion[j] == 0 ? "; the calibration was interrupted before its end" : ""));
  auto warnings = lines_of(all.warnings[j]);
  std::erase_if(warnings, is_about_information);
  if (!warnings.empty()) html += "<p><strong>Warnings of this calibration</strong></p>\n" + list(warnings);
  return html + observations(all, name, title, data) + learnt(all, name, title, false);
}
}  // namespace

Section calibration_section(const Run& run, Json& data) {
  const ResultsFile& file = run.file;
  if (!file.has("calibration/programme")) {
    return {"calibration", "Not calibrated",
            paragraph(fmt::format("No posterior was used: the parameters {}{}.",
                                  run.is_drawn() ? "were drawn from prior assumptions" : "all stood at their defaults",
                                  file.has("published/metric")
                                      ? ", and the published figures beside the curves are for comparison only"
                                      : ""))};
  }
  const Calibration all(file);
  const auto past =
      file.has("calibration/past_programme") ? file.texts("calibration/past_programme") : std::vector<std::string>{};
  std::string html = paragraph(run.is_calibrated() ? calibration_sentence(run) : "");
  std::vector<IntervalRow> fitted;
  for (std::size_t i = 0; i < all.measure.size(); ++i)
    if (all.fitted[i] != 0) fitted.push_back(all.row(i));
  if (!fitted.empty()) {
    html +=
        paragraph(fmt::format("Observations fitted to, against what the calibrated model gives for them: {}. The model "
                              "has seen them: how well it says what comes next is another question, which only a "
                              "back-test answers.",
                              held(fitted)));
  }
  html += paragraph(
      "Contraction is the share of the prior's variance that the record takes away: 0 = nothing was learnt, 1 = all. "
      "Below 0.1 a parameter is called not informed by these data; below 0 it is less certain than its prior.");
  if (!past.empty()) {
    html += folded(fmt::format("Past programmes that others are drawn from ({})", past.size()), list(past));
    const auto warnings = lines_of(file.text("calibration/past_warnings"));
    if (!warnings.empty())
      html +=
          folded(fmt::format("Warnings of bringing past programmes together ({})", warnings.size()), list(warnings));
  }
  const bool is_open = all.programmes.size() <= kMostOpen;
  for (std::size_t j = 0; j < all.programmes.size(); ++j) {
    const std::string title = run.title_of(all.programmes[j]);
    const std::string part = calibrated_programme(all, j, title, past, data);
    html += is_open ? fmt::format("<h3>{}</h3>\n{}", escaped(title), part) : folded(title, part);
  }
  html += paragraph(fmt::format(
      "The draws come from {} (digest {}), calibrated to “{}”. This command makes the file "
      "again:",
      file.text("provenance/posterior"), file.text("provenance/posterior_digest"), file.text("calibration/record")));
  html += preformatted("Command that makes the posterior again", file.text("calibration/command"));
  const bool all_pooled = std::ranges::all_of(all.kind, [](double kind) { return kind != 0; });
  return {"calibration", all_pooled ? "Drawn from past programmes" : "Calibrated to the record", std::move(html)};
}

// ---- Coverage -----------------------------------------------------------------------------------------------------

namespace {
/// An installation without the table says nothing of back-tests.
std::vector<PastCoverage> coverages_in(const std::filesystem::path& scenarios) {
  const std::filesystem::path file = scenarios / "history" / "backtests.csv";
  std::error_code ignored;
  return std::filesystem::exists(file, ignored) ? read_past_coverage(file) : std::vector<PastCoverage>{};
}
}  // namespace

std::string outside_view_beside(const Run& run) {
  if (!run.file.has("outside_view/finding")) return "";
  std::string html = "<h3>The outside view</h3>\n" + paragraph(run.file.text("outside_view/finding")) +
                     paragraph(run.file.text("outside_view/limits"));
  if (!run.file.has("outside_view/average")) return html;
  const std::vector<std::string> metrics = run.file.texts("outside_view/metric");
  const auto by_metric = [&](const char* name) {
    return run.file.numbers(fmt::format("outside_view/{}", name)).values;
  };
  const std::vector<double> model = by_metric("model"), outside = by_metric("outside"), average = by_metric("average");
  constexpr std::size_t kN = kOutsideProbabilities.size();
  const auto quantiles = [](const std::vector<double>& of, std::size_t i) { return std::span(of).subspan(i * kN, kN); };
  LargestMoney money;
  for (std::size_t i = 0; i < metrics.size(); ++i)
    if (const auto metric = find_metric(metrics[i])) money.add(*metric, quantiles(average, i));
  std::vector<std::vector<Cell>> rows;
  std::vector<Metric> averaged;
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    const auto metric = find_metric(metrics[i]);
    if (!metric) continue;
    averaged.push_back(*metric);
    const RowUnit unit(*metric, Medium::page, quantiles(average, i), money);
    std::vector<Cell> row{{unit.label()}};
    for (const auto* of : {&average, &model, &outside}) {
      const auto q = quantiles(*of, i);
      row.push_back(number_cell(unit.text(q[kN / 2])));
      row.push_back(number_cell(fmt::format("{} to {}", unit.text(q.front()), unit.text(q.back()))));
    }
    rows.push_back(std::move(row));
  }
  const double weight = run.file.numbers("outside_view/weight").values.front();
  html += paragraph(average_in_words(weight, averaged));
  html += table(fmt::format("Gross, {}, {}: the model averaged with the outside view (weight {:g})", run.place_words(),
                            date_text(run.report_to.front()), weight),
                {{"Measure"},
                 number_cell("average, median"),
                 number_cell("90 %"),
                 number_cell("model, median"),
                 number_cell("90 %"),
                 number_cell("outside view, median"),
                 number_cell("90 %")},
                rows);
  return html;
}

std::string past_coverage(const Run& run, const std::filesystem::path& scenarios) {
  if (!run.is_calibrated() || !run.file.has("calibration/kind")) return "";
  const std::vector<double> kinds = run.file.numbers("calibration/kind").values;
  const std::vector<PastCoverage> all = coverages_in(scenarios);
  std::string text;
  for (const auto& [kind, key, how] :
       {std::tuple{0.0, "own-record", "cut at a quarter, half and three quarters of a programme's own record"},
        std::tuple{1.0, "left-out", "of programmes of which nothing but the others was known"}}) {
    const auto one = std::ranges::find(all, key, &PastCoverage::kind);
    if (one == all.end() || std::ranges::find(kinds, kind) == kinds.end()) continue;
    constexpr double kLevel = 0.9;
    if (one->n_programmes < 1) continue;
    const auto n_programmes = static_cast<std::size_t>(one->n_programmes);
    const auto [low, high] = chance_limits(n_programmes, kLevel);
    text += fmt::format(
        "{}In back-tests of the record that ships, {}, the 90 % intervals of gross counts held {:.0f} % of {} "
        "observations of {}.",
        text.empty() ? "" : " ", how, 100 * one->held_90, grouped(one->n_forecasts), plural(n_programmes, "programme"));
    if (one->held_90 < kLevel)
      text += fmt::format(
          " What is observed of one programme is held or missed together, and of {} chance alone leaves {:.0f} to "
          "{:.0f} %: {}.",
          as_many_tests(n_programmes), 100 * low, 100 * high,
          one->held_90 < low ? "intervals of this run are likely too narrow"
                             : "this may be chance, or intervals of this run may be too narrow");
  }
  return text.empty() ? text : text + " No record tests the net effect.";
}

// ---- Published figures --------------------------------------------------------------------------------------------

Section published_section(const Run& run, const Sources& sources) {
  const ResultsFile& file = run.file;
  if (!file.has("published/metric")) return {};
  const auto metric = file.texts("published/metric"), programme = file.texts("published/programme"),
             region = file.texts("published/region"),
             place =
                 file.has("published/place") ? file.texts("published/place") : std::vector<std::string>(metric.size()),
             unit = file.texts("published/unit"), source = file.texts("published/source"),
             note = file.texts("published/note");
  const auto value = file.numbers("published/value").values, below = file.numbers("published/p_below").values;
  const auto from = file.dates("published/from"), to = file.dates("published/to"),
             model_from = file.dates("published/model_from"), model_to = file.dates("published/model_to");
  // Of a file of an earlier version every start counts as stated.
  const std::vector<double> stated = file.has("published/from_stated") ? file.numbers("published/from_stated").values
                                                                       : std::vector<double>(metric.size(), 1.0);
  const Labelled model = file.numbers("published/model");  // figure, view, statistic
  const std::size_t n = metric.size(), n_statistics = kStatisticNames.size();
  for (const std::size_t length : {programme.size(), region.size(), place.size(), unit.size(), source.size(),
                                   note.size(), value.size(), below.size(), from.size(), to.size(), stated.size(),
                                   model_from.size(), model_to.size(), model.values.size() / (2 * n_statistics)})
    if (length != n) throw file.broken("columns of its published figures have different lengths");
  const bool several = std::ranges::any_of(programme, [&](const auto& one) { return one != programme.front(); });
  const auto when = [](Date first, Date last, bool is_flow) {
    return is_flow ? fmt::format("{} to {}", short_date(first), short_date(last)) : short_date(last);
  };
  std::vector<std::vector<Cell>> rows;
  std::size_t n_beside = 0, n_compared = 0, n_within = 0, n_set = 0, n_of_other_days = 0;
  const std::vector<std::string> of_parameter = file.texts("parameters/programme"),
                                 parameter_source = file.texts("parameters/source");
  // A file of an earlier version says of which values a figure stands beside, and not where it was counted.
  const auto counted_in = [&](std::size_t i) {
    const auto at = static_cast<std::size_t>(std::ranges::find(run.regions, region[i]) - run.regions.begin());
    return !place[i].empty() ? place[i] : at < run.regions.size() ? run.words_of_place(at) : region[i];
  };
  const auto is_of_england_alone = [&](std::size_t i) { return counted_in(i) == kEngland && !run.is_england(); };
  bool says_place = run.place != 0, any_of_england = false;
  for (std::size_t i = 0; i < n; ++i) {
    says_place = says_place || counted_in(i) != run.words_of_place(0);
    any_of_england = any_of_england || is_of_england_alone(i);
  }
  for (std::size_t i = 0; i < n; ++i) {
    const auto known = find_metric(metric[i]);
    const bool is_flow = known && spec(*known).kind == MetricKind::flow;
    const double* const gross = &model.values[i * 2 * n_statistics];  // mean, sd, p05, p25, p50, p75, p95, mcse
    const bool has_model = std::isfinite(gross[0]);
    n_beside += has_model ? 1 : 0;
    for (std::size_t k = 0; k < std::min(of_parameter.size(), parameter_source.size()); ++k) {
      if (of_parameter[k] != programme[i] || !share_a_code(source[i], parameter_source[k])) continue;
      ++n_set;
      break;
    }
    const long days_apart = has_model
                                ? std::labs((model_to[i] - to[i]).count()) +
                                      (is_flow && stated[i] != 0 ? std::labs((model_from[i] - from[i]).count()) : 0)
                                : 0;
    n_of_other_days += days_apart > kSameDays ? 1 : 0;
    if (has_model && !is_of_england_alone(i) && days_apart <= kSameDays) {
      ++n_compared;
      n_within += value[i] >= gross[2] && value[i] <= gross[6] ? 1 : 0;
    }
    // A file of another version may name a metric that is not known here.
    const std::optional<RowUnit> row =
        known ? std::optional(RowUnit(*known, Medium::page, std::array{value[i], gross[6]})) : std::nullopt;
    std::string what = row ? row->label() : fmt::format("{}, {}", metric[i], unit[i]);
    if (several) what = fmt::format("{}: {}", run.title_of(programme[i]), what);
    if (says_place) what += fmt::format(", {}", counted_in(i));
    const bool has_no_start = is_flow && stated[i] == 0;
    std::string date = has_no_start ? fmt::format("to {}; the source gives no start", short_date(to[i]))
                                    : when(from[i], to[i], is_flow);
    if (has_model && (has_no_start || model_to[i] != to[i] || (is_flow && model_from[i] != from[i])))
      date += fmt::format(" (model: {})", when(model_from[i], model_to[i], is_flow));
    std::string origin = sources.in_words(source[i]);
    if (!note[i].empty()) origin += (origin.empty() ? "" : ": ") + note[i];
    const auto text = [&](double v) { return row ? row->text(v) : shown(v); };
    Statistics model_of{};
    model_of.p05 = gross[2], model_of.p95 = gross[6];
    rows.push_back(
        {{std::move(what)},
         number_cell(text(value[i])),
         number_cell(has_model ? text(gross[0]) : "–"),
         number_cell(!has_model ? std::string()
                     : row      ? row->range(model_of)
                                : span_text(gross[2], gross[6])),
         number_cell(has_model && value[i] != 0 && gross[0] / value[i] >= 0 ? fmt::format("{:.2f}", gross[0] / value[i])
                                                                            : "–"),
         {std::move(date)},
         {std::move(origin)}});
  }
  std::string html = paragraph(fmt::format(
      "What was published, beside what the strategy “{}” gives at the {}nearest date (gross: with what "
      "would have happened anyway, as published figures count). The ratio is model over published: 1 = the same. "
      "Definitions differ, so read the note.{}",
      run.strategy(run.lead), any_of_england ? "" : "same place and the ",
      any_of_england ? fmt::format(" Figures of England stand beside values of {}: they are of two places, and are not "
                                   "counted as compared.",
                                   run.words_of_place(0))
                     : std::string()));
  std::string heading = "What was published, beside the model";
  if (run.n_replicates() == 1)
    html += paragraph("One world has no interval that a figure could lie in or outside.");
  else if (n_compared > 0)
    heading =
        fmt::format("{} of {} within the model's 90 % interval", n_within, plural(n_compared, "published figure"));
  if (n_of_other_days > 0)
    html += paragraph(fmt::format(
        "{} of another time than the nearest value of the model, by more than a month: not "
        "counted as compared.",
        n_of_other_days == 1 ? std::string("One figure is") : fmt::format("{} figures are", n_of_other_days)));
  if (n_set > 0)
    html += paragraph(
        fmt::format("The sources of {} of {} also set parameters of the model: agreement with {} is no test of it.",
                    n_set, plural(n, "figure"), n_set == 1 ? "it" : "them"));
  if (n_beside > 0 && n_beside < n) {
    html += paragraph(fmt::format("For {} of them the model has no value within 92 days.", n - n_beside));
  } else if (n_beside == 0) {
    html += paragraph("The model has no value within 92 days of any of them.");
  }
  const std::string figures = table("Published figures beside the model",
                                    {{"Figure"},
                                     number_cell("published"),
                                     number_cell("model"),
                                     number_cell("90 %"),
                                     number_cell("ratio"),
                                     {"when"},
                                     {"source and note"}},
                                    rows);
  constexpr std::size_t kMostRows = 15;
  html += rows.size() > kMostRows
              ? folded(fmt::format("Table: published figures beside the model ({})", rows.size()), figures)
              : figures;
  return {"published", std::move(heading), std::move(html), "What was published, beside the model"};
}

// ---- Back-test ----------------------------------------------------------------------------------------------------

namespace {
/// A number of an object of a file that may hold anything.
std::optional<double> number_in(const Json& object, std::string_view key) {
  if (!object.is_object()) return std::nullopt;
  const auto at = object.find(key);
  if (at == object.end() || !at->is_number()) return std::nullopt;
  return at->get<double>();
}
std::string text_in(const Json& object, std::string_view key) {
  if (!object.is_object()) return "";
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : "";
}
const Json& part_of(const Json& object, std::string_view key) {
  static const Json nothing;
  if (!object.is_object()) return nothing;
  const auto at = object.find(key);
  return at == object.end() ? nothing : *at;
}
std::vector<std::string> sentences_in(const Json& object, std::string_view key) {
  std::vector<std::string> sentences;
  const Json& list = part_of(object, key);
  if (!list.is_array()) return sentences;
  for (const Json& one : list)
    if (one.is_string()) sentences.push_back(one.get<std::string>());
  return sentences;
}

struct Rival {
  std::string_view key, name, in_words;
};
constexpr std::array kRivals{Rival{"persistence", "Persistence", "that nothing changes any more"},
                             Rival{"linear", "Linear trend", "a straight line through what was known"},
                             Rival{"bass", "Bass curve", "a plain Bass curve, without networks, places or luck"}};

std::string skill_table(const Json& test) {
  std::vector<std::vector<Cell>> rows;
  const Json &skill = part_of(test, "skill"), &detail = part_of(test, "skill_detail");
  for (const Rival& rival : kRivals) {
    const auto ratio = number_in(skill, rival.key);
    const Json& more = part_of(detail, rival.key);
    const auto low = number_in(more, "low"), high = number_in(more, "high"), n = number_in(more, "forecasts"),
               groups = number_in(more, "programmes");
    // Limits are those of a bootstrap over programmes, which says little of few. [A]
    constexpr double kFewProgrammes = 5;
    std::string verdict = "cannot be said";
    if (ratio && low && high) {
      verdict = *high < 1 ? "the model is better" : *low > 1 ? "the model is worse" : "no clear difference";
      if (groups && *groups < kFewProgrammes) verdict += ", on few programmes";
    } else if (ratio) {
      verdict = *ratio < 1 ? "the model is better, on few programmes" : "the model is no better, on few programmes";
    }
    rows.push_back({{fmt::format("{}: {}", rival.name, rival.in_words)},
                    number_cell(ratio ? fmt::format("{:.2f}", *ratio) : "–"),
                    number_cell(low && high ? fmt::format("{:.2f} to {:.2f}", *low, *high) : "–"),
                    number_cell(n ? grouped(*n) : "–"),
                    number_cell(groups ? grouped(*groups) : "–"),
                    {std::move(verdict)}});
  }
  return table("Error of the model over that of a simple forecast; below 1 the model is better",
               {{"Simple forecast"},
                number_cell("ratio"),
                number_cell("90 %"),
                number_cell("forecasts"),
                number_cell("programmes"),
                {"so that"}},
               rows);
}

std::string coverage_sentences(const Json& test) {
  std::string html;
  for (const std::string_view level : {"50", "90"}) {
    const auto share = number_in(part_of(test, "coverage"), level);
    if (!share) continue;
    const Json& detail = part_of(part_of(test, "coverage_detail"), level);
    const auto low = number_in(detail, "expected_low"), high = number_in(detail, "expected_high"),
               multiplier = number_in(detail, "multiplier");
    std::string text = fmt::format("The {} % intervals held {:.0f} % of the observations", level, 100 * *share);
    if (low && high) {
      // A file of an earlier version does not say how many of its forecasts are independent.
      const auto n_independent = number_in(detail, "independent");
      text += fmt::format("; were they right, chance would leave it between {:.0f} and {:.0f} %{}: {}", 100 * *low,
                          100 * *high,
                          n_independent ? fmt::format(" ({}, for what is observed of one is held or missed together)",
                                                      as_many_tests(static_cast<std::size_t>(*n_independent)))
                                        : std::string(),
                          *high - *low >= 1 ? "too few to tell"
                          : *share < *low   ? "too narrow"
                          : *share > *high  ? "too wide"
                                            : "as wide as they should be, as far as can be told");
    }
    text += ".";
    if (multiplier && low && *share < *low)
      text += fmt::format(" Intervals {:.1f} times as wide would have held {} %.", *multiplier, level);
    html += paragraph(text);
  }
  if (const auto bias = number_in(test, "bias")) {
    html +=
        paragraph(fmt::format("On balance the forecasts were {} (bias {}: 1 = every draw above what was "
                              "observed, -1 = every draw below).",
                              bias_in_words(*bias), bias_text(*bias)));
  }
  const Json& outside = part_of(test, "outside_view");
  const auto p20 = number_in(outside, "p20"), p50 = number_in(outside, "p50"), p80 = number_in(outside, "p80");
  if (p20 && p50 && p80) {
    html +=
        paragraph(fmt::format("What happened was {:.2f} times the median forecast (20 to 80 % of cases: {:.2f} to "
                              "{:.2f} times).",
                              *p50, *p20, *p80));
  }
  return html;
}

struct BacktestSeries {
  std::string programme, measure, region, unit, cut;
  std::vector<IntervalRow> rows;
  bool operator==(const BacktestSeries& other) const {
    return std::tie(programme, measure, region, unit, cut) ==
           std::tie(other.programme, other.measure, other.region, other.unit, other.cut);
  }
};

/// Observed against forecast, for the programmes of the run.
std::string forecasts(const Json& test, const Run& run, Json& data) {
  std::vector<BacktestSeries> series;
  std::vector<std::vector<Cell>> cells;
  std::size_t n_all = 0;
  for (const Json& one : part_of(test, "forecasts")) {
    const auto observed = number_in(one, "observed"), p05 = number_in(one, "p05"), p25 = number_in(one, "p25"),
               p50 = number_in(one, "p50"), p75 = number_in(one, "p75"), p95 = number_in(one, "p95");
    if (!p05 || !p25 || !p50 || !p75 || !p95) continue;
    ++n_all;
    const std::string key = text_in(one, "programme");
    if (std::ranges::find(run.programmes, key) == run.programmes.end()) continue;
    const std::string programme = run.title_of(key);
    const std::string date = text_in(one, "date");
    const IntervalRow row{date, observed.value_or(0), *p05, *p25, *p50, *p75, *p95, false};
    BacktestSeries of{programme,
                      measure_words(text_in(one, "measure")),
                      text_in(one, "region"),
                      text_in(one, "unit"),
                      text_in(one, "cut"),
                      {}};
    std::vector<Cell> cell{{fmt::format("{}: {}, {}, {}", programme, of.measure, of.region, date)},
                           {of.cut},
                           number_cell(observed ? shown(*observed) : "–"),
                           number_cell(shown(*p50)),
                           number_cell(span_text(*p25, *p75)),
                           number_cell(span_text(*p05, *p95)),
                           {observed ? std::string(where_it_lies(row)) : "not observed"}};
    for (const Rival& rival : kRivals) {
      const auto median = number_in(part_of(part_of(one, "baselines"), rival.key), "p50");
      cell.push_back(number_cell(median ? shown(*median) : "–"));
    }
    cells.push_back(std::move(cell));
    if (!observed) continue;
    auto found = std::ranges::find(series, of);
    if (found == series.end()) found = series.insert(series.end(), std::move(of));
    found->rows.push_back(row);
  }
  if (cells.empty())
    return paragraph(fmt::format("None of its {} is of a programme of this run.", plural(n_all, "forecast")));
  std::string html;
  for (const BacktestSeries& one : series) {
    html +=
        interval_figure(data, one.rows, one.unit,
                        fmt::format("{}, {}, {}: observed beside the forecast; {}", one.programme, one.measure,
                                    one.region, held(one.rows)),
                        fmt::format("{}, {}, {}; known: {}. Diamond: observed; line: median forecast; bands: 50 and "
                                    "90 %.",
                                    one.programme, one.measure, one.region, one.cut));
  }
  html += table(fmt::format("Observed against forecast, programmes of this run ({} of {})", cells.size(), n_all),
                {{"Forecast"},
                 {"known"},
                 number_cell("observed"),
                 number_cell("median"),
                 number_cell("50 %"),
                 number_cell("90 %"),
                 {"it lies"},
                 number_cell("persistence"),
                 number_cell("linear"),
                 number_cell("Bass")},
                cells);
  return series.size() > kMostOpen
             ? folded(fmt::format("Observed against forecast, by programme ({} series)", series.size()), html)
             : html;
}
}  // namespace

Section backtest_section(const std::filesystem::path& folder, const Run& run, Json& data) {
  std::ifstream stream(folder / "backtest.json");
  const Json test = stream ? Json::parse(stream, nullptr, false) : Json();
  if (!part_of(test, "forecasts").is_array() || !part_of(test, "skill").is_object()) return {};
  std::string html = paragraph(fmt::format(
      "A back-test of {}: the model was fitted to what was known ({}), and its forecasts of the rest are held against "
      "what happened. This is not the calibration of this run, but says how far to trust forecasts made in this way.",
      text_in(test, "history"), text_in(test, "cutoff")));
  html += skill_table(test) + coverage_sentences(test) + forecasts(test, run, data);
  for (const auto& [key, heading] : {std::pair{"why", "Where a simple forecast wins"},
                                     {"assumed", "What the forecasts know"},
                                     {"skipped", "Not forecast"},
                                     {"warnings", "Warnings of the back-test"}}) {
    const auto sentences = sentences_in(test, key);
    if (!sentences.empty()) html += folded(fmt::format("{} ({})", heading, sentences.size()), list(sentences));
  }
  return {"backtest", "How well such forecasts did before", std::move(html)};
}

}  // namespace uptake
