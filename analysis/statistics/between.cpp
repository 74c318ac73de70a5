#include "statistics/between.hpp"

#include <algorithm>
#include <cmath>

#include "statistics/special_functions.hpp"

namespace uptake {

namespace {
/// What chi-squared over its degrees of freedom exceeds with probability `tail`, by halving.
double chi_squared_over_degrees(double degrees, double tail) {
  double low = 0, high = 1;
  while (chi_squared_tail(high * degrees, degrees) > tail) high *= 2;
  constexpr int kHalvings = 60;
  for (int k = 0; k < kHalvings; ++k) {
    const double middle = (low + high) / 2;
    (chi_squared_tail(middle * degrees, degrees) > tail ? low : high) = middle;
  }
  return (low + high) / 2;
}
}  // namespace

double Between::keeps_its_place() const { return normal_cdf(own / luck_of_world); }

std::optional<Between> between(std::span<const ShareOfPlace> places, double whole_sd, int n_worlds) {
  double all = 0;
  for (const ShareOfPlace& one : places) all += one.eligible;
  if (n_worlds < 2 || !(all > 0)) return std::nullopt;
  double mean = 0, variance = 0, squares = 0;
  for (const ShareOfPlace& one : places) {
    const double weight = one.eligible / all;
    mean += weight * one.mean;
    variance += weight * one.sd * one.sd;
    squares += weight * weight;
  }
  double of_means = 0;
  for (const ShareOfPlace& one : places) of_means += one.eligible / all * (one.mean - mean) * (one.mean - mean);
  const double of_world = variance - whole_sd * whole_sd, degrees = 1 / squares - 1;
  constexpr double kRounding = 1e-4;  // stored statistics have 20 binary digits
  if (!(of_world > kRounding * variance) || !(degrees > 0)) return std::nullopt;
  constexpr double kOneIn20 = 0.05;
  const double of_luck = of_world / n_worlds;
  return Between{std::sqrt(of_means), std::sqrt(of_world), std::sqrt(of_luck),
                 std::sqrt(of_luck * chi_squared_over_degrees(degrees, kOneIn20)),
                 std::sqrt(std::max(0.0, of_means - of_luck))};
}

}  // namespace uptake
