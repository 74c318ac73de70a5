#include "results/compare.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <deque>
#include <limits>

#include "all_at_once.hpp"
#include "commands.hpp"
#include "files/command.hpp"
#include "progress.hpp"
#include "report/compare_page.hpp"
#include "run_folder.hpp"
#include "text_file.hpp"
#include "uptake/grouped.hpp"
#include "uptake/model.hpp"
#include "uptake/scenario.hpp"

namespace uptake::cli {

namespace fs = std::filesystem;

namespace {

/// Width of tables in a file or a pipe.
constexpr int kWidthOfFiles = 80;

int terminal_width() {
  winsize size{};
  if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kWidthOfFiles;
}

bool is_results(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored) || path.extension() == ".h5";
}

std::size_t number_of(const std::string& text) {
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size() || n == 0)
    throw InputError({{"--replicates " + text, "is not a number of replicates", "write --replicates 200"}});
  return n;
}

std::vector<Metric> metrics_of(const std::vector<std::string>& names) {
  std::vector<Metric> metrics;
  std::vector<Problem> problems;
  for (const std::string& name : names) {
    if (const auto metric = find_metric(name)) {
      metrics.push_back(*metric);
      continue;
    }
    std::vector<std::string_view> known;
    for (const MetricSpec& metric : metric_table()) known.push_back(metric.name);
    const std::string nearest = nearest_name(name, known);
    problems.push_back(
        {"--metric " + name, "is no metric",
         nearest.empty() ? "docs/results-format.md lists them" : fmt::format("did you mean \"{}\"?", nearest)});
  }
  if (!problems.empty()) throw InputError(std::move(problems));
  return metrics;
}

/// Index of a strategy. @throws InputError
int strategy_index(const RunValues& run, const std::string& name) {
  const auto at = std::ranges::find(run.strategies, name);
  if (at != run.strategies.end()) return static_cast<int>(at - run.strategies.begin());
  const std::vector<std::string_view> names(run.strategies.begin(), run.strategies.end());
  const std::string nearest = nearest_name(name, names);
  throw InputError({{run.label, fmt::format("has no strategy \"{}\"", name),
                     nearest.empty() ? fmt::format("it has {}", fmt::join(names, ", "))
                                     : fmt::format("did you mean \"{}\"?", nearest)}});
}

/// The same strategies and, bit for bit, the same values by replicate: one run that was named twice.
bool same_values(const RunValues& a, const RunValues& b) {
  const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };
  return a.strategies == b.strategies && a.metrics == b.metrics && a.n_replicates == b.n_replicates &&
         std::ranges::equal(a.values, b.values, {}, bits, bits);
}

/// What the program was stopped in.
struct Stopped {};

/// Simulates and reads what is compared, and remembers it: references stay good.
class Runs {
 public:
  Runs(const CompareOptions& options, const Output& output, std::stop_token stop)
      : options_(options),
        verbosity_(output.verbosity),
        stop_(std::move(stop)),
        progress_(options.progress, output.verbosity) {
    overrides_ = options.overrides;
    if (options.drivers == CompareOptions::Drivers::split) overrides_.emplace_back("shapley=true");
  }

