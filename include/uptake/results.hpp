/// Results: part files while running, one canonical writer at the end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "uptake/arrays.hpp"
#include "uptake/ensemble.hpp"
#include "uptake/outcomes.hpp"

namespace uptake {

/// Finished replicates of one task of one run, appended as they come: header (digest, what the run is), then records
/// {replicate, length, payload, checksum}. Whole records survive a kill; a torn tail is dropped on reading.
class PartFile {
 public:
  /// Opens `folder/.parts/<digest>-<task>.bin` for appending, after dropping a torn tail. One process at a time.
  /// @param about what a merge needs to know of the run, as text; a file that is there keeps its own
  PartFile(const std::filesystem::path& folder, const std::string& digest, int task, std::size_t payload_size,
           const std::string& about = {});
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;
  void append(std::uint64_t replicate, std::span<const double> payload);  ///< @throws FileError (disk full, ...)
  void flush();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What a part file says of itself.
struct PartFacts {
  std::string digest;            ///< of the run
  int task = 0;                  ///< that wrote it
  std::size_t payload_size = 0;  ///< values of a replicate
  std::string about;             ///< as PartFile was given it
};
/// Nothing when the file was torn before its header was whole. @throws FileError, also when it is no part file
[[nodiscard]] std::optional<PartFacts> read_part_facts(const std::filesystem::path& file);
/// Part files in `folder/.parts` by name, of one digest or (empty) of all. @throws FileError
[[nodiscard]] std::vector<std::filesystem::path> part_files(const std::filesystem::path& folder,
                                                            const std::string& digest);
/// Whether a part file holds a replicate from this number on. @throws FileError
[[nodiscard]] bool holds_beyond(const std::filesystem::path& file, std::size_t n_replicates);
/// Whether a process has the part file open for appending.
[[nodiscard]] bool is_being_written(const std::filesystem::path& file);

/// Where the records of an ensemble stand in part files.
struct PartRecords;
/// Files that hold an ensemble cell by cell.
struct CellFiles;

/// Draws x replicates to be summarised: held in memory, or left in part files, or laid out by cell, and then read a slab
/// at a time, so that memory does not grow with them. A cell is one of the `width` values of a summary.
struct Ensemble {
  std::size_t n_replicates = 0;
  std::size_t width = 0;
  Paged<double> values;                                  ///< n_replicates x width, when they are in memory
  std::shared_ptr<const PartRecords> records = nullptr;  ///< when they are in part files
  std::shared_ptr<const CellFiles> cells = nullptr;      ///< when they are laid out by cell
  /// Values first .. first + out.size() of one replicate. Several threads may read at once. @throws FileError
  void read(std::size_t replicate, std::size_t first, std::span<double> out) const;
  /// Values of `n_cells` cells from `first_cell` on in `n` replicates from `first` on, cell by cell:
  /// out[cell * n + replicate]. Several threads may read at once. @throws FileError
  void read_columns(std::size_t first, std::size_t n, std::size_t first_cell, std::size_t n_cells,
                    std::span<double> out) const;
};
/// Whether a process that simulates all replicates of a run also holds them in memory, which saves reading them again.
[[nodiscard]] constexpr bool are_held(std::size_t n_replicates, std::size_t width) {
  constexpr std::size_t kMemory = std::size_t{128} << 20;  // as much as slabs may take [A]
  return n_replicates <= kMemory / sizeof(double) / width;
}
/// The same ensemble laid out by cell, in files in `folder` that have no names and go with the ensemble: every cell of
/// thousands of replicates is then read at once and not replicate by replicate. Needs as much room on the disk as the
/// values of all replicates, and leaves as much for results; where that cannot be, `ensemble` comes back as it is.
/// @param why_not  then says why, in a few words, if it is not null
/// @throws FileError when it cannot be read
[[nodiscard]] Ensemble by_cell(const Ensemble& ensemble, const std::filesystem::path& folder, const Control& control,
                               std::string* why_not = nullptr);

/// Replicates found whole in the part files of `digest`, by number. @throws FileError
[[nodiscard]] std::vector<bool> finished_replicates(const std::filesystem::path& folder, const std::string& digest,
                                                    std::size_t payload_size, std::size_t n_replicates);
/// The replicates of all part files of `digest`, left where they are: every checksum is verified here, once, and the
/// files stay open. @throws FileError if a replicate is missing
[[nodiscard]] Ensemble read_parts(const std::filesystem::path& folder, const std::string& digest,
                                  std::size_t payload_size, std::size_t n_replicates);

/// A part file that does not hold all that it was written.
struct DamagedPart {
  std::filesystem::path file;
  std::size_t n_spoilt = 0;  ///< records whose checksum does not hold
  bool is_cut_off = false;   ///< in the middle of a record
};
/// What part files hold of a run of `n_replicates`: an ensemble that may be read where nothing is missing.
struct Gathered {
  Ensemble ensemble;
  std::vector<std::uint64_t> missing;  ///< replicates that no file has, ascending
  std::vector<DamagedPart> damaged;
};
/// As read_parts, of files that may lie in several folders. @throws FileError, also for a file of another digest
[[nodiscard]] Gathered gather_parts(std::span<const std::filesystem::path> files, const std::string& digest,
                                    std::size_t payload_size, std::size_t n_replicates);

/// Statistics of every cell of the report dates: what the tables and the diagnostics show.
struct ReportStatistics;

/// Everything that is written for a run.
struct RunRecord {
  std::shared_ptr<const Model> model;
  SummaryLayout layout;
  const Ensemble* ensemble = nullptr;
  std::shared_ptr<const ReportStatistics> report = nullptr;  ///< null: each writer works them out for itself
};
/// What RunRecord::report holds, worked out in parallel. @throws FileError
[[nodiscard]] std::shared_ptr<const ReportStatistics> report_statistics(const RunRecord& record,
                                                                        const Control& control);

/// Writes `folder/results.h5` (by results.h5.tmp, fsync and rename): plain HDF5 that is also netCDF-4 / CF, byte-identical
/// for the same scenario, seed and version. Chunks are worked out and compressed in parallel and written as they come,
/// so memory does not grow with the file. Specification: docs/results-format.md. @throws FileError
void write_results(const RunRecord& record, const std::filesystem::path& folder, const Control& control);
/// What writing will take once all replicates are there.
struct WritingCost {
  double seconds = 0;
  double results_bytes = 0;  ///< of results.h5
  double tables_bytes = 0;   ///< of summary.csv and summary.json
  double slab_bytes = 0;     ///< memory for tiles or slabs, and for the replicates or their places in part files
};
/// Where the replicates are when they are written: in the memory of the process that simulated them all, or in part files.
enum class Kept : std::uint8_t { in_memory, in_parts };
/// Estimates the writing of `n_replicates` from a record of a few in part files: their results.h5 is written into
/// `folder`, and what grows with the replicates is scaled up; statistics are timed on made-up columns of n_replicates
/// values, laying out by cell on the few. Time is that of a core (thread_seconds), shared out evenly over the threads
/// where they share the work; waiting for the disk is not in it.
[[nodiscard]] WritingCost estimate_writing(const RunRecord& few, std::size_t n_replicates, Kept kept,
                                           const std::filesystem::path& folder, const Control& control);
/// Writes `folder/summary.csv`: one row per strategy, programme, region, metric, view and report date.
void write_summary_csv(const RunRecord& record, const std::filesystem::path& folder);
/// Its text.
[[nodiscard]] std::string summary_csv(const RunRecord& record);
/// Version of every JSON that the program writes (docs/results-format.md).
inline constexpr int kJsonSchema = 1;
/// The JSON of `run --json`, as text.
[[nodiscard]] std::string summary_json(const RunRecord& record);
/// The headline table for the terminal, as text. @param width columns available; written for 80 when there are fewer
[[nodiscard]] std::string headline_table(const RunRecord& record, int width);

/// Now, `2023-03-31T12:00:00Z`: for files that say how results were made, never for results.
[[nodiscard]] std::string utc_now();
/// Facts about how a run was made; they go to run.json and what is made of it, never to results.h5.
struct RunFacts {
  double seconds_total = 0, seconds_simulating = 0;
  int n_threads = 0;
  std::vector<std::string> command;
};
/// The text of run.json.
[[nodiscard]] std::string run_json(const RunRecord& record, const RunFacts& facts);

}  // namespace uptake
