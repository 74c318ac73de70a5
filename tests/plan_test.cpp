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

}  // namespace
}  // namespace uptake
