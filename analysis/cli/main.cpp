#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <new>

#include "backtest/backtest.hpp"
#include "commands.hpp"
#include "ranks.hpp"
#include "uptake/ensemble.hpp"
#include "uptake/grouped.hpp"
#include "uptake/scenario.hpp"
#include "uptake/version.hpp"

namespace uptake::cli {

std::filesystem::path data_folder() { return UPTAKE_DATA_FOLDER; }

namespace {
/// A line each on stderr, its first word in colour where that is wanted.
void print_lines(const std::vector<Problem>& lines, std::string_view word, std::string_view colour) {
  const char* no_colour = std::getenv("NO_COLOR");
  const bool is_coloured = isatty(STDERR_FILENO) != 0 && (no_colour == nullptr || *no_colour == '\0');
  for (const Problem& line : lines) {
    if (is_coloured)
      tell("\033[1;{}m{}:\033[0m {}\n", colour, word, line.text());
    else
      tell("{}: {}\n", word, line.text());
  }
}
}  // namespace

void print_problems(const std::vector<Problem>& problems) { print_lines(problems, "error", "31"); }
void print_warnings(const std::vector<Problem>& warnings) { print_lines(warnings, "warning", "33"); }

Failure failure_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const InputError& error) {
    return {ExitCode::bad_input, error.problems()};
  } catch (const FileError& error) {
    return {ExitCode::cannot_read_or_write, {error.problem()}};
  } catch (const std::filesystem::filesystem_error& error) {
    return {ExitCode::cannot_read_or_write, {{error.path1().string(), error.code().message(), ""}}};
  } catch (const std::bad_alloc&) {
    return {ExitCode::bad_input,
            {{"memory", "there is not enough for this",
              "ask for fewer organisations, programmes or replicates at a "
              "time; `uptake run --dry-run` tells what a run takes"}}};
  } catch (const std::exception& error) {
    if (std::ferror(stdout) != 0) return {ExitCode::cannot_read_or_write, {{"stdout", error.what(), ""}}};
    return {ExitCode::fault, {{"internal fault", error.what(), "please report it with the command and `uptake info`"}}};
  }
}

namespace {

std::string exit_codes() {
  std::string text = "Exit codes:";
  for (const ExitCodeMeaning& row : kExitCodes) {
    text += fmt::format("\n  {}  {}", static_cast<int>(row.code), row.meaning);
  }
  return text;
}

/// "" is where nobody means to write or read: it would be the current folder, or nothing.
std::string is_named(const std::string& name) { return name.empty() ? "names no file or folder" : ""; }

/// Everything the options of all commands write to. --seed and --replicates are overrides with a shorter name.
struct Options {
  Output output;
  RunOptions run;
  CompareOptions compare;
  ImportOptions registers;
  std::vector<std::filesystem::path> files;
  std::optional<std::filesystem::path> scenario;
  std::vector<std::string> set;
  std::optional<std::string> seed, replicates, outside_view;
  std::optional<std::filesystem::path> posterior;

