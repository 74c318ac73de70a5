/// Calibrations whose posterior is known: by a formula, or by quadrature over an exact likelihood. What `uptake verify
/// --calibration` and its tests ask.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "uptake/calibration.hpp"

namespace uptake {

/// Whether moments are those of the parameters in their own units or on the real line.
enum class Side : std::uint8_t { natural, unconstrained };

struct KnownPosterior {
  std::string id, name;
  CalibrationProblem problem;
  std::function<double(std::span<const double> parameters)> log_likelihood;  ///< exact, of natural parameters
  Side side = Side::unconstrained;
  std::vector<double> means, sds;
  double log_evidence = 0;
};

// Normal mean, normal noise (conjugate).
[[nodiscard]] KnownPosterior one_normal();   ///< P1
[[nodiscard]] KnownPosterior ten_normals();  ///< P4 (Lueckmann et al. 2021, "Gaussian linear")
/// P5: n parameters, the first n_sharp of them with noise 0.1 and the others with noise 1, one summary each.
[[nodiscard]] KnownPosterior sharp_normals(std::size_t n, std::size_t n_sharp);
[[nodiscard]] KnownPosterior beta_binomial(double a, double b);  ///< P6, P7: 2 of 5 under Beta(a, b)
[[nodiscard]] KnownPosterior normal_about(double mean);      ///< P8: theta ~ N(mean, 0.5^2), y = 1 ~ N(theta, 0.5^2)
[[nodiscard]] KnownPosterior gamma_poisson();                ///< P9: 3, 5, 4 under Gamma(2, 1)
[[nodiscard]] KnownPosterior bernoulli(double a, double b);  ///< P10: 50 of 100 in a given order under Beta(a, b)
/// P12: stepwise Bass adoption among 50, all 12 yearly counts seen.
[[nodiscard]] KnownPosterior bass();
/// P13: the same when each adopter reports with probability 0.85.
[[nodiscard]] KnownPosterior reported_bass();

/// Observations of P12 and P13, and of the local level of P11.
inline constexpr std::array<int, 13> kBassCounts{0, 2, 4, 7, 11, 17, 24, 31, 37, 42, 45, 47, 48};
inline constexpr std::array<int, 12> kReportedCounts{2, 3, 6, 9, 15, 20, 26, 32, 35, 39, 40, 41};
inline constexpr std::array<double, 10> kLevelSeries{0.3, 0.7, 0.1, -0.4, 0.2, 0.9, 1.3, 0.8, 0.6, 1.1};
inline constexpr int kBassSize = 50;
inline constexpr double kReporting = 0.85;

/// P(a jump of the stepwise Bass process): 1 - exp(-(p + q in_use / size)).
[[nodiscard]] double bass_probability(double p, double q, int in_use);
/// ln P(kBassCounts | p, q) and, by the forward recursion (Rabiner 1989) over 0..50, ln P(kReportedCounts | p, q).
[[nodiscard]] double bass_log_likelihood(double p, double q);
[[nodiscard]] double reported_bass_log_likelihood(double p, double q);

/// AR(1) with noise: x_t = 0.9 x_(t-1) + N(0, 0.25), y_t = x_t + N(0, 0.5), x_1 from the stationary law (P11).
struct FilteredLevel {
  double log_likelihood = 0, mean = 0, variance = 0;  ///< of kLevelSeries; of the last level
};
[[nodiscard]] FilteredLevel kalman_filter();

/// Steppers of P11 and P13, for the particle filter.
struct LevelStepper {
  struct State {
    double level = 0;
    Key key;
  };
  [[nodiscard]] State start(std::span<const double> parameters, Key key) const;
  void advance(State& state, int interval) const;
  [[nodiscard]] double observe(const State& state, int interval) const;
  void reclock(State& state, Key key) const { state.key = key; }
};
struct BassStepper {
  std::vector<int> counts{kReportedCounts.begin(), kReportedCounts.end()};  ///< reported, by interval
  struct State {
    double p = 0, q = 0;
    int in_use = 0;
    Key key;
  };
  [[nodiscard]] State start(std::span<const double> parameters, Key key) const;
  void advance(State& state, int interval) const;
  [[nodiscard]] double observe(const State& state, int interval) const;
  void reclock(State& state, Key key) const { state.key = key; }
};

/// How far a posterior is from the known one, in units of the known sd.
struct Closeness {
  double mean_error = 0, largest_error = 0;            ///< over parameters, of means
  double sd_ratio = 0;                                 ///< estimated over known, geometric mean over parameters
  double smallest_sd_ratio = 0, largest_sd_ratio = 0;  ///< of one parameter
};
[[nodiscard]] Closeness closeness(const KnownPosterior& known, const WeightedDraws& draws);

/// What a method must meet on every known posterior.
struct Gate {
  double mean_error = 0.12, largest_error = 0.25;
  double lowest_sd_ratio = 0.93, highest_sd_ratio = 1.10;
  double smallest_sd_ratio = 0.85, largest_sd_ratio = 1.20;
  [[nodiscard]] bool passes(const Closeness& c) const {
    return c.mean_error <= mean_error && c.largest_error <= largest_error && c.sd_ratio >= lowest_sd_ratio &&
           c.sd_ratio <= highest_sd_ratio && c.smallest_sd_ratio >= smallest_sd_ratio &&
           c.largest_sd_ratio <= largest_sd_ratio;
  }
};
inline constexpr Gate kAbcGate{};
inline constexpr Gate kTemperedGate{.lowest_sd_ratio = 0.92, .highest_sd_ratio = 1.08};

}  // namespace uptake
