#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "small_model.hpp"
#include "uptake/outcomes.hpp"

namespace uptake {
namespace {

using namespace std::chrono;

constexpr std::array kCoverage{17.0, 28.0, 41.0, 58.0, 75.0};
constexpr std::array kEqual{1.0, 1.0, 1.0, 1.0, 1.0};

// V17 of the model. Mutants that these digits reject: sample instead of population variance (CV 0.5294), ranks at the
// end of a group instead of its middle (C 0.6667), slope per fifth instead of per unit of rank (14.6).
TEST(Inequality, HasTheKnownAnswersForEqualQuintiles) {
  const Inequality found = inequality(kCoverage, kEqual);
  EXPECT_NEAR(found.concentration_index, 0.266666667, 5e-10);
  EXPECT_NEAR(found.slope_index, 73.0, 1e-10);
  EXPECT_NEAR(found.relative_index, 1.666666667, 5e-10);
  EXPECT_NEAR(found.gini, 0.266666667, 5e-10);
  EXPECT_NEAR(found.coefficient_of_variation, 0.473522807, 5e-10);
}

TEST(Inequality, IsNothingWhereCoverageIsEqual) {
  for (const double level : {0.0, 0.25, 41.0}) {
    const std::array<double, 5> coverage{level, level, level, level, level};
    const std::array<double, 5> weight{1, 2, 4, 1, 8};
    const Inequality found = inequality(coverage, weight);
    EXPECT_EQ(found.concentration_index, 0) << level;
    EXPECT_EQ(found.slope_index, 0) << level;
    EXPECT_EQ(found.relative_index, 0) << level;
    EXPECT_EQ(found.gini, 0) << level;
    EXPECT_EQ(found.coefficient_of_variation, 0) << level;
  }
}

TEST(Inequality, ChangesSignWithTheDirectionButTheUndirectedMeasuresDoNot) {
  std::array<double, 5> reversed = kCoverage;
  std::ranges::reverse(reversed);
  const Inequality found = inequality(reversed, kEqual);
  EXPECT_NEAR(found.slope_index, -73.0, 1e-10);
  EXPECT_NEAR(found.concentration_index, -0.266666667, 5e-10);
  EXPECT_NEAR(found.gini, 0.266666667, 5e-10);
}

TEST(Inequality, SplittingAGroupInTwoEqualHalvesChangesNothingButTheSlope) {
  // Two halves of one group have its coverage: Gini and CV cannot tell. (The slope may: ranks within it are now known.)
  const std::array<double, 3> coverage{0.2, 0.5, 0.9};
  const std::array<double, 3> weight{3, 2, 5};
  const std::array<double, 4> coverage_split{0.2, 0.5, 0.9, 0.9};
  const std::array<double, 4> weight_split{3, 2, 2.5, 2.5};
  const Inequality whole = inequality(coverage, weight), split = inequality(coverage_split, weight_split);
  EXPECT_NEAR(whole.gini, split.gini, 1e-15);
  EXPECT_NEAR(whole.coefficient_of_variation, split.coefficient_of_variation, 1e-15);
  EXPECT_NEAR(whole.concentration_index, split.concentration_index, 1e-15);
}

// Three regions of 4, 4 and 2 homes with 2, 1 and 2 in use: shares 0.5, 0.25, 1; mean 7/12, every region one.
// Variance = (1/144 + 16/144 + 25/144) / 3 = 14/144, CV = sqrt(14) / 7; Gini = sum |differences| / (2 n^2 mean)
// = 2 (0.25 + 0.5 + 0.75) / (2 * 9 * 7/12) = 2/7.
// Fifths: 1 has 4 homes with 1 in use; 2 has 3 with 1; 5 has 2 with 2; unknown 1 with 1, left out.
TEST(Equity, IsReadOffTheReportDate) {
  std::vector<SmallOrganisation> homes{{0, 1, 1}, {0, 1, 2}, {0, 1, 2}, {0, 1, 1}, {1, 1, 1},
                                       {1, 1, 2}, {1, 1, 1}, {1, 1, 5}, {2, 1, 0}, {2, 1, 5}};
  const SmallModel small(homes, 3, 3, {{}}, sys_days{2021y / 1 / 1}, 52, {sys_days{2021y / 6 / 30}});
  std::vector<Event> events;
  for (const std::uint32_t i : {0U, 1U, 7U, 8U, 9U}) adopts(events, i, 1, 2, 3);
  const Summary summary = small.run({history_of(events), {}});
  EXPECT_NEAR(small.at(summary, Metric::regional_cv), std::sqrt(14.0) / 7, 1e-15);
  EXPECT_NEAR(small.at(summary, Metric::regional_gini), 2.0 / 7, 1e-15);
  EXPECT_NEAR(small.at(summary, Metric::deprivation_gap), 1.0 / 4 - 3.0 / 5, 1e-15);
  // By hand: shares 1/4, 1/3, 1 with weights 4, 3, 2 of 9; ranks 2/9, 11/18, 8/9.
  const double mean = 4.0 / 9;
  const double covariance = 4.0 / 9 * (2.0 / 9 - 0.5) * (1.0 / 4 - mean) +
                            3.0 / 9 * (11.0 / 18 - 0.5) * (1.0 / 3 - mean) + 2.0 / 9 * (8.0 / 9 - 0.5) * (1 - mean);
  const double variance = 4.0 / 9 * 25 / 324 + 3.0 / 9 * 4 / 324 + 2.0 / 9 * 49 / 324;
  EXPECT_NEAR(small.at(summary, Metric::slope_index), covariance / variance, 1e-14);
  EXPECT_NEAR(small.at(summary, Metric::relative_index), covariance / variance / mean, 1e-14);
  EXPECT_NEAR(small.at(summary, Metric::concentration_index), 2 * covariance / mean, 1e-14);
  // Nobody in use in the comparator: nothing unequal.
  EXPECT_EQ(small.at(summary, Metric::regional_cv, 1), 0);
  EXPECT_EQ(small.at(summary, Metric::deprivation_gap, 1), 0);
}

// V17 through the whole path: five homes of one size, one to a fifth and to a region, each in use for as many of 100
// weeks as the known answers have coverage; no arrivals, so reach goes by who is ever in use. Mutant rejected: benefit
// per organisation ever in use (all equal, 0).
TEST(Equity, OfBenefitHasTheKnownAnswers) {
  SmallModel small({{0, 1, 1}, {1, 1, 2}, {2, 1, 3}, {3, 1, 4}, {4, 1, 5}}, 5, 5, {{}}, sys_days{2021y / 1 / 1}, 100,
                   {sys_days{2022y / 12 / 1}});
  small.set(0, Parameter::baseline_events, 5);
  small.set(0, Parameter::relative_risk, 0.5);
  small.set(0, Parameter::persons_per_organisation, 10);
  std::vector<Event> events;
  for (std::uint32_t i = 0; i < 5; ++i) {
    adopts(events, i, 0, 0, 0);
    stops(events, i, static_cast<int>(kCoverage[i]));
  }
  const Summary summary = small.run({history_of(events), {}});
  const double scale = 0.5 * 7 / 365.25;  // admissions avoided by a home in a week
  EXPECT_NEAR(small.at(summary, Metric::benefit_concentration_index), 0.266666667, 5e-10);
  EXPECT_NEAR(small.at(summary, Metric::benefit_slope_index), 73.0 * scale, 1e-10);
  EXPECT_NEAR(small.at(summary, Metric::benefit_relative_index), 1.666666667, 5e-10);
  EXPECT_NEAR(small.at(summary, Metric::benefit_regional_gini), 0.266666667, 5e-10);
  EXPECT_NEAR(small.at(summary, Metric::benefit_regional_cv), 0.473522807, 5e-10);
  EXPECT_NEAR(small.at(summary, Metric::benefit_deprivation_gap), (17 - 50.5) * scale, 1e-12);
  EXPECT_NEAR(small.net(summary, Metric::benefit_slope_index), 73.0 * scale, 1e-10);  // the change from nothing
  for (const Metric metric : {Metric::reach_slope_index, Metric::reach_relative_index, Metric::reach_regional_cv,
                              Metric::reach_concentration_index, Metric::reach_deprivation_gap})
    EXPECT_NEAR(small.at(summary, metric), 0, 1e-13) << spec(metric).name;  // everybody was reached once
}

// A treatment that harms: the mean of benefit is below 0, and a measure relative to it would have the wrong sign, or, near
// 0, any size. The differences stay, and what cannot be below 0 is not touched.
TEST(Equity, RelativeToABenefitThatCanBeBelowNoughtIsNotStated) {
  SmallModel small({{0, 1, 1}, {1, 1, 2}, {2, 1, 5}}, 3, 3, {{}}, sys_days{2021y / 1 / 1}, 100,
                   {sys_days{2022y / 12 / 1}});
  small.set(0, Parameter::baseline_events, 5);
  small.set(0, Parameter::relative_risk, 1.5);
  std::vector<Event> events;
  for (std::uint32_t i = 0; i < 3; ++i) {
    adopts(events, i, 0, 0, 0);
    stops(events, i, 10 + 20 * static_cast<int>(i));
  }
  const Summary summary = small.run({history_of(events), {}});
  for (const Metric metric : {Metric::benefit_regional_cv, Metric::benefit_regional_gini,
                              Metric::benefit_relative_index, Metric::benefit_concentration_index})
    EXPECT_TRUE(std::isnan(small.at(summary, metric))) << spec(metric).name;
  EXPECT_LT(small.at(summary, Metric::benefit_slope_index), 0);
  EXPECT_GT(small.at(summary, Metric::benefit_deprivation_gap), 0);
  EXPECT_FALSE(std::isnan(small.at(summary, Metric::regional_cv)));
}

TEST(Equity, IsNotDefinedWithoutGroupsToCompare) {
  const SmallModel small({{0, 1, 0}, {0, 1, 0}}, 1, 1, {{}}, sys_days{2021y / 1 / 1}, 20, {sys_days{2021y / 3 / 31}});
  const Summary summary = small.run({{}, {}});
  for (const Metric metric : {Metric::regional_cv, Metric::regional_gini, Metric::deprivation_gap, Metric::slope_index,
                              Metric::relative_index, Metric::concentration_index})
    EXPECT_TRUE(std::isnan(small.at(summary, metric))) << spec(metric).name;
}

}  // namespace
}  // namespace uptake