  [[nodiscard]] std::vector<std::string> overrides() const {
    // Who types a path means the folder that they are in.
    std::vector<std::string> all;
    for (const std::string& text : set)
      all.push_back(with_paths(text, [](const auto& path) { return absolute(path).lexically_normal(); }));
    if (seed) all.push_back("--seed=" + *seed);
    if (replicates) all.push_back("--replicates=" + *replicates);
    if (posterior) all.push_back("--posterior=" + posterior->string());
    if (outside_view) all.push_back("--outside-view=" + *outside_view);
    return all;
  }
};

/// Who performs a command where a launcher started several processes together.
enum class By : std::uint8_t { first_process, ranks_together };

struct Command {
  CLI::App* app;
  std::function<ExitCode()> perform;
  By by;
};

class Parser {
 public:
  Parser()
      : app_("Simulates how health innovations spread through the NHS in England, and what that is worth.", "uptake") {
    app_.set_version_flag("--version", fmt::format("uptake {} ({})", version(), git_id()), "Print version and commit");
    const bool is_called_by_script = std::getenv("UPTAKE_CALLED") != nullptr;
    app_.footer(exit_codes() +
                (is_called_by_script ? "\n\nOf the script: `test` runs the tests, `bench` the benchmarks." : "") +
                "\n\nExample: uptake run scenarios/care-homes.toml\n`uptake COMMAND --help` says more.");
    app_.require_subcommand(1);

    CLI::App& run = add(
        "run", "Simulate a scenario and write its results", "uptake run scenarios/minimal.toml -o out",
        [this] { return cli::run(options_.run, options_.output); }, By::ranks_together);
    run.add_option("SCENARIO", options_.run.scenario, "Scenario file (TOML), or the name of a shipped one")
        ->required()
        ->type_name("FILE");
    run.add_option("-o,--output", options_.run.folder, "Folder of the results [results/<scenario name>]")
        ->type_name("DIR")
        ->check(is_named);
    run.add_option("--replicates", options_.replicates, "Number of replicates instead of the scenario's")
        ->type_name("N");
    auto* overwrite = run.add_flag_callback(
        "--overwrite", [this] { options_.run.existing = Existing::overwrite; }, "Replace a result that is there");
    run.add_flag_callback(
           "--resume", [this] { options_.run.existing = Existing::resume; }, "Go on with an unfinished run")
        ->excludes(overwrite);
    run.add_flag_callback(
        "--dry-run", [this] { options_.run.action = Action::dry_run; },
        "Say what would be done and how long it would take");
    run.add_option_function<std::string>(
           "--task", [this](const std::string& text) { options_.run.share = share_of(text); },
           "Simulate every N-th replicate, from the I-th on, and leave them for `uptake merge`")
        ->type_name("I/N")
        ->check([](const std::string& text) {
          return share_of(text) ? std::string()
                                : fmt::format("{} is no task; write 0/4 for the first of four, 3/4 for the last", text);
        });
    add_progress(run);
    add_threads(run);
    add_seed(run);
    add_posterior(run);
    run.add_option("--outside-view", options_.outside_view,
                   "Show beside the model's intervals their average with what past forecasts came to, these with this "
                   "weight from 0 to 1 [0]; no simulated world changes")
        ->type_name("WEIGHT");
    add_overrides(run);

    add_compare();
    add_merge();
    add_slurm();

    CLI::App& validate = add("validate", "Check scenario files", "uptake validate scenarios/*.toml",
                             [this] { return cli::validate(options_.files, options_.overrides(), options_.output); });
    validate.add_option("FILE", options_.files, "Scenario files, or names of shipped ones")->required()->type_name("");
    add_posterior(validate);
    add_overrides(validate);

    CLI::App& params = add("params", "Print every parameter with unit, range, default, prior, grade and source",
                           "uptake params scenarios/care-homes.toml",
                           [this] { return cli::params(options_.scenario, options_.overrides(), options_.output); });
    params.add_option("SCENARIO", options_.scenario, "Print the values that hold in this scenario")->type_name("FILE");
    add_posterior(params);
    add_overrides(params);

    CLI::App& list = add("list", "List the scenarios shipped and the runs in ./results", "uptake list --programmes",
                         [this] { return list_what_(options_.output); });
    auto* programmes = list.add_flag_callback(
        "--programmes", [this] { list_what_ = cli::list_programmes; },
        "List the programmes shipped, with evidence, adopters, outcome and window");
    auto* outcomes = list.add_flag_callback(
        "--outcomes", [this] { list_what_ = cli::list_outcomes; },
        "List the kinds of outcome, with formula, source and the dimensions of impact that they speak to");
    auto* regions = list.add_flag_callback(
        "--regions", [this] { list_what_ = cli::list_regions; }, "List the regions of England by all of their names");
    programmes->excludes(outcomes)->excludes(regions);
    outcomes->excludes(regions);

    CLI::App& info = add("info", "Print facts about this build", "uptake info --population", [this] {
      return of_population_ ? info_population(options_.output) : cli::info(options_.output);
    });
    info.add_flag("--population", of_population_, "Print England as built beside its tables");

    CLI::App& verify =
        add("verify", "Run the known-answer cases of the model, or of calibration", "uptake verify --calibration",
            [this] { return cli::verify(suite_, options_.run.n_threads, options_.output); });
    verify.add_flag_callback(
        "--calibration", [this] { suite_ = Suite::calibration; },
        "The cases of calibration instead: exact posteriors, ranks, scores");
    add_threads(verify);

    add_calibrate();

    CLI::App& sensitivity =
        add("sensitivity", "Say what drives the answer, one assumption at a time",
            "uptake sensitivity scenarios/care-homes.toml --method one-way -o results/care-homes", [this] {
              sensitivity_.overrides = options_.overrides();
              sensitivity_.n_threads = options_.run.n_threads;
              sensitivity_.progress = options_.run.progress;
              return cli::sensitivity(sensitivity_, options_.output);
            });
    sensitivity.add_option("SCENARIO", sensitivity_.scenario, "Scenario file (TOML)")->required()->type_name("FILE");
    sensitivity.add_option("--method", sensitivity_method_, "one-way")->required()->check(CLI::IsMember({"one-way"}));
    sensitivity.add_option("--metric", sensitivity_.metric, "Metric of the report dates [what the scenario is about]")
        ->type_name("NAME");
    sensitivity.add_option("-o,--output", sensitivity_.folder, "Folder for sensitivity.json and the page")
        ->type_name("DIR")
        ->check(is_named);
    sensitivity.add_option("--replicates", sensitivity_.n_replicates, "Replicates for each setting [20]")
        ->type_name("N")
        ->check(CLI::Range(2, 100000));
    add_progress(sensitivity);
    add_threads(sensitivity);
    add_seed(sensitivity);
    add_posterior(sensitivity);
    add_overrides(sensitivity);

    add_backtest();

    CLI::App& exporting = add(
        "export", "Write the results of a run, or the network of a scenario, as tables of plain text",
        "uptake export results/care-homes --csv", [this] {
          if (!network_into_) return export_tables(results_folder(report_folder_), export_into_, options_.output);
          if (export_into_)
            throw InputError({{"--output " + export_into_->string(),
                               "is the folder of tables, and --network names its own", "leave out one of the two"}});
          return export_network_of(report_folder_, options_.overrides(), *network_into_, options_.output);
        });
    exporting.add_option("WHAT", report_folder_, "Folder of results, or with --network a scenario file or name")
        ->required()
        ->type_name("");
    CLI::Option* const csv = exporting.add_flag("--csv")->description(
        "Results as tables in CSV with a data dictionary: what is done unless --network is given");
    exporting.add_option("-o,--output", export_into_, "Folder of the tables [WHAT/csv]")
        ->type_name("DIR")
        ->check(is_named);
    exporting
        .add_option("--network", network_into_,
                    "Ties, clocks and hazards of the scenario's first world into this folder, for other engines")
        ->type_name("DIR")
        ->check(is_named)
        ->excludes(csv);
    add_seed(exporting);
    add_overrides(exporting);

    CLI::App& report = add("report", "Make the page of a finished run again, or fill the checklist CHEERS 2022",
                           "uptake report results/care-homes --cheers", [this] {
                             if (as_checklist_) report_.kind = ReportOptions::Kind::cheers;
                             if (overwrite_checklist_) report_.existing = Existing::overwrite;
                             report_.folder = results_folder(report_.folder);
                             return cli::report(report_, options_.output);
                           });
    report.add_option("DIR", report_.folder, "Folder of the results")->required()->type_name("");
    report.add_flag("--cheers", as_checklist_, "The reporting checklist CHEERS 2022 as Markdown, instead of the page");
    report.add_option("-o,--output", report_.file, "File of the checklist [DIR/cheers.md]")
        ->type_name("FILE")
        ->check(is_named);
    report.add_flag("--overwrite", overwrite_checklist_, "Replace a checklist that somebody has written in");
    add_import();

    add("licences", "Print the notices of third-party libraries and data", "uptake licences",
        [this] { return cli::licences(options_.output); });
  }

