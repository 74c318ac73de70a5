#include "calibration/reference_class.hpp"

#include <algorithm>
#include <cmath>

#include "calibration/regression.hpp"

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

constexpr std::size_t kStored = 4000;  // draws of each programme that the hierarchy picks from
/// Width of the kernel that makes them, in sds: a tenth of the variance is moved [A].
constexpr double kKernel = 0.3;
constexpr double kMoved = 0.3;  // prior sds by which a mean has moved that says something [A]

bool is_share(Parameter id) { return id == Parameter::susceptible_share || id == Parameter::phi; }
double on_the_line(const Centre& centre) {
  return is_share(centre.id) ? std::log(centre.value / (1 - centre.value)) : std::log(centre.value);
}

/// How far the mean of a parameter has moved, in prior sds.
double moved(const CalibratedParameter& parameter, const WeightedDraws& draws, std::size_t column) {
  const UnconstrainedPrior prior = independent_prior({parameter});
  constexpr std::size_t kDraws = 4000;
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < kDraws; ++i) {
    const double x = prior.draw(calibration_key(identity_of(parameter.name), Purpose::prior, 0, 0, i)).front();
    sum += x;
    squares += x * x;
  }
  const double mean = sum / kDraws, variance = squares / kDraws - mean * mean;
  return (means_of(draws)[column] - mean) / std::sqrt(variance);
}

/// kStored draws of these columns: each is a stored one, drawn towards the mean and moved by a normal with its share of the
/// covariance.
WeightedDraws smoothed(const WeightedDraws& draws, std::span<const std::size_t> columns, const std::string& name) {
  const auto p = static_cast<Eigen::Index>(columns.size());
  WeightedDraws result{.n = kStored, .n_parameters = columns.size(), .values = {}, .weights = {}};
  if (p == 0) return result;
  const std::uint64_t seed = identity_of("smoothed:" + name);
  const WeightedDraws equal = resampled(draws, kStored, calibration_key(seed, Purpose::resampling, 0, 0, 0));
  Matrix values(static_cast<Eigen::Index>(kStored), p);
  for (std::size_t i = 0; i < kStored; ++i)
    for (Eigen::Index c = 0; c < p; ++c)
      values(static_cast<Eigen::Index>(i), c) = equal.row(i)[columns[static_cast<std::size_t>(c)]];
  const Eigen::RowVectorXd mean = values.colwise().mean();
  const Matrix spread = spread_of(MatrixView(values.data(), values.rows(), values.cols()));
  const double shrink = std::sqrt(1 - kKernel * kKernel);
  for (std::size_t i = 0; i < kStored; ++i) {
    const Key key = calibration_key(seed, Purpose::hierarchy, 0, 0, i);
    Eigen::VectorXd z(p);
    for (Eigen::Index c = 0; c < p; ++c) z[c] = normal_number(key, static_cast<std::size_t>(c));
    const Eigen::RowVectorXd moved =
        mean + shrink * (values.row(static_cast<Eigen::Index>(i)) - mean) + kKernel * (spread * z).transpose();
    result.values.insert(result.values.end(), moved.data(), moved.data() + p);
  }
  result.weights.assign(kStored, 1.0 / static_cast<double>(kStored));
  return result;
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
    if (at == parameters.end()) continue;
    const auto column = static_cast<std::size_t>(at - parameters.begin());
    if (contraction[column] < kInformed && std::abs(moved(*at, draws, column)) < kMoved) continue;
    programme.parameters.push_back(k);
    columns.push_back(static_cast<std::size_t>(at - parameters.begin()));
    informed.push_back(*at);
  }
  programme.draws = smoothed(draws, columns, programme.name);
  programme.log_working_prior = independent_prior(informed).log_density;
  return programme;
}

PoolingOptions reference_options(std::uint64_t seed) {
  PoolingOptions options;
  options.seed = seed;
  options.n_iterations = 5000;
  options.n_stored = kStored;
  return options;
}

std::vector<double> drawn_from(const RobustPrior& prior, std::size_t n, std::uint64_t seed) {
  const std::span<const Parameter> rows = pooled_parameters();
  const UnconstrainedPrior mixture = prior_of(prior);
  std::vector<double> values;
  for (std::size_t i = 0; i < n; ++i) {
    constexpr std::size_t kAttempts = 1000;  // the truncated distribution, unless next to nothing of it is possible [A]
    std::vector<double> natural(rows.size());
    for (std::size_t attempt = 0; attempt < kAttempts; ++attempt) {
      const std::vector<double> theta = mixture.draw(calibration_key(seed, Purpose::hierarchy, 1, attempt, i));
      bool is_possible = true;
      for (std::size_t j = 0; j < rows.size(); ++j) {
        natural[j] = is_share(rows[j]) ? 1 / (1 + std::exp(-theta[j])) : std::exp(theta[j]);
        is_possible = is_possible && natural[j] >= spec(rows[j]).lowest && natural[j] <= spec(rows[j]).highest;
      }
      if (is_possible) break;
    }
    for (std::size_t j = 0; j < rows.size(); ++j)
      values.push_back(std::clamp(natural[j], spec(rows[j]).lowest, spec(rows[j]).highest));
  }
  return values;
}

}  // namespace uptake
