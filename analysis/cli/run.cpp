// `run`: a scenario is simulated into a folder. All ranks look, all simulate their share, the first writes the result.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "commands.hpp"
#include "estimate.hpp"
#include "files/command.hpp"
#include "progress.hpp"
#include "ranks.hpp"
#include "run_folder.hpp"
#include "uptake/ensemble.hpp"
#include "uptake/grouped.hpp"
#include "uptake/model.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/results.hpp"
#include "uptake/scenario.hpp"
#include "uptake/world.hpp"

namespace uptake::cli {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// This process in a run that several may share.
struct Process {
  const RunOptions& options;
  const Ranks& ranks;
  Share share;
  Output output;
  ProgressStyle progress;
};

/// The first rank speaks for all.
Process process_of(const RunOptions& options, const Ranks& ranks, const Output& output) {
  Process process{options, ranks, options.share.value_or(Share{ranks.rank(), ranks.size()}), output, options.progress};
  if (!ranks.first()) {
    process.output.verbosity = Verbosity::quiet;
    process.progress = ProgressStyle::off;
  }
  return process;
}

/// What is to be done, and what of it is done.
struct Work {
  std::shared_ptr<const Model> model;
  SummaryLayout layout;
  fs::path folder;
  Found found = Found::nothing;        ///< in the folder, before anything was simulated
  std::vector<bool> finished;          ///< by replicate, whoever simulated it
  std::vector<std::uint64_t> missing;  ///< replicates of this process that are not finished

  [[nodiscard]] const std::string& digest() const { return model->scenario.digest; }
  [[nodiscard]] std::size_t n_replicates() const { return finished.size(); }
  [[nodiscard]] std::size_t n_finished() const { return static_cast<std::size_t>(std::ranges::count(finished, true)); }
};

/// Replicates r with r mod n_tasks == task that are not finished.
std::vector<std::uint64_t> missing_of(const std::vector<bool>& finished, const Share& share) {
  std::vector<std::uint64_t> missing;
  const auto step = static_cast<std::size_t>(share.n_tasks);
  for (auto r = static_cast<std::size_t>(share.task); r < finished.size(); r += step) {
    if (!finished[r]) missing.push_back(r);
  }
  return missing;
}

/// Says that there is nothing to do, and shows the result that is there.
void show_done(const Process& process, const fs::path& folder, const Scenario& scenario) {
  if (process.options.share) {
    say(process.output, fmt::format("already done and merged ({})", folder.string()));
  } else if (process.ranks.first()) {
    // Killed just before it did so itself.
    if (process.options.existing == Existing::resume) remove_parts(used_up(folder, scenario));
    show_again(folder, "--overwrite repeats it", process.output);
  }
}

/// The model, and the replicates of it that are in the folder.
Work work_in(const fs::path& folder, Scenario scenario, const Process& process) {
  Work work;
  work.folder = folder;
  auto population = std::make_shared<const Population>(build_population(scenario, data_folder()));
  work.model = make_model(std::move(scenario), std::move(population));
  work.layout = make_layout(*work.model);
  if (process.output.verbosity == Verbosity::normal) print_warnings(work.model->warnings);
  const auto n_replicates = static_cast<std::size_t>(work.model->scenario.replicates);
  work.finished.assign(n_replicates, false);
  if (process.options.existing != Existing::overwrite)
    work.finished = finished_replicates(folder, work.digest(), work.layout.size, n_replicates);
  work.missing = missing_of(work.finished, process.share);
  return work;
}

/// @throws InputError, FileError where replicates in the folder are somebody's whom this process must not disturb
void refuse_started_by_others(const Process& process, const Work& work) {
  const Existing existing = process.options.existing;
  const std::size_t n_mine = missing_of(std::vector<bool>(work.n_replicates(), false), process.share).size();
  if (work.missing.size() < n_mine && existing == Existing::refuse) {
    throw InputError({{work.folder.string(),
                       fmt::format("holds an unfinished run of this scenario, {} of {} replicates",
                                   grouped(work.n_finished()), grouped(work.n_replicates())),
                       "--resume goes on with it, --overwrite starts again"}});
  }
  // Replicates beside another result are of a run with --overwrite that was interrupted.
  if (work.found == Found::other_result && existing == Existing::resume && work.n_finished() == 0)
    throw in_the_way(work.folder);
  // A task shares the folder with others that are under way; who writes the result must be alone.
  if (!process.options.share && process.options.action == Action::simulate)
    refuse_while_written(part_files(work.folder, work.digest()));
}

/// Looks at scenario and folder, and changes neither. @return nothing where the result is there, which is then shown
/// @throws InputError where another result is in the way
std::optional<Work> look(const Process& process) {
  const RunOptions& options = process.options;
  Scenario scenario = scenario_of(options.scenario, options.overrides);
  const fs::path folder = options.folder.value_or(fs::path("results") / scenario.name);
  // Nothing is simulated before it is clear that its result may be written.
  const Found found = look_in(folder, scenario);
  if (options.action != Action::dry_run) {
    if (found == Found::same_result && options.existing != Existing::overwrite) {
      show_done(process, folder, scenario);
      return std::nullopt;
    }
    if (found == Found::other_result && options.existing == Existing::refuse) throw in_the_way(folder);
    if (found == Found::other_result) keep_own_words(folder);
  }
  Work work = work_in(folder, std::move(scenario), process);
  work.found = found;
  refuse_started_by_others(process, work);
  return work;
}

/// With --overwrite: the part files that this run makes again, of a task its own alone.
void remove_replaced(const Process& process, const Work& work) {
  if (process.options.existing != Existing::overwrite) return;
  std::vector<fs::path> old = part_files(work.folder, work.digest());
  if (process.options.share) {
    const std::string own = fmt::format("{}-{}.bin", work.digest(), process.share.task);
    std::erase_if(old, [&](const fs::path& file) { return file.filename() != own; });
  }
  if (process.ranks.first()) remove_parts(old);
}

/// What this process simulated of what was missing.
struct Simulated {
  std::size_t n = 0;             ///< replicates, from the first on
  std::optional<Ensemble> held;  ///< all of the run, where they are this process's and memory takes them
};

/// Simulates what is missing of this process's share into its part file, until it is asked to stop.
Simulated simulate(const Process& process, const Work& work, Control control) {
  const std::vector<std::uint64_t>& missing = work.missing;
  const bool has_all = missing.size() == work.n_replicates();
  Simulated simulated;
  if (missing.empty()) return simulated;
  if (has_all && are_held(work.n_replicates(), work.layout.size)) {
    simulated.held = Ensemble{work.n_replicates(), work.layout.size, {}, nullptr};
    simulated.held->values.reserve(work.n_replicates() * work.layout.size);
  }
  const About about{fs::absolute(scenario_file(process.options.scenario)).lexically_normal(),
                    work.model->scenario.overrides, process.share.n_tasks, static_cast<int>(work.n_replicates())};
  PartFile part(work.folder, work.digest(), process.share.task, work.layout.size, text_of(about));
  ProgressLine progress(process.progress, process.output.verbosity);
  control.progress = [&](const Progress& now) { progress.show(now); };
  simulated.n = run_tasks(
      missing.size(), [&](std::size_t i) { return simulate_replicate(work.model, work.layout, missing[i]); },
      [&](std::size_t i, std::vector<double>&& summary) {
        part.append(missing[i], summary);
        if (simulated.held) simulated.held->values.insert(simulated.held->values.end(), summary.begin(), summary.end());
      },
      control);
  // What this process does not turn into results at once is to outlast the machine.
  if (!has_all || simulated.n < missing.size()) part.flush();
  return simulated;
}

/// How to go on with what an interruption left. Every rank calls it.
void say_interrupted(const Process& process, const Work& work, std::size_t n_simulated) {
  const std::size_t n_kept = work.n_finished() + process.ranks.sum(n_simulated);
  if (!process.ranks.first()) return;
  tell("interrupted: {} of {} replicates are kept in {}. Go on with\n  {}\n", grouped(n_kept),
       grouped(work.n_replicates()), work.folder.string(), resuming(process.options.command));
}

/// What is to be done once all tasks of an array have come as far.
void say_how_to_merge(const Process& process, const Work& work) {
  const std::string folder = work.folder.string();
  say(process.output,
      fmt::format("task {} of {}: its replicates are in {}. When all tasks are done:\n  {} merge {} -o {}",
                  process.share.task, process.share.n_tasks, folder, quoted(process.options.command.front()),
                  quoted(folder), quoted(folder)));
}

}  // namespace

