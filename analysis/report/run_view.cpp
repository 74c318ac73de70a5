#include "report/run_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "files/command.hpp"
#include "report/crate.hpp"
#include "results/cell_statistics.hpp"
#include "results/compare.hpp"
#include "results/numbers.hpp"
#include "results/wording.hpp"

namespace uptake {

namespace {
using Json = nlohmann::ordered_json;

bool is_place(const std::string& name) { return name == "region" || name == "board"; }
std::string subject_words(const Run& run) { return run.programme == 0 ? "the programme" : "the programmes together"; }
/// What a QALY may be worth, GBP: NICE's thresholds (20,000 to 30,000; for medicines 25,000 to 35,000 from April 2026), the value
/// of the Green Book (HM Treasury 2022: 70,000), and one below them.
constexpr std::array kThresholds{15000.0, 20000.0, 25000.0, 30000.0, 35000.0, 70000.0};

/// What says what a study is about.
constexpr std::array kAbout{"strategy", "comparator", "region", "to"};

bool is_study(const Json& found) {
  const auto has = [](const Json& object, const char* key, auto is) {
    return object.is_object() && object.contains(key) && is(object[key]);
  };
  const auto text = [](const Json& value) { return value.is_string(); };
  const auto number = [](const Json& value) { return value.is_number(); };
  const auto result = [](const Json& value) { return value.is_number() || value.is_null(); };
  const auto rows = [&](const Json& value) {
    return value.is_array() && std::ranges::all_of(value, [&](const Json& row) {
             return has(row, "parameter", text) && has(row, "unit", text) && has(row, "grade", text) &&
                    has(row, "low", number) && has(row, "high", number) && has(row, "at_low", result) &&
                    has(row, "at_high", result);
           });
  };
  return has(found, "parameters", rows) && has(found, "base", number) && has(found, "metric", text) &&
         std::ranges::all_of(kAbout, [&](const char* key) { return has(found, key, text); });
}
}  // namespace

Cube::Cube(Labelled data) : data_(std::move(data)) {
  std::size_t step = 1;
  for (std::size_t axis = data_.shape.size(); axis-- > 0;) {
    steps_.insert(steps_.begin(), step);
    step *= data_.shape[axis];
  }
}

std::optional<Spread> Cube::at(int strategy, View view, int programme, int time, int place) const {
  std::size_t offset = 0, statistic_step = 0;
  for (std::size_t axis = 0; axis < data_.dimensions.size(); ++axis) {
    const std::string& name = data_.dimensions[axis];
    if (name == "statistic") {
      statistic_step = steps_[axis];
      continue;
    }
    const int index = name == "strategy"    ? strategy
                      : name == "driver"    ? strategy
                      : name == "view"      ? static_cast<int>(view)
                      : name == "programme" ? programme
                      : is_place(name)      ? place
                                            : time;
    offset += static_cast<std::size_t>(index) * steps_[axis];
  }
  if (place > 0 && !by_place()) return std::nullopt;
  const auto value = [&](std::size_t k) { return data_.values[offset + k * statistic_step]; };
  const Spread s{value(0), value(1), value(2), value(3), value(4), value(5), value(6), value(7)};
  if (std::isnan(s.mean)) return std::nullopt;
  return s;
}

bool Cube::by_place() const { return std::ranges::any_of(data_.dimensions, is_place); }

namespace {
/// @throws FileError when the facts beside a results file are of another run: what is made of both would be of neither
ResultsFile with_its_facts(const std::filesystem::path& folder) {
  ResultsFile file(folder / "results.h5");
  std::ifstream stream(folder / kRunFile, std::ios::binary);
  const auto facts = nlohmann::json::parse(std::string{std::istreambuf_iterator<char>(stream), {}}, nullptr, false);
  if (!facts.is_object() || facts.contains("kind") || !facts.contains("digest")) return file;
  const std::string digest = file.text("provenance/digest");
  if (facts["digest"] == digest) return file;
  throw FileError({(folder / "results.h5").string(),
                   fmt::format("is of another run ({}) than {} beside it", digest, kRunFile),
                   "keep the files of each run in a folder of their own, or run the scenario again"});
}
}  // namespace

Run::Run(const std::filesystem::path& folder) : Run(with_its_facts(folder)) {}

Run::Run(ResultsFile opened)
    : file(std::move(opened)),
      strategies(file.texts("strategy")),
      programmes(file.texts("programme")),
      regions(file.texts("region")),
      reports(file.texts("report/report")),
      years(file.has("year/year") ? file.texts("year/year") : std::vector<std::string>{}),
      title(file.attribute("", "title")) {
  if (!years.empty()) {
    year_from = file.dates("year/year_from");
    year_to = file.dates("year/year_to");
  }
  if (year_from.size() != years.size() || year_to.size() != years.size())
    throw file.broken("its years do not fit together");
  times = file.dates("time");
  report_to = file.dates("report/report_to");
  report_from = file.dates("report/report_from");
  if (file.has("icb")) boards = file.texts("icb/board");
  const auto named = std::ranges::find(strategies, file.text("provenance/comparator"));
  comparator = static_cast<int>(named - strategies.begin());
  lead = static_cast<int>(std::ranges::find(strategies, file.text("provenance/lead")) - strategies.begin());
  if (named == strategies.end() || lead == static_cast<int>(strategies.size()))
    throw file.broken("it has no such strategy as its comparator or its lead");
  if (reports.empty() || report_from.size() != reports.size() || report_to.size() != reports.size() || times.empty())
    throw file.broken("its dates do not fit together");
  programme = total_programme(programmes);
  const auto by_programme = [&](const char* path) {
    std::vector<std::string> lines;
    std::istringstream stream(file.has(path) ? file.text(path) : std::string());
    for (std::string line; std::getline(stream, line);) lines.push_back(std::move(line));
    lines.resize(programmes.size());  // an older file has none, and "all" has no line
    return lines;
  };
  titles = by_programme("provenance/programme_titles");
  for (std::size_t p = 0; p < titles.size(); ++p)
    if (titles[p].empty()) titles[p] = programmes[p] == "all" ? "All together" : programmes[p];
  events = by_programme("provenance/programme_events");
  for (std::string& event : events) event = event_in_words(event);
  population = file.has("provenance/population") ? file.text("provenance/population") : std::string(kEngland);
  if (file.has("provenance/population_note")) population_note = file.text("provenance/population_note");
  const auto focus = std::ranges::find(regions, file.text("provenance/focus"));
  if (focus != regions.end()) place = static_cast<int>(focus - regions.begin());
}

std::string Run::title_of(const std::string& name) const {
  const auto at = std::ranges::find(programmes, name);
  return at == programmes.end() ? name : titles[static_cast<std::size_t>(at - programmes.begin())];
}

const Cube* Run::cube(const std::string& path) const {
  auto found = cubes_.find(path);
  if (found == cubes_.end()) {
    std::optional<Cube> loaded;
    if (file.has(path)) loaded.emplace(file.numbers(path));
    found = cubes_.emplace(path, std::move(loaded)).first;
  }
  return found->second ? &*found->second : nullptr;
}

std::vector<double> Run::by_replicate(const std::string& metric, int strategy, int of_programme, int report) const {
  const std::string path = "replicates/" + metric;
  if (!file.has(path)) return {};
  const std::vector<std::size_t> shape = file.shape(path);
  const std::size_t n_cells = strategies.size() * programmes.size() * reports.size();
  const bool has_places = shape.size() == 5;                       // replicate, strategy, programme, report, region
  if (!has_places && (shape.size() != 4 || place > 0)) return {};  // given for the country alone
  const auto s = static_cast<std::size_t>(strategy), p = static_cast<std::size_t>(of_programme),
             r = static_cast<std::size_t>(report), at_place = static_cast<std::size_t>(place);
  const std::size_t bytes = shape.front() * n_cells * sizeof(double);
  if (bytes > kSlabMemoryOfThread)
    return std::move(has_places ? file.numbers_at(path, {s, p, r, at_place}) : file.numbers_at(path, {s, p, r})).values;
  auto found = replicates_.find(metric);
  if (found == replicates_.end()) {
    // What is read next is mostly of the metric that was read last.
    if (kept_ + bytes > kSlabMemoryOfThread) {
      replicates_.clear();
      kept_ = 0;
    }
    kept_ += bytes;
    // Of the place alone: all places would be most of what a run needs memory for.
    Labelled read = has_places ? file.numbers_at(path, {at_place}) : file.numbers(path);
    if (read.values.size() != shape.front() * n_cells)
      throw file.broken(fmt::format("{} has another shape than its axes", path));
    found = replicates_.emplace(metric, std::move(read.values)).first;
  }
  std::vector<double> values(shape.front());
  const std::size_t cell = (s * programmes.size() + p) * reports.size() + r;
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = found->second[k * n_cells + cell];
  return values;
}

std::optional<Spread> Run::report(std::string_view metric, int strategy, View view, int of_programme, int time,
                                  int at_place) const {
  const Cube* values = cube(fmt::format("report/{}", metric));
  return values ? values->at(strategy, view, of_programme, time, at_place) : std::nullopt;
}

int Run::n_replicates() const { return static_cast<int>(file.numbers("diagnostics/n_replicates").values.front()); }

std::string ParameterLine::value_text() const {
  if (posterior) return parameter_text(value);
  constexpr double kThousand = 1000;
  return std::abs(value) >= kThousand && value == std::round(value) ? grouped(value) : fmt::format("{:.6g}", value);
}

std::string ParameterLine::drawn_from() const {
  return posterior
             ? fmt::format("posterior, 90 %: {} to {}", parameter_text(posterior->low), parameter_text(posterior->high))
             : prior;
}

std::string ParameterLine::source_text() const {
  return posterior ? fmt::format("{}; the default of {:.6g} is not used", source, posterior->unused) : source;
}

std::vector<ParameterLine> parameters_of(const Run& run) {
  const ResultsFile& file = run.file;
  const std::vector<std::string> label = file.texts("parameters/parameter");
  const auto fitting = [&](auto column) {
    if (column.size() != label.size()) throw file.broken("columns of its parameters have different lengths");
    return column;
  };
  const auto texts = [&](const char* name) { return fitting(file.texts(fmt::format("parameters/{}", name))); };
  const auto numbers = [&](const char* name) {
    const std::string path = fmt::format("parameters/{}", name);
    // Files of earlier versions, and runs without a posterior, lack some.
    return file.has(path) ? fitting(file.numbers(path).values) : std::vector<double>(label.size(), 0);
  };
  const auto programme = texts("programme"), key = texts("key"), unit = texts("unit"), prior = texts("prior"),
             grade = texts("grade"), source = texts("source"), meaning = texts("meaning");
  const bool says_decides = file.has("parameters/decides"), says_acts = file.has("parameters/acts");
  const auto value = fitting(file.numbers("parameters/value").values), decides = numbers("decides"),
             acts = numbers("acts"), informed = numbers("informed"), low = numbers("posterior_p05"),
             median = numbers("posterior_p50"), high = numbers("posterior_p95"),
             unused = file.has("parameters/default") ? numbers("default") : value;
  std::vector<ParameterLine> lines;
  for (std::size_t i = 0; i < label.size(); ++i) {
    const auto is_this = [&](Parameter id) { return spec(id).key == key[i]; };
    ParameterLine& line = lines.emplace_back(
        ParameterLine{label[i], programme[i], key[i], unit[i], prior[i], grade[i], source[i], meaning[i], value[i],
                      !says_acts || acts[i] != 0,
                      says_decides ? decides[i] != 0 : std::ranges::any_of(kDecisive, is_this), std::nullopt});
    if (informed[i] == 0) continue;
    line.value = median[i];
    line.posterior = ParameterLine::OfPosterior{low[i], high[i], unused[i]};
  }
  return lines;
}

std::size_t n_acting(const std::vector<ParameterLine>& lines) {
  return static_cast<std::size_t>(std::ranges::count(lines, true, &ParameterLine::acts));
}

std::size_t n_graded(const std::vector<ParameterLine>& lines, Grade grade) {
  return static_cast<std::size_t>(std::ranges::count_if(
      lines, [&](const ParameterLine& line) { return line.acts && line.grade == name_of(grade); }));
}

std::string grades_in_words(const std::vector<ParameterLine>& lines) {
  const auto n = [&](Grade grade) { return grouped(static_cast<double>(n_graded(lines, grade))); };
  const std::string first =
      fmt::format("Of the {} parameters that this run uses, {} were read in a source, {} derived from read figures",
                  grouped(static_cast<double>(n_acting(lines))), n(Grade::read), n(Grade::derived));
  return n_graded(lines, Grade::posterior) == 0
             ? fmt::format("{}, and {} are assumptions", first, n(Grade::assumption))
             : fmt::format("{}, {} are assumptions, and {} are known from the posterior", first, n(Grade::assumption),
                           n(Grade::posterior));
}

const Subject& subject_of(const Run& run) {
  return uptake::subject_of([&](Metric metric) { return run.headline(spec(metric).name, View::net).has_value(); });
}

bool is_same_world(const Run& run) {
  bool any = false;
  for (const Metric metric : kOutcomeRows) {
    for (int report = 0; report < static_cast<int>(run.report_to.size()); ++report) {
      const auto net = run.report(metric, run.lead, View::net, run.programme, report, run.place);
      if (!net) continue;
      if (!is_nil(*net)) return false;
      any = true;
    }
  }
  return any;
}

std::string what_adds(const Run& run) {
  const std::vector<std::string> deliveries = lines_of(run.file.text("provenance/deliveries"));
  const auto is_delivered = [&](int strategy, Delivery delivery) {
    const auto at = static_cast<std::size_t>(strategy);
    return at >= deliveries.size() || deliveries[at] == kDeliveryNames[static_cast<std::size_t>(delivery)];
  };
  const bool is_support = run.strategy(run.lead) == kDeliveryNames[static_cast<std::size_t>(Delivery::as_delivered)] &&
                          is_delivered(run.lead, Delivery::as_delivered) &&
                          is_delivered(run.comparator, Delivery::no_network);
  return is_support ? std::string(kTheSupport) : fmt::format("“{}”", run.strategy(run.lead));
}

std::string interval(const Spread& s) {
  if (all_agree(s)) return shown(s.mean);
  return fmt::format("{} (90 % interval {})", shown(s.mean), span_text(s.p05, s.p95));
}
std::string range(const Spread& s) { return all_agree(s) ? std::string() : span_text(s.p05, s.p95); }

std::string finding_sentence(const Run& run, std::string_view from, std::string_view to) {
  const Subject& subject = subject_of(run);
  const auto gross = run.headline(spec(subject.metric).name, View::gross),
             net = run.headline(spec(subject.metric).name, View::net);
  if (!gross || !net) return "Nothing was measured.";
  const Told told(subject, *gross, *net);
  if (is_same_world(run))
    return fmt::format("From {} to {}, in {}, {}. {}{}.", from, to, in_sentence(run.place_words()),
                       gross_text(told, subject_words(run), interval(told.gross)),
                       same_world_text(fmt::format("“{}”", run.strategy(run.lead)),
                                       fmt::format("“{}”", run.strategy(run.comparator)), ""),
                       run.strategy(run.comparator) == kDeliveryNames[2] ? kWithoutProgramme : "");
  const std::string adds = what_adds(run);
  const bool is_support = adds == kTheSupport;
  const std::string without = "without the network's support",
                    under = fmt::format("under “{}”", run.strategy(run.comparator));
  return fmt::format(
      "From {} to {}, in {}, {}.", from, to, in_sentence(run.place_words()),
      finding_text(told, subject_words(run), interval,
                   is_support ? without : fmt::format("{} instead of {}", under, adds), is_support ? without : under));
}

std::vector<double> difference_by_replicate(const Run& run, const std::string& metric, int strategy, int baseline,
                                            int programme, int report) {
  std::vector<double> differences = run.by_replicate(metric, strategy, programme, report);
  const auto known = find_metric(metric);
  if (known && spec(*known).paired) return differences;
  const std::vector<double> others = run.by_replicate(metric, baseline, programme, report);
  for (std::size_t r = 0; r < differences.size(); ++r) differences[r] -= others[r];
  return differences;
}

std::optional<double> share_above(std::span<const double> values, double bound) {
  double above = 0, defined = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    defined += 1;
    above += value > bound ? 1 : 0;
  }
  if (defined == 0) return std::nullopt;
  return above / defined;
}

