#include "results/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <sstream>
#include <tuple>

#include "files/results_file.hpp"
#include "results/finding.hpp"
#include "results/numbers.hpp"
#include "results/wording.hpp"
#include "statistics/statistics.hpp"
#include "uptake/error.hpp"
#include "uptake/grouped.hpp"
#include "uptake/version.hpp"

namespace uptake {

namespace {
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// What is said of a programme that loses: whom it lost and what they would have had.
constexpr std::array<std::string_view, 5> kLostMetrics{"adopters", "ever_adopted", "patients_benefited",
                                                       "admissions_avoided", "events_avoided"};

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return values.empty() ? kNaN : sum / static_cast<double>(values.size());
}

/// Sample variance of the defined values.
double variance_of(std::span<const double> values) {
  std::vector<double> copy(values.begin(), values.end());
  const Statistics s = statistics(copy);
  return s.sd * s.sd;
}

std::vector<double> minus(std::span<const double> a, std::span<const double> b) {
  std::vector<double> difference(std::min(a.size(), b.size()));
  for (std::size_t r = 0; r < difference.size(); ++r) difference[r] = a[r] - b[r];
  return difference;
}

template <typename T>
std::optional<std::size_t> index_of(const std::vector<T>& all, const auto& one, auto projection) {
  const auto at = std::ranges::find(all, one, projection);
  if (at == all.end()) return std::nullopt;
  return static_cast<std::size_t>(at - all.begin());
}

void describe(const Model& model, RunValues& run) {
  run.label = run.scenario = model.scenario.name;
  run.population_vintage = model.population->vintage;
  run.population_seed = model.population->seed;
  run.seed = model.scenario.seed;
  run.mode = model.scenario.mode;
  if (model.scenario.posterior) run.posterior = model.scenario.posterior->digest;
  run.lead = lead_strategy(model.scenario);
  for (const Strategy& strategy : model.scenario.strategies) run.deliveries.push_back(strategy.delivery);
  for (const ProgrammeSpec& programme : model.scenario.programmes) run.titles.push_back(programme.title);
  run.population_note = population_note(model);
}

/// The report blocks that a comparison reads for a place: what is given for England alone has no other place.
std::vector<const Block*> blocks_for(const SummaryLayout& layout, int place, std::span<const Metric> metrics) {
  std::vector<const Block*> blocks;
  for (const Block& block : layout.blocks) {
    if (block.axis != Axis::report || block.geography != Geography::region) continue;
    if (place >= block.n_places || block.metric == Metric::attributable_share) continue;
    if (!metrics.empty() && std::ranges::find(metrics, block.metric) == metrics.end()) continue;
    blocks.push_back(&block);
  }
  return blocks;
}

void set_axes(const SummaryLayout& layout, std::span<const Block* const> blocks, int place, RunValues& run) {
  run.version = std::string(version());
  run.strategies = layout.strategies;
  run.comparator = layout.comparator;
  run.programmes = layout.programmes;
  run.region = layout.regions[static_cast<std::size_t>(place)];
  run.reports = layout.reports;
  for (const Block* block : blocks) run.metrics.push_back(block->metric);
}

/// Puts the values of one replicate where they belong. @param row [metric][strategy][programme][report]
void put(RunValues& run, std::size_t n_replicates, std::size_t replicate, std::span<const double> row) {
  for (std::size_t cell = 0; cell < row.size(); ++cell) run.values[cell * n_replicates + replicate] = row[cell];
}

auto window_key(const std::optional<Window>& window) {
  return window ? std::optional(std::pair(window->from, window->to)) : std::nullopt;
}
/// Whether two levers do the same, wherever they stand.
bool same_effect(const Lever& a, const Lever& b) {
  const auto key = [](const Lever& lever) {
    return std::tuple(lever.kind, lever.programmes, lever.regions, window_key(lever.window), lever.factor,
                      lever.staff_days_per_year, lever.targeting, lever.package_days, lever.package_weeks,
                      lever.organisations, lever.share, lever.delay_weeks);
  };
  return key(a) == key(b);
}
bool same_levers(const std::vector<Lever>& a, const std::vector<Lever>& b) {
  return std::ranges::equal(a, b, same_effect);
}
bool same_but_levers(const Strategy& a, const Strategy& b) {
  return a.delivery == b.delivery && a.without == b.without && a.attention == b.attention;
}
}  // namespace