  ExitCode perform(int argc, char** argv) {
    options_.run.command.assign(argv, argv + argc);
    slurm_.program = options_.run.command.front();
    if (const char* called = std::getenv("UPTAKE_CALLED"); called != nullptr && *called != '\0')
      options_.run.command.front() = called;  // the script that started the program
    const Launched here = launched();
    try {
      app_.parse(argc, argv);
    } catch (const CLI::Success& asked) {  // --help, --version
      if (here.rank == 0) app_.exit(asked);
      return ExitCode::done;
    } catch (const CLI::ParseError& error) {
      if (here.rank > 0) return ExitCode::bad_input;  // the first process says it
      if (argc < 2) {
        tell("{}", app_.help());
      } else {
        print_problems(problems_of_usage(error));
      }
      return ExitCode::bad_input;
    }
    for (const Command& command : commands_) {
      if (!command.app->parsed()) continue;
      if (command.by == By::first_process && here.size > 1) {
        // Side by side they would write over each other.
        if (here.rank > 0) return ExitCode::done;
        if (options_.output.verbosity == Verbosity::normal)
          tell("{}: {} processes were started together, and the first does it alone (run and calibrate are shared)\n",
               command.app->get_name(), here.size);
      }
      options_.run.overrides = options_.overrides();
      limit_threads();
      return command.perform();
    }
    return ExitCode::bad_input;
  }