std::optional<double> chance_above(const Run& run, const std::string& metric, double bound, int report) {
  return share_above(difference_by_replicate(run, metric, run.lead, run.comparator, run.programme, report), bound);
}

std::string calibration_sentence(const Run& run) {
  const std::string not_informed = run.file.text("provenance/not_informed");
  return run.file.text("provenance/calibration") + (not_informed.empty() ? "" : " " + not_informed);
}

namespace {
/// How a shipped scenario is named when this run is one of it, unchanged; else a name to be filled in.
std::string scenario_word(const Run& run, const std::filesystem::path& scenarios) {
  std::string name = run.file.text("provenance/scenario") + ".toml";
  const std::string text = run.file.text("provenance/scenario_text");
  for (const std::string_view folder : {"", "what-if/"}) {
    std::ifstream stream(scenarios / folder / name, std::ios::binary);
    if (stream && std::string(std::istreambuf_iterator<char>(stream), {}) == text)
      return fmt::format("scenarios/{}{}", folder, name);
  }
  return name;
}
}  // namespace

std::string repeating_command(const Run& run, const std::filesystem::path& scenarios) {
  // What was stated with it stands in the results in this order, so that only the same words give the same bytes.
  const std::filesystem::path scenario = scenario_word(run, scenarios);
  std::vector<std::string> words{"./uptake", "run", scenario.string()};
  std::istringstream lines(run.file.text("provenance/overrides"));
  // Paths stand there as they lead from the scenario's folder; typed, they lead from where one is.
  const auto from_here = [&](const std::filesystem::path& path) {
    return (scenario.parent_path() / path).lexically_normal();
  };
  for (std::string line; std::getline(lines, line);) words.insert(words.end(), {"--set", with_paths(line, from_here)});
  return command_text(words);
}