bool is_better(Metric metric, double a, double b) {
  switch (spec(metric).better) {
    case Better::higher:
      return a > b;
    case Better::lower:
      return a < b;
    case Better::nearer_zero:
      return std::abs(a) < std::abs(b);
  }
  return false;
}

std::span<const double> RunValues::find(int strategy, Metric metric, std::string_view programme, Date to) const {
  const auto m = index_of(metrics, metric, std::identity{});
  const auto j = index_of(programmes, programme, std::identity{});
  const auto t = index_of(reports, to, &Period::to);
  if (!m || !j || !t || strategy < 0 || static_cast<std::size_t>(strategy) >= strategies.size()) return {};
  const std::size_t cell =
      ((*m * strategies.size() + static_cast<std::size_t>(strategy)) * programmes.size() + *j) * reports.size() + *t;
  return std::span(values).subspan(cell * n_replicates, n_replicates);
}

int focus_place(const SummaryLayout& layout, const Scenario& scenario) {
  const auto at = std::ranges::find(layout.regions, scenario.focus);
  return scenario.focus.empty() || at == layout.regions.end() ? 0 : static_cast<int>(at - layout.regions.begin());
}

int total_programme(std::span<const std::string> programmes) {
  return programmes.size() <= 2 ? 0 : static_cast<int>(programmes.size()) - 1;
}

RunValues values_of(const RunRecord& record, int place, std::span<const Metric> metrics) {
  const SummaryLayout& layout = record.layout;
  const auto blocks = blocks_for(layout, place, metrics);
  RunValues run;
  describe(*record.model, run);
  run.place = place_in_words(*record.model, layout, place);
  set_axes(layout, blocks, place, run);
  run.model = record.model;
  run.n_replicates = record.ensemble->n_replicates;
  run.values.resize(blocks.size() * run.strategies.size() * run.programmes.size() * run.reports.size() *
                    run.n_replicates);
  std::span<double> values = run.values;
  for (const Block* block : blocks) {
    for (int strategy = 0; strategy < block->n_strategies; ++strategy) {
      for (int programme = 0; programme < block->n_programmes; ++programme) {
        for (int time = 0; time < block->n_times; ++time, values = values.subspan(run.n_replicates))
          record.ensemble->read_columns(0, run.n_replicates, block->at(strategy, programme, time, place), 1,
                                        values.first(run.n_replicates));
      }
    }
  }
  return run;
}

RunValues simulate_values(const std::shared_ptr<const Model>& model, std::size_t n, const Control& control) {
  const SummaryLayout layout = make_layout(*model);
  const int place = focus_place(layout, model->scenario);
  const auto blocks = blocks_for(layout, place, {});
  RunValues run;
  describe(*model, run);
  run.place = place_in_words(*model, layout, place);
  set_axes(layout, blocks, place, run);
  run.model = model;
  const std::size_t width = blocks.size() * run.strategies.size() * run.programmes.size() * run.reports.size();
  std::vector<double> rows;  // [replicate][cell], for a run that is stopped has fewer
  rows.reserve(n * width);
  run.n_replicates = run_tasks(
      n,
      [&](std::size_t r) {
        const Summary summary = simulate_replicate(model, layout, r);
        std::vector<double> row;
        row.reserve(width);
        for (const Block* block : blocks)
          for (int strategy = 0; strategy < block->n_strategies; ++strategy)
            for (int programme = 0; programme < block->n_programmes; ++programme)
              for (int time = 0; time < block->n_times; ++time)
                row.push_back(summary[block->at(strategy, programme, time, place)]);
        return row;
      },
      [&](std::size_t, std::vector<double>&& row) { rows.insert(rows.end(), row.begin(), row.end()); }, control);
  run.values.resize(run.n_replicates * width);
  for (std::size_t r = 0; r < run.n_replicates; ++r)
    put(run, run.n_replicates, r, std::span(rows).subspan(r * width, width));
  return run;
}

