#include "uptake/reference_class.hpp"

#include <algorithm>
#include <cmath>

namespace uptake {

namespace {
/// Centre of each pooled parameter, in its own unit, before any programme is seen.
struct Centre {
  Parameter id;
  double value;
};
// p: commissioned programmes decide faster than markets (0.03 a year), of the order of once in two years [A], as in the
// working priors. q: Sultan, Farley & Lehmann 1990 by way of secondary sources. Susceptible share: Beta(4, 2). phi:
// Saldana et al. 2023 (0.64). tau [A]. mu: 49 sites followed for six years (0.78 in use after one year, 0.47 after six).
constexpr std::array kCentres{
    Centre{Parameter::p, 0.4},    Centre{Parameter::q, 0.38},  Centre{Parameter::susceptible_share, 2.0 / 3},
    Centre{Parameter::phi, 0.64}, Centre{Parameter::tau, 0.5}, Centre{Parameter::mu1, 0.25},
    Centre{Parameter::mu2, 0.10}};
constexpr double kSdOfMean = 1;  // on the log or logit [A]
constexpr double kSpread = 0.5;  // half-normal scale of tau: moderate (Neuenschwander & Schmidli 2020)

bool is_share(Parameter id) { return id == Parameter::susceptible_share || id == Parameter::phi; }
double on_the_line(const Centre& centre) {
  return is_share(centre.id) ? std::log(centre.value / (1 - centre.value)) : std::log(centre.value);
}
}  // namespace

PoolingModel reference_model() {
  PoolingModel model;
  for (const Centre& centre : kCentres) {
    const std::string_view key = spec(centre.id).key;
    model.parameters.push_back(std::string(is_share(centre.id) ? "logit " : "log ") +
                               std::string(key.substr(key.rfind('.') + 1)));
    model.mean.push_back(on_the_line(centre));
    model.sd.push_back(kSdOfMean);
    model.spread.push_back(kSpread);
  }
  model.n_covariates = covariate_names().size();
  return model;
}

PooledProgramme pooled_programme(std::string name, std::span<const CalibratedParameter> parameters,
                                 const WeightedDraws& draws, std::span<const double> contraction,
                                 std::vector<double> covariates) {
  PooledProgramme programme;
  programme.name = std::move(name);
  programme.covariates = std::move(covariates);
  const std::span<const Parameter> pooled = pooled_parameters();
  std::vector<std::size_t> columns;
  std::vector<CalibratedParameter> informed;
  for (std::size_t k = 0; k < pooled.size(); ++k) {
    const auto at = std::ranges::find(parameters, spec(pooled[k]).key, &CalibratedParameter::name);
    if (at == parameters.end() || contraction[static_cast<std::size_t>(at - parameters.begin())] < kInformed) continue;
    programme.parameters.push_back(k);
    columns.push_back(static_cast<std::size_t>(at - parameters.begin()));
    informed.push_back(*at);
  }
  programme.draws = {.n = draws.n, .n_parameters = columns.size(), .values = {}, .weights = draws.weights};
  for (std::size_t i = 0; i < draws.n; ++i)
    for (const std::size_t column : columns) programme.draws.values.push_back(draws.row(i)[column]);
  programme.log_working_prior = independent_prior(informed).log_density;
  return programme;
}

RobustPrior robust_prior(Pooled pooled, std::vector<double> covariates) {
  RobustPrior robust;
  robust.pooled = std::move(pooled);
  robust.covariates = std::move(covariates);
  robust.vague_mean = robust.pooled.model.mean;
  for (std::size_t k = 0; k < robust.pooled.model.sd.size(); ++k)
    robust.vague_sd.push_back(std::hypot(robust.pooled.model.sd[k], robust.pooled.model.spread[k]));
  return robust;
}

}  // namespace uptake