StudyBeside one_way_study(const Run& run, const std::filesystem::path& folder) {
  std::ifstream stream(folder / "sensitivity.json");
  Json found = stream ? Json::parse(stream, nullptr, false) : Json();
  if (!is_study(found)) return {};
  const std::array of_run{run.strategy(run.lead), run.strategy(run.comparator), run.place_name(), run.reports.front()};
  const bool is_same = std::ranges::equal(kAbout, of_run, [&](const char* key, const std::string& value) {
    return found[key].get<std::string>() == value;
  });
  if (is_same) return {std::move(found), {}};
  const auto word = [&](const char* key) { return found[key].get<std::string>(); };
  const auto at = std::ranges::find(run.regions, word("region"));
  return {{},
          fmt::format("{} against {}, {}, to {}", word("strategy"), word("comparator"),
                      at == run.regions.end() ? word("region")
                                              : run.words_of_place(static_cast<std::size_t>(at - run.regions.begin())),
                      word("to"))};
}

std::vector<TurningPoint> turning_points(const Run& run, double threshold) {
  if (run.n_own_programmes() > 1) return {};
  const std::vector<std::string> keys = run.file.texts("parameters/key"), priors = run.file.texts("parameters/prior");
  const bool all_at_defaults = run.file.text("provenance/parameters") == "defaults";
  struct Drawn {
    std::vector<double> values;
    std::string prior;
    [[nodiscard]] bool is_known() const {
      return std::ranges::any_of(values, [](double v) { return v != 0; });
    }
  };
  const auto drawn = [&](Parameter id) {
    const auto at = static_cast<std::size_t>(std::ranges::find(keys, spec(id).key) - keys.begin());
    if (at >= std::min(keys.size(), priors.size())) return Drawn{};
    return Drawn{run.file.numbers_at("parameters/drawn", {at}).values, priors[at]};
  };
  const auto net = [&](const std::string& metric) {
    return difference_by_replicate(run, metric, run.lead, run.comparator, run.programme, 0);
  };
  const auto is_defined = [](const std::vector<double>& values) {
    return !values.empty() && std::ranges::none_of(values, [](double v) { return std::isnan(v); });
  };
  const std::vector<double> cost = net("cost_gbp"), savings = net("savings_gross_gbp"),
                            qalys = threshold > 0 ? net("qalys") : std::vector<double>{};
  if (!is_defined(cost)) return {};
  const auto mean = [](const std::vector<double>& values) {
    double sum = 0;
    for (const double v : values) sum += v;
    return values.empty() ? 0 : sum / static_cast<double>(values.size());
  };
  std::vector<TurningPoint> found;
  // All that is worth something but `of` is taken from the cost; `of` is in proportion to the parameter.
  const auto add = [&](Parameter id, const Drawn& own, const std::vector<double>& of, double worth, double others) {
    if (!is_defined(of) || of.size() != cost.size() || own.values.size() != of.size()) return;
    double slope = 0;
    for (std::size_t r = 0; r < of.size(); ++r) {
      if (own.values[r] == 0) return;
      slope += worth * of[r] / own.values[r] / static_cast<double>(of.size());
    }
    std::vector<double> sorted = own.values;
    const Statistics s = statistics(sorted);
    const bool is_fixed = all_at_defaults || own.prior.starts_with("fixed");
    found.push_back({id, own.prior, s.p05, s.p95, own.values.front(), is_fixed, (mean(cost) - others) / slope});
  };
  const Drawn per_event = drawn(Parameter::value_per_event), per_person = drawn(Parameter::value_per_person);
  const bool has_qalys = is_defined(qalys) && qalys.size() == cost.size(), has_savings = is_defined(savings);
  const auto price =
      sole_price({per_event.is_known(), per_person.is_known(), run.events.front().ends_with("admission"),
                  run.events.front().empty() && run.headline("bed_days_avoided", View::net).has_value()});
  if (price) add(*price, drawn(*price), savings, 1, has_qalys ? threshold * mean(qalys) : 0);
  const Drawn of_event = drawn(Parameter::qalys_per_event), of_person = drawn(Parameter::qalys_per_person);
  if (has_qalys && of_event.is_known() != of_person.is_known())
    add(of_event.is_known() ? Parameter::qalys_per_event : Parameter::qalys_per_person,
        of_event.is_known() ? of_event : of_person, qalys, threshold, has_savings ? mean(savings) : 0);
  return found;
}

