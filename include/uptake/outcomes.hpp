/// What adoption is worth: pairing, patients, admissions, money and equity happen here and only here.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "uptake/metrics.hpp"
#include "uptake/model.hpp"
#include "uptake/world.hpp"

namespace uptake {

/// What a programme's file and the economy say enough about for a metric to be given. `several` and `growth` are never in it.
[[nodiscard]] Known known_of(const Scenario& scenario, const ProgrammeSpec& programme);

/// A set of rows of the parameter table: bit n = Parameter n.
using ParameterSet = std::bitset<static_cast<std::size_t>(kNParameters)>;
/// The parameters, its own and the economy's, that have a part in what a run says of one programme. Left out is what the
/// model proves to change nothing: of stages that the programme skips, of effort, mandates or emergencies that no
/// strategy's world has, of ties and competitors that there are not, of an outcome of another kind, and what 0 says is not
/// known. One that is fixed, or whose part is too small to be seen, acts.
[[nodiscard]] ParameterSet acting_parameters(const Model& model, int programme);

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

// ---- What of a world can be published: one history read at given boundaries, without pairing or money --------------

/// What an observation counts. Names are those of the metrics that are the same thing.
enum class Measure : std::uint8_t {
  engaged,             ///< organisations that ever left unaware
  implementing_ever,   ///< ever began
  adopters,            ///< in use at that moment
  ever_adopted,        ///< ever in use
  sustained_adopters,  ///< in use without break for the 52 weeks to it
  uptake_share,        ///< share of eligible people treated, at that moment, background included
  capacity_beds        ///< beds open
};
inline constexpr int kNMeasures = 7;
inline constexpr std::array<std::string_view, kNMeasures> kMeasureNames{
    "engaged", "implementing_ever", "adopters", "ever_adopted", "sustained_adopters", "uptake_share", "capacity_beds"};

/// One number to be read off a history.
struct Target {
  int programme = 0;
  Measure measure = Measure::ever_adopted;
  int region = -1;   ///< index into Population::regions; -1 = England
  int boundary = 0;  ///< 0..n_weeks
};

/// out[i] is target i: organisations of the population (not scaled to a historic denominator), a share of people in
/// [0, 1], or beds. The same numbers as the metrics of that name at a report date whose end is the boundary (uptake_share:
/// the mean over the calendar month of the day before it, up to it; at boundary 0 over the first day).
/// The history has to reach the last boundary asked for; what comes later in it changes nothing.
/// @param strategy whose plan says how much capacity levers leave
/// @pre out.size() == targets.size(); regions, programmes and boundaries are in range; a programme whose uptake or beds are
/// asked for has that kind of outcome
void observe(const Model& model, const Draw& draw, Key key, const History& history, std::span<const Target> targets,
             std::span<double> out, int strategy = 0);

/// Organisations that can adopt a programme. @param region index, -1 = England
[[nodiscard]] std::size_t n_eligible(const Model& model, int programme, int region);

// ---- Functions that `verify` shows on their own -------------------------------------------------------------------

/// Effects of several programmes on one baseline (docs/odd.md 7.5). x[j] = share avoided by j alone, may be negative,
/// < 1. Returns the share of the baseline avoided by each; they sum to 1 - prod(1 - x_j).
void combine_effects(std::span<const double> avoided_alone, std::span<double> share_of_baseline);

/// Discount factor at t years under the Green Book steps (rate to year 30, then the stepped long-run rates).
enum class Discounting : std::uint8_t { money, health };
[[nodiscard]] double discount_factor(double years, double rate, Discounting kind);
/// Present value of 1 a year at the start of each of years 0..n-1.
[[nodiscard]] double annuity(int n_years, double rate, Discounting kind);

/// An amount with what is taken off it, shares in [0, 1] (English Partnerships, Additionality Guide, S95).
struct Intervention {
  double amount = 0;  ///< gross, in any unit
  double leakage = 0, displacement = 0, substitution = 0;
  double multiplier = 1;
};
/// Additional impact: what is left of the intervention less what is left of the reference case (its deadweight),
/// AI = GI (1 - L)(1 - Dp)(1 - S) M - GI* (1 - L*)(1 - Dp*)(1 - S*) M* (S95), in the unit of the amounts.
[[nodiscard]] double additional_impact(const Intervention& with, const Intervention& reference);

/// What a return on growth funding is made of.
struct GrowthReturn {
  double jobs_net = 0;        ///< additional jobs
  double value_per_job = 0;   ///< GBP a job and year
  double job_years = 0;       ///< years that a job counts for
  double investment_net = 0;  ///< additional GBP
  double value_of_investment = 0;
  double cost = 0;  ///< GBP
};
/// (jobs_net x value_per_job x job_years + investment_net x value_of_investment) / cost (docs/odd.md 8). With the table's
/// defaults it is 3.96 at the published jobs: an accounting identity set to the published figure, not a validation.
[[nodiscard]] double growth_return(const GrowthReturn& terms);

/// Inequality of a coverage over groups (docs/odd.md 7.7; Mackenbach & Kunst 1997, Kakwani et al. 1997).
struct Inequality {
  double concentration_index = 0, slope_index = 0, relative_index = 0, gini = 0, coefficient_of_variation = 0;
};
/// @param coverage by group, ordered from the most to the least deprived @param weight population of each group
[[nodiscard]] Inequality inequality(std::span<const double> coverage, std::span<const double> weight);

/// Final size of an epidemic of advocacy, z = 1 - exp(-R0 z), the root in (0, 1) for R0 > 1 (V8).
[[nodiscard]] double final_size(double reproduction_number);

}  // namespace uptake
