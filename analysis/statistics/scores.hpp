/// How good a forecast was, once the observation is known. Lower is better but for coverage; every score is in the unit
/// of the observation. Scores grow with magnitude, so that pooled ones are given on log(1 + x) too (Bosse et al. 2023).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "uptake/random.hpp"

namespace uptake {

/// Continuous ranked probability score of N(mean, sd^2) (Gneiting & Raftery 2007, eq. 21).
[[nodiscard]] double crps_normal(double mean, double sd, double observed);

/// Empirical: the sample is the forecast. Fair: estimates the score of what the sample was drawn from, without the
/// advantage of small samples (Ferro 2014); needs two draws.
enum class Crps : std::uint8_t { empirical, fair };
/// mean |x - y| - sum |x_i - x_j| / (2 m^2), or / (2 m (m - 1)) for the fair one; by sorting, O(m log m).
[[nodiscard]] double crps(std::span<const double> sample, double observed, Crps kind);

/// Weighted interval score and its parts (Bracher et al. 2021, doi:10.1371/journal.pcbi.1008618):
/// total = dispersion + overprediction + underprediction.
struct Wis {
  double total = 0;
  double dispersion = 0;
  double overprediction = 0;   ///< the observation lies below intervals
  double underprediction = 0;  ///< above
};
/// [|y - median| / 2 + sum over K central intervals of alpha/2 IS_alpha] / (K + 1/2), which is the mean of twice the
/// pinball losses. The distance to the median belongs to the side on which the observation lies.
/// @throws InputError unless probabilities ascend, lie symmetrically about a median that is among them, and quantiles
/// do not descend
[[nodiscard]] Wis weighted_interval_score(std::span<const double> probabilities, std::span<const double> quantiles,
                                          double observed);

/// Quantiles that forecasts are stored with: 11 central intervals and the median.
inline constexpr std::array kForecastProbabilities{0.01, 0.025, 0.05, 0.10, 0.15, 0.20,  0.25, 0.30,
                                                   0.35, 0.40,  0.45, 0.50, 0.55, 0.60,  0.65, 0.70,
                                                   0.75, 0.80,  0.85, 0.90, 0.95, 0.975, 0.99};
/// Quantiles of a sample by linear interpolation (Hyndman & Fan 1996, type 7).
[[nodiscard]] std::vector<double> quantiles_of(std::span<const double> sample, std::span<const double> probabilities);

/// Everything that is said about one forecast, from its draws.
struct Score {
  double observed = 0;
  std::array<double, kForecastProbabilities.size()> quantiles{};
  double crps = 0;      ///< empirical
  Wis wis;              ///< of `quantiles`
  double log_crps = 0;  ///< of log(1 + x); NaN if draws or observation are below 0
  double log_wis = 0;
  double below = 0;           ///< share of draws below the observation
  double at_or_below = 0;     ///< with those equal to it
  double bias = 0;            ///< 1 - below - at_or_below: 1 = every draw above the observation, -1 = every draw below
  double absolute_error = 0;  ///< of the median
  [[nodiscard]] bool covered(double level) const;  ///< by the central interval of this level, e.g. 0.5, 0.9
};
/// @pre the sample is not empty. @throws InputError for values that are not finite
[[nodiscard]] Score score(std::span<const double> sample, double observed);

/// Non-randomised PIT histogram for counts (Czado, Gneiting & Held 2009): heights of n_bins bins, mean 1 when calibrated.
/// For forecasts without ties it is the ordinary histogram.
[[nodiscard]] std::vector<double> pit_histogram(std::span<const Score> scores, int n_bins);
/// Mean distribution function behind it, at u: mean of clamp((u - below) / (at_or_below - below), 0, 1).
[[nodiscard]] double pit_distribution(std::span<const double> below, std::span<const double> at_or_below, double u);

/// A forecast that another one is compared with; `group` (the programme) is what is independent.
struct Compared {
  std::string group;
  Score ours, theirs;
};
/// Our score over theirs, below 1 is better.
struct Skill {
  double ratio = 0;          ///< of mean WIS, pooled
  double geometric = 0;      ///< geometric mean over groups of the groups' ratios; groups without a ratio are left out
  double low = 0, high = 0;  ///< 90 % interval of `ratio`, bootstrap over groups (dates within a group are dependent)
  std::size_t n_groups = 0, n_forecasts = 0;
};
[[nodiscard]] Skill skill(std::span<const Compared> compared, Key key);

/// Coverage of a level with the limits within which chance alone leaves it.
struct Coverage {
  double level = 0, share = 0;
  double low = 0, high = 0;  ///< of `chance_limits`
  std::size_t n_independent = 0;
};
/// Central 95 % of Binomial(n, level) / n: the shares that chance alone leaves in n independent forecasts.
[[nodiscard]] std::pair<double, double> chance_limits(std::size_t n, double level);
/// @param n_independent forecasts that can be held or missed each by itself: dates of one programme are so together, and
/// count as one
[[nodiscard]] Coverage coverage(std::span<const Score> scores, double level, std::size_t n_independent);

/// Quantiles of realised / forecast from past back-tests: the outside view (Kahneman & Lovallo 1993; Flyvbjerg 2008).
struct OutsideView {
  double p20 = 0, p50 = 0, p80 = 0;
  std::size_t n = 0;
};
/// @throws InputError when there is no ratio or one is not finite
[[nodiscard]] OutsideView outside_view(std::span<const double> realised_over_forecast);
/// Quantiles of what is forecast if it fares as forecasts before: of forecast x ratio, over all pairs.
/// @param forecasts  equally likely; the median alone where nothing else is uncertain about it
/// @param most  no ratio counts for more: what is limited cannot come to more than its limit @pre there is one of both
[[nodiscard]] std::vector<double> reference_quantiles(std::span<const double> forecasts,
                                                      std::span<const double> realised_over_forecast, double most,
                                                      std::span<const double> probabilities);
/// Quantiles of the quantile average of two distributions (Vincentization; Ratcliff 1979): averaged at each probability.
/// @param weight of the second, 0 to 1 @pre as many of both
[[nodiscard]] std::vector<double> quantile_average(std::span<const double> first, std::span<const double> second,
                                                   double weight);

}  // namespace uptake
