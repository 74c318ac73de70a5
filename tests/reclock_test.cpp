// New luck from a boundary on leaves every law as it is: the exact answers that the kernel meets, it meets when its clocks
// are drawn anew on the way.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "verify/exact_laws.hpp"
#include "verify/known_worlds.hpp"
#include "world/kernel.hpp"
#include "worlds.hpp"

namespace uptake {
namespace {

constexpr double kWeek = 1.0 / 52;
constexpr auto kInUse = static_cast<std::size_t>(Stage::in_use);

/// Mistakes that a reclocking could make, made after a right one.
enum class Mistake : std::uint8_t {
  none,
  whole_duration,  ///< an implementation under way begins again
  from_the_start   ///< a fresh clock is held against the hazard since boundary 0, not since now
};

void due_in(World::State& state, std::uint32_t id, int week) {
  week = std::clamp(week, state.boundary, state.rates->n_weeks);
  state.records[id].set_due(week);
  if (week < state.rates->n_weeks) state.diary.add(week, id);
}

/// Worlds of one programme without effort: hazards are the same in all weeks.
void make(Mistake mistake, World& world) {
  World::State& state = world.state();
  const Clocks::Programme& clocks = state.clocks->programmes[0];
  const std::int64_t engage = state.rates->programmes[0].steps[0].engage;
  for (std::uint32_t id = 0; id < state.records.size(); ++id) {
    World::State::Record& own = state.records[id];
    if (mistake == Mistake::whole_duration && own.pending() == Pending::finish)
      due_in(state, id, state.boundary + clocks.weeks[id] - 1);
    if (mistake == Mistake::from_the_start && own.pending() == Pending::engage)
      due_in(state, id, static_cast<int>(in_units(clocks.engage[id], kHazardBits) / engage));
    if (mistake == Mistake::from_the_start && own.pending() == Pending::test) {
      // What is left is the slack and what lies ahead, so the hazard until now comes off the slack.
      const Rates::Programme& rates = state.rates->programmes[0];
      state.waiting[id].spend(rates.levels_of(0).external(static_cast<std::size_t>(state.boundary)));
      due_in(state, id, state.boundary);
    }
  }
}

struct Case {
  int n_groups = 0, group_size = 0;
  ProgrammeSpec programme;
  int n_steps = 0;
  std::vector<int> boundaries;  ///< at which clocks are drawn anew
  Mistake mistake = Mistake::none;
  int n_replicates = 4;
};
/// Runs replicates and shows each finished world.
void run(const Case& setup, const std::function<void(const World&)>& see) {
  const auto population = std::make_shared<const Population>(complete_groups(setup.n_groups, setup.group_size));
  const auto model = make_model(lone_world(setup.programme, setup.n_steps, kWeek, 4), population);
  const Draw draw = draw_parameters(model->scenario, make_key(4, 0));
  const auto rates = compile(model, 0, draw);
  for (std::uint64_t replicate = 0; replicate < static_cast<std::uint64_t>(setup.n_replicates); ++replicate) {
    World world = start(rates, draw_clocks(*model, draw, make_key(4, replicate)));
    for (const int boundary : setup.boundaries) {
      advance(world, rates, boundary);
      reclock(world, make_key(5, replicate));
      make(setup.mistake, world);
    }
    advance(world, rates, setup.n_steps);
    see(world);
  }
}

double z(double count, double n, double probability) {
  return (count - n * probability) / std::sqrt(n * probability * (1 - probability));
}

ProgrammeSpec bass_programme(double p, double q) {
  ProgrammeSpec spec = plain_programme();
  spec.skipped = {.engaged = true, .implementing = true};
  spec.fix(Parameter::p, p);
  spec.fix(Parameter::p_market, p);
  spec.fix(Parameter::q, q);
  return spec;
}

// ---- V2: small groups in which all listen to all ------------------------------------------------------------------

/// z of each number in use in groups of ten after 5 years, then of the mean fraction.
std::vector<double> z_of_groups(std::vector<int> boundaries, Mistake mistake) {
  constexpr int kSize = 10, kGroups = 2000;
  const Case setup{.n_groups = kGroups,
                   .group_size = kSize,
                   .programme = bass_programme(0.03, 0.38),
                   .n_steps = 260,
                   .boundaries = std::move(boundaries),
                   .mistake = mistake};
  std::vector<double> seen(kSize + 1, 0.0);
  double sum = 0;
  run(setup, [&](const World& world) {
    for (std::size_t group = 0; group < kGroups; ++group) {
      std::size_t n = 0;
      for (std::size_t i = 0; i < kSize; ++i) n += world.stage(group * kSize + i) == Stage::in_use ? 1 : 0;
      seen[n] += 1;
      sum += static_cast<double>(n) / kSize;
    }
  });
  const BirthChain chain{
      .size = kSize, .in_use_at_start = 0, .p = 0.03, .q = 0.38, .n_listened = kSize - 1, .step_years = kWeek};
  const double n = kGroups * setup.n_replicates;
  const auto law = distribution_after(chain, setup.n_steps);
  std::vector<double> found;
  for (std::size_t k = 0; k <= kSize; ++k) found.push_back(z(seen[k], n, law[k]));
  const Law mean = fraction_law(chain, setup.n_steps);
  found.push_back((sum - n * mean.mean) / std::sqrt(n * mean.variance));
  return found;
}

TEST(Reclock, LeavesTheLawOfStochasticBassInSmallGroups) {
  for (const auto& boundaries : {std::vector{120}, {0, 40, 41, 110, 200, 259}})
    for (const double score : z_of_groups(boundaries, Mistake::none)) EXPECT_LT(std::abs(score), 4);
  EXPECT_GT(std::abs(z_of_groups({120}, Mistake::from_the_start).back()), 4);
}

// ---- V5: five stages ----------------------------------------------------------------------------------------------

/// z of the shares of the five stages after 5 years.
std::vector<double> z_of_stages(std::vector<int> boundaries, Mistake mistake) {
  ProgrammeSpec spec = plain_programme();
  spec.fix(Parameter::a0, 0.6);
  spec.fix(Parameter::p, 0.5);
  spec.fix(Parameter::p_market, 0.5);
  spec.fix(Parameter::phi, 0.64);
  spec.fix(Parameter::tau, 0.75);
  spec.fix(Parameter::mu1, 0.126);
  spec.fix(Parameter::mu2, 0.126);
  spec.fix(Parameter::rho, 0.03);
  const Case setup{.n_groups = 1,
                   .group_size = 20000,
                   .programme = spec,
                   .n_steps = 260,
                   .boundaries = std::move(boundaries),
                   .mistake = mistake};
  std::array<double, kNStages> seen{};
  run(setup, [&](const World& world) {
    for (std::size_t stage = 0; stage < kNStages; ++stage) seen[stage] += world.stage_counts(0)[stage];
  });
  const StageChain chain{.engage = 0.6,
                         .p = 0.5,
                         .finish = 1 / 0.75,
                         .success = 0.64,
                         .stop = 0.126,
                         .restart = 0.03,
                         .step_years = kWeek};
  const auto law = shares_after(chain, {1, 0, 0, 0, 0}, setup.n_steps);
  std::vector<double> found;
  for (std::size_t stage = 0; stage < kNStages; ++stage)
    found.push_back(z(seen[stage], setup.group_size * setup.n_replicates, law[stage]));
  return found;
}

TEST(Reclock, LeavesTheOccupancyOfFiveStages) {
  for (const auto& boundaries : {std::vector{60}, {0, 13, 60, 61, 130, 259}})
    for (const double score : z_of_stages(boundaries, Mistake::none)) EXPECT_LT(std::abs(score), 4);
  EXPECT_GT(std::abs(z_of_stages({60}, Mistake::from_the_start)[0]), 4);
}

// ---- V14: phases of an implementation -----------------------------------------------------------------------------

/// z of the shares in use a half, one, one and a half and two times the mean after all began.
std::vector<double> z_of_durations(std::vector<int> boundaries, Mistake mistake) {
  ProgrammeSpec spec = plain_programme();
  spec.engaged_at_start = true;
  spec.fix(Parameter::p, 1e6);  // certain: all decide in the first step
  spec.fix(Parameter::p_market, 1e6);
  spec.fix(Parameter::tau, 0.75);
  spec.fix(Parameter::erlang_shape, 3);
  const Case setup{.n_groups = 1,
                   .group_size = 20000,
                   .programme = spec,
                   .n_steps = 105,
                   .boundaries = std::move(boundaries),
                   .mistake = mistake};
  constexpr std::array kWeeks{20, 39, 58, 78};
  std::array<double, kWeeks.size()> seen{};
  run(setup, [&](const World& world) {
    for (const Event& event : world.history().events)
      for (std::size_t k = 0; k < kWeeks.size(); ++k)
        seen[k] += event.stage == Stage::in_use && event.boundary - 1 <= kWeeks[k] ? 1 : 0;
  });
  std::vector<double> found;
  for (std::size_t k = 0; k < kWeeks.size(); ++k)
    found.push_back(z(seen[k], setup.group_size * setup.n_replicates, erlang_cdf(3, 0.75, kWeeks[k] * kWeek)));
  return found;
}

TEST(Reclock, KeepsThePhasesThatAreOver) {
  for (const auto& boundaries : {std::vector{21}, {1, 11, 12, 30, 45, 46, 70}})
    for (const double score : z_of_durations(boundaries, Mistake::none)) EXPECT_LT(std::abs(score), 4);
  EXPECT_GT(std::abs(z_of_durations({21}, Mistake::whole_duration)[1]), 4);
}

// ---- V6, V15: stopping and restarting -----------------------------------------------------------------------------

TEST(Reclock, LeavesStoppingAndRestarting) {
  ProgrammeSpec spec = bass_programme(0, 0);
  spec.fix(Parameter::start_in_use, 1);
  spec.fix(Parameter::mu1, 0.25);
  spec.fix(Parameter::mu2, 0.1);
  spec.fix(Parameter::rho, 0.2);
  Case setup{.n_groups = 1, .group_size = 20000, .programme = spec, .n_steps = 312, .boundaries = {}};
  const double n = setup.group_size * setup.n_replicates;
  for (const auto& boundaries : {std::vector{26}, {0, 20, 52, 53, 150, 311}}) {
    setup.boundaries = boundaries;
    double never = 0, back = 0;
    run(setup, [&](const World& world) {
      std::vector<std::uint8_t> stopped(world.state().records.size()), restarted = stopped;
      for (const Event& event : world.history().events) {
        if (event.stage == Stage::stopped) stopped[event.record] = 1;
        if (event.from == Stage::stopped) restarted[event.record] = 1;
      }
      never += static_cast<double>(std::ranges::count(stopped, 0));
      back += static_cast<double>(std::ranges::count(restarted, 1));
    });
    EXPECT_LT(std::abs(z(never, n, survival(6, 0.25, 0.1))), 4);
    EXPECT_LT(std::abs(z(back, n, stopped_and_restarted(0.25, 0.1, 0.2, kWeek, setup.n_steps))), 4);
    // Mutant rejected: the first year of use begins again at half a year.
    EXPECT_GT(std::abs(z(never, n, survival(0.5, 0.25, 0.1) * survival(5.5, 0.25, 0.1))), 4);
  }
  // For long, with many stops and starts.
  spec.fix(Parameter::mu1, 0.126);
  spec.fix(Parameter::mu2, 0.126);
  setup.programme = spec;
  for (const auto& boundaries : {std::vector{150}, {10, 100, 200, 250, 300}}) {
    setup.boundaries = boundaries;
    double in_use = 0;
    run(setup, [&](const World& world) { in_use += world.stage_counts(0)[kInUse]; });
    const StageChain chain{.stop = 0.126, .restart = 0.2, .skipped = {true, true}, .step_years = kWeek};
    EXPECT_LT(std::abs(z(in_use, n, shares_after(chain, {0, 0, 0, 1, 0}, setup.n_steps)[kInUse])), 4);
  }
}

// ---- Dated effort -------------------------------------------------------------------------------------------------

// Who is unaware at the end under effort that comes and goes: exp(-cumulated hazard) for each, so the sum has mean sum p
// and variance sum p (1 - p). Mutant rejected: the hazard of the first week throughout.
TEST(Reclock, LeavesEngagingUnderDatedEffort) {
  Scenario scenario = busy_scenario(130);
  scenario.programmes.resize(1);
  scenario.attention = false;
  scenario.programmes[0].fix(Parameter::a0, 0.2);
  double unaware = 0, mean = 0, variance = 0, mistaken = 0;
  for (std::uint64_t replicate = 0; replicate < 20; ++replicate) {
    const Prepared run = prepare(scenario, synthetic::population(600), 0, replicate);
    World world = start(run.rates, run.clocks);
    for (const int boundary : {5, 21, 60, 100}) {
      advance(world, run.rates, boundary);
      reclock(world, Key{replicate});
    }
    advance(world, run.rates, 130);
    unaware += world.stage_counts(0)[0];
    const ProgrammePlan& plan = run.model->strategies[0].programmes[0];
    for (const std::uint32_t profile : plan.profile) {
      const Rates::Programme& rates = run.rates->programmes[0];
      double hazard = 0;
      for (int week = 0; week < 130; ++week)
        hazard += std::ldexp(static_cast<double>(Rates::step_at(rates, profile, week).engage), -kHazardBits);
      const double first = std::ldexp(static_cast<double>(Rates::step_at(rates, profile, 0).engage), -kHazardBits);
      mean += std::exp(-hazard);
      variance += std::exp(-hazard) * (1 - std::exp(-hazard));
      mistaken += std::exp(-130 * first);
    }
  }
  EXPECT_LT(std::abs(unaware - mean) / std::sqrt(variance), 4);
  EXPECT_GT(std::abs(unaware - mistaken) / std::sqrt(variance), 4);
}

// The same of deciding, without peers, for organisations that differ: exp(-m sum of Phi times the hazard of the week).
// Mutant rejected: facilitation that does nothing.
TEST(Reclock, LeavesDecidingUnderDatedEffort) {
  Scenario scenario = busy_scenario(130);
  scenario.programmes.resize(1);
  scenario.attention = false;
  ProgrammeSpec& programme = scenario.programmes[0];
  programme.engaged_at_start = true;
  programme.fix(Parameter::p, 0.3);
  programme.fix(Parameter::q, 0);
  programme.fix(Parameter::eta, 3);
  programme.fix(Parameter::sd_readiness, 0.5);
  programme.fix(Parameter::start_in_use, 0);
  double undecided = 0, mean = 0, variance = 0, mistaken = 0;
  for (std::uint64_t replicate = 0; replicate < 20; ++replicate) {
    const Prepared run = prepare(scenario, synthetic::population(600), 0, replicate);
    const World world = [&] {
      World made = start(run.rates, run.clocks);
      for (const int boundary : {0, 5, 21, 60, 100}) {
        advance(made, run.rates, boundary);
        reclock(made, Key{replicate});
      }
      advance(made, run.rates, 130);
      return made;
    }();
    std::vector<std::uint8_t> decided(run.model->n_records());
    for (const Event& event : world.history().events)
      if (event.stage >= Stage::implementing) decided[event.record] = 1;
    const Rates::Programme& rates = run.rates->programmes[0];
    const Clocks::Programme& clocks = run.clocks->programmes[0];
    const ProgrammePlan& plan = run.model->strategies[0].programmes[0];
    for (std::size_t i = 0; i < decided.size(); ++i) {
      if (!std::isfinite(clocks.decide[i])) continue;
      double hazard = 0, plain = 0;
      for (std::size_t week = 0; week < 130; ++week) {
        const Rates::Levels levels = rates.levels_of(run.model->programmes[0].class_of[i]);
        const double external =
            std::ldexp(static_cast<double>(levels.external(week + 1) - levels.external(week)), -kHazardBits);
        const auto phi = Rates::step_at(rates, plan.profile[i], static_cast<int>(week)).decide;
        hazard += external * phi / kUnit;
        plain += external;
      }
      const double m = std::exp(static_cast<double>(clocks.log_multiplier[i]));
      undecided += decided[i] == 0 ? 1 : 0;
      mean += std::exp(-m * hazard);
      variance += std::exp(-m * hazard) * (1 - std::exp(-m * hazard));
      mistaken += std::exp(-m * plain);
    }
  }
  EXPECT_LT(std::abs(undecided - mean) / std::sqrt(variance), 4);
  EXPECT_GT(std::abs(undecided - mistaken) / std::sqrt(variance), 4);
}

// ---- Worlds with everything in them -------------------------------------------------------------------------------

World reclocked(const Prepared& run, const std::vector<int>& boundaries, Key key, int until) {
  World world = start(run.rates, run.clocks);
  for (const int boundary : boundaries) {
    advance(world, run.rates, boundary);
    reclock(world, key);
  }
  advance(world, run.rates, until);
  return world;
}

Scenario busy(std::uint64_t trial) {
  Scenario scenario = busy_scenario(130);
  if (trial % 3 == 1) scenario.programmes[0].rule = LayerRule::maximum;
  if (trial % 3 == 2) scenario.programmes[0].skipped = {.engaged = true, .implementing = false};
  for (ProgrammeSpec& programme : scenario.programmes) programme.fix(Parameter::erlang_shape, 3);
  return scenario;
}

TEST(Reclock, SameKeySameBitsOtherKeyOtherWorld) {
  for (std::uint64_t trial = 0; trial < 6; ++trial) {
    const Prepared run = prepare(busy(trial), synthetic::population(200), 0, trial);
    World origin = start(run.rates, run.clocks);
    advance(origin, run.rates, 50);
    World one = origin, same = origin, other = origin;
    reclock(one, Key{1});
    reclock(same, Key{1});
    reclock(other, Key{2});
    for (World* world : {&origin, &one, &same, &other}) advance(*world, run.rates, 130);
    EXPECT_EQ(one.history().events, same.history().events);
    EXPECT_NE(one.history().events, other.history().events);
    EXPECT_NE(one.history().events, origin.history().events);
    EXPECT_EQ(oracle::sorted(origin.history().events), events_of(run));  // the copies left it alone
    const auto past = [](const World& world) {
      auto events = world.history().events;
      std::erase_if(events, [](const Event& event) { return event.boundary > 50; });
      return events;
    };
    EXPECT_EQ(past(one), past(origin));
    // The key of the world itself is new luck too, and so is one given twice.
    EXPECT_NE(reclocked(run, {50}, run.key, 130).history().events, origin.history().events);
    EXPECT_NE(reclocked(run, {50, 90}, Key{1}, 130).history().events, one.history().events);
    World assigned = start(run.rates, run.clocks);
    assigned = reclocked(run, {50}, Key{1}, 70);
    advance(assigned, run.rates, 130);
    EXPECT_EQ(assigned.history().events, one.history().events);
  }
}

// Rest is no clock: who rests when clocks are drawn anew decides again when it would have.
TEST(Reclock, LeavesWhoRestsInTheDiary) {
  std::size_t n_resting = 0;
  for (std::uint64_t trial = 0; trial < 6; ++trial) {
    const Prepared run = prepare(busy_scenario(130), synthetic::population(600), 0, trial);
    World world = start(run.rates, run.clocks);
    advance(world, run.rates, 50);
    reclock(world, Key{1});
    std::vector<std::size_t> resting;
    int last = 0;
    for (std::size_t id = 0; id < world.state().records.size(); ++id) {
      const World::State::Record& own = world.state().records[id];
      if (own.pending() != Pending::begin) continue;
      resting.push_back(id);
      last = std::max(last, own.due());
    }
    ASSERT_LT(last, 129);
    advance(world, run.rates, last + 1);
    for (const std::size_t id : resting) EXPECT_NE(world.state().records[id].pending(), Pending::begin);
    n_resting += resting.size();
  }
  EXPECT_GT(n_resting, 20U);
}

// A clock that kept its old week would leave every law as it is, and copies of a filter the same for ever.
TEST(Reclock, GivesEveryKindOfClockNewLuck) {
  std::array<double, static_cast<std::size_t>(Pending::restart) + 1> n{}, same{};
  for (std::uint64_t trial = 0; trial < 6; ++trial) {
    const Prepared run = prepare(busy_scenario(130), synthetic::population(600), 0, trial);
    World before = start(run.rates, run.clocks);
    advance(before, run.rates, 50);
    World after = before;
    reclock(after, Key{1});
    for (std::size_t id = 0; id < before.state().records.size(); ++id) {
      const World::State::Record &was = before.state().records[id], &is = after.state().records[id];
      ASSERT_EQ(was.pending(), is.pending());
      const auto kind = static_cast<std::size_t>(was.pending());
      n[kind] += 1;
      same[kind] += was.pending() == Pending::test
                        ? before.state().waiting[id].slack() == after.state().waiting[id].slack()
                        : was.due() == is.due();
    }
  }
  for (const Pending kind : {Pending::engage, Pending::test, Pending::finish, Pending::stop, Pending::restart}) {
    const auto at = static_cast<std::size_t>(kind);
    EXPECT_GT(n[at], 40) << at;
    EXPECT_LT(same[at], 0.3 * n[at]) << at;  // some weeks are the same by chance, or beyond the horizon
  }
  const auto begin = static_cast<std::size_t>(Pending::begin);
  EXPECT_GT(n[begin], 10);
  EXPECT_EQ(same[begin], n[begin]);  // refractory time is no clock
}

TEST(Reclock, GoesOnUnderOtherRatesAsUnderTheSame) {
  for (std::uint64_t trial = 0; trial < 6; ++trial) {
    const Prepared run = prepare(busy(trial), synthetic::population(200), 0, trial);
    const auto equal = compile(run.model, 0, run.draw);
    World straight = reclocked(run, {30, 60}, Key{1}, 60), bound = straight;
    advance(straight, run.rates, 130);
    advance(bound, equal, 130);  // walks every clock again
    EXPECT_EQ(oracle::sorted(bound.history().events), oracle::sorted(straight.history().events));
  }
}

TEST(Reclock, WorksAtTheStartAndAtTheEndAndEveryWeek) {
  for (std::uint64_t trial = 0; trial < 3; ++trial) {
    const Prepared run = prepare(busy(trial), synthetic::population(200), 0, trial);
    World end = reclocked(run, {}, Key{}, 130);
    const auto before = end.history().events;
    reclock(end, Key{1});
    EXPECT_EQ(end.history().events, before);
    std::vector<int> every;
    for (int week = 0; week < 130; ++week) every.push_back(week);
    const World world = reclocked(run, every, Key{3}, 130);
    EXPECT_GT(world.history().events.size(), 200U);
    for (int j = 0; j < 2; ++j) {
      std::size_t sum = 0;
      for (const auto count : world.stage_counts(j)) sum += count;
      EXPECT_EQ(sum, run.model->programmes[static_cast<std::size_t>(j)].n_records());
    }
    std::vector<Stage> stages(run.model->n_records(), Stage::unaware);
    for (const Event& event : world.history().events) {
      ASSERT_EQ(stages[event.record], event.from);  // nobody leaves a stage twice
      stages[event.record] = event.stage;
    }
  }
}

TEST(Reclock, LeavesWhatAnOrganisationIs) {
  Scenario scenario = busy_scenario(130);
  scenario.programmes.resize(1);
  scenario.programmes[0].fix(Parameter::susceptible_share, 0.5);
  scenario.programmes[0].fix(Parameter::sd_readiness, 1);
  const Prepared run = prepare(scenario, synthetic::population(400), 0, 1);
  const World world = reclocked(run, {0, 20, 21, 60}, Key{1}, 130);
  const Clocks::Programme &was = run.clocks->programmes[0], &now = world.state().clocks->programmes[0];
  EXPECT_EQ(was.log_multiplier, now.log_multiplier);
  EXPECT_EQ(was.success_logit, now.success_logit);
  std::size_t n_never = 0;
  for (std::size_t i = 0; i < was.decide.size(); ++i) {
    EXPECT_EQ(std::isfinite(was.decide[i]), std::isfinite(now.decide[i]));
    n_never += std::isfinite(was.decide[i]) ? 0 : 1;
  }
  EXPECT_GT(n_never, 100U);
  const auto decides = [&](const Event& event) { return event.stage == Stage::implementing; };
  EXPECT_TRUE(std::ranges::any_of(world.history().events, decides));
  EXPECT_TRUE(std::ranges::none_of(world.history().events, [&](const Event& event) {
    return decides(event) && !std::isfinite(was.decide[event.record]);
  }));
}

}  // namespace
}  // namespace uptake
