/// Calibration: parameter vectors that could have made the observations, and how far to trust them. Everything is written
/// against `Simulator`, and filters against `Stepper`, so that the methods are proved on closed-form functions put in the
/// model's place.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "uptake/ensemble.hpp"
#include "uptake/error.hpp"
#include "uptake/parameters.hpp"
#include "uptake/random.hpp"

namespace uptake {

// ---- what is asked ------------------------------------------------------------------------------------------------

/// One run of a model: parameters in their own units -> summaries, as many as there are observations. The reporting of
/// observations (rounding, sites that do not report) belongs in it. A value that is not finite marks a failed run.
/// Called from many threads; the result must depend on the arguments alone.
using Simulator = std::function<std::vector<double>(std::span<const double> parameters, Key key)>;

/// A model that can be stepped, copied and gone on with. State is a value; a copy is a branch.
/// - start(parameters, key): the state before the first interval;
/// - advance(state, interval): through the interval, the same way for the same state;
/// - observe(state, interval): ln of the probability (density) of what was observed at its end given all before, -infinity
///   if impossible; a state may take up what it learns from it;
/// - reclock(state, key): new luck from here on, as if nothing were known of the old: copies go their own ways.
template <class S>
concept Stepper = requires(const S& stepper, std::span<const double> parameters, Key key, int interval,
                           decltype(stepper.start(parameters, key))& state) {
  requires std::copyable<std::remove_cvref_t<decltype(state)>>;
  stepper.advance(state, interval);
  { stepper.observe(state, interval) } -> std::convertible_to<double>;
  stepper.reclock(state, key);
};

/// A parameter to be found. Values outside [lowest, highest] are impossible: the prior is truncated there.
struct CalibratedParameter {
  std::string name;
  std::string unit = "1";
  Prior prior;
  double lowest = -std::numeric_limits<double>::infinity();
  double highest = std::numeric_limits<double>::infinity();
};

struct Observed {
  std::string name;
  double value = 0;
};

/// Methods work on the whole real line: the logarithm of what is positive, the logit of what lies in an interval.
enum class Scale : std::uint8_t { identity, log, logit };
/// By the support of the prior: normal -> identity; lognormal, half-normal, gamma -> log; beta, uniform -> logit.
[[nodiscard]] Scale scale_of(const CalibratedParameter& parameter);
/// Own units -> real line, and back.
[[nodiscard]] std::vector<double> to_unconstrained(std::span<const CalibratedParameter> parameters,
                                                   std::span<const double> natural);
[[nodiscard]] std::vector<double> to_natural(std::span<const CalibratedParameter> parameters,
                                             std::span<const double> unconstrained);

/// A joint distribution of unconstrained parameters. `log_density` (with the Jacobian of the transformations) may leave
/// out its constant; `draw` and `log_density` must agree.
struct UnconstrainedPrior {
  std::size_t n_parameters = 0;
  std::function<std::vector<double>(Key)> draw;
  std::function<double(std::span<const double>)> log_density;
};
/// Each parameter by its own prior. @throws InputError for priors that are no density (fixed, one_or_uniform)
[[nodiscard]] UnconstrainedPrior independent_prior(const std::vector<CalibratedParameter>& parameters);

/// Variances of its parameters, from 20,000 draws: what contraction is measured against (error of about 1 %).
[[nodiscard]] std::vector<double> variances_of(const UnconstrainedPrior& prior, std::uint64_t seed);

struct CalibrationProblem {
  std::vector<CalibratedParameter> parameters;
  UnconstrainedPrior prior;
  Simulator simulate;
  std::vector<Observed> observed;
};

// ---- keys ---------------------------------------------------------------------------------------------------------

/// What a random number of a calibration is for. Numbers are part of every result, so they are never reused; none is 0,
/// so that no key is that of an ordinary replicate.
enum class Purpose : std::uint8_t {
  prior = 1,
  simulation = 2,
  proposal = 3,
  acceptance = 4,
  survivor = 5,
  resampling = 6,
  predictive = 7,
  likelihood = 8,
  hierarchy = 9,
  baseline = 10,
  truth = 11,
};
/// Packs purpose 8 | generation 12 | sweep 12 | particle 32 into the replicate of a key.
/// @pre each fits its field
[[nodiscard]] inline Key calibration_key(std::uint64_t seed, Purpose purpose, std::size_t generation, std::size_t sweep,
                                         std::size_t particle) {
  UPTAKE_EXPECTS(generation < (1U << 12) && sweep < (1U << 12) && (particle >> 32) == 0);
  return make_key(seed, static_cast<std::uint64_t>(purpose) << 56 | static_cast<std::uint64_t>(generation) << 44 |
                            static_cast<std::uint64_t>(sweep) << 32 | static_cast<std::uint64_t>(particle));
}

// ---- what is found ------------------------------------------------------------------------------------------------

/// Weighted parameter vectors on the real line.
struct WeightedDraws {
  std::size_t n = 0, n_parameters = 0;
  std::vector<double> values;   ///< n x n_parameters
  std::vector<double> weights;  ///< n, sum 1
  [[nodiscard]] std::span<const double> row(std::size_t i) const {
    return {values.data() + i * n_parameters, n_parameters};
  }
};
[[nodiscard]] std::vector<double> means_of(const WeightedDraws& draws);
[[nodiscard]] std::vector<double> sds_of(const WeightedDraws& draws);
/// Smallest value of `parameter` whose cumulated weight reaches `probability`.
[[nodiscard]] double quantile_of(const WeightedDraws& draws, std::size_t parameter, double probability);
/// (sum w)^2 / sum w^2 (Kong, Liu & Wong 1994).
[[nodiscard]] double effective_size(std::span<const double> weights);
/// n draws of equal weight by systematic resampling (Kitagawa 1996) in a random order, so that parts of them are samples.
[[nodiscard]] WeightedDraws resampled(const WeightedDraws& draws, std::size_t n, Key key);

enum class Adjustment : std::uint8_t {
  automatic,        ///< heteroscedastic where the Breusch-Pagan statistic exceeds its 99 % point, else local linear
  local_linear,     ///< Beaumont, Zhang & Balding 2002
  heteroscedastic,  ///< Blum & Francois 2010, with a log-linear spread
  none              ///< far too wide as a posterior; for proofs of the kernel alone
};

struct AbcOptions {
  std::uint64_t seed = 1;
  std::size_t n_particles = 2000;
  double kept = 0.5;                 ///< share of particles that a generation keeps (alpha)
  double never_moved = 0.05;         ///< sweeps go on until a particle stays where it was with at most this chance (c)
  double lowest_acceptance = 0.015;  ///< the last generation is the one that falls below
  std::size_t budget = 100'000;      ///< simulations; looked at after each sweep, so exceeded by less than one sweep
  double largest_step = 0;           ///< of proposals, in units of the cloud's spread; 0 = 2.38 / sqrt(p)
  double target_tolerance = 0;       ///< stop there; the last generation has exactly this tolerance
  std::vector<double> scales;        ///< of the summaries; empty = found from residuals in each generation
  Adjustment adjustment = Adjustment::automatic;
  std::size_t n_predictive = 500;    ///< further simulations at adjusted draws, for the fit of each series
  std::string identity;              ///< of simulator and observations: a checkpoint of another one is refused
  std::filesystem::path checkpoint;  ///< written after each generation and gone on with if there; empty = none
};

/// How far a calibration is; told after each sweep.
struct CalibrationProgress {
  int generation = 0;
  double tolerance = 0;   ///< scaled distance
  double acceptance = 0;  ///< share of proposals of this generation
  double way = 0;         ///< from prior (0) to posterior (1), for methods that go there by known steps
  std::size_t n_simulations = 0, budget = 0;  ///< budget 0 = none
  std::chrono::duration<double> elapsed{0};
  std::chrono::duration<double> remaining{0};  ///< if the whole budget is used; a guess where there is none
};
using TellCalibration = std::function<void(const CalibrationProgress&)>;

struct Generation {
  int number = 0;
  double tolerance = 0, acceptance = 0, step = 0;
  int n_sweeps = 0;
  std::size_t n_simulations = 0;   ///< so far
  std::vector<double> means, sds;  ///< adjusted, unconstrained
};

/// How one observed series is met.
struct SeriesFit {
  std::string name;
  double observed = 0;
  double z = 0;                      ///< (observed - mean) / sd within the final cloud of summaries
  double p05 = 0, p50 = 0, p95 = 0;  ///< posterior predictive
  double pit = 0;                    ///< P(s < y) + P(s = y) / 2 under the posterior predictive
  double p_value = 0;                ///< 2 min(pit, 1 - pit)
};

/// What every calibration says about itself.
struct Diagnostics {
  double effective_size = 0;                ///< 1: of the kernel's weights; at least 0.3 of the particles
  double effective_size_needed = 0;         ///< 2: 10 (d + 1) for d summaries in the regression
  double misfit = 0;                        ///< 3: squared Mahalanobis distance of the observed in the final cloud
  double misfit_p = 0;                      ///< its tail area, chi-squared; below 0.01 the model cannot do it
  double mean_shift = 0, sd_shift = 0;      ///< 4: largest over parameters, last two generations; 0.1 sd and 10 %
  std::vector<double> contraction;          ///< 5: 1 - var(posterior) / var(prior), by parameter
  std::vector<double> raw_to_adjusted;      ///< 6: ratio of sds; above 2 the tolerance is still coarse
  std::vector<SeriesFit> series;            ///< 7
  std::vector<double> correlation;          ///< 8: p x p, row by row
  std::vector<Adjustment> adjustment;       ///< which one each parameter got
  std::size_t n_failed = 0, n_dropped = 0;  ///< failed runs; summaries that never vary
  std::vector<std::string> warnings;        ///< each a sentence
};

enum class Completion : std::uint8_t { complete, interrupted };

struct AbcResult {
  Completion completion = Completion::complete;
  WeightedDraws posterior;        ///< adjusted
  WeightedDraws raw;              ///< the final cloud as it is, weights equal
  std::vector<double> summaries;  ///< n x d, those of `raw`
  std::size_t n_simulations = 0, n_predictive = 0;
  std::vector<Generation> generations;
  Diagnostics diagnostics;
};

/// Replenishment ABC-SMC (Drovandi & Pettitt 2011, Biometrics 67:225) with distances scaled by the residuals of the
/// summaries given the parameters, and regression adjustment (Beaumont, Zhang & Balding 2002). Work per sweep is fixed,
/// so the result has the same bits for any number of threads, interrupted and gone on with or not. When control.stop is
/// requested the generation under way is dropped and the result is that of the last whole one.
/// @throws InputError for a problem that cannot be calibrated (all faults at once), more than 20 % of failed runs
/// @throws FileError for a checkpoint that is another run's or cannot be written
[[nodiscard]] AbcResult calibrate_abc(const CalibrationProblem& problem, const AbcOptions& options,
                                      const Control& control, const TellCalibration& progress = {});

// ---- is the method itself right? ----------------------------------------------------------------------------------

/// Makes a posterior from observations; `seed` is its own for each data set.
using Fit = std::function<WeightedDraws(const std::vector<Observed>& observed, std::uint64_t seed)>;

/// A number that follows from parameters and data, for ranks beyond those of the parameters, which alone cannot see a
/// likelihood that is ignored (Modrak et al. 2023).
struct TestQuantity {
  std::string name;
  std::function<double(std::span<const double> parameters, std::span<const double> observed, Key key)> of;
};

struct SbcOptions {
  std::uint64_t seed = 1;
  std::size_t n_fits = 100;
  std::size_t n_draws = 99;  ///< of each posterior, equally weighted; ranks are 0..n_draws
  std::vector<TestQuantity> quantities;
};

struct Sbc {
  std::size_t n_fits = 0, n_draws = 0;
  std::vector<std::string> names;  ///< parameters, then quantities
  std::vector<std::size_t> ranks;  ///< n_fits x names: number of draws *below* the truth
  /// Chi-squared of a column's ranks in n_bins equal bins; n_bins - 1 degrees of freedom when the method is right.
  [[nodiscard]] double chi_squared(std::size_t column, std::size_t n_bins) const;
  /// Share of fits whose central interval of `level` holds the truth.
  [[nodiscard]] double coverage(std::size_t column, double level) const;
};

/// Simulation-based calibration (Talts et al. 2018, arXiv:1804.06788): truth from the prior, data from the simulator, fit,
/// rank of the truth among draws of the posterior; ranks are uniform if and only if posterior and prior agree on average.
/// Fits run in parallel, so `fit` should be serial within. Ranks that pile up at both ends: too narrow; in the middle:
/// too wide; at one end: biased.
[[nodiscard]] Sbc simulation_based_calibration(const CalibrationProblem& problem, const Fit& fit,
                                               const SbcOptions& options, const Control& control);

/// The diagnostics as text, one per line. @param posterior the adjusted cloud, for quantiles of its parameters
[[nodiscard]] std::string diagnostics_text(std::span<const CalibratedParameter> parameters,
                                           const WeightedDraws& posterior, const Diagnostics& diagnostics,
                                           std::span<const Generation> generations);

}  // namespace uptake
