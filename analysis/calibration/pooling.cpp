#include "calibration/pooling.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "calibration/regression.hpp"
#include "statistics/special_functions.hpp"

namespace uptake {

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();
using Index = Eigen::Index;
using Vector = Eigen::VectorXd;

double log_normal(double x, double mean, double sd) {
  const double z = (x - mean) / sd;
  return -0.5 * z * z - std::log(sd) - 0.5 * std::log(2 * std::numbers::pi);
}

/// Numbers of one chain, one after the other: its order is its own, so it is the same on any thread.
class Numbers {
 public:
  explicit Numbers(Key key) : key_(key) {}
  double uniform() { return uniform_number(key_, next_++); }
  double normal() { return normal_number(key_, next_++); }

 private:
  Key key_;
  std::size_t next_ = 0;
};

/// A programme as the chains use it.
struct Stored {
  std::vector<std::size_t> parameters;
  std::vector<double> values;  // n x columns
  std::vector<double> minus_log_working;
  std::vector<double> covariates;
  [[nodiscard]] std::size_t n() const { return minus_log_working.size(); }
  [[nodiscard]] double value(std::size_t i, std::size_t column) const { return values[i * parameters.size() + column]; }
};

std::vector<Problem> problems_of(const PoolingModel& model, const std::vector<PooledProgramme>& programmes,
                                 const PoolingOptions& options) {
  std::vector<Problem> problems;
  const auto complain = [&](std::string where, std::string what, std::string suggestion = "") {
    problems.push_back({std::move(where), std::move(what), std::move(suggestion)});
  };
  const std::size_t k = model.parameters.size();
  if (k == 0) complain("pooling", "has no parameter to pool", "name at least one");
  if (model.mean.size() != k || model.sd.size() != k || model.spread.size() != k) {
    complain("pooling", fmt::format("needs mean, sd and spread for each of {} parameters", k));
  }
  if (std::ranges::any_of(model.spread, [](double s) { return !(s > 0 && std::isfinite(s)); })) {
    complain("pooling", "has a scale of tau that is not positive", "0.5 is moderate on a log scale");
  }
  if (std::ranges::any_of(model.sd, [](double s) { return !(s > 0); })) complain("pooling", "has an sd of mu below 0");
  if (programmes.empty()) complain("pooling", "has no programme", "calibrate at least one");
  for (const PooledProgramme& programme : programmes) {
    if (programme.draws.n == 0 || programme.draws.n_parameters != programme.parameters.size()) {
      complain(programme.name, "has no draws, or not one column for each of its pooled parameters");
    }
    if (programme.covariates.size() != model.n_covariates) {
      complain(programme.name,
               fmt::format("has {} covariates instead of {}", programme.covariates.size(), model.n_covariates));
    }
    if (std::ranges::any_of(programme.parameters, [&](std::size_t j) { return j >= k; })) {
      complain(programme.name, "informs a parameter that is not pooled");
    }
  }
  for (std::size_t j = 0; j < k && j < model.sd.size(); ++j) {
    const auto n = std::ranges::count_if(programmes, [&](const PooledProgramme& programme) {
      return std::ranges::find(programme.parameters, j) != programme.parameters.end();
    });
    if (n == 0 && std::isinf(model.sd[j])) {
      complain(model.parameters[j], "is informed by no programme and has a flat prior", "give mu a finite sd");
    }
  }
  if (options.n_chains == 0 || options.n_iterations < 4 || options.n_kept == 0 || options.n_stored < 2 ||
      options.n_kept > options.n_chains * options.n_iterations) {
    complain("pooling", "keeps more draws than its chains make, or makes none", "raise the number of iterations");
  }
  return problems;
}

/// One chain of the Gibbs sampler.
class Chain {
 public:
  Chain(const PoolingModel& model, const std::vector<Stored>& programmes, Key key)
      : model_(model), programmes_(programmes), numbers_(key), width_(1 + model.n_covariates) {
    const std::size_t k = model.parameters.size();
    coefficients_.assign(k * width_, 0.0);
    // Over-dispersed starts, so that R-hat can see a chain that is stuck.
    for (std::size_t j = 0; j < k; ++j) tau_.push_back(model.spread[j] * (0.1 + 2 * numbers_.uniform()));
    for (const Stored& programme : programmes) {
      chosen_.push_back(static_cast<std::size_t>(numbers_.uniform() * static_cast<double>(programme.n())));
    }
    effective_.assign(programmes.size(), 0.0);
  }

