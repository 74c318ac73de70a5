// Words that every text shares: places within a sentence, and counts of one.
#include "results/wording.hpp"

#include <gtest/gtest.h>

#include "report/page.hpp"
#include "results/finding.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/results.hpp"

namespace uptake {
namespace {

TEST(Wording, APlaceHasItsArticleWithinASentence) {
  for (const char* name : {"East Midlands", "West Midlands", "North West Coast", "North East and North Cumbria", "East",
                           "West of England", "South West", "North", "Midlands"})
    EXPECT_EQ(in_sentence(name), std::string("the ") + name);
  for (const char* name : {"England", "Yorkshire and Humber", "Manchester", "Wessex", "Kent, Surrey and Sussex",
                           "Oxford and Thames Valley", "South London", "West Yorkshire", "North and West Yorkshire",
                           "Easton", "Northumbria"})
    EXPECT_EQ(in_sentence(name), name);
  for (const char* name : {"UCLPartners", "Imperial College Health Partners", "Health Innovation Network South London"})
    EXPECT_EQ(in_sentence(name), std::string("the area of ") + name);
}

TEST(Wording, AShareHasNoUnitBehindIt) {
  for (const char* bare : {"1", "share", "probability"}) EXPECT_EQ(unit_behind(bare), "");
  EXPECT_EQ(unit_behind("GBP/staff-day"), " GBP/staff-day");
  for (const Parameter id : {Parameter::share_geography, Parameter::phi})
    EXPECT_EQ(value_in_words(ParameterMode::prior, spec(id), {0.25, {Family::fixed, 0.25, 0}, Grade::read, "", ""}),
              "0.25, fixed");
}

TEST(Wording, ABiasHasItsSignUnlessItIsNone) {
  EXPECT_EQ(bias_text(-0.004), "0.00");
  EXPECT_EQ(bias_text(0.004), "0.00");
  EXPECT_EQ(bias_text(-0.006), "-0.01");
  EXPECT_EQ(bias_text(0.25), "+0.25");
}

TEST(Wording, OneIsSaidInTheSingular) {
  EXPECT_EQ(plural(0, "world"), "0 worlds");
  EXPECT_EQ(plural(1, "world"), "1 world");
  EXPECT_EQ(plural(1200, "world"), "1,200 worlds");
  EXPECT_EQ(chance_text(0, 1), "no world (of one)");
  EXPECT_EQ(chance_text(1, 1), "the one world");
  EXPECT_EQ(chance_text(0, 2), "none of 2 worlds");
  EXPECT_EQ(chance_text(0.5, 2), "50 %");
}

Statistics figure(double mean, double low, double high, double sd = 1) {
  return {mean, sd, low, low, mean, high, high, 0};
}

TEST(Wording, OfAWorldWhoseNetIsNoPartOfItsGrossTheDifferenceIsTold) {
  const Subject& admissions = subject_of([](Metric metric) { return metric == Metric::admissions_avoided; });
  const auto said = [&](double gross, double net) {
    return finding_text(Told(admissions, figure(gross, 0, 9), figure(net, -2, 1)), "the programme", interval_text,
                        "without support", "under bare");
  };
  EXPECT_EQ(
      said(5, 3),
      "the programme avoided 5.00 (90 %: 0 to 9.00) emergency admissions; 3.00 (90 %: -2.00 to 1.00) of them would "
      "not have been avoided anyway, without support");
  EXPECT_EQ(said(5, -1),
            "the programme avoided 5.00 (90 %: 0 to 9.00) emergency admissions, 1.00 (90 %: -1.00 to 2.00) fewer than "
            "under bare");
  EXPECT_EQ(said(5, 6),
            "the programme avoided 5.00 (90 %: 0 to 9.00) emergency admissions, 6.00 (90 %: -2.00 to 1.00) more than "
            "under bare");
  // Harm: what was added, and of it more or fewer.
  EXPECT_EQ(
      said(-5, -3),
      "the programme added 5.00 (90 %: -9.00 to 0) emergency admissions; 3.00 (90 %: -1.00 to 2.00) of them would "
      "not have been added anyway, without support");
  EXPECT_EQ(said(-5, 1),
            "the programme added 5.00 (90 %: -9.00 to 0) emergency admissions, 1.00 (90 %: -2.00 to 1.00) fewer than "
            "under bare");
  EXPECT_TRUE(Told(admissions, figure(5, 0, 9), figure(-1, -2, 1)).is_below);
  EXPECT_FALSE(Told(admissions, figure(-5, -9, 0), figure(1, -2, 1)).is_below);
}

TEST(Wording, AnIntervalIsLeftOutWhereAllAgreeAndWhereItSaysNothing) {
  const auto range = [](Metric metric, const Statistics& s) { return RowUnit(metric, Medium::page, {s}).range(s); };
  EXPECT_EQ(range(Metric::adopters, figure(2, 2, 2, 0)), "");
  EXPECT_EQ(range(Metric::adopters, figure(0.02, 0, 0)), "0 to 0") << "one world in fifty differs";
  EXPECT_EQ(interval_text(figure(0.02, 0, 0)), "0.02 (90 %: 0 to 0)");
  EXPECT_EQ(range(Metric::adopters, figure(3, 3, 3, 1e-15)), "") << "the noise of a sum";
  EXPECT_EQ(range(Metric::attributable_share, figure(0.6, 0.1, 0.9)), "10 to 90");
  EXPECT_EQ(range(Metric::attributable_share, figure(0.6, 0.09, 1.14)), "");
  EXPECT_EQ(range(Metric::attributable_share, figure(0.6, -0.2, 0.9)), "");
  EXPECT_EQ(range(Metric::significantly_reduced, figure(0.8, 0, 1)), "none: a chance") << "it is 0 or 1 in each world";
}

TEST(Wording, WhatCancellingTermsLeaveIsNought) {
  for (const double noise : {1.8e-16, -8.7e-16}) {
    EXPECT_EQ(rounded(noise), "0");
    EXPECT_EQ(RowUnit(Metric::first_use_months, Medium::page, {}).text(noise), "0");
    EXPECT_EQ(RowUnit(Metric::cost_gbp, Medium::page, {}).text(noise), "0");
  }
  EXPECT_EQ(rounded(0.001), "0.00") << "what rounds to nought is not nought";
  EXPECT_EQ(RowUnit(Metric::roi_net, Medium::page, {}).text(1e-4), "<0.001");
}

TEST(Wording, AParameterKeepsItsDigitsHoweverSmall) {
  EXPECT_EQ(parameter_text(0.09572), "0.0957");
  EXPECT_EQ(parameter_text(13'200), "13,200");
  EXPECT_EQ(parameter_text(1), "1");
  EXPECT_EQ(parameter_text(-0.0645), "-0.0645");
}

TEST(Wording, AShareOfFewWorldsIsNoCertainty) {
  EXPECT_EQ(percent_of_worlds(0), "0 %");
  EXPECT_EQ(percent_of_worlds(0.005), "0.5 %");
  EXPECT_EQ(percent_of_worlds(0.89), "89 %");
  EXPECT_EQ(percent_of_worlds(0.995), "99.5 %");
  EXPECT_EQ(percent_of_worlds(1), "100 %");
}

TEST(Wording, ReplicatesThatAreTooFewAreSaidToBe) {
  EXPECT_EQ(few_worlds_text(kFewWorlds), "");
  EXPECT_NE(few_worlds_text(kFewWorlds - 1).find("19 worlds were"), std::string::npos);
  EXPECT_NE(few_worlds_text(1).find("one world was"), std::string::npos);
}

}  // namespace
}  // namespace uptake
