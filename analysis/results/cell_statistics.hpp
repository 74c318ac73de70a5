/// Statistics of the cells of a summary over the replicates of an ensemble, which are read a slab at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "statistics/statistics.hpp"
#include "uptake/results.hpp"

namespace uptake {

/// Parameter vectors behind the replicates of a record.
[[nodiscard]] inline std::size_t n_draws(const RunRecord& record) {
  return is_drawn(record.model->scenario.mode) ? record.ensemble->n_replicates : 1;
}

/// Eligible organisations, scaled to the historic denominator: what shares are shares of; [programme][place].
[[nodiscard]] std::vector<double> eligible_organisations(const RunRecord& record, Geography geography);

/// Neighbouring cells of a block under one strategy and programme: places within times.
struct Cells {
  const Block* block = nullptr;
  int strategy = 0, programme = 0;
  std::size_t first = 0, n = 0;  ///< cell = time * block->n_places + place
};
/// All cells of a strategy and programme.
[[nodiscard]] inline Cells all_cells(const Block& block, int strategy, int programme) {
  return {&block, strategy, programme, 0,
          static_cast<std::size_t>(block.n_times) * static_cast<std::size_t>(block.n_places)};
}

/// Statistics of a cell over the replicates in which it is defined.
struct CellStatistics {
  Statistics value;
  std::int32_t n_defined = 0;
};

/// Memory that may hold replicates while statistics are worked out, over all threads together and of one thread: there
/// room for 20 cells of 100,000 replicates with their comparators. [A: what a laptop does not miss; a thread's columns
/// are taken and given back without asking the system]
inline constexpr std::size_t kSlabMemory = std::size_t{128} << 20, kSlabMemoryOfThread = std::size_t{32} << 20;
/// Threads that `control` asks for.
[[nodiscard]] int threads_of(const Control& control);
/// What of kSlabMemory is one thread's.
[[nodiscard]] std::size_t slab_memory(const Control& control);

/// Statistics of every cell of `cells` as each of `views` sees it; [view][cell]. Reads the replicates a slab at a time,
/// in at most `memory` bytes (but always one cell with its comparator). @throws FileError
///
/// Of a ratio of means (ratio_of_means(); docs/odd.md 7) `mean` is that ratio over all replicates and `mcse` its error; its
/// sd and quantiles are those of the replicates' own ratios. Where the ratio is undefined so is all of them.
[[nodiscard]] std::vector<std::vector<CellStatistics>> cell_statistics(const SummaryLayout& layout,
                                                                       const Ensemble& ensemble, const Cells& cells,
                                                                       std::span<const View> views, std::size_t memory);

/// Memory that cell_statistics may come to for n_replicates with `memory` bytes allowed.
[[nodiscard]] std::size_t memory_of_slab(std::size_t n_replicates, std::size_t memory);
/// How many columns the statistics of all cells read.
[[nodiscard]] double columns_of_statistics(const SummaryLayout& layout);
/// Seconds that the statistics of one column of n_replicates values take here and now, by trial.
[[nodiscard]] double seconds_of_column(std::size_t n_replicates);

/// Values of one cell by replicate as `view` sees it. @throws FileError
[[nodiscard]] std::vector<double> cell_values(const SummaryLayout& layout, const Ensemble& ensemble, const Block& block,
                                              int strategy, int programme, int time, int place, View view);

/// Statistics of the report dates: [block][strategy][programme][gross, net][time][place].
struct ReportStatistics {
  std::vector<Block> blocks;  ///< of the axis `report` and the geography `region`, in the layout's order
  std::vector<std::vector<CellStatistics>> chunks;  ///< [block][strategy][programme][gross, net], cells within
  int n_strategies = 0, n_programmes = 0, comparator = 0;
  /// All cells of a chunk, time by time; gross and net alone, for the counterfactual is the comparator's gross.
  [[nodiscard]] const std::vector<CellStatistics>& chunk(const Block& block, int strategy, int programme,
                                                         View view) const;
  [[nodiscard]] CellStatistics at(const Block& block, int strategy, int programme, int time, int place,
                                  View view) const;
};
/// What the record holds, or worked out now.
[[nodiscard]] std::shared_ptr<const ReportStatistics> report_of(const RunRecord& record);

}  // namespace uptake