  void iterate() {
    for (std::size_t j = 0; j < tau_.size(); ++j) {
      draw_coefficients(j);
      draw_tau(j);
    }
    for (std::size_t g = 0; g < programmes_.size(); ++g) draw_programme(g);
    ++n_iterations_;
  }

  /// coefficients, tau, then theta of each programme
  [[nodiscard]] std::vector<double> state() const {
    std::vector<double> all = coefficients_;
    all.insert(all.end(), tau_.begin(), tau_.end());
    for (std::size_t g = 0; g < programmes_.size(); ++g) {
      for (std::size_t c = 0; c < programmes_[g].parameters.size(); ++c) {
        all.push_back(programmes_[g].value(chosen_[g], c));
      }
    }
    return all;
  }
  /// Mean effective share of stored draws, by programme.
  [[nodiscard]] std::vector<double> effective_shares() const {
    std::vector<double> shares = effective_;
    for (double& share : shares) share /= static_cast<double>(n_iterations_);
    return shares;
  }

 private:
  [[nodiscard]] double centre(std::size_t j, std::span<const double> covariates) const {
    double sum = coefficients_[j * width_];
    for (std::size_t c = 0; c < covariates.size(); ++c) sum += coefficients_[j * width_ + 1 + c] * covariates[c];
    return sum;
  }

  /// f(theta_gj, covariates_g) for every programme that informs parameter j.
  template <class Use>
  void each_theta(std::size_t j, const Use& use) const {
    for (std::size_t g = 0; g < programmes_.size(); ++g) {
      const Stored& programme = programmes_[g];
      for (std::size_t c = 0; c < programme.parameters.size(); ++c) {
        if (programme.parameters[c] == j) use(programme.value(chosen_[g], c), programme.covariates);
      }
    }
  }

  /// mu_j and row j of B: a normal regression with normal priors (Gelman et al. 2013, 14.8).
  void draw_coefficients(std::size_t j) {
    const auto width = static_cast<Index>(width_);
    Matrix precision = Matrix::Zero(width, width);
    Vector right = Vector::Zero(width);
    if (std::isfinite(model_.sd[j])) {
      precision(0, 0) = 1 / (model_.sd[j] * model_.sd[j]);
      right[0] = model_.mean[j] * precision(0, 0);
    }
    for (Index c = 1; c < width; ++c) precision(c, c) = 1 / (model_.covariate_sd * model_.covariate_sd);
    const double weight = 1 / (tau_[j] * tau_[j]);
    Vector x(width);
    each_theta(j, [&](double theta, std::span<const double> covariates) {
      x[0] = 1;
      for (std::size_t c = 0; c < covariates.size(); ++c) x[static_cast<Index>(c) + 1] = covariates[c];
      precision += weight * x * x.transpose();
      right += weight * theta * x;
    });
    const Eigen::LLT<Eigen::MatrixXd> factor(precision);
    Vector z(width);
    for (Index c = 0; c < width; ++c) z[c] = numbers_.normal();
    const Vector drawn = factor.solve(right) + Vector(factor.matrixU().solve(z));
    std::copy_n(drawn.data(), width_, coefficients_.begin() + static_cast<std::ptrdiff_t>(j * width_));
  }

  /// Slice sampling of ln tau, stepping out (Neal 2003, figures 3 and 5).
  void draw_tau(std::size_t j) {
    double squares = 0, n = 0;
    each_theta(j, [&](double theta, std::span<const double> covariates) {
      squares += std::pow(theta - centre(j, covariates), 2);
      n += 1;
    });
    const double scale = model_.spread[j];
    const auto log_density = [&](double log_tau) {
      const double tau = std::exp(log_tau), ratio = tau / scale;
      // half-normal prior, the Jacobian of the logarithm, n normals
      return -0.5 * ratio * ratio + log_tau - n * log_tau - squares / (2 * tau * tau);
    };
    constexpr double kWidth = 1;
    const double here = std::log(tau_[j]), level = log_density(here) + std::log(numbers_.uniform());
    double low = here - kWidth * numbers_.uniform(), high = low + kWidth;
    while (log_density(low) > level) low -= kWidth;
    while (log_density(high) > level) high += kWidth;
    for (;;) {
      const double candidate = low + (high - low) * numbers_.uniform();
      if (log_density(candidate) > level) {
        tau_[j] = std::exp(candidate);
        return;
      }
      (candidate < here ? low : high) = candidate;
    }
  }

