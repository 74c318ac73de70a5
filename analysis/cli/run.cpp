#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "progress.hpp"
#include "ranks.hpp"
#include "run_folder.hpp"
#include "uptake/command.hpp"
#include "uptake/ensemble.hpp"
#include "uptake/model.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/placement.hpp"
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

double peak_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return 1024.0 * static_cast<double>(usage.ru_maxrss);
}

/// Says what a run would take, from a few replicates that are simulated and written to memory.
void print_estimate(const std::shared_ptr<const Model>& model, const SummaryLayout& layout, const fs::path& folder,
                    std::size_t n_missing, const Control& control, const Output& output) {
  const auto n_replicates = static_cast<std::size_t>(model->scenario.replicates);
  const int n_threads = control.n_threads;
  Ensemble few{0, layout.size, {}, nullptr};
  const auto begin = Clock::now();
  double first = 0;  // the first replicate meets cold memory
  while (few.n_replicates < std::min(kTried, n_replicates) && seconds_since(begin) < kSecondsOfTrial) {
    const std::vector<double> summary = simulate_replicate(model, layout, few.n_replicates);
    few.values.insert(few.values.end(), summary.begin(), summary.end());
    if (++few.n_replicates == 1) first = seconds_since(begin);
  }
  const double seconds_per_replicate =
      few.n_replicates == 1 ? first : (seconds_since(begin) - first) / static_cast<double>(few.n_replicates - 1);
  const WritingCost writing = estimate_writing({model, layout, &few}, n_replicates, control);
  const double seconds = seconds_per_replicate * static_cast<double>(n_missing) / n_threads;
  const std::size_t part_bytes = n_replicates * layout.size * sizeof(double);
  const double result_bytes = writing.results_bytes + writing.tables_bytes;
  const double memory = peak_memory() + writing.slab_bytes;
  if (output.format == Format::json) {
    const nlohmann::ordered_json json{
        {"schema", kJsonSchema},
        {"scenario", model->scenario.name},
        {"digest", model->scenario.digest},
        {"folder", folder.string()},
        {"replicates", n_replicates},
        {"replicates_to_simulate", n_missing},
        {"strategies", model->n_strategies()},
        {"organisations", model->population->n_organisations()},
        {"threads", n_threads},
        {"seconds_per_replicate", seconds_per_replicate},
        {"seconds_simulating", seconds},
        {"seconds_writing", writing.seconds},
        {"memory_bytes", std::llround(memory)},
        {"part_file_bytes", part_bytes},
        {"result_bytes", std::llround(result_bytes)},
    };
    fmt::print("{}\n", json.dump(2));
    return;
  }
  fmt::print(
      "{}: would simulate {} of {} replicates of {} strategies and {} organisations on {} threads\n"
      "time: about {} ({:.1f} ms a replicate), then about {} of writing\n"
      "memory: about {:.0f} MB\n"
      "disk: {:.1f} MB of part files while it runs, and about {:.1f} MB of results\n"
      "into: {}\n",
      model->scenario.name, n_missing, n_replicates, model->n_strategies(), model->population->n_organisations(),
      n_threads, duration_text(seconds), 1000 * seconds_per_replicate, duration_text(writing.seconds), memory / 1e6,
      static_cast<double>(part_bytes) / 1e6, result_bytes / 1e6, folder.string());
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

/// Says on the first rank where all ranks are, when there are several or Slurm chose the place.
void print_placement(const Ranks& ranks, int n_threads, const Output& output) {
  if (ranks.size() == 1 && std::getenv("SLURM_JOB_ID") == nullptr) return;
  const Placement here = placement_of_this_process(n_threads);
  const nlohmann::json mine{
      {"host", here.host}, {"threads", here.n_threads}, {"cores", here.cores}, {"numa", here.numa_nodes}};
  std::vector<Placement> all;
  for (const std::string& text : ranks.gather(mine.dump())) {
    const auto json = nlohmann::json::parse(text);
    all.push_back({json["host"], json["threads"], json["cores"], json["numa"]});
  }
  if (!ranks.first()) return;
  for (const std::string& line : placement_table(all)) say(output, line);
  for (const std::string& warning : placement_warnings(all)) say(output, "warning: " + warning);
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
  bool over = false;  // nothing to simulate
  const ExitCode looked = ranks.together([&] {
    Scenario scenario = scenario_of(options.scenario, options.overrides);
    digest = scenario.digest;
    folder = options.folder.value_or(fs::path("results") / scenario.name);
    // Nothing is simulated before it is clear that its result may be written.
    const Found found = look_in(folder, scenario);
    if (found == Found::same_result && options.existing != Existing::overwrite) {
      over = true;
      if (options.share) {
        say(output, fmt::format("already done and merged ({})", folder.string()));
      } else if (ranks.first()) {
        // Killed just before it did so itself.
        if (options.existing == Existing::resume) remove_parts(part_files(folder, digest));
        show_again(folder, output);
      }
      return ExitCode::done;
    }
    if (found == Found::other_result && options.existing == Existing::refuse) throw in_the_way(folder);
    if (found == Found::other_result) keep_own_words(folder);

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
      throw InputError(
          {{folder.string(),
            fmt::format("holds an unfinished run of this scenario, {} of {} replicates", n_finished, n_replicates),
            "--resume goes on with it, --overwrite starts again"}});
    }
    // Replicates beside another result are of a run with --overwrite that was interrupted.
    if (found == Found::other_result && options.existing == Existing::resume && n_finished == 0)
      throw in_the_way(folder);
    // A task shares the folder with others that are under way; who writes the result must be alone.
    if (!options.share && options.action == Action::simulate) refuse_while_written(part_files(folder, digest));
    return ExitCode::done;
  });
  if (looked != ExitCode::done || over) return looked;

  const auto n_replicates = finished.size();
  const auto n_finished = static_cast<std::size_t>(std::ranges::count(finished, true));
  const int n_threads = options.n_threads > 0 ? options.n_threads : available_threads();
  Control control;
  control.n_threads = n_threads;
  if (options.action == Action::dry_run) {
    return ranks.together([&] {
      if (ranks.first()) print_estimate(model, layout, folder, missing.size(), control, output);
      return ExitCode::done;
    });
  }

  const About about{fs::absolute(scenario_file(options.scenario)).lexically_normal(), options.overrides, share.n_tasks,
                    static_cast<int>(n_replicates)};
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
  if (n_finished > 0) say(output, fmt::format("{} of {} replicates were finished before", n_finished, n_replicates));

  std::stop_source stop;  // asked of this rank or of another
  const std::stop_callback forward(interruption->token(), [&stop] { stop.request_stop(); });
  control.stop = stop.get_token();
  const auto began_simulating = Clock::now();
  std::size_t n_simulated = 0;
  const ExitCode simulated = ranks.together([&] {
    ranks.passing_on_stops(stop, [&] {
      if (missing.empty()) return;
      PartFile part(folder, digest, share.task, layout.size, text_of(about));
      ProgressLine progress(progress_style, output.verbosity);
      control.progress = [&](const Progress& now) { progress.show(now); };
      n_simulated = run_tasks(
          missing.size(), [&](std::size_t i) { return simulate_replicate(model, layout, missing[i]); },
          [&](std::size_t i, std::vector<double>&& summary) { part.append(missing[i], summary); }, control);
      part.flush();
      control.progress = nullptr;
    });
    return n_simulated < missing.size() ? ExitCode::interrupted : ExitCode::done;
  });
  const double seconds_simulating = seconds_since(began_simulating);
  if (simulated != ExitCode::done) {
    if (simulated == ExitCode::interrupted) {
      const std::size_t n_kept = n_finished + ranks.sum(n_simulated);
      if (ranks.first()) {
        fmt::print(stderr, "interrupted: {} of {} replicates are kept in {}. Go on with\n  {}\n", n_kept, n_replicates,
                   folder.string(), resuming(options.command));
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
    const Ensemble ensemble = read_parts(folder, digest, layout.size, n_replicates);
    finish({model, layout, &ensemble, folder, began, seconds_simulating, n_threads, options.command,
            part_files(folder, digest)},
           control, output);
    return ExitCode::done;
  });
}

}  // namespace uptake::cli
