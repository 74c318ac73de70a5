/// Dates, the model's weeks, and the months, financial years and report dates that results are given at.
///
/// A *boundary* t = 0..n_weeks is a moment; week w runs from boundary w to boundary w + 1. A transition in week w takes
/// effect at boundary w + 1. Boundary 0 is midnight at the start of the scenario's first day.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace uptake {

using Date = std::chrono::sys_days;

/// Days of a year in every conversion between annual and weekly rates (docs/odd.md 7.2).
inline constexpr double kDaysPerYear = 365.25;
inline constexpr double kWeeksPerYear = kDaysPerYear / 7.0;

/// Years in which a date may lie: the NHS begins in the first; beyond the last a date is a slip of the pen. [A]
inline constexpr int kEarliestYear = 1948, kLatestYear = 2200;

/// `2021-01-31` for a date.
[[nodiscard]] std::string iso(Date date);

/// A span of whole days, both ends included, over which a flow is summed.
struct Period {
  Date from;
  Date to;
  std::string label;  ///< "2021-01", "2021/22", or the report date
};

/// The time axis of a run.
struct Calendar {
  Date start;
  int n_weeks = 0;
  double step_years = 7.0 / kDaysPerYear;  ///< length of one step; only `verify` uses another
  std::vector<Date> report_at;             ///< inclusive end dates; the first is the headline

  /// Number of whole weeks completed by the end of `date` (a stock at `date` is the state at this boundary), clamped
  /// to 0..n_weeks.
  [[nodiscard]] int boundary_at_end_of(Date date) const;
  /// The boundary nearest to midnight at the start of `date`, not clamped: how a dated window becomes weeks.
  [[nodiscard]] int nearest_boundary(Date date) const;
  /// Day that begins at a boundary: the first of the week after it.
  [[nodiscard]] Date day_of(int boundary) const { return start + std::chrono::days{7 * boundary}; }
  /// Last day that the horizon covers whole.
  [[nodiscard]] Date last_day() const { return start + std::chrono::days{7 * n_weeks - 1}; }
  /// Calendar months from the one of `start`, cut at `start` and `last_day()`; the last one only when complete, or
  /// when it is the only one.
  [[nodiscard]] std::vector<Period> months() const;
  /// Financial years (1 April to 31 March), cut at `start` and `last_day()`.
  [[nodiscard]] std::vector<Period> financial_years() const;
  /// From `start` to each date of `report_at`.
  [[nodiscard]] std::vector<Period> report_periods() const;
};

}  // namespace uptake