  /// One of the stored draws, with probability proportional to hierarchy over working prior.
  void draw_programme(std::size_t g) {
    const Stored& programme = programmes_[g];
    const std::size_t columns = programme.parameters.size();
    std::vector<double> centres, halves;
    for (const std::size_t j : programme.parameters) {
      centres.push_back(centre(j, programme.covariates));
      halves.push_back(0.5 / (tau_[j] * tau_[j]));
    }
    logs_.resize(programme.n());
    double largest = -kInfinity;
    for (std::size_t i = 0; i < logs_.size(); ++i) {
      double log = programme.minus_log_working[i];
      for (std::size_t c = 0; c < columns; ++c) {
        const double gap = programme.value(i, c) - centres[c];
        log -= halves[c] * gap * gap;
      }
      logs_[i] = log;
      largest = std::max(largest, log);
    }
    double sum = 0, squares = 0;
    for (double& log : logs_) {
      log = std::exp(log - largest);
      sum += log;
      squares += log * log;
    }
    effective_[g] += sum * sum / squares / static_cast<double>(logs_.size());
    double left = numbers_.uniform() * sum;
    std::size_t i = 0;
    while (i + 1 < logs_.size() && (left -= logs_[i]) > 0) ++i;
    chosen_[g] = i;
  }

  const PoolingModel& model_;
  const std::vector<Stored>& programmes_;
  Numbers numbers_;
  std::size_t width_;
  std::vector<double> coefficients_;  // parameters x (1 + covariates)
  std::vector<double> tau_;
  std::vector<std::size_t> chosen_;
  std::vector<double> effective_, logs_;
  std::size_t n_iterations_ = 0;
};

/// Split R-hat of column `column` of chains (each n x width).
double split_r_hat(const std::vector<std::vector<double>>& chains, std::size_t width, std::size_t column) {
  std::vector<double> means, variances;
  double length = 0;
  for (const auto& chain : chains) {
    const std::size_t half = chain.size() / width / 2;
    length = static_cast<double>(half);
    for (const std::size_t begin : {std::size_t{0}, half}) {
      double mean = 0, squares = 0;
      for (std::size_t i = begin; i < begin + half; ++i) mean += chain[i * width + column] / length;
      for (std::size_t i = begin; i < begin + half; ++i) squares += std::pow(chain[i * width + column] - mean, 2);
      means.push_back(mean);
      variances.push_back(squares / (length - 1));
    }
  }
  const auto m = static_cast<double>(means.size());
  const double grand = std::accumulate(means.begin(), means.end(), 0.0) / m;
  const double within = std::accumulate(variances.begin(), variances.end(), 0.0) / m;
  double between = 0;
  for (const double mean : means) between += length * (mean - grand) * (mean - grand) / (m - 1);
  return within > 0 ? std::sqrt((length - 1) / length + between / length / within) : 1;
}

void add_warnings(const std::vector<PooledProgramme>& programmes, Pooled& pooled) {
  constexpr double kFewestEffective = 0.05, kLargestRHat = 1.05;
  constexpr std::size_t kFewProgrammes = 5;
  std::vector<std::string> few;
  for (std::size_t g = 0; g < programmes.size(); ++g) {
    if (pooled.effective_share[g] < kFewestEffective)
      few.push_back(fmt::format("{} {:.1f} %", programmes[g].name, 100 * pooled.effective_share[g]));
  }
  if (!few.empty()) {
    pooled.warnings.push_back(fmt::format(
        "what the programmes lend each other is coarse: few of the stored draws of some agree with the others ({})",
        fmt::join(few, ", ")));
  }
  if (pooled.largest_r_hat > kLargestRHat) {
    pooled.warnings.push_back(fmt::format("chains have not met (R-hat {:.2f}): more iterations", pooled.largest_r_hat));
  }
  if (programmes.size() < kFewProgrammes) {
    pooled.warnings.push_back(fmt::format(
        "{} programmes say little about how much programmes differ: compare scales of tau of 0.25, 0.5 and 1",
        programmes.size()));
  }
}
}  // namespace

