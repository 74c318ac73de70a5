// What writing the results of a run takes, tried with a few of its replicates.
#include <algorithm>
#include <utility>
#include <vector>

#include "results/by_cell.hpp"
#include "results/cell_statistics.hpp"
#include "results/results_h5.hpp"
#include "uptake/results.hpp"

namespace uptake {

namespace {
/// Seconds that laying out by cell and reading the columns take, by value, one after the other.
struct SecondsOfValue {
  double laying_out = 0, reading = 0;
};
SecondsOfValue seconds_of_value(const Ensemble& ensemble, const std::filesystem::path& folder) {
  const auto n_values = static_cast<double>(ensemble.n_replicates * ensemble.width);
  const double begin = thread_seconds();
  const Ensemble laid_out = by_cell(ensemble, folder, {Body::serial, 1, {}, {}});
  SecondsOfValue seconds{(thread_seconds() - begin) / n_values, 0};
  std::vector<double> columns;
  const double began_reading = thread_seconds();
  constexpr std::size_t kCells = 256;
  for (std::size_t cell = 0; cell < ensemble.width; cell += kCells) {
    const std::size_t n = std::min(kCells, ensemble.width - cell);
    columns.resize(n * ensemble.n_replicates);
    laid_out.read_columns(0, ensemble.n_replicates, cell, n, columns);
  }
  seconds.reading = (thread_seconds() - began_reading) / n_values;
  return seconds;
}
}  // namespace

WritingCost estimate_writing(const RunRecord& few, std::size_t n_replicates, Kept kept,
                             const std::filesystem::path& folder, const Control& control) {
  const double times = static_cast<double>(n_replicates) / static_cast<double>(few.ensemble->n_replicates);
  // One thread does it all here, so that its clock sees all of it.
  const Control alone{Body::serial, 1, {}, {}};
  double last = thread_seconds();
  const auto step = [&] {
    const double begin = std::exchange(last, thread_seconds());
    return last - begin;
  };
  RunRecord record = few;
  record.report = report_statistics(few, alone);
  const double seconds_report = step();
  WritingCost cost;
  cost.tables_bytes = static_cast<double>(summary_csv(record).size() + summary_json(record).size());
  const double seconds_tables = step();
  const auto growing = static_cast<double>(write_results_file(record, folder, alone));
  const double size = static_cast<double>(std::filesystem::file_size(folder / "results.h5"));
  const double seconds_file = step();
  cost.results_bytes = size + growing * (times - 1);
  // Gross and net of every value of a summary, but for those that are the same in all replicates: they need no sorting.
  double n_columns = 0, n_varying = 0, n_seen = 1;
  for (const Block& block : record.layout.blocks) n_columns += 2 * static_cast<double>(block.size());
  for (const auto& chunk : record.report->chunks) {
    n_seen += static_cast<double>(chunk.size());
    n_varying += static_cast<double>(std::ranges::count_if(chunk, [](const auto& cell) { return cell.value.sd > 0; }));
  }
  n_columns *= n_varying / n_seen;
  // Replicates that are held are at hand by cell; others are laid out first.
  const bool held = kept == Kept::in_memory;
  const auto width = static_cast<double>(few.ensemble->width);
  const SecondsOfValue of_value = seconds_of_value(*few.ensemble, folder);
  const double seconds_of_cells =
      static_cast<double>(n_replicates) *
      ((held ? 0 : of_value.laying_out * width) + of_value.reading * columns_of_statistics(record.layout));
  const double shared = seconds_report + seconds_file * cost.results_bytes / size +
                        n_columns * seconds_of_column(n_replicates) + seconds_of_cells;
  cost.seconds = seconds_tables + shared / threads_of(control);
  const double slabs = static_cast<double>(memory_of_slab(n_replicates, slab_memory(control))) * threads_of(control);
  const auto tiles = static_cast<double>(memory_of_by_cell(n_replicates, few.ensemble->width, threads_of(control)));
  cost.slab_bytes = held ? slabs + sizeof(double) * width * static_cast<double>(n_replicates)
                         : std::max(slabs, tiles) + 16.0 * static_cast<double>(n_replicates);
  return cost;
}

}  // namespace uptake
