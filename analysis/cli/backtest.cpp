#include "backtest/backtest.hpp"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <nlohmann/json.hpp>

#include "all_at_once.hpp"
#include "calibration/posterior_file.hpp"
#include "commands.hpp"
#include "files/json_text.hpp"
#include "progress.hpp"
#include "report/crate.hpp"
#include "run_folder.hpp"
#include "text_file.hpp"
#include "uptake/ensemble.hpp"
#include "uptake/grouped.hpp"
#include "uptake/random.hpp"
#include "uptake/record.hpp"
#include "uptake/results.hpp"
#include "uptake/version.hpp"

namespace uptake::cli {

namespace fs = std::filesystem;

namespace {
constexpr std::array<const char*, 3> kFiles{"backtest.h5", "backtest.json", "backtest.csv"};

/// What the options ask for. @throws InputError with all that is wrong with them
uptake::BacktestOptions asked_by(const BacktestCommand& command) {
  std::vector<Problem> problems;
  uptake::BacktestOptions asked;
  const auto read_date = [&](const std::string& option, const std::string& text) {
    try {
      return date_of(option, text);
    } catch (const InputError& error) {
      problems.insert(problems.end(), error.problems().begin(), error.problems().end());
      return Date{};
    }
  };
  const int n_ways = static_cast<int>(command.cutoff.has_value()) + static_cast<int>(command.leave_out.has_value()) +
                     static_cast<int>(!command.fractions.empty());
  if (n_ways != 1) {
    problems.push_back({"backtest",
                        n_ways == 0 ? "no option says what was known" : "more than one option says what was known",
                        "give one of --cutoff, --leave-out and --fraction"});
  }
  if (command.cutoff) asked.cutoff = read_date("--cutoff", *command.cutoff);
  for (const std::string& date : command.dates) asked.dates.push_back(read_date("--dates", date));
  if (command.leave_out && command.leave_out->empty())
    problems.push_back({"--leave-out", "names no programme", "give the name of one"});
  if (command.posterior && !command.leave_out)
    problems.push_back({"--posterior", "is for --leave-out: a cut-off is fitted to afresh", "leave it out"});
  for (const double fraction : command.fractions) {
    if (fraction > 0 && fraction < 1) continue;
    problems.push_back({fmt::format("--fraction {:g}", fraction), "is not between 0 and 1", "write 0.5 for the half"});
  }
  if (!problems.empty()) throw InputError(std::move(problems));
  asked.leave_out = command.leave_out.value_or("");
  asked.fractions = command.fractions;
  asked.programmes = command.programmes;
  asked.fit.abc.budget = command.budget.value_or(kBacktestBudget);
  asked.fit.abc.n_particles = command.n_particles.value_or(kBacktestParticles);
  return asked;
}

/// Everything that decides the result.
std::string digest_of(const BacktestCommand& command, const HistoricRecord& record,
                      const uptake::BacktestOptions& asked, const StoredPosterior* posterior) {
  std::string text = fmt::format("{} {}{} {} {} {} {} {} {}", version(), kernel_text(), record.digest, record.seed,
                                 command.cutoff.value_or("-"), asked.leave_out, asked.fit.abc.budget,
                                 asked.fit.abc.n_particles, posterior == nullptr ? "-" : posterior->digest);
  for (const double fraction : asked.fractions) text += fmt::format(" {}", fraction);
  for (const Date date : asked.dates) text += fmt::format(" {}", iso(date));
  for (const std::string& name : asked.programmes) text += fmt::format(" {}", name);
  return fmt::format("{:016x}", identity_of(text));
}

/// run.json where no other result has one, and the metadata of the folder.
void describe(const BacktestCommand& command, const HistoricRecord& record, const uptake::BacktestOptions& asked,
              const StoredPosterior* posterior, const Backtest& result) {
  const fs::path& folder = *command.folder;
  const fs::path file = folder / kRunFile;
  if (fs::exists(file)) {
    const auto facts = nlohmann::json::parse(read_text(file), nullptr, false);
    if (kind_of(facts) != Result::backtest) {
      write_crate(folder);
      return;
    }
  }
  const int n_threads = command.n_threads > 0 ? command.n_threads : available_threads();
  nlohmann::ordered_json facts = facts_of({Result::backtest, digest_of(command, record, asked, posterior), &record,
                                           result.n_simulations, result.seconds, n_threads, &command.command});
  if (posterior != nullptr) {
    facts["posterior"] = posterior->file.filename().string();
    facts["posterior_digest"] = posterior->digest;
  }
  const std::string how = json_text(facts, 2) + "\n";
  write_crate(folder, how);
  write_text(file, how);
}

void refuse_to_replace(const fs::path& folder) {
  std::vector<Problem> problems;
  for (const char* name : kFiles) {
    if (fs::exists(folder / name))
      problems.push_back({(folder / name).string(), "is already there", "--overwrite replaces it, -o names another"});
  }
  if (!problems.empty()) throw InputError(std::move(problems));
}
}  // namespace

ExitCode backtest(const BacktestCommand& command, const Output& output) {
  AllAtOnce all;
  const auto options = all([&] { return asked_by(command); });
  const auto loaded = all([&] { return load_record(record_file(command.history), command.overrides, data_folder()); });
  all.throw_if_any();
  uptake::BacktestOptions asked = *options;
  const HistoricRecord& record = *loaded;
  if (command.folder && command.existing == Existing::refuse) refuse_to_replace(*command.folder);
  const Interruption interruption;
  if (output.verbosity == Verbosity::normal) print_warnings(record.doubtful);
  asked.fit.abc.seed = record.seed;
  std::optional<StoredPosterior> stored;
  if (command.posterior) {
    if (*command.posterior == "posterior" && !fs::exists(*command.posterior)) stored = shipped_posterior();
    if (!stored) stored = read_posterior(*command.posterior);
  }

  const auto population = std::make_shared<const Population>(population_of(record, data_folder()));

  Control control;
  control.n_threads = command.n_threads;
  control.stop = interruption.token();
  Backtest result;
  {
    ProgressLine progress(command.progress, output.verbosity);
    if (output.verbosity == Verbosity::normal && !command.budget && command.progress != ProgressStyle::json)
      tell("{} simulations and {} particles for each fit; --budget changes it\n", grouped(asked.fit.abc.budget),
           grouped(asked.fit.abc.n_particles));
    result = uptake::backtest(
        record, population, asked, stored ? &*stored : nullptr, control,
        {[&](const std::string& programme, const CalibrationProgress& now) { progress.show(programme, now); },
         [&](const std::string& programme, const Progress& now) { progress.show(programme + ", forecasts", now); }});
  }
  if (result.completion == Completion::interrupted) {
    if (output.verbosity == Verbosity::normal)
      tell("interrupted: nothing was written; the back-test starts again from the beginning\n");
    return ExitCode::interrupted;
  }
  const std::string json = backtest_json(result);
  if (command.folder) {
    std::error_code error;
    fs::create_directories(*command.folder, error);
    if (error)
      throw FileError(
          {command.folder->string(), "cannot be made: " + error.message(), "choose another folder with -o"});
    write_backtest(result, *command.folder / kFiles[0]);
    write_text(*command.folder / kFiles[1], json);
    write_text(*command.folder / kFiles[2], backtest_csv(result));
    describe(command, record, asked, stored ? &*stored : nullptr, result);
  }
  fmt::print("{}", output.format == Format::json ? json : backtest_table(result));
  if (command.folder)
    say(output, fmt::format("{}, {} and {} in {}", kFiles[0], kFiles[1], kFiles[2], command.folder->string()));
  return ExitCode::done;
}

}  // namespace uptake::cli
