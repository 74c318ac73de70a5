/// Stand-ins for functions of sim/ that results need and that are not there yet: weak, so that the real ones win.
#pragma once

#include <array>
#include <limits>

#include "uptake/outcomes.hpp"
#include "uptake/random.hpp"

namespace uptake {

__attribute__((weak)) std::span<const MetricSpec> metric_table() {
  using enum MetricKind;
  static const std::array<MetricSpec, kNMetrics> table{{
      {Metric::engaged, "engaged", "organisations", "Organisations that ever left unaware", stock, 1, 0, 1, 1, 1, 0, 0, 0},
      {Metric::implementing_ever, "implementing_ever", "organisations", "Organisations that ever began to implement", stock, 1, 0, 1, 1, 0, 0, 0, 0},
      {Metric::adopters, "adopters", "organisations", "Organisations in use", stock, 1, 0, 1, 1, 1, 0, 0, 0},
      {Metric::ever_adopted, "ever_adopted", "organisations", "Organisations that were ever in use", stock, 1, 0, 1, 1, 1, 0, 0, 0},
      {Metric::sustained_adopters, "sustained_adopters", "organisations", "Organisations in use without break for 52 weeks", stock, 1, 0, 1, 1, 0, 0, 0, 0},
      {Metric::adoption_share, "adoption_share", "1", "Share of eligible organisations in use", ratio, 0, 0, 1, 1, 0, 0, 0, 0},
      {Metric::patients_benefited, "patients_benefited", "persons", "People reached since the start, each counted once", stock, 1, 0, 1, 1, 0, 0, 0, 1},
      {Metric::patients_in_year, "patients_in_year", "persons", "People first reached in the period", flow, 0, 1, 1, 1, 0, 0, 0, 1},
      {Metric::admissions_avoided, "admissions_avoided", "admissions", "Emergency admissions avoided", flow, 0, 1, 1, 1, 0, 0, 0, 1},
      {Metric::bed_days_avoided, "bed_days_avoided", "bed-days", "Hospital bed days avoided", flow, 0, 1, 1, 1, 0, 0, 0, 1},
      {Metric::home_years, "home_years", "organisation-years", "Time in use over all organisations", flow, 0, 1, 1, 1, 0, 0, 0, 0},
      {Metric::savings_gross_gbp, "savings_gross_gbp", "GBP", "Value of what is avoided, cash and capacity together", flow, 0, 1, 1, 1, 0, 0, 1, 1},
      {Metric::savings_cash_gbp, "savings_cash_gbp", "GBP", "Cashable part of the value", flow, 0, 1, 1, 1, 0, 0, 1, 1},
      {Metric::capacity_released_gbp, "capacity_released_gbp", "GBP", "Part of the value that is capacity released, not cash", flow, 0, 1, 1, 1, 0, 0, 1, 1},
      {Metric::cost_gbp, "cost_gbp", "GBP", "Cost of delivery, set-up and running, all funders", flow, 0, 1, 1, 1, 0, 0, 1, 0},
      {Metric::cost_public_gbp, "cost_public_gbp", "GBP", "Cost that no provider bears", flow, 0, 1, 1, 1, 0, 0, 1, 0},
      {Metric::net_present_value_gbp, "net_present_value_gbp", "GBP", "Present value at the start of gross savings less cost", flow, 0, 0, 1, 1, 0, 0, 1, 1},
      {Metric::roi_fiscal, "roi_fiscal", "1", "Present value of cash savings per pound of public cost", ratio, 0, 0, 1, 1, 0, 0, 0, 1},
      {Metric::roi_net, "roi_net", "1", "Present value of additional cash savings per pound of additional cost", ratio, 0, 0, 1, 1, 0, 1, 0, 1},
      {Metric::acceleration_months, "acceleration_months", "months", "Mean time by which equal levels of ever adopted come sooner", ratio, 0, 0, 1, 0, 0, 1, 0, 0},
      {Metric::levels_never_reached_share, "levels_never_reached_share", "1", "Share of the levels reached that the comparator does not reach", ratio, 0, 0, 1, 0, 0, 1, 0, 0},
      {Metric::attributable_share, "attributable_share", "1", "Net over gross admissions avoided", ratio, 0, 0, 1, 1, 0, 1, 0, 1},
      {Metric::regional_cv, "regional_cv", "1", "Coefficient of variation of adoption share over regions", ratio, 0, 0, 1, 0, 0, 0, 0, 0},
      {Metric::regional_gini, "regional_gini", "1", "Gini index of adoption share over regions", ratio, 0, 0, 1, 0, 0, 0, 0, 0},
      {Metric::deprivation_gap, "deprivation_gap", "1", "Adoption share of the most deprived fifth less that of the rest", ratio, 0, 0, 1, 0, 0, 0, 0, 0},
      {Metric::slope_index, "slope_index", "1", "Slope of adoption share from the most to the least deprived", ratio, 0, 0, 1, 0, 0, 0, 0, 0},
      {Metric::relative_index, "relative_index", "1", "Slope index over mean adoption share", ratio, 0, 0, 1, 0, 0, 0, 0, 0},
      {Metric::concentration_index, "concentration_index", "1", "Concentration of adoption towards the least deprived", ratio, 0, 0, 1, 0, 0, 0, 0, 0},
  }};
  return table;
}

__attribute__((weak)) std::span<const Period> SummaryLayout::times(Axis axis) const {
  return axis == Axis::month ? months : axis == Axis::year ? years : reports;
}
__attribute__((weak)) const Block* SummaryLayout::find(Metric metric, Axis axis, Geography geography) const {
  for (const Block& block : blocks)
    if (block.metric == metric && block.axis == axis && block.geography == geography) return &block;
  return nullptr;
}
__attribute__((weak)) double value_in_view(const SummaryLayout& layout, std::span<const double> summary,
                                           const Block& block, int strategy, int programme, int time, int place,
                                           View view) {
  const double gross = summary[block.at(strategy, programme, time, place)];
  if (spec(block.metric).paired) return view == View::net ? gross : std::numeric_limits<double>::quiet_NaN();
  if (view == View::gross) return gross;
  const double counterfactual = summary[block.at(layout.comparator, programme, time, place)];
  if (view == View::counterfactual) return counterfactual;
  return block.metric == Metric::roi_fiscal ? std::numeric_limits<double>::quiet_NaN() : gross - counterfactual;
}
__attribute__((weak)) Draw draw_parameters(const Scenario& scenario, Key key) {
  const auto n_programmes = scenario.programmes.size();
  std::vector<double> values;
  for (std::size_t i = 0; i < n_programmes * kNProgrammeParameters + scenario.economy.size(); ++i)
    values.push_back(uniform(key, {i, 0, static_cast<std::uint16_t>(Stream::parameter), 0}));
  return Draw(std::move(values), static_cast<int>(n_programmes));
}

}  // namespace uptake