RunValues read_values(const std::filesystem::path& folder, const std::string& region) {
  const ResultsFile file(folder.extension() == ".h5" ? folder : folder / "results.h5");
  RunValues run;
  run.label = folder.string();
  run.scenario = file.text("provenance/scenario");
  run.version = file.text("provenance/version");
  run.population_vintage = file.text("provenance/population_vintage");
  const auto mode = std::ranges::find(kParameterModeNames, file.text("provenance/parameters"));
  if (mode == kParameterModeNames.end()) throw file.broken("it does not say how its parameters come about");
  run.mode = static_cast<ParameterMode>(mode - kParameterModeNames.begin());
  if (run.mode == ParameterMode::posterior) run.posterior = file.text("provenance/posterior_digest");
  run.seed = file.whole_number("provenance/seed");
  run.population_seed = file.whole_number("provenance/population_seed");

  run.strategies = file.texts("replicates/strategy");
  run.lead = static_cast<int>(std::ranges::find(run.strategies, file.text("provenance/lead")) - run.strategies.begin());
  run.comparator =
      static_cast<int>(std::ranges::find(run.strategies, file.text("provenance/comparator")) - run.strategies.begin());
  std::istringstream deliveries(file.text("provenance/deliveries"));
  for (std::string line; std::getline(deliveries, line);) {
    const auto at = std::ranges::find(kDeliveryNames, line);
    if (at != kDeliveryNames.end()) run.deliveries.push_back(static_cast<Delivery>(at - kDeliveryNames.begin()));
  }
  const auto n_strategies = static_cast<int>(run.strategies.size());
  if (run.lead == n_strategies || run.comparator == n_strategies || run.deliveries.size() != run.strategies.size())
    throw file.broken("its provenance and its strategies disagree");
  run.programmes = file.texts("replicates/programme");
  const auto regions = file.texts("replicates/region");
  const auto labels = file.texts("replicates/report");
  const auto from = file.dates("replicates/report_from"), to = file.dates("replicates/report_to");
  if (from.size() != labels.size() || to.size() != labels.size())
    throw file.broken(
        fmt::format("replicates/report has {} dates, from {} to {}", labels.size(), from.size(), to.size()));
  for (std::size_t t = 0; t < labels.size(); ++t) run.reports.push_back({from[t], to[t], labels[t]});
  const auto replicates = file.shape("replicates/replicate");
  if (replicates.size() != 1) throw file.broken("replicates/replicate is no axis");
  run.n_replicates = replicates.front();
  if (run.strategies.empty() || run.programmes.empty() || regions.empty() || labels.empty() || run.n_replicates == 0)
    throw file.broken("it holds no replicates");
  const std::string wanted = !region.empty()                ? region
                             : file.has("provenance/focus") ? file.text("provenance/focus")
                                                            : regions.front();
  const auto place = index_of(regions, wanted, std::identity{});
  if (!place) throw InputError({{folder.string(), fmt::format("has no region \"{}\"", wanted), ""}});
  run.region = wanted;
  run.place = *place > 0                          ? std::string(short_region(wanted))
              : file.has("provenance/population") ? file.text("provenance/population")
                                                  : wanted;
  if (file.has("provenance/population_note")) run.population_note = file.text("provenance/population_note");
  if (file.has("provenance/programme_titles")) run.titles = lines_of(file.text("provenance/programme_titles"));

  const std::vector<std::size_t> everywhere{run.n_replicates, run.strategies.size(), run.programmes.size(),
                                            run.reports.size()};
  std::vector<std::size_t> by_region = everywhere;
  by_region.push_back(regions.size());
  const std::size_t n_cells = run.strategies.size() * run.programmes.size() * run.reports.size();
  for (const MetricSpec& metric : metric_table()) {
    const std::string name = fmt::format("replicates/{}", metric.name);
    if (!metric.on_report || metric.id == Metric::attributable_share || !file.has(name)) continue;
    const auto shape = file.shape(name);
    if (shape != everywhere && shape != by_region)
      throw file.broken(fmt::format("{} has another shape than its axes", name));
    if (*place > 0 && shape != by_region) continue;
    const Labelled read = shape == by_region ? file.numbers_at(name, {*place}) : file.numbers(name);
    const std::size_t begin = run.values.size();
    run.values.resize(begin + read.values.size());
    for (std::size_t r = 0; r < run.n_replicates; ++r)
      for (std::size_t cell = 0; cell < n_cells; ++cell)
        run.values[begin + cell * run.n_replicates + r] = read.values[r * n_cells + cell];
    run.metrics.push_back(metric.id);
  }
  return run;
}

void keep_first(RunValues& run, std::size_t n) {
  if (n >= run.n_replicates) return;
  const std::size_t n_cells = run.values.size() / run.n_replicates;
  for (std::size_t cell = 0; cell < n_cells; ++cell)
    std::copy_n(run.values.begin() + static_cast<std::ptrdiff_t>(cell * run.n_replicates), n,
                run.values.begin() + static_cast<std::ptrdiff_t>(cell * n));
  run.values.resize(n_cells * n);
  run.n_replicates = n;
}

// ---- Comparing ----------------------------------------------------------------------------------------------------

