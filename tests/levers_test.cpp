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
  for (const Lever& lever : {communities, tariff}) scenario.strategies[0].levers.push_back(lever);
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
    const auto population = synthetic::population(120, options);
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
  const auto mutant = [](auto change) { return moved_by(change, 10); };
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

// ---- When a programme lives ------------------------------------------------------------------------------------------

/// One programme without dates, alone.
Scenario undated_scenario(int weeks) {
  Scenario scenario = busy_scenario(weeks);
  scenario.programmes.pop_back();
  ProgrammeSpec& tool = scenario.programmes[0];
  tool.commissioned.reset();
  tool.mandates.clear();
  tool.covid = CovidStance::none;
  scenario.strategies[0].levers.clear();
  return scenario;
}

TEST(Levers, AnOrderWithDatesChangesNoEventBeforeThem) {
  constexpr int kFrom = 30;
  std::size_t n_before = 0, n_differ = 0;
  for (const Targeting rule : {Targeting::most_deprived_first, Targeting::lagging_regions_first}) {
    Scenario scenario = busy_scenario(kWeeks);
    const auto population = synthetic::population(200);
    scenario.strategies[0].levers.clear();
    const auto without = events_of(prepare(scenario, population, 0, 3));
    Lever order;
    order.targeting = rule;
    order.package_days = 3;
    order.package_weeks = 6;
    order.window = Window{scenario.calendar.day_of(kFrom), scenario.calendar.last_day()};
    scenario.strategies[0].levers = {order};
    const auto with = events_of(prepare(scenario, population, 0, 3));
    const auto until = [](std::vector<Event> events) {
      std::erase_if(events, [](const Event& event) { return event.boundary > kFrom; });
      return events;
    };
    EXPECT_EQ(until(with), until(without));
    n_before += until(with).size();
    n_differ += with != without ? 1 : 0;
  }
  EXPECT_GT(n_before, 100U);
  EXPECT_EQ(n_differ, 2U);
}

TEST(Levers, AProgrammeAvailableLaterIsTheSameOneMovedInTime) {
  constexpr int kLater = 23;
  Scenario now = undated_scenario(kWeeks - kLater), later = undated_scenario(kWeeks);
  for (Scenario* scenario : {&now, &later}) {
    scenario->programmes[0].fix(Parameter::start_in_use, 0.1);
    scenario->programmes[0].engaged_at_start = true;
  }
  later.programmes[0].available_from = later.calendar.day_of(kLater) + days{3};  // the nearest boundary
  const auto population = synthetic::population(200);
  auto expected = events_of(prepare(now, population, 0, 1));
  for (Event& event : expected) event.boundary = static_cast<std::uint16_t>(event.boundary + kLater);
  EXPECT_EQ(events_of(prepare(later, population, 0, 1)), expected);
  EXPECT_GT(expected.size(), 400U);

  // Not after the start: as if nothing was said. Beyond the horizon: nothing happens.
  Scenario before = now, never = now;
  before.programmes[0].available_from = now.calendar.start - days{400};
  EXPECT_EQ(events_of(prepare(before, population, 0, 1)), events_of(prepare(now, population, 0, 1)));
  never.programmes[0].available_from = now.calendar.last_day() + days{30};
  EXPECT_TRUE(events_of(prepare(never, population, 0, 1)).empty());
}

