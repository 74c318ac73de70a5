#include <gtest/gtest.h>

#include <cmath>

#include "small_model.hpp"
#include "uptake/outcomes.hpp"
#include "worlds.hpp"

namespace uptake {
namespace {

using namespace std::chrono;

constexpr std::array kCounts{Measure::engaged, Measure::implementing_ever, Measure::adopters, Measure::ever_adopted,
                             Measure::sustained_adopters};

/// The day on which a boundary ends what is before it.
Date day_before(const Calendar& calendar, int boundary) { return calendar.start + days{7 * boundary - 1}; }

std::vector<Target> targets_of(const Model& model, std::span<const int> boundaries, std::span<const Measure> measures) {
  std::vector<Target> targets;
  for (int j = 0; j < model.n_programmes(); ++j)
    for (const Measure measure : measures)
      for (const int boundary : boundaries)
        for (int region = -1; region < static_cast<int>(model.population->regions.size()); ++region)
          targets.push_back({j, measure, region, boundary});
  return targets;
}

/// Largest difference between observations and the metrics of the same name, which are in the order of the boundaries.
double largest_difference(const Model& model, const SummaryLayout& layout, std::span<const double> summary,
                          int strategy, std::span<const int> boundaries, std::span<const Target> targets,
                          std::span<const double> observed) {
  double most = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const Target& target = targets[i];
    const auto name = kMeasureNames[static_cast<std::size_t>(target.measure)];
    const Block* block = layout.find(*find_metric(name), Axis::report);
    if (block == nullptr) return INFINITY;
    const auto time = static_cast<int>(std::ranges::find(boundaries, target.boundary) - boundaries.begin());
    const auto& denominator =
        model.scenario.programmes[static_cast<std::size_t>(target.programme)].historic_denominator;
    const bool is_count = target.measure <= Measure::sustained_adopters;
    const auto n = static_cast<double>(n_eligible(model, target.programme, -1));
    const double scale = is_count ? denominator.value_or(n) / n : 1.0;
    const double metric = summary[block->at(strategy, target.programme, time, 1 + target.region)];
    if (std::isnan(metric) && std::isnan(observed[i])) continue;
    const double difference = std::abs(metric - scale * observed[i]);
    most = std::isnan(difference) ? INFINITY : std::max(most, difference);
  }
  return most;
}

// Mutant rejected: the state a week later.
TEST(Observe, CountsOrganisationsAsTheMetricsDo) {
  const std::array boundaries{130, 3, 90, 53, 60, 17};  // in no order
  double counted = 0, sustained = 0;
  for (std::uint64_t trial = 0; trial < 6; ++trial) {
    Scenario scenario = busy_scenario(130);
    if (trial == 1) scenario.programmes[0].skipped = {.engaged = true, .implementing = false};
    if (trial == 2) scenario.programmes[1].skipped = {.engaged = true, .implementing = true};
    if (trial == 3) scenario.programmes[0].historic_denominator = 1000;
    scenario.calendar.report_at.clear();
    for (const int boundary : boundaries)
      scenario.calendar.report_at.push_back(day_before(scenario.calendar, boundary));
    synthetic::Options options;
    options.seed = trial;
    const Prepared run = prepare(scenario, synthetic::population(200, options), 0, trial);
    const SummaryLayout layout = make_layout(*run.model);
    const auto histories = simulate(run.model, run.draw, run.key);
    Summary summary(layout.size);
    outcomes(*run.model, layout, run.draw, run.key, histories, summary);
    const auto targets = targets_of(*run.model, boundaries, kCounts);
    std::vector<double> observed(targets.size(), -1);
    for (int s = 0; s < run.model->n_strategies(); ++s) {
      observe(*run.model, run.draw, run.key, histories[static_cast<std::size_t>(s)], targets, observed, s);
      EXPECT_LT(largest_difference(*run.model, layout, summary, s, boundaries, targets, observed), 1e-9) << trial;
      for (std::size_t i = 0; i < targets.size(); ++i) {
        counted += observed[i];
        if (targets[i].measure == Measure::sustained_adopters) sustained += observed[i];
      }
    }
    auto later = targets;
    for (Target& target : later) target.boundary = std::min(target.boundary + 1, 130);
    observe(*run.model, run.draw, run.key, histories[0], later, observed);
    EXPECT_GT(largest_difference(*run.model, layout, summary, 0, boundaries, targets, observed), 0.5);
  }
  EXPECT_GT(counted, 20000);
  EXPECT_GT(sustained, 500);  // the comparison is of something
}

// Who fails where nobody is ever engaged is unaware again; leaving that a second time engages nobody more.
TEST(Observe, EngagesAnOrganisationOnce) {
  Scenario scenario = busy_scenario(130);
  scenario.programmes.resize(1);
  scenario.programmes[0].skipped = {.engaged = true, .implementing = false};
  scenario.programmes[0].fix(Parameter::phi, 0.1);
  const Prepared run = prepare(scenario, synthetic::population(200), 0, 1);
  const History history{events_of(run)};
  const auto again = std::ranges::count(history.events, Stage::unaware, &Event::from);
  const std::array targets{Target{0, Measure::engaged, -1, 130}, Target{0, Measure::implementing_ever, -1, 130}};
  std::array<double, 2> observed{};
  observe(*run.model, run.draw, run.key, history, targets, observed);
  EXPECT_LE(observed[0], static_cast<double>(n_eligible(*run.model, 0, -1)));
  EXPECT_EQ(observed[0], observed[1]);
  EXPECT_GT(static_cast<double>(again), observed[0] + 10);
}

TEST(Observe, IsNotChangedByWhatComesLater) {
  Scenario scenario = busy_scenario(130);
  const Prepared run = prepare(scenario, synthetic::population(200), 0, 7);
  World world = start(run.rates, run.clocks);
  advance(world, run.rates, 80);
  const History soon = world.history();
  advance(world, run.rates, 130);
  const std::array boundaries{0, 40, 80};
  const auto targets = targets_of(*run.model, boundaries, kCounts);
  std::vector<double> early(targets.size()), late(targets.size());
  observe(*run.model, run.draw, run.key, soon, targets, early);
  observe(*run.model, run.draw, run.key, world.history(), targets, late);
  EXPECT_EQ(early, late);
  const std::array sustained{Target{0, Measure::sustained_adopters, -1, 80}, Target{0, Measure::adopters, -1, 80},
                             Target{0, Measure::adopters, -1, 28}};
  std::array<double, 3> out{};
  observe(*run.model, run.draw, run.key, soon, sustained, out);
  EXPECT_GT(out[0], 0);
  EXPECT_LT(out[0], std::min(out[1], out[2]));  // some stopped since
}

TEST(Observe, CountsTheEligibleOfARegion) {
  const Prepared run = prepare(busy_scenario(60), synthetic::population(200), 0, 1);
  for (int j = 0; j < 2; ++j) {
    std::size_t sum = 0;
    for (int region = 0; region < 3; ++region) sum += n_eligible(*run.model, j, region);
    EXPECT_EQ(sum, n_eligible(*run.model, j, -1));
    EXPECT_EQ(sum, run.model->programmes[static_cast<std::size_t>(j)].n_records());
  }
  EXPECT_LT(n_eligible(*run.model, 0, -1), n_eligible(*run.model, 1, -1));  // homes alone, homes and practices
}

/// 60 organisations of several sizes in three regions; histories in which they come and go.
struct Treating {
  static constexpr std::array kBoundaries{5, 31, 44, 60, 100, 118};
  explicit Treating(SmallProgramme programme)
      : small(organisations(), 6, 3, {std::move(programme)}, sys_days{2021y / January / 4}, 120, reports()) {
    small.set(0, Parameter::fidelity_start, 0.4);
    small.set(0, Parameter::retraining, 1.2);
    small.set(0, Parameter::turnover, 0.3);
    small.set(0, Parameter::reference_fidelity, 0.7);
  }
  static std::vector<SmallOrganisation> organisations() {
    std::vector<SmallOrganisation> made;
    for (int i = 0; i < 60; ++i)
      made.push_back({i * 7 % 6, i % 11 == 0 ? std::nan("") : 1.0 + i % 5, static_cast<std::uint8_t>(i % 6)});
    return made;
  }
  static std::vector<Date> reports() {
    std::vector<Date> dates;
    for (const int boundary : kBoundaries) dates.push_back(sys_days{2021y / January / 4} + days{7 * boundary - 1});
    return dates;
  }
  /// A lever halves capacity in region 1 from week 26 on.
  void halve_capacity() {
    small.model.programmes[0].region_class = {0, 1, 0};
    for (StrategyPlan& strategy : small.model.strategies) {
      ProgrammePlan::WeekFactors all, halved;
      all.capacity.assign(120, 1.0F);
      halved.capacity = all.capacity;
      std::fill(halved.capacity.begin() + 26, halved.capacity.end(), 0.5F);
      strategy.programmes[0].classes = {all, halved};
    }
    small.layout = make_layout(small.model);
  }
  [[nodiscard]] double difference(Measure measure, const Draw& draw, Key key) const {
    const std::vector<History> histories{random_history(key, 60, 120, 0.2), random_history(Key{99}, 60, 120, 0.1)};
    const Summary summary = small.run(histories, key);
    const auto targets = targets_of(small.model, kBoundaries, {&measure, 1});
    std::vector<double> observed(targets.size());
    observe(small.model, draw, key, histories[0], targets, observed);
    return largest_difference(small.model, small.layout, summary, 0, kBoundaries, targets, observed);
  }
  SmallModel small;
};

// Mutants rejected: no drift of the background; reach at full fidelity from the first day.
TEST(Observe, SeesUptakeAsTheMetricDoes) {
  Treating of({.outcome = OutcomeKind::uptake,
               .historic_denominator = 180,
               .event = "stroke",
               .available_from = sys_days{2021y / March / 1}});
  of.small.set(0, Parameter::persons_a_year, 4000);
  of.small.set(0, Parameter::uptake_start, 0.6);
  of.small.set(0, Parameter::uptake_spread, 0.8);
  of.small.set(0, Parameter::background_trend, 0.3);
  of.small.set(0, Parameter::uptake_ceiling, 0.9);
  of.small.set(0, Parameter::gap_closed, 0.7);
  EXPECT_LT(of.difference(Measure::uptake_share, of.small.draw(), Key{1}), 1e-12);
  Treating still = of, faithful = of;
  still.small.set(0, Parameter::background_trend, 0);
  faithful.small.set(0, Parameter::fidelity_start, 1);
  EXPECT_GT(of.difference(Measure::uptake_share, still.small.draw(), Key{1}), 1e-3);
  EXPECT_GT(of.difference(Measure::uptake_share, faithful.small.draw(), Key{1}), 1e-3);
  of.halve_capacity();
  EXPECT_LT(of.difference(Measure::uptake_share, of.small.draw(), Key{2}), 1e-12);
  of.small.model.scenario.programmes[0].background_from = sys_days{2019y / June / 1};
  of.small.layout = make_layout(of.small.model);
  EXPECT_LT(of.difference(Measure::uptake_share, of.small.draw(), Key{3}), 1e-12);
}

// Mutant rejected: another number of beds by 5 %.
TEST(Observe, SeesBedsAsTheMetricDoes) {
  Treating of({.outcome = OutcomeKind::capacity, .historic_denominator = 80});
  of.small.set(0, Parameter::beds, 1000);
  of.small.set(0, Parameter::occupancy, 0.7);
  of.small.set(0, Parameter::ward_stay, 10);
  EXPECT_LT(of.difference(Measure::capacity_beds, of.small.draw(), Key{1}), 1e-9);
  Treating more = of;
  more.small.set(0, Parameter::beds, 1050);
  EXPECT_GT(of.difference(Measure::capacity_beds, more.small.draw(), Key{1}), 1);
  of.halve_capacity();
  EXPECT_LT(of.difference(Measure::capacity_beds, of.small.draw(), Key{2}), 1e-9);
}

// At the start there is no month yet: the first day stands for it.
TEST(Observe, HasUptakeAtTheStart) {
  Treating of({.outcome = OutcomeKind::uptake, .event = "stroke"});
  of.small.set(0, Parameter::uptake_start, 0.6);
  of.small.set(0, Parameter::background_trend, 0.3);
  const Target target{0, Measure::uptake_share, -1, 0};
  double out = 0;
  observe(of.small.model, of.small.draw(), Key{1}, {}, {&target, 1}, {&out, 1});
  EXPECT_NEAR(out, 0.6 + 0.6 * 0.4 * 0.3 * 0.5 / 365.25, 1e-6);
}

}  // namespace
}  // namespace uptake
