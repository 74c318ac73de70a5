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

/// Rows of the metric table (interfaces.md 4, definitions in model.md 4.9 "Measures").
enum class Metric : std::uint8_t {
  // clang-format off
  engaged, implementing_ever, adopters, ever_adopted, sustained_adopters, adoption_share,
  patients_benefited, patients_in_year, admissions_avoided, bed_days_avoided, home_years,
  savings_gross_gbp, savings_cash_gbp, capacity_released_gbp, cost_gbp, cost_public_gbp, net_present_value_gbp,
  roi_fiscal, roi_net, acceleration_months, levels_never_reached_share, attributable_share,
  regional_cv, regional_gini, deprivation_gap, slope_index, relative_index, concentration_index,
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

struct MetricSpec {
  Metric id;
  std::string_view name;
  std::string_view unit;  ///< "organisations", "admissions", "bed-days", "GBP", "1", "months", ...
  std::string_view long_name;
  MetricKind kind;
  bool on_month, on_year, on_report;
  bool by_region;      ///< false: England only
  bool by_board;       ///< also in the group /icb (axis month)
  bool paired;         ///< defined only as a comparison with `no-network`: view net alone
  bool money;          ///< carries a price year
  bool needs_outcome;  ///< absent for programmes whose outcome is none
};
[[nodiscard]] std::span<const MetricSpec> metric_table();
[[nodiscard]] inline const MetricSpec& spec(Metric id) { return metric_table()[static_cast<std::size_t>(id)]; }

/// The metric of that name. @return nothing when there is none
[[nodiscard]] std::optional<Metric> find_metric(std::string_view name);

/// Price year of every GBP in the output (model.md 4.9 Money).
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
  /// Programme names, then "all" when there is more than one.
  std::vector<std::string> programmes;
  std::vector<std::string> regions;  ///< "England", then the regions
  std::vector<std::string> boards;   ///< short names
  std::vector<Period> months, years, reports;
  int comparator = 0;  ///< index of `no-network`
  std::shared_ptr<const OutcomeTables> tables;
  [[nodiscard]] const Block* find(Metric metric, Axis axis, Geography geography = Geography::region) const;
  [[nodiscard]] std::span<const Period> times(Axis axis) const;
};
[[nodiscard]] SummaryLayout make_layout(const Model& model);

/// One replicate: what each strategy's world came to (gross), and the paired measures. NaN where undefined.
using Summary = std::vector<double>;

enum class View : std::uint8_t { gross, counterfactual, net };
inline constexpr std::array<std::string_view, 3> kViewNames{"gross", "counterfactual", "net"};

/// A value of a summary seen in a view: gross as stored, counterfactual = the comparator's, net = their paired
/// difference; paired measures have view net alone (others NaN). The net of a share or an inequality is its change
/// (model.md 4.7); roi_fiscal has none, for that is roi_net.
[[nodiscard]] double value_in_view(const SummaryLayout& layout, std::span<const double> summary, const Block& block,
                                   int strategy, int programme, int time, int place, View view);
/// The same for all places at once: out[place], block.n_places values.
void values_in_view(const SummaryLayout& layout, std::span<const double> summary, const Block& block, int strategy,
                    int programme, int time, View view, std::span<double> out);

/// The summary of one replicate. @param histories one per strategy, in the model's order @param out layout.size values
void outcomes(const Model& model, const SummaryLayout& layout, const Draw& draw, Key key,
              std::span<const History> histories, std::span<double> out);

/// Replicate `number` of the model's scenario, from its door to its summary.
[[nodiscard]] Summary simulate_replicate(const std::shared_ptr<const Model>& model, const SummaryLayout& layout,
                                         std::uint64_t number);

// ---- Functions that `verify` shows on their own -------------------------------------------------------------------

/// Effects of several programmes on one baseline (model.md 4.4, 4.9). x[j] = share avoided by j alone, may be negative,
/// < 1. Returns the share of the baseline avoided by each; they sum to 1 - prod(1 - x_j).
void combine_effects(std::span<const double> avoided_alone, std::span<double> share_of_baseline);

/// Fidelity after `age` years in use: dF/dt = r (1 - F) - turnover F from F0 (model.md 4.3).
[[nodiscard]] double fidelity_at(double age, double fidelity_start, double retraining, double turnover);

/// Discount factor at t years under the Green Book steps (rate to year 30, then the stepped long-run rates).
enum class Discounting : std::uint8_t { money, health };
[[nodiscard]] double discount_factor(double years, double rate, Discounting kind);
/// Present value of 1 a year at the start of each of years 0..n-1.
[[nodiscard]] double annuity(int n_years, double rate, Discounting kind);

/// Inequality of a coverage over groups (model.md 4.7; Mackenbach & Kunst 1997, Kakwani et al. 1997).
struct Inequality {
  double concentration_index = 0, slope_index = 0, relative_index = 0, gini = 0, coefficient_of_variation = 0;
};
/// @param coverage by group, ordered from the most to the least deprived @param weight population of each group
[[nodiscard]] Inequality inequality(std::span<const double> coverage, std::span<const double> weight);

/// Final size of an epidemic of advocacy, z = 1 - exp(-R0 z), the root in (0, 1) for R0 > 1 (V8).
[[nodiscard]] double final_size(double reproduction_number);

}  // namespace uptake