 private:
  CLI::App& add(const std::string& name, const std::string& meaning, const std::string& example,
                std::function<ExitCode()> perform, By by = By::first_process) {
    CLI::App* command = app_.add_subcommand(name, meaning);
    command->footer("Example: " + example + "\n\n" + exit_codes());
    command->add_flag_callback(
        "--json", [this] { options_.output.format = Format::json; }, "Print JSON");
    command->add_flag_callback(
        "--quiet", [this] { options_.output.verbosity = Verbosity::quiet; }, "Print results and errors, nothing else");
    commands_.push_back({command, std::move(perform), by});
    return *command;
  }

  /// More threads than cores only take turns, and a batch system counts them.
  void limit_threads() {
    const int most = available_threads();
    if (options_.run.n_threads <= most) return;
    if (options_.output.verbosity == Verbosity::normal) {
      tell("--threads {}: this process may use {}, so {}\n", options_.run.n_threads, plural(most, "core"),
           plural(most, "thread"));
    }
    options_.run.n_threads = most;
  }

  /// `0/4`: the first of four tasks.
  static std::optional<Share> share_of(const std::string& text) {
    constexpr int kTasks = 1'000'000;
    Share share;
    const char* end = text.data() + text.size();
    const auto [slash, bad_task] = std::from_chars(text.data(), end, share.task);
    if (bad_task != std::errc() || slash == end || *slash != '/') return std::nullopt;
    const auto [rest, bad_number] = std::from_chars(slash + 1, end, share.n_tasks);
    if (bad_number != std::errc() || rest != end) return std::nullopt;
    if (share.n_tasks < 1 || share.n_tasks > kTasks || share.task < 0 || share.task >= share.n_tasks)
      return std::nullopt;
    return share;
  }

  void add_merge() {
    CLI::App& command = add("merge", "Make one result of the part files that tasks left",
                            "uptake merge results/care-homes -o results/care-homes", [this] {
                              merge_.n_threads = options_.run.n_threads;
                              merge_.command = options_.run.command;
                              return cli::merge(merge_, options_.output);
                            });
    command.add_option("SHARD", merge_.shards, "Folders of tasks, or part files in their .parts")
        ->required()
        ->type_name("");
    command.add_option("-o,--output", merge_.folder, "Folder of the result [the one SHARD]")
        ->type_name("DIR")
        ->check(is_named);
    command.add_option("--scenario", merge_.scenario, "Scenario file, when it is no longer where the tasks found it")
        ->type_name("FILE");
    command.add_flag_callback(
        "--overwrite", [this] { merge_.existing = Existing::overwrite; }, "Replace a result that is there");
    add_threads(command);
  }

