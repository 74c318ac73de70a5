/// Past programmes as a reference class: the hierarchy over what their calibrations found.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "calibration/pooling.hpp"
#include "uptake/calibration.hpp"
#include "uptake/record.hpp"

namespace uptake {

/// Columns of the hierarchy, on the real line: log p, log q, logit susceptible_share, logit phi, log tau, log mu1, log mu2.
/// Their mean over programmes is known weakly: centred on the literature, sd 1 (Bass coefficients: Sultan, Farley & Lehmann
/// 1990; start-up: Saldana et al. 2023; the rest [A]).
[[nodiscard]] PoolingModel reference_model();

/// One calibrated programme as the hierarchy takes it: those of the pooled parameters that its record moved (contraction
/// at least kInformed, or a mean that moved by 0.3 prior sds or more; the others say nothing that the working prior has not
/// said), its working prior divided out.
/// Its draws are made 4,000 by a kernel with shrinkage, which keeps their mean and covariance (West 1993; Liu & West 2001),
/// so that the hierarchy has enough to pick from. @param draws unconstrained, columns = parameters; @param contraction by
/// parameter
[[nodiscard]] PooledProgramme pooled_programme(std::string name, std::span<const CalibratedParameter> parameters,
                                               const WeightedDraws& draws, std::span<const double> contraction,
                                               std::vector<double> covariates);

/// The hierarchy needs this many programmes; with fewer than five a warning says that its spread is mostly prior.
inline constexpr std::size_t kFewestPooled = 3;

/// How the hierarchy over the record is sampled.
[[nodiscard]] PoolingOptions reference_options(std::uint64_t seed);

/// Draws of the pooled parameters under a robust prior, in their own units and within the table's ranges (drawn again where not):
/// n x pooled_parameters().
[[nodiscard]] std::vector<double> drawn_from(const RobustPrior& prior, std::size_t n, std::uint64_t seed);

}  // namespace uptake
