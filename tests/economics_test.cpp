#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "small_model.hpp"
#include "uptake/outcomes.hpp"

namespace uptake {
namespace {

using namespace std::chrono;

// V18 of the model: payments at the start of years 0..9. Mutant rejected: payments at the end of the year, 8.3166.
TEST(Annuity, HasTheKnownAnswers) {
  EXPECT_NEAR(annuity(10, 0.035, Discounting::money), 8.607686509, 5e-10);
  EXPECT_NEAR(annuity(10, 0.015, Discounting::health), 9.360517320, 5e-10);
  EXPECT_EQ(annuity(0, 0.035, Discounting::money), 0);
  EXPECT_EQ(annuity(7, 0.0, Discounting::money), 7);
}

TEST(DiscountFactor, FollowsTheStepsOfTheGreenBook) {
  const std::vector<std::tuple<double, double>> money{
      {1, .966183574879},  {5, .841973166859},   {10, .70891881371},   {30, .356278410602},  {31, .345901369517},
      {50, .197262717691}, {75, .0942137725767}, {76, .0919158756846}, {100, .0508180223244}};
  for (const auto& [years, factor] : money)
    EXPECT_NEAR(discount_factor(years, 0.035, Discounting::money), factor, 1e-12) << years;
  const std::vector<std::tuple<double, double>> health{
      {1, .985221674877}, {5, .928260325406}, {10, .861667231722}, {30, .639762429906}, {31, .631614601547}};
  for (const auto& [years, factor] : health)
    EXPECT_NEAR(discount_factor(years, 0.015, Discounting::health), factor, 1e-12) << years;
  double beginning = 0, end = 0;  // GBP 100 a year at t = 0..4 and at t = 1..5
  for (int t = 0; t < 5; ++t) beginning += 100 * discount_factor(t, 0.035, Discounting::money);
  for (int t = 1; t <= 5; ++t) end += 100 * discount_factor(t, 0.035, Discounting::money);
  EXPECT_NEAR(beginning, 467.307920861, 1e-8);
  EXPECT_NEAR(end, 451.505237547, 1e-8);
}

TEST(DiscountFactor, IsOneAtNoRateHoweverLong) {
  for (const double years : {0.0, 1.5, 29.0, 31.0, 80.0}) EXPECT_EQ(discount_factor(years, 0, Discounting::money), 1);
}

/// Two homes of equal size in one region, 2021-01-01 (a Friday) to 2022-12-29, a baseline of 24 admissions a year.
class Money : public testing::Test {
 protected:
  Money()
      : small({{0, 1, 1}, {0, 1, 1}}, 1, 1, {{.staff_days_a_week = 2.0}}, sys_days{2021y / 1 / 1}, 104,
              {sys_days{2022y / 3 / 31}, sys_days{2021y / 12 / 31}}) {
    small.set(0, Parameter::baseline_events, 24);
    small.set(0, Parameter::relative_risk, 0.75);
    small.set(0, Parameter::bed_days_per_event, 10);
    small.set(0, Parameter::set_up_cost, 900);
    small.set(0, Parameter::running_cost, 300);
    small.set(0, Parameter::staff_day_price, 320);
    small.set(Parameter::admission_price, 2931);
    small.set(Parameter::deflator, 1.27);
    small.set(Parameter::cashable_share, 0.2);
    small.set(Parameter::discount_money, 0.035);
    std::vector<Event> events;
    adopts(events, 0, 2, 4, 13);  // go-live on 2021-04-02
    factual = history_of(events);
    adopts(events, 1, 0, 3, 8);  // fails nothing, stops, starts again
    stops(events, 1, 20);
    events.push_back({1, 30, Stage::implementing, Stage::stopped});
    events.push_back({1, 33, Stage::in_use, Stage::implementing});
    busy = history_of(events);
  }
  SmallModel small;
  History factual, busy;
};

TEST_F(Money, IsAdmissionsTimesPriceAndOrganisationsTimesCosts) {
  const Summary summary = small.run({factual, {}});
  const double years = 364 / 365.25;  // 2021-04-02 to 2022-03-31
  EXPECT_NEAR(small.at(summary, Metric::home_years), years, 1e-14);
  EXPECT_NEAR(small.at(summary, Metric::admissions_avoided), 12 * 0.25 * years, 1e-12);
  EXPECT_NEAR(small.at(summary, Metric::bed_days_avoided), 120 * 0.25 * years, 1e-11);
  EXPECT_NEAR(small.at(summary, Metric::savings_gross_gbp), 3 * years * 2931 * 1.27, 1e-8);
  EXPECT_NEAR(small.at(summary, Metric::savings_cash_gbp), 0.2 * 3 * years * 2931 * 1.27, 1e-8);
  const double delivery = 455 * 2.0 / 7 * 320;  // two days a week for the 455 days to 2022-03-31
  EXPECT_NEAR(small.at(summary, Metric::cost_gbp), delivery + 900 + 300 * years, 1e-8);
  EXPECT_NEAR(small.at(summary, Metric::cost_public_gbp), delivery, 1e-8);
  EXPECT_NEAR(small.at(summary, Metric::cost_gbp, 1), 0, 0);
}

TEST_F(Money, PaysForEverySetUpAndForBothFundersWhereBothArePublic) {
  small.model.scenario.programmes[0].adoption_funder = Funder::nhs_england;
  const Summary summary = small.run({busy, {}});
  const double used = small.at(summary, Metric::home_years);
  EXPECT_NEAR(used, (364 + 7 * 12 + (455 - 7 * 33)) / 365.25, 1e-14);
  const double cost = 455 * 2.0 / 7 * 320 + 3 * 900 + 300 * used;  // one home sets up twice
  EXPECT_NEAR(small.at(summary, Metric::cost_gbp), cost, 1e-8);
  EXPECT_NEAR(small.at(summary, Metric::cost_public_gbp), cost, 1e-8);
}

TEST_F(Money, ChargesSetUpForSitesThatALeverSeedsButNotForThoseThatEveryWorldStartsWith) {
  const History seeded{{{0, 0, Stage::in_use, Stage::unaware}, {1, 0, Stage::in_use, Stage::unaware}}};
  const History before{{{0, 0, Stage::in_use, Stage::unaware}}};
  small.set(0, Parameter::running_cost, 0);
  small.set(0, Parameter::staff_day_price, 0);
  const Summary summary = small.run({seeded, before});
  EXPECT_NEAR(small.at(summary, Metric::cost_gbp, 0), 900, 1e-12);
  EXPECT_NEAR(small.at(summary, Metric::cost_gbp, 1), 0, 0);
}

TEST_F(Money, AddsCashAndCapacityUpToGrossAndNowhereElse) {
  const Summary summary = small.run({busy, factual});
  for (int s = 0; s < 2; ++s) {
    const double gross = small.at(summary, Metric::savings_gross_gbp, s);
    EXPECT_GT(gross, 0);
    EXPECT_NEAR(small.at(summary, Metric::savings_cash_gbp, s) + small.at(summary, Metric::capacity_released_gbp, s),
                gross, 1e-15 * gross);
    EXPECT_NEAR(small.at(summary, Metric::savings_cash_gbp, s), 0.2 * gross, 1e-15 * gross);
  }
}

TEST_F(Money, ShrinksBenefitsOnlyWhereTheEffectIsNotAlreadyShrunkAndRaisesAllCosts) {
  const Summary plain = small.run({busy, {}});
  small.set(Parameter::optimism_benefit, 0.2);
  small.set(Parameter::optimism_cost, 0.3);
  const Summary shrunk_already = small.run({busy, {}});
  small.model.scenario.programmes[0].effect_already_shrunk = false;
  const Summary not_shrunk = small.run({busy, {}});
  const double gross = small.at(plain, Metric::savings_gross_gbp), cost = small.at(plain, Metric::cost_gbp);
  EXPECT_EQ(small.at(shrunk_already, Metric::savings_gross_gbp), gross);
  EXPECT_NEAR(small.at(not_shrunk, Metric::savings_gross_gbp), 0.8 * gross, 1e-12 * gross);
  EXPECT_NEAR(small.at(not_shrunk, Metric::cost_gbp), 1.3 * cost, 1e-12 * cost);
  EXPECT_EQ(small.at(not_shrunk, Metric::admissions_avoided), small.at(plain, Metric::admissions_avoided));
}

// Two months by hand: days 91..119 (April from go-live on the 2nd) and so on are summed at mid-month factors. Mutant
// rejected: discounting at the end of the month (relative difference 1.4e-3).
TEST_F(Money, IsDiscountedFromTheMiddleOfEachMonth) {
  const Summary summary = small.run({factual, {}});
  double savings = 0, cost = 900 * std::pow(1.035, -15.5 / 365.25);  // implementing from 2021-01-29
  for (year_month month = 2021y / 1; month <= 2022y / 3; month += months{1}) {
    const double from = static_cast<double>((sys_days{month / 1} - sys_days{2021y / 1 / 1}).count());
    const double to = static_cast<double>((sys_days{(month + months{1}) / 1} - sys_days{2021y / 1 / 1}).count());
    const double factor = std::pow(1.035, -(from + to) / 2 / 365.25);
    const double days_in_use = std::max(0.0, to - std::max(from, 91.0));
    savings += factor * 3 * days_in_use / 365.25 * 2931 * 1.27;
    cost += factor * ((to - from) * 2 / 7 * 320 + 300 * days_in_use / 365.25);
  }
  const double present = small.at(summary, Metric::net_present_value_gbp);
  EXPECT_NEAR(present, savings - cost, 1e-7);
  EXPECT_GT(std::abs(savings * (std::pow(1.035, -0.5 / 12) - 1)), 1e-7);
}

TEST_F(Money, IsThePlainDifferenceAtNoDiscount) {
  small.set(Parameter::discount_money, 0);
  const Summary summary = small.run({busy, factual});
  for (int s = 0; s < 2; ++s)
    for (int report = 0; report < 2; ++report) {
      const double difference = small.at(summary, Metric::savings_gross_gbp, s, Axis::report, report) -
                                small.at(summary, Metric::cost_gbp, s, Axis::report, report);
      EXPECT_NEAR(small.at(summary, Metric::net_present_value_gbp, s, Axis::report, report), difference,
                  1e-12 * std::abs(difference));
    }
}

TEST_F(Money, ComesBackPerPublicPoundAndPerAdditionalPound) {
  small.set(Parameter::discount_money, 0);
  const Summary summary = small.run({busy, factual});
  const auto at = [&](Metric metric, int s) { return small.at(summary, metric, s); };
  EXPECT_NEAR(at(Metric::roi_fiscal, 0), at(Metric::savings_cash_gbp, 0) / at(Metric::cost_public_gbp, 0), 1e-14);
  EXPECT_TRUE(std::isnan(at(Metric::roi_fiscal, 1)));  // the comparator spends no public money
  EXPECT_NEAR(at(Metric::roi_net, 0),
              (at(Metric::savings_cash_gbp, 0) - at(Metric::savings_cash_gbp, 1)) /
                  (at(Metric::cost_gbp, 0) - at(Metric::cost_gbp, 1)),
              1e-14);
  EXPECT_TRUE(std::isnan(at(Metric::roi_net, 1)));
  const double gross = at(Metric::admissions_avoided, 0);
  EXPECT_NEAR(at(Metric::attributable_share, 0), (gross - at(Metric::admissions_avoided, 1)) / gross, 1e-14);
}

// What returns are ratios of is given itself. Mutants rejected: a return of sums that are not discounted (with benefits
// later than costs it is another), the cost of all funders under a return on public money.
TEST_F(Money, GivesThePresentValuesThatReturnsAreRatiosOf) {
  const auto at = [&](const Summary& summary, Metric metric, int s) { return small.at(summary, metric, s); };
  const Summary summary = small.run({busy, factual});
  for (const int s : {0, 1}) {
    const double cash = at(summary, Metric::present_value_cash_gbp, s),
                 cost = at(summary, Metric::present_value_cost_gbp, s),
                 cost_public = at(summary, Metric::present_value_cost_public_gbp, s);
    EXPECT_GT(cash, 0);
    EXPECT_LT(cash, at(summary, Metric::savings_cash_gbp, s));
    EXPECT_LT(cost, at(summary, Metric::cost_gbp, s));
    EXPECT_LT(cost_public, cost);
    if (s == 0) {
      EXPECT_NEAR(at(summary, Metric::roi_fiscal, s), cash / cost_public, 1e-14);
    }
  }
  EXPECT_NEAR(at(summary, Metric::roi_net, 0),
              (at(summary, Metric::present_value_cash_gbp, 0) - at(summary, Metric::present_value_cash_gbp, 1)) /
                  (at(summary, Metric::present_value_cost_gbp, 0) - at(summary, Metric::present_value_cost_gbp, 1)),
              1e-14);
  small.set(Parameter::discount_money, 0);
  const Summary plain = small.run({busy, factual});
  for (const auto& [present, flow] : {std::pair{Metric::present_value_cash_gbp, Metric::savings_cash_gbp},
                                      {Metric::present_value_cost_gbp, Metric::cost_gbp},
                                      {Metric::present_value_cost_public_gbp, Metric::cost_public_gbp}})
    EXPECT_NEAR(at(plain, present, 0), at(plain, flow, 0), 1e-12 * at(plain, flow, 0)) << spec(present).name;
}

TEST_F(Money, InYearAddsUpToCumulative) {
  const Summary summary = small.run({busy, factual});
  for (const Metric metric : {Metric::admissions_avoided, Metric::savings_gross_gbp, Metric::savings_cash_gbp,
                              Metric::capacity_released_gbp, Metric::cost_gbp, Metric::cost_public_gbp}) {
    // 2020/21 and 2021/22 end at the first report date.
    const double in_years = small.at(summary, metric, 0, Axis::year, 0) + small.at(summary, metric, 0, Axis::year, 1);
    EXPECT_NEAR(in_years, small.at(summary, metric), 1e-12 * std::abs(in_years)) << spec(metric).name;
  }
}

}  // namespace
}  // namespace uptake
