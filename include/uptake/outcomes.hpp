/// What adoption is worth: pairing, patients, admissions, money and equity happen here and only here.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "uptake/model.hpp"
#include "uptake/world.hpp"

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
/// What a programme's file and the economy say enough about for a metric to be given. `several` and `growth` are never in it.
[[nodiscard]] Known known_of(const Scenario& scenario, const ProgrammeSpec& programme);

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

/// One array of a summary: a metric on an axis and a geography, values [strategy][programme][time][place].
struct Block {
  Metric metric;
  Axis axis;
  Geography geography;
  std::size_t offset = 0;
  int n_strategies = 0, n_programmes = 0, n_times = 0, n_places = 0;
  [[nodiscard]] std::size_t size() const {
    return static_cast<std::size_t>(n_strategies) * static_cast<std::size_t>(n_programmes) *
           static_cast<std::size_t>(n_times) * static_cast<std::size_t>(n_places);
  }
  [[nodiscard]] std::size_t at(int strategy, int programme, int time, int place) const {
    return offset +
           static_cast<std::size_t>(((strategy * n_programmes + programme) * n_times + time) * n_places + place);
  }
};

/// What outcomes need of a model beside its draw (cuts of time, sizes, delivered days by month): computed once.
struct OutcomeTables;

/// Where each value of a summary sits: fixed by the model, the same for all replicates.
struct SummaryLayout {
  std::vector<Block> blocks;
  std::size_t size = 0;
  std::vector<std::string> strategies;
  /// Programme names, then "all" when there is more than one or a growth ledger.
  std::vector<std::string> programmes;
  std::vector<std::string> regions;  ///< "England", then the regions
  std::vector<std::string> boards;   ///< short names
  /// Months whose ends are on the course axis (every one, or every third or twelfth), financial years, report dates.
  std::vector<Period> months, years, reports;
  int comparator = 0;  ///< index of what net is against, as Scenario::comparator
  /// By programme: the flow that its benefit is read off (events, else value, days sooner, people), which
  /// `attributable_share`, `significantly_reduced` and the equity of benefit are about. None where nothing is known.
  std::vector<std::optional<Metric>> benefit;
  /// By metric: how many programmes enter the figure of all together in some world; of a ratio those of its numerator.
  /// 0 where there is no such figure (events, shares treated and most social returns of several programmes) and in the
  /// growth ledger.
  std::array<int, kNMetrics> n_in_total{};
  std::shared_ptr<const OutcomeTables> tables;
  [[nodiscard]] const Block* find(Metric metric, Axis axis, Geography geography = Geography::region) const;
  [[nodiscard]] std::span<const Period> times(Axis axis) const;
};
/// Metrics that no programme of the model can have get no block.
[[nodiscard]] SummaryLayout make_layout(const Model& model);

/// One replicate: what each strategy's world came to (gross), and the paired measures. NaN where undefined.
using Summary = std::vector<double>;

enum class View : std::uint8_t { gross, counterfactual, net };
inline constexpr std::array<std::string_view, 3> kViewNames{"gross", "counterfactual", "net"};

/// A ratio of two metrics, which over an ensemble is the ratio of their means and never the mean of the replicates' own
/// ratios: those with the smallest denominators would rule it.
struct RatioOfMeans {
  Metric over, under;
  View over_in, under_in;  ///< those of a metric that is of its own world are of the view that is asked for
  bool is_return;          ///< on what is spent; else a share of a whole

  /// NaN where the ratio has no meaning: a return on nothing spent, and a share below 0 or above 1 (of a world that lies
  /// below its comparator nothing is due to what sets the two apart).
  [[nodiscard]] double value(double of_over, double of_under) const;
};
/// None of what is no such ratio. @param benefit that `attributable_share` is about
[[nodiscard]] std::optional<RatioOfMeans> ratio_of_means(Metric metric, std::optional<Metric> benefit);

/// What a view shows of a metric: gross as stored, counterfactual = the comparator's, net = their paired difference;
/// paired measures have view net alone, as stored. The net of a share or an inequality is its change;
/// returns on spending have none, for that is roi_net.
enum class Seen : std::uint8_t { nothing, own, comparator, difference };
[[nodiscard]] Seen seen(Metric metric, View view);
/// A value of a summary seen in a view, NaN where nothing is.
[[nodiscard]] double value_in_view(const SummaryLayout& layout, std::span<const double> summary, const Block& block,
                                   int strategy, int programme, int time, int place, View view);

/// The summary of one replicate. @param histories one per strategy, in the model's order @param out layout.size values
void outcomes(const Model& model, const SummaryLayout& layout, const Draw& draw, Key key,
              std::span<const History> histories, std::span<double> out);

/// Replicate `number` of the model's scenario, from its door to its summary.
[[nodiscard]] Summary simulate_replicate(const std::shared_ptr<const Model>& model, const SummaryLayout& layout,
                                         std::uint64_t number);

// ---- Functions that `verify` shows on their own -------------------------------------------------------------------

/// Effects of several programmes on one baseline (docs/odd.md 7.5). x[j] = share avoided by j alone, may be negative,
/// < 1. Returns the share of the baseline avoided by each; they sum to 1 - prod(1 - x_j).
void combine_effects(std::span<const double> avoided_alone, std::span<double> share_of_baseline);

/// Fidelity after `age` years in use: dF/dt = r (1 - F) - turnover F from F0 (docs/odd.md 7.4).
[[nodiscard]] double fidelity_at(double age, double fidelity_start, double retraining, double turnover);

/// Discount factor at t years under the Green Book steps (rate to year 30, then the stepped long-run rates).
enum class Discounting : std::uint8_t { money, health };
[[nodiscard]] double discount_factor(double years, double rate, Discounting kind);
/// Present value of 1 a year at the start of each of years 0..n-1.
[[nodiscard]] double annuity(int n_years, double rate, Discounting kind);

/// Inequality of a coverage over groups (docs/odd.md 7.7; Mackenbach & Kunst 1997, Kakwani et al. 1997).
struct Inequality {
  double concentration_index = 0, slope_index = 0, relative_index = 0, gini = 0, coefficient_of_variation = 0;
};
/// @param coverage by group, ordered from the most to the least deprived @param weight population of each group
[[nodiscard]] Inequality inequality(std::span<const double> coverage, std::span<const double> weight);

/// Final size of an epidemic of advocacy, z = 1 - exp(-R0 z), the root in (0, 1) for R0 > 1 (V8).
[[nodiscard]] double final_size(double reproduction_number);

}  // namespace uptake
