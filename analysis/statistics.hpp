/// Statistics of the cells of a summary, as every writer of results needs them.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "uptake/results.hpp"

namespace uptake {

/// Names of the statistics, everywhere in this order.
inline constexpr std::array<std::string_view, 8> kStatisticNames{"mean", "sd",  "p05", "p25",
                                                                 "p50",  "p75", "p95", "mcse"};
/// What is nought is 0 and not -0 (a ratio of nothing to a loss).
[[nodiscard]] inline std::array<double, kStatisticNames.size()> in_order(const Statistics& s) {
  std::array values{s.mean, s.sd, s.p05, s.p25, s.p50, s.p75, s.p95, s.mcse};
  for (double& value : values) value += 0.0;
  return values;
}

/// Parameter vectors behind the replicates of a record.
[[nodiscard]] inline std::size_t n_draws(const RunRecord& record) {
  return record.model->scenario.mode == ParameterMode::prior ? record.ensemble->n_replicates : 1;
}

/// One row of places of a block: all places of (strategy, programme, time).
struct CellRow {
  const Block* block = nullptr;
  int strategy = 0, programme = 0, time = 0;
};

/// Statistics over replicates of every place of `row` as `view` sees it; size row.block->n_places.
///
/// attributable_share is a ratio of means (model.md 4.9): its mean is mean(net) / mean(gross) of the admissions
/// avoided, with the Monte-Carlo error of a ratio (delta method; Cochran 1977, Sampling Techniques, section 2.11); its
/// sd and quantiles are those of the replicates' own ratios.
[[nodiscard]] std::vector<Statistics> place_statistics(const SummaryLayout& layout, const Ensemble& ensemble,
                                                       const CellRow& row, View view);

/// Values of one cell by replicate.
[[nodiscard]] std::vector<double> cell_values(const SummaryLayout& layout, const Ensemble& ensemble, const CellRow& row,
                                              int place, View view);

}  // namespace uptake
