/// The second method, exact up to Monte-Carlo error where the likelihood, or an unbiased estimate of it by a particle
/// filter, can be had; and the fast one, approximate.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

#include "uptake/calibration.hpp"

namespace uptake {

// ---- particle filter ----------------------------------------------------------------------------------------------

struct FilterOptions {
  std::size_t n_states = 100;
  double resample_below = 0.5;  ///< share of effective states
};

/// Key of state `state` at `interval` under the filter's own key. @pre both fit 32 bits
[[nodiscard]] inline Key filter_key(Key key, int interval, std::size_t state) {
  return make_key(key.value, static_cast<std::uint64_t>(interval + 1) << 32 | static_cast<std::uint64_t>(state));
}

/// Where a filter ends: states with weights that sum to 1, and ln of an unbiased estimate of the likelihood.
template <class State>
struct Filtered {
  double log_likelihood = 0;
  std::vector<State> states;  ///< empty when no state can have made an observation
  std::vector<double> weights;
};

/// Systematic resampling: for each of n_copies the number of the state that it is a copy of, ascending.
[[nodiscard]] inline std::vector<std::size_t> resampled_states(std::span<const double> weights, std::size_t n_copies,
                                                               double u) {
  std::vector<std::size_t> from(n_copies);
  double cumulated = weights[0];
  std::size_t at = 0;
  for (std::size_t i = 0; i < n_copies; ++i) {
    while (cumulated < (static_cast<double>(i) + u) / static_cast<double>(n_copies) && at + 1 < weights.size()) {
      cumulated += weights[++at];
    }
    from[i] = at;
  }
  return from;
}

/// Bootstrap filter (Gordon, Salmond & Smith 1993) with systematic resampling over intervals 0..n_intervals - 1; the
/// estimate of the likelihood is unbiased (Del Moral 2004, section 9.4.1), and -infinity when no state can have made an
/// observation.
template <Stepper S>
[[nodiscard]] auto filtered(const S& stepper, std::span<const double> parameters, int n_intervals,
                            const FilterOptions& options, Key key) {
  using State = std::remove_cvref_t<decltype(stepper.start(parameters, key))>;
  const std::size_t n = options.n_states;
  Filtered<State> result;
  std::vector<State>& states = result.states;
  std::vector<double>& weights = result.weights;
  states.reserve(n);
  for (std::size_t i = 0; i < n; ++i) states.push_back(stepper.start(parameters, filter_key(key, -1, i)));
  weights.assign(n, 1.0 / static_cast<double>(n));
  std::vector<double> logs(n);
  const auto impossible = [&] {
    result.log_likelihood = -std::numeric_limits<double>::infinity();
    states.clear();
    weights.clear();
    return std::move(result);
  };
  for (int interval = 0; interval < n_intervals; ++interval) {
    for (std::size_t i = 0; i < n; ++i) {
      stepper.advance(states[i], interval);
      logs[i] = stepper.observe(states[i], interval);
    }
    const double largest = *std::max_element(logs.begin(), logs.end());
    if (!(largest > -std::numeric_limits<double>::infinity())) return impossible();
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < n; ++i) {
      weights[i] *= std::exp(logs[i] - largest);
      sum += weights[i];
    }
    // States that could have made it may all have lost their weight before.
    if (!(sum > 0)) return impossible();
    result.log_likelihood += largest + std::log(sum);
    for (double& weight : weights) {
      weight /= sum;
      squares += weight * weight;
    }
    if (interval + 1 == n_intervals || 1 / squares >= options.resample_below * static_cast<double>(n)) continue;
    const double u = uniform_number(filter_key(key, interval, n), 0);
    std::vector<State> copies;
    copies.reserve(n);
    for (const std::size_t from : resampled_states(weights, n, u)) {
      copies.push_back(states[from]);
      stepper.reclock(copies.back(), filter_key(key, interval, copies.size() - 1));
    }
    states = std::move(copies);
    std::fill(weights.begin(), weights.end(), 1.0 / static_cast<double>(n));
  }
  return result;
}

