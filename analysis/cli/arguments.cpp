// What each command takes, in one table of all commands and a function each that adds its options.
#include "arguments.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <map>
#include <utility>

#include "backtest/backtest.hpp"
#include "uptake/scenario.hpp"
#include "uptake/version.hpp"

namespace uptake::cli {

std::vector<std::string> Arguments::overrides() const {
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

namespace {

std::string exit_codes() {
  std::string text = "Exit codes:";
  for (const ExitCodeMeaning& row : kExitCodes) {
    text += fmt::format("\n  {}  {}", static_cast<int>(row.code), row.meaning);
  }
  return text;
}

// ---- options that several commands take -------------------------------------------------------------------------------

/// "" is where nobody means to write or read: it would be the current folder, or nothing.
std::string is_named(const std::string& name) { return name.empty() ? "names no file or folder" : ""; }

template <typename Path>
CLI::Option* add_output(CLI::App& command, Path& folder, const std::string& meaning) {
  return command.add_option("-o,--output", folder, meaning)->type_name("DIR")->check(is_named);
}

CLI::Option* add_overwrite(CLI::App& command, Existing& existing, const std::string& meaning) {
  return command.add_flag_callback(
      "--overwrite", [&existing] { existing = Existing::overwrite; }, meaning);
}

void add_resume(CLI::App& command, Existing& existing, const std::string& meaning, CLI::Option* overwrite) {
  command
      .add_flag_callback(
          "--resume", [&existing] { existing = Existing::resume; }, meaning)
      ->excludes(overwrite);
}

void add_replicates(CLI::App& command, Arguments& typed) {
  command.add_option("--replicates", typed.replicates, "Number of replicates instead of the scenario's")
      ->type_name("N");
}

void add_progress(CLI::App& command, Arguments& typed) {
  const std::map<std::string, ProgressStyle> styles{{"auto", ProgressStyle::automatic},
                                                    {"plain", ProgressStyle::plain},
                                                    {"json", ProgressStyle::json},
                                                    {"off", ProgressStyle::off}};
  command
      .add_option_function<std::string>(
          "--progress", [&typed, styles](const std::string& name) { typed.progress = styles.at(name); },
          "Progress on stderr: auto, plain, json or off [auto]")
      ->type_name("STYLE")
      ->check(CLI::IsMember({"auto", "plain", "json", "off"}));
}

void add_threads(CLI::App& command, Arguments& typed) {
  command.add_option("--threads", typed.n_threads, "Threads [all that this process may use]")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
}

void add_seed(CLI::App& command, Arguments& typed) {
  command.add_option("--seed", typed.seed, "Seed instead of the scenario's")->type_name("N");
}

/// For commands that draw parameters of a scenario.
void add_posterior(CLI::App& command, Arguments& typed) {
  command
      .add_option("--posterior", typed.posterior,
                  "Draw calibrated parameters from this file (posterior = the shipped one) instead of the scenario's")
      ->type_name("FILE")
      ->check(is_named);
}

void add_overrides(CLI::App& command, Arguments& typed) {
  command.add_option("--set", typed.set, "Set one value of the scenario, e.g. --set \"bass.q=0.5 /year\" (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      // Options that become settings are told from them by their dashes, so that problems stand at the option.
      ->check([](const std::string& text) {
        return text.starts_with("-") ? std::string("sets no KEY=VALUE: a key does not begin with a dash") : "";
      });
}

// ---- what each command takes ------------------------------------------------------------------------------------------

/// `0/4`: the first of four tasks.
std::optional<Share> share_of(const std::string& text) {
  constexpr int kTasks = 1'000'000;
  Share share;
  const char* end = text.data() + text.size();
  const auto [slash, bad_task] = std::from_chars(text.data(), end, share.task);
  if (bad_task != std::errc() || slash == end || *slash != '/') return std::nullopt;
  const auto [rest, bad_number] = std::from_chars(slash + 1, end, share.n_tasks);
  if (bad_number != std::errc() || rest != end) return std::nullopt;
  if (share.n_tasks < 1 || share.n_tasks > kTasks || share.task < 0 || share.task >= share.n_tasks) return std::nullopt;
  return share;
}

void add_run(CLI::App& command, Arguments& typed) {
  RunOptions& run = typed.run;
  command.add_option("SCENARIO", run.scenario, "Scenario file (TOML), or the name of a shipped one")
      ->required()
      ->type_name("FILE");
  add_output(command, run.folder, "Folder of the results [results/<scenario name>]");
  add_replicates(command, typed);
  CLI::Option* const overwrite = add_overwrite(command, run.existing, "Replace a result that is there");
  add_resume(command, run.existing, "Go on with an unfinished run", overwrite);
  command.add_flag_callback(
      "--dry-run", [&run] { run.action = Action::dry_run; }, "Say what would be done and how long it would take");
  command
      .add_option_function<std::string>(
          "--task", [&run](const std::string& text) { run.share = share_of(text); },
          "Simulate every N-th replicate, from the I-th on, and leave them for `uptake merge`")
      ->type_name("I/N")
      ->check([](const std::string& text) {
        return share_of(text) ? std::string()
                              : fmt::format("{} is no task; write 0/4 for the first of four, 3/4 for the last", text);
      });
  add_progress(command, typed);
  add_threads(command, typed);
  add_seed(command, typed);
  add_posterior(command, typed);
  command
      .add_option("--outside-view", typed.outside_view,
                  "Show beside the model's intervals their average with what past forecasts came to, these with this "
                  "weight from 0 to 1 [0]; no simulated world changes")
      ->type_name("WEIGHT");
  add_overrides(command, typed);
}

void add_compare(CLI::App& command, Arguments& typed) {
  CompareOptions& compare = typed.compare;
  command.footer(
      "One scenario or folder: each of its strategies minus the first. Several: the first strategy of each, by "
      "name, minus that of the first named; where that is the same in every world, as among what-ifs, their other "
      "strategies minus it.\n\n" +
      command.get_footer());
  command.add_option("RUN", compare.runs, "Scenario files or names, or folders of results")->required()->type_name("");
  command.add_option("--baseline", compare.baseline, "Strategy that is subtracted [the first]")->type_name("STRATEGY");
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
  add_output(command, compare.folder, "Folder for the page compare.html and compare.json");
  add_overwrite(command, compare.existing, "Replace a comparison that is there");
  add_replicates(command, typed);
  add_progress(command, typed);
  add_threads(command, typed);
  add_seed(command, typed);
  add_posterior(command, typed);
  add_overrides(command, typed);
}

void add_merge(CLI::App& command, Arguments& typed) {
  MergeOptions& merge = typed.merge;
  command.add_option("SHARD", merge.shards, "Folders of tasks, or part files in their .parts")
      ->required()
      ->type_name("");
  add_output(command, merge.folder, "Folder of the result [the one SHARD]");
  command.add_option("--scenario", merge.scenario, "Scenario file, when it is no longer where the tasks found it")
      ->type_name("FILE");
  add_overwrite(command, merge.existing, "Replace a result that is there");
  add_threads(command, typed);
}

void add_slurm(CLI::App& command, Arguments& typed) {
  SlurmOptions& slurm = typed.slurm;
  command.add_option("SCENARIO", slurm.scenario, "Scenario file (TOML), or the name of a shipped one")
      ->required()
      ->type_name("FILE");
  command.add_option("--tasks", slurm.n_tasks, "Tasks of the array")
      ->required()
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000));
  add_output(command, slurm.folder, "Folder of the results [results/<scenario name>]");
  command.add_option("--cores", slurm.n_cores, "Cores of each task [1]")->type_name("N")->check(CLI::Range(1, 4096));
  // These go into lines that Slurm reads word by word.
  const auto one_word = [](const std::string& text) {
    const bool plain = !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c != '\x7f'; });
    return plain ? std::string() : fmt::format("\"{}\" is not one word", text);
  };
  command.add_option("--time", slurm.time, "Longest time of a task, as Slurm writes it [01:00:00]")
      ->type_name("TIME")
      ->check(one_word);
  command.add_option("--memory", slurm.memory, "Memory of a task [2G]")->type_name("SIZE")->check(one_word);
  command.add_option("--partition", slurm.partition, "Partition [the default one]")->type_name("NAME")->check(one_word);
  command.add_option("--account", slurm.account, "Account that pays [the default one]")
      ->type_name("NAME")
      ->check(one_word);
  add_replicates(command, typed);
  add_seed(command, typed);
  add_posterior(command, typed);
  add_overrides(command, typed);
}