TEST(Levers, NobodyDecidesOrRestartsOnceAProgrammeIsWithdrawn) {
  constexpr int kWithdrawn = 40;
  for (const Restart restart : {Restart::constant, Restart::decides_again}) {
    Scenario kept = undated_scenario(kWeeks);
    kept.programmes[0].restart = restart;
    Scenario withdrawn = kept;
    withdrawn.programmes[0].withdrawn = kept.calendar.day_of(kWithdrawn);
    const auto population = synthetic::population(300);
    const auto without = events_of(prepare(kept, population, 0, 2)),
               with = events_of(prepare(withdrawn, population, 0, 2));
    const auto until = [](std::vector<Event> events) {
      std::erase_if(events, [](const Event& event) { return event.boundary > kWithdrawn; });
      return events;
    };
    EXPECT_EQ(until(with), until(without));
    const auto after = [](const std::vector<Event>& events, Stage stage) {
      return std::ranges::count_if(
          events, [&](const Event& event) { return event.boundary > kWithdrawn && event.stage == stage; });
    };
    EXPECT_GT(after(without, Stage::implementing), 30);
    EXPECT_EQ(after(with, Stage::implementing), 0);
    EXPECT_GT(after(with, Stage::in_use), 5);                 // what was under way is finished
    const auto soon = [](const std::vector<Event>& events) {  // stopped within twelve weeks
      return std::ranges::count_if(events, [](const Event& event) {
        return event.boundary > kWithdrawn && event.boundary <= kWithdrawn + 12 && event.stage == Stage::stopped;
      });
    };
    EXPECT_GT(soon(with), 2 * soon(without));
    EXPECT_GT(after(with, Stage::engaged), 0);
  }
}

TEST(Levers, TheLargestHazardsOfStoppingStopEverybodyAtOnce) {
  Scenario scenario = undated_scenario(kWeeks);
  ProgrammeSpec& tool = scenario.programmes[0];
  tool.fix(Parameter::start_in_use, 1);
  for (const Parameter id : {Parameter::mu1, Parameter::mu2}) tool.fix(id, 20);
  tool.fix(Parameter::stop_by_fidelity, 10);
  tool.fix(Parameter::fidelity_start, 0);
  tool.fix(Parameter::withdrawal_factor, 1000);
  tool.withdrawn = scenario.calendar.start;
  const auto events = events_of(prepare(scenario, synthetic::population(300), 0, 1));
  const auto n = std::ranges::count(events, Stage::in_use, &Event::stage);
  EXPECT_GT(n, 200);
  EXPECT_EQ(std::ranges::count_if(events, [](const Event& e) { return e.stage == Stage::stopped && e.boundary == 1; }),
            n);
  EXPECT_EQ(events.size(), static_cast<std::size_t>(2 * n));
}

TEST(Levers, TheShareInUseAtTheStartIsDrawnAndItsOrderIsNot) {
  Scenario scenario = undated_scenario(20);
  scenario.mode = ParameterMode::prior;
  ProgrammeSpec& tool = scenario.programmes[0];
  tool.settings[static_cast<std::size_t>(Parameter::start_in_use)] = {0.2, {Family::uniform, 0.1, 0.5}, {}, {}, {}};
  const auto population = synthetic::population(300);
  std::vector<std::uint32_t> smaller;
  std::map<std::size_t, std::vector<std::uint32_t>> by_number;
  for (std::uint64_t replicate = 0; replicate < 20; ++replicate) {
    const Prepared run = prepare(scenario, population, 0, replicate);
    std::vector<std::uint32_t> starts;
    for (const Event& event : events_of(run)) {
      if (event.boundary == 0) starts.push_back(event.record);
    }
    const double share = run.draw(0, Parameter::start_in_use);
    EXPECT_EQ(static_cast<long>(starts.size()),
              std::lround(share * static_cast<double>(run.model->programmes[0].n_records())));
    by_number[starts.size()] = starts;
  }
  EXPECT_GT(by_number.size(), 10U);
  for (const auto& [n, starts] : by_number) {  // more are those before and others
    EXPECT_TRUE(std::ranges::includes(starts, smaller));
    smaller = starts;
  }
}

// ---- Each lever and only that ----------------------------------------------------------------------------------------

/// No ties cross a region, so that what a lever does in one stays in it.
std::shared_ptr<const Population> islands(std::size_t n) {
  auto population = synthetic::population(n, {.n_nearest = 0, .owned_share = 0});
  population->pathway.sources.clear();
  population->pathway.weights.clear();
  std::ranges::fill(population->pathway.offsets, 0U);
  return population;
}

