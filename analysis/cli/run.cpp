#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "progress.hpp"
#include "text_file.hpp"
#include "uptake/crate.hpp"
#include "uptake/ensemble.hpp"
#include "uptake/model.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/report.hpp"
#include "uptake/results.hpp"
#include "uptake/scenario.hpp"
#include "uptake/version.hpp"
#include "uptake/world.hpp"

namespace uptake::cli {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// What of a run stays for showing it again: the table as printed, and the JSON.
constexpr const char* kTableFile = "summary.txt";
constexpr const char* kJsonFile = "summary.json";
/// Written last: a folder that has it holds a complete result.
constexpr const char* kRunFile = "run.json";
/// Width of the table in a file or a pipe.
constexpr int kWidthOfFiles = 100;

int terminal_width() {
  winsize size{};
  if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kWidthOfFiles;
}

/// Removes the finished replicates of a run. @throws FileError while another process adds to them
void remove_parts(const fs::path& folder, const std::string& digest) {
  const fs::path parts = folder / ".parts";
  if (!fs::exists(parts)) return;
  for (const auto& entry : fs::directory_iterator(parts)) {
    if (!entry.path().filename().string().starts_with(digest + "-")) continue;
    const int descriptor = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    const bool taken = descriptor >= 0 && ::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (descriptor >= 0) ::close(descriptor);
    if (taken) {
      throw FileError({entry.path().string(), "another process is running this scenario into this folder",
                       "wait for it to end, or choose another folder with -o"});
    }
    fs::remove(entry.path());
  }
  if (fs::is_empty(parts)) fs::remove(parts);
}

enum class Found : std::uint8_t { nothing, same_result, other_result };

/// What a folder holds, as seen from a run of this scenario. Its digest leaves out the number of replicates.
Found look_in(const fs::path& folder, const Scenario& scenario) {
  if (!fs::exists(folder / kRunFile)) return Found::nothing;
  const auto facts = nlohmann::json::parse(read_text(folder / kRunFile), nullptr, false);
  const bool same = facts.is_object() && facts.value("digest", nlohmann::json()) == scenario.digest &&
                    facts.value("replicates", nlohmann::json()) == scenario.replicates &&
                    fs::exists(folder / "results.h5") && fs::exists(folder / kTableFile) &&
                    fs::exists(folder / kJsonFile);
  return same ? Found::same_result : Found::other_result;
}

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

}  // namespace

ExitCode run(const RunOptions& options, const Output& output) {
  const auto began = Clock::now();
  const auto say = [&](const std::string& text) {
    static_cast<void>(std::fflush(stdout));  // keeps the order where both go to one place
    if (output.verbosity == Verbosity::normal) fmt::print(stderr, "{}\n", text);
  };

  Scenario scenario = scenario_of(options.scenario, options.overrides);
  const std::string digest = scenario.digest;
  const fs::path folder = options.folder.value_or(fs::path("results") / scenario.name);
  const bool json = output.format == Format::json;

  // Nothing is simulated before it is clear that its result may be written.
  const Found found = look_in(folder, scenario);
  if (found == Found::same_result && options.existing != Existing::overwrite) {
    if (options.existing == Existing::resume) remove_parts(folder, digest);  // killed just before it did so itself
    fmt::print("{}", read_text(folder / (json ? kJsonFile : kTableFile)));
    say(fmt::format("already done; --overwrite repeats it ({})", folder.string()));
    return ExitCode::done;
  }
  const auto in_the_way = [&] {
    return InputError({{folder.string(), "holds another result (of another scenario, seed, replicates or version)",
                        "choose another folder with -o, or replace it with --overwrite"}});
  };
  if (found == Found::other_result && options.existing == Existing::refuse) throw in_the_way();

  auto population = std::make_shared<const Population>(build_population(scenario, data_folder()));
  const std::shared_ptr<const Model> model = make_model(std::move(scenario), std::move(population));
  const SummaryLayout layout = make_layout(*model);
  const auto n_replicates = static_cast<std::size_t>(model->scenario.replicates);

  std::vector<bool> finished(n_replicates, false);
  if (options.existing != Existing::overwrite)
    finished = finished_replicates(folder, digest, layout.size, n_replicates);
  std::vector<std::uint64_t> missing;
  for (std::uint64_t r = 0; r < n_replicates; ++r) {
    if (!finished[r]) missing.push_back(r);
  }
  const std::size_t n_finished = n_replicates - missing.size();
  if (n_finished > 0 && options.existing == Existing::refuse) {
    throw InputError(
        {{folder.string(),
          fmt::format("holds an unfinished run of this scenario, {} of {} replicates", n_finished, n_replicates),
          "--resume goes on with it, --overwrite starts again"}});
  }

  // Replicates beside another result are of a run with --overwrite that was interrupted.
  if (found == Found::other_result && options.existing == Existing::resume && n_finished == 0) throw in_the_way();

  Control control;
  control.n_threads = options.n_threads;
  const int n_threads = options.n_threads > 0 ? options.n_threads : available_threads();
  if (options.action == Action::dry_run) {
    control.n_threads = n_threads;
    print_estimate(model, layout, folder, missing.size(), control, output);
    return ExitCode::done;
  }

  if (options.existing == Existing::overwrite) remove_parts(folder, digest);
  if (n_finished > 0) say(fmt::format("{} of {} replicates were finished before", n_finished, n_replicates));

  const Interruption interruption;
  control.stop = interruption.token();
  const auto began_simulating = Clock::now();
  std::size_t n_simulated = 0;
  {
    PartFile part(folder, digest, 0, layout.size);
    ProgressLine progress(options.progress, output.verbosity);
    control.progress = [&](const Progress& now) { progress.show(now); };
    n_simulated = run_tasks(
        missing.size(), [&](std::size_t i) { return simulate_replicate(model, layout, missing[i]); },
        [&](std::size_t i, std::vector<double>&& summary) { part.append(missing[i], summary); }, control);
    part.flush();
    control.progress = nullptr;
  }
  const double seconds_simulating = seconds_since(began_simulating);
  if (n_simulated < missing.size()) {
    fmt::print(stderr, "interrupted: {} of {} replicates are kept in {}. Go on with\n  {}\n", n_finished + n_simulated,
               n_replicates, folder.string(), resuming(options.command));
    return ExitCode::interrupted;
  }

  // From here on a signal waits for the writing, which is short; killed, the part files are still whole.
  const Ensemble ensemble = read_parts(folder, digest, layout.size, n_replicates);
  control.stop = {};
  RunRecord record{model, layout, &ensemble};
  record.report = report_statistics(record, control);
  fs::remove(folder / kRunFile);
  write_results(record, folder, control);
  write_summary_csv(record, folder);
  const std::string summary = summary_json(record) + "\n";
  write_text(folder / kJsonFile, summary);
  const std::string table = headline_table(record, kWidthOfFiles);
  write_text(folder / kTableFile, table);
  const RunFacts facts{seconds_since(began), seconds_simulating, n_threads, options.command};
  write_report(folder, data_folder() / "england");
  const std::string how = run_json(record, facts);
  write_crate(crate_of_run(folder), folder, how);
  write_text(folder / kRunFile, how);
  remove_parts(folder, digest);

  const int width = terminal_width();
  fmt::print("{}", json ? summary : width == kWidthOfFiles ? table : headline_table(record, width));
  say(
      fmt::format("{} replicates in {:.1f} s; report.html, results.h5, summary.csv, summary.json, summary.txt, "
                  "run.json and {} in {}",
                  n_replicates, facts.seconds_total, kCrateFile, folder.string()));
  return ExitCode::done;
}

}  // namespace uptake::cli