Pooled pool(const PoolingModel& model, const std::vector<PooledProgramme>& programmes, const PoolingOptions& options,
            const Control& control) {
  if (auto problems = problems_of(model, programmes, options); !problems.empty()) {
    throw InputError(std::move(problems));
  }
  std::vector<Stored> stored;
  for (std::size_t g = 0; g < programmes.size(); ++g) {
    const PooledProgramme& programme = programmes[g];
    const WeightedDraws draws =
        resampled(programme.draws, options.n_stored, calibration_key(options.seed, Purpose::hierarchy, 0, 0, g));
    Stored one{programme.parameters, draws.values, {}, programme.covariates};
    for (std::size_t i = 0; i < draws.n; ++i)
      one.minus_log_working.push_back(-programme.log_working_prior(draws.row(i)));
    stored.push_back(std::move(one));
  }
  const std::size_t k = model.parameters.size(), width = 1 + model.n_covariates, n_hyper = k * (width + 1);
  std::size_t n_values = n_hyper;
  for (const Stored& programme : stored) n_values += programme.parameters.size();
  std::vector<std::vector<double>> chains;
  Pooled pooled;
  pooled.model = model;
  pooled.effective_share.assign(programmes.size(), 0.0);
  Control quiet = control;
  quiet.progress = {};
  quiet.stop = {};  // seconds; half a hierarchy is none
  run_tasks(
      options.n_chains,
      [&](std::size_t c) {
        Chain chain(model, stored, calibration_key(options.seed, Purpose::hierarchy, 0, 1, c));
        for (std::size_t i = 0; i < options.n_warm_up; ++i) chain.iterate();
        std::vector<double> all;
        for (std::size_t i = 0; i < options.n_iterations; ++i) {
          chain.iterate();
          const std::vector<double> state = chain.state();
          all.insert(all.end(), state.begin(), state.end());
        }
        const std::vector<double> shares = chain.effective_shares();
        all.insert(all.end(), shares.begin(), shares.end());
        return all;
      },
      [&](std::size_t, std::vector<double>&& all) {
        for (std::size_t g = 0; g < programmes.size(); ++g) {
          pooled.effective_share[g] += all[all.size() - programmes.size() + g] / static_cast<double>(options.n_chains);
        }
        all.resize(all.size() - programmes.size());
        chains.push_back(std::move(all));
      },
      quiet);
  for (std::size_t column = 0; column < n_hyper; ++column) {
    pooled.largest_r_hat = std::max(pooled.largest_r_hat, split_r_hat(chains, n_values, column));
  }
  pooled.n = options.n_kept;
  for (const Stored& programme : stored) {
    pooled.programmes.push_back({pooled.n,
                                 programme.parameters.size(),
                                 {},
                                 std::vector<double>(pooled.n, 1.0 / static_cast<double>(pooled.n))});
  }
  const std::size_t n_made = options.n_chains * options.n_iterations;
  for (std::size_t i = 0; i < pooled.n; ++i) {
    const std::size_t at = i * n_made / pooled.n;
    const double* state = chains[at / options.n_iterations].data() + at % options.n_iterations * n_values;
    for (std::size_t j = 0; j < k; ++j) {
      pooled.mu.push_back(state[j * width]);
      pooled.slopes.insert(pooled.slopes.end(), state + j * width + 1, state + (j + 1) * width);
      pooled.tau.push_back(state[k * width + j]);
    }
    const double* theta = state + n_hyper;
    for (WeightedDraws& programme : pooled.programmes) {
      programme.values.insert(programme.values.end(), theta, theta + programme.n_parameters);
      theta += programme.n_parameters;
    }
  }
  add_warnings(programmes, pooled);
  return pooled;
}

