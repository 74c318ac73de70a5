/// What can be asked of a result: the metrics, and all that is said of each.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "uptake/scenario.hpp"

namespace uptake {

/// Rows of the metric table (definitions in docs/odd.md 7.2 to 7.7).
enum class Metric : std::uint8_t {
  // clang-format off
  // stocks
  engaged, implementing_ever, adopters, ever_adopted, sustained_adopters, sites, capacity_beds,
  adoption_share, uptake_share, patients_benefited, patients_distinct_least,
  // flows, in the order in which they are kept
  patients_in_year, events_avoided, admissions_avoided, bed_days_avoided, diagnosis_days_sooner, home_years, qalys,
  savings_gross_gbp, savings_cash_gbp, capacity_released_gbp, social_value_gbp, cost_gbp, cost_public_gbp, carbon_kg,
  // value for money
  net_present_value_gbp, present_value_cash_gbp, present_value_social_gbp, present_value_cost_gbp,
  present_value_cost_public_gbp, roi_fiscal, roi_social, roi_net,
  // what the network's contribution is
  acceleration_months, levels_never_reached_share, attributable_share, not_otherwise_adopted, significantly_reduced,
  first_use_months, latest_first_use_months,
  // equity: of adoption, of reach, of benefit
  regional_cv, regional_gini, deprivation_gap, slope_index, relative_index, concentration_index,
  reach_regional_cv, reach_regional_gini, reach_deprivation_gap, reach_slope_index, reach_relative_index,
  reach_concentration_index,
  benefit_regional_cv, benefit_regional_gini, benefit_deprivation_gap, benefit_slope_index, benefit_relative_index,
  benefit_concentration_index,
  // growth ledger: a ledger of its own, the last rows
  investment_gbp, jobs, companies_supported, pipeline_needs_assessment, pipeline_fellows, pipeline_supported,
  pipeline_evaluated, pipeline_in_new_setting, growth_roi,
  // clang-format on
  count_
};
inline constexpr int kNMetrics = static_cast<int>(Metric::count_);

/// Time axes that results are given on.
enum class Axis : std::uint8_t { month, year, report };
enum class Geography : std::uint8_t { region, board };  ///< region: England first, then the regions

enum class MetricKind : std::uint8_t {
  stock,  ///< a state at the end of the period
  flow,   ///< summed over the period (axis report: from the start to the date)
  ratio   ///< not additive over regions, exempt from gross - counterfactual = net where `paired`
};

/// What must be known of a programme for a metric to be given; it is missing where nothing is known, never 0.
enum class Needs : std::uint8_t {
  nothing,
  people,         ///< how many an organisation reaches
  events,         ///< how many events there are without it
  admissions,     ///< ... and they are admissions
  bed_days,       ///< how many bed days an admission or stay holds
  diagnosis,      ///< days sooner
  qalys,          ///< QALYs of an event or person
  cost,           ///< what it costs; of a programme with an outcome the table's prices stand for what no file states
  value,          ///< a price of an event, bed day or person
  social,         ///< QALYs or a value outside the NHS
  social_return,  ///< the same: what several programmes return is given where it is known of each of them
  carbon,         ///< a carbon factor of an admission, bed day or journey
  benefit,        ///< any of events, value, days sooner or people
  uptake,         ///< uptake of a treatment without the programme
  beds,           ///< beds opened
  sites,          ///< adopters are sites in the community
  several,        ///< more than one programme, and people
  growth,         ///< a growth ledger
  count_
};
/// A set of what is known: bit n = Needs n.
using Known = std::uint32_t;
[[nodiscard]] constexpr Known bit(Needs needs) noexcept { return Known{1} << static_cast<unsigned>(needs); }
/// The impact dimensions that a metric speaks to: bit n = ImpactDimension n.
using Dimensions = std::uint16_t;
[[nodiscard]] constexpr Dimensions bit(ImpactDimension dimension) noexcept {
  return static_cast<Dimensions>(1U << static_cast<unsigned>(dimension));
}

/// How people read the numbers of a metric; files hold all in its unit.
enum class ReadAs : std::uint8_t {
  number,   ///< as they are
  money,    ///< GBP, or millions of GBP
  percent,  ///< a share, as a percentage
  points,   ///< a difference of shares, in percentage points
  index     ///< to three decimals
};

/// Which way a metric is better. Gaps and slopes are: the nearer to 0, the fairer.
enum class Better : std::uint8_t { higher, lower, nearer_zero };
inline constexpr std::array<std::string_view, 3> kBetterNames{"higher", "lower", "nearer-zero"};

/// A metric, and all that is said of it: the terminal, the pages, the checklists and the files take their words here.
struct MetricSpec {
  Metric id;
  std::string_view name;
  std::string_view unit;       ///< "organisations", "admissions", "bed-days", "GBP", "1", "months", ...
  std::string_view long_name;  ///< what it is, in files
  std::string_view label;      ///< a row of a page, without the unit of `read_as`
  std::string_view brief;      ///< a row of a terminal's table, which has few columns
  /// Of the whole population, where it is another thing there than in a region; else empty.
  std::string_view label_of_whole, brief_of_whole;
  ReadAs read_as;
  Better better;
  MetricKind kind;
  bool on_month, on_year, on_report;
  bool by_region;         ///< false: England only
  bool by_board;          ///< also in the group /icb (axis month)
  bool paired;            ///< defined only as a comparison with `no-network`: view net alone
  bool money;             ///< carries a price year
  bool own_world;         ///< says nothing of a difference: no view net
  Needs needs;            ///< missing for programmes of which this is not known
  Dimensions dimensions;  ///< that it speaks to
};
[[nodiscard]] std::span<const MetricSpec> metric_table();
[[nodiscard]] inline const MetricSpec& spec(Metric id) { return metric_table()[static_cast<std::size_t>(id)]; }

/// The metric of that name. @return nothing when there is none
[[nodiscard]] std::optional<Metric> find_metric(std::string_view name);

/// Price year of every GBP in the output (docs/odd.md 7.6).
inline constexpr std::string_view kPriceYear = "2023/24";

}  // namespace uptake