namespace {
/// Names in both, in the order of the first; what only one has is noted.
std::vector<std::string> shared_programmes(const RunValues& subject, const RunValues& baseline,
                                           std::vector<std::string>& notes) {
  std::vector<std::string> shared;
  for (const std::string& name : subject.programmes)
    if (name != "all" && std::ranges::count(baseline.programmes, name) > 0) shared.push_back(name);
  const auto n_own = [](const RunValues& run) {
    return run.programmes.size() - static_cast<std::size_t>(std::ranges::count(run.programmes, "all"));
  };
  const std::size_t n_shared = shared.size();
  if (n_shared == n_own(subject) && n_shared == n_own(baseline)) {
    if (std::ranges::count(subject.programmes, "all") > 0 && std::ranges::count(baseline.programmes, "all") > 0)
      shared.emplace_back("all");
  } else if (n_shared > 0) {
    notes.push_back(fmt::format("{} and {} have {} in common: totals and the programmes that only one has are left out",
                                subject.label, baseline.label, plural(n_shared, "programme")));
  }
  return shared;
}

std::vector<Period> shared_reports(const RunValues& subject, const RunValues& baseline,
                                   std::vector<std::string>& notes) {
  std::vector<Period> shared;
  for (const Period& period : subject.reports)
    if (std::ranges::count(baseline.reports, period.to, &Period::to) > 0) shared.push_back(period);
  if (!shared.empty() && (shared.size() < subject.reports.size() || shared.size() < baseline.reports.size()))
    notes.push_back(
        fmt::format("report dates that only one of {} and {} has are left out", subject.label, baseline.label));
  return shared;
}
}  // namespace

Pairing pair_up(const RunValues& subject, const RunValues& baseline) {
  Pairing pairing;
  if (&subject == &baseline) {
    pairing = {subject.n_replicates, subject.programmes, subject.reports, subject.metrics, {}};
    if (subject.region != kEngland) pairing.notes.emplace_back(kGapIsOfTheWhole);
    return pairing;
  }
  std::vector<Problem> problems;
  const std::string where = fmt::format("{} and {}", baseline.label, subject.label);
  const auto refuse = [&](std::string why, std::string advice = {}) {
    problems.push_back({where, "cannot be paired: " + std::move(why), std::move(advice)});
  };
  if (subject.seed != baseline.seed)
    refuse(fmt::format("their seeds are {} and {}", baseline.seed, subject.seed), "run both with one --seed");
  if (subject.region != baseline.region)
    refuse(fmt::format("they are about {} and {}", baseline.region, subject.region), "give both the same focus");
  const bool both_report = !subject.reports.empty() && !baseline.reports.empty();
  if (both_report && subject.reports.front().from != baseline.reports.front().from)
    refuse(
        fmt::format("they start on {} and {}", iso(baseline.reports.front().from), iso(subject.reports.front().from)));
  pairing.programmes = shared_programmes(subject, baseline, pairing.notes);
  if (pairing.programmes.empty()) refuse("they have no programme in common");
  pairing.reports = shared_reports(subject, baseline, pairing.notes);
  if (pairing.reports.empty()) refuse("they have no report date in common", "give both the same report_at");
  if (!problems.empty()) throw InputError(std::move(problems));

  for (const Metric metric : subject.metrics)
    if (std::ranges::count(baseline.metrics, metric) > 0) pairing.metrics.push_back(metric);
  if (subject.region != kEngland) pairing.notes.emplace_back(kGapIsOfTheWhole);
  pairing.n_replicates = std::min(subject.n_replicates, baseline.n_replicates);
  if (subject.n_replicates != baseline.n_replicates)
    pairing.notes.push_back(fmt::format(
        "{} has {} and {} has {}: {} compared", baseline.label, plural(baseline.n_replicates, "replicate"),
        subject.label, grouped(subject.n_replicates),
        pairing.n_replicates == 1 ? std::string("the first of each is")
                                  : fmt::format("the first {} of each are", grouped(pairing.n_replicates))));
  const auto differ = [&](std::string_view what, const auto& a, const auto& b) {
    if (a != b)
      pairing.notes.push_back(fmt::format("{} and {} differ in their {} ({} and {}): so does what is compared",
                                          baseline.label, subject.label, what, b, a));
  };
  const auto mode_name = [](const RunValues& run) { return kParameterModeNames[static_cast<std::size_t>(run.mode)]; };
  differ("parameters", mode_name(subject), mode_name(baseline));
  if (subject.mode == baseline.mode) differ("posterior", subject.posterior, baseline.posterior);
  differ("version", subject.version, baseline.version);
  differ("population", subject.population_vintage, baseline.population_vintage);
  differ("population's seed", subject.population_seed, baseline.population_seed);
  return pairing;
}