void add_validate(CLI::App& command, Arguments& typed) {
  command.add_option("FILE", typed.files, "Scenario files, or names of shipped ones")->required()->type_name("");
  add_posterior(command, typed);
  add_overrides(command, typed);
}

void add_params(CLI::App& command, Arguments& typed) {
  command.add_option("SCENARIO", typed.params_of, "Print the values that hold in this scenario")->type_name("FILE");
  add_posterior(command, typed);
  add_overrides(command, typed);
}

void add_list(CLI::App& command, Arguments& typed) {
  CLI::Option* const programmes = command.add_flag_callback(
      "--programmes", [&typed] { typed.list_what = cli::list_programmes; },
      "List the programmes shipped, with evidence, adopters, outcome and window");
  CLI::Option* const outcomes = command.add_flag_callback(
      "--outcomes", [&typed] { typed.list_what = cli::list_outcomes; },
      "List the kinds of outcome, with formula, source and the dimensions of impact that they speak to");
  CLI::Option* const regions = command.add_flag_callback(
      "--regions", [&typed] { typed.list_what = cli::list_regions; },
      "List the regions of England by all of their names");
  programmes->excludes(outcomes)->excludes(regions);
  outcomes->excludes(regions);
}

void add_info(CLI::App& command, Arguments& typed) {
  command.add_flag_callback(
      "--population", [&typed] { typed.info_about = cli::info_population; },
      "Print England as built beside its tables");
}

