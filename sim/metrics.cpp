#include <algorithm>
#include <array>
#include <functional>
#include <limits>

#include "outcome_tables.hpp"
#include "uptake/outcomes.hpp"

namespace uptake {

namespace {
using enum MetricKind;
// Where a metric is given, and what it is.
constexpr unsigned kMonth = 1, kYear = 2, kReport = 4, kRegion = 8, kBoard = 16, kPaired = 32, kMoney = 64,
                   kOutcome = 128;

constexpr MetricSpec row(Metric id, std::string_view name, std::string_view unit, std::string_view long_name,
                         MetricKind kind, unsigned flags) {
  const auto has = [flags](unsigned flag) { return (flags & flag) != 0; };
  return {id,           name,         unit,        long_name,    kind,        has(kMonth),  has(kYear),
          has(kReport), has(kRegion), has(kBoard), has(kPaired), has(kMoney), has(kOutcome)};
}

constexpr std::array<MetricSpec, kNMetrics> kMetrics{{
    row(Metric::engaged, "engaged", "organisations", "Organisations that ever left unaware", stock,
        kMonth | kReport | kRegion | kBoard),
    row(Metric::implementing_ever, "implementing_ever", "organisations", "Organisations that ever began to implement",
        stock, kMonth | kReport | kRegion),
    row(Metric::adopters, "adopters", "organisations", "Organisations in use", stock,
        kMonth | kReport | kRegion | kBoard),
    row(Metric::ever_adopted, "ever_adopted", "organisations", "Organisations that were ever in use", stock,
        kMonth | kReport | kRegion | kBoard),
    row(Metric::sustained_adopters, "sustained_adopters", "organisations",
        "Organisations in use without break for 52 weeks", stock, kMonth | kReport | kRegion),
    row(Metric::adoption_share, "adoption_share", "1", "Share of eligible organisations in use", ratio,
        kReport | kRegion),
    row(Metric::patients_benefited, "patients_benefited", "persons",
        "People reached since the start, each counted once", stock, kMonth | kReport | kRegion | kOutcome),
    row(Metric::patients_in_year, "patients_in_year", "persons", "People first reached in the period", flow,
        kYear | kReport | kRegion | kOutcome),
    row(Metric::admissions_avoided, "admissions_avoided", "admissions", "Emergency admissions avoided", flow,
        kYear | kReport | kRegion | kOutcome),
    row(Metric::bed_days_avoided, "bed_days_avoided", "bed-days", "Hospital bed days avoided", flow,
        kYear | kReport | kRegion | kOutcome),
    row(Metric::home_years, "home_years", "organisation-years", "Time in use over all organisations", flow,
        kYear | kReport | kRegion),
    row(Metric::savings_gross_gbp, "savings_gross_gbp", "GBP", "Value of what is avoided, cash and capacity together",
        flow, kYear | kReport | kRegion | kMoney | kOutcome),
    row(Metric::savings_cash_gbp, "savings_cash_gbp", "GBP", "Cashable part of the value", flow,
        kYear | kReport | kRegion | kMoney | kOutcome),
    row(Metric::capacity_released_gbp, "capacity_released_gbp", "GBP",
        "Part of the value that is capacity released, not cash", flow, kYear | kReport | kRegion | kMoney | kOutcome),
    row(Metric::cost_gbp, "cost_gbp", "GBP", "Cost of delivery, set-up and running, all funders", flow,
        kYear | kReport | kRegion | kMoney),
    row(Metric::cost_public_gbp, "cost_public_gbp", "GBP", "Cost that no provider bears", flow,
        kYear | kReport | kRegion | kMoney),
    row(Metric::net_present_value_gbp, "net_present_value_gbp", "GBP",
        "Present value at the start of gross savings less cost", flow, kReport | kRegion | kMoney | kOutcome),
    row(Metric::roi_fiscal, "roi_fiscal", "1", "Present value of cash savings per pound of public cost", ratio,
        kReport | kRegion | kOutcome),
    row(Metric::roi_net, "roi_net", "1", "Present value of additional cash savings per pound of additional cost", ratio,
        kReport | kRegion | kPaired | kOutcome),
    row(Metric::acceleration_months, "acceleration_months", "months",
        "Mean time by which equal levels of ever adopted come sooner", ratio, kReport | kPaired),
    row(Metric::levels_never_reached_share, "levels_never_reached_share", "1",
        "Share of the levels reached that the comparator does not reach", ratio, kReport | kPaired),
    row(Metric::attributable_share, "attributable_share", "1", "Net over gross admissions avoided", ratio,
        kReport | kRegion | kPaired | kOutcome),
    row(Metric::regional_cv, "regional_cv", "1", "Coefficient of variation of adoption share over regions", ratio,
        kReport),
    row(Metric::regional_gini, "regional_gini", "1", "Gini index of adoption share over regions", ratio, kReport),
    row(Metric::deprivation_gap, "deprivation_gap", "1",
        "Adoption share of the most deprived fifth less that of the rest", ratio, kReport),
    row(Metric::slope_index, "slope_index", "1", "Slope of adoption share from the most to the least deprived", ratio,
        kReport),
    row(Metric::relative_index, "relative_index", "1", "Slope index over mean adoption share", ratio, kReport),
    row(Metric::concentration_index, "concentration_index", "1", "Concentration of adoption towards the least deprived",
        ratio, kReport),
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kMetrics.size(); ++i)
    if (static_cast<std::size_t>(kMetrics[i].id) != i) return false;
  return true;
}
static_assert(in_order(), "spec(id) indexes the table");

bool is_on(const MetricSpec& metric, Axis axis) {
  switch (axis) {
    case Axis::month:
      return metric.on_month;
    case Axis::year:
      return metric.on_year;
    case Axis::report:
      return metric.on_report;
  }
  return false;
}
}  // namespace

std::span<const MetricSpec> metric_table() { return kMetrics; }

std::optional<Metric> find_metric(std::string_view name) {
  const auto at = std::ranges::find(kMetrics, name, &MetricSpec::name);
  if (at == kMetrics.end()) return std::nullopt;
  return at->id;
}

std::span<const Period> SummaryLayout::times(Axis axis) const {
  switch (axis) {
    case Axis::month:
      return months;
    case Axis::year:
      return years;
    case Axis::report:
      return reports;
  }
  return {};
}

const Block* SummaryLayout::find(Metric metric, Axis axis, Geography geography) const {
  for (const Block& block : blocks)
    if (block.metric == metric && block.axis == axis && block.geography == geography) return &block;
  return nullptr;
}

SummaryLayout make_layout(const Model& model) {
  SummaryLayout layout;
  for (const Strategy& strategy : model.scenario.strategies) layout.strategies.push_back(strategy.name);
  for (const ProgrammeSpec& programme : model.scenario.programmes) layout.programmes.push_back(programme.name);
  if (layout.programmes.size() > 1) layout.programmes.emplace_back("all");
  layout.regions.emplace_back("England");
  for (const Region& region : model.population->regions) layout.regions.push_back(region.name);
  for (const Board& board : model.population->boards) layout.boards.push_back(board.short_name);
  layout.months = model.calendar().months();
  layout.years = model.calendar().financial_years();
  layout.reports = model.calendar().report_periods();
  layout.comparator = model.scenario.comparator;

  const auto add = [&](Metric metric, Axis axis, Geography geography, std::size_t n_places) {
    const Block block{metric,
                      axis,
                      geography,
                      layout.size,
                      static_cast<int>(layout.strategies.size()),
                      static_cast<int>(layout.programmes.size()),
                      static_cast<int>(layout.times(axis).size()),
                      static_cast<int>(n_places)};
    layout.size += block.size();
    layout.blocks.push_back(block);
  };
  for (const Axis axis : {Axis::month, Axis::year, Axis::report})
    for (const MetricSpec& metric : kMetrics)
      if (is_on(metric, axis)) add(metric.id, axis, Geography::region, metric.by_region ? layout.regions.size() : 1);
  for (const MetricSpec& metric : kMetrics)
    if (metric.by_board) add(metric.id, Axis::month, Geography::board, layout.boards.size());

  layout.tables = make_outcome_tables(model, layout);
  return layout;
}

void values_in_view(const SummaryLayout& layout, std::span<const double> summary, const Block& block, int strategy,
                    int programme, int time, View view, std::span<double> out) {
  const double* own = summary.data() + block.at(strategy, programme, time, 0);
  const double* without = summary.data() + block.at(layout.comparator, programme, time, 0);
  const bool paired = spec(block.metric).paired;
  if (paired ? view != View::net : (view == View::net && block.metric == Metric::roi_fiscal)) {
    std::ranges::fill(out, std::numeric_limits<double>::quiet_NaN());
  } else if (paired || view == View::gross) {
    std::copy_n(own, out.size(), out.begin());
  } else if (view == View::counterfactual) {
    std::copy_n(without, out.size(), out.begin());
  } else {
    std::transform(own, own + out.size(), without, out.begin(), std::minus<>{});
  }
}

double value_in_view(const SummaryLayout& layout, std::span<const double> summary, const Block& block, int strategy,
                     int programme, int time, int place, View view) {
  std::vector<double> row(static_cast<std::size_t>(block.n_places));
  values_in_view(layout, summary, block, strategy, programme, time, view, row);
  return row[static_cast<std::size_t>(place)];
}

}  // namespace uptake