Lever lever_of(LeverKind kind) {
  Lever lever;
  lever.kind = kind;
  lever.programmes = {0};
  lever.regions = {"R1"};
  lever.where = "s.toml:1:1";
  switch (kind) {
    case LeverKind::facilitation:
    case LeverKind::outreach:
      lever.factor = 4;
      break;
    case LeverKind::shock:
      lever.factor = 5;
      [[fallthrough]];
    case LeverKind::incentive:
      lever.window = Window{2021y / March / 1, 2021y / June / 30};
      break;
    case LeverKind::seeding:
      lever.share = 0.3;
      break;
    case LeverKind::delay:
      lever.delay_weeks = 12;
      break;
    case LeverKind::withdrawal:
      lever.window = Window{2021y / April / 1, 2030y / January / 1};
      break;
    case LeverKind::tariff:
    case LeverKind::communities:
      lever.share = 0.6;
      break;
    case LeverKind::capacity:
      lever.factor = 2;
      break;
  }
  return lever;
}

/// Both programmes without levers, emergencies or mandates, commissioned from February to December.
Scenario plain_scenario() {
  Scenario scenario = busy_scenario(kWeeks);
  scenario.attention = false;
  scenario.strategies[0].levers.clear();
  for (ProgrammeSpec& programme : scenario.programmes) {
    programme.mandates.clear();
    programme.covid = CovidStance::none;
    programme.fix(Parameter::psi, 3);
    programme.fix(Parameter::added_community, 2);
  }
  return scenario;
}

TEST(Levers, EachActsWhereItIsAppliedAndNowhereElse) {
  const auto population = islands(400);
  const auto base = prepare(plain_scenario(), population, 0, 3);
  const auto before = events_of(base);
  const auto split = [&](const std::vector<Event>& events) {
    std::pair<std::vector<Event>, std::vector<Event>> touched_and_not;
    const ProgrammeModel& first = base.model->programmes[0];
    for (const Event& event : events) {
      const bool touched = event.record < base.model->first_record[1] && first.region[event.record] == 1;
      (touched ? touched_and_not.first : touched_and_not.second).push_back(event);
    }
    return touched_and_not;
  };
  for (std::size_t k = 0; k < kLeverNames.size(); ++k) {
    const auto kind = static_cast<LeverKind>(k);
    Scenario scenario = plain_scenario();
    scenario.strategies[0].levers = {lever_of(kind)};
    const auto [touched, others] = split(events_of(prepare(scenario, population, 0, 3)));
    EXPECT_EQ(others, split(before).second) << kLeverNames[k];
    // Capacity is the outcomes' business; everything else changes who adopts when.
    EXPECT_EQ(touched == split(before).first, kind == LeverKind::capacity) << kLeverNames[k];
  }
}

TEST(Levers, ThoseThatOnlyRaiseHazardsNeverDelayAFirstAdoptionWithoutStoppingAndAttention) {
  Scenario plain = plain_scenario();
  for (auto& programme : plain.programmes) {
    programme.fix(Parameter::mu1, 0);
    programme.fix(Parameter::mu2, 0);
  }
  for (const LeverKind kind : {LeverKind::facilitation, LeverKind::outreach, LeverKind::incentive, LeverKind::shock,
                               LeverKind::seeding, LeverKind::tariff, LeverKind::communities}) {
    std::size_t earlier = 0;
    for (std::uint64_t replicate = 0; replicate < 8; ++replicate) {
      Scenario scenario = plain;
      if (replicate % 2 == 1) scenario.programmes[0].rule = LayerRule::maximum;
      Strategy with = scenario.strategies[0];
      with.name = "with";
      with.levers = {lever_of(kind)};
      scenario.strategies.push_back(with);
      const Prepared run = prepare(scenario, synthetic::population(200), 0, replicate);
      const auto histories = simulate(run.model, run.draw, run.key);
      const auto first = first_use(*run.model, histories[3].events),
                 second = first_use(*run.model, histories[0].events);
      for (std::size_t record = 0; record < first.size(); ++record) {
        ASSERT_LE(first[record], second[record]) << kLeverNames[static_cast<std::size_t>(kind)];
        earlier += first[record] < second[record] ? 1 : 0;
      }
    }
    EXPECT_GT(earlier, 10U) << kLeverNames[static_cast<std::size_t>(kind)];
  }
}

