/// What past programmes say about a new one: a hierarchical model over their posteriors, without new simulations.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "uptake/calibration.hpp"

namespace uptake {

/// One past programme, calibrated alone under a broad working prior.
struct PooledProgramme {
  std::string name;
  std::vector<std::size_t> parameters;  ///< which of the pooled parameters it informs: the columns of `draws`
  WeightedDraws draws;                  ///< its posterior, unconstrained, these columns only
  /// ln of the working prior of these columns, constants left out: it is divided out.
  std::function<double(std::span<const double>)> log_working_prior;
  std::vector<double> covariates;  ///< what kind of programme it is; the same number for all
};

/// theta_g = mu + B x_g + tau eta_g, eta ~ N(0, I), by pooled parameter.
struct PoolingModel {
  std::vector<std::string> parameters;  ///< e.g. "log p", "log q", "logit susceptible_share"
  std::vector<double> mean, sd;         ///< prior of mu, by parameter; an infinite sd is flat
  std::vector<double> spread;           ///< tau ~ half-normal of this scale, by parameter; 0.5 moderate, 1 cautious [A]
  std::size_t n_covariates = 0;
  double covariate_sd = 0.5;  ///< prior of every coefficient in B ~ N(0, covariate_sd^2) [A]
};

struct PoolingOptions {
  std::uint64_t seed = 1;
  std::size_t n_chains = 4, n_warm_up = 500, n_iterations = 2500;  ///< iterations after the warm-up
  std::size_t n_kept = 1000;                                       ///< draws kept of all chains together
  std::size_t n_stored = 1000;  ///< draws of each programme's posterior that take part
};

struct Pooled {
  PoolingModel model;
  std::size_t n = 0;                      ///< draws kept
  std::vector<double> mu;                 ///< n x parameters
  std::vector<double> slopes;             ///< n x parameters x covariates
  std::vector<double> tau;                ///< n x parameters
  std::vector<WeightedDraws> programmes;  ///< posteriors with what they lend each other, n draws each
  std::vector<double> effective_share;    ///< by programme: mean effective share of its stored draws
  double largest_r_hat = 0;               ///< split R-hat over mu, slopes and tau (Gelman et al. 2013, 11.4)
  std::vector<std::string> warnings;
};

/// Gibbs sampling of mu, B, tau and of theta_g among each programme's stored draws, with the working prior divided out
/// (two-stage meta-analysis: Lunn et al. 2013, Statistical Methods in Medical Research 22:117); tau by slice sampling
/// (Neal 2003). Exact up to Monte-Carlo error while stored draws are many where the hierarchy wants them; a warning says
/// when they are not. @throws InputError, all faults at once
[[nodiscard]] Pooled pool(const PoolingModel& model, const std::vector<PooledProgramme>& programmes,
                          const PoolingOptions& options, const Control& control);

/// Parameters of a programme that nothing is known of but its covariates (Neuenschwander et al. 2010, the
/// meta-analytic-predictive prior): one draw for each draw of the hierarchy.
[[nodiscard]] WeightedDraws predictive(const Pooled& pooled, std::span<const double> covariates, Key key);

/// w MAP + (1 - w) vague (Schmidli et al. 2014, Biometrics 70:1023): a new innovation need not be like the past ones.
struct RobustPrior {
  Pooled pooled;
  std::vector<double> covariates;
  double weight = 0.8;                       ///< of the pooled part [A]; of the order of Schmidli et al.'s examples
  std::vector<double> vague_mean, vague_sd;  ///< independent normals
};
[[nodiscard]] UnconstrainedPrior prior_of(const RobustPrior& robust);
/// Prior of a programme with these covariates that nothing else is known of; its vague part is what the hierarchy says
/// before any programme is seen.
[[nodiscard]] RobustPrior robust_prior(Pooled pooled, std::vector<double> covariates);
/// Probability of the vague part once a programme's own data are known: above kUnlike it behaves unlike the reference
/// class. Evidences are means over its stored draws of a part's density over that of the working prior, so that nothing
/// is simulated. NaN where the vague part is flat, and of a programme that informs no parameter.
[[nodiscard]] double vague_weight(const RobustPrior& robust, const PooledProgramme& programme);
inline constexpr double kUnlike = 0.5;

/// How the pooled prior would have done on each past programme had it been the new one.
struct LeftOut {
  std::string programme;
  std::vector<std::size_t> parameters;  ///< of the model
  std::vector<double> pit;  ///< by its parameters: P(predictive of the others < its own), its own uncertainty counted
  double vague_weight = 0;  ///< in the robust prior that the others make
};
struct LeaveOneOut {
  std::vector<LeftOut> programmes;
  double covered50 = 0, covered90 = 0;  ///< shares of all parameters of all programmes
};
[[nodiscard]] LeaveOneOut leave_one_out(const PoolingModel& model, const std::vector<PooledProgramme>& programmes,
                                        const PoolingOptions& options, const Control& control);

/// Closed form for one parameter known as y +- s in each programme: flat mu, tau ~ half-normal, by quadrature over tau
/// (Rubin 1981; Gelman et al. 2013, 5.4). The cross-check of `pool` where posteriors are nearly normal.
struct NormalPool {
  double mu_mean = 0, mu_sd = 0, tau_mean = 0, tau_sd = 0;
  double predictive_mean = 0, predictive_sd = 0;
  std::vector<double> means;  ///< of each programme
};
[[nodiscard]] NormalPool pool_normal(std::span<const double> y, std::span<const double> s, double spread);

}  // namespace uptake