std::optional<CostEffectiveness> cost_effectiveness_of(const Run& run) {
  if (run.n_own_programmes() > 1) return std::nullopt;
  const auto net = [&](const std::string& metric) {
    return difference_by_replicate(run, metric, run.lead, run.comparator, run.programme, 0);
  };
  CostEffectiveness found{net("qalys"), net("cost_gbp"), false, {}};
  // Care that is no longer needed costs the NHS less, in cash or in capacity: an extra cost is what is left of it.
  if (const auto avoided = net("savings_gross_gbp");
      !avoided.empty() && avoided.size() == found.cost.size() &&
      std::ranges::none_of(avoided, [](double x) { return std::isnan(x); })) {
    for (std::size_t r = 0; r < avoided.size(); ++r) found.cost[r] -= avoided[r];
    found.net_of_savings = true;
  }
  const bool known = !found.qalys.empty() && found.qalys.size() == found.cost.size() &&
                     std::ranges::none_of(found.qalys, [](double q) { return std::isnan(q); });
  if (!known) return std::nullopt;
  for (const double threshold : kThresholds) {
    double good = 0;
    for (std::size_t r = 0; r < found.qalys.size(); ++r) good += threshold * found.qalys[r] - found.cost[r] > 0 ? 1 : 0;
    found.acceptability.emplace_back(threshold, good / static_cast<double>(found.qalys.size()));
  }
  return found;
}

}  // namespace uptake
