/// The commands of the program. main.cpp fills in the options; each command prints its result on stdout, says everything
/// else on stderr, and returns the exit code. Bad input and unreadable files leave as InputError and FileError.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "results/import.hpp"
#include "uptake/calendar.hpp"
#include "uptake/error.hpp"
#include "uptake/results.hpp"

namespace uptake {
struct Scenario;
struct StoredPosterior;
}  // namespace uptake

namespace uptake::cli {

/// Writes to stderr what people should know. Where nobody can be told (a full disk, a closed pipe) the program goes on to
/// the same end.
template <class... T>
void tell(fmt::format_string<T...> format, T&&... values) noexcept {
  try {
    static_cast<void>(std::fputs(fmt::format(format, std::forward<T>(values)...).c_str(), stderr));
  } catch (...) {  // no memory to say it with
  }
}

enum class Format : std::uint8_t { text, json };
enum class Verbosity : std::uint8_t { normal, quiet };
enum class ProgressStyle : std::uint8_t { automatic, plain, json, off };

/// What every command takes.
struct Output {
  Format format = Format::text;
  Verbosity verbosity = Verbosity::normal;
};

/// What to do about a run that is already in the folder.
enum class Existing : std::uint8_t { refuse, overwrite, resume };
enum class Action : std::uint8_t { simulate, dry_run };

/// Replicates r with r mod n_tasks == task.
struct Share {
  int task = 0, n_tasks = 1;
};

struct RunOptions {
  std::filesystem::path scenario;
  std::vector<std::string> overrides;           ///< `key=value`, in order
  std::optional<std::filesystem::path> folder;  ///< default: results/<scenario name>
  int n_threads = 0;                            ///< 0 = all that this process may use
  Existing existing = Existing::refuse;
  Action action = Action::simulate;
  std::optional<Share> share;  ///< task of an array: only its part file is written
  ProgressStyle progress = ProgressStyle::automatic;
  std::vector<std::string> command;  ///< as typed, for run.json and for saying how to resume
};

/// Simulates a scenario into a folder, or prints the result again that is there.
ExitCode run(const RunOptions& options, const Output& output);

struct MergeOptions {
  std::vector<std::filesystem::path> shards;      ///< folders of tasks, or their part files
  std::optional<std::filesystem::path> folder;    ///< default: the one shard, when that is a folder
  std::optional<std::filesystem::path> scenario;  ///< where it is now; default: where the tasks found it
  int n_threads = 0;
  Existing existing = Existing::refuse;
  std::vector<std::string> command;  ///< as typed
};
/// Makes the one result of a run whose replicates lie in part files of several tasks.
ExitCode merge(const MergeOptions& options, const Output& output);

struct SlurmOptions {
  std::filesystem::path scenario;
  std::vector<std::string> overrides;
  std::optional<std::filesystem::path> folder;  ///< default: results/<scenario name>
  int n_tasks = 1, n_cores = 1;                 ///< of the array; of each task
  std::string time = "01:00:00", memory = "2G";
  std::optional<std::string> partition, account;
  std::filesystem::path program;  ///< as typed
};
/// Prints a script that runs a scenario as a Slurm array and merges it.
ExitCode slurm(const SlurmOptions& options, const Output& output);

struct CompareOptions {
  std::vector<std::string> runs;          ///< scenario files or names, or folders of results
  std::optional<std::string> baseline;    ///< strategy that the others are compared with
  std::vector<std::string> metrics;       ///< names; empty = all
  std::vector<std::string> targets;       ///< `metric>=VALUE@DATE`
  std::optional<std::string> replicates;  ///< number, as typed
  std::vector<std::string> overrides;     ///< `key=value`, --seed and --replicates included
  bool has_own_overrides = false;         ///< any beside --replicates
  enum class Variance : std::uint8_t { left_out, measured } variance = Variance::left_out;
  enum class Drivers : std::uint8_t { left_out, split } drivers = Drivers::left_out;
  std::optional<std::filesystem::path> folder;  ///< of compare.html and compare.json
  std::vector<std::string> command;             ///< words, as typed
  Existing existing = Existing::refuse;
  int n_threads = 0;
  ProgressStyle progress = ProgressStyle::automatic;
};

/// Compares strategies, scenarios or results replicate by replicate.
ExitCode compare(const CompareOptions& options, const Output& output);

struct ImportOptions {
  RegisterFiles files;
  std::filesystem::path folder;
  TablesThere there = TablesThere::refuse;
};

/// Makes a folder of population tables of public registers, and says what was kept and dropped.
ExitCode import_registers(const ImportOptions& options, const Output& output);

/// Checks scenarios as `run` would, down to the model.
ExitCode validate(const std::vector<std::filesystem::path>& files, const std::vector<std::string>& overrides,
                  const Output& output);
/// The parameter table, or the parameters as they hold in a scenario.
ExitCode params(const std::optional<std::filesystem::path>& scenario, const std::vector<std::string>& overrides,
                const Output& output);
/// Scenarios shipped, and runs in ./results.
ExitCode list(const Output& output);
/// Programmes shipped: evidence, who adopts, what their use does, when they were commissioned.
ExitCode list_programmes(const Output& output);
/// Regions of England by every name that a scenario may call them.
ExitCode list_regions(const Output& output);
/// The table of outcome kinds: formula, source, and the impact dimensions that results of the kind speak to.
ExitCode list_outcomes(const Output& output);
/// Facts about the build.
ExitCode info(const Output& output);
/// England as built beside the tables it is built from.
ExitCode info_population(const Output& output);
/// The results in a folder as tidy tables. @param into default: `csv` in that folder
ExitCode export_tables(const std::filesystem::path& folder, const std::optional<std::filesystem::path>& into,
                       const Output& output);

/// The network and the clocks of a scenario's first world as plain text, for other engines.
ExitCode export_network_of(const std::filesystem::path& scenario, const std::vector<std::string>& overrides,
                           const std::filesystem::path& into, const Output& output);

struct SensitivityOptions {
  std::filesystem::path scenario;
  std::vector<std::string> overrides;
  std::optional<std::string> metric;            ///< default: what the scenario is about
  std::optional<std::filesystem::path> folder;  ///< where sensitivity.json goes, and the page that shows it
  int n_replicates = 20;                        ///< paired, so that few show a difference [A]
  int n_threads = 0;
  ProgressStyle progress = ProgressStyle::automatic;
};
/// Moves one assumption at a time.
ExitCode sensitivity(const SensitivityOptions& options, const Output& output);

struct CalibrateOptions {
  std::filesystem::path record;
  std::vector<std::string> overrides;
  std::vector<std::string> programmes;  ///< only these; empty = all of the record
  std::string method = "abc";           ///< a name of kMethodNames
  std::optional<std::string> cutoff;    ///< nothing later is fitted to
  std::size_t budget = 100'000;         ///< simulations of each programme
  std::size_t n_particles = 2000;
  std::size_t n_draws = 1000;                   ///< kept of each programme
  std::optional<std::filesystem::path> folder;  ///< default: results/<record name>
  int n_threads = 0;
  Existing existing = Existing::refuse;
  ProgressStyle progress = ProgressStyle::automatic;
  std::vector<std::string> command;  ///< as typed
};
/// Finds the parameters of past programmes from what was published of them, and what they say together.
ExitCode calibrate(const CalibrateOptions& options, const Output& output);

/// A date as typed: 2019-04-30, 2019-04 (its last day) or 2019. @throws InputError
[[nodiscard]] Date date_of(const std::string& option, const std::string& text);

/// A back-test as it is typed.
struct BacktestCommand {
  std::filesystem::path history;
  std::vector<std::string> overrides;
  std::optional<std::string> cutoff, leave_out;  ///< a date, a programme
  std::vector<double> fractions;
  std::vector<std::string> dates, programmes;
  std::optional<std::size_t> budget, n_particles;  ///< of each fit
  std::optional<std::filesystem::path> posterior, folder;
  Existing existing = Existing::refuse;
  int n_threads = 0;
  ProgressStyle progress = ProgressStyle::automatic;
  std::vector<std::string> command;  ///< as typed
};
/// Fits to what was known, forecasts the rest, and scores it against simpler forecasts.
ExitCode backtest(const BacktestCommand& command, const Output& output);

struct ReportOptions {
  std::filesystem::path folder;  ///< of the results
  enum class Kind : std::uint8_t { page, cheers } kind = Kind::page;
  std::optional<std::filesystem::path> file;  ///< of the checklist; default: cheers.md in the folder
  Existing existing = Existing::refuse;       ///< about a checklist that somebody may have written in
};
/// Makes report.html and the metadata again from the results in a folder, or fills the checklist CHEERS 2022.
ExitCode report(const ReportOptions& options, const Output& output);
/// Notices of the libraries in the program and of the data that it ships.
ExitCode licences(const Output& output);
/// What `verify` asks about.
enum class Suite : std::uint8_t { model, calibration };
/// The known-answer cases of the model or of calibration on this very program.
ExitCode verify(Suite suite, int n_threads, const Output& output);

/// The folder of results that a path means: the one of a results.h5 that is named itself.
[[nodiscard]] std::filesystem::path results_folder(const std::filesystem::path& named);
/// Folder of the shipped scenarios and tables.
[[nodiscard]] std::filesystem::path data_folder();
/// Scenario files of the shipped folder, then those of its `what-if/`, each in the order of their names.
[[nodiscard]] std::vector<std::filesystem::path> shipped_scenarios();
/// The name of one of them, as scenario_file() takes it: `care-homes`, `what-if/most-deprived-first`.
[[nodiscard]] std::string shipped_name(const std::filesystem::path& file);
/// Programme files shipped, in the order of their names.
[[nodiscard]] std::vector<std::filesystem::path> shipped_programmes();
/// The file that a scenario argument means: `NAME` or `what-if/NAME`, without .toml and no file here, is the shipped
/// scenario of that name; NAME alone finds a what-if too. @throws FileError for a name that nothing has
[[nodiscard]] std::filesystem::path scenario_file(const std::filesystem::path& named);
/// The command as typed, with `--resume`, that goes on with it.
[[nodiscard]] std::string resuming(const std::vector<std::string>& command);
/// An override with the paths in it, which are absolute as typed, as they lead from a folder.
[[nodiscard]] std::string from_folder(const std::string& text, const std::filesystem::path& folder);
/// The scenario that an argument means, read with its overrides and the posterior that it names.
[[nodiscard]] Scenario scenario_of(const std::filesystem::path& named, const std::vector<std::string>& overrides);
/// The posterior that ships with the program; none when none does. @throws FileError for a broken one
[[nodiscard]] std::optional<StoredPosterior> shipped_posterior();
/// The same of a record of past programmes. @throws InputError for a scenario
[[nodiscard]] std::filesystem::path record_file(const std::filesystem::path& named);
/// Prints each problem on a line of its own, `error: where: what; suggestion`, on stderr.
void print_problems(const std::vector<Problem>& problems);
/// The same of what need not be a mistake: `warning: where: what; suggestion`.
void print_warnings(const std::vector<Problem>& warnings);
/// What an exception says to the person at the terminal, and the exit code that stands for it.
struct Failure {
  ExitCode code;
  std::vector<Problem> problems;
};
/// @param thrown not null
[[nodiscard]] Failure failure_of(const std::exception_ptr& thrown);

}  // namespace uptake::cli
