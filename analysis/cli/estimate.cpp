// What a run would take is tried: a few replicates, written by the very writer.
#include "estimate.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "ensemble/placement.hpp"
#include "files/json_text.hpp"
#include "progress.hpp"
#include "report/report.hpp"
#include "report/run_view.hpp"
#include "run_folder.hpp"
#include "uptake/grouped.hpp"
#include "uptake/results.hpp"
#include "uptake/scenario.hpp"

namespace uptake::cli {

namespace fs = std::filesystem;

namespace {

/// Replicates that a dry run tries, unless they take longer than kSecondsOfTrial together. [A]
constexpr std::size_t kTried = 32;
constexpr double kSecondsOfTrial = 1;

double memory_now() {
  std::ifstream statm("/proc/self/statm");
  double size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// A folder that is removed with what it holds.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::error_code error;
    const fs::path place = fs::temp_directory_path(error);
    std::string pattern = (place / "uptake-XXXXXX").string();
    if (error || ::mkdtemp(pattern.data()) == nullptr) {
      const std::string why = error ? error.message() : std::generic_category().message(errno);
      throw FileError({error ? "TMPDIR" : pattern, fmt::format("cannot make a folder for a trial ({})", why),
                       "say with TMPDIR where there is room"});
    }
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Replicates that were simulated to see what they take.
struct Trial {
  std::size_t n = 0;
  double seconds_per_replicate = 0;  ///< of a core
};

/// Simulates a few replicates into a part file in `folder`.
Trial try_replicates(const RunAhead& run, const fs::path& folder) {
  const auto n_replicates = static_cast<std::size_t>(run.model->scenario.replicates);
  Trial trial;
  // The time of a core, and not that of a clock on the wall, which neighbours on the machine stretch.
  const double begin = thread_seconds();
  double first = 0;  // the first replicate meets cold memory
  {
    PartFile part(folder, run.model->scenario.digest, 0, run.layout.size, {});
    while (trial.n < std::min(kTried, n_replicates) && thread_seconds() - begin < kSecondsOfTrial) {
      part.append(trial.n, simulate_replicate(run.model, run.layout, trial.n));
      if (++trial.n == 1) first = thread_seconds() - begin;
    }
  }
  trial.seconds_per_replicate =
      trial.n == 1 ? first : (thread_seconds() - begin - first) / static_cast<double>(trial.n - 1);
  return trial;
}

/// What a run takes.
struct Estimate {
  double seconds_per_replicate = 0, seconds_simulating = 0, seconds_writing = 0;
  double memory = 0;  ///< bytes, and so are all that follow
  std::size_t part_files = 0, by_cell = 0;
  double results = 0;
  std::optional<std::uintmax_t> room;  ///< free where the run would write; nothing when the system does not say
};

/// Bytes that are free for a folder, which need not be there yet; nothing when the system does not say. Warns of too little
/// room for so much, and of a folder that nobody may write to.
std::optional<std::uintmax_t> look_for_room(const fs::path& folder, double bytes, const Output& output) {
  fs::path there = fs::absolute(folder).lexically_normal();
  while (!fs::exists(there) && there.has_relative_path()) there = there.parent_path();
  if (::access(there.c_str(), W_OK) != 0)
    say(output, fmt::format("warning: {}: cannot be written to ({}); choose another folder with -o", there.string(),
                            std::generic_category().message(errno)));
  std::error_code unknown;
  const fs::space_info space = fs::space(there, unknown);
  if (unknown) return std::nullopt;
  if (static_cast<double>(space.available) < bytes)
    say(output, fmt::format("warning: {}: there is room for {}, and this takes {}; make room or choose another folder "
                            "with -o",
                            there.string(), size_text(static_cast<double>(space.available)), size_text(bytes)));
  return space.available;
}

/// What writing the results takes, by the replicates of a trial in `folder`.
void add_writing(const RunAhead& run, const fs::path& folder, double memory_before, std::size_t n_tried,
                 const Control& control, Estimate& result) {
  const auto n_replicates = static_cast<std::size_t>(run.model->scenario.replicates);
  const Ensemble few = read_parts(folder, run.model->scenario.digest, run.layout.size, n_tried);
  const bool is_held = run.n_missing == n_replicates && are_held(n_replicates, run.layout.size);
  const WritingCost writing = estimate_writing({run.model, run.layout, &few}, n_replicates,
                                               is_held ? Kept::in_memory : Kept::in_parts, folder, control);
  // The page is made of statistics: it hardly grows.
  const double began_report = thread_seconds();
  write_report(Run(folder), folder, data_folder() / "england");
  result.seconds_writing = writing.seconds + thread_seconds() - began_report;
  result.memory = std::max({peak_memory(), result.memory, memory_before + writing.slab_bytes});
  result.part_files = n_replicates * run.layout.size * sizeof(double);
  result.by_cell = is_held ? 0 : result.part_files;
  result.results =
      writing.results_bytes + writing.tables_bytes + static_cast<double>(fs::file_size(folder / "report.html"));
}

Estimate estimate(const RunAhead& run, const Control& control, const Output& output) {
  const ScratchFolder scratch;
  const double memory_before = memory_now();
  const Trial trial = try_replicates(run, scratch.path());
  // Every thread has a replicate in flight.
  const double memory_simulating =
      memory_before + std::max(0.0, peak_memory() - memory_before) *
                          std::min<double>(control.n_threads, static_cast<double>(run.n_missing));
  Estimate result;
  result.seconds_per_replicate = trial.seconds_per_replicate;
  result.seconds_simulating = trial.seconds_per_replicate * static_cast<double>(run.n_missing) / control.n_threads;
  result.memory = std::max(peak_memory(), memory_simulating);
  const std::size_t replicate_bytes = run.layout.size * sizeof(double);
  if (run.share) {  // its part file is all that it writes
    result.part_files = run.n_missing * replicate_bytes;
  } else {
    add_writing(run, scratch.path(), memory_before, trial.n, control, result);
  }
  result.room =
      look_for_room(run.folder, static_cast<double>(run.n_missing_in_all * replicate_bytes) + result.results, output);
  return result;
}

}  // namespace

void print_estimate(const RunAhead& run, const Control& control, const Output& output) {
  const Estimate takes = estimate(run, control, output);
  const Model& model = *run.model;
  const auto n_replicates = static_cast<std::size_t>(model.scenario.replicates);
  if (output.format == Format::json) {
    const nlohmann::ordered_json json{
        {"schema", kJsonSchema},
        {"scenario", model.scenario.name},
        {"digest", model.scenario.digest},
        {"folder", run.folder.string()},
        {"replicates", n_replicates},
        {"replicates_to_simulate", run.n_missing_in_all},
        {"strategies", model.n_strategies()},
        {"organisations", model.population->n_organisations()},
        {"threads", control.n_threads},
        {"seconds_per_replicate", takes.seconds_per_replicate},
        {"seconds_simulating", takes.seconds_simulating},
        {"seconds_writing", takes.seconds_writing},
        {"memory_bytes", std::llround(takes.memory)},
        {"part_file_bytes", takes.part_files},
        {"by_cell_bytes", takes.by_cell},
        {"result_bytes", std::llround(takes.results)},
        {"room_bytes", takes.room ? nlohmann::ordered_json(*takes.room) : nlohmann::ordered_json()},
    };
    fmt::print("{}\n", json_text(json, 2));
    return;
  }
  const auto about = [](double seconds) { return seconds < 1 ? "less than 1 s" : "about " + duration_text(seconds); };
  fmt::print(
      "{}: would simulate {} of {} of {} and {} on {}\n"
      "time: {} on an idle machine ({:.1f} ms a replicate){}\n"
      "memory: about {:.0f} MB\n"
      "disk: {} of part files {}\n"
      "into: {}\n",
      model.scenario.name, grouped(run.n_missing_in_all), plural(n_replicates, "replicate"),
      model.n_strategies() == 1 ? "1 strategy" : fmt::format("{} strategies", model.n_strategies()),
      plural(model.population->n_organisations(), "organisation"), plural(control.n_threads, "thread"),
      about(takes.seconds_simulating), 1000 * takes.seconds_per_replicate,
      run.share ? "" : fmt::format(", then {} of writing", about(takes.seconds_writing)), takes.memory / 1e6,
      size_text(static_cast<double>(takes.part_files)),
      run.share
          ? fmt::format("of task {} of {}, for `merge` to make results of", run.share->task, run.share->n_tasks)
          : fmt::format("while it runs, {}and about {} of results",
                        takes.by_cell > 0 ? "as much again while results are written, " : "", size_text(takes.results)),
      run.folder.string());
}

}  // namespace uptake::cli
