/// What drives an answer: one assumption at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "uptake/ensemble.hpp"
#include "uptake/model.hpp"
#include "uptake/outcomes.hpp"

namespace uptake {

/// One assumption moved through its range, all others at their defaults, or their posterior medians where calibrated.
struct OneWay {
  std::string parameter;  ///< key, with the programme before it where there are several
  std::string unit, grade, source;
  double value = 0;                ///< default, or posterior median
  double low = 0, high = 0;        ///< 5 and 95 % points of the prior, or of the posterior
  double at_low = 0, at_high = 0;  ///< mean net result there
  /// Standard errors of the changes from the base: paired, for the worlds share their clocks.
  double error_low = 0, error_high = 0;
};

struct OneWayStudy {
  std::string metric, unit, strategy, comparator, date;
  std::string region;  ///< the scenario's focus, as `layout.regions` names it
  std::string place;   ///< the same as texts name it
  int n_replicates = 0;
  double base = 0, base_error = 0;  ///< mean net result at the defaults, and its standard error
  std::vector<OneWay> parameters;   ///< widest first; those without any effect last
  bool is_calibrated = false;       ///< what is calibrated stands at its posterior median instead
};
/// What is not moved, and everything in the base.
[[nodiscard]] constexpr std::string_view where_a_study_stands(bool is_calibrated) noexcept {
  return is_calibrated ? "at the defaults, or posterior medians" : "at the defaults";
}

/// Moves every parameter that has a prior or a posterior to its 5 % and 95 % point and simulates the same replicates each time.
/// The result is that of `metric` in the scenario's focus at the first report date, net, of the lead strategy, for all
/// programmes together. A share of the peer layers is moved against the others, which keep their proportions.
/// @pre the layout has `metric` on the report axis for the focus
/// @throws InputError when the metric is undefined at the defaults
[[nodiscard]] OneWayStudy one_way(const std::shared_ptr<const Model>& model, const SummaryLayout& layout, Metric metric,
                                  int n_replicates, const Control& control);

/// Whether no result of a study differs from 0: nothing sets the strategy apart from its comparator in this metric.
[[nodiscard]] bool is_nil(const OneWayStudy& study);

/// Whether a metric has a net at the report dates for the scenario's focus: some are of the whole population alone, and a
/// return of one world says nothing of a difference.
[[nodiscard]] bool is_given(const Model& model, const SummaryLayout& layout, Metric metric);

/// The metric that a run is about: the first of admissions, events, bed days, days sooner, people and organisations
/// that its programmes have in the scenario's focus.
[[nodiscard]] Metric leading_metric(const Model& model, const SummaryLayout& layout);

}  // namespace uptake
