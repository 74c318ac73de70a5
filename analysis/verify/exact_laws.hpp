/// Exact laws of the stepwise chain that the kernel simulates (docs/odd.md 7.1): all tests read the state at
/// the start of a step, a clock of hazard h fires in it with probability 1 - exp(-h dt), moves apply together.
/// Computed by recursion over distributions, never sampled.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "uptake/world.hpp"

namespace uptake {

/// Mean and variance of one unit of a sample (a group, an organisation).
struct Law {
  double mean = 0, variance = 0;
};
/// Law of a 0/1 outcome.
[[nodiscard]] Law indicator_law(double probability);

/// How a hazard becomes the probability of a step. The second is a known mistake, kept to show that the cases reject it.
enum class Firing : std::uint8_t { exponential, hazard_as_probability };
[[nodiscard]] double fires_within(double hazard, double step_years, Firing firing);

/// Adoption in one group where everybody listens to everybody (Bass 1969 as a pure-birth chain): from n in use, each of
/// the others adopts within a step with probability 1 - exp(-(p + q n / n_listened) dt), so jumps are binomial.
struct BirthChain {
  int size = 0;
  int in_use_at_start = 0;
  double p = 0, q = 0;    ///< 1/year
  double n_listened = 0;  ///< denominator of exposure; size - 1 in the model
  double step_years = 0;
  Firing firing = Firing::exponential;
};
/// P(n in use) for n = 0..size after `n_steps`.
[[nodiscard]] std::vector<double> distribution_after(const BirthChain& chain, int n_steps);
/// Law of the fraction in use.
[[nodiscard]] Law fraction_law(const BirthChain& chain, int n_steps);
/// Law of (fraction - its mean)^2, whose mean is the variance of the fraction.
[[nodiscard]] Law fraction_spread_law(const BirthChain& chain, int n_steps);
/// Raw moments E[T], E[T^2], E[T^3], E[T^4] of the time in years at which the whole group is in use.
[[nodiscard]] std::array<double, 4> completion_moments(const BirthChain& chain);

/// Shares of organisations by stage; rows and columns of a matrix in the order of Stage.
using StageShares = std::array<double, kNStages>;
using StageMatrix = std::array<StageShares, kNStages>;

/// What happens to an organisation in a step, given exposure: constant hazards per year but for the decision, p + q a.
struct StageChain {
  double engage = 0;
  double p = 0, q = 0;
  double finish = 0;   ///< hazard of ending the implementation: 1 / mean of an exponential time, rounded up
  double success = 1;  ///< probability at the end of it; failures return to engaged
  double stop = 0, restart = 0;
  SkippedStages skipped{};
  Restart restarting = Restart::constant;
  double step_years = 0;
  Firing firing = Firing::exponential;
};
/// Probability of being in `to` after a step, by `from`.
[[nodiscard]] StageMatrix step_matrix(const StageChain& chain, double exposure);
/// Shares by stage after `n_steps` from `start`, for very many organisations that all listen to all (exposure = share in
/// use). Exact at any size when q = 0.
[[nodiscard]] StageShares shares_after(const StageChain& chain, StageShares start, int n_steps);
/// n times the variance of each share for n organisations to leading order in 1/n: linear noise around `shares_after`
/// (Kurtz 1978, for chains in discrete time), from a start that is not random.
[[nodiscard]] StageShares share_noise_after(const StageChain& chain, StageShares start, int n_steps);

/// P(a sum of `shape` exponential phases of total mean `mean` <= time).
[[nodiscard]] double erlang_cdf(int shape, double mean, double time);

/// Survival in use: exp(-cumulated stop hazard), `first_year` up to age one and `later` after.
[[nodiscard]] double survival(double age, double first_year, double later);
/// P(in use at the start, stopped, and restarted at hazard `restart` within n_steps): a restart is at least one step
/// after the stop.
[[nodiscard]] double stopped_and_restarted(double first_year, double later, double restart, double step_years,
                                           int n_steps);

/// Limit of a smooth function of the step as the step goes to 0, by Richardson extrapolation over halved steps
/// (16 to 512 a year, error of order dt^6): the continuous answer that a stepwise law belongs to.
[[nodiscard]] double continuous_limit(const std::function<double(int steps_per_year)>& law);

}  // namespace uptake