  /// Every run that was named, in order. @throws InputError with the problems of all scenarios, with those of the
  /// options that `all` holds, and with what is asked of a run that it does not have
  std::vector<const RunValues*> named(std::span<const TargetLevel> targets, AllAtOnce& all) {
    std::vector<std::shared_ptr<const Model>> models;
    for (const std::string& word : options_.runs) {
      models.emplace_back();
      if (is_results(word)) {
        if (options_.has_own_overrides)
          all.add({word, "is a result, which --set and --seed cannot change", "give its scenario instead"});
        continue;
      }
      models.back() = all([&] { return model_of(scenario_file(word), {}); }).value_or(nullptr);
    }
    all.throw_if_any();
    std::string focus;
    for (const auto& model : models)
      if (focus.empty() && model) focus = model->scenario.focus;
    if (focus.empty() && std::ranges::any_of(models, [](const auto& model) { return model != nullptr; }))
      focus = kEngland;

    // Whether they can be paired and have what is asked of them is known before anything is simulated.
    std::deque<RunValues> bare;
    for (std::size_t k = 0; k < models.size(); ++k) {
      bare.push_back(models[k] ? simulate_values(models[k], 0, {}) : read(options_.runs[k], focus));
      all([&] { return k > 0 ? pair_up(bare.back(), bare.front()) : Pairing(); });
      all([&] { return options_.baseline ? strategy_index(bare.back(), *options_.baseline) : 0; });
      for (const TargetLevel& target : targets) all([&] { return &report_date(target, bare.back()); });
    }
    all.throw_if_any();
    std::vector<const RunValues*> named;
    for (std::size_t k = 0; k < models.size(); ++k) {
      RunValues run = models[k] ? simulate(models[k]) : read(options_.runs[k], focus);
      const bool seen = std::ranges::any_of(named, [&](const RunValues* other) { return other->label == run.label; });
      if (seen) run.label = options_.runs[k];
      for (const RunValues* other : named) {
        if (!same_values(run, *other)) continue;
        if (verbosity_ == Verbosity::normal)
          print_warnings(
              {{run.label, fmt::format("holds the same values as {}", other->label), "their differences are 0"}});
        break;
      }
      named.push_back(&runs_.emplace_back(std::move(run)));
      files_.push_back(models[k] ? scenario_file(options_.runs[k]) : fs::path());
    }
    return named;
  }

  /// The same scenario with one more override; simulated once.
  const RunValues& variant(const RunValues& run, const std::string& override_text) {
    for (const auto& [of, text, known] : variants_)
      if (of == &run && text == override_text) return *known;
    const auto at = std::ranges::find_if(runs_, [&](const RunValues& one) { return &one == &run; });
    const fs::path& file = files_[static_cast<std::size_t>(at - runs_.begin())];
    RunValues& made = others_.emplace_back(simulate(model_of(file, override_text)));
    variants_.push_back({&run, override_text, &made});
    return made;
  }

 private:
  struct Variant {
    const RunValues* of;
    std::string text;
    const RunValues* run;
  };

  [[nodiscard]] std::shared_ptr<const Model> model_of(const fs::path& file, const std::string& override_text) const {
    std::vector<std::string> overrides = overrides_;
    if (!override_text.empty()) overrides.push_back(override_text);
    Scenario scenario = scenario_of(file, overrides);
    auto population = std::make_shared<const Population>(build_population(scenario, data_folder()));
    return make_model(std::move(scenario), std::move(population));
  }

  RunValues simulate(const std::shared_ptr<const Model>& model) {
    Control control;
    control.n_threads = options_.n_threads;
    control.stop = stop_;
    control.progress = [this](const Progress& now) { progress_.show(now); };
    const auto n = static_cast<std::size_t>(model->scenario.replicates);
    RunValues run = simulate_values(model, n, control);
    if (run.n_replicates < n) throw Stopped{};
    return run;
  }

  [[nodiscard]] RunValues read(const fs::path& path, const std::string& focus) const {
    RunValues run = read_values(path, focus);
    run.label = path.string();
    if (!options_.replicates) return run;
    const std::size_t n = number_of(*options_.replicates);
    if (n > run.n_replicates)
      throw InputError(
          {{path.string(),
            fmt::format("holds {} replicates, fewer than the {} asked for", grouped(run.n_replicates), grouped(n)),
            "give its scenario instead"}});
    keep_first(run, n);
    return run;
  }

  const CompareOptions& options_;
  Verbosity verbosity_;
  std::stop_token stop_;
  ProgressLine progress_;
  std::vector<std::string> overrides_;
  std::deque<RunValues> runs_, others_;
  std::vector<fs::path> files_;  ///< by run
  std::vector<Variant> variants_;
};

/// What could be compared with a strategy. Worlds that only serve a split are left out, and comparators where there are
/// other strategies.
struct Others {
  std::vector<int> delivered, comparators;
};
Others others_of(const RunValues& run, int than) {
  const std::vector<int> worlds = worlds_of_drivers(run.strategies, than);
  Others others;
  for (int strategy = 0; strategy < static_cast<int>(run.strategies.size()); ++strategy) {
    if (strategy == than || std::ranges::find(worlds, strategy) != worlds.end()) continue;
    const bool is_delivered = run.deliveries[static_cast<std::size_t>(strategy)] == Delivery::as_delivered;
    (is_delivered ? others.delivered : others.comparators).push_back(strategy);
  }
  return others;
}

