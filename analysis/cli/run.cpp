#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "ensemble/placement.hpp"
#include "files/command.hpp"
#include "files/json_text.hpp"
#include "progress.hpp"
#include "ranks.hpp"
#include "report/report.hpp"
#include "report/run_view.hpp"
#include "run_folder.hpp"
#include "uptake/ensemble.hpp"
#include "uptake/grouped.hpp"
#include "uptake/model.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/results.hpp"
#include "uptake/scenario.hpp"
#include "uptake/version.hpp"
#include "uptake/world.hpp"

namespace uptake::cli {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

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

/// Replicates that are not finished.
struct Missing {
  std::size_t here = 0;    ///< of this process
  std::size_t in_all = 0;  ///< of all ranks
};

std::string about_so_long(double seconds) { return seconds < 1 ? "less than 1 s" : "about " + duration_text(seconds); }

/// Warns of a folder that has no room for so much, or that nobody may write to. It need not be there yet.
/// @return bytes that are free; nothing when the system does not say
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

/// Says what a run would take, from a few replicates that are simulated and written to a folder that does not stay.
/// @param share the task that it is, which writes part files alone
void print_estimate(const std::shared_ptr<const Model>& model, const SummaryLayout& layout, const fs::path& folder,
                    const Missing& is_missing, const std::optional<Share>& share, const Control& control,
                    const Output& output) {
  const auto n_replicates = static_cast<std::size_t>(model->scenario.replicates);
  const int n_threads = control.n_threads;
  const ScratchFolder scratch;
  const std::string& digest = model->scenario.digest;
  const double memory_before = memory_now();
  std::size_t n_tried = 0;
  // The time of a core, and not that of a clock on the wall, which neighbours on the machine stretch.
  const double begin = thread_seconds();
  double first = 0;  // the first replicate meets cold memory
  {
    PartFile part(scratch.path(), digest, 0, layout.size, {});
    while (n_tried < std::min(kTried, n_replicates) && thread_seconds() - begin < kSecondsOfTrial) {
      part.append(n_tried, simulate_replicate(model, layout, n_tried));
      if (++n_tried == 1) first = thread_seconds() - begin;
    }
  }
  const double seconds_per_replicate =
      n_tried == 1 ? first : (thread_seconds() - begin - first) / static_cast<double>(n_tried - 1);
  // Every thread has a replicate in flight.
  const double memory_simulating =
      memory_before +
      std::max(0.0, peak_memory() - memory_before) * std::min<double>(n_threads, static_cast<double>(is_missing.here));
  const Ensemble few = read_parts(scratch.path(), digest, layout.size, n_tried);
  const bool is_held = is_missing.here == n_replicates && are_held(n_replicates, layout.size);
  WritingCost writing;
  double page_bytes = 0;
  if (!share) {
    writing = estimate_writing({model, layout, &few}, n_replicates, is_held ? Kept::in_memory : Kept::in_parts,
                               scratch.path(), control);
    // The page is made of statistics: it hardly grows.
    const double began_report = thread_seconds();
    write_report(Run(scratch.path()), scratch.path(), data_folder() / "england");
    writing.seconds += thread_seconds() - began_report;
    page_bytes = static_cast<double>(fs::file_size(scratch.path() / "report.html"));
  }
  const double seconds = seconds_per_replicate * static_cast<double>(is_missing.here) / n_threads;
  const std::size_t replicate_bytes = layout.size * sizeof(double);
  const std::size_t part_bytes = (share ? is_missing.here : n_replicates) * replicate_bytes;
  const std::size_t by_cell_bytes = is_held || share ? 0 : part_bytes;
  const double result_bytes = writing.results_bytes + writing.tables_bytes + page_bytes;
  const double memory = std::max({peak_memory(), memory_simulating, memory_before + writing.slab_bytes});
  const std::optional<std::uintmax_t> room =
      look_for_room(folder, static_cast<double>(is_missing.in_all * replicate_bytes) + result_bytes, output);
  if (output.format == Format::json) {
    const nlohmann::ordered_json json{
        {"schema", kJsonSchema},
        {"scenario", model->scenario.name},
        {"digest", model->scenario.digest},
        {"folder", folder.string()},
        {"replicates", n_replicates},
        {"replicates_to_simulate", is_missing.in_all},
        {"strategies", model->n_strategies()},
        {"organisations", model->population->n_organisations()},
        {"threads", n_threads},
        {"seconds_per_replicate", seconds_per_replicate},
        {"seconds_simulating", seconds},
        {"seconds_writing", writing.seconds},
        {"memory_bytes", std::llround(memory)},
        {"part_file_bytes", part_bytes},
        {"by_cell_bytes", by_cell_bytes},
        {"result_bytes", std::llround(result_bytes)},
        {"room_bytes", room ? nlohmann::ordered_json(*room) : nlohmann::ordered_json()},
    };
    fmt::print("{}\n", json_text(json, 2));
    return;
  }
  fmt::print(
      "{}: would simulate {} of {} of {} and {} on {}\n"
      "time: {} on an idle machine ({:.1f} ms a replicate){}\n"
      "memory: about {:.0f} MB\n"
      "disk: {} of part files {}\n"
      "into: {}\n",
      model->scenario.name, grouped(is_missing.in_all), plural(n_replicates, "replicate"),
      model->n_strategies() == 1 ? "1 strategy" : fmt::format("{} strategies", model->n_strategies()),
      plural(model->population->n_organisations(), "organisation"), plural(n_threads, "thread"), about_so_long(seconds),
      1000 * seconds_per_replicate, share ? "" : fmt::format(", then {} of writing", about_so_long(writing.seconds)),
      memory / 1e6, size_text(static_cast<double>(part_bytes)),
      share
          ? fmt::format("of task {} of {}, for `merge` to make results of", share->task, share->n_tasks)
          : fmt::format("while it runs, {}and about {} of results",
                        by_cell_bytes > 0 ? "as much again while results are written, " : "", size_text(result_bytes)),
      folder.string());
}

/// Replicates r with r mod n_tasks == task that are not finished.
std::vector<std::uint64_t> missing_of(const std::vector<bool>& finished, const Share& share) {
  std::vector<std::uint64_t> missing;
  const auto step = static_cast<std::size_t>(share.n_tasks);
  for (auto r = static_cast<std::size_t>(share.task); r < finished.size(); r += step) {
    if (!finished[r]) missing.push_back(r);
  }
  return missing;
}

}  // namespace