ExitCode run(const RunOptions& options, const Output& asked_output) {
  const auto began = Clock::now();
  std::optional<Interruption> interruption;
  if (options.action == Action::simulate) interruption.emplace();
  const Ranks ranks(options.share ? Ranks::Launch::alone : Ranks::Launch::together);
  const Process process = process_of(options, ranks, asked_output);

  // Every rank looks before any of them writes, so that all see the same.
  std::optional<Work> looked_at;
  const ExitCode looked = ranks.together([&] {
    looked_at = look(process);
    return ExitCode::done;
  });
  // What one rank found done, none goes on with: they may see the folder at different times.
  if (looked != ExitCode::done || ranks.sum(looked_at ? 0 : 1) > 0) return looked;
  const Work& work = *looked_at;

  Control control;
  control.n_threads = options.n_threads > 0 ? options.n_threads : available_threads();
  if (options.action == Action::dry_run) {
    const RunAhead ahead{work.model,   work.layout, work.folder, work.missing.size(), ranks.sum(work.missing.size()),
                         options.share};
    return ranks.together([&] {
      if (ranks.first()) print_estimate(ahead, control, process.output);
      return ExitCode::done;
    });
  }

  const ExitCode cleared = ranks.together([&] {
    remove_replaced(process, work);
    return ExitCode::done;
  });
  if (cleared != ExitCode::done) return cleared;
  print_placement(ranks, control.n_threads, process.output);
  if (work.n_finished() > 0)
    say(process.output, fmt::format("{} of {} replicates were finished before", grouped(work.n_finished()),
                                    grouped(work.n_replicates())));

  std::stop_source stop;  // asked of this rank or of another
  const std::stop_callback forward(interruption->token(), [&stop] { stop.request_stop(); });
  control.stop = stop.get_token();
  const auto began_simulating = Clock::now();
  Simulated simulated;
  const ExitCode end = ranks.together([&] {
    ranks.passing_on_stops(stop, [&] { simulated = simulate(process, work, control); });
    return simulated.n < work.missing.size() ? ExitCode::interrupted : ExitCode::done;
  });
  const double seconds_simulating = seconds_since(began_simulating);
  if (end == ExitCode::interrupted) say_interrupted(process, work, simulated.n);
  if (end != ExitCode::done) return end;
  if (options.share) {
    say_how_to_merge(process, work);
    return ExitCode::done;
  }
  return ranks.together([&] {
    if (!ranks.first()) return ExitCode::done;
    const Ensemble ensemble = simulated.held
                                  ? std::move(*simulated.held)
                                  : read_parts(work.folder, work.digest(), work.layout.size, work.n_replicates());
    finish({work.model, work.layout, &ensemble, work.folder, began, seconds_simulating, control.n_threads,
            options.command, work.found, process.progress},
           control, process.output);
    return ExitCode::done;
  });
}

}  // namespace uptake::cli
