#include "results/published.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "files/file.hpp"
#include "results/cell_statistics.hpp"
#include "results/compare.hpp"
#include "results/finding.hpp"
#include "results/numbers.hpp"
#include "statistics/statistics.hpp"
#include "uptake/posterior.hpp"
#include "uptake/scenario.hpp"
#include "uptake/sources.hpp"

namespace uptake {

namespace {
/// Neighbouring periods of an axis whose values add up to what a figure counts.
struct Stretch {
  Axis axis = Axis::report;
  int first = 0, last = 0;  ///< both included
  Period period;
  long distance = std::numeric_limits<long>::max();  ///< days
};

long days_between(Date a, Date b) { return std::labs((a - b).count()); }

/// The stretch nearest to a figure; ties go to the report dates. Stocks are states at the end of a period; flows are
/// summed from the start to a report date, or over financial years. What was counted since a programme was there is not set
/// beside a day before it was.
Stretch nearest_stretch(const SummaryLayout& layout, const Published& figure, Metric metric, Date start,
                        Date available) {
  Stretch best;
  const bool is_flow = spec(metric).kind == MetricKind::flow;
  const Date from = figure.from.value_or(start);
  const auto offer = [&](Axis axis, int first, int last) {
    const auto periods = layout.times(axis);
    Period period{periods[static_cast<std::size_t>(first)].from, periods[static_cast<std::size_t>(last)].to, ""};
    if (period.to < available && figure.to >= available) return;
    const long distance = days_between(period.to, figure.to) + (is_flow ? days_between(period.from, from) : 0);
    if (distance < best.distance) best = {axis, first, last, std::move(period), distance};
  };
  for (const Axis axis : {Axis::report, Axis::month, Axis::year}) {
    if (layout.find(metric, axis) == nullptr) continue;
    const int n = static_cast<int>(layout.times(axis).size());
    for (int first = 0; first < n; ++first) {
      // Years of a flow add up; months are states, and each report date counts from the start.
      const int most = axis == Axis::year && is_flow ? n : first + 1;
      for (int last = first; last < most; ++last) offer(axis, first, last);
    }
  }
  return best;
}

/// Values of a stretch by replicate as a view sees them: several years of a flow added up.
std::vector<double> seen_values(const RunRecord& record, const Block& block, const Stretch& stretch, int strategy,
                                int programme, int place, View view) {
  std::vector<double> values(record.ensemble->n_replicates, 0);
  for (int time = stretch.first; time <= stretch.last; ++time) {
    const auto of_time = cell_values(record.layout, *record.ensemble, block, strategy, programme, time, place, view);
    for (std::size_t r = 0; r < values.size(); ++r) values[r] += of_time[r];
  }
  return values;
}

void add_values(const RunRecord& record, const Stretch& stretch, int programme, int place, PublishedBeside& beside) {
  const Block& block = *record.layout.find(beside.metric, stretch.axis);
  const int lead = lead_strategy(record.model->scenario);
  // A metric that a view does not show has NaN there: what is paired has no gross, what is of its own world no net.
  const auto values = [&](View view) { return seen_values(record, block, stretch, lead, programme, place, view); };
  std::vector<double> gross = values(View::gross), net = values(View::net);
  double below = 0, defined = 0;
  for (const double value : gross) {
    defined += std::isnan(value) ? 0 : 1;
    below += value < beside.figure->value ? 1 : 0;
  }
  beside.p_below = below / defined;
  if (stretch.first == stretch.last) {  // as the tables have it: a ratio of means is one here too
    constexpr std::array kViews{View::gross, View::net};
    const auto cell = static_cast<std::size_t>(stretch.first) * static_cast<std::size_t>(block.n_places) +
                      static_cast<std::size_t>(place);
    const auto found =
        cell_statistics(record.layout, *record.ensemble, {&block, lead, programme, cell, 1}, kViews, kSlabMemory);
    beside.gross = found[0][0].value;
    beside.net = found[1][0].value;
    return;
  }
  beside.gross = statistics(gross);
  beside.net = statistics(net);
}
}  // namespace

namespace {
/// Whether an observation that the programme was fitted to is this figure: of its region, year (or the next, for pages
/// date counts loosely) and value.
bool is_among_fitted(const Published& figure, const std::string& region, const PosteriorProgramme& programme) {
  const int year = static_cast<int>(std::chrono::year_month_day(figure.to).year());
  return std::ranges::any_of(programme.account.points, [&](const CalibratedPoint& point) {
    int of_point = 0;
    const char* const begin = point.date.data();
    const bool has_year = std::from_chars(begin, begin + point.date.size(), of_point).ec == std::errc();
    constexpr double kRounding = 1e-9;  // 85.5 % and 0.855
    const double observed = point.unit == "%" ? point.observed / 100 : point.observed;
    const bool is_value = std::abs(observed - figure.value) <= kRounding * std::abs(figure.value);
    return point.was_fitted && point.region == region && is_value && has_year && std::abs(of_point - year) <= 1;
  });
}
}  // namespace

std::vector<PublishedBeside> published_beside(const RunRecord& record) {
  const SummaryLayout& layout = record.layout;
  const Scenario& scenario = record.model->scenario;
  std::vector<PublishedBeside> all;
  const auto add = [&](const Published& figure, int programme) {
    const auto metric = find_metric(figure.metric);
    const auto region =
        figure.region.empty() ? layout.regions.begin() : std::ranges::find(layout.regions, figure.region);
    if (!metric || region == layout.regions.end()) return;  // refused when the model was made
    PublishedBeside beside;
    beside.figure = &figure;
    beside.programme = layout.programmes[static_cast<std::size_t>(programme)];
    beside.region = *region;
    const int place = static_cast<int>(region - layout.regions.begin());
    beside.place = place_in_words(*record.model, layout, place);
    beside.is_of_england_alone = figure.region == kEngland && beside.place != kEngland;
    if (beside.is_of_england_alone) beside.place = kEngland;
    beside.metric = *metric;
    if (const PosteriorProgramme* const drawn = calibrated(scenario, beside.programme))
      beside.was_fitted = is_among_fitted(figure, beside.region, *drawn);
    Date available = scenario.calendar.start;
    if (const auto of = std::ranges::find(scenario.programmes, beside.programme, &ProgrammeSpec::name);
        of != scenario.programmes.end()) {
      beside.set_parameters = std::ranges::any_of(
          of->settings, [&](const Setting& setting) { return share_a_code(figure.source, setting.source); });
      available = std::max(available, of->available_from.value_or(available));
    }
    const Stretch stretch = nearest_stretch(layout, figure, *metric, scenario.calendar.start, available);
    if (stretch.distance <= kNearestDays) {
      beside.used = stretch.period;
      beside.is_of_other_days = stretch.distance > kSameDays;
      add_values(record, stretch, programme, place, beside);
    }
    all.push_back(std::move(beside));
  };
  // A growth ledger is kept of all programmes, beside one of them too.
  const int together = total_programme(layout.programmes), ledger = static_cast<int>(layout.programmes.size()) - 1;
  for (const Published& figure : scenario.published) {
    const auto metric = find_metric(figure.metric);
    add(figure, metric && spec(*metric).needs == Needs::growth ? ledger : together);
  }
  // What was published of a programme is of England, which made-up organisations are not.
  if (record.model->population->synthetic) return all;
  for (std::size_t j = 0; j < scenario.programmes.size(); ++j) {
    const auto n = static_cast<double>(record.model->programmes[j].n_records());
    const auto& of_england = scenario.programmes[j].of_england;
    for (const Published& figure : scenario.programmes[j].published) {
      // Shares of England can be seen beside those of far fewer organisations, counts cannot.
      const auto metric = find_metric(figure.metric);
      const bool is_count = metric && spec(*metric).kind != MetricKind::ratio;
      if (figure.region == kEngland && is_count && of_england && is_far(of_england->n_organisations / n)) continue;
      add(figure, static_cast<int>(j));
    }
  }
  return all;
}

std::vector<PublishedColumn> published_columns() {
  constexpr const char* kAsStated = "as in column unit";
  constexpr const char* kMeaningOfFrom =
      "first day that the figure counts; empty for a stock, and where the source states none: the model's values are "
      "of the window from model_from";
  std::vector<PublishedColumn> columns{
      {"programme", "innovation; all = all together", ""},
      {"region", "what the model's values are of: England (all of the population, whichever it is), or a region", ""},
      {"place", "where the figure was counted, in words", ""},
      {"metric", "metric of the results", ""},
      {"unit", "unit of published and model", ""},
      {"from", kMeaningOfFrom, ""},
      {"to", "last day that the figure counts, or the day of a stock", ""},
      {"published", "the published figure", kAsStated},
      {"model_from", "first day of the model's values; empty for a stock", ""},
      {"model_to", "last day of the model's values; empty where there are none", ""},
  };
  for (const char* view : {"gross", "net"})
    for (const std::string_view statistic : kStatisticNames)
      columns.push_back(
          {fmt::format("{}_{}", view, statistic),
           fmt::format("the lead strategy's value at the nearest date or window that is kept: {}, {}", view, statistic),
           kAsStated});
  columns.push_back({"p_below", "share of replicates whose gross value is below the published one", "1"});
  columns.push_back({"fitted", "whether the posterior that parameters are drawn from was fitted to the figure", ""});
  columns.push_back({"source", "where it was published", ""});
  columns.push_back({"note", "what it counts", ""});
  return columns;
}

std::string published_csv(std::span<const PublishedRow> rows) {
  std::string text;
  for (const PublishedColumn& column : published_columns())
    text += fmt::format("{}{}", text.empty() ? "" : ",", column.name);
  text += "\r\n";
  const auto day = [](const std::optional<Date>& date) { return date ? iso(*date) : std::string(); };
  const auto number = [](double value) { return std::isfinite(value) ? fmt::format("{}", value) : std::string(); };
  for (const PublishedRow& row : rows) {
    text += fmt::format("{},{},{},{},{},{},{},{},{},{}", csv_field(row.programme), csv_field(row.region),
                        csv_field(row.place), row.metric, csv_field(row.unit), day(row.from), iso(row.to), row.value,
                        day(row.model_from), day(row.model_to));
    for (const Statistics* seen : {&row.gross, &row.net})
      for (const double value : in_order(*seen)) text += fmt::format(",{}", number(value));
    text += fmt::format(",{},{},{},{}\r\n", number(row.p_below), row.fitted ? (*row.fitted ? "yes" : "no") : "",
                        csv_field(row.source), csv_field(row.note));
  }
  return text;
}

void write_published_csv(const RunRecord& record, const std::filesystem::path& folder) {
  const auto all = published_beside(record);
  const std::filesystem::path file = folder / "published.csv";
  if (all.empty()) {
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
    return;
  }
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  constexpr Statistics kNoStatistics{kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone};
  std::vector<PublishedRow> rows;
  for (const PublishedBeside& one : all) {
    const bool is_flow = spec(one.metric).kind == MetricKind::flow;
    PublishedRow& row = rows.emplace_back(
        PublishedRow{one.programme, one.region, one.place, one.figure->metric, std::string(spec(one.metric).unit)});
    row.from = one.from();
    row.to = one.figure->to;
    row.value = one.figure->value;
    if (one.used && is_flow) row.model_from = one.used->from;
    if (one.used) row.model_to = one.used->to;
    row.gross = one.used ? one.gross : kNoStatistics;
    row.net = one.used ? one.net : kNoStatistics;
    row.p_below = one.used ? one.p_below : kNone;
    row.fitted = one.was_fitted;
    row.source = one.figure->source;
    row.note = one.figure->note;
  }
  replace_file(file, published_csv(rows));
}

}  // namespace uptake