ExitCode run(const RunOptions& options, const Output& asked_output) {
  const auto began = Clock::now();
  std::optional<Interruption> interruption;
  if (options.action == Action::simulate) interruption.emplace();
  const Ranks ranks(options.share ? Ranks::Launch::alone : Ranks::Launch::together);
  const Share share = options.share.value_or(Share{ranks.rank(), ranks.size()});
  Output output = asked_output;
  ProgressStyle progress_style = options.progress;
  if (!ranks.first()) {
    output.verbosity = Verbosity::quiet;
    progress_style = ProgressStyle::off;
  }

  // Every rank looks before any of them writes, so that all see the same.
  std::shared_ptr<const Model> model;
  SummaryLayout layout;
  fs::path folder;
  std::string digest;
  std::vector<bool> finished;
  std::vector<std::uint64_t> missing;
  Found found = Found::nothing;
  bool over = false;  // nothing to simulate
  const ExitCode looked = ranks.together([&] {
    Scenario scenario = scenario_of(options.scenario, options.overrides);
    digest = scenario.digest;
    folder = options.folder.value_or(fs::path("results") / scenario.name);
    // Nothing is simulated before it is clear that its result may be written.
    found = look_in(folder, scenario);
    const bool writes = options.action != Action::dry_run;
    if (found == Found::same_result && options.existing != Existing::overwrite && writes) {
      over = true;
      if (options.share) {
        say(output, fmt::format("already done and merged ({})", folder.string()));
      } else if (ranks.first()) {
        // Killed just before it did so itself.
        if (options.existing == Existing::resume) remove_parts(used_up(folder, scenario));
        show_again(folder, "--overwrite repeats it", output);
      }
      return ExitCode::done;
    }
    if (found == Found::other_result && options.existing == Existing::refuse && writes) throw in_the_way(folder);
    if (found == Found::other_result && writes) keep_own_words(folder);

    auto population = std::make_shared<const Population>(build_population(scenario, data_folder()));
    model = make_model(std::move(scenario), std::move(population));
    layout = make_layout(*model);
    if (output.verbosity == Verbosity::normal) print_warnings(model->warnings);
    const auto n_replicates = static_cast<std::size_t>(model->scenario.replicates);
    finished.assign(n_replicates, false);
    if (options.existing != Existing::overwrite)
      finished = finished_replicates(folder, digest, layout.size, n_replicates);
    missing = missing_of(finished, share);
    const auto n_finished = static_cast<std::size_t>(std::ranges::count(finished, true));
    const std::size_t n_mine = missing_of(std::vector<bool>(n_replicates, false), share).size();
    if (missing.size() < n_mine && options.existing == Existing::refuse) {
      throw InputError({{folder.string(),
                         fmt::format("holds an unfinished run of this scenario, {} of {} replicates",
                                     grouped(n_finished), grouped(n_replicates)),
                         "--resume goes on with it, --overwrite starts again"}});
    }
    // Replicates beside another result are of a run with --overwrite that was interrupted.
    if (found == Found::other_result && options.existing == Existing::resume && n_finished == 0)
      throw in_the_way(folder);
    // A task shares the folder with others that are under way; who writes the result must be alone.
    if (!options.share && options.action == Action::simulate) refuse_while_written(part_files(folder, digest));
    return ExitCode::done;
  });
  // What one rank found done, none goes on with: they may see the folder at different times.
  if (looked != ExitCode::done || ranks.sum(over ? 1 : 0) > 0) return looked;

  const auto n_replicates = finished.size();
  const auto n_finished = static_cast<std::size_t>(std::ranges::count(finished, true));
  const int n_threads = options.n_threads > 0 ? options.n_threads : available_threads();
  Control control;
  control.n_threads = n_threads;
  if (options.action == Action::dry_run) {
    const Missing is_missing{missing.size(), ranks.sum(missing.size())};
    return ranks.together([&] {
      if (ranks.first()) print_estimate(model, layout, folder, is_missing, options.share, control, output);
      return ExitCode::done;
    });
  }

  const About about{fs::absolute(scenario_file(options.scenario)).lexically_normal(), model->scenario.overrides,
                    share.n_tasks, static_cast<int>(n_replicates)};
  const ExitCode cleared = ranks.together([&] {
    if (options.existing != Existing::overwrite) return ExitCode::done;
    std::vector<fs::path> old = part_files(folder, digest);
    if (options.share) {
      const std::string own = fmt::format("{}-{}.bin", digest, share.task);
      std::erase_if(old, [&](const fs::path& file) { return file.filename() != own; });
    }
    if (ranks.first()) remove_parts(old);
    return ExitCode::done;
  });
  if (cleared != ExitCode::done) return cleared;
  print_placement(ranks, n_threads, output);
  if (n_finished > 0)
    say(output, fmt::format("{} of {} replicates were finished before", grouped(n_finished), grouped(n_replicates)));

  std::stop_source stop;  // asked of this rank or of another
  const std::stop_callback forward(interruption->token(), [&stop] { stop.request_stop(); });
  control.stop = stop.get_token();
  const auto began_simulating = Clock::now();
  std::size_t n_simulated = 0;
  Ensemble held{n_replicates, layout.size, {}, nullptr};
  const bool holds = missing.size() == n_replicates && are_held(n_replicates, layout.size);
  if (holds) held.values.reserve(n_replicates * layout.size);
  const ExitCode simulated = ranks.together([&] {
    ranks.passing_on_stops(stop, [&] {
      if (missing.empty()) return;
      PartFile part(folder, digest, share.task, layout.size, text_of(about));
      ProgressLine progress(progress_style, output.verbosity);
      control.progress = [&](const Progress& now) { progress.show(now); };
      n_simulated = run_tasks(
          missing.size(), [&](std::size_t i) { return simulate_replicate(model, layout, missing[i]); },
          [&](std::size_t i, std::vector<double>&& summary) {
            part.append(missing[i], summary);
            if (holds) held.values.insert(held.values.end(), summary.begin(), summary.end());
          },
          control);
      // What this process does not turn into results at once is to outlast the machine.
      if (missing.size() < n_replicates || n_simulated < missing.size()) part.flush();
      control.progress = nullptr;
    });
    return n_simulated < missing.size() ? ExitCode::interrupted : ExitCode::done;
  });
  const double seconds_simulating = seconds_since(began_simulating);
  if (simulated != ExitCode::done) {
    if (simulated == ExitCode::interrupted) {
      const std::size_t n_kept = n_finished + ranks.sum(n_simulated);
      if (ranks.first()) {
        tell("interrupted: {} of {} replicates are kept in {}. Go on with\n  {}\n", grouped(n_kept),
             grouped(n_replicates), folder.string(), resuming(options.command));
      }
    }
    return simulated;
  }
  if (options.share) {
    say(output, fmt::format("task {} of {}: its replicates are in {}. When all tasks are done:\n  {} merge {} -o {}",
                            share.task, share.n_tasks, folder.string(), quoted(options.command.front()),
                            quoted(folder.string()), quoted(folder.string())));
    return ExitCode::done;
  }
  return ranks.together([&] {
    if (!ranks.first()) return ExitCode::done;
    const Ensemble ensemble = holds ? std::move(held) : read_parts(folder, digest, layout.size, n_replicates);
    finish({model, layout, &ensemble, folder, began, seconds_simulating, n_threads, options.command, found,
            options.progress},
           control, output);
    return ExitCode::done;
  });
}

}  // namespace uptake::cli
