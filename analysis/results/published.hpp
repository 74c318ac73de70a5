/// Published figures beside the results that they can be compared with. No run is fitted to them; the posterior that it
/// draws from may have been, and each figure says so.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "statistics/statistics.hpp"
#include "uptake/results.hpp"

namespace uptake {

/// A published figure and what the lead strategy's world comes to.
struct PublishedBeside {
  const Published* figure = nullptr;
  std::string programme;  ///< "all" for figures of all programmes together
  std::string region;     ///< that its values are of, as `layout.regions` names it
  std::string place;      ///< where it was counted, in words
  /// Whether it was counted in England and the values beside it are of another population.
  bool is_of_england_alone = false;
  Metric metric{};
  /// What the model's values are of: the report date, month end, or run of financial years that lies nearest. Absent
  /// when none lies within kNearestDays; then there are no values.
  std::optional<Period> used;
  bool is_of_other_days = false;  ///< by more than kSameDays: neither agreement nor contradiction
  Statistics gross, net;
  double p_below = 0;  ///< share of replicates whose gross value is below the published one
  /// Whether the calibration behind the run's parameters fitted to this figure: then agreement with it shows little.
  bool was_fitted = false;
  /// Whether its source also set parameters of its programme: then agreement with it is no test either.
  bool set_parameters = false;
  /// What is compared: the figure's window, from the simulation's start where its source states no beginning.
  [[nodiscard]] Period asked(Date start) const { return {figure->from.value_or(start), figure->to, ""}; }
  /// First day that the figure counts; absent for a stock, and where its source states none.
  [[nodiscard]] std::optional<Date> from() const {
    return spec(metric).kind == MetricKind::flow ? figure->from : std::nullopt;
  }
};

/// How far the ends of the model's window may lie from those of a figure's, days in all: a quarter of a year [A].
inline constexpr int kNearestDays = 92;
/// How far, for the figure to lie in the model's interval or outside it: a month [A].
inline constexpr int kSameDays = 31;

/// All figures: of the scenario, then of its programmes in order, unless the population is synthetic.
[[nodiscard]] std::vector<PublishedBeside> published_beside(const RunRecord& record);

/// A line of published.csv, of a run or of the file that it left.
struct PublishedRow {
  std::string programme, region, place, metric, unit;
  std::optional<Date> from = {};  ///< of flows alone, whose source states it
  Date to{};
  double value = 0;
  std::optional<Date> model_from = {}, model_to = {};  ///< absent where the model has no values; from: of flows alone
  Statistics gross = {}, net = {};                     ///< NaN where they are undefined, or there are none
  double p_below = 0;                                  ///< NaN likewise
  std::optional<bool> fitted = {};                     ///< absent where the file does not say
  std::string source = {}, note = {};
};
/// The columns of the table, in order, each with what it holds.
struct PublishedColumn {
  std::string name, meaning, unit;
};
[[nodiscard]] std::vector<PublishedColumn> published_columns();
/// The table of these lines, as runs write it and `export` makes it again.
[[nodiscard]] std::string published_csv(std::span<const PublishedRow> rows);

/// Writes `folder/published.csv` when there are any figures, and removes an old one when there are none.
void write_published_csv(const RunRecord& record, const std::filesystem::path& folder);

}  // namespace uptake