const ProgrammePlan& plan_of(const Model& model, std::size_t strategy, std::size_t programme = 0) {
  return model.strategies[strategy].programmes[programme];
}
/// A week's factors in a region.
const ProgrammePlan::WeekFactors& factors_of(const Model& model, std::size_t strategy, std::size_t region) {
  return plan_of(model, strategy).classes[model.programmes[0].region_class[region]];
}

TEST(Levers, ATariffIsAShareOfAnIncentiveAndSaysWhatIsPaid) {
  Scenario scenario = plain_scenario();
  scenario.programmes[0].mandates = {Window{2021y / May / 1, 2021y / May / 31}};
  Lever tariff = lever_of(LeverKind::tariff);
  tariff.window = Window{2021y / April / 1, 2021y / July / 31};
  scenario.levers = {tariff};
  const auto model = make_model(scenario, synthetic::population(60));
  for (int week = 0; week < kWeeks; ++week) {
    const auto w = static_cast<std::size_t>(week);
    const auto within = [&](Date from, Date to) {
      return week >= scenario.calendar.nearest_boundary(from) &&
             week < scenario.calendar.nearest_boundary(to + days{1});
    };
    const bool paid = within(2021y / April / 1, 2021y / July / 31), must = within(2021y / May / 1, 2021y / May / 31);
    EXPECT_EQ(factors_of(*model, 0, 1).subsidy[w], paid ? 0.6F : 0.0F);
    EXPECT_EQ(factors_of(*model, 1, 1).mandate[w], must ? 1.0F : paid ? 0.6F : 0.0F);  // in the comparator too
    EXPECT_EQ(factors_of(*model, 0, 0).mandate[w], must ? 1.0F : 0.0F);
    EXPECT_EQ(factors_of(*model, 2, 1).mandate[w], 0.0F);  // no programme, no mandate and no tariff
    EXPECT_EQ(factors_of(*model, 2, 1).subsidy[w], 0.0F);
  }
}

TEST(Levers, CapacityMultipliesWhereverItApplies) {
  Scenario scenario = plain_scenario();
  Lever half = lever_of(LeverKind::capacity), double_in_may = half;
  half.factor = 0.5;
  double_in_may.regions.clear();
  double_in_may.window = Window{2021y / May / 3, 2021y / May / 30};
  scenario.levers = {half};
  scenario.strategies[0].levers = {double_in_may};
  const auto model = make_model(scenario, synthetic::population(60));
  const auto in_may = static_cast<std::size_t>(scenario.calendar.nearest_boundary(2021y / May / 10));
  EXPECT_EQ(factors_of(*model, 0, 1).capacity[in_may], 1.0F);
  EXPECT_EQ(factors_of(*model, 0, 0).capacity[in_may], 2.0F);
  EXPECT_EQ(factors_of(*model, 0, 0).capacity[in_may + 10], 1.0F);
  EXPECT_EQ(factors_of(*model, 1, 1).capacity[in_may], 0.5F);
  EXPECT_EQ(factors_of(*model, 1, 2).capacity[in_may], 1.0F);
}