void add_verify(CLI::App& command, Arguments& typed) {
  command.add_flag_callback(
      "--calibration", [&typed] { typed.suite = Suite::calibration; },
      "The cases of calibration instead: exact posteriors, ranks, scores");
  add_threads(command, typed);
}

void add_calibrate(CLI::App& command, Arguments& typed) {
  CalibrateOptions& calibrate = typed.calibrate;
  command
      .add_option("HISTORY", calibrate.record,
                  "File that says how the record is read (TOML), or `history`, the shipped one")
      ->required()
      ->type_name("FILE");
  add_output(command, calibrate.folder, "Folder of the results [results/<name>]");
  command.add_option("--programme", calibrate.programmes, "Only this programme (repeatable) [all]")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command
      .add_option("--method", calibrate.method, "abc (default), tempered (exact, slow) or kalman (approximate, fast)")
      ->check(CLI::IsMember({"abc", "tempered", "kalman"}));
  command.add_option("--cutoff", calibrate.cutoff, "Fit to nothing that was counted after this day")->type_name("DATE");
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
  CLI::Option* const overwrite = add_overwrite(command, calibrate.existing, "Replace a result that is there");
  add_resume(command, calibrate.existing, "Go on with an unfinished calibration", overwrite);
  add_progress(command, typed);
  add_threads(command, typed);
  add_seed(command, typed);
  add_overrides(command, typed);
}

void add_sensitivity(CLI::App& command, Arguments& typed) {
  SensitivityOptions& sensitivity = typed.sensitivity;
  command.add_option("SCENARIO", sensitivity.scenario, "Scenario file (TOML)")->required()->type_name("FILE");
  command.add_option("--method", typed.sensitivity_method, "one-way")->required()->check(CLI::IsMember({"one-way"}));
  command.add_option("--metric", sensitivity.metric, "Metric of the report dates [what the scenario is about]")
      ->type_name("NAME");
  add_output(command, sensitivity.folder, "Folder for sensitivity.json and the page");
  command.add_option("--replicates", sensitivity.n_replicates, "Replicates for each setting [20]")
      ->type_name("N")
      ->check(CLI::Range(2, 100000));
  add_progress(command, typed);
  add_threads(command, typed);
  add_seed(command, typed);
  add_posterior(command, typed);
  add_overrides(command, typed);
}

