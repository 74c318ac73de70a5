/// England and the care-home scenario, from tables to file. Answers are checked first: marginals of the population,
/// the kernel against its twin on a national world, conservation of the outcomes, bytes of two files.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "oracle.hpp"
#include "uptake/ensemble.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/results.hpp"
#include "uptake/scenario.hpp"

namespace {

using namespace uptake;
namespace fs = std::filesystem;

const fs::path kData = fs::path(UPTAKE_SOURCE_FOLDER) / "scenarios";

struct National {
  std::shared_ptr<const Model> model;
  SummaryLayout layout;
  Draw draw;
  Key key;
  std::vector<History> histories;
  bool right = false;
};

/// The first world of a scenario against the integer twin over its first weeks; the twin looks at everybody every week.
bool agrees_with_the_twin(const Scenario& scenario, const std::shared_ptr<const Population>& population, int weeks) {
  Scenario shortened = scenario;
  shortened.calendar.n_weeks = std::min(weeks, scenario.calendar.n_weeks);
  const auto model = make_model(std::move(shortened), population);
  const Key key = make_key(scenario.seed, 0);
  const Draw draw = draw_parameters(model->scenario, key);
  const auto clocks = draw_clocks(*model, draw, key);
  const auto rates = compile(model, 0, draw);
  World world = start(rates, clocks);
  advance(world, rates, rates->n_weeks);
  return oracle::sorted(world.history().events) == oracle::integer_twin(*model, 0, *rates, draw, *clocks);
}

National make_national(const char* name, int weeks_compared) {
  National it;
  Scenario scenario = load_scenario(kData / name, {}, kData);
  auto population = std::make_shared<const Population>(build_population(scenario, kData));
  it.right = agrees_with_the_twin(scenario, population, weeks_compared);
  it.model = make_model(std::move(scenario), std::move(population));
  it.layout = make_layout(*it.model);
  it.key = make_key(it.model->scenario.seed, 0);
  it.draw = draw_parameters(it.model->scenario, it.key);
  it.histories = simulate(it.model, it.draw, it.key);
  return it;
}

const National& national() {
  static const National made = make_national("care-homes.toml", 10'000);
  return made;
}
const National& portfolio() {
  static const National made = make_national("portfolio-2018-2023.toml", 40);
  return made;
}

bool checked(benchmark::State& state) {
  if (!national().right) state.SkipWithError("the national world differs from the twin");
  return national().right;
}

void population_build(benchmark::State& state) {
  const auto marginals = england_marginals(build_england(kData / "england", {}), kData / "england");
  if (!std::ranges::all_of(marginals, &Marginal::holds)) {
    state.SkipWithError("a marginal does not hold");
    return;
  }
  for (auto _ : state) benchmark::DoNotOptimize(build_england(kData / "england", {}));
}
BENCHMARK(population_build)->Unit(benchmark::kMillisecond);

void model_build(benchmark::State& state) {
  if (!checked(state)) return;
  const National& it = national();
  for (auto _ : state) benchmark::DoNotOptimize(make_model(it.model->scenario, it.model->population));
}
BENCHMARK(model_build)->Unit(benchmark::kMillisecond);

void one_replicate(benchmark::State& state) {
  if (!checked(state)) return;
  const National& it = national();
  std::uint64_t replicate = 0;
  for (auto _ : state) {
    const Key key = make_key(it.model->scenario.seed, replicate++ % 64);
    benchmark::DoNotOptimize(simulate(it.model, draw_parameters(it.model->scenario, key), key));
  }
  state.counters["worlds/s"] = benchmark::Counter(static_cast<double>(state.iterations() * it.model->n_strategies()),
                                                  benchmark::Counter::kIsRate);
}
BENCHMARK(one_replicate)->Unit(benchmark::kMillisecond);

/// 26 programmes that compete for attention. The twin takes a second a week here, so it sees the first 40 weeks.
void one_portfolio_replicate(benchmark::State& state) {
  const National& it = portfolio();
  if (!it.right) return state.SkipWithError("the portfolio's world differs from the twin");
  std::uint64_t replicate = 0;
  double n_events = 0;
  for (auto _ : state) {
    const Key key = make_key(it.model->scenario.seed, replicate++ % 16);
    const auto histories = simulate(it.model, draw_parameters(it.model->scenario, key), key);
    for (const History& history : histories) n_events += static_cast<double>(history.events.size());
  }
  state.counters["worlds/s"] = benchmark::Counter(static_cast<double>(state.iterations() * it.model->n_strategies()),
                                                  benchmark::Counter::kIsRate);
  state.counters["events/s"] = benchmark::Counter(n_events, benchmark::Counter::kIsRate);
}
BENCHMARK(one_portfolio_replicate)->Unit(benchmark::kMillisecond);

void outcomes_of_one_replicate(benchmark::State& state) {
  if (!checked(state)) return;
  const National& it = national();
  std::vector<double> summary(it.layout.size);
  outcomes(*it.model, it.layout, it.draw, it.key, it.histories, summary);
  const Block* homes = it.layout.find(Metric::home_years, Axis::report);
  double regions = 0;
  for (int place = 1; place < homes->n_places; ++place) regions += summary[homes->at(0, 0, 0, place)];
  if (std::abs(regions - summary[homes->at(0, 0, 0, 0)]) > 1e-6 * regions) {
    state.SkipWithError("regions do not sum to England");
    return;
  }
  for (auto _ : state) outcomes(*it.model, it.layout, it.draw, it.key, it.histories, summary);
}
BENCHMARK(outcomes_of_one_replicate)->Unit(benchmark::kMillisecond);

Ensemble small_ensemble(std::size_t n, int n_threads) {
  const National& it = national();
  Ensemble ensemble{n, it.layout.size, {}, nullptr};
  ensemble.values.reserve(n * it.layout.size);
  const auto task = [&](std::size_t r) {
    const Key key = make_key(it.model->scenario.seed, r);
    const Draw draw = draw_parameters(it.model->scenario, key);
    std::vector<double> out(it.layout.size);
    outcomes(*it.model, it.layout, draw, key, simulate(it.model, draw, key), out);
    return out;
  };
  Control control;
  control.n_threads = n_threads;
  run_tasks(
      n, task,
      [&](std::size_t, std::vector<double>&& value) {
        ensemble.values.insert(ensemble.values.end(), value.begin(), value.end());
      },
      control);
  return ensemble;
}

void ensemble_of_32(benchmark::State& state) {
  if (!checked(state)) return;
  const auto one = small_ensemble(8, 1), two = small_ensemble(8, 2);
  const auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  if (!std::ranges::equal(one.values, two.values, same)) {
    state.SkipWithError("threads change the answer");
    return;
  }
  for (auto _ : state) benchmark::DoNotOptimize(small_ensemble(32, static_cast<int>(state.range(0))));
  state.counters["replicates/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * 32), benchmark::Counter::kIsRate);
}
BENCHMARK(ensemble_of_32)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

void results_writing(benchmark::State& state) {
  if (!checked(state)) return;
  const National& it = national();
  static const Ensemble ensemble = small_ensemble(200, 0);
  const RunRecord record{it.model, it.layout, &ensemble};
  const fs::path folder = fs::temp_directory_path() / "uptake-results-bench";
  fs::create_directories(folder);
  const auto bytes = [&] {
    write_results(record, folder, {});
    std::ifstream file(folder / "results.h5", std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  if (bytes() != bytes()) {
    state.SkipWithError("two files differ");
    return;
  }
  for (auto _ : state) write_results(record, folder, {});
  fs::remove_all(folder);
}
BENCHMARK(results_writing)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