TEST(Levers, CommunitiesAreOfThoseWhoJoinInEachRegion) {
  Scenario scenario = plain_scenario();
  Lever largest = lever_of(LeverKind::communities);
  largest.regions = {"R0", "R2"};
  largest.share = 0.4;
  largest.targeting = Targeting::largest_first;
  scenario.strategies[0].levers = {largest};
  const auto population = synthetic::population(120);
  const auto model = make_model(scenario, population);
  const ProgrammeModel& records = model->programmes[0];
  const ProgrammePlan& plan = plan_of(*model, 0);
  ASSERT_EQ(plan.joins.size(), records.n_records());
  double smallest_in = 1e9, largest_out = 0;
  std::vector<std::uint32_t> members(3, 0);
  std::size_t n = 0;
  for (std::size_t i = 0; i < records.n_records(); ++i) {
    const double size = population->size[records.organisation[i]];
    if (records.region[i] == 1) {
      EXPECT_EQ(plan.joins[i], 0);
      continue;
    }
    n += 1;
    members[records.region[i]] += plan.joins[i];
    if (plan.joins[i] != 0) smallest_in = std::min(smallest_in, size);
    if (plan.joins[i] == 0) largest_out = std::max(largest_out, size);
  }
  EXPECT_GT(smallest_in, largest_out);
  EXPECT_EQ(members, plan.joined_by_region);
  EXPECT_EQ(static_cast<long>(members[0] + members[2]), std::lround(0.4 * static_cast<double>(n)));
  EXPECT_TRUE(plan_of(*model, 1).joins.empty());
  EXPECT_TRUE(plan_of(*model, 0, 1).joins.empty());

  Lever again = largest;
  again.regions = {"R2"};
  again.where = "s.toml:9:1";
  scenario.levers = {again};
  try {
    static_cast<void>(make_model(scenario, population));
    FAIL();
  } catch (const InputError& error) {
    ASSERT_EQ(error.problems().size(), 1U) << error.what();
    EXPECT_EQ(error.problems()[0].what, "a second lever makes a community of practice for first in Region 2");
  }
}

// ---- What a world leaves out -----------------------------------------------------------------------------------------

TEST(Levers, AWorldWithoutADriverIsTheWorldThatNeverHadIt) {
  Scenario with = busy_scenario(kWeeks);
  with.levers = {lever_of(LeverKind::tariff), lever_of(LeverKind::shock)};
  const auto add = [&](const char* name, std::vector<Driver> without, Attention attention) {
    Strategy strategy = with.strategies[0];
    strategy.name = name;
    strategy.without = std::move(without);
    strategy.attention = attention;
    with.strategies.push_back(strategy);
  };
  add("without-effort", {Driver::effort}, Attention::as_scenario);
  add("without-incentive", {Driver::incentive}, Attention::as_scenario);
  add("without-shock", {Driver::shock}, Attention::as_scenario);
  add("without-attention", {}, Attention::off);
  const auto population = synthetic::population(200);
  const auto world = [&](const Scenario& scenario, int strategy) {
    return events_of(prepare(scenario, population, strategy, 6));
  };
  const auto is_effort = [](const Lever& l) {
    return l.kind == LeverKind::facilitation || l.kind == LeverKind::outreach;
  };
  Scenario no_effort = with, no_incentive = with, no_shock = with, no_attention = with;
  no_effort.strategies[0].delivery = Delivery::no_network;
  std::erase_if(no_effort.strategies[0].levers, is_effort);
  no_incentive.levers.erase(no_incentive.levers.begin());
  no_shock.levers.pop_back();
  std::erase_if(no_shock.strategies[0].levers, [](const Lever& l) { return l.kind == LeverKind::shock; });
  for (std::size_t j = 0; j < 2; ++j) {
    no_incentive.programmes[j].mandates.clear();
    no_shock.programmes[j].covid = CovidStance::none;
  }
  no_attention.attention = false;
  int strategy = 3;
  const auto all = world(with, 0);
  for (const Scenario* never : {&no_effort, &no_incentive, &no_shock, &no_attention}) {
    EXPECT_EQ(world(with, strategy), world(*never, 0)) << strategy;
    EXPECT_NE(world(with, strategy), all) << strategy;
    ++strategy;
  }
}

TEST(Levers, EveryWorldHasTheLeversOfTheScenario) {
  Scenario scenario = plain_scenario();
  scenario.levers = {lever_of(LeverKind::incentive), lever_of(LeverKind::seeding), lever_of(LeverKind::shock),
                     lever_of(LeverKind::communities)};
  const auto model = make_model(scenario, synthetic::population(100));
  const auto in_april = static_cast<std::size_t>(scenario.calendar.nearest_boundary(2021y / April / 10));
  for (const std::size_t strategy : {0U, 1U, 2U}) {
    EXPECT_EQ(factors_of(*model, strategy, 1).mandate[in_april], strategy == 2 ? 0.0F : 1.0F);
    EXPECT_EQ(factors_of(*model, strategy, 1).shock[in_april], 5.0F);
    EXPECT_EQ(factors_of(*model, strategy, 1).community[in_april], 1.0F);
    EXPECT_EQ(plan_of(*model, strategy).in_use_at_start, plan_of(*model, 0).in_use_at_start);
    EXPECT_EQ(plan_of(*model, strategy).joins, plan_of(*model, 0).joins);
  }
  EXPECT_FALSE(plan_of(*model, 0).in_use_at_start.empty());
}

