// Each lever does what it says, and only that; programmes begin and end on their days. Every feature agrees with the slow
// twins on small random populations.
#include <gtest/gtest.h>

#include <numeric>

#include "uptake/error.hpp"
#include "worlds.hpp"

namespace uptake {
namespace {

using namespace std::chrono;

constexpr int kWeeks = 90;

/// Both programmes with lives of their own, tranches and regional shares, and levers of every kind.
Scenario full_scenario(std::uint64_t trial) {
  Scenario scenario = busy_scenario(kWeeks);
  ProgrammeSpec &first = scenario.programmes[0], &second = scenario.programmes[1];
  first.available_from = Date{2021y / March / 14};
  first.tranches = {{{"R1"}, Date{2021y / May / 1}}, {{"Region 2"}, Date{2021y / January / 10}}};
  first.delivered_by_region = {{"R0", 0.6, "tool.toml:9:1"}};
  first.fix(Parameter::start_in_use, 0.1);
  first.fix(Parameter::withdrawal_factor, 8);
  first.withdrawn = Date{2022y / January / 31};
  second.fix(Parameter::added_community, 1.5);
  if (trial % 3 == 1) second.withdrawn = Date{2021y / October / 1};
  if (trial % 3 == 2) second.available_from = Date{2021y / June / 1};
  if (trial % 4 == 1) first.rule = second.rule = LayerRule::maximum;
  if (trial % 4 == 2) first.skipped = {.engaged = true, .implementing = true};
  if (trial % 4 == 3) first.restart = Restart::decides_again, second.restart = Restart::constant;

  Lever communities;
  communities.kind = LeverKind::communities;
  communities.targeting = Targeting::most_deprived_first;
  communities.share = 0.5;
  communities.regions = {"R0", "R2"};
  communities.window = Window{2021y / April / 1, 2022y / March / 31};
  Lever tariff;
  tariff.kind = LeverKind::tariff;
  tariff.share = 0.4;
  tariff.regions = {"R1"};
  tariff.window = Window{2021y / July / 1, 2021y / September / 30};
  for (Lever lever : {communities, tariff}) scenario.strategies[0].levers.push_back(lever);
  Lever everywhere = communities;
  everywhere.regions = {"R1"};
  everywhere.share = 1;
  scenario.levers = {everywhere};
  scenario.strategies.push_back({"no-incentive",
                                 Delivery::as_delivered,
                                 {Driver::incentive},
                                 Attention::as_scenario,
                                 scenario.strategies[0].levers});
  scenario.strategies.push_back({"no-effort-or-shock",
                                 Delivery::as_delivered,
                                 {Driver::effort, Driver::shock},
                                 Attention::off,
                                 scenario.strategies[0].levers});
  return scenario;
}

TEST(Levers, WorldsEqualTheIntegerTwinEventByEvent) {
  std::size_t n_events = 0;
  for (std::uint64_t trial = 0; trial < 30; ++trial) {
    synthetic::Options options;
    options.seed = 500 + trial;
    const int strategy = static_cast<int>(trial % 5);
    const Prepared run = prepare(full_scenario(trial), synthetic::population(60 + 7 * trial, options), strategy, trial);
    const auto got = events_of(run);
    const auto expected = oracle::integer_twin(*run.model, strategy, *run.rates, run.draw, *run.clocks);
    ASSERT_EQ(got.size(), expected.size()) << "trial " << trial;
    for (std::size_t e = 0; e < got.size(); ++e) ASSERT_EQ(got[e], expected[e]) << "trial " << trial << " event " << e;
    n_events += got.size();
  }
  EXPECT_GT(n_events, 5000U);
}

/// Mean share of events that the equations place elsewhere, when the scenario that they read is changed.
template <class Change>
double moved_by(Change change, int n_trials) {
  double moved = 0;
  for (int trial = 0; trial < n_trials; ++trial) {
    const auto t = static_cast<std::uint64_t>(trial);
    synthetic::Options options;
    options.seed = 700 + t;
    const Scenario scenario = full_scenario(t);
    Scenario other = scenario;
    change(other);
    const auto population = synthetic::population(150, options);
    const int strategy = trial % 5;
    const Prepared run = prepare(scenario, population, strategy, t), changed = prepare(other, population, strategy, t);
    moved += share_moved(events_of(run), oracle::real_twin(*changed.model, strategy, changed.draw, changed.key));
  }
  return moved / n_trials;
}

TEST(Levers, WorldsStayWithinTheRoundingOfTheEquations) {
  EXPECT_LT(moved_by([](Scenario&) {}, 15), 1e-3);
  // The same check rejects mutants, one for each feature.
  constexpr double kSeen = 4e-3;
  const auto mutant = [](auto change) { return moved_by(change, 15); };
  const auto first = [](Scenario& s) -> ProgrammeSpec& { return s.programmes[0]; };
  EXPECT_GT(mutant([&](Scenario& s) { *first(s).available_from += days{7}; }), kSeen);
  EXPECT_GT(mutant([&](Scenario& s) { *first(s).withdrawn -= days{14}; }), kSeen);
  EXPECT_GT(mutant([&](Scenario& s) { first(s).fix(Parameter::withdrawal_factor, 6); }), kSeen);
  EXPECT_GT(mutant([&](Scenario& s) { first(s).fix(Parameter::start_in_use, 0.13); }), kSeen);
  EXPECT_GT(mutant([&](Scenario& s) { first(s).tranches.pop_back(), first(s).tranches.pop_back(); }), kSeen);
  EXPECT_GT(mutant([&](Scenario& s) { first(s).delivered_by_region.clear(); }), kSeen);
  EXPECT_GT(mutant([&](Scenario& s) { s.programmes[1].fix(Parameter::added_community, 1.2); }), kSeen);
  EXPECT_GT(mutant([&](Scenario& s) { s.levers.clear(); }), kSeen);
  EXPECT_GT(mutant([&](Scenario& s) { s.strategies[0].levers.back().share = 1; }), 1e-3);
  EXPECT_GT(mutant([&](Scenario& s) { s.strategies[3].without.clear(); }), 1e-3);
  EXPECT_GT(mutant([&](Scenario& s) { s.strategies[4].attention = Attention::as_scenario; }), 1e-3);
}

TEST(Levers, WorldsBranchWhereStrategiesFirstDiffer) {
  for (std::uint64_t trial = 0; trial < 12; ++trial) {
    Scenario scenario = full_scenario(trial);
    const Strategy asked = scenario.strategies[0];
    const auto variant = [&](const char* name, auto change) {
      Strategy other = asked;
      other.name = name;
      change(other.levers);
      scenario.strategies.push_back(other);
    };
    const auto communities = [](std::vector<Lever>& levers) -> Lever& {
      return *std::ranges::find(levers, LeverKind::communities, &Lever::kind);
    };
    variant("later", [&](auto& levers) { communities(levers).window->from = 2021y / August / 1; });
    variant("others", [&](auto& levers) { communities(levers).targeting = Targeting::largest_first; });
    variant("none",
            [&](auto& levers) { std::erase_if(levers, [](auto& l) { return l.kind == LeverKind::communities; }); });
    variant("seeded", [&](auto& levers) {
      Lever seeding;
      seeding.kind = LeverKind::seeding;
      seeding.programmes = {0};
      seeding.share = 0.1;
      levers.push_back(seeding);
    });
    const Prepared run = prepare(scenario, synthetic::population(150), 0, trial);
    const Calendar& calendar = run.model->calendar();
    const auto difference = [&](int s) { return first_difference(*run.rates, *compile(run.model, s, run.draw)); };
    EXPECT_EQ(difference(5), calendar.nearest_boundary(2021y / April / 1));
    EXPECT_EQ(difference(6), std::max(calendar.nearest_boundary(2021y / April / 1), 0));
    EXPECT_EQ(difference(7), calendar.nearest_boundary(2021y / April / 1));
    EXPECT_EQ(difference(8), run.model->programmes[0].begins);
    const auto histories = simulate(run.model, run.draw, run.key);
    for (int s = 0; s < run.model->n_strategies(); ++s) {
      const auto rates = compile(run.model, s, run.draw);
      World straight = start(rates, run.clocks);
      advance(straight, rates, kWeeks);
      const auto alone = oracle::sorted(straight.history().events);
      ASSERT_EQ(oracle::sorted(histories[static_cast<std::size_t>(s)].events), alone) << "strategy " << s;
      ASSERT_EQ(alone, oracle::integer_twin(*run.model, s, *rates, run.draw, *run.clocks)) << "strategy " << s;
    }
  }
}

}  // namespace
}  // namespace uptake