  void add_slurm() {
    CLI::App& command =
        add("slurm", "Print a batch script that runs a scenario as a Slurm array and merges it",
            "uptake slurm scenarios/care-homes.toml --tasks 20 --cores 8 --time 00:30:00 >care-homes.sh", [this] {
              slurm_.overrides = options_.overrides();
              return cli::slurm(slurm_, options_.output);
            });
    command.add_option("SCENARIO", slurm_.scenario, "Scenario file (TOML), or the name of a shipped one")
        ->required()
        ->type_name("FILE");
    command.add_option("--tasks", slurm_.n_tasks, "Tasks of the array")
        ->required()
        ->type_name("N")
        ->check(CLI::Range(1, 1'000'000));
    command.add_option("-o,--output", slurm_.folder, "Folder of the results [results/<scenario name>]")
        ->type_name("DIR")
        ->check(is_named);
    command.add_option("--cores", slurm_.n_cores, "Cores of each task [1]")->type_name("N")->check(CLI::Range(1, 4096));
    // These go into lines that Slurm reads word by word.
    const auto one_word = [](const std::string& text) {
      const bool plain = !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c != '\x7f'; });
      return plain ? std::string() : fmt::format("\"{}\" is not one word", text);
    };
    command.add_option("--time", slurm_.time, "Longest time of a task, as Slurm writes it [01:00:00]")
        ->type_name("TIME")
        ->check(one_word);
    command.add_option("--memory", slurm_.memory, "Memory of a task [2G]")->type_name("SIZE")->check(one_word);
    command.add_option("--partition", slurm_.partition, "Partition [the default one]")
        ->type_name("NAME")
        ->check(one_word);
    command.add_option("--account", slurm_.account, "Account that pays [the default one]")
        ->type_name("NAME")
        ->check(one_word);
    command.add_option("--replicates", options_.replicates, "Number of replicates instead of the scenario's")
        ->type_name("N");
    add_seed(command);
    add_posterior(command);
    add_overrides(command);
  }

  void add_compare() {
    CompareOptions& compare = options_.compare;
    CLI::App& command = add("compare", "Compare strategies, scenarios or results, replicate by replicate",
                            "uptake compare scenarios/minimal.toml --target 'ever_adopted>=4@2022-03-31'", [this] {
                              CompareOptions asked = options_.compare;
                              asked.command = options_.run.command;
                              asked.overrides = options_.overrides();
                              asked.replicates = options_.replicates;
                              asked.has_own_overrides = !options_.set.empty() || options_.seed || options_.posterior;
                              asked.n_threads = options_.run.n_threads;
                              asked.progress = options_.run.progress;
                              return cli::compare(asked, options_.output);
                            });
    command.footer(
        "One scenario or folder: each of its strategies minus the first. Several: the first strategy of each, by "
        "name, minus that of the first named; where that is the same in every world, as among what-ifs, their other "
        "strategies minus it.\n\n" +
        command.get_footer());
    command.add_option("RUN", compare.runs, "Scenario files or names, or folders of results")
        ->required()
        ->type_name("");
    command.add_option("--baseline", compare.baseline, "Strategy that is subtracted [the first]")
        ->type_name("STRATEGY");
    command.add_option("--metric", compare.metrics, "Metric to compare (repeatable) [all]")
        ->type_name("NAME")
        ->allow_extra_args(false);
    command
        .add_option("--target", compare.targets,
                    "Level whose chance is printed, METRIC>=VALUE@DATE or PROGRAMME:METRIC<=VALUE@DATE (repeatable)")
        ->type_name("TARGET")
        ->allow_extra_args(false);
    command.add_flag_callback(
        "--variance", [&compare] { compare.variance = CompareOptions::Variance::measured; },
        "Measure how much less the pairs vary than independent seeds (runs the baseline again)");
    command.add_flag_callback(
        "--shapley", [&compare] { compare.drivers = CompareOptions::Drivers::split; },
        "Split what is delivered over effort, incentive and shock (8 worlds)");
    command.add_option("-o,--output", compare.folder, "Folder for the page compare.html and compare.json")
        ->type_name("DIR")
        ->check(is_named);
    command.add_flag_callback(
        "--overwrite", [&compare] { compare.existing = Existing::overwrite; }, "Replace a comparison that is there");
    command.add_option("--replicates", options_.replicates, "Number of replicates instead of the scenario's")
        ->type_name("N");
    add_progress(command);
    add_threads(command);
    add_seed(command);
    add_posterior(command);
    add_overrides(command);
  }

  void add_backtest() {
    BacktestCommand& asked = backtest_;
    CLI::App& command = add("backtest", "Fit to what was known, forecast the rest of the record, and score it",
                            "uptake backtest history --cutoff 2019-04 --programme pincer -o out", [this] {
                              backtest_.overrides = options_.overrides();
                              backtest_.n_threads = options_.run.n_threads;
                              backtest_.progress = options_.run.progress;
                              backtest_.command = options_.run.command;
                              return cli::backtest(backtest_, options_.output);
                            });
    command.footer(
        "One of --cutoff, --leave-out and --fraction says what was known. Forecasts are made of every later "
        "observation "
        "in the table and compared with persistence, a linear trend and a plain Bass curve.\n\n" +
        command.get_footer());
    command.add_option("HISTORY", asked.history, "Record (TOML), or the name of the shipped one, history")
        ->required()
        ->type_name("FILE");
    command
        .add_option("--cutoff", asked.cutoff,
                    "What was over by then was known: 2019-04-30, 2019-04 (its last day) or 2019")
        ->type_name("DATE");
    command.add_option("--leave-out", asked.leave_out, "Forecast this programme from what all others say")
        ->type_name("PROGRAMME");
    command.add_option("--fraction", asked.fractions, "Shares of each programme's observed period, e.g. 0.25,0.5,0.75")
        ->type_name("F,...")
        ->delimiter(',')
        ->allow_extra_args(false);
    command.add_option("--dates", asked.dates, "Forecast these days too, observed or not")
        ->type_name("DATE,...")
        ->delimiter(',')
        ->allow_extra_args(false);
    command.add_option("--programme", asked.programmes, "Only this programme (repeatable) [all]")
        ->type_name("NAME")
        ->delimiter(',')
        ->allow_extra_args(false);
    command
        .add_option(
            "--budget", asked.budget,
            fmt::format("Simulations of each fit; the sweep of all particles that reaches them is finished [{}, "
                        "a fifth of a calibration's]",
                        kBacktestBudget))
        ->type_name("N")
        ->check(CLI::Range(1000, 100'000'000));
    command.add_option("--particles", asked.n_particles, fmt::format("Particles of each fit [{}]", kBacktestParticles))
        ->type_name("N")
        ->check(CLI::Range(100, 1'000'000));
    command
        .add_option("--posterior", asked.posterior,
                    "For --leave-out: what was calibrated before (posterior = the shipped one), instead of doing so")
        ->type_name("FILE")
        ->check(is_named);
    command.add_option("-o,--output", asked.folder, "Folder for backtest.h5, backtest.json and backtest.csv")
        ->type_name("DIR")
        ->check(is_named);
    command.add_flag_callback(
        "--overwrite", [&asked] { asked.existing = Existing::overwrite; }, "Replace a back-test that is there");
    add_progress(command);
    add_threads(command);
    add_seed(command);
    add_overrides(command);
  }

  void add_calibrate() {
    CalibrateOptions& calibrate = calibrate_;
    CLI::App& command = add(
        "calibrate", "Find the parameters of past programmes from what was published of them",
        "uptake calibrate scenarios/history.toml --programme focus-adhd -o results/focus-adhd",
        [this] {
          calibrate_.overrides = options_.overrides();
          calibrate_.n_threads = options_.run.n_threads;
          calibrate_.progress = options_.run.progress;
          calibrate_.command = options_.run.command;
          return cli::calibrate(calibrate_, options_.output);
        },
        By::ranks_together);
    command
        .add_option("HISTORY", calibrate.record,
                    "File that says how the record is read (TOML), or `history`, the shipped one")
        ->required()
        ->type_name("FILE");
    command.add_option("-o,--output", calibrate.folder, "Folder of the results [results/<name>]")
        ->type_name("DIR")
        ->check(is_named);
    command.add_option("--programme", calibrate.programmes, "Only this programme (repeatable) [all]")
        ->type_name("NAME")
        ->allow_extra_args(false);
    command
        .add_option("--method", calibrate.method, "abc (default), tempered (exact, slow) or kalman (approximate, fast)")
        ->check(CLI::IsMember({"abc", "tempered", "kalman"}));
    command.add_option("--cutoff", calibrate.cutoff, "Fit to nothing that was counted after this day")
        ->type_name("DATE");
    command
        .add_option("--budget", calibrate.budget,
                    "Simulations of each programme; the sweep of all particles that reaches them is finished [100000]")
        ->type_name("N")
        ->check(CLI::Range(100, 1'000'000'000));
    command.add_option("--particles", calibrate.n_particles, "Parameter vectors that are moved together [2000]")
        ->type_name("N")
        ->check(CLI::Range(100, 1'000'000));
    command.add_option("--draws", calibrate.n_draws, "Draws of the posterior that are kept of each programme [1000]")
        ->type_name("N")
        ->check(CLI::Range(100, 1'000'000));
    auto* overwrite = command.add_flag_callback(
        "--overwrite", [&calibrate] { calibrate.existing = Existing::overwrite; }, "Replace a result that is there");
    command
        .add_flag_callback(
            "--resume", [&calibrate] { calibrate.existing = Existing::resume; }, "Go on with an unfinished calibration")
        ->excludes(overwrite);
    add_progress(command);
    add_threads(command);
    add_seed(command);
    add_overrides(command);
  }

  /// One command with a word before the files of each publisher, so that one folder comes out of one command.
  void add_import() {
    CLI::App& command =
        add("import", "Make population tables of public registers",
            "uptake import ods etr.csv epraccur.csv gp gp-reg-pat-prac-all.csv cqc locations.csv -o tables",
            [this] { return import_registers(options_.registers, options_.output); });
    command.add_option("-o,--output", options_.registers.folder, "Folder of the tables")
        ->required()
        ->type_name("DIR")
        ->check(is_named);
    command.add_flag_callback(
        "--overwrite", [this] { options_.registers.there = TablesThere::replace; }, "Replace tables that are there");
    command.require_subcommand(1, 0);
    const auto publisher = [&](const std::string& name, const std::string& meaning,
                               std::vector<std::filesystem::path>& files) {
      CLI::App* word = command.add_subcommand(name, meaning)->fallthrough();
      word->add_option("FILE", files, "Files as published")->required()->type_name("");
    };
    RegisterFiles& files = options_.registers.files;
    publisher("ods", "Organisation Data Service: etr, ets, epraccur, ecarehomesite", files.ods);
    publisher("gp", "Patients registered at a GP practice: list sizes, map of practices", files.gp);
    publisher("cqc", "Care Quality Commission: active locations, social-care export", files.cqc);
    publisher("ae", "A&E attendances and emergency admissions, monthly", files.ae);
    publisher("postcodes", "ONS postcode directory, to place who has no coordinates", files.postcodes);
  }

  void add_threads(CLI::App& command) {
    command.add_option("--threads", options_.run.n_threads, "Threads [all that this process may use]")
        ->type_name("N")
        ->check(CLI::Range(1, 4096));
  }
  void add_seed(CLI::App& command) {
    command.add_option("--seed", options_.seed, "Seed instead of the scenario's")->type_name("N");
  }
  /// For commands that draw parameters of a scenario.
  void add_posterior(CLI::App& command) {
    command
        .add_option("--posterior", options_.posterior,
                    "Draw calibrated parameters from this file (posterior = the shipped one) instead of the scenario's")
        ->type_name("FILE")
        ->check(is_named);
  }
  void add_overrides(CLI::App& command) {
    command
        .add_option("--set", options_.set,
                    "Set one value of the scenario, e.g. --set \"bass.q=0.5 /year\" (repeatable)")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false)
        // Options that become settings are told from them by their dashes, so that problems stand at the option.
        ->check([](const std::string& text) {
          return text.starts_with("-") ? std::string("sets no KEY=VALUE: a key does not begin with a dash") : "";
        });
  }
  void add_progress(CLI::App& command) {
    const std::map<std::string, ProgressStyle> styles{{"auto", ProgressStyle::automatic},
                                                      {"plain", ProgressStyle::plain},
                                                      {"json", ProgressStyle::json},
                                                      {"off", ProgressStyle::off}};
    command
        .add_option_function<std::string>(
            "--progress", [this, styles](const std::string& name) { options_.run.progress = styles.at(name); },
            "Progress on stderr: auto, plain, json or off [auto]")
        ->type_name("STYLE")
        ->check(CLI::IsMember({"auto", "plain", "json", "off"}));
  }

  /// One problem for each argument that nobody expects, with the nearest name; else what the parser says.
  [[nodiscard]] std::vector<Problem> problems_of_usage(const CLI::ParseError& error) const {
    const CLI::App* command = nullptr;
    std::vector<std::string> names;
    for (const Command& candidate : commands_) {
      if (candidate.app->parsed()) command = candidate.app;
      names.push_back(candidate.app->get_name());
    }
    const std::string see = command ? "uptake " + command->get_name() + " --help" : "uptake --help";
    const auto suggestion = [&](const std::string& word, const std::vector<std::string>& candidates) {
      const std::vector<std::string_view> views(candidates.begin(), candidates.end());
      const std::string nearest = nearest_name(word, views);
      return nearest.empty() ? fmt::format("see `{}`", see) : fmt::format("did you mean \"{}\"?", nearest);
    };
    std::vector<Problem> problems;
    bool may_be_value = false;  // of an option that nobody knows: then it is no mistake of its own
    for (const std::string& argument : app_.remaining(true)) {
      const std::string word = argument.substr(0, argument.find('='));
      if (std::exchange(may_be_value, word.starts_with("-") && word == argument) && !word.starts_with("-")) continue;
      if (word.starts_with("-")) {
        std::vector<std::string> options;
        for (const CLI::Option* option : (command ? command : &app_)->get_options()) {
          for (const std::string& name : option->get_lnames()) options.push_back("--" + name);
        }
        problems.push_back({word, "is not an option", suggestion(word, options)});
      } else if (command == nullptr) {
        problems.push_back({word, "is not a command", suggestion(word, names)});
        break;  // what follows an unknown command cannot be judged
      } else {
        std::vector<std::string> parts;
        for (const CLI::App* part : command->get_subcommands([](const CLI::App*) { return true; })) {
          parts.push_back(part->get_name());
        }
        problems.push_back({word, "is one argument too many", suggestion(word, parts)});
      }
    }
    if (problems.empty()) {
      problems.push_back({command ? command->get_name() : "uptake", error.what(), fmt::format("see `{}`", see)});
    }
    return problems;
  }

  CLI::App app_;
  Options options_;
  bool of_population_ = false;
  ExitCode (*list_what_)(const Output&) = cli::list;
  std::filesystem::path report_folder_;
  ReportOptions report_;
  bool as_checklist_ = false, overwrite_checklist_ = false;
  std::optional<std::filesystem::path> export_into_;
  std::optional<std::filesystem::path> network_into_;
  SensitivityOptions sensitivity_;
  CalibrateOptions calibrate_;
  MergeOptions merge_;
  SlurmOptions slurm_;
  BacktestCommand backtest_;
  std::string sensitivity_method_;
  Suite suite_ = Suite::model;
  std::vector<Command> commands_;
};

ExitCode guarded(int argc, char** argv) {
  try {
    ExitCode code = Parser().perform(argc, argv);
    // A result that did not reach its reader was not delivered.
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      print_problems({{"stdout", "cannot be written", ""}});
      if (code == ExitCode::done) code = ExitCode::cannot_read_or_write;
    }
    return code;
  } catch (...) {
    const Failure failure = failure_of(std::current_exception());
    print_problems(failure.problems);
    return failure.code;
  }
}

}  // namespace
}  // namespace uptake::cli

int main(int argc, char** argv) {
  // A write beyond `ulimit -f` then fails as on a full disk, and says so, instead of ending the process.
  static_cast<void>(std::signal(SIGXFSZ, SIG_IGN));
  return static_cast<int>(uptake::cli::guarded(argc, argv));
}