/// Each strategy against the baseline.
std::vector<Comparison> within(const RunValues& run, const std::optional<std::string>& baseline) {
  const int against = baseline ? strategy_index(run, *baseline) : run.lead;
  const auto [own, comparators] = others_of(run, against);
  std::vector<Comparison> comparisons;
  for (const int strategy : own.empty() ? comparators : own)
    comparisons.push_back({{&run, strategy}, {&run, against}, pair_up(run, run), {}, {}, {}});
  return comparisons;
}

/// Whether both sides come to the same in every world.
bool is_same(const Comparison& comparison) {
  const auto rows = differences(comparison.subject, comparison.baseline, comparison.pairing, {});
  return std::ranges::all_of(rows,
                             [](const Difference& row) { return row.difference.mean == 0 && row.difference.sd == 0; });
}

/// The same strategy of each run against that of the first. What-ifs share the strategy that they start from: where it
/// is the same in every world, what the runs add to it is compared with it.
std::vector<Comparison> across(const std::vector<const RunValues*>& runs, const std::optional<std::string>& named) {
  const RunValues& first = *runs.front();
  const std::string& name = named ? *named : first.strategies[static_cast<std::size_t>(first.lead)];
  const Side baseline{&first, strategy_index(first, name)};
  std::vector<Comparison> comparisons;
  std::vector<const RunValues*> opened;  // runs whose other strategies are compared
  for (std::size_t k = 1; k < runs.size(); ++k) {
    const RunValues& run = *runs[k];
    Comparison comparison{{&run, run.lead}, baseline, pair_up(run, first), {}, {}, {}};
    if (named || std::ranges::count(run.strategies, name) > 0) {
      comparison.subject.strategy = strategy_index(run, name);
    } else {
      comparison.pairing.notes.push_back(fmt::format("{} has no strategy \"{}\": its lead, \"{}\", is compared",
                                                     run.label, name,
                                                     run.strategies[static_cast<std::size_t>(run.lead)]));
    }
    // Of two runs of the same strategies the answer is that nothing differs.
    if (named || run.strategies == first.strategies || !is_same(comparison)) {
      comparisons.push_back(std::move(comparison));
      continue;
    }
    for (const RunValues* of : {&first, &run}) {
      if (std::ranges::find(opened, of) != opened.end()) continue;
      opened.push_back(of);
      for (const int strategy : others_of(*of, strategy_index(*of, name)).delivered) {
        comparisons.push_back({{of, strategy}, baseline, pair_up(*of, first), {}, {}, {}});
        comparisons.back().pairing.notes.push_back(
            fmt::format("\"{}\" is the same in every world of these runs: what they add to it is compared", name));
      }
    }
    if (comparisons.empty()) comparisons.push_back(std::move(comparison));  // they add nothing
  }
  return comparisons;
}

/// The scenario's seed, moved: to independent random numbers.
std::string another_seed(const RunValues& run) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return fmt::format("seed={}", run.seed == kMost ? run.seed - 1 : run.seed + 1);
}

void complete(Comparison& comparison, const CompareOptions& options, std::span<const Metric> metrics, Runs& runs) {
  const Side &subject = comparison.subject, &baseline = comparison.baseline;
  comparison.rows = differences(subject, baseline, comparison.pairing, metrics);
  if (options.variance == CompareOptions::Variance::measured) {
    const RunValues& other = runs.variant(*baseline.run, another_seed(*baseline.run));
    add_variances(comparison.rows, subject, other, baseline.strategy);
  }
  if (!subject.run->model || !baseline.run->model) return;  // results do not say what their levers were
  const Scenario &of_subject = subject.run->model->scenario, &of_baseline = baseline.run->model->scenario;
  if (has_peer_lever(of_subject, subject.strategy) || has_peer_lever(of_baseline, baseline.strategy)) {
    const Side subject0{&runs.variant(*subject.run, "bass.q=0 /year"), subject.strategy};
    const Side baseline0{&runs.variant(*baseline.run, "bass.q=0 /year"), baseline.strategy};
    add_peers(comparison.rows, subject, baseline, subject0, baseline0);
  }
  if (subject.run == baseline.run) {
    comparison.untouched = untouched_programmes(of_subject, subject.strategy, baseline.strategy);
    comparison.displaced = losses(*subject.run, baseline.strategy, subject.strategy, comparison.untouched);
  }
}

