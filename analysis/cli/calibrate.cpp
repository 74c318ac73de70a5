// `calibrate`: programmes of a record are fitted one after another, by all ranks together; the first rank then pools what was
// found and writes the result.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "all_at_once.hpp"
#include "calibration/fit_report.hpp"
#include "calibration/historic.hpp"
#include "calibration/posterior_file.hpp"
#include "calibration/reference_class.hpp"
#include "commands.hpp"
#include "files/command.hpp"
#include "files/file.hpp"
#include "files/json_text.hpp"
#include "progress.hpp"
#include "ranks.hpp"
#include "report/crate.hpp"
#include "results/numbers.hpp"
#include "run_folder.hpp"
#include "text_file.hpp"
#include "uptake/grouped.hpp"
#include "uptake/record.hpp"
#include "uptake/version.hpp"

namespace uptake::cli {

namespace fs = std::filesystem;

namespace {
constexpr const char* kPosteriorFile = "posterior.h5";
constexpr const char* kTextFile = "calibration.txt";
constexpr const char* kJsonFile = "calibration.json";
constexpr const char* kCheckpoints = ".checkpoints";
constexpr const char* kLockFile = ".calibrating";

/// What is asked for, once it is read.
struct Task {
  HistoricRecord record;
  std::vector<std::size_t> programmes;  ///< of the record, that are to be fitted
  std::optional<Date> cutoff;           ///< last day of observations that are fitted to
  fs::path folder;                      ///< of the result
  std::string digest;                   ///< of the result
  std::shared_ptr<const Population> population;
  [[nodiscard]] fs::path checkpoints() const { return folder / kCheckpoints; }
};

/// Programmes of the record by name. @throws InputError for names that it does not have
std::vector<std::size_t> chosen(const HistoricRecord& record, const std::vector<std::string>& names) {
  std::vector<std::size_t> result;
  std::vector<std::string_view> known;
  for (const HistoricProgramme& programme : record.programmes) known.push_back(programme.spec.name);
  std::vector<Problem> problems;
  for (const std::string& name : names) {
    const auto at = std::ranges::find(known, std::string_view(name));
    if (at == known.end()) {
      const std::string nearest = nearest_name(name, known);
      problems.push_back({"--programme " + name, fmt::format("is not in the record {}", record.name),
                          nearest.empty() ? "" : fmt::format("did you mean \"{}\"?", nearest)});
    } else if (const auto j = static_cast<std::size_t>(at - known.begin());
               std::ranges::find(result, j) != result.end()) {
      problems.push_back({"--programme " + name, "is named twice", "name it once"});
    } else {
      result.push_back(j);
    }
  }
  if (!problems.empty()) throw InputError(std::move(problems));
  if (result.empty()) {
    for (std::size_t j = 0; j < known.size(); ++j) result.push_back(j);
  }
  return result;
}

/// Everything that decides the result beside the record.
std::string digest_of(const HistoricRecord& record, const CalibrateOptions& o, std::span<const std::size_t> chosen) {
  std::string text = fmt::format("{} {}{} {} {} {} {} {} {}", version(), kernel_text(), record.digest, record.seed,
                                 o.method, o.cutoff.value_or("-"), o.budget, o.n_particles, o.n_draws);
  for (const std::size_t j : chosen) text += " " + record.programmes[j].spec.name;
  return fmt::format("{:016x}", identity_of(text));
}

/// What makes the result again: the options that decide it, where they are not the usual ones.
std::string command_of(const CalibrateOptions& options) {
  const CalibrateOptions usual;
  std::vector<std::string> words{"uptake", "calibrate", options.record.filename().string()};
  const auto add = [&](const char* option, std::string value) {
    words.insert(words.end(), {option, std::move(value)});
  };
  for (const std::string& name : options.programmes) add("--programme", name);
  if (options.method != usual.method) add("--method", options.method);
  if (options.cutoff) add("--cutoff", *options.cutoff);
  if (options.budget != usual.budget) add("--budget", fmt::format("{}", options.budget));
  if (options.n_particles != usual.n_particles) add("--particles", fmt::format("{}", options.n_particles));
  if (options.n_draws != usual.n_draws) add("--draws", fmt::format("{}", options.n_draws));
  const fs::path folder = fs::absolute(record_file(options.record)).lexically_normal().parent_path();
  for (const std::string& one : options.overrides) add("--set", from_folder(one, folder));
  return command_text(words);
}

/// @throws InputError, FileError with all that is wrong with the options and the record
Task read_task(const CalibrateOptions& options) {
  AllAtOnce all;
  Task task;
  auto record = all([&] { return load_record(record_file(options.record), options.overrides, data_folder()); });
  if (record) task.programmes = all([&] { return chosen(*record, options.programmes); }).value_or(task.programmes);
  if (options.cutoff) task.cutoff = all([&] { return date_of("--cutoff", *options.cutoff); });
  all.throw_if_any();
  task.record = std::move(*record);
  task.folder = options.folder.value_or(fs::path("results") / task.record.name);
  task.digest = digest_of(task.record, options, task.programmes);
  return task;
}

/// What result a folder holds; a back-test is in nobody's way.
std::optional<Result> kind_there(const fs::path& folder) {
  if (!fs::exists(folder / kRunFile)) return std::nullopt;
  const Result kind = kind_of(nlohmann::json::parse(read_text(folder / kRunFile), nullptr, false));
  return kind == Result::backtest ? std::nullopt : std::optional(kind);
}

bool holds(const fs::path& folder, const std::string& digest) {
  const auto facts = nlohmann::json::parse(read_text(folder / kRunFile), nullptr, false);
  return facts.is_object() && facts.value("digest", nlohmann::json()) == digest &&
         fs::exists(folder / kPosteriorFile) && fs::exists(folder / kTextFile) && fs::exists(folder / kJsonFile);
}

/// Whether the result is in the folder already. @throws InputError where it holds something that must not be replaced
bool is_done(const Task& task, Existing existing) {
  const std::optional<Result> there = kind_there(task.folder);
  if (there == Result::run) throw in_the_way_of_another_kind(task.folder, Result::run);
  if (there && existing != Existing::overwrite) {
    if (holds(task.folder, task.digest)) return true;
    throw InputError({{task.folder.string(), "holds another result",
                       "choose another folder with -o, or replace it with --overwrite"}});
  }
  if (existing != Existing::refuse) return false;
  for (const char* name : {kPosteriorFile, kTextFile, kJsonFile}) {
    if (!fs::exists(task.folder / name)) continue;
    throw InputError({{(task.folder / name).string(), "is there already",
                       "choose another folder with -o, or replace it with --overwrite"}});
  }
  if (fs::exists(task.checkpoints())) {
    throw InputError({{task.folder.string(), "holds an unfinished calibration",
                       "--resume goes on with it, --overwrite starts again"}});
  }
  return false;
}

/// Prints the result that is in the folder again.
void show_done(const fs::path& folder, const Output& output) {
  fmt::print("{}", read_text(folder / (output.format == Format::json ? kJsonFile : kTextFile)));
  say(output, fmt::format("already done; --overwrite repeats it ({})", folder.string()));
}

void remove_checkpoints(const fs::path& checkpoints) {
  if (!fs::exists(checkpoints)) return;
  for (const auto& entry : fs::directory_iterator(checkpoints))
    if (entry.path().extension() == ".bin") fs::remove(entry.path());
}

FitOptions fit_options_of(const CalibrateOptions& options, const Task& task) {
  FitOptions fit;
  fit.method = static_cast<Method>(std::ranges::find(kMethodNames, options.method) - kMethodNames.begin());
  fit.cutoff = task.cutoff;
  fit.n_draws = options.n_draws;
  fit.abc.seed = task.record.seed;
  fit.abc.budget = options.budget;
  fit.abc.n_particles = options.n_particles;
  return fit;
}

/// What was fitted, in the order of the task.
struct Fits {
  Completion completion = Completion::complete;
  std::vector<ProgrammeFit> all;
  std::vector<std::size_t> programmes;  ///< of the record, that they are of
  std::size_t n_simulations = 0;
};

/// Fits one programme after another, until a stop is asked for; each is shared by all threads and ranks.
/// @throws InputError when there is nothing to fit to in any of them
Fits fit_all(const Task& task, FitOptions options, const Control& control, ProgressStyle progress,
             const Output& output) {
  Fits fits;
  for (const std::size_t j : task.programmes) {
    const HistoricProgramme& programme = task.record.programmes[j];
    const HistoricModel model(programme, task.record, task.population, last_day_of(programme));
    if (model.fitted(task.cutoff).empty()) {
      say(output,
          fmt::format("{}: nothing to fit to{}", programme.spec.name, task.cutoff ? " by " + iso(*task.cutoff) : ""));
      continue;
    }
    options.abc.checkpoint = task.checkpoints() / (programme.spec.name + ".bin");
    const std::string label =
        fmt::format("{} ({} of {})", programme.spec.name, fits.all.size() + 1, task.programmes.size());
    ProgressLine line(progress, output.verbosity);
    ProgrammeFit fit =
        fit_programme(model, options, control, [&](const CalibrationProgress& now) { line.show(label, now); });
    fits.completion = fit.completion;
    if (fit.completion == Completion::interrupted) return fits;
    fits.n_simulations += fit.n_simulations;
    fits.all.push_back(std::move(fit));
    fits.programmes.push_back(j);
  }
  if (fits.all.empty()) {
    throw InputError(
        {{task.record.file.string(), "has nothing to calibrate to", "ask for another cut-off or programme"}});
  }
  return fits;
}

void say_interrupted(const CalibrateOptions& options, const fs::path& folder) {
  if (options.method == "abc") {
    tell("interrupted: what was finished is kept in {}. Go on with\n  {}\n", folder.string(),
         resuming(options.command));
  } else {
    tell("interrupted: nothing was kept, for --method {} has no checkpoints; start it again\n", options.method);
  }
}

/// The hierarchy over the programmes that were fitted, when there are enough.
void add_pooled(const HistoricRecord& record, std::span<const std::size_t> programmes, std::uint64_t seed,
                const Control& control, PosteriorRecord& posterior) {
  std::vector<PooledProgramme> pooled;
  for (std::size_t i = 0; i < posterior.fits.size(); ++i) {
    const ProgrammeFit& fit = posterior.fits[i];
    PooledProgramme one = pooled_programme(fit.programme, fit.parameters, fit.draws, fit.contraction,
                                           covariates_of(record.programmes[programmes[i]].spec));
    if (one.parameters.empty()) continue;
    posterior.pooled_programmes.push_back(fit.programme);
    pooled.push_back(std::move(one));
  }
  if (pooled.size() < kFewestPooled) return;
  const PoolingOptions options = reference_options(seed);
  posterior.pooled = pool(reference_model(), pooled, options, control);
  posterior.left_out = leave_one_out(reference_model(), pooled, options, control);
}
/// What a posterior file is made of. @param fits outlive it
PosteriorRecord posterior_of(const CalibrateOptions& options, const Task& task, const Fits& fits,
                             const Control& control) {
  PosteriorRecord posterior;
  posterior.record = &task.record;
  posterior.fits = fits.all;
  posterior.seed = task.record.seed;
  posterior.command = command_of(options);
  posterior.cutoff = task.cutoff ? iso(*task.cutoff) : "";
  add_pooled(task.record, fits.programmes, task.record.seed, control, posterior);
  return posterior;
}

enum class Detail : std::uint8_t { brief, whole };
/// The result as people read it.
std::string calibration_text(const PosteriorRecord& posterior, Detail detail) {
  std::string text;
  for (const ProgrammeFit& fit : posterior.fits)
    text += (detail == Detail::whole ? fit_text_with_diagnostics(fit) : fit_text(fit)) + "\n";
  text += fit_legend();
  if (posterior.pooled) text += pooled_text(*posterior.pooled, posterior.left_out ? &*posterior.left_out : nullptr);
  return text;
}

/// How it was computed.
struct Effort {
  std::chrono::steady_clock::time_point began;
  int n_threads = 0, n_ranks = 1;
};

/// Writes every file of the result, run.json last, and prints it.
void finish(const CalibrateOptions& options, const Task& task, const Fits& fits, const PosteriorRecord& posterior,
            const Effort& effort, const Output& output) {
  const fs::path& folder = task.folder;
  fs::remove(folder / kRunFile);
  write_posterior(posterior, folder / kPosteriorFile);
  const std::string json = calibration_json(posterior);
  write_text(folder / kJsonFile, json);
  write_text(folder / kTextFile, calibration_text(posterior, Detail::whole));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - effort.began).count();
  nlohmann::ordered_json facts = facts_of({Result::calibration, task.digest, &task.record, fits.n_simulations, seconds,
                                           effort.n_threads, &options.command});
  facts["method"] = options.method;
  facts["ranks"] = effort.n_ranks;
  for (const ProgrammeFit& fit : fits.all) facts["seconds_by_programme"][fit.programme] = fit.seconds;
  const std::string how = json_text(facts, 2) + "\n";
  write_crate(folder, how);
  write_text(folder / kRunFile, how);
  fs::remove_all(task.checkpoints());