/// The likelihood alone.
template <Stepper S>
[[nodiscard]] double filtered_log_likelihood(const S& stepper, std::span<const double> parameters, int n_intervals,
                                             const FilterOptions& options, Key key) {
  return filtered(stepper, parameters, n_intervals, options, key).log_likelihood;
}

// ---- tempering ----------------------------------------------------------------------------------------------------

/// ln of the likelihood of parameters in their own units, or of an unbiased estimate that is a function of the key.
using LogLikelihood = std::function<double(std::span<const double> parameters, Key key)>;

struct TemperingOptions {
  std::uint64_t seed = 1;
  std::size_t n_particles = 1000;
  double kept = 0.5;  ///< effective share of particles that sets the next temperature
  std::size_t fewest_sweeps = 5, most_sweeps = 20;
  double forgotten = 0.25;  ///< sweeps end when no parameter correlates more than this with its start [A]
};

struct Temperature {
  double inverse = 0;  ///< beta, from 0 to 1
  double acceptance = 0, step = 0, correlation = 0;
  int n_sweeps = 0;
};

struct TemperedResult {
  Completion completion = Completion::complete;
  WeightedDraws posterior;  ///< equal weights
  double log_evidence = 0;  ///< ln of the probability (density) of the observations
  std::size_t n_likelihoods = 0;
  std::vector<Temperature> temperatures;
};

/// Sequential Monte Carlo through prior x likelihood^beta, beta from 0 to 1 (Del Moral, Doucet & Jasra 2006; with
/// estimated likelihoods Duan & Fulop 2015, J. Business & Economic Statistics 33:192): the estimate belongs to the
/// particle and is never made again, so that at beta = 1 the posterior is exact (Andrieu & Roberts 2009). Temperatures by
/// bisection on the effective size, systematic resampling, random-walk moves. A stop request leaves with `interrupted`
/// and no posterior. The result has the same bits for any number of threads.
/// @throws InputError when no draw of the prior can have made the observations
[[nodiscard]] TemperedResult calibrate_tempered(const std::vector<CalibratedParameter>& parameters,
                                                const UnconstrainedPrior& prior, const LogLikelihood& log_likelihood,
                                                const TemperingOptions& options, const Control& control,
                                                const TellCalibration& progress = {});

// ---- ensemble Kalman inversion ------------------------------------------------------------------------------------

struct KalmanOptions {
  std::uint64_t seed = 1;
  std::size_t n_members = 0;  ///< 0 = max(100, 10 p)
  std::size_t n_replicates = 10;
  int most_steps = 50;
};

struct KalmanResult {
  Completion completion = Completion::complete;
  WeightedDraws posterior;  ///< APPROXIMATE: for a first look; too wide for counts
  std::size_t n_simulations = 0, n_failed = 0;
  std::vector<double> steps;  ///< sizes in pseudo-time, sum 1
};

/// Ensemble transform Kalman inversion to pseudo-time 1 (Iglesias, Law & Stuart 2013; transform form after Bishop et al.
/// 2001) with steps by the data misfit (Iglesias & Yang 2021, doi:10.1088/1361-6420/abd29b). Exact for linear models with
/// normal noise and prior as the ensemble grows, approximate for all others.
/// @throws InputError when more than half of the members fail
[[nodiscard]] KalmanResult calibrate_kalman(const CalibrationProblem& problem, const KalmanOptions& options,
                                            const Control& control, const TellCalibration& progress = {});

/// One step of it. @param members n x p; @param outputs n x d; @param observed d; @param noise d x d, covariance
[[nodiscard]] std::vector<double> kalman_step(std::span<const double> members, std::span<const double> outputs,
                                              std::span<const double> observed, std::span<const double> noise,
                                              double step);

}  // namespace uptake