namespace {
/// A value as results.h5 keeps it: with the digits of a 32-bit float.
double as_stored(double value) { return static_cast<double>(static_cast<float>(value)); }

/// A ratio of means of the first `n` replicates; NaN where the run has not kept what it is a ratio of.
MeanRatio ratio_of(const Side& side, const RatioOfMeans& ratio, const std::string& programme, Date to, std::size_t n,
                   bool stored) {
  const RunValues& run = *side.run;
  const auto part = [&](Metric metric, View view) {
    const auto own = run.find(side.strategy, metric, programme, to),
               without = run.find(run.comparator, metric, programme, to);
    std::vector<double> values(own.empty() ? n : std::min(n, own.size()), kNaN);
    for (std::size_t r = 0; r < values.size() && !own.empty(); ++r) {
      const auto kept = [&](double value) { return stored ? as_stored(value) : value; };
      values[r] = kept(own[r]) - (view == View::net ? kept(without[r]) : 0);
    }
    return values;
  };
  return mean_ratio(ratio, part(ratio.over, ratio.over_in), part(ratio.under, ratio.under_in));
}

/// Puts ratios of means in the place of means of ratios. @return whether both sides have one
bool compare_ratios(const MeanRatio& subject, const MeanRatio& baseline, Difference& row) {
  row.subject = subject.value;
  row.baseline = baseline.value;
  row.difference.mean = subject.value - baseline.value;
  row.difference.mcse = standard_error(minus(subject.residual, baseline.residual));
  return !std::isnan(row.difference.mean);
}
}  // namespace

std::vector<Difference> differences(const Side& subject, const Side& baseline, const Pairing& pairing,
                                    std::span<const Metric> metrics) {
  // What was simulated loses the digits that a file does not keep, or equals would not be equal.
  const bool mixed = (subject.run->model == nullptr) != (baseline.run->model == nullptr);
  std::vector<Difference> rows;
  for (const Period& period : pairing.reports) {
    for (const std::string& programme : pairing.programmes) {
      for (const Metric metric : pairing.metrics) {
        if (!metrics.empty() && std::ranges::find(metrics, metric) == metrics.end()) continue;
        const auto a = subject.run->find(subject.strategy, metric, programme, period.to);
        const auto b = baseline.run->find(baseline.strategy, metric, programme, period.to);
        std::vector<double> as, bs;
        for (std::size_t r = 0; r < std::min({a.size(), b.size(), pairing.n_replicates}); ++r) {
          if (std::isnan(a[r]) || std::isnan(b[r])) continue;
          as.push_back(mixed ? as_stored(a[r]) : a[r]);
          bs.push_back(mixed ? as_stored(b[r]) : b[r]);
        }
        if (as.empty()) continue;
        Difference row{metric, programme, period, mean_of(as), mean_of(bs), {}, 0, 0, {}, {}};
        for (std::size_t r = 0; r < as.size(); ++r) {
          row.p_better += is_better(metric, as[r], bs[r]) ? 1 : 0;
          row.p_worse += is_better(metric, bs[r], as[r]) ? 1 : 0;
        }
        row.p_better /= static_cast<double>(as.size());
        row.p_worse /= static_cast<double>(as.size());
        std::vector<double> difference = minus(as, bs);
        row.difference = statistics(difference);
        if (const auto ratio = ratio_of_means(metric, std::nullopt)) {
          const auto of = [&](const Side& side) {
            return ratio_of(side, *ratio, programme, period.to, pairing.n_replicates, mixed);
          };
          if (!compare_ratios(of(subject), of(baseline), row)) continue;
        }
        rows.push_back(std::move(row));
      }
    }
  }
  return rows;
}

void add_variances(std::vector<Difference>& rows, const Side& subject, const RunValues& other, int baseline) {
  for (Difference& row : rows) {
    const auto a = subject.run->find(subject.strategy, row.metric, row.programme, row.period.to);
    const auto b = other.find(baseline, row.metric, row.programme, row.period.to);
    if (a.size() < 2 || b.size() < 2) continue;
    const double paired = row.difference.sd * row.difference.sd;
    row.variance = {paired, variance_of(a) + variance_of(b)};
  }
}

