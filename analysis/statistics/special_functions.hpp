/// Distribution functions that the standard library lacks.
#pragma once

#include <cstdint>

namespace uptake {

[[nodiscard]] double normal_density(double x);
[[nodiscard]] double normal_cdf(double x);
/// Regularised lower incomplete gamma function P(a, x), a > 0, x >= 0: series below x = a + 1, Lentz's continued
/// fraction above (Press et al. 2007, Numerical Recipes, 6.2).
[[nodiscard]] double gamma_cdf(double shape, double x);
/// P(chi-squared with `degrees` > x).
[[nodiscard]] double chi_squared_tail(double x, double degrees);
/// Smallest k with P(Binomial(n, probability) <= k) >= u: by summing, for small n.
[[nodiscard]] std::int64_t binomial_quantile(std::int64_t n, double probability, double u);
/// Smallest k with P(Poisson(mean) <= k) >= u, by summing, for small means.
[[nodiscard]] std::int64_t poisson_quantile(double mean, double u);
/// ln of P(Binomial(n, probability) = k); -infinity outside 0..n.
[[nodiscard]] double log_binomial(std::int64_t k, std::int64_t n, double probability);

}  // namespace uptake