void add_backtest(CLI::App& command, Arguments& typed) {
  BacktestCommand& backtest = typed.backtest;
  command.footer(
      "One of --cutoff, --leave-out and --fraction says what was known. Forecasts are made of every later observation "
      "in the table and compared with persistence, a linear trend and a plain Bass curve.\n\n" +
      command.get_footer());
  command.add_option("HISTORY", backtest.history, "Record (TOML), or the name of the shipped one, history")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--cutoff", backtest.cutoff,
                  "What was over by then was known: 2019-04-30, 2019-04 (its last day) or 2019")
      ->type_name("DATE");
  command.add_option("--leave-out", backtest.leave_out, "Forecast this programme from what all others say")
      ->type_name("PROGRAMME");
  command
      .add_option("--fraction", backtest.fractions, "Shares of each programme's observed period, e.g. 0.25,0.5,0.75")
      ->type_name("F,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_option("--dates", backtest.dates, "Forecast these days too, observed or not")
      ->type_name("DATE,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_option("--programme", backtest.programmes, "Only this programme (repeatable) [all]")
      ->type_name("NAME")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      .add_option("--budget", backtest.budget,
                  fmt::format("Simulations of each fit; the sweep of all particles that reaches them is finished [{}, "
                              "a fifth of a calibration's]",
                              kBacktestBudget))
      ->type_name("N")
      ->check(CLI::Range(1000, 100'000'000));
  command
      .add_option("--particles", backtest.n_particles, fmt::format("Particles of each fit [{}]", kBacktestParticles))
      ->type_name("N")
      ->check(CLI::Range(100, 1'000'000));
  command
      .add_option("--posterior", backtest.posterior,
                  "For --leave-out: what was calibrated before (posterior = the shipped one), instead of doing so")
      ->type_name("FILE")
      ->check(is_named);
  add_output(command, backtest.folder, "Folder for backtest.h5, backtest.json and backtest.csv");
  add_overwrite(command, backtest.existing, "Replace a back-test that is there");
  add_progress(command, typed);
  add_threads(command, typed);
  add_seed(command, typed);
  add_overrides(command, typed);
}

void add_export(CLI::App& command, Arguments& typed) {
  command.add_option("WHAT", typed.exported, "Folder of results, or with --network a scenario file or name")
      ->required()
      ->type_name("");
  CLI::Option* const csv = command.add_flag("--csv")->description(
      "Results as tables in CSV with a data dictionary: what is done unless --network is given");
  add_output(command, typed.tables, "Folder of the tables [WHAT/csv]");
  command
      .add_option("--network", typed.network,
                  "Ties, clocks and hazards of the scenario's first world into this folder, for other engines")
      ->type_name("DIR")
      ->check(is_named)
      ->excludes(csv);
  add_seed(command, typed);
  add_overrides(command, typed);
}

void add_report(CLI::App& command, Arguments& typed) {
  ReportOptions& report = typed.report;
  command.add_option("DIR", report.folder, "Folder of the results")->required()->type_name("");
  command.add_flag_callback(
      "--cheers", [&report] { report.kind = ReportOptions::Kind::cheers; },
      "The reporting checklist CHEERS 2022 as Markdown, instead of the page");
  command.add_option("-o,--output", report.file, "File of the checklist [DIR/cheers.md]")
      ->type_name("FILE")
      ->check(is_named);
  add_overwrite(command, report.existing, "Replace a checklist that somebody has written in");
}

/// One command with a word before the files of each publisher, so that one folder comes out of one command.
void add_import(CLI::App& command, Arguments& typed) {
  ImportOptions& registers = typed.registers;
  add_output(command, registers.folder, "Folder of the tables")->required();
  command.add_flag_callback(
      "--overwrite", [&registers] { registers.there = TablesThere::replace; }, "Replace tables that are there");
  command.require_subcommand(1, 0);
  const auto publisher = [&](const std::string& name, const std::string& meaning,
                             std::vector<std::filesystem::path>& files) {
    CLI::App* word = command.add_subcommand(name, meaning)->fallthrough();
    word->add_option("FILE", files, "Files as published")->required()->type_name("");
  };
  RegisterFiles& files = registers.files;
  publisher("ods", "Organisation Data Service: etr, ets, epraccur, ecarehomesite", files.ods);
  publisher("gp", "Patients registered at a GP practice: list sizes, map of practices", files.gp);
  publisher("cqc", "Care Quality Commission: active locations, social-care export", files.cqc);
  publisher("ae", "A&E attendances and emergency admissions, monthly", files.ae);
  publisher("postcodes", "ONS postcode directory, to place who has no coordinates", files.postcodes);
}

void add_nothing(CLI::App& /*command*/, Arguments& /*typed*/) {}

// ---- what is done with it ---------------------------------------------------------------------------------------------

ExitCode perform_compare(const Arguments& typed) {
  CompareOptions asked = typed.whole(typed.compare);
  asked.replicates = typed.replicates;
  asked.has_own_overrides = !typed.set.empty() || typed.seed || typed.posterior;
  return compare(asked, typed.output);
}

ExitCode perform_export(const Arguments& typed) {
  if (!typed.network) return export_tables(results_folder(typed.exported), typed.tables, typed.output);
  if (typed.tables)
    throw InputError({{"--output " + typed.tables->string(), "is the folder of tables, and --network names its own",
                       "leave out one of the two"}});
  return export_network_of(typed.exported, typed.overrides(), *typed.network, typed.output);
}

ExitCode perform_report(const Arguments& typed) {
  ReportOptions asked = typed.report;
  asked.folder = results_folder(asked.folder);
  return report(asked, typed.output);
}

/// A command: what it is for, how it is called, what it takes and what is done with that.
struct CommandRow {
  Command command;
  const char *meaning, *example;
  void (*add_options)(CLI::App& command, Arguments& typed);
};

/// In the order of `uptake --help`.
const std::array kCommands{
    CommandRow{
        {"run", [](const Arguments& typed) { return run(typed.whole(typed.run), typed.output); }, By::ranks_together},
        "Simulate a scenario and write its results",
        "uptake run scenarios/minimal.toml -o out",
        add_run},
    CommandRow{{"compare", perform_compare},
               "Compare strategies, scenarios or results, replicate by replicate",
               "uptake compare scenarios/minimal.toml --target 'ever_adopted>=4@2022-03-31'",
               add_compare},
    CommandRow{{"merge", [](const Arguments& typed) { return merge(typed.whole(typed.merge), typed.output); }},
               "Make one result of the part files that tasks left",
               "uptake merge results/care-homes -o results/care-homes",
               add_merge},
    CommandRow{{"slurm", [](const Arguments& typed) { return slurm(typed.whole(typed.slurm), typed.output); }},
               "Print a batch script that runs a scenario as a Slurm array and merges it",
               "uptake slurm scenarios/care-homes.toml --tasks 20 --cores 8 --time 00:30:00 >care-homes.sh",
               add_slurm},
    CommandRow{
        {"validate", [](const Arguments& typed) { return validate(typed.files, typed.overrides(), typed.output); }},
        "Check scenario files",
        "uptake validate scenarios/*.toml",
        add_validate},
    CommandRow{
        {"params", [](const Arguments& typed) { return params(typed.params_of, typed.overrides(), typed.output); }},
        "Print every parameter with unit, range, default, prior, grade and source",
        "uptake params scenarios/care-homes.toml",
        add_params},
    CommandRow{{"list", [](const Arguments& typed) { return typed.list_what(typed.output); }},
               "List the scenarios shipped and the runs in ./results",
               "uptake list --programmes",
               add_list},
    CommandRow{{"info", [](const Arguments& typed) { return typed.info_about(typed.output); }},
               "Print facts about this build",
               "uptake info --population",
               add_info},
    CommandRow{{"verify", [](const Arguments& typed) { return verify(typed.suite, typed.n_threads, typed.output); }},
               "Run the known-answer cases of the model, or of calibration",
               "uptake verify --calibration",
               add_verify},
    CommandRow{
        {"calibrate", [](const Arguments& typed) { return calibrate(typed.whole(typed.calibrate), typed.output); },
         By::ranks_together},
        "Find the parameters of past programmes from what was published of them",
        "uptake calibrate scenarios/history.toml --programme focus-adhd -o results/focus-adhd",
        add_calibrate},
    CommandRow{{"sensitivity",
                [](const Arguments& typed) { return sensitivity(typed.whole(typed.sensitivity), typed.output); }},
               "Say what drives the answer, one assumption at a time",
               "uptake sensitivity scenarios/care-homes.toml --method one-way -o results/care-homes",
               add_sensitivity},
    CommandRow{{"backtest", [](const Arguments& typed) { return backtest(typed.whole(typed.backtest), typed.output); }},
               "Fit to what was known, forecast the rest of the record, and score it",
               "uptake backtest history --cutoff 2019-04 --programme pincer -o out",
               add_backtest},
    CommandRow{{"export", perform_export},
               "Write the results of a run, or the network of a scenario, as tables of plain text",
               "uptake export results/care-homes --csv",
               add_export},
    CommandRow{{"report", perform_report},
               "Make the page of a finished run again, or fill the checklist CHEERS 2022",
               "uptake report results/care-homes --cheers",
               add_report},
    CommandRow{{"import", [](const Arguments& typed) { return import_registers(typed.registers, typed.output); }},
               "Make population tables of public registers",
               "uptake import ods etr.csv epraccur.csv gp gp-reg-pat-prac-all.csv cqc locations.csv -o tables",
               add_import},
    CommandRow{{"licences", [](const Arguments& typed) { return licences(typed.output); }},
               "Print the notices of third-party libraries and data",
               "uptake licences",
               add_nothing},
};

/// Every command takes these before its own options.
void add_command(CLI::App& app, const CommandRow& row, Arguments& typed) {
  CLI::App* const command = app.add_subcommand(std::string(row.command.name), row.meaning);
  command->footer(fmt::format("Example: {}\n\n{}", row.example, exit_codes()));
  command->add_flag_callback(
      "--json", [&typed] { typed.output.format = Format::json; }, "Print JSON");
  command->add_flag_callback(
      "--quiet", [&typed] { typed.output.verbosity = Verbosity::quiet; }, "Print results and errors, nothing else");
  row.add_options(*command, typed);
}

// ---- what was typed ---------------------------------------------------------------------------------------------------

/// One problem for each argument that nobody expects, with the nearest name; else what the parser says.
std::vector<Problem> problems_of_usage(const CLI::App& app, const CLI::ParseError& error) {
  const auto any = [](const CLI::App*) { return true; };
  const auto names_of = [](const std::vector<const CLI::App*>& commands) {
    std::vector<std::string> names;
    for (const CLI::App* one : commands) names.push_back(one->get_name());
    return names;
  };
  const CLI::App* command = nullptr;
  for (const CLI::App* candidate : app.get_subcommands(any))
    if (candidate->parsed()) command = candidate;
  const std::string see = command ? "uptake " + command->get_name() + " --help" : "uptake --help";
  const auto suggestion = [&](const std::string& word, const std::vector<std::string>& candidates) {
    const std::vector<std::string_view> views(candidates.begin(), candidates.end());
    const std::string nearest = nearest_name(word, views);
    return nearest.empty() ? fmt::format("see `{}`", see) : fmt::format("did you mean \"{}\"?", nearest);
  };
  std::vector<Problem> problems;
  bool may_be_value = false;  // of an option that nobody knows: then it is no mistake of its own
  for (const std::string& argument : app.remaining(true)) {
    const std::string word = argument.substr(0, argument.find('='));
    if (std::exchange(may_be_value, word.starts_with("-") && word == argument) && !word.starts_with("-")) continue;
    if (word.starts_with("-")) {
      std::vector<std::string> options;
      for (const CLI::Option* option : (command ? command : &app)->get_options()) {
        for (const std::string& name : option->get_lnames()) options.push_back("--" + name);
      }
      problems.push_back({word, "is not an option", suggestion(word, options)});
    } else if (command == nullptr) {
      problems.push_back({word, "is not a command", suggestion(word, names_of(app.get_subcommands(any)))});
      break;  // what follows an unknown command cannot be judged
    } else {
      problems.push_back({word, "is one argument too many", suggestion(word, names_of(command->get_subcommands(any)))});
    }
  }
  if (problems.empty()) {
    problems.push_back({command ? command->get_name() : "uptake", error.what(), fmt::format("see `{}`", see)});
  }
  return problems;
}

}  // namespace

