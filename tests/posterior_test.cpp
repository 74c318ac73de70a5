// What a run draws when a calibration says how its programmes spread.
#include "uptake/posterior.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "uptake/error.hpp"
#include "uptake/scenario.hpp"

namespace uptake {
namespace {

Scenario two_programmes() {
  Scenario scenario;
  scenario.name = "two";
  scenario.digest = "0123456789abcdef";
  scenario.programmes.push_back(ProgrammeSpec::with_table_defaults("tool", OrganisationType::care_home));
  scenario.programmes.push_back(ProgrammeSpec::with_table_defaults("other", OrganisationType::practice));
  scenario.economy = default_economy();
  return scenario;
}

/// n draws of bass.p = 0.1 + i / 100 and bass.q = twice that, so that a joint draw is known by its ratio.
Posterior ladder(std::size_t n) {
  PosteriorProgramme tool{"tool", PosteriorKind::calibrated, {}, n, {}};
  tool.parameters = {{Parameter::p, {Family::lognormal, 1.3, 0.7}, 0.8},
                     {Parameter::q, {Family::lognormal, 0.35, 0.5}, 0.02}};
  for (std::size_t i = 0; i < n; ++i) {
    const double p = 0.1 + static_cast<double>(i) / 100;
    tool.values.insert(tool.values.end(), {p, 2 * p});
  }
  return {"/somewhere/posterior.h5", "feed", {tool}};
}

std::shared_ptr<const Posterior> shared(Posterior posterior) {
  return std::make_shared<const Posterior>(std::move(posterior));
}

std::string refusal(Posterior posterior, Scenario scenario = two_programmes()) {
  try {
    use_posterior(scenario, shared(std::move(posterior)));
  } catch (const InputError& error) {
    std::string text;
    for (const Problem& problem : error.problems()) text += problem.text() + "\n";
    return text;
  }
  return "accepted";
}

/// z of the mean of bass.p over replicates against the uniform law on the ladder's rungs: mean 0.1 + (n - 1) / 200,
/// variance (n^2 - 1) / 12 / 100^2.
double z_of_mean(const Posterior& posterior, std::size_t n_rungs) {
  Scenario scenario = two_programmes();
  use_posterior(scenario, shared(posterior));
  constexpr int kReplicates = 20'000;
  double sum = 0;
  for (std::uint64_t r = 0; r < kReplicates; ++r) {
    sum += draw_parameters(scenario, make_key(5, r))(0, Parameter::p);
  }
  const auto n = static_cast<double>(n_rungs);
  const double mean = 0.1 + (n - 1) / 200, sd = std::sqrt((n * n - 1) / 12) / 100;
  return (sum / kReplicates - mean) / (sd / std::sqrt(kReplicates));
}

TEST(Posterior, ReplicatesDrawEveryRowEquallyOften) {
  EXPECT_LT(std::abs(z_of_mean(ladder(50), 50)), 4);
  // The same check sees a posterior whose last rows are never reached, and one that is shifted by a rung.
  Posterior shortened = ladder(48);
  EXPECT_GT(std::abs(z_of_mean(shortened, 50)), 4);
  Posterior shifted = ladder(50);
  for (double& value : shifted.programmes[0].values) value += 0.01;
  EXPECT_GT(std::abs(z_of_mean(shifted, 50)), 4);
}

TEST(Posterior, ADrawIsJointAndTheSameForTheSameKey) {
  Scenario scenario = two_programmes();
  use_posterior(scenario, shared(ladder(50)));
  for (std::uint64_t r = 0; r < 200; ++r) {
    const Draw a = draw_parameters(scenario, make_key(1, r)), b = draw_parameters(scenario, make_key(1, r));
    EXPECT_DOUBLE_EQ(a(0, Parameter::q), 2 * a(0, Parameter::p));
    EXPECT_EQ(std::vector(a.values().begin(), a.values().end()), std::vector(b.values().begin(), b.values().end()));
  }
}

TEST(Posterior, WhatIsNotCalibratedIsDrawnAsWithoutIt) {
  const Scenario before = two_programmes();
  Scenario scenario = before;
  use_posterior(scenario, shared(ladder(50)));
  EXPECT_EQ(scenario.mode, ParameterMode::posterior);
  const Draw a = draw_parameters(before, make_key(3, 4)), b = draw_parameters(scenario, make_key(3, 4));
  for (const ParameterSpec& row : parameter_table()) {
    if (row.home == Home::economy) {
      EXPECT_EQ(a(row.id), b(row.id)) << row.key;
      continue;
    }
    const bool is_calibrated = row.id == Parameter::p || row.id == Parameter::q;
    EXPECT_EQ(a(0, row.id) == b(0, row.id), !is_calibrated) << row.key;
    EXPECT_EQ(a(1, row.id), b(1, row.id)) << row.key;
  }
}

TEST(Posterior, LayerSharesAreNormalisedWhereOneIsCalibrated) {
  Posterior posterior = ladder(10);
  posterior.programmes[0].parameters[0].id = Parameter::share_geography;
  Scenario scenario = two_programmes();
  use_posterior(scenario, shared(posterior));
  const Draw draw = draw_parameters(scenario, make_key(1, 1));
  EXPECT_NEAR(draw(0, Parameter::share_geography) + draw(0, Parameter::share_community) +
                  draw(0, Parameter::share_ownership) + draw(0, Parameter::share_pathway),
              1, 1e-12);
}

TEST(Posterior, ImpossibleOnesAreRefusedWithTheirReasons) {
  EXPECT_EQ(refusal(ladder(3)), "accepted");
  Posterior economy = ladder(3);
  economy.programmes[0].parameters[0].id = Parameter::qaly_value;
  EXPECT_NE(refusal(economy).find("no parameter of a programme"), std::string::npos);
  Posterior unknown = ladder(3);
  unknown.programmes[0].parameters[0].id = Parameter::count_;
  EXPECT_NE(refusal(unknown).find("an unknown parameter"), std::string::npos);
  Posterior twice = ladder(3);
  twice.programmes[0].parameters[1].id = Parameter::p;
  EXPECT_NE(refusal(twice).find("bass.p twice"), std::string::npos);
  for (const double bad : {-0.1, 51.0, std::numeric_limits<double>::quiet_NaN()}) {
    Posterior outside = ladder(3);
    outside.programmes[0].values[2] = bad;
    EXPECT_NE(refusal(outside).find("draw 1 of bass.p"), std::string::npos) << bad;
  }
  Posterior torn = ladder(3);
  torn.programmes[0].values.pop_back();
  EXPECT_NE(refusal(torn).find("5 values for 3 draws of 2 parameters"), std::string::npos);
  Posterior empty = ladder(3);
  empty.programmes[0].n_draws = 0;
  empty.programmes[0].values.clear();
  EXPECT_NE(refusal(empty).find("0 draws"), std::string::npos);
  Posterior elsewhere = ladder(3);
  elsewhere.programmes[0].programme = "elsewhere";
  EXPECT_NE(refusal(elsewhere).find("it holds elsewhere"), std::string::npos);
}

TEST(Posterior, ItsDigestIsPartOfTheScenarios) {
  Scenario a = two_programmes(), b = a, c = a;
  Posterior other = ladder(50);
  other.digest = "beef";
  use_posterior(a, shared(ladder(50)));
  use_posterior(b, shared(ladder(50)));
  use_posterior(c, shared(other));
  EXPECT_EQ(a.digest, b.digest);
  EXPECT_NE(a.digest, c.digest);
  EXPECT_NE(a.digest, two_programmes().digest);
}

TEST(Posterior, WhatTheScenarioStatesIsNearer) {
  Scenario scenario = two_programmes();
  scenario.programmes[0].fix(Parameter::p, 2);
  scenario.programmes[0].settings[static_cast<std::size_t>(Parameter::p)].where = "--set tool.bass.p";
  use_posterior(scenario, shared(ladder(50)));
  EXPECT_EQ(draw_parameters(scenario, make_key(1, 1))(0, Parameter::p), 2);
  ASSERT_EQ(scenario.notes.size(), 1U);
  EXPECT_NE(scenario.notes[0].find("bass.p as the scenario states"), std::string::npos);
  scenario = two_programmes();
  for (ProgrammeSpec& programme : scenario.programmes)
    for (Setting& setting : programme.settings) setting.where = "--set x";
  EXPECT_NE(refusal(ladder(3), scenario).find("stated by the scenario"), std::string::npos);
}

TEST(Posterior, SaysWhatIsCalibratedAndWhatIsNotInformed) {
  Scenario scenario = two_programmes();
  EXPECT_EQ(calibration_in_words(scenario), "");
  use_posterior(scenario, shared(ladder(50)));
  EXPECT_EQ(calibration_in_words(scenario),
            "The parameters of spread of tool are calibrated to the record (posterior.h5); the others are drawn from "
            "their priors.");
  EXPECT_EQ(not_informed_in_words(scenario), "Not informed by these data: bass.q of tool.");
  const auto setting = [&](Parameter id) { return scenario.programmes[0].settings[static_cast<std::size_t>(id)]; };
  EXPECT_EQ(setting(Parameter::p).grade, Grade::posterior);
  EXPECT_TRUE(setting(Parameter::p).source.starts_with("calibrated to the record (posterior.h5) under "));
  EXPECT_EQ(setting(Parameter::phi).source.find("posterior"), std::string::npos);
}

TEST(Posterior, WhatTheRecordSaysNothingAboutKeepsTheGradeOfThePriorThatItIs) {
  const auto drawn = [](double median) {
    Scenario scenario = two_programmes();
    Setting& q = scenario.programmes[0].settings[static_cast<std::size_t>(Parameter::q)];
    q = {0.35, {Family::lognormal, median, 0.5}, Grade::read, "S3", "here"};
    Posterior posterior = ladder(50);
    posterior.programmes[0].parameters[1].prior = {Family::lognormal, 0.35, 0.5};
    use_posterior(scenario, shared(std::move(posterior)));
    return scenario.programmes[0].settings[static_cast<std::size_t>(Parameter::q)];
  };
  const Setting own = drawn(0.35), another = drawn(0.5);
  EXPECT_EQ(own.grade, Grade::read);
  EXPECT_EQ(own.source, "not informed by the record (posterior.h5), so as wide as its prior: S3");
  EXPECT_EQ(another.grade, Grade::assumption);
  EXPECT_EQ(another.source, "not informed by the record (posterior.h5), so as wide as the record's own prior");
  EXPECT_EQ(own.value, 0.35);
}

TEST(Posterior, AColumnIsThatOfTheProgrammeThatDrawsFromIt) {
  Scenario scenario = two_programmes();
  EXPECT_FALSE(posterior_column(scenario, "tool", Parameter::p));
  use_posterior(scenario, shared(ladder(5)));  // bass.p 0.10 .. 0.14
  const auto p = posterior_column(scenario, "tool", Parameter::p);
  ASSERT_TRUE(p);
  EXPECT_DOUBLE_EQ(p->quantile(0.5), 0.12);
  EXPECT_DOUBLE_EQ(p->mean(), 0.12);
  EXPECT_FALSE(posterior_column(scenario, "tool", Parameter::phi));
  EXPECT_FALSE(posterior_column(scenario, "nobody", Parameter::p));
}

TEST(Posterior, QuantilesAreThoseOfItsDraws) {
  const Posterior posterior = ladder(5);  // bass.p 0.10 .. 0.14
  const PosteriorProgramme& tool = posterior.programmes[0];
  EXPECT_DOUBLE_EQ(tool.quantile(0, 0.5), 0.12);
  EXPECT_DOUBLE_EQ(tool.quantile(0, 0), 0.10);
  EXPECT_DOUBLE_EQ(tool.quantile(1, 1), 0.28);
  EXPECT_NEAR(tool.quantile(0, 0.05), 0.102, 1e-12);
  EXPECT_EQ(tool.column(Parameter::q), 1U);
  EXPECT_FALSE(tool.column(Parameter::phi));
}

}  // namespace
}  // namespace uptake
