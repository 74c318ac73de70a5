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
}  // namespace

ExitCode calibrate(const CalibrateOptions& options, const Output& asked_output) {
  const auto began = std::chrono::steady_clock::now();
  const Interruption interruption;
  const Ranks ranks(Ranks::Launch::together);
  Output output = asked_output;
  if (!ranks.first()) output.verbosity = Verbosity::quiet;
  const ProgressStyle progress = ranks.first() ? options.progress : ProgressStyle::off;
  const auto say = [&](const std::string& text) { cli::say(output, text); };
  const bool json = output.format == Format::json;

  // Every rank looks before the first one writes, so that all see the same.
  std::optional<HistoricRecord> loaded;
  std::vector<std::size_t> programmes;
  std::optional<Date> cutoff;
  fs::path folder, checkpoints;
  std::string digest;
  std::shared_ptr<const Population> population;
  bool over = false;  // nothing to calibrate
  const ExitCode looked = ranks.together([&] {
    AllAtOnce all;
    loaded = all([&] { return load_record(record_file(options.record), options.overrides, data_folder()); });
    if (loaded) programmes = all([&] { return chosen(*loaded, options.programmes); }).value_or(programmes);
    if (options.cutoff) cutoff = all([&] { return date_of("--cutoff", *options.cutoff); });
    all.throw_if_any();
    if (ranks.first() && output.verbosity == Verbosity::normal) print_warnings(loaded->doubtful);
    folder = options.folder.value_or(fs::path("results") / loaded->name);
    checkpoints = folder / kCheckpoints;
    digest = digest_of(*loaded, options, programmes);
    const std::optional<Result> there = kind_there(folder);
    if (there == Result::run) throw in_the_way_of_another_kind(folder, Result::run);
    if (there && options.existing != Existing::overwrite) {
      if (!holds(folder, digest)) {
        throw InputError({{folder.string(), "holds another result",
                           "choose another folder with -o, or replace it with --overwrite"}});
      }
      over = true;
      if (!ranks.first()) return ExitCode::done;
      fmt::print("{}", read_text(folder / (json ? kJsonFile : kTextFile)));
      say(fmt::format("already done; --overwrite repeats it ({})", folder.string()));
      return ExitCode::done;
    }
    for (const char* name : {kPosteriorFile, kTextFile, kJsonFile}) {
      if (options.existing != Existing::refuse || !fs::exists(folder / name)) continue;
      throw InputError({{(folder / name).string(), "is there already",
                         "choose another folder with -o, or replace it with --overwrite"}});
    }
    if (fs::exists(checkpoints) && options.existing == Existing::refuse) {
      throw InputError(
          {{folder.string(), "holds an unfinished calibration", "--resume goes on with it, --overwrite starts again"}});
    }
    population = std::make_shared<const Population>(population_of(*loaded, data_folder()));
    return ExitCode::done;
  });
  // What one rank found done, none goes on with: they may see the folder at different times.
  if (looked != ExitCode::done || ranks.sum(over ? 1 : 0) > 0) return looked;
  const HistoricRecord& record = *loaded;

  std::optional<FolderLock> lock;
  const ExitCode locked = ranks.together([&] {
    if (!ranks.first()) return ExitCode::done;
    lock.emplace(folder, folder / kLockFile, "calibrating into");
    if (options.existing == Existing::overwrite && fs::exists(checkpoints)) {
      for (const auto& entry : fs::directory_iterator(checkpoints))
        if (entry.path().extension() == ".bin") fs::remove(entry.path());
    }
    return ExitCode::done;
  });
  if (locked != ExitCode::done) return locked;

  const int n_threads = options.n_threads > 0 ? options.n_threads : available_threads();
  print_placement(ranks, n_threads, output);
  std::stop_source stop;  // asked of this rank or of another
  const std::stop_callback forward(interruption.token(), [&stop] { stop.request_stop(); });
  Control control;
  control.n_threads = n_threads;
  control.stop = stop.get_token();
  FitOptions fit_options;
  fit_options.method = static_cast<Method>(std::ranges::find(kMethodNames, options.method) - kMethodNames.begin());
  fit_options.cutoff = cutoff;
  fit_options.n_draws = options.n_draws;
  fit_options.abc.seed = record.seed;
  fit_options.abc.budget = options.budget;
  fit_options.abc.n_particles = options.n_particles;

  const auto interrupted = [&] {
    if (!ranks.first()) return;
    if (options.method == "abc") {
      tell("interrupted: what was finished is kept in {}. Go on with\n  {}\n", folder.string(),
           resuming(options.command));
    } else {
      tell("interrupted: nothing was kept, for --method {} has no checkpoints; start it again\n", options.method);
    }
  };
  std::vector<ProgrammeFit> fits;
  std::vector<std::size_t> fitted;
  std::string text;
  std::size_t n_simulations = 0;
  const auto fit_all = [&](const Control& shared) {
    for (const std::size_t j : programmes) {
      const HistoricProgramme& programme = record.programmes[j];
      const HistoricModel model(programme, record, population, last_day_of(programme));
      if (model.fitted(cutoff).empty()) {
        say(fmt::format("{}: nothing to fit to{}", programme.spec.name, cutoff ? " by " + iso(*cutoff) : ""));
        continue;
      }
      fit_options.abc.checkpoint = checkpoints / (programme.spec.name + ".bin");
      const std::string label = fmt::format("{} ({} of {})", programme.spec.name, fits.size() + 1, programmes.size());
      ProgressLine line(progress, output.verbosity);
      ProgrammeFit fit =
          fit_programme(model, fit_options, shared, [&](const CalibrationProgress& now) { line.show(label, now); });
      if (fit.completion == Completion::interrupted) return ExitCode::interrupted;
      n_simulations += fit.n_simulations;
      text += (programmes.size() == 1 ? fit_text_with_diagnostics(fit) : fit_text(fit)) + "\n";
      fits.push_back(std::move(fit));
      fitted.push_back(j);
    }
    if (fits.empty()) {
      throw InputError({{record.file.string(), "has nothing to calibrate to", "ask for another cut-off or programme"}});
    }
    return ExitCode::done;
  };
  const ExitCode fit_end = ranks.together([&] {
    ExitCode end = ExitCode::fault;
    ranks.sharing(stop, [&](const Team* team) {
      Control shared = control;
      shared.team = team;
      end = fit_all(shared);
    });
    return end;
  });
  if (fit_end == ExitCode::interrupted) interrupted();
  if (fit_end != ExitCode::done) return fit_end;

  // What the programmes say together takes little: the first rank alone.
  return ranks.together([&] {
    if (!ranks.first()) return ExitCode::done;
    PosteriorRecord posterior;
    posterior.record = &record;
    posterior.fits = fits;
    posterior.seed = record.seed;
    posterior.command = command_of(options);
    posterior.cutoff = cutoff ? iso(*cutoff) : "";
    if (fits.size() >= kFewestPooled) say(fmt::format("what {} programmes say together", fits.size()));
    add_pooled(record, fitted, record.seed, control, posterior);
    if (control.stop.stop_requested()) {
      interrupted();
      return ExitCode::interrupted;
    }
    text += fit_legend();
    if (posterior.pooled) text += pooled_text(*posterior.pooled, posterior.left_out ? &*posterior.left_out : nullptr);

    fs::remove(folder / kRunFile);
    write_posterior(posterior, folder / kPosteriorFile);
    const std::string calibration = calibration_json(posterior);
    write_text(folder / kJsonFile, calibration);
    std::string whole;
    for (const ProgrammeFit& fit : fits) whole += fit_text_with_diagnostics(fit) + "\n";
    whole += fit_legend();
    if (posterior.pooled) whole += pooled_text(*posterior.pooled, posterior.left_out ? &*posterior.left_out : nullptr);
    write_text(folder / kTextFile, whole);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    nlohmann::ordered_json facts =
        facts_of({Result::calibration, digest, &record, n_simulations, seconds, n_threads, &options.command});
    facts["method"] = options.method;
    facts["ranks"] = ranks.size();
    for (const ProgrammeFit& fit : fits) facts["seconds_by_programme"][fit.programme] = fit.seconds;
    const std::string how = json_text(facts, 2) + "\n";
    write_crate(folder, how);
    write_text(folder / kRunFile, how);
    fs::remove_all(checkpoints);

    fmt::print("{}", json ? calibration : text);
    say(fmt::format("{}, {} simulations in {}; {}, {}, {}, {} and {} in {}", plural(fits.size(), "programme"),
                    grouped(n_simulations), duration_text(seconds), kPosteriorFile, kTextFile, kJsonFile, kRunFile,
                    kCrateFile, folder.string()));
    return ExitCode::done;
  });
}

}  // namespace uptake::cli