void add_peers(std::vector<Difference>& rows, const Side& subject, const Side& baseline, const Side& subject0,
               const Side& baseline0) {
  for (Difference& row : rows) {
    if (ratio_of_means(row.metric, std::nullopt)) continue;  // what peers make of it is not told replicate by replicate
    const auto of = [&](const Side& side) {
      return side.run->find(side.strategy, row.metric, row.programme, row.period.to);
    };
    const std::vector<double> with = minus(of(subject), of(baseline));
    std::vector<double> without = minus(of(subject0), of(baseline0));
    if (without.empty()) continue;
    std::vector<double> through = minus(with, without);
    row.peers = {statistics(without), statistics(through)};
  }
}

TargetLevel parse_target(const std::string& text) {
  const auto wrong = [&](std::string what, std::string advice) {
    return InputError({{"--target " + text, std::move(what), std::move(advice)}});
  };
  constexpr std::string_view kForm = "write --target 'ever_adopted>=5000@2023-03-31'";
  TargetLevel target;
  target.text = text;
  const auto sign = text.find_first_of("<>");
  const auto at = text.rfind('@');
  if (sign == std::string::npos || sign + 1 >= text.size() || text[sign + 1] != '=' || at == std::string::npos ||
      at < sign + 2)
    throw wrong("is not of the form metric>=VALUE@DATE", std::string(kForm));
  target.sense = text[sign] == '>' ? TargetLevel::Sense::at_least : TargetLevel::Sense::at_most;
  std::string name = text.substr(0, sign);
  if (const auto colon = name.find(':'); colon != std::string::npos) {
    target.programme = name.substr(0, colon);
    name.erase(0, colon + 1);
  }
  const auto metric = find_metric(name);
  if (!metric) {
    std::vector<std::string_view> names;
    for (const MetricSpec& m : metric_table()) names.push_back(m.name);
    const std::string nearest = nearest_name(name, names);
    throw wrong(fmt::format("names an unknown metric \"{}\"", name),
                nearest.empty() ? std::string(kForm) : fmt::format("did you mean \"{}\"?", nearest));
  }
  target.metric = *metric;
  const std::string number = text.substr(sign + 2, at - sign - 2);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), target.value);
  if (error != std::errc{} || end != number.data() + number.size() || !std::isfinite(target.value))
    throw wrong(fmt::format("\"{}\" is not a number", number), std::string(kForm));
  const std::string day = text.substr(at + 1);
  int year = 0;
  unsigned month = 0, of_month = 0;
  const auto whole = [&](std::size_t from, std::size_t n, auto& out) {
    const auto read = std::from_chars(day.data() + from, day.data() + from + n, out);
    return read.ec == std::errc{} && read.ptr == day.data() + from + n;
  };
  const bool shaped = day.size() == 10 && day[4] == '-' && day[7] == '-' && whole(0, 4, year) && whole(5, 2, month) &&
                      whole(8, 2, of_month);
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                                         std::chrono::day{of_month}};
  if (!shaped || !date.ok()) throw wrong(fmt::format("\"{}\" is not a date", day), std::string(kForm));
  target.at = date;
  return target;
}

namespace {
/// The programme that a target is about: by its name, or all of the run.
const std::string& programme_of(const TargetLevel& target, const RunValues& run) {
  return target.programme.empty() ? run.programmes[static_cast<std::size_t>(total_programme(run.programmes))]
                                  : target.programme;
}
}  // namespace

const Period& report_date(const TargetLevel& target, const RunValues& run) {
  std::vector<Problem> problems;
  const std::string& programme = programme_of(target, run);
  if (std::ranges::count(run.programmes, programme) == 0) {
    const std::vector<std::string_view> names(run.programmes.begin(), run.programmes.end());
    const std::string nearest = nearest_name(programme, names);
    problems.push_back({"--target " + target.text, fmt::format("{} has no programme \"{}\"", run.label, programme),
                        nearest.empty() ? fmt::format("it has {}", fmt::join(run.programmes, ", "))
                                        : fmt::format("did you mean \"{}\"?", nearest)});
  }
  const auto date = std::ranges::find(run.reports, target.at, &Period::to);
  if (date == run.reports.end()) {
    std::vector<std::string> dates;
    for (const Period& period : run.reports) dates.push_back(iso(period.to));
    problems.push_back({"--target " + target.text, fmt::format("{} is no report date of {}", iso(target.at), run.label),
                        fmt::format("they are {}; add it to report_at", fmt::join(dates, ", "))});
  }
  if (!problems.empty()) throw InputError(std::move(problems));
  return *date;
}

