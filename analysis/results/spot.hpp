/// One place of a result at one report date, as the headline and the outside view read it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "results/cell_statistics.hpp"
#include "statistics/statistics.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/results.hpp"

namespace uptake {

/// What is known of a place (the one that the scenario is about unless stated) of one programme, or of all, under one
/// strategy. The record outlives it.
class Spot {
 public:
  Spot(const RunRecord& record, int strategy, int programme, int time);
  Spot(const RunRecord& record, int strategy, int programme, int time, int place);

  /// Nothing where the metric is not measured, or is defined in no replicate.
  [[nodiscard]] std::optional<Statistics> operator()(Metric metric, View view) const;
  /// Its values; none where the metric is not measured. @throws FileError
  [[nodiscard]] std::vector<double> by_replicate(Metric metric, View view) const;
  /// Share of replicates in which the metric is above `threshold`, of those in which it is defined. @throws FileError
  [[nodiscard]] std::optional<double> share_above(Metric metric, View view, double threshold) const;
  [[nodiscard]] std::size_t n_replicates() const { return record_.ensemble->n_replicates; }
  [[nodiscard]] int programme() const { return programme_; }
  [[nodiscard]] int place() const { return place_; }

 private:
  [[nodiscard]] const Block* block_of(Metric metric) const;  ///< null where the metric is not measured
  const RunRecord& record_;
  std::shared_ptr<const ReportStatistics> report_;
  int strategy_, programme_, time_, place_;
};

/// Where all events are admissions they are shown once, under that name: whether `metric` is what is left out.
[[nodiscard]] bool is_repeated(const Spot& place, Metric metric);

}  // namespace uptake