std::variant<Arguments, ExitCode> read_arguments(int argc, char** argv, const Launched& here) {
  Arguments typed;
  typed.words.assign(argv, argv + argc);
  typed.slurm.program = typed.words.front();
  // The script that started the program.
  const char* const called = std::getenv("UPTAKE_CALLED");
  if (called != nullptr && *called != '\0') typed.words.front() = called;

  CLI::App app("Simulates how health innovations spread through the NHS in England, and what that is worth.", "uptake");
  app.set_version_flag("--version", fmt::format("uptake {} ({})", version(), git_id()), "Print version and commit");
  app.footer(exit_codes() +
             (called != nullptr ? "\n\nOf the script: `test` runs the tests, `bench` the benchmarks." : "") +
             "\n\nExample: uptake run scenarios/care-homes.toml\n`uptake COMMAND --help` says more.");
  app.require_subcommand(1);
  for (const CommandRow& row : kCommands) add_command(app, row, typed);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    if (here.rank == 0) app.exit(asked);
    return ExitCode::done;
  } catch (const CLI::ParseError& error) {
    if (here.rank > 0) return ExitCode::bad_input;  // the first process says it
    if (argc < 2) {
      tell("{}", app.help());
    } else {
      print_problems(problems_of_usage(app, error));
    }
    return ExitCode::bad_input;
  }
  const auto row = std::ranges::find_if(
      kCommands, [&](const CommandRow& one) { return app.got_subcommand(std::string(one.command.name)); });
  if (row == kCommands.end()) return ExitCode::bad_input;
  typed.command = row->command;
  return typed;
}

}  // namespace uptake::cli
