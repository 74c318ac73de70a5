#include <fmt/format.h>
#include <gtest/gtest.h>

#include <numeric>

#include "synthetic.hpp"
#include "uptake/error.hpp"

namespace uptake {
namespace {

using namespace std::chrono;

constexpr int kWeeks = 60;
constexpr double kDaysAYear = 300;

/// One programme for every home, commissioned from week 4 to week 48, with the levers of a test.
std::shared_ptr<const Model> model_with(std::vector<Lever> levers, std::vector<std::string> sites = {}) {
  Scenario scenario = synthetic::scenario(kWeeks);
  auto tool = ProgrammeSpec::with_table_defaults("tool", OrganisationType::care_home);
  tool.commissioned = Window{scenario.calendar.day_of(4), scenario.calendar.day_of(48) - days{1}};
  tool.fix(Parameter::delivery_staff_days, kDaysAYear);
  tool.sites_at_start = std::move(sites);
  scenario.programmes = {tool};
  for (Lever& lever : levers) lever.where = "s.toml:1:1";
  scenario.strategies[0].levers = std::move(levers);
  return make_model(std::move(scenario), synthetic::population(120));
}

const ProgrammePlan& plan_of(const Model& model, int strategy = 0) {
  return model.strategies[static_cast<std::size_t>(strategy)].programmes[0];
}

double delivered_in(const ProgrammePlan& plan, int week) {
  double sum = 0;
  for (const auto& region : plan.delivered_by_region) sum += region[static_cast<std::size_t>(week)];
  return sum;
}

/// Effort of facilitation on a record in a week, in units of e50.
double dose_in(const ProgrammePlan& plan, std::size_t record, int week) {
  double dose = 0;
  for (const EffortStep& step : plan.profiles[plan.profile[record]]) {
    if (step.from <= week) dose = static_cast<double>(step.facilitation);
  }
  return dose;
}

Lever effort(LeverKind kind, double factor) {
  Lever lever;
  lever.kind = kind;
  lever.factor = factor;
  return lever;
}

TEST(Plan, SpreadsWhatIsDeliveredEvenlyOverTheEligibleWhileCommissioned) {
  const auto model = model_with({});
  const ProgrammePlan& plan = plan_of(*model);
  for (int week = 0; week < kWeeks; ++week) {
    const bool on = week >= 4 && week < 48;
    EXPECT_NEAR(delivered_in(plan, week), on ? kDaysAYear / kWeeksPerYear : 0, 1e-12) << week;
    // e = e50 / 0.5, so that 1 - 2^(-e / e50) = 0.75 as delivered
    for (std::size_t i = 0; i < plan.profile.size(); ++i) ASSERT_NEAR(dose_in(plan, i, week), on ? 2 : 0, 1e-6);
  }
  for (int week = 0; week < kWeeks; ++week) EXPECT_EQ(delivered_in(plan_of(*model, 1), week), 0);
}

TEST(Plan, CountsEffortOnlyFromTheDelayedStartUntilTheWithdrawal) {
  Lever days = effort(LeverKind::facilitation, 1), delay, withdrawal;
  days.staff_days_per_year = 600;
  delay.kind = LeverKind::delay;
  delay.delay_weeks = 6;
  withdrawal.kind = LeverKind::withdrawal;
  withdrawal.window = Window{sys_days{2021y / January / 1} + weeks{30}, sys_days{2022y / December / 31}};
  // whatever the order in which the levers stand
  for (const auto& levers : {std::vector{days, delay, withdrawal}, std::vector{withdrawal, delay, days}}) {
    const auto model = model_with(levers);
    for (int week = 0; week < kWeeks; ++week) {
      const bool on = week >= 10 && week < 30;
      EXPECT_NEAR(delivered_in(plan_of(*model), week), on ? 600 / kWeeksPerYear : 0, 1e-12) << week;
      EXPECT_EQ(plan_of(*model).classes[0].commissioned[static_cast<std::size_t>(week)], on ? 1.0F : 0.0F) << week;
    }
  }
}

TEST(Plan, ServesTheOrganisationsOfAListInWhateverRegionTheyAre) {
  const auto plain = model_with({});
  const ProgrammeModel& records = plain->programmes[0];
  std::size_t other = 0;
  while (records.region[other] == records.region[0]) ++other;
  const std::vector<std::size_t> listed{0, other};
  Lever list = effort(LeverKind::facilitation, 1);
  list.targeting = Targeting::listed;
  list.package_days = 2;
  list.package_weeks = 8;
  for (const std::size_t i : listed) list.organisations.push_back(plain->population->code[records.organisation[i]]);
  const auto model = model_with({list});
  for (std::size_t i = 0; i < records.n_records(); ++i) {
    double most = 0;
    for (int week = 0; week < kWeeks; ++week) most = std::max(most, dose_in(plan_of(*model), i, week));
    EXPECT_EQ(most > 0, std::ranges::count(listed, i) == 1) << i;
  }
}

TEST(Plan, NeverSpendsMoreThanTheStaffOfAWeekOnPackages) {
  Lever order = effort(LeverKind::facilitation, 1), cut = effort(LeverKind::facilitation, 0.3);
  order.targeting = Targeting::largest_first;
  order.package_days = 3;
  order.package_weeks = 7;
  cut.window = Window{sys_days{2021y / January / 1} + weeks{20}, sys_days{2022y / December / 31}};
  const auto model = model_with({order, cut});
  const ProgrammePlan& plan = plan_of(*model);
  double before = 0, after = 0;
  for (int week = 0; week < kWeeks; ++week) {
    const double staff = kDaysAYear / kWeeksPerYear * (week < 20 ? 1 : 0.3);
    EXPECT_LE(delivered_in(plan, week), staff * (1 + 1e-6)) << week;
    (week < 20 ? before : after) += delivered_in(plan, week);
    // what is paid for is what reaches organisations: dose x e50 a year
    double reached = 0;
    for (std::size_t i = 0; i < plan.profile.size(); ++i) reached += dose_in(plan, i, week);
    const double half_effect = 0.5 * model->programmes[0].mean_delivered;
    EXPECT_NEAR(reached * half_effect / kWeeksPerYear, delivered_in(plan, week), 1e-5) << week;
  }
  EXPECT_GT(before, 40);
  EXPECT_GT(after, 15);
}

TEST(Plan, SeedsWhereFewestStartInUseWhenLaggingRegionsComeFirst) {
  const auto plain = model_with({});
  const ProgrammeModel& records = plain->programmes[0];
  std::vector<std::string> sites;  // all of region 2 but one, and one of region 0
  bool left_out = false, has_first = false;
  for (std::size_t i = 0; i < records.n_records(); ++i) {
    const bool in_last = records.region[i] == 2;
    const bool take =
        in_last ? std::exchange(left_out, true) : records.region[i] == 0 && !std::exchange(has_first, true);
    if (take) sites.push_back(plain->population->code[records.organisation[i]]);
  }
  Lever seeding;
  seeding.kind = LeverKind::seeding;
  seeding.targeting = Targeting::lagging_regions_first;
  seeding.share = 0.1;
  const auto model = model_with({seeding}, sites);
  const auto& in_use = plan_of(*model).in_use_at_start;
  const auto expected =
      sites.size() + static_cast<std::size_t>(std::lround(0.1 * static_cast<double>(records.n_records())));
  EXPECT_EQ(in_use.size(), expected);
  for (const auto record : in_use) {
    const bool is_site = std::ranges::count(sites, plain->population->code[records.organisation[record]]) == 1;
    EXPECT_TRUE(is_site || records.region[record] == 1) << record;
  }
}

TEST(Plan, SaysAMistakeOfALeverOnce) {
  Lever lever = effort(LeverKind::facilitation, 2);
  lever.regions = {"Region Q"};
  Lever delay = lever;
  delay.kind = LeverKind::delay;
  try {
    model_with({lever, delay});
    FAIL();
  } catch (const InputError& error) {
    ASSERT_EQ(error.problems().size(), 1U) << error.what();
    EXPECT_EQ(error.problems()[0].what, "no region is called \"Region Q\" in this population");
  }
}

TEST(Plan, ALeverNamesARegionOnce) {
  Lever lever = effort(LeverKind::facilitation, 2);
  lever.regions = {"R1", "Region 1"};
  try {
    model_with({lever});
    FAIL();
  } catch (const InputError& error) {
    ASSERT_EQ(error.problems().size(), 1U) << error.what();
    EXPECT_EQ(error.problems()[0].what, "a lever names Region 1 twice");
  }
}

/// Records in the order in which packages reach them: by first week with effort, then as the test's own order has them.
std::vector<int> first_week_of_effort(const ProgrammePlan& plan, std::size_t n_records) {
  std::vector<int> first(n_records, kWeeks);
  for (std::size_t i = 0; i < n_records; ++i) {
    for (int week = kWeeks - 1; week >= 0; --week) {
      if (dose_in(plan, i, week) > 0) first[i] = week;
    }
  }
  return first;
}

TEST(Plan, ServesInTheOrderOfEachRuleAndNothingElse) {
  const auto plain = model_with({});
  const Population& who = *plain->population;
  const ProgrammeModel& records = plain->programmes[0];
  // What each rule looks at, straight from the tables; smaller first, ties by identity.
  const auto organisation = [&](std::size_t i) { return records.organisation[i]; };
  std::vector<double> heard(records.n_records(), 0.0);
  for (const Ties* ties : {&who.geography, &who.pathway}) {
    for (std::size_t i = 0; i < records.n_records(); ++i) {
      double all = 0;
      const auto each = [&](auto visit) {
        for (auto e = ties->offsets[organisation(i)]; e < ties->offsets[organisation(i) + 1]; ++e) {
          const auto source = std::ranges::find(records.organisation, ties->sources[e]) - records.organisation.begin();
          if (source < static_cast<std::ptrdiff_t>(records.n_records()))
            visit(static_cast<std::size_t>(source), ties->weights[e]);
        }
      };
      each([&](std::size_t, double weight) { all += weight; });
      each([&](std::size_t source, double weight) { heard[source] += weight / all; });
    }
  }
  const auto score = [&](Targeting rule, std::size_t i) -> double {
    switch (rule) {
      case Targeting::largest_first:
        return -who.size[organisation(i)];
      case Targeting::most_deprived_first:
        return who.quintile[organisation(i)];
      default:
        return std::round(-heard[i] * 1e3);  // the kernel's weights are whole 2^-16
    }
  };
  for (const Targeting rule :
       {Targeting::largest_first, Targeting::most_deprived_first, Targeting::best_connected_first}) {
    Lever order = effort(LeverKind::facilitation, 1);
    order.targeting = rule;
    order.package_days = 4;
    order.package_weeks = 2;  // one at a time: 2 days a week, of about 1.9 in each region
    const auto model = model_with({order});
    const auto first = first_week_of_effort(plan_of(*model), records.n_records());
    std::size_t served = 0, compared = 0;
    for (std::size_t a = 0; a < records.n_records(); ++a) {
      served += first[a] < kWeeks ? 1 : 0;
      for (std::size_t b = 0; b < records.n_records(); ++b) {
        if (records.region[a] != records.region[b] || first[a] >= first[b]) continue;
        compared += 1;
        ASSERT_LE(score(rule, a), score(rule, b)) << kTargetingNames[static_cast<std::size_t>(rule)];
        if (score(rule, a) == score(rule, b) && rule != Targeting::best_connected_first) {
          ASSERT_LT(records.organisation_identity[a], records.organisation_identity[b]);
        }
      }
    }
    EXPECT_GT(served, 30U);
    EXPECT_LT(served, records.n_records());
    EXPECT_GT(compared, 300U);
  }
}

TEST(Plan, SpreadsBySizeInProportion) {
  Lever by_size = effort(LeverKind::facilitation, 1);
  by_size.targeting = Targeting::by_size;
  const auto model = model_with({by_size});
  const ProgrammeModel& records = model->programmes[0];
  const auto size = [&](std::size_t i) { return model->population->size[records.organisation[i]]; };
  for (std::size_t a = 0; a < records.n_records(); ++a) {
    const std::size_t b = (a + 1) % records.n_records();
    if (records.region[a] != records.region[b]) continue;
    EXPECT_NEAR(dose_in(plan_of(*model), a, 10) * size(b), dose_in(plan_of(*model), b, 10) * size(a), 1e-4);
  }
}

TEST(Plan, LaggingRegionsAreServedOneAfterAnotherWithTheStaffOfAll) {
  const auto plain = model_with({});
  const ProgrammeModel& records = plain->programmes[0];
  // In use at the start: most of region 0, one of region 2, none of region 1. Order: 1, 2, 0.
  std::vector<std::string> sites;
  bool has_one = false;
  for (std::size_t i = 0; i < records.n_records(); ++i) {
    const bool take = records.region[i] == 0 ? i % 4 != 0 : records.region[i] == 2 && !std::exchange(has_one, true);
    if (take) sites.push_back(plain->population->code[records.organisation[i]]);
  }
  Lever order = effort(LeverKind::facilitation, 1);
  order.targeting = Targeting::lagging_regions_first;
  order.package_days = 4;
  order.package_weeks = 4;
  const auto model = model_with({order}, sites);
  const auto first = first_week_of_effort(plan_of(*model), records.n_records());
  const std::vector<int> place{2, 0, 1};
  std::array<int, 3> earliest{kWeeks, kWeeks, kWeeks}, latest{0, 0, 0};
  for (std::size_t i = 0; i < records.n_records(); ++i) {
    const auto at = static_cast<std::size_t>(place[records.region[i]]);
    earliest[at] = std::min(earliest[at], first[i]);
    latest[at] = std::max(latest[at], first[i]);
  }
  EXPECT_EQ(earliest[0], 4);
  EXPECT_LE(latest[0], earliest[1]);
  EXPECT_LE(latest[1], earliest[2]);
  EXPECT_LT(latest[0], kWeeks);
}

/// A lever with a window of whole weeks.
Lever in_weeks(Lever lever, int from, int to) {
  const Date start{sys_days{2021y / January / 1}};
  lever.window = Window{start + weeks{from}, start + weeks{to} - days{1}};
  return lever;
}

Lever in_order(Targeting rule, double package_days = 4) {
  Lever order = effort(LeverKind::facilitation, 1);
  order.targeting = rule;
  order.package_days = package_days;
  order.package_weeks = 4;
  return order;
}

TEST(Plan, AnOrderWithDatesHoldsInThemAlone) {
  const auto even = model_with({});
  const std::size_t n = even->programmes[0].n_records();
  for (const Targeting rule : {Targeting::most_deprived_first, Targeting::lagging_regions_first, Targeting::by_size}) {
    const auto dated = model_with({in_weeks(in_order(rule), 20, 40)});
    const ProgrammePlan &plan = plan_of(*dated), &without = plan_of(*even);
    std::size_t differ = 0, served = 0;
    for (std::size_t i = 0; i < n; ++i) {
      for (int week = 0; week < kWeeks; ++week) {
        const bool same = dose_in(plan, i, week) == dose_in(without, i, week);
        if (week < 20 || week >= 40) {
          ASSERT_TRUE(same) << "record " << i << " week " << week;
        } else {
          differ += same ? 0 : 1;
        }
      }
      served += dose_in(plan, i, 20) > 0 ? 1 : 0;
    }
    EXPECT_GT(differ, 1000U);
    EXPECT_GT(served, 2U);  // it begins with the first week of its window
    EXPECT_LT(served, 12U);
    for (const int week : {19, 40}) EXPECT_EQ(delivered_in(plan, week), delivered_in(without, week));
  }
}

TEST(Plan, ALeverCanGoBackToSpreading) {
  Lever even = effort(LeverKind::facilitation, 1);
  even.targeting = Targeting::even;
  const auto plain = model_with({});
  const Lever order = in_order(Targeting::largest_first);
  // An amount alone leaves the order; `even` stated ends it, in its window or for good.
  const auto amount = model_with({order, effort(LeverKind::facilitation, 1)}), ordered = model_with({order});
  const auto ended = model_with({order, even}), interrupted = model_with({order, in_weeks(even, 20, 30)});
  EXPECT_EQ(plan_of(*amount).profiles, plan_of(*ordered).profiles);
  EXPECT_EQ(plan_of(*ended).profiles, plan_of(*plain).profiles);
  std::size_t served_again = 0;
  for (std::size_t i = 0; i < plain->programmes[0].n_records(); ++i) {
    bool before = false, after = false;
    for (int week = 0; week < kWeeks; ++week) {
      const double dose = dose_in(plan_of(*interrupted), i, week);
      if (week < 20) {
        ASSERT_EQ(dose, dose_in(plan_of(*ordered), i, week));
        before = before || dose > 0;
      } else if (week < 30) {
        ASSERT_EQ(dose, dose_in(plan_of(*plain), i, week));
      } else {
        after = after || dose > 0;
      }
    }
    served_again += before && after ? 1 : 0;
  }
  EXPECT_EQ(served_again, 0U);  // the order goes on where it was
}

TEST(Plan, RegionsOfOneOrderHaveThePackageOfTheirOwnLever) {
  Lever first = in_order(Targeting::lagging_regions_first, 4), second = in_order(Targeting::lagging_regions_first, 8);
  first.regions = {"R0", "R1"};
  second.regions = {"R2"};
  const auto model = model_with({first, second});
  const ProgrammeModel& records = model->programmes[0];
  std::size_t n_whole = 0;
  for (std::size_t i = 0; i < records.n_records(); ++i) {
    double days = 0;
    for (int week = 0; week < kWeeks; ++week) {
      days += dose_in(plan_of(*model), i, week) * 0.5 * records.mean_delivered / kWeeksPerYear;
    }
    const double package = records.region[i] == 2 ? 8 : 4;
    EXPECT_LE(days, package * (1 + 1e-5));
    n_whole += std::abs(days - package) < 1e-3 ? 1 : 0;
  }
  EXPECT_GT(n_whole, 30U);
}

TEST(Plan, PackagesOfHardlyAnyStaffLastToTheHorizon) {
  Lever order = in_order(Targeting::largest_first, 1e5);
  order.factor = 1e-9;
  const auto model = model_with({order});
  std::size_t n_served = 0;
  for (std::size_t i = 0; i < model->programmes[0].n_records(); ++i) {
    if (dose_in(plan_of(*model), i, 4) <= 0) continue;
    ++n_served;
    EXPECT_GT(dose_in(plan_of(*model), i, 47), 0);
  }
  EXPECT_EQ(n_served, 3U);  // one in each region, all the time
}

TEST(Plan, DoesNotDependOnWhatIsDrawn) {
  Lever order = effort(LeverKind::facilitation, 1.5);
  order.targeting = Targeting::lagging_regions_first;
  order.package_days = 4;
  order.package_weeks = 4;
  Scenario scenario = synthetic::scenario(kWeeks);
  auto tool = ProgrammeSpec::with_table_defaults("tool", OrganisationType::care_home);
  tool.fix(Parameter::delivery_staff_days, kDaysAYear);
  scenario.strategies[0].levers = {order};
  const auto plan_with = [&](double default_share, const Prior& prior, double p) {
    tool.fix(Parameter::p, p);
    tool.settings[static_cast<std::size_t>(Parameter::start_in_use)] = {default_share, prior, {}, {}, {}};
    scenario.programmes = {tool};
    return plan_of(*make_model(scenario, synthetic::population(120)));
  };
  const ProgrammePlan base = plan_with(0.2, {Family::uniform, 0.1, 0.3}, 0.5);
  const ProgrammePlan other = plan_with(0.2, {Family::beta, 2, 2}, 5);
  EXPECT_EQ(base.profiles, other.profiles);
  EXPECT_EQ(base.profile, other.profile);
  EXPECT_EQ(base.delivered_by_region, other.delivered_by_region);
  EXPECT_TRUE(base.in_use_at_start.empty());  // the share is the draw's
  // The default share does decide which region lags.
  EXPECT_NE(plan_with(0.6, {Family::uniform, 0.1, 0.3}, 0.5).profile, base.profile);
}

TEST(Plan, FacilitatorsAreSpentOnceInTheirRegionAndWeek) {
  for (const Targeting rule : {Targeting::even, Targeting::by_size, Targeting::largest_first,
                               Targeting::most_deprived_first, Targeting::best_connected_first}) {
    Lever order = effort(LeverKind::facilitation, 1);
    order.targeting = rule;
    order.package_days = 3;
    order.package_weeks = 5;
    const auto model = model_with({order});
    const ProgrammeModel& records = model->programmes[0];
    const ProgrammePlan& plan = plan_of(*model);
    const double half_effect = 0.5 * records.mean_delivered;
    std::vector<double> of_one(records.n_records(), 0.0);
    double paid = 0;
    for (int week = 0; week < kWeeks; ++week) {
      std::vector<double> reached(3, 0.0), n(3, 0.0);
      for (std::size_t i = 0; i < records.n_records(); ++i) {
        const double days = dose_in(plan, i, week) * half_effect / kWeeksPerYear;
        reached[records.region[i]] += days;
        n[records.region[i]] += 1;
        of_one[i] += days;
      }
      for (std::size_t r = 0; r < 3; ++r) {
        const double delivered = plan.delivered_by_region[r][static_cast<std::size_t>(week)];
        const double staff = kDaysAYear / kWeeksPerYear * n[r] / static_cast<double>(records.n_records());
        EXPECT_LE(delivered, staff * (1 + 1e-6));
        EXPECT_NEAR(reached[r], delivered, 1e-5);
        paid += delivered;
      }
    }
    for (const double days : of_one) EXPECT_LE(days, 3 * (1 + 1e-5));  // one package each
    EXPECT_NEAR(std::accumulate(of_one.begin(), of_one.end(), 0.0), paid, 1e-3);
    EXPECT_GT(paid, 100);
  }
}

TEST(Plan, TranchesBeginOnTheirOwnDayAndRegionsHaveTheirShares) {
  Scenario scenario = synthetic::scenario(kWeeks);
  auto tool = ProgrammeSpec::with_table_defaults("tool", OrganisationType::care_home);
  tool.commissioned = Window{scenario.calendar.day_of(4), scenario.calendar.day_of(48) - days{1}};
  tool.fix(Parameter::delivery_staff_days, kDaysAYear);
  tool.tranches = {{{"R1"}, scenario.calendar.day_of(20)}, {{"Region 2"}, scenario.calendar.day_of(2)}};
  tool.delivered_by_region = {{"R0", 0.5, ""}};
  scenario.programmes = {tool};
  const auto model = make_model(scenario, synthetic::population(120));
  const ProgrammeModel& records = model->programmes[0];
  std::array<double, 3> n{};
  for (const auto region : records.region) n[region] += 1;
  const std::array<double, 3> share{0.5, 0.5 * n[1] / (n[1] + n[2]), 0.5 * n[2] / (n[1] + n[2])};
  constexpr std::array kFrom{4, 20, 2};
  for (int week = 0; week < kWeeks; ++week) {
    const auto w = static_cast<std::size_t>(week);
    for (std::size_t r = 0; r < 3; ++r) {
      const bool on = week >= kFrom[r] && week < 48;
      EXPECT_NEAR(plan_of(*model).delivered_by_region[r][w], on ? kDaysAYear * share[r] / kWeeksPerYear : 0, 1e-12);
      for (const int strategy : {0, 1}) {
        EXPECT_EQ(plan_of(*model, strategy).classes[records.region_class[r]].commissioned[w], on ? 1.0F : 0.0F);
      }
      EXPECT_EQ(plan_of(*model, 2).classes[records.region_class[r]].commissioned[w], 0.0F);
    }
  }
}

TEST(Plan, SaysWhichStaffDaysReachNobody) {
  Scenario scenario = synthetic::scenario(kWeeks);
  auto tool = ProgrammeSpec::with_table_defaults("tool", OrganisationType::care_home);
  tool.fix(Parameter::delivery_staff_days, kDaysAYear);
  tool.delivered_by_region = {{"R0", 0.5, ""}};
  scenario.programmes = {tool};
  EXPECT_TRUE(make_model(scenario, synthetic::population(120))->warnings.empty());

  // A fourth region without homes: its stated share and what a lever gives it are neither done nor paid for.
  const auto population = synthetic::population(120);
  population->regions.push_back({"R3", "Region 3", "R3"});
  scenario.programmes[0].delivered_by_region.push_back({"R3", 0.2, ""});
  Lever extra = effort(LeverKind::outreach, 1);
  extra.staff_days_per_year = 100;
  extra.regions = {"R3"};
  extra.where = "s.toml:5:1";
  scenario.strategies[0].levers = {extra};
  const auto model = make_model(scenario, population);
  std::vector<std::string> said;
  for (const Problem& warning : model->warnings) said.push_back(warning.what);
  const double days = 0.2 * kDaysAYear * kWeeks / kWeeksPerYear;
  EXPECT_EQ(said,
            (std::vector<std::string>{
                "100 staff-days a year for tool are neither delivered nor paid for: no organisation of the regions "
                "named is eligible",
                fmt::format("{:.0f} staff-days for tool in Region 3 are neither delivered nor paid for: no "
                            "organisation there is eligible",
                            days)}));
  EXPECT_EQ(model->warnings[0].where, "s.toml:5:1");
  EXPECT_NEAR(delivered_in(plan_of(*model), 10), 0.8 * kDaysAYear / kWeeksPerYear, 1e-12);

  // All regions with homes state their shares: what is left for the one without belongs to nobody.
  scenario.strategies[0].levers.clear();
  scenario.programmes[0].delivered_by_region = {{"R0", 0.5, ""}, {"R1", 0.2, ""}, {"R2", 0.2, ""}};
  const auto rest = make_model(scenario, population);
  ASSERT_EQ(rest->warnings.size(), 1U);
  EXPECT_EQ(rest->warnings[0].what,
            "10 % of the delivered effort of tool belong to no region that can use them, and are neither delivered nor "
            "paid for");
}

TEST(Plan, SaysWhereNoStrategyShowsWhatPackagesDoWithoutTheirOrder) {
  Scenario scenario = synthetic::scenario(kWeeks);
  auto tool = ProgrammeSpec::with_table_defaults("tool", OrganisationType::care_home);
  tool.fix(Parameter::delivery_staff_days, kDaysAYear);
  scenario.programmes = {tool};
  const auto warnings_with = [&](std::vector<Lever> first, std::vector<Lever> second) {
    scenario.strategies[0].levers = std::move(first);
    scenario.strategies[1].levers = std::move(second);
    scenario.strategies[1].delivery = Delivery::as_delivered;
    return make_model(scenario, synthetic::population(120))->warnings;
  };
  Lever order = in_order(Targeting::most_deprived_first), twin = order, other = order;
  order.where = "s.toml:7:1";
  twin.targeting = Targeting::even;
  other.targeting = Targeting::even;
  other.package_days = *order.package_days + 1;
  EXPECT_TRUE(warnings_with({order}, {twin}).empty());
  EXPECT_TRUE(warnings_with({twin}, {}).empty());
  for (const std::vector<Lever>& beside : {std::vector<Lever>{}, {other}, {order}}) {
    const std::vector<Problem> said = warnings_with({order}, beside);
    ASSERT_FALSE(said.empty());
    EXPECT_EQ(said[0].where, "s.toml:7:1");
    EXPECT_NE(said[0].what.find("packages alone change what effort does"), std::string::npos);
  }
}

TEST(Plan, NothingIsDeliveredOutsideTheLifeOfAProgramme) {
  Scenario scenario = synthetic::scenario(kWeeks);
  auto tool = ProgrammeSpec::with_table_defaults("tool", OrganisationType::care_home);
  tool.fix(Parameter::delivery_staff_days, kDaysAYear);
  tool.available_from = scenario.calendar.day_of(10);
  tool.withdrawn = scenario.calendar.day_of(30);
  scenario.programmes = {tool};
  const auto model = make_model(scenario, synthetic::population(60));
  for (int week = 0; week < kWeeks; ++week) {
    const bool lives = week >= 10 && week < 30;
    EXPECT_NEAR(delivered_in(plan_of(*model), week), lives ? kDaysAYear / kWeeksPerYear : 0, 1e-12) << week;
  }
}

}  // namespace
}  // namespace uptake
