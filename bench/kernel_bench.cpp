/// The kernel alone, on synthetic populations of growing size. Every size is first checked event by event against the
/// integer twin over its first weeks; a wrong answer is not timed.
#include <benchmark/benchmark.h>

#include <map>

#include "oracle.hpp"
#include "synthetic.hpp"

namespace {

using namespace uptake;

constexpr int kWeeks = 274;  // the care-home scenario's horizon

Scenario question(int weeks) {
  Scenario scenario = synthetic::scenario(weeks);
  auto programme = ProgrammeSpec::with_table_defaults("care", OrganisationType::care_home);
  using namespace std::chrono;
  programme.commissioned = Window{2021y / January / 1, 2023y / March / 31};
  programme.fix(Parameter::delivery_staff_days, 13'200);
  scenario.programmes = {programme};
  return scenario;
}

std::shared_ptr<const Population> crowd(std::size_t n) {
  synthetic::Options options;
  options.n_regions = 15;
  options.boards_per_region = 3;
  options.n_nearest = 10;
  options.owned_share = 0.38;
  options.practice_share = 0;
  return synthetic::population(n, options);
}

struct Case {
  std::shared_ptr<const Model> model;
  Draw draw;
  Key key = make_key(1, 0);
  bool right = false;
};

Case make_case(std::size_t n) {
  Case made;
  const auto population = crowd(n);
  // The twin looks at everybody every week, so large crowds are compared over fewer weeks.
  const int compared = n <= 20'000 ? kWeeks : 24;
  const auto shortened = make_model(question(compared), population);
  made.draw = draw_parameters(shortened->scenario, made.key);
  const auto clocks = draw_clocks(*shortened, made.draw, made.key);
  const auto rates = compile(shortened, 0, made.draw);
  World world = start(rates, clocks);
  advance(world, rates, compared);
  made.right =
      oracle::sorted(world.history().events) == oracle::integer_twin(*shortened, 0, *rates, made.draw, *clocks);
  made.model = compared == kWeeks ? shortened : make_model(question(kWeeks), population);
  return made;
}

const Case& case_of(std::size_t n) {
  static std::map<std::size_t, Case> cases;
  const auto at = cases.find(n);
  return at != cases.end() ? at->second : cases.emplace(n, make_case(n)).first->second;
}

void one_world(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const Case& chosen = case_of(n);
  if (!chosen.right) {
    state.SkipWithError("differs from the twin");
    return;
  }
  const auto clocks = draw_clocks(*chosen.model, chosen.draw, chosen.key);
  const auto rates = compile(chosen.model, 0, chosen.draw);
  const World at_start = start(rates, clocks);
  World world = at_start;
  std::size_t n_events = 0;
  for (auto _ : state) {
    world = at_start;  // reuses memory
    advance(world, rates, kWeeks);
    n_events += world.history().events.size();
  }
  const double weeks = static_cast<double>(state.iterations()) * static_cast<double>(n) * kWeeks;
  state.counters["organisation-weeks/s"] = benchmark::Counter(weeks, benchmark::Counter::kIsRate);
  state.counters["events/s"] = benchmark::Counter(static_cast<double>(n_events), benchmark::Counter::kIsRate);
}
BENCHMARK(one_world)->Arg(1'000)->Arg(15'465)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

void door(benchmark::State& state) {
  const Case& chosen = case_of(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(draw_clocks(*chosen.model, chosen.draw, chosen.key));
}
BENCHMARK(door)->Arg(1'000)->Arg(15'465)->Unit(benchmark::kMillisecond);

void compile_rates(benchmark::State& state) {
  const Case& chosen = case_of(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(compile(chosen.model, 0, chosen.draw));
}
BENCHMARK(compile_rates)->Arg(15'465)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
