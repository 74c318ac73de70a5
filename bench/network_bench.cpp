/// Plain Bass diffusion on a network of 20,000 to 10,000,000 organisations: the process on which engines are compared
/// (README.md). Every world is checked whole, and a small one against the integer twin, before it is timed.
#include <benchmark/benchmark.h>

#include <map>
#include <numeric>

#include "oracle.hpp"
#include "process.hpp"

namespace {

using namespace uptake;
using bench::Size;

struct Case {
  bench::Process process;
  std::shared_ptr<const Clocks> clocks;
  std::shared_ptr<const Rates> rates;
  std::unique_ptr<World> at_start, at_end;
  double world_bytes = 0;
  bool right = false;
};

constexpr std::size_t kTwinSize = 22'000;  // larger worlds would take the twin minutes

/// One size is kept at a time: the largest needs most of a laptop's memory.
Case& case_of(const Size& size) {
  static std::pair<Size, std::unique_ptr<Case>> kept;
  if (kept.second && kept.first == size) return *kept.second;
  kept.second.reset();
  kept = {size, std::make_unique<Case>()};
  Case& made = *kept.second;
  made.process = bench::make_process(size);
  const Model& model = *made.process.model;
  const double before = bench::resident();
  made.clocks = draw_clocks(model, made.process.draw, made.process.key);
  made.rates = compile(made.process.model, 0, made.process.draw);
  made.at_start = std::make_unique<World>(start(made.rates, made.clocks));
  made.at_end = std::make_unique<World>(*made.at_start);
  advance(*made.at_end, made.rates, size.weeks);
  made.world_bytes = bench::resident() - before;
  made.right = bench::is_the_history(model, *made.rates, *made.clocks, made.at_end->history());
  // The same check rejects one adoption that is a week late.
  History wrong = made.at_end->history();
  wrong.events[wrong.events.size() / 2].boundary += 1;
  made.right = made.right && !bench::is_the_history(model, *made.rates, *made.clocks, wrong);
  if (made.right && size == Size{.n = kTwinSize}) {
    made.right = oracle::sorted(made.at_end->history().events) ==
                 oracle::integer_twin(model, 0, *made.rates, made.process.draw, *made.clocks);
  }
  return made;
}

double n_pushes(const Case& of) {
  double n = 0;
  for (const Event& event : of.at_end->history().events) {
    const auto& records = of.process.model->first_record;
    const auto j = static_cast<std::size_t>(std::ranges::upper_bound(records, event.record) - records.begin()) - 1;
    const auto& offsets = of.process.model->programmes[j].edges[0].offsets;
    const std::size_t record = event.record - records[j];
    n += offsets[record + 1] - offsets[record];
  }
  return n;
}

/// One replicate as an ensemble runs it: clocks, tables, world.
void replicate(benchmark::State& state, const Size& size) {
  Case& of = case_of(size);
  if (!of.right) return state.SkipWithError("is not the history of the process");
  std::uint64_t r = 0;
  double adoptions = 0;
  for (auto _ : state) {
    const Key key = make_key(1, r++ % 64);
    World world =
        start(compile(of.process.model, 0, of.process.draw), draw_clocks(*of.process.model, of.process.draw, key));
    advance(world, world.state().rates, size.weeks);
    adoptions += static_cast<double>(world.history().events.size());
  }
  const auto rate = [&](double n) { return benchmark::Counter(n, benchmark::Counter::kIsRate); };
  state.counters["adoptions/s"] = rate(adoptions);
  state.counters["organisation-weeks/s"] =
      rate(static_cast<double>(state.iterations()) * static_cast<double>(of.process.model->n_records()) * size.weeks);
}

/// The world alone, from a start that is there: what grows with adoptions and ties.
void world(benchmark::State& state, const Size& size) {
  Case& of = case_of(size);
  if (!of.right) return state.SkipWithError("is not the history of the process");
  World world = *of.at_start;
  for (auto _ : state) {
    world = *of.at_start;  // reuses memory
    advance(world, of.rates, size.weeks);
  }
  const auto iterations = static_cast<double>(state.iterations());
  const auto n = static_cast<double>(of.process.model->n_records());
  const auto adoptions = static_cast<double>(of.at_end->history().events.size());
  const auto rate = [&](double each) { return benchmark::Counter(iterations * each, benchmark::Counter::kIsRate); };
  state.counters["adoptions/s"] = rate(adoptions);
  state.counters["edge-pushes/s"] = rate(n_pushes(of));
  state.counters["organisation-weeks/s"] = rate(n * size.weeks);
  state.counters["adopted"] = adoptions / n;
  // Two worlds, one set of clocks and their tables.
  state.counters["B/organisation, worlds"] = of.world_bytes / n;
  state.counters["B/organisation, model"] = of.process.model_bytes / n;
}

/// What the machine allows: thresholds of everybody written once, and one read-modify-write of 8 bytes for each tie of
/// each adopter in the order of this world's adoptions, the rows asked for ahead.
void floor_of_world(benchmark::State& state, const Size& size) {
  Case& of = case_of(size);
  const ProgrammeModel& programme = of.process.model->programmes.front();
  const Pushes& edges = programme.edges[0];
  const auto& events = of.at_end->history().events;
  struct Record {
    std::uint32_t left, exposure;
  };
  Paged<Record> records(programme.n_records());
  constexpr std::size_t kAhead = 12;
  const auto push_all = [&](const auto& row) {
    for (std::size_t a = 0; a < events.size(); ++a) {
      if (a + kAhead < events.size()) {
        const auto first = edges.offsets[events[a + kAhead].record];
        __builtin_prefetch(row.data() + first);
        __builtin_prefetch(row.data() + first + 64 / sizeof(row[0]));
      }
      for (auto e = edges.offsets[events[a].record]; e < edges.offsets[events[a].record + 1]; ++e) {
        const auto [to, weight] = Pushes::unpack(row[e]);
        records[to].exposure += weight;
      }
    }
  };
  std::uint32_t seed = 1;
  for (auto _ : state) {
    for (std::size_t i = 0; i < records.size(); ++i) {
      // Four rounds of multiplication stand for a counter-based generator.
      auto x = static_cast<std::uint32_t>(i) ^ seed;
      for (int round = 0; round < 4; ++round) x = (x ^ (x >> 15)) * 0x2c1b3c6dU;
      records[i] = {x, 0};
    }
    edges.wide.empty() ? push_all(edges.narrow) : push_all(edges.wide);
    ++seed;
    benchmark::ClobberMemory();
  }
}

void door(benchmark::State& state, const Size& size) {
  Case& of = case_of(size);
  for (auto _ : state) benchmark::DoNotOptimize(draw_clocks(*of.process.model, of.process.draw, of.process.key));
}

/// Population, ties and model from a name.
void build(benchmark::State& state, const Size& size) {
  for (auto _ : state) benchmark::DoNotOptimize(bench::make_process(size));
}

void declare() {
  const auto add = [](const std::string& name, auto function, const Size& size) {
    return benchmark::RegisterBenchmark(name.c_str(),
                                        [function, size](benchmark::State& state) { function(state, size); })
        ->Unit(benchmark::kMillisecond);
  };
  // 10 million takes about 6 GB and a minute or two: asked for with --benchmark_filter=/10000000.
  for (const std::size_t n : {20'000UL, 22'000UL, 100'000UL, 1'000'000UL, 10'000'000UL}) {
    for (const char* graph : {"small-world", "random"}) {
      const Size size{.n = n, .graph = graph};
      const std::string of = fmt::format("/{}/{}", graph, n);
      if (n == 10'000'000 && graph == std::string_view("random")) continue;
      add("world" + of, world, size);
      add("floor" + of, floor_of_world, size);
      add("replicate" + of, replicate, size);
      if (graph == std::string_view("small-world")) add("door" + of, door, size);
    }
  }
  add("build/1000000", build, {.n = 1'000'000});
  for (const int degree : {2, 4, 10, 20, 40}) {
    add(fmt::format("growth/ties:{}", degree), world, {.degree = degree});
  }
  for (const int weeks : {130, 260, 520, 1040, 2080})
    add(fmt::format("growth/weeks:{}", weeks), world, {.weeks = weeks});
  for (const int n : {1, 2, 4, 8}) add(fmt::format("growth/programmes:{}", n), world, {.programmes = n});
  for (const double q : {0.0, 0.003, 0.006, 0.012, 0.024}) {
    add(fmt::format("growth/q:{}", q), world, {.q_per_week = q});
  }
}

}  // namespace

int main(int argc, char** argv) {
  declare();
  std::vector<char*> arguments(argv, argv + argc);
  std::string small = "--benchmark_filter=-/10000000";
  const bool has_filter = std::ranges::any_of(
      arguments, [](const char* argument) { return std::string_view(argument).starts_with("--benchmark_filter"); });
  if (!has_filter) arguments.push_back(small.data());
  int n = static_cast<int>(arguments.size());
  benchmark::Initialize(&n, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(n, arguments.data())) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
