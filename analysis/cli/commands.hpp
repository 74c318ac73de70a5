/// The commands of the program. main.cpp fills in the options; each command prints its result on stdout, says everything
/// else on stderr, and returns the exit code. Bad input and unreadable files leave as InputError and FileError.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "uptake/error.hpp"
#include "uptake/results.hpp"

namespace uptake::cli {

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

struct RunOptions {
  std::filesystem::path scenario;
  std::vector<std::string> overrides;           ///< `key=value`, in order
  std::optional<std::filesystem::path> folder;  ///< default: results/<scenario name>
  int n_threads = 0;                            ///< 0 = all that this process may use
  Existing existing = Existing::refuse;
  Action action = Action::simulate;
  ProgressStyle progress = ProgressStyle::automatic;
  std::vector<std::string> command;  ///< as typed, for run.json and for saying how to resume
};

/// Simulates a scenario into a folder, or prints the result again that is there.
ExitCode run(const RunOptions& options, const Output& output);

/// Checks scenarios as `run` would, down to the model.
ExitCode validate(const std::vector<std::filesystem::path>& files, const std::vector<std::string>& overrides,
                  const Output& output);
/// The parameter table, or the parameters as they hold in a scenario.
ExitCode params(const std::optional<std::filesystem::path>& scenario, const std::vector<std::string>& overrides,
                const Output& output);
/// Scenarios shipped, and runs in ./results.
ExitCode list(const Output& output);
/// Facts about the build.
ExitCode info(const Output& output);
/// England as built beside the tables it is built from.
ExitCode info_population(const Output& output);
/// Notices of the libraries in the program and of the data that it ships.
ExitCode licences(const Output& output);
/// What `verify` asks about.
enum class Suite : std::uint8_t { model, calibration };
/// The known-answer cases of the model or of calibration on this very program.
ExitCode verify(Suite suite, int n_threads, const Output& output);

/// Folder of the shipped scenarios and tables.
[[nodiscard]] std::filesystem::path data_folder();
/// Prints each problem on a line of its own, `error: where: what; suggestion`, on stderr.
void print_problems(const std::vector<Problem>& problems);

}  // namespace uptake::cli