double chance_of(const TargetLevel& target, const Side& side, std::size_t n) {
  const RunValues& run = *side.run;
  static_cast<void>(report_date(target, run));
  const std::string& programme = programme_of(target, run);
  const auto values = run.find(side.strategy, target.metric, programme, target.at);
  double met = 0, defined = 0;
  for (const double v : values.first(std::min(n, values.size()))) {
    if (std::isnan(v)) continue;
    defined += 1;
    met += (target.sense == TargetLevel::Sense::at_least ? v >= target.value : v <= target.value) ? 1 : 0;
  }
  if (defined == 0)
    throw InputError({{"--target " + target.text,
                       fmt::format("{} has no {} for {} there", run.label, spec(target.metric).name, programme), ""}});
  return met / defined;
}

// ---- Displacement -------------------------------------------------------------------------------------------------

namespace {
/// Whether the values of programmes may be added: events of one programme's kind are not those of another's, and a run
/// has no total of them.
bool has_total(const RunValues& run, Metric metric, int strategy, Date to) {
  if (std::ranges::find(run.programmes, "all") == run.programmes.end()) return true;
  return std::ranges::any_of(run.find(strategy, metric, "all", to), [](double v) { return !std::isnan(v); });
}
}  // namespace

std::vector<Loss> losses(const RunValues& run, int before, int after, std::span<const std::string> programmes) {
  std::vector<Loss> lost;
  for (const Period& period : run.reports) {
    for (const std::string_view name : kLostMetrics) {
      const auto metric = find_metric(name);
      if (!metric) continue;
      std::vector<double> sum(run.n_replicates, 0);
      std::size_t n_summed = 0;
      for (const std::string& programme : programmes) {
        std::vector<double> loss =
            minus(run.find(before, *metric, programme, period.to), run.find(after, *metric, programme, period.to));
        if (loss.empty() || std::ranges::all_of(loss, [](double v) { return std::isnan(v); })) continue;
        for (std::size_t r = 0; r < sum.size(); ++r) sum[r] += loss[r];
        ++n_summed;
        lost.push_back({programme, period, *metric, statistics(loss)});
      }
      if (n_summed > 1 && has_total(run, *metric, before, period.to))
        lost.push_back({"all", period, *metric, statistics(sum)});
    }
  }
  return lost;
}

std::vector<AttentionPair> attention_pairs(const Scenario& scenario) {
  std::vector<AttentionPair> pairs;
  const auto& strategies = scenario.strategies;
  for (std::size_t off = 0; off < strategies.size(); ++off) {
    if (strategies[off].attention != Attention::off || !scenario.attention) continue;
    Strategy twin = strategies[off];
    twin.attention = Attention::as_scenario;
    for (std::size_t on = 0; on < strategies.size(); ++on) {
      if (!same_but_levers(strategies[on], twin) || !same_levers(strategies[on].levers, twin.levers)) continue;
      pairs.push_back({static_cast<int>(off), static_cast<int>(on)});
      break;
    }
  }
  return pairs;
}

std::vector<std::string> untouched_programmes(const Scenario& scenario, int a, int b) {
  const Strategy& one = scenario.strategies[static_cast<std::size_t>(a)];
  const Strategy& other = scenario.strategies[static_cast<std::size_t>(b)];
  if (!same_but_levers(one, other)) return {};
  const auto acting = [](const Strategy& strategy, int programme) {
    std::vector<Lever> levers;
    for (const Lever& lever : strategy.levers) {
      if (!lever.programmes.empty() && std::ranges::find(lever.programmes, programme) == lever.programmes.end())
        continue;
      levers.push_back(lever);
      levers.back().programmes.clear();
    }
    return levers;
  };
  std::vector<std::string> untouched;
  for (int j = 0; j < static_cast<int>(scenario.programmes.size()); ++j)
    if (same_levers(acting(one, j), acting(other, j)))
      untouched.push_back(scenario.programmes[static_cast<std::size_t>(j)].name);
  if (untouched.size() == scenario.programmes.size()) return {};  // nothing differs that could reach them
  return untouched;
}

bool has_peer_lever(const Scenario& scenario, int strategy) {
  const auto is_peer = [](const Lever& lever) { return lever.kind == LeverKind::communities; };
  return std::ranges::any_of(scenario.strategies[static_cast<std::size_t>(strategy)].levers, is_peer);
}

// ---- The split over drivers ---------------------------------------------------------------------------------------

