#include "uptake/results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>
#include <variant>

#include "files/file.hpp"
#include "files/hdf5_writer.hpp"
#include "files/results_file.hpp"
#include "files/seal.hpp"
#include "results/by_cell.hpp"
#include "results/cell_statistics.hpp"
#include "results/compare.hpp"
#include "results/finding.hpp"
#include "results/outside_view.hpp"
#include "results/published.hpp"
#include "statistics/statistics.hpp"
#include "uptake/version.hpp"

namespace uptake {

namespace {
constexpr double kFill = std::numeric_limits<double>::quiet_NaN();
/// Binary digits kept behind the first: of statistics (a relative error of at most 2^-21 < 5e-7, far below any
/// Monte-Carlo error) and of the replicates' own values (as a 32-bit float has). Compression does the rest. [A]
constexpr int kStatisticDigits = 20, kReplicateDigits = 23;
/// Most values in a chunk of replicates: 1 MiB. [A]
constexpr std::size_t kChunkValues = std::size_t{1} << 17;
// ---- what is written ----------------------------------------------------------------------------------------------

/// One compressed piece of a dataset. Several offsets when the same values stand in several places.
struct Chunk {
  std::vector<Extents> offsets;
  std::vector<unsigned char> packed;  ///< empty when all values are undefined: the fill value stands for them
};
/// Works out some chunks of a variable.
using Work = std::function<std::vector<Chunk>()>;

struct Variable {
  std::string name;
  std::vector<std::string> dimensions;
  Extents chunk_shape;
  Attributes attributes;
  std::vector<Work> work;  ///< in the order in which chunks are written
};

std::string_view axis_name(Axis axis) { return axis == Axis::month ? "time" : axis == Axis::year ? "year" : "report"; }
std::string_view place_name(Geography geography) { return geography == Geography::region ? "region" : "board"; }

std::int32_t days(Date date) { return static_cast<std::int32_t>(date.time_since_epoch().count()); }

Attributes date_attributes(std::string meaning) {
  return {{"units", std::string("days since 1970-01-01")},
          {"calendar", std::string("standard")},
          {"standard_name", std::string("time")},
          {"long_name", std::move(meaning)}};
}

/// Auxiliary coordinates of a time axis; months are labelled by their last day already.
std::string from_name(Axis axis) { return fmt::format("{}_from", axis_name(axis)); }
std::string to_name(Axis axis) { return fmt::format("{}_to", axis_name(axis)); }
std::string time_coordinates(Axis axis) {
  return axis == Axis::month ? from_name(axis) : fmt::format("{} {}", from_name(axis), to_name(axis));
}

void add_time_axis(Hdf5Group& group, const SummaryLayout& layout, Axis axis) {
  const std::string name(axis_name(axis));
  std::vector<std::int32_t> from, to;
  std::vector<std::string> labels;
  for (const Period& period : layout.times(axis)) {
    from.push_back(days(period.from));
    to.push_back(days(period.to));
    labels.push_back(period.label);
  }
  if (axis == Axis::month)
    group.scale(name, to, date_attributes("last day of the calendar month"));
  else
    group.scale(name, labels,
                named(axis == Axis::year ? "financial year, 1 April to 31 March, cut at the horizon"
                                         : "report date; flows are summed from the start to it; the "
                                           "first is the headline"));
  group.integers(from_name(axis), from, {name}, date_attributes("first day of the period"));
  if (axis != Axis::month) group.integers(to_name(axis), to, {name}, date_attributes("last day of the period"));
}

std::vector<std::string> texts(std::span<const std::string_view> names) { return {names.begin(), names.end()}; }

void add_what_axes(Hdf5Group& group, const SummaryLayout& layout) {
  group.scale("strategy", layout.strategies, named("what is done"));
  group.scale("view", texts(kViewNames),
              named(fmt::format("gross = the strategy's world; counterfactual = {} with the same clocks; net = their "
                                "paired difference",
                                layout.strategies[static_cast<std::size_t>(layout.comparator)])));
  group.scale("statistic", texts(kStatisticNames),
              named("over replicates; pNN = quantile (type 7), mcse = Monte-Carlo standard error of the mean"));
  group.scale("programme", layout.programmes, named("innovation; all = total over programmes"));
}

void add_places(Hdf5Group& group, const RunRecord& record, Geography geography) {
  const SummaryLayout& layout = record.layout;
  const std::string who = population_in_words(*record.model);
  const bool is_england = who == kEngland;
  if (geography == Geography::region)
    group.scale("region", layout.regions,
                named(is_england ? "England, then the health innovation networks"
                                 : fmt::format("England = all of {}, then its regions", who)));
  else
    group.scale("board", layout.boards, named(is_england ? "integrated care board" : "board"));
}

/// @param coordinates names of the auxiliary coordinates, separated by blanks
Attributes metric_attributes(const SummaryLayout& layout, const MetricSpec& metric, Axis axis,
                             std::string coordinates) {
  Attributes attributes{{"units", std::string(metric.unit)}, {"long_name", std::string(metric.long_name)}};
  if (metric.kind != MetricKind::ratio)
    attributes.emplace_back("cell_methods",
                            fmt::format("{}: {}", axis_name(axis), metric.kind == MetricKind::stock ? "point" : "sum"));
  if (metric.money) attributes.emplace_back("price_year", std::string(kPriceYear));
  std::vector<std::string_view> spoken_to;
  for (std::size_t d = 0; d < kImpactDimensionNames.size(); ++d)
    if ((metric.dimensions >> d & 1U) != 0) spoken_to.push_back(kImpactDimensionNames[d]);
  if (!spoken_to.empty()) attributes.emplace_back("impact_dimensions", fmt::format("{}", fmt::join(spoken_to, "; ")));
  if (const int n = layout.n_in_total[static_cast<std::size_t>(metric.id)];
      n > 0 && layout.benefit.size() > 2)  // several, and all together
    attributes.emplace_back("programmes_in_all", std::int32_t{n});
  attributes.emplace_back("coordinates", std::move(coordinates));
  return attributes;
}

std::uint64_t extent(int n) { return static_cast<std::uint64_t>(n); }

/// The dimension of places, which what is given for England alone lacks.
void add_place_dimension(Variable& variable, const SummaryLayout& layout, const Block& block, int n_places) {
  if (n_places > 1 || block.geography == Geography::board) {
    variable.dimensions.emplace_back(place_name(block.geography));
    variable.chunk_shape.push_back(extent(n_places));
  } else {
    variable.attributes.emplace_back("region", layout.regions.front());
  }
}

/// Statistics of a chunk as they stand in the file: [statistic][cell].
std::vector<double> by_statistic(const std::vector<CellStatistics>& cells) {
  std::vector<double> result(kStatisticNames.size() * cells.size());
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    const auto ordered = in_order(cells[cell].value);
    for (std::size_t k = 0; k < ordered.size(); ++k) result[k * cells.size() + cell] = ordered[k];
  }
  return result;
}

/// Statistics of a block: a chunk is one (strategy, view, programme). The counterfactual is the comparator's gross, so
/// it is worked out once and stands in every strategy.
Variable statistics_variable(const RunRecord& record, const Block& block, std::size_t memory) {
  const MetricSpec& metric = spec(block.metric);
  Variable variable{std::string(metric.name),
                    {"strategy", "view", "statistic", "programme", std::string(axis_name(block.axis))},
                    {1, 1, kStatisticNames.size(), 1, extent(block.n_times)},
                    metric_attributes(record.layout, metric, block.axis, time_coordinates(block.axis)),
                    {}};
  variable.attributes.push_back(digits_kept(kStatisticDigits));
  add_place_dimension(variable, record.layout, block, block.n_places);
  const auto offset = [n = variable.dimensions.size()](int strategy, View view, int programme) {
    Extents at{extent(strategy), static_cast<std::uint64_t>(view), 0, extent(programme), 0, 0};
    at.resize(n);
    return at;
  };
  const bool tabled = block.axis == Axis::report && block.geography == Geography::region;
  const auto work = [&record, &block, offset, memory, tabled](int strategy, int programme) {
    constexpr std::array kViews{View::gross, View::net};
    const Cells cells = all_cells(block, strategy, programme);
    const auto worked = tabled ? std::vector<std::vector<CellStatistics>>{}
                               : cell_statistics(record.layout, *record.ensemble, cells, kViews, memory);
    std::vector<Chunk> chunks;
    for (std::size_t v = 0; v < kViews.size(); ++v) {
      Chunk& chunk = chunks.emplace_back();
      chunk.packed =
          packed(by_statistic(tabled ? record.report->chunk(block, strategy, programme, kViews[v]) : worked[v]),
                 kStatisticDigits);
      chunk.offsets.push_back(offset(strategy, kViews[v], programme));
      if (kViews[v] == View::gross && strategy == record.layout.comparator)
        for (int s = 0; s < block.n_strategies; ++s)
          chunk.offsets.push_back(offset(s, View::counterfactual, programme));
    }
    return chunks;
  };
  for (int programme = 0; programme < block.n_programmes; ++programme)
    for (int strategy = 0; strategy < block.n_strategies; ++strategy)
      variable.work.emplace_back([work, strategy, programme] { return work(strategy, programme); });
  return variable;
}

enum class Places : std::uint8_t { all, england };

/// Series of the replicates themselves, as they are stored (gross; net of a paired measure).
Variable replicate_variable(const RunRecord& record, const Block& block, std::string name, Places places) {
  const MetricSpec& metric = spec(block.metric);
  const int n_places = places == Places::all ? block.n_places : 1;
  const std::size_t n = record.ensemble->n_replicates;
  const auto n_kept = static_cast<std::size_t>(block.n_times) * static_cast<std::size_t>(n_places);
  const std::size_t n_rows = std::clamp<std::size_t>(kChunkValues / std::max<std::size_t>(n_kept, 1), 1, n);
  Variable variable{std::move(name),
                    {"replicate", "strategy", "programme", std::string(axis_name(block.axis))},
                    {n_rows, 1, 1, extent(block.n_times)},
                    metric_attributes(record.layout, metric, block.axis, "draw " + time_coordinates(block.axis)),
                    {}};
  variable.attributes.push_back(digits_kept(kReplicateDigits));
  add_place_dimension(variable, record.layout, block, n_places);
  const auto work = [&ensemble = *record.ensemble, &block, n, n_rows, n_kept, rank = variable.dimensions.size()](
                        int strategy, int programme, std::size_t first) {
    const Cells cells = all_cells(block, strategy, programme);
    const std::size_t step = cells.n / n_kept;  // 1, or all places where England alone is kept
    const std::size_t n_together = step == 1 ? n_kept : 1, m = std::min(n_rows, n - first);
    std::vector<double> columns(n_kept * m), values(n_rows * n_kept, kFill);
    for (std::size_t k = 0; k < n_kept; k += n_together)
      ensemble.read_columns(first, m, block.at(strategy, programme, 0, 0) + k * step, n_together,
                            std::span(columns).subspan(k * m, n_together * m));
    for (std::size_t r = 0; r < m; ++r)
      for (std::size_t k = 0; k < n_kept; ++k) values[r * n_kept + k] = columns[k * m + r];
    Extents offset(rank, 0);
    offset[0] = first;
    offset[1] = extent(strategy);
    offset[2] = extent(programme);
    return std::vector<Chunk>{{{std::move(offset)}, packed(std::move(values), kReplicateDigits)}};
  };
  for (int strategy = 0; strategy < block.n_strategies; ++strategy)
    for (int programme = 0; programme < block.n_programmes; ++programme)
      for (std::size_t first = 0; first < n; first += n_rows)
        variable.work.emplace_back([work, strategy, programme, first] { return work(strategy, programme, first); });
  return variable;
}

// ---- parameters, diagnostics, provenance --------------------------------------------------------------------------

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

std::vector<std::int32_t> counting(std::size_t n) {
  std::vector<std::int32_t> numbers(n);
  for (std::size_t i = 0; i < n; ++i) numbers[i] = static_cast<std::int32_t>(i);
  return numbers;
}

void add_replicates(Hdf5Group& group, const RunRecord& record) {
  const std::size_t n = record.ensemble->n_replicates;
  group.scale("replicate", counting(n), named("random world; the same clocks serve every strategy"));
  std::vector<std::int32_t> draw = counting(n);
  if (n_draws(record) == 1) std::fill(draw.begin(), draw.end(), 0);
  group.integers("draw", draw, {"replicate"}, named("parameter vector of the replicate"));
}

/// Parameter vectors by replicate, drawn again: they are a function of the seed.
Variable drawn_variable(const RunRecord& record, std::size_t n_parameters) {
  const std::size_t n = record.ensemble->n_replicates;
  const std::size_t n_rows = std::clamp<std::size_t>(kChunkValues / n_parameters, 1, n);
  Variable variable{"drawn", {"replicate", "parameter"}, {n_rows, n_parameters}, {}, {}};
  variable.attributes = named("value used by the replicate, in unit");
  variable.attributes.emplace_back("coordinates", std::string("draw"));
  for (std::size_t first = 0; first < n; first += n_rows)
    variable.work.emplace_back([&scenario = record.model->scenario, n, n_rows, n_parameters, first] {
      std::vector<double> values;
      values.reserve(n_rows * n_parameters);
      for (std::size_t r = first; r < std::min(first + n_rows, n); ++r) {
        const Draw draw = draw_parameters(scenario, make_key(scenario.seed, r));
        const auto used = draw.values().first(n_parameters);
        values.insert(values.end(), used.begin(), used.end());
      }
      values.resize(n_rows * n_parameters, kFill);
      return std::vector<Chunk>{{{{first, 0}}, packed(std::move(values), kAllDigits)}};
    });
  return variable;
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

/// Columns of the parameters; what was drawn comes after them.
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
  group.flags("decides", decides(*record.model, rows), axis, {"not_shown_first", "shown_first"},
              named("whether it decides most answers and has a part in this run"));
  write_posterior_columns(group, record.model->scenario, rows);
}

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

void write_provenance(const Hdf5File& file, const RunRecord& record) {
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

/// Datasets of one group, in file order.
struct GroupPlan {
  std::string name;  ///< empty = root
  std::vector<Variable> variables;
  bool by_replicate = false;  ///< its variables hold a value for each replicate
};

/// The lead strategy's result split over its drivers, by place: a chunk is one programme.
Variable split_variable(const RunRecord& record, const Block& block, const std::vector<int>& worlds,
                        std::size_t memory) {
  const MetricSpec& metric = spec(block.metric);
  const std::size_t n_drivers = kDriverNames.size(), n_statistics = kStatisticNames.size();
  Variable variable{std::string(metric.name),
                    {"statistic", "driver", "programme", std::string(axis_name(block.axis))},
                    {n_statistics, n_drivers, 1, extent(block.n_times)},
                    metric_attributes(record.layout, metric, block.axis, time_coordinates(block.axis)),
                    {}};
  variable.attributes.push_back(digits_kept(kStatisticDigits));
  add_place_dimension(variable, record.layout, block, block.n_places);
  const auto work = [&ensemble = *record.ensemble, &block, worlds, memory, n_drivers, n_statistics,
                     rank = variable.dimensions.size()](int programme) {
    const auto n_cells = static_cast<std::size_t>(block.n_times) * static_cast<std::size_t>(block.n_places);
    const std::size_t n = ensemble.n_replicates;
    const std::size_t of_a_cell = n * (n_drivers + worlds.size()) * sizeof(double);
    const std::size_t n_at_once = std::clamp<std::size_t>(memory / of_a_cell, 1, n_cells);
    std::vector<double> result(n_statistics * n_drivers * n_cells), worth(worlds.size()), values;
    std::vector<std::vector<double>> of_world(worlds.size());
    for (std::size_t first = 0; first < n_cells; first += n_at_once) {
      const std::size_t n_here = std::min(n_at_once, n_cells - first);
      values.resize(n_drivers * n_here * n);
      for (std::size_t set = 0; set < worlds.size(); ++set) {
        of_world[set].resize(n_here * n);
        ensemble.read_columns(0, n, block.at(worlds[set], programme, 0, 0) + first, n_here, of_world[set]);
      }
      for (std::size_t cell = 0; cell < n_here; ++cell) {
        for (std::size_t r = 0; r < n; ++r) {
          for (std::size_t set = 0; set < worlds.size(); ++set) worth[set] = of_world[set][cell * n + r];
          const std::vector<double> value = shapley_values(worth);
          for (std::size_t driver = 0; driver < n_drivers; ++driver)
            values[(driver * n_here + cell) * n + r] = value[driver];
        }
      }
      for (std::size_t driver = 0; driver < n_drivers; ++driver)
        for (std::size_t cell = 0; cell < n_here; ++cell) {
          const auto ordered = in_order(statistics(std::span(values).subspan((driver * n_here + cell) * n, n)));
          for (std::size_t k = 0; k < n_statistics; ++k)
            result[(k * n_drivers + driver) * n_cells + first + cell] = ordered[k];
        }
    }
    Extents offset(rank, 0);
    offset[2] = extent(programme);
    return std::vector<Chunk>{{{std::move(offset)}, packed(std::move(result), kStatisticDigits)}};
  };
  for (int programme = 0; programme < block.n_programmes; ++programme)
    variable.work.emplace_back([work, programme] { return work(programme); });
  return variable;
}

std::vector<GroupPlan> plan_of(const RunRecord& record, std::size_t memory) {
  const std::vector<int> worlds = worlds_of_drivers(record.layout.strategies, lead_strategy(record.model->scenario));
  std::vector<GroupPlan> plan{
      {"", {}},       {"year", {}}, {"report", {}}, {"icb", {}}, {"replicates", {}, true}, {"parameters", {}, true},
      {"shapley", {}}};
  for (const Block& block : record.layout.blocks) {
    const std::size_t group = block.geography == Geography::board ? 3 : static_cast<std::size_t>(block.axis);
    plan[group].variables.push_back(statistics_variable(record, block, memory));
    if (block.geography != Geography::region) continue;
    const std::string name(spec(block.metric).name);
    if (block.axis == Axis::report && !worlds.empty() && is_additive(block.metric))
      plan[6].variables.push_back(split_variable(record, block, worlds, memory));
    if (block.axis == Axis::report)
      plan[4].variables.push_back(replicate_variable(record, block, name, Places::all));
    else if (block.axis == Axis::month && (block.metric == Metric::adopters || block.metric == Metric::ever_adopted))
      plan[4].variables.push_back(replicate_variable(record, block, name + "_by_month", Places::england));
  }
  plan[5].variables.push_back(drawn_variable(record, parameter_rows(record.model->scenario).size()));
  return plan;
}

void write_eligible(Hdf5Group& group, const RunRecord& record, Geography geography) {
  Attributes attributes = named("organisations that may adopt");
  attributes.emplace_back("units", std::string("organisations"));
  group.doubles("eligible", eligible_organisations(record, geography),
                {"programme", std::string(place_name(geography))}, attributes);
}

void write_axes(Hdf5Group& group, const std::string& name, const RunRecord& record) {
  const SummaryLayout& layout = record.layout;
  if (name == "parameters") {
    write_parameters(group, record);
    return;
  }
  if (name == "replicates") {
    add_replicates(group, record);
    group.scale("strategy", layout.strategies, named("what is done"));
    group.scale("programme", layout.programmes, named("innovation; all = total over programmes"));
    add_time_axis(group, layout, Axis::report);
    add_places(group, record, Geography::region);
    add_time_axis(group, layout, Axis::month);
    return;
  }
  if (name == "shapley") {
    group.scale("statistic", texts(kStatisticNames), named("over replicates, as in the root group"));
    group.scale("driver", texts(kDriverNames),
                named("what drives adoption; their values sum to the world with all less the world with none"));
    group.scale("programme", layout.programmes, named("innovation; all = total over programmes"));
    add_time_axis(group, layout, Axis::report);
    add_places(group, record, Geography::region);
    group.text("of", {layout.strategies[static_cast<std::size_t>(lead_strategy(record.model->scenario))]}, {},
               named("strategy whose result is split"));
    return;
  }
  add_what_axes(group, layout);
  add_time_axis(group, layout, name == "year" ? Axis::year : name == "report" ? Axis::report : Axis::month);
  add_places(group, record, name == "icb" ? Geography::board : Geography::region);
}

/// Makes groups and datasets one after another, in the order of the plan, as their chunks come.
class Writer {
 public:
  Writer(const Hdf5File& file, const RunRecord& record, const std::vector<GroupPlan>& plan)
      : file_(file), record_(record), plan_(plan) {}

  /// The dataset of a variable of the plan; those before it are complete.
  Hdf5Chunks& dataset(std::size_t group, std::size_t variable) {
    if (!group_ || group != group_at_) {
      dataset_.reset();
      open_group(group);
    } else if (dataset_ && variable == variable_at_) {
      return *dataset_;
    }
    const Variable& v = plan_[group].variables[variable];
    dataset_.emplace(group_->chunked(v.name, v.dimensions, v.chunk_shape, v.attributes));
    variable_at_ = variable;
    return *dataset_;
  }
  void open_group(std::size_t group) {
    const std::string& name = plan_[group].name;
    group_.emplace(name.empty() ? file_.root() : file_.group(name));
    group_at_ = group;
    if (name.empty())
      group_->attributes({{"Conventions", std::string(kConventions)},
                          {"title", record_.model->scenario.title},
                          {"source", fmt::format("uptake {}", version())},
                          {"results_format", std::int32_t{kResultsFormat}}});
    write_axes(*group_, name, record_);
    if (name.empty()) write_eligible(*group_, record_, Geography::region);
    if (name == "icb") write_eligible(*group_, record_, Geography::board);
  }

 private:
  const Hdf5File& file_;
  const RunRecord& record_;
  const std::vector<GroupPlan>& plan_;
  std::optional<Hdf5Group> group_;
  std::optional<Hdf5Chunks> dataset_;
  std::size_t group_at_ = 0, variable_at_ = 0;
};

/// A piece of work and the variable that it is for.
struct Piece {
  std::size_t group = 0, variable = 0;
  const Work* work = nullptr;
};
std::vector<Piece> pieces_of(const std::vector<GroupPlan>& plan) {
  std::vector<Piece> pieces;
  for (std::size_t g = 0; g < plan.size(); ++g)
    for (std::size_t v = 0; v < plan[g].variables.size(); ++v)
      for (const Work& work : plan[g].variables[v].work) pieces.push_back({g, v, &work});
  return pieces;
}

/// The one fixed sequence of calls. Chunks are worked out in parallel and taken in order.
/// @return bytes of chunks that are longer with more replicates
std::size_t write_hdf5(const RunRecord& record, Hdf5Output& output, const Control& control) {
  const Quiet quiet;
  const Hdf5File file(output);
  const std::vector<GroupPlan> plan = plan_of(record, slab_memory(control));
  const std::vector<Piece> pieces = pieces_of(plan);
  std::size_t growing = 0;
  {
    Writer writer(file, record, plan);
    if (plan.front().variables.empty()) writer.open_group(0);
    std::vector<std::vector<Chunk>> done(pieces.size());
    run_tasks(
        pieces.size(),
        [&](std::size_t i) {
          done[i] = (*pieces[i].work)();
          return std::vector<double>{};
        },
        [&](std::size_t i, std::vector<double>&&) {
          Hdf5Chunks& dataset = writer.dataset(pieces[i].group, pieces[i].variable);
          for (const Chunk& chunk : std::exchange(done[i], {})) {
            if (chunk.packed.empty()) continue;
            if (plan[pieces[i].group].by_replicate) growing += chunk.packed.size();
            for (const auto& offset : chunk.offsets) dataset.take(offset, chunk.packed);
          }
          if (output.error != 0) throw std::runtime_error("the disk refused");  // told apart by write_results
        },
        control);
  }
  write_diagnostics(file, record);
  write_published(file, record);
  write_outside_view(file, record);
  write_calibration(file, record.model->scenario);
  write_provenance(file, record);
  return growing;
}
/// @return as write_hdf5
std::size_t write_file(const RunRecord& record, const std::filesystem::path& folder, const Control& control) {
  Replacement file(folder / "results.h5");
  Hdf5Output output{file.descriptor(), 0};
  std::size_t growing = 0;
  try {
    growing = write_hdf5(record, output, control);
  } catch (const FileError&) {
    throw;
  } catch (const std::exception&) {
    if (output.error == 0) throw;
  }
  if (output.error != 0) throw file_error(file.path(), "cannot write", output.error);
  seal(file);
  file.put_in_place();
  return growing;
}

/// Seconds that laying out by cell and reading the columns take, by value, one after the other.
struct SecondsOfValue {
  double laying_out = 0, reading = 0;
};
SecondsOfValue seconds_of_value(const Ensemble& ensemble, const std::filesystem::path& folder) {
  const auto n_values = static_cast<double>(ensemble.n_replicates * ensemble.width);
  const double begin = thread_seconds();
  const Ensemble laid_out = by_cell(ensemble, folder, {Body::serial, 1, {}, {}});
  SecondsOfValue seconds{(thread_seconds() - begin) / n_values, 0};
  std::vector<double> columns;
  const double began_reading = thread_seconds();
  constexpr std::size_t kCells = 256;
  for (std::size_t cell = 0; cell < ensemble.width; cell += kCells) {
    const std::size_t n = std::min(kCells, ensemble.width - cell);
    columns.resize(n * ensemble.n_replicates);
    laid_out.read_columns(0, ensemble.n_replicates, cell, n, columns);
  }
  seconds.reading = (thread_seconds() - began_reading) / n_values;
  return seconds;
}
}  // namespace

void write_results(const RunRecord& record, const std::filesystem::path& folder, const Control& control) {
  // Half a file is of no use: writing is not stopped.
  const Control whole{control.body, control.n_threads, {}, control.progress};
  RunRecord complete = record;
  if (!complete.report) complete.report = report_statistics(record, whole);
  write_file(complete, folder, whole);
}

WritingCost estimate_writing(const RunRecord& few, std::size_t n_replicates, Kept kept,
                             const std::filesystem::path& folder, const Control& control) {
  const double times = static_cast<double>(n_replicates) / static_cast<double>(few.ensemble->n_replicates);
  // One thread does it all here, so that its clock sees all of it.
  const Control alone{Body::serial, 1, {}, {}};
  double last = thread_seconds();
  const auto step = [&] {
    const double begin = std::exchange(last, thread_seconds());
    return last - begin;
  };
  RunRecord record = few;
  record.report = report_statistics(few, alone);
  const double seconds_report = step();
  WritingCost cost;
  cost.tables_bytes = static_cast<double>(summary_csv(record).size() + summary_json(record).size());
  const double seconds_tables = step();
  const auto growing = static_cast<double>(write_file(record, folder, alone));
  const double size = static_cast<double>(std::filesystem::file_size(folder / "results.h5"));
  const double seconds_file = step();
  cost.results_bytes = size + growing * (times - 1);
  // Gross and net of every value of a summary, but for those that are the same in all replicates: they need no sorting.
  double n_columns = 0, n_varying = 0, n_seen = 1;
  for (const Block& block : record.layout.blocks) n_columns += 2 * static_cast<double>(block.size());
  for (const auto& chunk : record.report->chunks) {
    n_seen += static_cast<double>(chunk.size());
    n_varying += static_cast<double>(std::ranges::count_if(chunk, [](const auto& cell) { return cell.value.sd > 0; }));
  }
  n_columns *= n_varying / n_seen;
  // Replicates that are held are at hand by cell; others are laid out first.
  const bool held = kept == Kept::in_memory;
  const auto width = static_cast<double>(few.ensemble->width);
  const SecondsOfValue of_value = seconds_of_value(*few.ensemble, folder);
  const double seconds_of_cells =
      static_cast<double>(n_replicates) *
      ((held ? 0 : of_value.laying_out * width) + of_value.reading * columns_of_statistics(record.layout));
  const double shared = seconds_report + seconds_file * cost.results_bytes / size +
                        n_columns * seconds_of_column(n_replicates) + seconds_of_cells;
  cost.seconds = seconds_tables + shared / threads_of(control);
  const double slabs = static_cast<double>(memory_of_slab(n_replicates, slab_memory(control))) * threads_of(control);
  const auto tiles = static_cast<double>(memory_of_by_cell(n_replicates, few.ensemble->width, threads_of(control)));
  cost.slab_bytes = held ? slabs + sizeof(double) * width * static_cast<double>(n_replicates)
                         : std::max(slabs, tiles) + 16.0 * static_cast<double>(n_replicates);
  return cost;
}

}  // namespace uptake
