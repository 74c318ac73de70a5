#include "results/provenance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "results/axes.hpp"
#include "results/cell_statistics.hpp"
#include "results/compare.hpp"
#include "results/finding.hpp"
#include "results/outside_view.hpp"
#include "results/published.hpp"
#include "statistics/statistics.hpp"
#include "uptake/model.hpp"
#include "uptake/past_forecasts.hpp"
#include "uptake/posterior.hpp"
#include "uptake/version.hpp"

namespace uptake {

namespace {
/// A parameter of a programme or of the economy, as it is labelled.
struct ParameterRow {
  std::string label, programme;
  const ParameterSpec* spec;
  const Setting* setting;
};

/// In the order of Draw::values(), without the last of them where there is no growth ledger.
std::vector<ParameterRow> parameter_rows(const Scenario& scenario) {
  std::vector<ParameterRow> rows;
  for (const ProgrammeSpec& programme : scenario.programmes)
    for (const ParameterSpec& p : parameter_table().first(kNProgrammeParameters))
      rows.push_back({fmt::format("{}.{}", programme.name, p.key), programme.name, &p,
                      &programme.settings[static_cast<std::size_t>(p.id)]});
  for (const ParameterSpec& p : parameter_table().subspan(kNProgrammeParameters))
    if (is_used(scenario, p))
      rows.push_back(
          {std::string(p.key), "", &p,
           &scenario.economy[static_cast<std::size_t>(p.id) - static_cast<std::size_t>(kNProgrammeParameters)]});
  return rows;
}

/// What a run is told to use: the middle of the draws where they are those of a posterior.
double value_of(const Scenario& scenario, const ParameterRow& row) {
  const auto drawn = posterior_column(scenario, row.programme, row.spec->id);
  return drawn ? drawn->quantile(0.5) : row.setting->value;
}

/// What the posterior says of each parameter, in a run that draws from one.
void write_posterior_columns(Hdf5Group& group, const Scenario& scenario, const std::vector<ParameterRow>& rows) {
  if (scenario.mode != ParameterMode::posterior) return;
  const std::vector<std::string> axis{"parameter"};
  std::vector<std::uint8_t> informed;
  constexpr std::array kProbabilities{0.05, 0.5, 0.95};
  std::array<std::vector<double>, kProbabilities.size()> quantiles;
  std::vector<double> contraction, mean, defaults;
  for (const ParameterRow& row : rows) {
    const auto one = posterior_column(scenario, row.programme, row.spec->id);
    informed.push_back(!one                                            ? 0
                       : one->programme->kind == PosteriorKind::pooled ? 3
                       : one->parameter().is_informed()                ? 2
                                                                       : 1);
    contraction.push_back(one ? one->parameter().contraction : kFill);
    mean.push_back(one ? one->mean() : kFill);
    for (std::size_t k = 0; k < kProbabilities.size(); ++k)
      quantiles[k].push_back(one ? one->quantile(kProbabilities[k]) : kFill);
    defaults.push_back(row.setting->value);
  }
  group.doubles("default", defaults, axis,
                named("default, in unit, after programme file, scenario and --set; not used where a posterior draws"));
  group.flags("informed", informed, axis,
              {"not_calibrated", "not_informed_by_these_data", "informed", "from_past_programmes"},
              named("whether it is drawn from the posterior, and whether the record says anything about it"));
  group.doubles("contraction", contraction, axis,
                named("1 - var(posterior) / var(prior), on the real line; undefined when not calibrated"));
  group.doubles("posterior_mean", mean, axis, named("mean of the posterior, in unit"));
  group.doubles("posterior_p05", quantiles[0], axis, named("5 % quantile of the posterior, in unit"));
  group.doubles("posterior_p50", quantiles[1], axis, named("median of the posterior, in unit"));
  group.doubles("posterior_p95", quantiles[2], axis, named("95 % quantile of the posterior, in unit"));
}

/// By row: 1 for the parameters that decide most answers, where they have a part in the run.
std::vector<std::uint8_t> decides(const Model& model, const std::vector<ParameterRow>& rows) {
  std::vector<std::uint8_t> flags(rows.size(), 0);
  for (int j = 0; j < model.n_programmes(); ++j) {
    const std::vector<Parameter> first = decisive_parameters(model, j);
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (rows[i].programme == model.scenario.programmes[static_cast<std::size_t>(j)].name &&
          std::ranges::find(first, rows[i].spec->id) != first.end())
        flags[i] = 1;
  }
  return flags;
}

/// By row: 1 for the parameters that have a part in what the run says.
std::vector<std::uint8_t> acts(const Model& model, const std::vector<ParameterRow>& rows) {
  std::vector<ParameterSet> acting;
  ParameterSet any;
  for (int j = 0; j < model.n_programmes(); ++j) any |= acting.emplace_back(acting_parameters(model, j));
  std::vector<std::uint8_t> flags;
  for (const ParameterRow& row : rows) {
    const auto of = std::ranges::find(model.scenario.programmes, row.programme, &ProgrammeSpec::name);
    const ParameterSet& where = of == model.scenario.programmes.end()
                                    ? any
                                    : acting[static_cast<std::size_t>(of - model.scenario.programmes.begin())];
    flags.push_back(where.test(static_cast<std::size_t>(row.spec->id)) ? 1 : 0);
  }
  return flags;
}

}  // namespace

void write_parameters(Hdf5Group& group, const RunRecord& record) {
  const auto rows = parameter_rows(record.model->scenario);
  const auto column = [&](auto&& text) {
    std::vector<std::string> values;
    for (const ParameterRow& row : rows) values.emplace_back(text(row));
    return values;
  };
  const std::vector<std::string> axis{"parameter"};
  group.scale("parameter", column([](const auto& row) { return row.label; }), named("programme and key, or key"));
  add_replicates(group, record);
  group.text("programme", column([](const auto& row) { return row.programme; }), axis,
             named("programme that the parameter belongs to; empty for the economy"));
  group.text("key", column([](const auto& row) { return row.spec->key; }), axis, named("key in scenarios and --set"));
  std::vector<double> values;
  for (const ParameterRow& row : rows) values.push_back(value_of(record.model->scenario, row));
  group.doubles("value", values, axis,
                named("in unit: median of the posterior where it is drawn from one, else the default, after programme "
                      "file, scenario and --set"));
  group.text("unit", column([](const auto& row) { return row.spec->unit; }), axis, named("unit of value and drawn"));
  group.text("prior", column([](const auto& row) { return to_text(row.setting->prior); }), axis,
             named("prior distribution, in unit"));
  group.text("grade", column([](const auto& row) { return name_of(row.setting->grade); }), axis,
             named("how the figure is known"));
  group.text("source", column([](const auto& row) { return row.setting->source; }), axis,
             named("where the figure comes from"));
  group.text("meaning", column([](const auto& row) { return row.spec->meaning; }), axis, named("what it is"));
  std::vector<std::uint8_t> stated;
  for (const ParameterRow& row : rows) stated.push_back(row.setting->is_stated() ? 1 : 0);
  group.flags("stated", stated, axis, {"default", "stated"},
              named("whether a programme file, the scenario or --set states it, or the program's own default stands"));
  group.flags(
      "acts", acts(*record.model, rows), axis, {"not_used", "used"},
      named("whether it has a part in what this run says, or belongs to a stage, effort, tie or outcome that is "
            "not there"));
  group.flags("decides", decides(*record.model, rows), axis, {"not_shown_first", "shown_first"},
              named("whether it decides most answers and has a part in this run"));
  write_posterior_columns(group, record.model->scenario, rows);
}

std::size_t n_parameters(const Scenario& scenario) { return parameter_rows(scenario).size(); }

namespace {
/// Precision of the report metrics for England.
void write_diagnostics(const Hdf5File& file, const RunRecord& record) {
  const SummaryLayout& layout = record.layout;
  Hdf5Group group = file.group("diagnostics");
  const std::vector<Block>& blocks = record.report->blocks;
  std::vector<std::string> names;
  for (const Block& block : blocks) names.emplace_back(spec(block.metric).name);
  group.integers("n_replicates", {static_cast<std::int32_t>(record.ensemble->n_replicates)}, {},
                 named("replicates in this file"));
  group.integers("n_draws", {static_cast<std::int32_t>(n_draws(record))}, {}, named("parameter vectors in this file"));
  if (blocks.empty()) return;
  group.scale("metric", names, named(fmt::format("report metric, for {}", population_in_words(*record.model))));
  group.scale("strategy", layout.strategies, named("what is done"));
  group.scale("view", texts(kViewNames), named("as in the root group"));
  group.scale("programme", layout.programmes, named("innovation"));
  add_time_axis(group, layout, Axis::report);
  const std::vector<std::string> axes{"metric", "strategy", "view", "programme", "report"};
  std::vector<std::int32_t> n_defined;
  std::vector<double> mcse;
  for (const Block& block : blocks)
    for (int strategy = 0; strategy < static_cast<int>(layout.strategies.size()); ++strategy)
      for (std::size_t view = 0; view < kViewNames.size(); ++view)
        for (int programme = 0; programme < static_cast<int>(layout.programmes.size()); ++programme)
          for (int time = 0; time < block.n_times; ++time) {
            const CellStatistics cell = record.report->at(block, strategy, programme, time, 0, static_cast<View>(view));
            n_defined.push_back(cell.n_defined);
            mcse.push_back(cell.value.mcse / std::abs(cell.value.mean));
          }
  for (double& share : mcse)
    if (!std::isfinite(share)) share = kFill;
  group.integers("n_defined", n_defined, axes, named("replicates in which the metric is defined"));
  Attributes attributes = named("Monte-Carlo standard error of the mean as a share of the absolute mean");
  attributes.emplace_back("units", std::string("1"));
  group.doubles("mcse_share", mcse, axes, attributes);
}

/// Published figures beside the lead strategy's values; no group when there are none.
void write_published(const Hdf5File& file, const RunRecord& record) {
  const auto all = published_beside(record);
  if (all.empty()) return;
  Hdf5Group group = file.group("published");
  const std::vector<std::string> axis{"figure"};
  group.scale("figure", counting(all.size()), named("published figure"));
  group.scale("view", std::vector<std::string>{"gross", "net"}, named("as in the root group"));
  group.scale("statistic", texts(kStatisticNames), named("over replicates, as in the root group"));
  const auto text = [&](const char* name, const char* meaning, auto&& of) {
    std::vector<std::string> column;
    for (const PublishedBeside& one : all) column.emplace_back(of(one));
    group.text(name, column, axis, named(meaning));
  };
  text("programme", "innovation; all = all together", [](const auto& one) { return one.programme; });
  text("region", "what the values are of: England (all of the population, whichever it is), or a region",
       [](const auto& one) { return one.region; });
  text("place", "where the figure was counted, in words", [](const auto& one) { return one.place; });
  text("metric", "metric of the results", [](const auto& one) { return spec(one.metric).name; });
  text("unit", "unit of published and model", [](const auto& one) { return spec(one.metric).unit; });
  text("source", "where it was published", [](const auto& one) { return one.figure->source; });
  text("note", "what it counts", [](const auto& one) { return one.figure->note; });
  const auto dates = [&](const char* name, const char* meaning, auto&& of) {
    std::vector<std::int32_t> column;
    for (const PublishedBeside& one : all) column.push_back(days(of(one)));
    group.integers(name, column, axis, date_attributes(meaning));
  };
  const Date start = record.model->calendar().start;
  dates("from", "first day that it counts; of a stock, and where from_stated is 0, the start of the simulation",
        [&](const auto& one) { return one.asked(start).from; });
  std::vector<std::uint8_t> stated;
  for (const PublishedBeside& one : all) stated.push_back(one.from() ? 1 : 0);
  group.flags("from_stated", stated, axis, {"not_stated", "stated"},
              named("whether its source says from which day it counts; a stock has no such day"));
  dates("to", "last day that it counts", [&](const auto& one) { return one.asked(start).to; });
  dates("model_from", "first day of the model's values; as published where there are none",
        [&](const auto& one) { return one.used.value_or(one.asked(start)).from; });
  dates("model_to", "last day of the model's values; as published where there are none",
        [&](const auto& one) { return one.used.value_or(one.asked(start)).to; });
  std::vector<double> published, below, model;
  for (const PublishedBeside& one : all) {
    published.push_back(one.figure->value);
    below.push_back(one.used ? one.p_below : kFill);
    for (const Statistics& s : {one.gross, one.net})
      for (const double value : in_order(s)) model.push_back(one.used ? value : kFill);
  }
  group.doubles("value", published, axis, named("published value, in unit"));
  group.doubles("p_below", below, axis, named("share of replicates whose gross value is below the published one"));
  std::vector<std::uint8_t> fitted;
  for (const PublishedBeside& one : all) fitted.push_back(one.was_fitted ? 1 : 0);
  group.flags("fitted", fitted, axis, {"compared_with_only", "fitted"},
              named("whether the posterior that parameters are drawn from was fitted to the figure"));
  group.doubles("model", model, {"figure", "view", "statistic"},
                named("the lead strategy's value at the nearest date or window that is kept, in unit"));
}

/// What earlier forecasts came to, beside the run, and the averages with it where they were asked for; no group where
/// nothing is said of them.
void write_outside_view(const Hdf5File& file, const RunRecord& record) {
  const auto beside = outside_beside(record);
  if (!beside) return;
  const PastForecasts& past = *record.model->scenario.past_forecasts;
  Hdf5Group group = file.group("outside_view");
  const auto one_text = [&](const char* name, const std::string& value, const char* meaning) {
    group.text(name, {value}, {}, named(meaning));
  };
  const auto count = [&](const char* name, std::size_t value, const char* meaning) {
    group.integers(name, {static_cast<std::int32_t>(value)}, {}, named(meaning));
  };
  const auto number = [&](const char* name, double value, const char* meaning) {
    group.doubles(name, {value}, {}, named(meaning));
  };
  one_text("rule", beside->rule, "which forecasts it is made of");
  one_text("table", past.file.filename().string(), "name of the file that they stand in");
  one_text("table_digest", past.digest, "its digest");
  one_text("finding", beside->finding, "what they say, in a sentence");
  one_text("limits", beside->limits, "what they do not say, in sentences");
  number("p20", beside->ratios.p20, "20 % quantile of ratio");
  number("p50", beside->ratios.p50, "median of ratio");
  number("p80", beside->ratios.p80, "80 % quantile of ratio");
  count("n_forecasts", beside->ratios.n, "forecasts");
  count("n_programmes", beside->n_programmes, "programmes that they are of");
  count("n_series", beside->n_series, "series (programme, region, measure) that they are of");
  number("weight", beside->weight, "of the outside view in average, from 0 to 1; 0 = no average was asked for");

  const std::vector<std::string> axis{"forecast"};
  group.scale("forecast", counting(past.forecasts.size()), named("earlier forecast"));
  const auto text = [&](const char* name, const char* meaning, std::string PastForecast::*of) {
    std::vector<std::string> column;
    for (const PastForecast& one : past.forecasts) column.push_back(one.*of);
    group.text(name, column, axis, named(meaning));
  };
  text("programme", "programme that it is of", &PastForecast::programme);
  text("region", "where, as in the table", &PastForecast::region);
  text("measure", "what was forecast, as in the table", &PastForecast::measure);
  text("date", "of when, as in the table", &PastForecast::date);
  text("cut", "what was known", &PastForecast::cut);
  const auto numbers = [&](const char* name, const char* meaning, auto&& of) {
    std::vector<double> column;
    for (const PastForecast& one : past.forecasts) column.push_back(of(one));
    group.doubles(name, column, axis, named(meaning));
  };
  numbers("observed", "what was observed, in the unit of its series", [](const auto& one) { return one.observed; });
  numbers("median", "the median forecast, in the same unit", [](const auto& one) { return one.median; });
  numbers("ratio", "observed over median", [](const auto& one) { return one.ratio(); });

  if (beside->rows.empty()) return;
  std::vector<std::string> metrics, units;
  std::vector<double> model, outside, average;
  const auto append = [](std::vector<double>& all, const OutsideQuantiles& of) {
    all.insert(all.end(), of.begin(), of.end());
  };
  for (const OutsideRow& row : beside->rows) {
    metrics.emplace_back(spec(row.metric).name);
    units.emplace_back(spec(row.metric).unit);
    append(model, row.model);
    append(outside, row.outside);
    append(average, row.average);
  }
  group.scale("metric", metrics, named("gross metric of the lead strategy at the first report date, in the focus"));
  group.scale("quantile", texts(kOutsideNames), named("5, 25, 50, 75 and 95 % quantiles"));
  group.text("unit", units, {"metric"}, named("unit of the quantiles"));
  const std::vector<std::string> axes{"metric", "quantile"};
  group.doubles("model", model, axes, named("of the model's own distribution, in unit"));
  group.doubles("outside", outside, axes,
                named("of the model's median adoption times ratio, and what comes of it, in unit"));
  group.doubles("average", average, axes, named("quantile average of model and outside, in unit"));
}

/// Row of a calibrated programme: the programme and one of its parameters or observations.
template <class Of>
struct CalibrationRow {
  const PosteriorProgramme* programme;
  const Of* of;
  std::size_t index;
};

void write_learnt(Hdf5Group& group, const Posterior& posterior) {
  using Row = CalibrationRow<PosteriorParameter>;
  std::vector<Row> rows;
  for (const PosteriorProgramme& programme : posterior.programmes)
    for (std::size_t j = 0; j < programme.parameters.size(); ++j)
      rows.push_back({&programme, &programme.parameters[j], j});
  const auto column = [&]<class Value>(Value, auto&& of) {
    std::vector<Value> values;
    for (const Row& row : rows) values.emplace_back(of(row));
    return values;
  };
  const auto text = [&](auto&& of) { return column(std::string(), of); };
  const auto key = [](const Row& row) { return std::string(spec(row.of->id).key); };
  const std::vector<std::string> axis{"parameter"};
  group.scale("parameter",
              text([&](const Row& row) { return fmt::format("{}.{}", row.programme->programme, key(row)); }),
              named("calibrated parameter of a programme"));
  group.text("parameter_programme", text([](const Row& row) { return row.programme->programme; }), axis,
             named("programme that it belongs to"));
  group.text("key", text(key), axis, named("key in scenarios and --set"));
  group.text("unit", text([](const Row& row) { return std::string(spec(row.of->id).unit); }), axis,
             named("unit of the quantiles"));
  group.text("prior", text([](const Row& row) { return to_text(row.of->prior); }), axis,
             named("working prior that it was calibrated under, in unit"));
  const auto quantile = [&](const char* name, double probability, const char* meaning) {
    group.doubles(name, column(0.0, [&](const Row& row) { return row.programme->quantile(row.index, probability); }),
                  axis, named(meaning));
  };
  quantile("posterior_p05", 0.05, "5 % quantile of the posterior, in unit");
  quantile("posterior_p50", 0.5, "median of the posterior, in unit");
  quantile("posterior_p95", 0.95, "95 % quantile of the posterior, in unit");
  group.doubles("contraction", column(0.0, [](const Row& row) { return row.of->contraction; }), axis,
                named("1 - var(posterior) / var(prior), on the real line"));
  group.flags("informed", column(std::uint8_t{}, [](const Row& row) { return row.of->is_informed() ? 1 : 0; }), axis,
              {"not_informed_by_these_data", "informed"},
              named(fmt::format("whether contraction reaches {}", kInformed)));
}

void write_calibration_points(Hdf5Group& group, const Posterior& posterior) {
  using Row = CalibrationRow<CalibratedPoint>;
  std::vector<Row> rows;
  for (const PosteriorProgramme& programme : posterior.programmes)
    for (std::size_t i = 0; i < programme.account.points.size(); ++i)
      rows.push_back({&programme, &programme.account.points[i], i});
  if (rows.empty()) return;
  const std::vector<std::string> axis{"point"};
  group.scale("point", counting(rows.size()), named("observation, fitted to or not"));
  const auto text = [&](const char* name, const char* meaning, auto&& of) {
    std::vector<std::string> values;
    for (const Row& row : rows) values.push_back(of(row));
    group.text(name, values, axis, named(meaning));
  };
  text("point_programme", "programme that it was observed of", [](const Row& row) { return row.programme->programme; });
  text("measure", "what was observed, as in the table of observations", [](const Row& row) { return row.of->measure; });
  text("region", "where, as in the table", [](const Row& row) { return row.of->region; });
  text("point_unit", "unit of observed and its predictive quantiles", [](const Row& row) { return row.of->unit; });
  text("date", "when, as in the table", [](const Row& row) { return row.of->date; });
  const auto number = [&](const char* name, const char* meaning, double CalibratedPoint::*of) {
    std::vector<double> values;
    for (const Row& row : rows) values.push_back(row.of->*of);
    group.doubles(name, values, axis, named(meaning));
  };
  number("observed", "as published, in point_unit", &CalibratedPoint::observed);
  number("p05", "posterior predictive, 5 % quantile", &CalibratedPoint::p05);
  number("p25", "posterior predictive, 25 % quantile", &CalibratedPoint::p25);
  number("p50", "posterior predictive, median", &CalibratedPoint::p50);
  number("p75", "posterior predictive, 75 % quantile", &CalibratedPoint::p75);
  number("p95", "posterior predictive, 95 % quantile", &CalibratedPoint::p95);
  number("pit", "P(predictive < observed) + P(equal) / 2", &CalibratedPoint::pit);
  std::vector<std::uint8_t> fitted;
  for (const Row& row : rows) fitted.push_back(row.of->was_fitted ? 1 : 0);
  group.flags("fitted", fitted, axis, {"compared_with_only", "fitted"}, named("whether it entered the likelihood"));
}

/// What the posterior file tells of its programmes, so that the results speak for themselves; no group without one.
void write_calibration(const Hdf5File& file, const Scenario& scenario) {
  if (scenario.mode != ParameterMode::posterior || !scenario.posterior) return;
  const Posterior& posterior = *scenario.posterior;
  Hdf5Group group = file.group("calibration");
  const std::vector<std::string> axis{"programme"};
  const auto text = [&](auto&& of) {
    std::vector<std::string> values;
    for (const PosteriorProgramme& one : posterior.programmes) values.emplace_back(of(one));
    return values;
  };
  const auto whole = [&](auto&& of) {
    std::vector<std::int32_t> values;
    for (const PosteriorProgramme& one : posterior.programmes) values.push_back(static_cast<std::int32_t>(of(one)));
    return values;
  };
  group.scale("programme", text([](const auto& one) { return one.programme; }),
              named("programme whose parameters are drawn from the posterior"));
  std::vector<std::uint8_t> kind;
  for (const PosteriorProgramme& one : posterior.programmes) kind.push_back(one.kind == PosteriorKind::pooled ? 1 : 0);
  group.flags("kind", kind, axis, {"calibrated", "from_past_programmes"}, named("where its draws come from"));
  group.text("method", text([](const auto& one) { return one.account.method; }), axis,
             named("how it was calibrated; empty for what is drawn from past programmes"));
  group.flags(
      "completion",
      [&] {
        std::vector<std::uint8_t> values;
        for (const auto& one : posterior.programmes) values.push_back(one.account.is_complete ? 1 : 0);
        return values;
      }(),
      axis, {"interrupted", "complete"}, named("whether its calibration came to its end"));
  group.integers("n_simulations", whole([](const auto& one) { return one.account.n_simulations; }), axis,
                 named("simulations of its calibration"));
  group.integers("n_fitted", whole([](const auto& one) { return one.account.n_fitted; }), axis,
                 named("observations fitted to"));
  group.text("warnings", text([](const auto& one) { return fmt::format("{}", fmt::join(one.account.warnings, "\n")); }),
             axis, named("sentences, one a line"));
  const auto one_text = [&](const char* name, const std::string& value, const char* meaning) {
    group.text(name, {value}, {}, named(meaning));
  };
  one_text("record", posterior.record, "title of the record that was calibrated to");
  one_text("record_digest", posterior.record_digest, "its digest");
  one_text("command", posterior.command, "makes the posterior file again");
  write_learnt(group, posterior);
  write_calibration_points(group, posterior);
  if (posterior.past_programmes.empty()) return;
  group.scale("past_programme", posterior.past_programmes,
              named("what programmes without a calibration of their own are drawn from"));
  one_text("past_warnings", fmt::format("{}", fmt::join(posterior.past_warnings, "\n")),
           "what is to be said of pooling them, one a line");
}

/// What the run is of, and all that makes it again.
void write_origin(const Hdf5File& file, const RunRecord& record) {
  const Scenario& scenario = record.model->scenario;
  Hdf5Group group = file.group("provenance");
  const auto text = [&](const char* name, std::string value, const char* meaning) {
    group.text(name, {std::move(value)}, {}, named(meaning));
  };
  text("scenario", scenario.name, "name of the scenario");
  text("scenario_text", scenario.text, "the scenario file, verbatim");
  text("overrides", fmt::format("{}", fmt::join(scenario.overrides, "\n")), "--set texts in order, one a line");
  std::string resolved;
  for (const ParameterRow& row : parameter_rows(scenario))
    resolved += fmt::format("{} = {} {}; {}; {}; {}\n", row.label, value_of(scenario, row), row.spec->unit,
                            to_text(row.setting->prior), name_of(row.setting->grade), row.setting->source);
  text("resolved_parameters", resolved, "parameters after files and overrides: value unit; prior; grade; source");
  text("parameters", std::string(kParameterModeNames[static_cast<std::size_t>(scenario.mode)]),
       "how parameters come about");
  if (scenario.mode == ParameterMode::posterior && scenario.posterior) {
    text("posterior", scenario.posterior->file.filename().string(), "file that calibrated parameters are drawn from");
    text("posterior_digest", scenario.posterior->digest,
         "digest of the draws, of the record behind them and of what /calibration tells");
    text("calibration", calibration_in_words(scenario), "what is calibrated, in a sentence");
    text("not_informed", not_informed_in_words(scenario),
         "calibrated parameters that the record says next to nothing about; empty when there are none");
    text("calibration_warnings", fmt::format("{}", fmt::join(calibration_warnings(scenario), "\n")),
         "what the calibrations warn of, one a line; empty when nothing");
  }
  text("money_defaults", fmt::format("{}", fmt::join(money_defaults(*record.model), "\n")),
       "what money rests on that no file states, a sentence a line; empty when there is nothing");
  text("notes", fmt::format("{}", fmt::join(all_notes(*record.model), "\n")),
       "what must be known beside the figures: of the effort, the programmes, the scenario; a note a line");
  group.unsigned_integer("seed", scenario.seed, named("seed of the run"));
  text("seed_text", fmt::format("{}", scenario.seed), "seed in decimal, for readers without 64-bit unsigned integers");
  text("generator", "Philox4x32-10", "random number generator (Salmon et al. 2011), keyed by identity");
  text("version", std::string(version()), "version of uptake");
  text("git_id", std::string(git_id()), "commit that uptake was built from");
  text("digest", scenario.digest, "digest of everything that decides the results");
  text("comparator", record.layout.strategies[static_cast<std::size_t>(record.layout.comparator)],
       "strategy that net is against");
  text("lead", record.layout.strategies[static_cast<std::size_t>(lead_strategy(scenario))],
       "strategy that the headline and the page are about");
  if (const auto pairs = attention_pairs(scenario); !pairs.empty() && scenario.programmes.size() > 1) {
    text("attention_on", record.layout.strategies[static_cast<std::size_t>(pairs.front().on)],
         "strategy whose programmes compete for attention");
    text("attention_off", record.layout.strategies[static_cast<std::size_t>(pairs.front().off)],
         "strategy that is the same without that competition");
  }
  std::vector<std::string_view> deliveries;
  for (const Strategy& strategy : scenario.strategies)
    deliveries.push_back(kDeliveryNames[static_cast<std::size_t>(strategy.delivery)]);
  text("deliveries", fmt::format("{}", fmt::join(deliveries, "\n")),
       "what is delivered under each strategy, in the order of the axis, one a line");
  text("focus", record.layout.regions[static_cast<std::size_t>(focus_place(record.layout, scenario))],
       "region that the headline and the page are about");
  const Population& population = *record.model->population;
  text("about", is_about_growth(scenario) ? "growth ledger" : "programmes", "what the headline and the page lead with");
  text("population", population_in_words(*record.model), "who the organisations are");
  text("population_note", population_note(*record.model),
       "what else must be known of them; empty for those of a real place");
  std::vector<std::string> titles, events;
  for (const ProgrammeSpec& programme : scenario.programmes) {
    std::string title = programme.title;
    std::ranges::replace(title, '\n', ' ');
    titles.push_back(std::move(title));
    events.push_back(programme.event);
  }
  text("programme_titles", fmt::format("{}", fmt::join(titles, "\n")), "titles of the programmes in order, one a line");
  text("programme_events", fmt::format("{}", fmt::join(events, "\n")),
       "what each programme avoids, one a line; empty where it avoids no events");
  text("population_vintage", population.vintage, "what boundaries and counts refer to");
  group.unsigned_integer("population_seed", population.seed, named("seed of the synthetic organisations"));
}
}  // namespace

void write_provenance(const Hdf5File& file, const RunRecord& record) {
  write_diagnostics(file, record);
  write_published(file, record);
  write_outside_view(file, record);
  write_calibration(file, record.model->scenario);
  write_origin(file, record);
}

}  // namespace uptake
