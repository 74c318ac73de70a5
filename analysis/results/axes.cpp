#include "results/axes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "results/cell_statistics.hpp"
#include "results/finding.hpp"
#include "statistics/statistics.hpp"
#include "uptake/model.hpp"

namespace uptake {

std::string_view axis_name(Axis axis) { return axis == Axis::month ? "time" : axis == Axis::year ? "year" : "report"; }
std::string_view place_name(Geography geography) { return geography == Geography::region ? "region" : "board"; }

std::int32_t days(Date date) { return static_cast<std::int32_t>(date.time_since_epoch().count()); }

Attributes date_attributes(std::string meaning) {
  return {{"units", std::string("days since 1970-01-01")},
          {"calendar", std::string("standard")},
          {"standard_name", std::string("time")},
          {"long_name", std::move(meaning)}};
}

namespace {
/// Auxiliary coordinates of a time axis; months are labelled by their last day already.
std::string from_name(Axis axis) { return fmt::format("{}_from", axis_name(axis)); }
std::string to_name(Axis axis) { return fmt::format("{}_to", axis_name(axis)); }
}  // namespace

std::string time_coordinates(Axis axis) {
  return axis == Axis::month ? from_name(axis) : fmt::format("{} {}", from_name(axis), to_name(axis));
}

void add_time_axis(Hdf5Group& group, const SummaryLayout& layout, Axis axis) {
  const std::string name(axis_name(axis));
  std::vector<std::int32_t> from, to;
  std::vector<std::string> labels;
  for (const Period& period : layout.times(axis)) {
    from.push_back(days(period.from));
    to.push_back(days(period.to));
    labels.push_back(period.label);
  }
  if (axis == Axis::month)
    group.scale(name, to, date_attributes("last day of the calendar month"));
  else
    group.scale(name, labels,
                named(axis == Axis::year ? "financial year, 1 April to 31 March, cut at the horizon"
                                         : "report date; flows are summed from the start to it; the "
                                           "first is the headline"));
  group.integers(from_name(axis), from, {name}, date_attributes("first day of the period"));
  if (axis != Axis::month) group.integers(to_name(axis), to, {name}, date_attributes("last day of the period"));
}

std::vector<std::string> texts(std::span<const std::string_view> names) { return {names.begin(), names.end()}; }

void add_what_axes(Hdf5Group& group, const SummaryLayout& layout) {
  group.scale("strategy", layout.strategies, named("what is done"));
  group.scale("view", texts(kViewNames),
              named(fmt::format("gross = the strategy's world; counterfactual = {} with the same clocks; net = their "
                                "paired difference",
                                layout.strategies[static_cast<std::size_t>(layout.comparator)])));
  group.scale("statistic", texts(kStatisticNames),
              named("over replicates; pNN = quantile (type 7), mcse = Monte-Carlo standard error of the mean"));
  group.scale("programme", layout.programmes, named("innovation; all = total over programmes"));
}

void add_places(Hdf5Group& group, const RunRecord& record, Geography geography) {
  const SummaryLayout& layout = record.layout;
  const std::string who = population_in_words(*record.model);
  const bool is_england = who == kEngland;
  if (geography == Geography::region)
    group.scale("region", layout.regions,
                named(is_england ? "England, then the health innovation networks"
                                 : fmt::format("England = all of {}, then its regions", who)));
  else
    group.scale("board", layout.boards, named(is_england ? "integrated care board" : "board"));
}

std::vector<std::int32_t> counting(std::size_t n) {
  std::vector<std::int32_t> numbers(n);
  for (std::size_t i = 0; i < n; ++i) numbers[i] = static_cast<std::int32_t>(i);
  return numbers;
}

void add_replicates(Hdf5Group& group, const RunRecord& record) {
  const std::size_t n = record.ensemble->n_replicates;
  group.scale("replicate", counting(n), named("random world; the same clocks serve every strategy"));
  std::vector<std::int32_t> draw = counting(n);
  if (n_draws(record) == 1) std::fill(draw.begin(), draw.end(), 0);
  group.integers("draw", draw, {"replicate"}, named("parameter vector of the replicate"));
}

}  // namespace uptake