namespace {
double centre_of(const Pooled& pooled, std::size_t draw, std::size_t parameter, std::span<const double> covariates) {
  const std::size_t at = draw * pooled.model.parameters.size() + parameter;
  double sum = pooled.mu[at];
  for (std::size_t c = 0; c < covariates.size(); ++c) sum += pooled.slopes[at * covariates.size() + c] * covariates[c];
  return sum;
}
std::vector<double> predictive_draw(const Pooled& pooled, std::size_t draw, std::span<const double> covariates,
                                    Key key) {
  std::vector<double> theta;
  for (std::size_t j = 0; j < pooled.model.parameters.size(); ++j) {
    theta.push_back(centre_of(pooled, draw, j, covariates) +
                    pooled.tau[draw * pooled.model.parameters.size() + j] * normal_number(key, j));
  }
  return theta;
}

struct LogParts {
  double pooled = 0, vague = 0;  ///< ln of weight times density
};
/// ln of the mean of exp.
double log_mean(std::span<const double> logs) {
  const double largest = *std::ranges::max_element(logs);
  double sum = 0;
  for (const double log : logs) sum += std::exp(log - largest);
  return largest + std::log(sum / static_cast<double>(logs.size()));
}
/// @param parameters of the model, whose values theta holds: the others are integrated out
LogParts log_parts(const RobustPrior& robust, std::span<const std::size_t> parameters, std::span<const double> theta) {
  const Pooled& pooled = robust.pooled;
  const std::size_t k = pooled.model.parameters.size();
  LogParts parts{.vague = std::log(1 - robust.weight)};
  std::vector<double> logs(pooled.n);
  for (std::size_t c = 0; c < parameters.size(); ++c) {
    const std::size_t j = parameters[c];
    parts.vague += log_normal(theta[c], robust.vague_mean[j], robust.vague_sd[j]);
    for (std::size_t i = 0; i < pooled.n; ++i)
      logs[i] += log_normal(theta[c], centre_of(pooled, i, j, robust.covariates), pooled.tau[i * k + j]);
  }
  parts.pooled = std::log(robust.weight) + log_mean(logs);
  return parts;
}
std::vector<std::size_t> all_parameters(const PoolingModel& model) {
  std::vector<std::size_t> all(model.parameters.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}
constexpr std::size_t kEvidenceDraws = 1000;  // of a programme, for its evidences [A]
}  // namespace

WeightedDraws predictive(const Pooled& pooled, std::span<const double> covariates, Key key) {
  UPTAKE_EXPECTS(covariates.size() == pooled.model.n_covariates);
  WeightedDraws draws{
      pooled.n, pooled.model.parameters.size(), {}, std::vector<double>(pooled.n, 1.0 / static_cast<double>(pooled.n))};
  for (std::size_t i = 0; i < pooled.n; ++i) {
    const auto theta = predictive_draw(pooled, i, covariates, calibration_key(key.value, Purpose::hierarchy, 0, 2, i));
    draws.values.insert(draws.values.end(), theta.begin(), theta.end());
  }
  return draws;
}

UnconstrainedPrior prior_of(const RobustPrior& robust) {
  const std::size_t k = robust.pooled.model.parameters.size();
  std::vector<Problem> problems;
  if (robust.vague_mean.size() != k || robust.vague_sd.size() != k) {
    problems.push_back({"robust prior", fmt::format("needs a vague mean and sd for each of {} parameters", k), ""});
  }
  if (!(robust.weight > 0 && robust.weight < 1)) {
    problems.push_back(
        {"robust prior", fmt::format("weight {} is not between 0 and 1", robust.weight), "0.8 is usual"});
  }
  if (robust.covariates.size() != robust.pooled.model.n_covariates) {
    problems.push_back({"robust prior", "has another number of covariates than the hierarchy", ""});
  }
  if (!problems.empty()) throw InputError(std::move(problems));
  return {.n_parameters = k,
          .draw =
              [robust, k](Key key) {
                if (uniform_number(key, k) < robust.weight) {
                  const auto i =
                      static_cast<std::size_t>(uniform_number(key, k + 1) * static_cast<double>(robust.pooled.n));
                  return predictive_draw(robust.pooled, i, robust.covariates, key);
                }
                std::vector<double> theta;
                for (std::size_t j = 0; j < k; ++j) {
                  theta.push_back(robust.vague_mean[j] + robust.vague_sd[j] * normal_number(key, j));
                }
                return theta;
              },
          .log_density =
              [robust, all = all_parameters(robust.pooled.model)](std::span<const double> theta) {
                const LogParts parts = log_parts(robust, all, theta);
                const double larger = std::max(parts.pooled, parts.vague);
                return larger + std::log(std::exp(parts.pooled - larger) + std::exp(parts.vague - larger));
              }};
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

double vague_weight(const RobustPrior& robust, const PooledProgramme& programme) {
  const bool is_proper =
      std::ranges::all_of(programme.parameters, [&](std::size_t j) { return std::isfinite(robust.vague_sd[j]); });
  const std::size_t n = std::min(programme.draws.n, kEvidenceDraws);
  if (!is_proper || n == 0 || programme.parameters.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> pooled(n), vague(n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t at = i * programme.draws.n / n;
    const std::span<const double> theta = programme.draws.row(at);
    const LogParts parts = log_parts(robust, programme.parameters, theta);
    const double own = std::log(programme.draws.weights[at]) - programme.log_working_prior(theta);
    pooled[i] = parts.pooled + own;
    vague[i] = parts.vague + own;
  }
  return 1 / (1 + std::exp(log_mean(pooled) - log_mean(vague)));
}

LeaveOneOut leave_one_out(const PoolingModel& model, const std::vector<PooledProgramme>& programmes,
                          const PoolingOptions& options, const Control& control) {
  if (programmes.size() < 2) {
    throw InputError({{"pooling", "one programme cannot be left out", "pool at least two"}});
  }
  LeaveOneOut result;
  double n50 = 0, n90 = 0, n = 0;
  for (std::size_t g = 0; g < programmes.size(); ++g) {
    std::vector<PooledProgramme> others = programmes;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(g));
    const Pooled pooled = pool(model, others, options, control);
    const WeightedDraws new_one =
        predictive(pooled, programmes[g].covariates, calibration_key(options.seed, Purpose::predictive, 0, 0, g));
    const WeightedDraws own =
        resampled(programmes[g].draws, new_one.n, calibration_key(options.seed, Purpose::resampling, 0, 0, g));
    LeftOut left_out{programmes[g].name,
                     programmes[g].parameters,
                     {},
                     vague_weight(robust_prior(pooled, programmes[g].covariates), programmes[g])};
    for (std::size_t c = 0; c < programmes[g].parameters.size(); ++c) {
      double below = 0;
      for (std::size_t i = 0; i < new_one.n; ++i) below += new_one.row(i)[programmes[g].parameters[c]] < own.row(i)[c];
      const double pit = below / static_cast<double>(new_one.n);
      left_out.pit.push_back(pit);
      n50 += pit >= 0.25 && pit <= 0.75;
      n90 += pit >= 0.05 && pit <= 0.95;
      n += 1;
    }
    result.programmes.push_back(std::move(left_out));
  }
  result.covered50 = n50 / n;
  result.covered90 = n90 / n;
  return result;
}

NormalPool pool_normal(std::span<const double> y, std::span<const double> s, double spread) {
  UPTAKE_EXPECTS(y.size() == s.size() && !y.empty() && spread > 0);
  // Midpoint rule over tau up to 8 scales, where the half-normal prior has nothing left.
  constexpr int kSteps = 40'000;
  const double step = 8 * spread / kSteps;
  double mass = 0, mu1 = 0, mu2 = 0, tau1 = 0, tau2 = 0;
  std::vector<double> means(y.size(), 0.0);
  for (int i = 0; i < kSteps; ++i) {
    const double tau = (i + 0.5) * step;
    double precision = 0, weighted = 0;
    for (std::size_t g = 0; g < y.size(); ++g) {
      const double w = 1 / (s[g] * s[g] + tau * tau);
      precision += w;
      weighted += w * y[g];
    }
    const double mu = weighted / precision;
    double log = -0.5 * tau * tau / (spread * spread) - 0.5 * std::log(precision);
    for (std::size_t g = 0; g < y.size(); ++g) log += log_normal(y[g], mu, std::hypot(s[g], tau));
    const double w = std::exp(log);
    mass += w;
    mu1 += w * mu;
    mu2 += w * (mu * mu + 1 / precision);
    tau1 += w * tau;
    tau2 += w * tau * tau;
    for (std::size_t g = 0; g < y.size(); ++g) {
      const double own = 1 / (s[g] * s[g]), common = 1 / (tau * tau);
      means[g] += w * (own * y[g] + common * mu) / (own + common);
    }
  }
  NormalPool result;
  result.mu_mean = mu1 / mass;
  result.mu_sd = std::sqrt(mu2 / mass - result.mu_mean * result.mu_mean);
  result.tau_mean = tau1 / mass;
  result.tau_sd = std::sqrt(tau2 / mass - result.tau_mean * result.tau_mean);
  result.predictive_mean = result.mu_mean;
  result.predictive_sd = std::sqrt(result.mu_sd * result.mu_sd + tau2 / mass);
  for (double& mean : means) mean /= mass;
  result.means = means;
  return result;
}

}  // namespace uptake
