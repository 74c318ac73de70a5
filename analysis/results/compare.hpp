/// Strategies and runs compared replicate by replicate, and a result split over what drives it.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "statistics/statistics.hpp"
#include "uptake/ensemble.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/results.hpp"

namespace uptake {

// ---- What is compared ---------------------------------------------------------------------------------------------

/// Whether `a` is better than `b`; equals and undefined values are not.
[[nodiscard]] bool is_better(Metric metric, double a, double b);

/// The values of a run at its report dates, in one place, replicate by replicate (gross; of paired metrics the net).
struct RunValues {
  std::string label;     ///< as the user named it
  std::string scenario;  ///< name
  std::string version, population_vintage;
  std::uint64_t seed = 0, population_seed = 0;
  ParameterMode mode = ParameterMode::prior;
  std::string posterior;  ///< digest; empty unless parameters are drawn from one
  std::vector<std::string> strategies;
  std::vector<Delivery> deliveries;     ///< by strategy
  int lead = 0;                         ///< the strategy that the run is about
  int comparator = 0;                   ///< the strategy that net is against
  std::vector<std::string> programmes;  ///< "all" last when there are several or a growth ledger
  std::vector<std::string> titles;      ///< of the programmes, for pages; "all" has none
  std::string region = "England";
  std::string place = "England";  ///< the region as texts name it: what the population is, where it is all of it
  std::string population_note;    ///< what must be known of a population of no real place
  std::vector<Period> reports;
  std::vector<Metric> metrics;
  std::size_t n_replicates = 0;
  std::vector<double> values;          ///< [metric][strategy][programme][report][replicate]
  std::shared_ptr<const Model> model;  ///< null when the values were read from a file