  const Detail detail = task.programmes.size() == 1 ? Detail::whole : Detail::brief;
  fmt::print("{}", output.format == Format::json ? json : calibration_text(posterior, detail));
  say(output, fmt::format("{}, {} simulations in {}; {}, {}, {}, {} and {} in {}", plural(fits.all.size(), "programme"),
                          grouped(fits.n_simulations), duration_text(seconds), kPosteriorFile, kTextFile, kJsonFile,
                          kRunFile, kCrateFile, folder.string()));
}
}  // namespace

ExitCode calibrate(const CalibrateOptions& options, const Output& asked_output) {
  const auto began = std::chrono::steady_clock::now();
  const Interruption interruption;
  const Ranks ranks(Ranks::Launch::together);
  Output output = asked_output;
  if (!ranks.first()) output.verbosity = Verbosity::quiet;
  const ProgressStyle progress = ranks.first() ? options.progress : ProgressStyle::off;

  // Every rank looks before the first one writes, so that all see the same.
  std::optional<Task> looked_at;  // nothing where the result is there
  const ExitCode looked = ranks.together([&] {
    Task read = read_task(options);
    if (output.verbosity == Verbosity::normal) print_warnings(read.record.doubtful);
    if (is_done(read, options.existing)) {
      if (ranks.first()) show_done(read.folder, output);
      return ExitCode::done;
    }
    read.population = std::make_shared<const Population>(population_of(read.record, data_folder()));
    looked_at = std::move(read);
    return ExitCode::done;
  });
  // What one rank found done, none goes on with: they may see the folder at different times.
  if (looked != ExitCode::done || ranks.sum(looked_at ? 0 : 1) > 0) return looked;
  const Task& task = *looked_at;

  std::optional<FolderLock> lock;
  const ExitCode locked = ranks.together([&] {
    if (!ranks.first()) return ExitCode::done;
    lock.emplace(task.folder, task.folder / kLockFile, "calibrating into");
    if (options.existing == Existing::overwrite) remove_checkpoints(task.checkpoints());
    return ExitCode::done;
  });
  if (locked != ExitCode::done) return locked;

  std::stop_source stop;  // asked of this rank or of another
  const std::stop_callback forward(interruption.token(), [&stop] { stop.request_stop(); });
  Control control;
  control.n_threads = options.n_threads > 0 ? options.n_threads : available_threads();
  control.stop = stop.get_token();
  print_placement(ranks, control.n_threads, output);
  Fits fits;
  const ExitCode fitted = ranks.together([&] {
    ranks.sharing(stop, [&](const Team* team) {
      Control shared = control;
      shared.team = team;
      fits = fit_all(task, fit_options_of(options, task), shared, progress, output);
    });
    return fits.completion == Completion::interrupted ? ExitCode::interrupted : ExitCode::done;
  });
  if (fitted == ExitCode::interrupted && ranks.first()) say_interrupted(options, task.folder);
  if (fitted != ExitCode::done) return fitted;

  // What the programmes say together takes little: the first rank alone.
  return ranks.together([&] {
    if (!ranks.first()) return ExitCode::done;
    if (fits.all.size() >= kFewestPooled) say(output, fmt::format("what {} programmes say together", fits.all.size()));
    const PosteriorRecord posterior = posterior_of(options, task, fits, control);
    if (control.stop.stop_requested()) {
      say_interrupted(options, task.folder);
      return ExitCode::interrupted;
    }
    finish(options, task, fits, posterior, {began, control.n_threads, ranks.size()}, output);
    return ExitCode::done;
  });
}

}  // namespace uptake::cli