std::vector<double> shapley_values(std::span<const double> worth) {
  UPTAKE_EXPECTS(std::has_single_bit(worth.size()));
  const auto n = static_cast<std::size_t>(std::countr_zero(worth.size()));
  // Of the n! orders, |S|! (n - |S| - 1)! have exactly the players of S before this one: a share of 1 / (n C(n - 1, |S|)).
  std::vector<double> weight(n);
  double combinations = 1;
  for (std::size_t size = 0; size < n; ++size) {
    weight[size] = 1 / (static_cast<double>(n) * combinations);
    combinations = combinations * static_cast<double>(n - 1 - size) / static_cast<double>(size + 1);
  }
  std::vector<double> value(n, 0);
  for (std::size_t player = 0; player < n; ++player)
    for (std::size_t set = 0; set < worth.size(); ++set)
      if ((set >> player & 1U) == 0)
        value[player] +=
            weight[static_cast<std::size_t>(std::popcount(set))] * (worth[set | std::size_t{1} << player] - worth[set]);
  return value;
}

/// What a record's replicates hold of one metric at a time, so that memory stays small; in the order of the dates.
template <typename Row, typename Of>
std::vector<Row> metric_by_metric(const RunRecord& record, std::span<const Metric> metrics, const Of& of) {
  const int place = focus_place(record.layout, record.model->scenario);
  std::vector<Row> rows;
  for (const Metric metric : metrics) {
    const RunValues values = values_of(record, place, {&metric, 1});
    if (values.metrics.empty()) continue;
    for (Row& row : of(values)) rows.push_back(std::move(row));
  }
  std::ranges::stable_sort(rows, {}, [](const Row& row) { return row.period.to; });
  return rows;
}

std::vector<DriverSplit> split_over_drivers(const RunRecord& record, std::span<const Metric> metrics) {
  const int lead = lead_strategy(record.model->scenario);
  if (worlds_of_drivers(record.layout.strategies, lead).empty()) return {};
  auto splits = metric_by_metric<DriverSplit>(
      record, metrics, [&](const RunValues& values) { return split_over_drivers(values, lead); });
  const auto& programmes = record.layout.programmes;
  std::ranges::stable_sort(splits, {}, [&](const DriverSplit& split) {
    return std::pair(split.period.to, std::ranges::find(programmes, split.programme) - programmes.begin());
  });
  return splits;
}

std::vector<Loss> lost_to_attention(const RunRecord& record) {
  const Scenario& scenario = record.model->scenario;
  const auto pairs = attention_pairs(scenario);
  if (pairs.empty() || scenario.programmes.size() < 2) return {};
  const std::span<const std::string> programmes(record.layout.programmes.data(), scenario.programmes.size());
  std::vector<Metric> metrics;
  for (const std::string_view name : kLostMetrics)
    if (const auto metric = find_metric(name)) metrics.push_back(*metric);
  return metric_by_metric<Loss>(record, metrics, [&](const RunValues& values) {
    return losses(values, pairs.front().off, pairs.front().on, programmes);
  });
}

bool is_additive(Metric metric) { return spec(metric).kind != MetricKind::ratio && !spec(metric).paired; }

std::vector<DriverSplit> split_over_drivers(const RunValues& run, int lead) {
  const std::vector<int> worlds = worlds_of_drivers(run.strategies, lead);
  std::vector<DriverSplit> splits;
  if (worlds.empty()) return splits;
  for (const Period& period : run.reports) {
    for (const std::string& programme : run.programmes) {
      for (const Metric metric : run.metrics) {
        if (!is_additive(metric)) continue;
        std::vector<std::span<const double>> of_world;
        for (const int world : worlds) of_world.push_back(run.find(world, metric, programme, period.to));
        std::array<std::vector<double>, kDriverNames.size()> values;
        std::vector<double> together, worth(worlds.size());
        for (std::size_t r = 0; r < run.n_replicates; ++r) {
          for (std::size_t set = 0; set < worth.size(); ++set) worth[set] = of_world[set][r];
          const std::vector<double> value = shapley_values(worth);
          for (std::size_t driver = 0; driver < values.size(); ++driver) values[driver].push_back(value[driver]);
          together.push_back(worth.back() - worth.front());
        }
        DriverSplit split{metric, programme, period, {}, statistics(together)};
        if (std::isnan(split.together.mean)) continue;
        for (std::size_t driver = 0; driver < values.size(); ++driver)
          split.by_driver[driver] = statistics(values[driver]);
        splits.push_back(std::move(split));
      }
    }
  }
  return splits;
}

}  // namespace uptake