CompareReport report_of(const CompareOptions& options, Runs& runs) {
  CompareReport report;
  AllAtOnce all;
  const std::vector<Metric> metrics = report.asked =
      all([&] { return metrics_of(options.metrics); }).value_or(std::vector<Metric>());
  for (const std::string& target : options.targets)
    if (const auto read = all([&] { return parse_target(target); })) report.targets.push_back(*read);
  const std::vector<const RunValues*> named = runs.named(report.targets, all);
  const RunValues& first = *named.front();
  report.comparisons = named.size() == 1 ? within(first, options.baseline) : across(named, options.baseline);
  if (report.comparisons.empty())
    throw InputError({{first.label, "has one strategy: there is nothing to compare", ""}});
  for (Comparison& comparison : report.comparisons) {
    for (const TargetLevel& target : report.targets)  // a target that nobody has is said before more is simulated
      for (const Side& side : {comparison.subject, comparison.baseline})
        static_cast<void>(chance_of(target, side, comparison.pairing.n_replicates));
    complete(comparison, options, metrics, runs);
  }
  const int lead = first.lead;
  if (options.drivers == CompareOptions::Drivers::split) {
    report.drivers = split_over_drivers(first, lead);
    report.split_strategy = first.strategies[static_cast<std::size_t>(lead)];
    if (report.drivers.empty())
      throw InputError({{first.label, "holds no worlds without its drivers",
                         "run its scenario with shapley = true, or compare the scenario itself"}});
  }
  if (first.model) {
    const Scenario& scenario = first.model->scenario;
    if (const auto pairs = attention_pairs(scenario); !pairs.empty() && scenario.programmes.size() > 1) {
      std::vector<std::string> programmes;
      for (const ProgrammeSpec& programme : scenario.programmes) programmes.push_back(programme.name);
      report.attention = pairs.front();
      report.lost_to_attention = losses(first, pairs.front().off, pairs.front().on, programmes);
    }
  }
  return report;
}

constexpr std::array<const char*, 2> kFiles{"compare.html", "compare.json"};

void refuse_to_replace(const fs::path& folder) {
  std::vector<Problem> problems;
  for (const char* name : kFiles)
    if (fs::exists(folder / name))
      problems.push_back({(folder / name).string(), "is already there", "--overwrite replaces it, -o names another"});
  if (!problems.empty()) throw InputError(std::move(problems));
}

/// The command as it could be typed again; where its page goes, and what it prints, is for whoever types it to say.
std::string command_of(const CompareOptions& options) {
  std::vector<std::string> words{"./uptake"};
  for (std::size_t k = 1; k < options.command.size(); ++k) {
    const std::string& word = options.command[k];
    if (word == "--overwrite" || word == "--quiet" || word == "--json") continue;
    if (word == "-o" || word == "--output") {
      ++k;
      continue;
    }
    if (!word.starts_with("-o") && !word.starts_with("--output=")) words.push_back(word);
  }
  return command_text(words);
}

}  // namespace

ExitCode compare(const CompareOptions& options, const Output& output) {
  const auto result = std::ranges::find_if(options.runs, is_results);
  if (options.variance == CompareOptions::Variance::measured && result != options.runs.end())
    throw InputError(
        {{*result, "is a result: --variance runs the baseline again with another seed", "give its scenario instead"}});
  if (options.folder && options.existing == Existing::refuse) refuse_to_replace(*options.folder);
  const Interruption interruption;
  try {
    std::optional<Runs> runs(std::in_place, options, output, interruption.token());
    const CompareReport report = report_of(options, *runs);
    if (options.folder) {
      write_text(*options.folder / kFiles[0], compare_page(report, command_of(options)));
      write_text(*options.folder / kFiles[1], compare_json(report));
    }
    fmt::print("{}", output.format == Format::json ? compare_json(report) : compare_table(report, terminal_width()));
    if (options.folder) say(output, fmt::format("{} and {} in {}", kFiles[0], kFiles[1], options.folder->string()));
    return ExitCode::done;
  } catch (const Stopped&) {
    if (output.verbosity == Verbosity::normal)
      tell("interrupted: a comparison works in memory and keeps nothing; run it again\n");
    return ExitCode::interrupted;
  }
}

}  // namespace uptake::cli
