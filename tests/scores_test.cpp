// Forecast scores and baselines against published and closed-form answers.
#include "statistics/scores.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "backtest/baselines.hpp"
#include "statistics/special_functions.hpp"
#include "uptake/calibration.hpp"
#include "uptake/error.hpp"

namespace uptake {
namespace {

TEST(Crps, OfTheNormalMeetsItsTable) {
  EXPECT_NEAR(crps_normal(0, 1, 0), 0.233694977255, 1e-12);
  EXPECT_NEAR(crps_normal(0, 1, 0.5), 0.331403531255, 1e-12);
  EXPECT_NEAR(crps_normal(0, 1, 1), 0.602441357628, 1e-12);
  EXPECT_NEAR(crps_normal(0, 1, 2), 1.45279182169, 1e-11);
  EXPECT_NEAR(crps_normal(10, 3, 16), 3 * 1.45279182169, 1e-10);
}

std::vector<double> poisson_cdf(double mean) {
  std::vector<double> cdf;
  for (int k = 0; k < 200; ++k)
    cdf.push_back(1 - gamma_cdf(k + 1.0, mean) < 0 ? 0 : chi_squared_tail(2 * mean, 2.0 * (k + 1)));
  return cdf;
}

/// Quantiles of Poisson(mean) in the middle of `n` equal parts: a sample without luck.
std::vector<double> poisson_lattice(double mean, int n) {
  const std::vector<double> cdf = poisson_cdf(mean);
  std::vector<double> sample;
  for (int i = 0; i < n; ++i)
    sample.push_back(static_cast<double>(std::ranges::lower_bound(cdf, (i + 0.5) / n) - cdf.begin()));
  return sample;
}

TEST(Crps, OfCountsMeetsItsTable) {
  const std::vector<double> sample = poisson_lattice(5, 100'000);
  EXPECT_NEAR(crps(sample, 3, Crps::empirical), 1.09815520421, 5e-5);
  EXPECT_NEAR(crps(sample, 10, Crps::empirical), 3.79889510835, 5e-5);
  EXPECT_GT(std::abs(crps(poisson_lattice(5.01, 100'000), 10, Crps::empirical) - 3.79889510835), 5e-5);  // mutant
}

TEST(Crps, OfSamplesMeetsItsTableFairAndNot) {
  const std::vector<double> sample{4, 1, 7, 2, 3};
  EXPECT_NEAR(crps(sample, 0, Crps::empirical), 2.28, 1e-14);
  EXPECT_NEAR(crps(sample, 3, Crps::empirical), 0.48, 1e-14);
  EXPECT_NEAR(crps(sample, 5, Crps::empirical), 1.28, 1e-14);
  EXPECT_NEAR(crps(sample, 0, Crps::fair), 2.0, 1e-14);
  EXPECT_NEAR(crps(sample, 3, Crps::fair), 0.2, 1e-14);
  EXPECT_NEAR(crps(sample, 5, Crps::fair), 1.0, 1e-14);
  std::vector<double> run;
  for (int i = 0; i < 10; ++i) run.push_back(1.5 + i);
  EXPECT_NEAR(crps(run, 2.5, Crps::empirical), 2.05, 1e-14);
  EXPECT_NEAR(crps(run, 2.5, Crps::fair), 1.8666666667, 1e-10);
}

TEST(Crps, FairIsUnbiasedWhereTheEmpiricalIsNot) {
  // Five draws of N(0, 1), y = 0.5: the mean of the fair score is that of the distribution.
  constexpr std::size_t kSamples = 40'000;
  double fair = 0, square = 0, plain = 0;
  for (std::size_t n = 0; n < kSamples; ++n) {
    std::vector<double> sample;
    for (std::size_t i = 0; i < 5; ++i) sample.push_back(normal_number(make_key(1, n), i));
    const double value = crps(sample, 0.5, Crps::fair);
    fair += value;
    square += value * value;
    plain += crps(sample, 0.5, Crps::empirical);
  }
  fair /= kSamples;
  const double error = std::sqrt((square / kSamples - fair * fair) / kSamples);
  EXPECT_LT(std::abs(fair - crps_normal(0, 1, 0.5)) / error, 4);
  EXPECT_GT(std::abs(plain / kSamples - crps_normal(0, 1, 0.5)) / error, 4);
}

TEST(WeightedIntervalScore, MeetsItsTableWithParts) {
  const std::vector<double> probabilities{0.1, 0.25, 0.5, 0.75, 0.9};
  const Wis first = weighted_interval_score(probabilities, std::vector<double>{-1, 0, 1, 2, 3}, 1);
  EXPECT_NEAR(first.total, 0.36, 1e-12);
  EXPECT_NEAR(first.dispersion, 0.36, 1e-12);
  const Wis second = weighted_interval_score(probabilities, std::vector<double>{-2, 1, 2, 2, 4}, -15);
  EXPECT_NEAR(second.total, 15.34, 1e-12);
  EXPECT_NEAR(second.dispersion, 0.34, 1e-12);
  EXPECT_NEAR(second.overprediction, 15, 1e-12);
  EXPECT_EQ(second.underprediction, 0);
  const Wis third = weighted_interval_score(probabilities, std::vector<double>{-2, 0, 3, 3, 4}, 22);
  EXPECT_NEAR(third.total, 19.14, 1e-12);
  EXPECT_EQ(third.overprediction, 0);
}

TEST(WeightedIntervalScore, IsTheMeanOfTwiceThePinballLosses) {
  const std::vector<double> probabilities{0.05, 0.3, 0.5, 0.7, 0.95}, quantiles{1, 2, 4, 4.5, 9};
  for (const double y : {-1.0, 1.5, 4.0, 4.2, 30.0}) {
    double pinball = 0;
    for (std::size_t k = 0; k < 5; ++k) {
      const double gap = y - quantiles[k];
      pinball += 2 * (gap >= 0 ? probabilities[k] * gap : (probabilities[k] - 1) * gap) / 5;
    }
    const Wis wis = weighted_interval_score(probabilities, quantiles, y);
    EXPECT_NEAR(wis.total, pinball, 1e-12);
    EXPECT_NEAR(wis.dispersion + wis.overprediction + wis.underprediction, wis.total, 1e-12);
  }
}

TEST(WeightedIntervalScore, RefusesWhatIsNoSetOfCentralIntervals) {
  const std::vector<double> three{1, 2, 3};
  EXPECT_THROW(static_cast<void>(weighted_interval_score(std::vector{0.1, 0.5, 0.8}, three, 1)), InputError);
  EXPECT_THROW(static_cast<void>(weighted_interval_score(std::vector{0.1, 0.9}, std::vector{1.0, 2.0}, 1)), InputError);
  EXPECT_THROW(static_cast<void>(weighted_interval_score(std::vector{0.1, 0.5, 0.9}, std::vector{1.0, 3.0, 2.0}, 1)),
               InputError);
  EXPECT_THROW(static_cast<void>(weighted_interval_score(std::vector{0.1, 0.5, 0.9}, std::vector{1.0, 3.0}, 1)),
               InputError);
}

TEST(Score, GivesCoveragePitAndBiasOfASample) {
  std::vector<double> sample;
  for (int i = 0; i <= 100; ++i) sample.push_back(i);
  const Score at_30 = score(sample, 30);
  EXPECT_NEAR(at_30.below, 30.0 / 101, 1e-15);
  EXPECT_NEAR(at_30.at_or_below, 31.0 / 101, 1e-15);
  EXPECT_NEAR(at_30.bias, 40.0 / 101, 1e-15) << "positive: the forecast is too high";
  EXPECT_TRUE(at_30.covered(0.5));
  EXPECT_FALSE(at_30.covered(0.1));
  EXPECT_EQ(at_30.absolute_error, 20);
  EXPECT_EQ(score(sample, 500).bias, -1);
  EXPECT_FALSE(score(sample, 97).covered(0.9));
  EXPECT_TRUE(score(sample, 95).covered(0.9));
  EXPECT_THROW(static_cast<void>(at_30.covered(0.33)), InputError);
  EXPECT_THROW(static_cast<void>(score(std::vector<double>{1, std::nan("")}, 1)), InputError);
  // log(1 + x) by hand
  EXPECT_NEAR(score(std::vector<double>{0, std::exp(1.0) - 1}, 0).log_crps,
              crps(std::vector<double>{0, 1}, 0, Crps::empirical), 1e-15);
  EXPECT_TRUE(std::isnan(score(std::vector<double>{-1, 1}, 0).log_crps));
}

TEST(Score, ManyQuantilesComeNearTheRankedProbabilityScore) {
  // The CRPS is the integral of twice the pinball losses over (0, 1), of which 99 quantiles are 99 parts of 100.
  std::vector<double> sample, probabilities;
  for (int i = 0; i < 20'000; ++i) sample.push_back(normal_quantile((i + 0.5) / 20'000));
  for (int i = 1; i < 100; ++i) probabilities.push_back(i / 100.0);
  const auto quantiles = quantiles_of(sample, probabilities);
  for (const double y : {-2.0, 0.0, 0.7}) {
    EXPECT_NEAR(0.99 * weighted_interval_score(probabilities, quantiles, y).total, crps_normal(0, 1, y), 0.003);
    EXPECT_NEAR(crps(sample, y, Crps::empirical), crps_normal(0, 1, y), 1e-4);
  }
}

TEST(Pit, OfCountsMeetsItsTable) {
  std::vector<double> below, at_or_below;
  const std::array<std::pair<double, std::size_t>, 3> forecasts{{{2, 1}, {5, 5}, {8, 12}}};
  for (const auto& [mean, k] : forecasts) {
    const auto cdf = poisson_cdf(mean);
    below.push_back(cdf[k - 1]);
    at_or_below.push_back(cdf[k]);
  }
  EXPECT_NEAR(pit_distribution(below, at_or_below, 0.25), 0.1412106708, 1e-10);
  EXPECT_NEAR(pit_distribution(below, at_or_below, 0.5), 0.4463775516, 1e-10);
  EXPECT_NEAR(pit_distribution(below, at_or_below, 0.75), 0.6666666667, 1e-10);
}

TEST(Pit, IsFlatForCalibratedForecastsAndCoverageWithinItsLimits) {
  std::vector<Score> right, narrow;
  for (std::size_t n = 0; n < 400; ++n) {
    const Key key = make_key(3, n);
    std::vector<double> sample, half;
    for (std::size_t i = 1; i <= 200; ++i) {
      sample.push_back(normal_number(key, i));
      half.push_back(0.5 * normal_number(key, i));
    }
    right.push_back(score(sample, normal_number(key, 0)));
    narrow.push_back(score(half, normal_number(key, 0)));
  }
  const auto chi_squared = [](const std::vector<double>& heights) {
    double sum = 0;
    for (const double height : heights) sum += 40 * (height - 1) * (height - 1);
    return sum;
  };
  EXPECT_LT(chi_squared(pit_histogram(right, 10)), 27.88) << "99.9 % point of 9 degrees of freedom";
  EXPECT_GT(chi_squared(pit_histogram(narrow, 10)), 27.88);
  const Coverage good = coverage(right, 0.9, right.size()), bad = coverage(narrow, 0.9, narrow.size());
  EXPECT_GE(good.share, good.low);
  EXPECT_LE(good.share, good.high);
  EXPECT_LT(bad.share, bad.low);
  EXPECT_NEAR(good.low, 0.87, 0.005);
  EXPECT_NEAR(good.high, 0.9275, 0.005);
  // The same share of forecasts that come in nine groups, each held or missed as one, says much less.
  const Coverage grouped = coverage(narrow, 0.9, 9);
  EXPECT_EQ(grouped.share, bad.share);
  EXPECT_NEAR(grouped.low, 6.0 / 9, 1e-12) << "P(at most 5 of 9) = 0.0083, of at most 6 0.053";
  EXPECT_EQ(grouped.high, 1);
}

TEST(Skill, IsOurScoreOverTheirs) {
  const Score one = score(std::vector<double>{1}, 3), two = score(std::vector<double>{1}, 5);
  ASSERT_NEAR(two.wis.total, 2 * one.wis.total, 1e-12);
  const std::vector<Compared> pairs{{"a", one, two}, {"a", one, two}, {"b", one, one}};
  const Skill s = skill(pairs, make_key(1, 1));
  EXPECT_NEAR(s.ratio, 3.0 / 5, 1e-12);
  EXPECT_NEAR(s.geometric, std::sqrt(0.5), 1e-12);
  EXPECT_EQ(s.n_groups, 2U);
  EXPECT_NEAR(s.low, 0.5, 1e-12);
  EXPECT_NEAR(s.high, 1, 1e-12);
  EXPECT_TRUE(std::isnan(skill(std::vector<Compared>{{"a", one, two}}, make_key(1, 1)).low))
      << "one group has no spread";
}

TEST(OutsideView, SaysWhatBecameOfPastForecasts) {
  const std::vector<double> ratios{0.5, 1.0, 0.7, 0.9, 0.8, 0.6};
  const OutsideView view = outside_view(ratios);
  EXPECT_NEAR(view.p20, 0.6, 1e-12);
  EXPECT_NEAR(view.p50, 0.75, 1e-12);
  EXPECT_NEAR(view.p80, 0.9, 1e-12);
  EXPECT_THROW(static_cast<void>(outside_view({})), InputError);
}

TEST(OutsideView, ScalesAForecastByHowOthersFared) {
  const std::vector<double> ratios{0.5, 2.0, 1.0}, fifth{0, 0.25, 0.5, 0.75, 1};
  const std::vector<double> one{8}, below{-8};
  // Sorted: 4, 8, 16; a quarter of the way is half-way between the first two.
  EXPECT_EQ(reference_quantiles(one, ratios, 100, fifth), (std::vector<double>{4, 6, 8, 12, 16}));
  // Cut where nothing is left to be had: 4, 8, 12.
  EXPECT_EQ(reference_quantiles(one, ratios, 1.5, fifth), (std::vector<double>{4, 6, 8, 10, 12}));
  // Harm that is twice as large is the lowest outcome: -16, -8, -4.
  EXPECT_EQ(reference_quantiles(below, ratios, 100, fifth), (std::vector<double>{-16, -12, -8, -6, -4}));
  // Pairs of two forecasts: -4, -2, -1, 1, 2, 4.
  const std::vector<double> two{-2, 2}, ends{0, 0.2, 0.5, 1};
  const std::vector<double> pairs = reference_quantiles(two, ratios, 100, ends);
  const std::vector<double> expected{-4, -2, 0, 4};
  for (std::size_t i = 0; i < ends.size(); ++i) EXPECT_NEAR(pairs[i], expected[i], 1e-12) << ends[i];
}

TEST(OutsideView, AveragesDistributionsQuantileByQuantile) {
  // Of U(0, 1) and U(2, 6) at weight 1/4 every quantile is 3/4 p + 1/4 (2 + 4 p) = 1/2 + 7/4 p: U(0.5, 2.25). A mixture
  // of the two would lie between 0 and 6.
  const std::vector<double> p{0, 0.05, 0.5, 0.95, 1};
  std::vector<double> first, second;
  for (const double at : p) first.push_back(at), second.push_back(2 + 4 * at);
  const std::vector<double> average = quantile_average(first, second, 0.25);
  for (std::size_t i = 0; i < p.size(); ++i) EXPECT_NEAR(average[i], 0.5 + 1.75 * p[i], 1e-12) << p[i];
  EXPECT_EQ(quantile_average(first, second, 0), first);
  EXPECT_EQ(quantile_average(first, second, 1), second);
}

// ---- baselines ----------------------------------------------------------------------------------------------------

struct Moments {
  double mean = 0, sd = 0;
};
Moments moments(std::span<const double> draws) {
  Moments m;
  for (const double v : draws) m.mean += v / static_cast<double>(draws.size());
  for (const double v : draws) m.sd += (v - m.mean) * (v - m.mean) / static_cast<double>(draws.size() - 1);
  m.sd = std::sqrt(m.sd);
  return m;
}

TEST(Baselines, PersistenceIsARandomWalkFromTheLastValue) {
  const BaselineRequest request{
      .past = {{0, 100}, {1, 104}, {3, 98}}, .times = {4, 7}, .ceiling = 1000, .n_draws = 4000};
  const BaselineForecast f = persistence(request, make_key(1, 0));
  // Variance per year: (16 / 1 + 36 / 2) / 2 = 17
  for (const auto& [at, years] : {std::pair{0, 1.0}, std::pair{1, 4.0}}) {
    const Moments m = moments(f.at(static_cast<std::size_t>(at)));
    const double sd = std::sqrt(17 * years);
    EXPECT_LT(std::abs(m.mean - 98) / (sd / std::sqrt(4000)), 4);
    EXPECT_LT(std::abs(m.sd / sd - 1) * std::sqrt(8000), 4);
    EXPECT_GT(std::abs(m.sd / (1.1 * sd) - 1) * std::sqrt(8000), 4) << "the check sees 10 %";
  }
  const BaselineForecast alone =
      persistence({.past = {{1, 7}}, .times = {2}, .ceiling = 10, .n_draws = 3}, make_key(1, 0));
  EXPECT_EQ(alone.values, (std::vector<double>{7, 7, 7}));
}

TEST(Baselines, LinearTrendHasStudentsPredictionLaw) {
  const BaselineRequest request{.past = {{0, 10}, {1, 14}, {2, 15}, {3, 21}, {4, 22}, {5, 27}, {6, 28}, {7, 33}},
                                .times = {10},
                                .ceiling = 1000,
                                .n_draws = 4000};
  // By hand: mean time 3.5, Sxx 42, mean 21.25, Sxy 134, slope 134/42; 6 degrees of freedom.
  const double slope = 134.0 / 42, line = 21.25 + slope * 6.5;
  double squares = 0;
  for (const SeriesPoint& point : request.past)
    squares += std::pow(point.value - 21.25 - slope * (point.time - 3.5), 2);
  const double sd = std::sqrt(squares / 6 * (1 + 1.0 / 8 + 6.5 * 6.5 / 42) * 6 / 4);  // Student's variance 6 / (6 - 2)
  const Moments m = moments(linear_trend(request, make_key(2, 0)).at(0));
  EXPECT_LT(std::abs(m.mean - line) / (sd / std::sqrt(4000)), 4);
  // Kurtosis of Student's t with 6 degrees is 6: the sd's error is sqrt(5 / 4n).
  EXPECT_LT(std::abs(m.sd / sd - 1) / std::sqrt(5.0 / 16000), 4);
  EXPECT_GT(std::abs(m.sd / (sd * std::sqrt(2.0 / 3)) - 1) / std::sqrt(5.0 / 16000), 4) << "normal instead of Student";
  const BaselineForecast two =
      linear_trend({.past = {{0, 1}, {1, 3}}, .times = {2, 9}, .ceiling = 10, .n_draws = 2}, make_key(1, 0));
  EXPECT_EQ(two.values, (std::vector<double>{5, 5, 10, 10})) << "within the ceiling";
}

TEST(Baselines, LeastSquaresFindTheBassCurveThatMadeThePoints) {
  for (const BassCurve& truth : {BassCurve{0.03, 0.38, 800}, BassCurve{0.2, 0.05, 500}, BassCurve{0.01, 1.2, 950}}) {
    std::vector<SeriesPoint> past;
    for (int year = 1; year <= 8; ++year) past.push_back({static_cast<double>(year), truth.at(year)});
    const BassCurve found = fit_bass(past, 1000);
    EXPECT_NEAR(found.p / truth.p, 1, 1e-3);
    EXPECT_NEAR(found.q / truth.q, 1, 5e-3);
    EXPECT_NEAR(found.m / truth.m, 1, 1e-3);
    const BaselineForecast f = plain_bass({.past = past, .times = {12}, .ceiling = 1000, .n_draws = 5}, make_key(1, 0));
    for (const double v : f.at(0)) EXPECT_NEAR(v, truth.at(12), 0.5);
  }
}

TEST(Baselines, BootstrapOfTheBassCurveCoversWhatComes) {
  const BassCurve truth{0.04, 0.5, 700};
  int covered = 0;
  constexpr int kSeries = 60;
  for (int n = 0; n < kSeries; ++n) {
    std::vector<SeriesPoint> past;
    for (std::size_t k = 1; k <= 10; ++k) {
      past.push_back(
          {0.6 * static_cast<double>(k),
           truth.at(0.6 * static_cast<double>(k)) + 10 * normal_number(make_key(5, static_cast<std::uint64_t>(n)), k)});
    }
    const BaselineForecast f = plain_bass({.past = past, .times = {7}, .ceiling = 1000, .n_draws = 100},
                                          make_key(6, static_cast<std::uint64_t>(n)));
    covered +=
        score(f.at(0), truth.at(7) + 10 * normal_number(make_key(7, static_cast<std::uint64_t>(n)), 0)).covered(0.9);
  }
  // A bootstrap of ten residuals is a little narrow: between 0.75 and 1 of 60.
  EXPECT_GE(covered, 45);
}

TEST(Baselines, BassModeIsThePriorWithoutPointsAndStationaryWithThem) {
  const BassMode prior = fit_bass_mode({}, 100);
  EXPECT_NEAR(prior.curve.p, 0.03, 1e-9);
  EXPECT_NEAR(prior.curve.q, 0.38, 1e-9);
  EXPECT_NEAR(std::sqrt(prior.covariance[0]), 0.7, 1e-6);
  EXPECT_NEAR(std::sqrt(prior.covariance[3]), 0.5, 1e-6);
  const std::vector<SeriesPoint> past{{1, 6}, {2, 15}, {3, 30}};
  const BassMode mode = fit_bass_mode(past, 100);
  const auto minus_log_posterior = [&](double log_p, double log_q) {
    const BassCurve curve{std::exp(log_p), std::exp(log_q), 100};
    double sum = std::pow((log_p - std::log(0.03)) / 0.7, 2) / 2 + std::pow((log_q - std::log(0.38)) / 0.5, 2) / 2;
    for (const SeriesPoint& point : past) sum += std::pow((curve.at(point.time) - point.value) / 5, 2) / 2;
    return sum;
  };
  const double p = std::log(mode.curve.p), q = std::log(mode.curve.q), best = minus_log_posterior(p, q);
  for (const double step : {-1e-3, 1e-3}) {
    EXPECT_GT(minus_log_posterior(p + step, q), best);
    EXPECT_GT(minus_log_posterior(p, q + step), best);
  }
  // Four points change the method: nothing above the ceiling, nothing below 0.
  const BaselineForecast f =
      plain_bass({.past = past, .times = {4, 20}, .ceiling = 100, .n_draws = 500}, make_key(1, 0));
  for (const double v : f.values) {
    EXPECT_GE(v, 0);
    EXPECT_LE(v, 100);
  }
  EXPECT_GT(moments(f.at(0)).mean, 30);
}

TEST(Baselines, RefuseWhatTheyCannotForecast) {
  EXPECT_THROW(static_cast<void>(persistence({.past = {}, .times = {1}, .ceiling = 0, .n_draws = 1}, make_key(1, 0))),
               InputError);
  EXPECT_THROW(static_cast<void>(linear_trend({.past = {{2, 1}, {1, 2}}, .times = {1.5}, .ceiling = 9, .n_draws = 1},
                                              make_key(1, 0))),
               InputError);
}

}  // namespace
}  // namespace uptake