// ---- Names and many programmes ---------------------------------------------------------------------------------------

TEST(Levers, EveryUnknownRegionIsNamedAtOnceWithTheOtherProblems) {
  Scenario scenario = plain_scenario();
  scenario.focus = "Region X";
  ProgrammeSpec& first = scenario.programmes[0];
  first.tranches = {{{"R0", "Region Y"}, Date{2021y / May / 1}}, {{"Region 0"}, Date{2021y / June / 1}}};
  first.delivered_by_region = {{"R9", 0.4, "tool.toml:3:1"}, {"R0", 0.7, "tool.toml:4:1"}};
  first.sites_at_start = {"NOBODY"};
  scenario.programmes[1].delivered_by_region = {
      {"R0", 0.4, "b.toml:3:1"}, {"R1", 0.3, "b.toml:4:1"}, {"R2", 0.1, "b.toml:5:1"}};
  Lever lever = lever_of(LeverKind::shock);
  lever.regions = {"Region Q"};
  scenario.levers = {lever};
  scenario.strategies[0].levers = {lever_of(LeverKind::delay)};
  scenario.strategies[0].levers[0].regions = {"R7"};
  auto lonely = ProgrammeSpec::with_table_defaults("lonely", OrganisationType::ambulance_trust);
  scenario.programmes.push_back(lonely);
  std::vector<std::string> said;
  try {
    static_cast<void>(make_model(scenario, synthetic::population(100)));
  } catch (const InputError& error) {
    for (const Problem& problem : error.problems()) said.push_back(problem.what);
  }
  const std::vector<std::string> expected{"focus = \"Region X\", and no region is called so in this population",
                                          "no region is called \"Region Q\" in this population",
                                          "no region is called \"R7\" in this population",
                                          "no region is called \"Region Y\" in this population",
                                          "the tranches of first name Region 0 twice",
                                          "no region is called \"R9\" in this population",
                                          "the shares delivered by region add up to 1.1",
                                          "the shares delivered by region add up to 0.8 and name every region",
                                          "nobody in synthetic is eligible for lonely",
                                          "site at the start \"NOBODY\" is not an eligible organisation"};
  EXPECT_EQ(said, expected);
}

TEST(Levers, ManyProgrammesCompeteAsTheTwinSays) {
  Scenario scenario = busy_scenario(60);
  const ProgrammeSpec first = scenario.programmes[0], second = scenario.programmes[1];
  scenario.programmes.clear();
  for (int j = 0; j < 33; ++j) {
    scenario.programmes.push_back(j % 2 == 0 ? first : second);
    scenario.programmes.back().name = fmt::format("programme-{}", j);
    scenario.programmes.back().fix(Parameter::tau, 0.5);  // long, so that organisations are busy
    scenario.programmes.back().fix(Parameter::attention_half_point, 2);
  }
  const Prepared run = prepare(scenario, synthetic::population(40), 0, 1);
  const auto got = events_of(run);
  EXPECT_EQ(got, oracle::integer_twin(*run.model, 0, *run.rates, run.draw, *run.clocks));
  std::map<std::uint32_t, int> busy;
  int most = 0;
  for (const Event& event : got) {
    const auto j = static_cast<std::size_t>(std::ranges::upper_bound(run.model->first_record, event.record) -
                                            run.model->first_record.begin()) -
                   1;
    int& count = busy[run.model->programmes[j].organisation[event.record - run.model->first_record[j]]];
    count += event.stage == Stage::implementing ? 1 : event.from == Stage::implementing ? -1 : 0;
    most = std::max(most, count);
  }
  EXPECT_GT(most, 6);
}

}  // namespace
}  // namespace uptake
