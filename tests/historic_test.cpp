#include "calibration/historic.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "calibration/reference_class.hpp"
#include "historic_fixture.hpp"
#include "statistics/scores.hpp"

namespace uptake {
namespace {

using namespace std::chrono_literals;

Control on_threads(int n) {
  Control control;
  control.n_threads = n;
  return control;
}
const std::vector<double> kTruth{0.5, 0.6, 0.7};

TEST(Historic, ReportsFollowTheCountsOfTheModelWhenNothingDiffers) {
  HistoricProgramme programme = made_up::programme();
  programme.reporting.discrepancy = programme.reporting.counting = 0;
  const HistoricModel model = made_up::model(programme);
  const std::vector<Asked> asked = model.fitted(std::nullopt);
  for (std::uint64_t replicate = 0; replicate < 20; ++replicate) {
    const std::vector<double> values = model.reported(kTruth, asked, make_key(1, replicate));
    ASSERT_EQ(values.size(), 5U);
    for (const double value : values) EXPECT_EQ(value, std::round(value));
    EXPECT_TRUE(std::is_sorted(values.begin(), values.begin() + 4)) << "cumulated counts do not fall";
    EXPECT_GE(values[4], values[2]) << "who adopts was engaged before";
    EXPECT_LE(values[4], 60);
  }
}

TEST(Historic, AShareOfTheDenominatorIsWhatCounts) {
  HistoricProgramme programme = made_up::programme();
  programme.reporting.discrepancy = programme.reporting.counting = 0;
  const std::vector<double> of_sixty =
      made_up::model(programme).reported(kTruth, made_up::model(programme).fitted({}), make_key(1, 3));
  for (ObservedSeries& series : programme.series) series.denominator = 6000;
  const HistoricModel hundredfold = made_up::model(programme);
  const std::vector<double> of_six_thousand = hundredfold.reported(kTruth, hundredfold.fitted({}), make_key(1, 3));
  for (std::size_t i = 0; i < of_sixty.size(); ++i)
    if (of_sixty[i] < 60) {
      EXPECT_NEAR(of_six_thousand[i], 100 * of_sixty[i], 0.5);
    }
}

TEST(Historic, RoundedReportsAreMultiplesOfTheirStepAndNeverAboveWhatWasCounted) {
  HistoricProgramme exact = made_up::programme(), rounded = exact;
  for (ObservedPoint& point : rounded.series[0].points) {
    point.rounding = Rounding::at_least;
    point.step = 5;
  }
  const HistoricModel a = made_up::model(exact), b = made_up::model(rounded);
  for (std::uint64_t replicate = 0; replicate < 20; ++replicate) {
    const Key key = make_key(2, replicate);
    const std::vector<double> counted = a.reported(kTruth, a.fitted({}), key),
                              said = b.reported(kTruth, b.fitted({}), key);
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(std::fmod(said[i], 5), 0);
      EXPECT_LE(said[i], counted[i] + 0.5);
      EXPECT_GT(said[i], counted[i] - 5.5);
    }
  }
}

TEST(Historic, PointsWithTheSameDaysHaveTheSameDateAndItMovesBetweenWorlds) {
  HistoricProgramme programme = made_up::programme();
  programme.reporting.discrepancy = programme.reporting.counting = 0;
  programme.series[1] = programme.series[0];
  programme.series[1].measure = "again";
  for (ObservedSeries& series : programme.series) {
    series.points.resize(1);
    series.points[0].from = Date{2018y / 3 / 1};
    series.points[0].to = Date{2020y / 6 / 30};
  }
  const HistoricModel model = made_up::model(programme);
  const std::vector<Asked> asked = model.fitted({});
  double least = 1e9, most = 0;
  for (std::uint64_t replicate = 0; replicate < 50; ++replicate) {
    const std::vector<double> values = model.reported(kTruth, asked, make_key(3, replicate));
    EXPECT_EQ(values[0], values[1]);
    least = std::min(least, values[0]);
    most = std::max(most, values[0]);
  }
  EXPECT_GT(most - least, 10) << "two and a quarter years apart";
}

TEST(Historic, AnotherDataSetIsOffByOneShiftForAllItsPoints) {
  HistoricProgramme programme = made_up::programme();
  programme.reporting.discrepancy = programme.reporting.counting = 0;
  programme.series[0].denominator = 1e6;  // so that rounding to whole numbers does not matter
  for (std::size_t i = 2; i < 4; ++i) programme.series[0].points[i].data_set = "another";
  const auto model_with = [&](double level_shift) {
    HistoricProgramme one = programme;
    one.reporting.level_shift = level_shift;
    return made_up::model(one);
  };
  const HistoricModel level = model_with(0);
  const auto logit = [](double count) { return std::log(count / (1e6 - count)); };
  constexpr int kWorlds = 200;
  // Sum of squares of N(0, 0.3^2) over 200 worlds: chi-squared, sd of its mean 0.1.
  const auto z_of = [&](const HistoricModel& shifted) {
    double squares = 0;
    for (std::uint64_t replicate = 0; replicate < kWorlds; ++replicate) {
      const Key key = make_key(4, replicate);
      const std::vector<double> a = shifted.reported(kTruth, shifted.fitted({}), key),
                                b = level.reported(kTruth, level.fitted({}), key);
      EXPECT_EQ(a[0], b[0]);
      const double shift = logit(a[2]) - logit(b[2]);
      EXPECT_NEAR(shift, logit(a[3]) - logit(b[3]), 1e-3);
      squares += shift * shift;
    }
    return (squares / kWorlds / 0.09 - 1) / std::sqrt(2.0 / kWorlds);
  };
  ASSERT_EQ(programme.reporting.level_shift, 0.3);
  EXPECT_LT(std::abs(z_of(model_with(0.3))), 4);
  EXPECT_GT(z_of(model_with(0.4)), 4);   // mutant
  EXPECT_LT(z_of(model_with(0.2)), -4);  // mutant
}

TEST(Historic, SummariesAreIncrementsAndTheLogarithmOfTheLastCount) {
  const HistoricModel model = made_up::model();
  const std::vector<Observed> observed = model.observed(model.fitted(std::nullopt));
  const std::vector<double> expected{6, 6, 6, 5, std::log1p(23), 44};
  ASSERT_EQ(observed.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_DOUBLE_EQ(observed[i].value, expected[i]) << observed[i].name;
}

TEST(Historic, NothingAfterTheCutOffIsFittedTo) {
  HistoricProgramme programme = made_up::programme();
  programme.series[1].points[0].from = Date{2019y / 1 / 1};  // counted on a day that may lie after the cut-off
  const HistoricModel model = made_up::model(programme);
  for (const Asked& asked : model.fitted(Date{2019y / 6 / 30})) EXPECT_LE(asked.point.to, Date{2019y / 6 / 30});
  EXPECT_EQ(model.fitted(Date{2019y / 6 / 30}).size(), 2U);
  programme.series[0].points[0].use = Use::check;
  EXPECT_EQ(made_up::model(programme).fitted(Date{2019y / 6 / 30}).size(), 1U);
}

/// The likelihood is the mean over worlds of the probability of all reports: a filter of one state gives each world's, a
/// filter of many states resamples and renews their luck on the way. Both estimate the same number without bias.
TEST(Historic, TheParticleFilterEstimatesTheMeanProbabilityOfTheReports) {
  const HistoricModel model = made_up::model(made_up::with_reports(made_up::programme(), kTruth, make_key(11, 0)));
  const auto estimate = [&](const HistoricModel& of, std::size_t n_states, std::size_t n) {
    FilterOptions options;
    options.n_states = n_states;
    const LogLikelihood log_likelihood = of.log_likelihood(of.fitted(std::nullopt), options);
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double likelihood = std::exp(log_likelihood(kTruth, make_key(5, i)));
      sum += likelihood;
      squares += likelihood * likelihood;
    }
    const double mean = sum / static_cast<double>(n);
    return std::pair{mean, (squares / static_cast<double>(n) - mean * mean) / static_cast<double>(n)};
  };
  const auto [plain, plain_variance] = estimate(model, 1, 20000);
  const auto [filtered, filtered_variance] = estimate(model, 50, 200);
  EXPECT_LT(std::abs(plain - filtered) / std::sqrt(plain_variance + filtered_variance), 4)
      << plain << " and " << filtered << ", se " << std::sqrt(plain_variance) << " and "
      << std::sqrt(filtered_variance);
  // The check can see a wrong spread of reports.
  HistoricProgramme wrong = model.programme();
  wrong.reporting.counting = 0.5;
  const auto [other, other_variance] = estimate(made_up::model(wrong), 50, 200);
  EXPECT_GT(std::abs(plain - other) / std::sqrt(plain_variance + other_variance), 4);
}

/// A world in which nothing moves: the shares of two reports in per cent are then a bivariate normal on the logit, with the
/// model's own error persisting between them. The filter integrates that error out.
TEST(Historic, TheLikelihoodOfAWorldThatStandsStillIsABivariateNormal) {
  HistoricProgramme programme = made_up::programme();
  for (const Parameter id : {Parameter::a0, Parameter::a1, Parameter::p, Parameter::p_market, Parameter::q,
                             Parameter::mu1, Parameter::mu2, Parameter::rho})
    programme.spec.fix(id, 0);
  programme.spec.fix(Parameter::start_in_use, 0.4);
  programme.calibrated = {Parameter::susceptible_share};
  programme.series.resize(1);
  ObservedSeries& series = programme.series[0];
  series.unit = "% of homes";
  series.counts = Measure::adopters;
  series.denominator = 100;
  series.points.resize(2);
  series.points[0].value = 43;
  series.points[1].value = 44;
  const auto log_likelihood = [&](double persistence) {
    programme.reporting.persistence = persistence;
    const HistoricModel model = made_up::model(programme);
    FilterOptions one_state;
    one_state.n_states = 1;
    const std::vector<double> parameters{0.7};
    return model.log_likelihood(model.fitted({}), one_state)(parameters, make_key(1, 1));
  };
  const auto logit = [](double share) { return std::log(share / (1 - share)); };
  const double share = 24.0 / 60, sd = 0.15, counting = 0.05, weeks = 26;  // from the 52nd to the 78th whole week
  const auto expected = [&](double persistence) {
    const double r = std::exp(-weeks * 7 / 365.25 / persistence), own = sd * sd + counting * counting,
                 both = r * sd * sd;
    const double a = logit(0.43) - logit(share), b = logit(0.44) - logit(share);
    const double det = own * own - both * both;
    const double squared = (own * a * a - 2 * both * a * b + own * b * b) / det;
    return -0.5 * squared - 0.5 * std::log(det) - std::log(2 * std::acos(-1.0)) - std::log(0.43 * 0.57 * 100) -
           std::log(0.44 * 0.56 * 100);
  };
  EXPECT_NEAR(log_likelihood(2), expected(2), 1e-9);
  EXPECT_NEAR(log_likelihood(0.3), expected(0.3), 1e-9);
  EXPECT_GT(std::abs(log_likelihood(2) - expected(0.3)), 0.1) << "the check sees how long errors persist";
}

TEST(Historic, EverybodyAndNobodyAreReportedAsSuch) {
  HistoricProgramme programme = made_up::programme();
  programme.series.resize(1);
  programme.series[0].unit = "% of homes";
  programme.series[0].counts = Measure::adopters;
  programme.series[0].denominator = 100;
  for (ObservedPoint& point : programme.series[0].points) {
    point.rounding = Rounding::nearest;
    point.step = 1;
  }
  for (const Parameter id : {Parameter::a0, Parameter::a1, Parameter::p, Parameter::p_market, Parameter::q,
                             Parameter::mu1, Parameter::mu2, Parameter::rho})
    programme.spec.fix(id, 0);
  programme.calibrated = {Parameter::susceptible_share};
  for (const double in_use : {0.0, 1.0}) {
    programme.spec.fix(Parameter::start_in_use, in_use);
    const HistoricModel model = made_up::model(programme);
    for (std::uint64_t replicate = 0; replicate < 200; ++replicate)
      for (const double value : model.reported(std::vector<double>{0.7}, model.fitted({}), make_key(6, replicate)))
        ASSERT_EQ(value, 100 * in_use);
  }
}

/// A report that is ever so far out still moves what comes after it.
TEST(Historic, AnUnlikelyPastIsGoneOnFrom) {
  HistoricProgramme programme = made_up::programme();
  programme.reporting.counting = 0.001;
  programme.reporting.discrepancy = 0.01;
  programme.reporting.persistence = 100;
  programme.series.resize(1);
  programme.series[0].points[0].value = 59;
  const HistoricModel model = made_up::model(programme);
  const std::vector<Asked> all = model.fitted({});
  const std::vector<Asked> known{all[0]}, future{all[3]};
  FilterOptions options;
  options.n_states = 5;
  for (const double value :
       model.continued(std::vector<double>{0.1, 0.01, 0.5}, known, future, 3, options, make_key(1, 1)))
    EXPECT_GT(value, 55);
}

/// Truth from the model, its past reported, its future forecast under the true parameters: the rank of the true future among
/// the draws is uniform, and knowing the past makes them narrower.
TEST(Historic, ForecastsContinueWhatWasReportedAndAreCalibrated) {
  constexpr std::size_t kSets = 200, kDraws = 19;
  HistoricProgramme programme = made_up::programme();
  programme.series.resize(1);
  for (ObservedPoint& point : programme.series[0].points) point.rounding = Rounding::exact;
  programme.series[0].denominator = 60e6;  // so that no two draws are equal
  const HistoricModel model = made_up::model(programme);
  const std::vector<Asked> all = model.fitted(std::nullopt);
  const std::vector<Asked> future{all[3]};
  FilterOptions options;
  options.n_states = 40;
  const auto ranks_of = [&](double wrong) {
    std::vector<double> counts(10, 0.0);
    double score_of_known = 0, score_of_unknown = 0;
    for (std::uint64_t set = 0; set < kSets; ++set) {
      const std::vector<double> truth = model.reported(kTruth, all, make_key(21, set));
      std::vector<Asked> known(all.begin(), all.begin() + 3);
      for (std::size_t i = 0; i < 3; ++i) known[i].point.value = truth[i] * wrong;
      const std::vector<double> with = model.continued(kTruth, known, future, kDraws, options, make_key(22, set));
      const std::vector<double> without = model.continued(kTruth, {}, future, kDraws, options, make_key(23, set));
      score_of_known += crps(with, truth[3], Crps::fair);
      score_of_unknown += crps(without, truth[3], Crps::fair);
      counts[static_cast<std::size_t>(std::ranges::count_if(with, [&](double v) { return v < truth[3]; })) / 2] += 1;
    }
    double chi_squared = 0;
    for (const double count : counts) chi_squared += (count - kSets / 10.0) * (count - kSets / 10.0) / (kSets / 10.0);
    return std::array{chi_squared, score_of_known / score_of_unknown};
  };
  const auto [chi_squared, ratio] = ranks_of(1);
  EXPECT_LT(chi_squared, 27.88) << "9 degrees of freedom, 99.9 %";
  EXPECT_LT(ratio, 0.7) << "score of forecasts that know the past over those that do not";
  EXPECT_GT(ranks_of(1.15)[0], 27.88) << "a past that is 15 % too high is noticed";
}

FitOptions small_fit() {
  FitOptions options;
  options.abc.seed = 3;
  options.abc.n_particles = 400;
  options.abc.budget = 4000;
  options.n_draws = 200;
  return options;
}

TEST(Historic, AFitIsTheSameOnAnyNumberOfThreadsAndSaysWhatItLearnt) {
  const HistoricModel model = made_up::model();
  const ProgrammeFit one = fit_programme(model, small_fit(), on_threads(1)),
                     two = fit_programme(model, small_fit(), on_threads(2));
  EXPECT_EQ(one.draws.values, two.draws.values);
  ASSERT_EQ(one.points.size(), 5U);
  for (std::size_t i = 0; i < one.points.size(); ++i) {
    EXPECT_EQ(one.points[i].p50, two.points[i].p50);
    EXPECT_LE(one.points[i].p05, one.points[i].p50);
    EXPECT_LE(one.points[i].p50, one.points[i].p95);
  }
  EXPECT_GT(one.contraction[1], 0.3) << "four counts say something of p";
  EXPECT_EQ(one.diagnostics.series.size(), 6U);
}

TEST(Historic, AFitToMoreCountsIsDifferentFromOneToFewer) {
  const HistoricModel model = made_up::model();
  FitOptions early = small_fit();
  early.cutoff = Date{2018y / 12 / 31};
  const ProgrammeFit few = fit_programme(model, early, on_threads(2));
  EXPECT_EQ(few.n_fitted, 1U);
  EXPECT_FALSE(few.points[1].was_fitted);
  EXPECT_GT(few.points[3].p95 - few.points[3].p05, few.points[0].p95 - few.points[0].p05) << "the future is wider";
  early.cutoff = Date{2018y / 1 / 31};
  EXPECT_THROW(static_cast<void>(fit_programme(model, early, on_threads(2))), InputError);
}

TEST(Historic, ALikelihoodNeedsADiscrepancy) {
  HistoricProgramme programme = made_up::programme();
  programme.reporting.discrepancy = programme.reporting.counting = 0;
  const HistoricModel model = made_up::model(programme);
  EXPECT_THROW(static_cast<void>(model.log_likelihood(model.fitted(std::nullopt), {})), InputError);
}

TEST(ReferenceClass, TakesThePooledColumnsOfAProgrammeAndLeavesTheRest) {
  const HistoricModel model = made_up::model();
  const ProgrammeFit fit = fit_programme(model, small_fit(), on_threads(2));
  const PooledProgramme pooled = pooled_programme("made-up", fit.parameters, fit.draws, std::vector{0.5, 0.5, 0.5}, {});
  ASSERT_EQ(pooled.parameters.size(), 2U) << "p and the susceptible share; a0 is not pooled";
  const PoolingModel reference = reference_model();
  EXPECT_EQ(reference.parameters[pooled.parameters[0]], "log p");
  EXPECT_EQ(reference.parameters[pooled.parameters[1]], "logit susceptible_share");
  // Smoothing makes more of them and keeps mean and spread, to the error of 200 draws that are drawn again and moved.
  const std::vector<double> means = means_of(pooled.draws), sds = sds_of(pooled.draws);
  const std::vector<double> own_means = means_of(fit.draws), own_sds = sds_of(fit.draws);
  EXPECT_EQ(pooled.draws.n, 4000U);
  for (std::size_t c = 0; c < 2; ++c) {
    EXPECT_NEAR(means[c], own_means[c + 1], 4 * own_sds[c + 1] * 0.3 / std::sqrt(4000.0));
    EXPECT_NEAR(sds[c] / own_sds[c + 1], 1, 0.03);
  }
  // Draws of the prior itself: what has not moved is no evidence unless its contraction says so.
  WeightedDraws prior{.n = 2000, .n_parameters = 3, .values = {}, .weights = std::vector<double>(2000, 1.0 / 2000)};
  const UnconstrainedPrior independent = independent_prior(fit.parameters);
  for (std::size_t i = 0; i < prior.n; ++i) {
    const std::vector<double> x = independent.draw(make_key(31, i));
    prior.values.insert(prior.values.end(), x.begin(), x.end());
  }
  const auto informed = [&](std::vector<double> contraction) {
    return pooled_programme("made-up", fit.parameters, prior, contraction, {}).parameters.size();
  };
  EXPECT_EQ(informed({0.5, 0.5, 0.01}), 1U);
  EXPECT_EQ(informed({0.5, 0.01, 0.01}), 0U);
  EXPECT_EQ(pooled_programme("made-up", fit.parameters, fit.draws, std::vector{0.0, 0.0, 0.0}, {}).parameters.size(),
            2U)
      << "both means have moved";
}

}  // namespace
}  // namespace uptake