  /// 0 = all of the population, as on the axis of regions.
  [[nodiscard]] int place_index() const { return region == kEngland ? 0 : 1; }
  /// Values by replicate; empty when the run has no such metric, programme or report date.
  [[nodiscard]] std::span<const double> find(int strategy, Metric metric, std::string_view programme, Date to) const;
};

/// Values of an ensemble for the place of that index in `layout.regions`. @param metrics those wanted; empty = all.
/// attributable_share is left out: what it is a share of is another metric for another programme.
[[nodiscard]] RunValues values_of(const RunRecord& record, int place, std::span<const Metric> metrics = {});
/// Index of what is told of all programmes together: the only one, or "all", which comes last. Of one programme "all" is
/// there for a growth ledger and holds nothing else that the programme does not.
[[nodiscard]] int total_programme(std::span<const std::string> programmes);
/// Index of a scenario's focus in `layout.regions`.
[[nodiscard]] int focus_place(const SummaryLayout& layout, const Scenario& scenario);
/// Simulates the replicates 0..n of a model in memory and keeps what is compared, for the scenario's focus. Fewer than
/// n when it was stopped.
[[nodiscard]] RunValues simulate_values(const std::shared_ptr<const Model>& model, std::size_t n,
                                        const Control& control);
/// The values kept in `folder/results.h5`. @param region name; the focus of the results when empty @throws FileError when the file is
/// missing, broken or of another format; InputError when it has no such region
[[nodiscard]] RunValues read_values(const std::filesystem::path& folder, const std::string& region);

/// Leaves the first `n` replicates.
void keep_first(RunValues& run, std::size_t n);

// ---- Comparing ----------------------------------------------------------------------------------------------------

/// One strategy of one run.
struct Side {
  const RunValues* run = nullptr;
  int strategy = 0;
};

/// Replicate r of one run beside replicate r of another.
struct Pairing {
  std::size_t n_replicates = 0;  ///< those that both have: the first of each
  std::vector<std::string> programmes;
  std::vector<Period> reports;
  std::vector<Metric> metrics;
  std::vector<std::string> notes;  ///< what is left out, and what differs beside what is compared
};
/// @throws InputError that says why they cannot be paired: another seed or start, no shared programme, report date, ...
[[nodiscard]] Pairing pair_up(const RunValues& subject, const RunValues& baseline);

/// Subject minus baseline of one metric.
struct Difference {
  Metric metric{};
  std::string programme;
  Period period;
  /// Means over the replicates in which both are defined; of returns ratios of means, and `difference.mean` is theirs.
  double subject = 0, baseline = 0;
  Statistics difference;
  double p_better = 0, p_worse = 0;  ///< shares of those replicates; the rest are equal
  /// Variance of the difference as paired, and as it would be with another seed on each side (both measured).
  struct Variance {
    double paired = 0, independent = 0;
  };
  std::optional<Variance> variance;
  /// Without peer influence (bass.q = 0): the difference, and what of it the peers make.
  struct Peers {
    Statistics without, through;
  };
  std::optional<Peers> peers;
};
/// Every metric of the pairing, headline date first. @param metrics those wanted; empty = all
[[nodiscard]] std::vector<Difference> differences(const Side& subject, const Side& baseline, const Pairing& pairing,
                                                  std::span<const Metric> metrics);
/// Adds the variance that independent seeds give: `other` is the baseline's run with another seed.
void add_variances(std::vector<Difference>& rows, const Side& subject, const RunValues& other, int baseline);
/// Adds the same difference where peers have no influence: `subject0` and `baseline0` are the sides with bass.q = 0.
void add_peers(std::vector<Difference>& rows, const Side& subject, const Side& baseline, const Side& subject0,
               const Side& baseline0);

/// A level that a strategy is to reach by a report date.
struct TargetLevel {
  enum class Sense : std::uint8_t { at_least, at_most };
  std::string text;       ///< as written
  std::string programme;  ///< empty = all together
  Metric metric{};
  Sense sense = Sense::at_least;
  double value = 0;
  Date at{};
};
/// Reads `metric>=VALUE@DATE` or `programme:metric<=VALUE@DATE`. @throws InputError
[[nodiscard]] TargetLevel parse_target(const std::string& text);
/// The report date of a run that a target is about. @throws InputError when the run has no such programme or date
[[nodiscard]] const Period& report_date(const TargetLevel& target, const RunValues& run);
/// Share of the first `n` replicates in which a side meets the target, of those in which it is defined.
/// @throws InputError when the run has no such programme, metric or report date
[[nodiscard]] double chance_of(const TargetLevel& target, const Side& side, std::size_t n);

// ---- Displacement -------------------------------------------------------------------------------------------------

/// What one programme loses from one world to another.
struct Loss {
  std::string programme;  ///< "all" for the sum
  Period period;
  Metric metric{};
  Statistics lost;  ///< positive = lost
};
/// Losses from world `before` to world `after` by programme, of adopters, patients and admissions or events avoided;
/// `all` is the sum over the programmes named, replicate by replicate, of what may be added: where the run itself has a
/// total of all programmes. Events are of each programme's kind and have none.
[[nodiscard]] std::vector<Loss> losses(const RunValues& run, int before, int after,
                                       std::span<const std::string> programmes);
/// Strategies in which programmes do not compete for attention, each with the strategy that is the same but for that.
struct AttentionPair {
  int off = 0, on = 0;
};
[[nodiscard]] std::vector<AttentionPair> attention_pairs(const Scenario& scenario);
/// Programmes on which nothing differs between two strategies of a scenario but the attention that others leave them:
/// none when a lever for all, the delivery or a driver differs, and none when no lever does.
[[nodiscard]] std::vector<std::string> untouched_programmes(const Scenario& scenario, int a, int b);
/// Whether a strategy's world has a lever that adds peer ties.
[[nodiscard]] bool has_peer_lever(const Scenario& scenario, int strategy);

// ---- The split over drivers ---------------------------------------------------------------------------------------

/// Shapley values of a game (Shapley 1953): the mean over all orders of what a player adds to those before it.
/// @param worth by the set of players, a bit each: 2^n values @return one for each of the n players; they sum to
/// worth(all) - worth(none)
[[nodiscard]] std::vector<double> shapley_values(std::span<const double> worth);

/// A metric of the world as delivered, less the world without any driver, split over the drivers.
struct DriverSplit {
  Metric metric{};
  std::string programme;
  Period period;
  std::array<Statistics, kDriverNames.size()> by_driver;
  Statistics together;
};
/// Metrics that add up, so that a split means something: stocks and flows.
[[nodiscard]] bool is_additive(Metric metric);
/// Every additive metric at every report date. @return empty when the run lacks a world of the split
[[nodiscard]] std::vector<DriverSplit> split_over_drivers(const RunValues& run, int lead);

// ---- Of a run that is written -------------------------------------------------------------------------------------

/// The split of the lead strategy for the scenario's focus, of the metrics named; a metric at a time, so that memory
/// stays small. Empty when the run has no worlds for it.
[[nodiscard]] std::vector<DriverSplit> split_over_drivers(const RunRecord& record, std::span<const Metric> metrics);
/// What programmes lose to each other's claim on attention, for the focus; empty when no strategy is without it.
[[nodiscard]] std::vector<Loss> lost_to_attention(const RunRecord& record);

// ---- As text and as JSON ------------------------------------------------------------------------------------------

/// Two sides and what differs between them.
struct Comparison {
  Side subject, baseline;
  Pairing pairing;
  std::vector<Difference> rows;
  std::vector<std::string> untouched;  ///< programmes that only the competition for attention can reach
  std::vector<Loss> displaced;         ///< what those lost
};
struct CompareReport {
  std::vector<Metric> asked;  ///< metrics that the tables show; empty = those of the headline and of equity
  std::vector<Comparison> comparisons;
  std::vector<TargetLevel> targets;
  AttentionPair attention;              ///< of the first run, when it has one
  std::vector<Loss> lost_to_attention;  ///< of all programmes, where a strategy without competition was run
  std::vector<DriverSplit> drivers;
  std::string split_strategy;  ///< whose result `drivers` splits
};
/// The JSON of docs/results-format.md.
[[nodiscard]] std::string compare_json(const CompareReport& report);
/// Tables for the terminal. @param width columns available; written for 80 when there are fewer
[[nodiscard]] std::string compare_table(const CompareReport& report, int width);

}  // namespace uptake
