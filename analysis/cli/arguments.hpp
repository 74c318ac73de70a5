/// What was typed, as values: a command, its options, and what several commands take alike.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "commands.hpp"
#include "ranks.hpp"

namespace uptake::cli {

struct Arguments;

/// Who performs a command where a launcher started several processes together.
enum class By : std::uint8_t { first_process, ranks_together };

struct Command {
  std::string_view name;
  ExitCode (*perform)(const Arguments& typed) = nullptr;  ///< @throws InputError, FileError
  By by = By::first_process;
};

/// Everything that the options of all commands write to.
struct Arguments {
  Command command;
  std::vector<std::string> words;  ///< the command line as typed, with the script's name where that started the program

  // What several commands take.
  Output output;
  int n_threads = 0;  ///< 0 = all that this process may use
  ProgressStyle progress = ProgressStyle::automatic;
  std::vector<std::string> set;  ///< `key=value`
  std::optional<std::string> seed, replicates, outside_view;
  std::optional<std::filesystem::path> posterior;

  // What one takes.
  RunOptions run;
  MergeOptions merge;
  SlurmOptions slurm;
  CompareOptions compare;
  std::vector<std::filesystem::path> files;           ///< to validate
  std::optional<std::filesystem::path> params_of;     ///< a scenario
  ExitCode (*list_what)(const Output&) = cli::list;   ///< of what is shipped
  ExitCode (*info_about)(const Output&) = cli::info;  ///< the build, or England
  Suite suite = Suite::model;                         ///< to verify
  SensitivityOptions sensitivity;
  std::string sensitivity_method;
  CalibrateOptions calibrate;
  BacktestCommand backtest;
  std::filesystem::path exported;                        ///< results, or a scenario
  std::optional<std::filesystem::path> tables, network;  ///< folders that it is exported into
  ReportOptions report;
  ImportOptions registers;

  /// `key=value` in order; options that are settings with a shorter name stand after them, as `--seed=3`.
  [[nodiscard]] std::vector<std::string> overrides() const;

  /// Options of a command with all that it takes as others do.
  template <typename CommandOptions>
  [[nodiscard]] CommandOptions whole(CommandOptions options) const {
    if constexpr (requires { options.overrides; }) options.overrides = overrides();
    if constexpr (requires { options.n_threads; }) options.n_threads = n_threads;
    if constexpr (requires { options.progress; }) options.progress = progress;
    if constexpr (requires { options.command; }) options.command = words;
    return options;
  }
};

/// Reads the command line. @return an exit code where nothing is left to do: help was asked for, or a mistake was made;
/// either was told, by the first of several processes
[[nodiscard]] std::variant<Arguments, ExitCode> read_arguments(int argc, char** argv, const Launched& here);

}  // namespace uptake::cli
