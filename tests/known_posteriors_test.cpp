// The oracles of calibration checked against themselves: formulas against printed answers, tables against quadrature.
#include "verify/known_posteriors.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "statistics/special_functions.hpp"

namespace uptake {
namespace {

TEST(KnownPosteriors, FormulasGiveThePrintedAnswers) {
  EXPECT_NEAR(one_normal().means[0], 1.6, 1e-12);
  EXPECT_NEAR(one_normal().sds[0], 0.4472135955, 1e-10);
  EXPECT_NEAR(ten_normals().sds[3], 0.22360679775, 1e-11);
  EXPECT_NEAR(ten_normals().log_evidence, -3.39219576988, 1e-10);
  EXPECT_NEAR(sharp_normals(10, 5).log_evidence, -11.6537, 1e-4);
  EXPECT_NEAR(sharp_normals(20, 8).log_evidence, -23.7187, 1e-4);
  EXPECT_NEAR(beta_binomial(1, 1).means[0], 0.428571428571, 1e-12);
  EXPECT_NEAR(beta_binomial(1, 1).sds[0], 0.174963553056, 1e-12);
  EXPECT_NEAR(std::exp(beta_binomial(1, 1).log_evidence), 1.0 / 6, 1e-12);
  EXPECT_NEAR(std::exp(beta_binomial(10, 1).log_evidence), 0.018315018315, 1e-12);
  const double m0 = std::exp(normal_about(0).log_evidence), m1 = std::exp(normal_about(1).log_evidence);
  EXPECT_NEAR(m0 / (m0 + m1), 0.26894142137, 1e-11);
  EXPECT_NEAR(gamma_poisson().log_evidence, -6.61326224491, 1e-10);
  EXPECT_NEAR(gamma_poisson().sds[0], 0.935414346693, 1e-12);
  EXPECT_NEAR(bernoulli(1, 1).log_evidence, -71.3989621689, 1e-9);
  EXPECT_NEAR(bernoulli(20, 20).log_evidence, -69.9455631906, 1e-9);
  EXPECT_NEAR(bass_log_likelihood(0.03, 0.4), -19.1694484261, 1e-9);
  EXPECT_NEAR(reported_bass_log_likelihood(0.03, 0.4), -23.7828721433, 1e-9);
  EXPECT_NEAR(reported_bass_log_likelihood(0.02, 0.6), -22.6612197531, 1e-9);
  EXPECT_NEAR(kalman_filter().log_likelihood, -10.671534174, 1e-9);
  EXPECT_NEAR(kalman_filter().mean, 0.825460364435, 1e-11);
  EXPECT_NEAR(kalman_filter().variance, 0.2338864391, 1e-10);
}

/// Posterior moments over (log p, log q) by the rectangle rule on a grid that holds all of the mass.
void expect_table(const KnownPosterior& known, int n, double to) {
  const double low_p = std::log(0.03) - 5, high_p = std::log(0.03) + 3;
  const double low_q = std::log(0.38) - 3, high_q = std::log(0.38) + 2;
  double mass = 0, mean[2] = {0, 0}, square[2] = {0, 0};
  const double step_p = (high_p - low_p) / n, step_q = (high_q - low_q) / n;
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      const double x[2] = {low_p + (i + 0.5) * step_p, low_q + (j + 0.5) * step_q};
      const double prior_p = normal_density((x[0] - std::log(0.03)) / 0.8) / 0.8;
      const double prior_q = normal_density((x[1] - std::log(0.38)) / 0.6) / 0.6;
      const double theta[2] = {std::exp(x[0]), std::exp(x[1])};
      const double weight = prior_p * prior_q * std::exp(known.log_likelihood(theta)) * step_p * step_q;
      mass += weight;
      for (int c = 0; c < 2; ++c) {
        mean[c] += weight * x[c];
        square[c] += weight * x[c] * x[c];
      }
    }
  }
  EXPECT_NEAR(std::log(mass), known.log_evidence, to);
  for (std::size_t c = 0; c < 2; ++c) {
    EXPECT_NEAR(mean[c] / mass, known.means[c], to);
    EXPECT_NEAR(std::sqrt(square[c] / mass - mean[c] / mass * (mean[c] / mass)), known.sds[c], to);
  }
}
TEST(KnownPosteriors, TablesOfTheBassModelAgreeWithQuadrature) {
  expect_table(bass(), 160, 1e-8);
  expect_table(reported_bass(), 40, 1e-5);
}

TEST(SpecialFunctions, MeetTabulatedValues) {
  EXPECT_NEAR(chi_squared_tail(36.1909, 19), 0.01, 1e-6);
  EXPECT_NEAR(chi_squared_tail(30.1435, 19), 0.05, 1e-6);
  EXPECT_NEAR(chi_squared_tail(3.841459, 1), 0.05, 1e-7);
  EXPECT_NEAR(gamma_cdf(1, 2), 1 - std::exp(-2), 1e-14);
  EXPECT_NEAR(gamma_cdf(5, 20), 1 - std::exp(-20) * (1 + 20 + 200 + 8000.0 / 6 + 160000.0 / 24), 1e-14);
  EXPECT_NEAR(normal_cdf(1.959963984540054), 0.975, 1e-15);
  EXPECT_EQ(gamma_cdf(2, 0), 0);
}

TEST(SpecialFunctions, QuantilesInvertTheirDistribution) {
  for (const double u : {1e-9, 0.1, 0.5, 0.77, 1 - 1e-9}) {
    const std::int64_t k = binomial_quantile(50, 0.3, u), m = poisson_quantile(7.5, u);
    double below = 0, below_m = 0;
    for (std::int64_t i = 0; i < k; ++i) below += std::exp(log_binomial(i, 50, 0.3));
    for (std::int64_t i = 0; i < m; ++i) {
      below_m += std::exp(static_cast<double>(i) * std::log(7.5) - 7.5 - std::lgamma(static_cast<double>(i) + 1));
    }
    EXPECT_LT(below, u);
    EXPECT_GE(below + std::exp(log_binomial(k, 50, 0.3)), u - 1e-12);
    EXPECT_LT(below_m, u);
    EXPECT_GE(1 - gamma_cdf(static_cast<double>(m) + 1, 7.5), 0);
    EXPECT_GE(
        below_m + std::exp(static_cast<double>(m) * std::log(7.5) - 7.5 - std::lgamma(static_cast<double>(m) + 1)),
        u - 1e-12);
  }
  // Where the first probabilities are too small for a double.
  EXPECT_EQ(binomial_quantile(4000, 0.9, 0.5), 3600);
  EXPECT_EQ(poisson_quantile(2000, 0.5), 2000);
  EXPECT_EQ(binomial_quantile(50, 0, 0.9), 0);
  EXPECT_EQ(binomial_quantile(50, 1, 0.1), 50);
  EXPECT_EQ(poisson_quantile(0, 0.9), 0);
}

}  // namespace
}  // namespace uptake
