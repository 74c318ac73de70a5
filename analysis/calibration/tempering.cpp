// Tempered sequential Monte Carlo (Del Moral, Doucet & Jasra 2006; Duan & Fulop 2015).
#include "calibration/tempering.hpp"

#include "calibration/regression.hpp"

namespace uptake {

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// ln of the sum of exp(scale x), and of the effective size of weights exp(scale x).
struct LogWeights {
  double log_sum = 0, effective = 0;
};
LogWeights log_weights(std::span<const double> logs, double scale) {
  double largest = -kInfinity;
  for (const double l : logs) largest = std::max(largest, l);
  double sum = 0, squares = 0;
  for (const double l : logs) {
    const double w = std::exp(scale * (l - largest));  // 0 for an impossible one at any scale above 0
    sum += w;
    squares += w * w;
  }
  return {scale * largest + std::log(sum), sum * sum / squares};
}

class TemperedRun {
 public:
  TemperedRun(const std::vector<CalibratedParameter>& parameters, const UnconstrainedPrior& prior,
              const LogLikelihood& log_likelihood, const TemperingOptions& options, Control control,
              const TellCalibration& progress)
      : parameters_(parameters),
        prior_(prior),
        log_likelihood_(log_likelihood),
        options_(options),
        control_(std::move(control)),
        tell_(progress) {
    control_.progress = {};
  }

  TemperedResult run() {
    TemperedResult result;
    const bool done = start() && temper();
    result.n_likelihoods = n_likelihoods_;
    result.temperatures = temperatures_;
    if (!done) {
      result.completion = Completion::interrupted;
      return result;
    }
    const std::size_t n = options_.n_particles;
    result.posterior = {n, n_of_p(), values_, std::vector<double>(n, 1.0 / static_cast<double>(n))};
    result.log_evidence = log_evidence_;
    return result;
  }

 private:
  [[nodiscard]] std::size_t n_of_p() const { return parameters_.size(); }
  [[nodiscard]] std::span<double> particle(std::size_t i) { return {values_.data() + i * n_of_p(), n_of_p()}; }
  [[nodiscard]] Key key(Purpose purpose, std::size_t sweep, std::size_t i) const {
    return calibration_key(options_.seed, purpose, temperatures_.size(), sweep, i);
  }

  /// beta grows about in proportion to itself, so that what is left is counted in its doublings.
  void tell(double beta, double acceptance) const {
    if (!tell_) return;
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begun_;
    const double first = temperatures_.empty() ? beta : temperatures_.front().inverse;
    const double made = std::log(beta / first), left = -std::log(beta);
    tell_({.generation = static_cast<int>(temperatures_.size()) + (beta > 0 ? 1 : 0),
           .acceptance = acceptance,
           .way = beta,
           .n_simulations = n_likelihoods_,
           .elapsed = elapsed,
           .remaining = made > 0 ? elapsed * (left / made) : elapsed * 0});
  }

  bool start() {
    const std::size_t n = options_.n_particles, p = n_of_p();
    values_.resize(n * p);
    logs_.resize(n);
    n_likelihoods_ = n;
    const std::size_t done = run_tasks(
        n,
        [&](std::size_t i) {
          std::vector<double> value = prior_.draw(key(Purpose::prior, 0, i));
          value.push_back(log_likelihood_(to_natural(parameters_, value), key(Purpose::likelihood, 0, i)));
          return value;
        },
        [&](std::size_t i, std::vector<double>&& value) {
          std::copy_n(value.begin(), p, particle(i).begin());
          logs_[i] = std::isnan(value[p]) ? -kInfinity : value[p];
        },
        control_);
    if (done < n) return false;
    tell(0, 1);
    if (std::none_of(logs_.begin(), logs_.end(), [](double l) { return l > -kInfinity; })) {
      throw InputError({{"likelihood", "no draw of the prior can have made the observations",
                         "check the observations and the reporting model, or widen the prior"}});
    }
    return true;
  }

  bool temper() {
    const std::size_t n = options_.n_particles;
    double beta = 0, step = 2.38 / std::sqrt(static_cast<double>(n_of_p()));
    while (beta < 1) {
      const double rise = next_rise(1 - beta);
      log_evidence_ += log_weights(logs_, rise).log_sum - std::log(static_cast<double>(n));
      resample(rise);
      beta = rise >= 1 - beta ? 1 : beta + rise;
      Temperature temperature{.inverse = beta, .step = step};
      if (!move(beta, temperature)) return false;
      step *= std::exp(temperature.acceptance - 0.234);  // Roberts, Gelman & Gilks 1997
      temperatures_.push_back(temperature);
    }
    return true;
  }

  /// Largest rise of beta that leaves the wanted effective size.
  [[nodiscard]] double next_rise(double most) const {
    const double wanted = options_.kept * static_cast<double>(options_.n_particles);
    if (log_weights(logs_, most).effective >= wanted) return most;
    double low = 0, high = most;
    for (int halving = 0; halving < 60; ++halving) {
      const double middle = (low + high) / 2;
      (log_weights(logs_, middle).effective >= wanted ? low : high) = middle;
    }
    // Where the impossible are more than half of all, no rise keeps enough: the smallest one drops them.
    return low > 0 ? low : high;
  }

  void resample(double rise) {
    const std::size_t n = options_.n_particles, p = n_of_p();
    const double log_sum = log_weights(logs_, rise).log_sum;
    const auto weight = [&](std::size_t i) { return logs_[i] > -kInfinity ? std::exp(rise * logs_[i] - log_sum) : 0; };
    const double u = uniform_number(key(Purpose::resampling, 0, 0), 0);
    std::vector<double> values(n * p), logs(n);
    double cumulated = weight(0);
    std::size_t from = 0;
    for (std::size_t i = 0; i < n; ++i) {
      while (cumulated < (static_cast<double>(i) + u) / static_cast<double>(n) && from + 1 < n) {
        cumulated += weight(++from);
      }
      std::copy_n(particle(from).begin(), p, values.begin() + static_cast<std::ptrdiff_t>(i * p));
      logs[i] = logs_[from];
    }
    values_ = std::move(values);
    logs_ = std::move(logs);
  }

  bool move(double beta, Temperature& temperature) {
    const std::size_t n = options_.n_particles, p = n_of_p();
    const Matrix spread = spread_of(as_matrix(values_, n, p));
    const std::vector<double> before = values_;
    std::size_t n_accepted = 0;
    double last = kInfinity;
    for (std::size_t sweep = 1; sweep <= options_.most_sweeps; ++sweep) {
      const std::size_t done = run_tasks(
          n, [&](std::size_t i) { return propose(i, sweep, beta, temperature.step, spread); },
          [&](std::size_t i, std::vector<double>&& value) {
            n_likelihoods_ += !value.empty();
            if (value.size() < 2) return;
            ++n_accepted;
            std::copy_n(value.begin(), p, particle(i).begin());
            logs_[i] = value[p];
          },
          control_);
      if (done < n) return false;
      temperature.n_sweeps = static_cast<int>(sweep);
      temperature.acceptance = static_cast<double>(n_accepted) / static_cast<double>(sweep * n);
      temperature.correlation = correlation_with(before);
      tell(beta, temperature.acceptance);
      if (sweep >= options_.fewest_sweeps &&
          (temperature.correlation < options_.forgotten || temperature.correlation > last - 0.01)) {
        break;
      }
      last = temperature.correlation;
    }
    return true;
  }

  /// @return nothing when the prior refuses, one value when the likelihood does, else the new particle with its ln
  /// likelihood
  [[nodiscard]] std::vector<double> propose(std::size_t i, std::size_t sweep, double beta, double step,
                                            const Matrix& spread) {
    const std::size_t p = n_of_p();
    const Key noise = key(Purpose::proposal, sweep, i);
    Eigen::VectorXd z(static_cast<Eigen::Index>(p));
    for (std::size_t j = 0; j < p; ++j) z[static_cast<Eigen::Index>(j)] = normal_number(noise, j);
    const Eigen::VectorXd jump = step * (spread * z);
    std::vector<double> x(particle(i).begin(), particle(i).end());
    const double here = prior_.log_density(x);
    for (std::size_t j = 0; j < p; ++j) x[j] += jump[static_cast<Eigen::Index>(j)];
    const double there = prior_.log_density(x);
    if (!(there > -kInfinity)) return {};
    x.push_back(log_likelihood_(to_natural(parameters_, x_without_last(x, p)), key(Purpose::likelihood, sweep, i)));
    const double log_ratio = there - here + beta * (x[p] - logs_[i]);
    if (!(std::log(uniform_number(key(Purpose::acceptance, sweep, i), 0)) <= log_ratio)) return {0.0};
    return x;
  }
  static std::span<const double> x_without_last(const std::vector<double>& x, std::size_t p) { return {x.data(), p}; }

  /// Largest over parameters.
  [[nodiscard]] double correlation_with(const std::vector<double>& before) const {
    const auto n = options_.n_particles;
    const MatrixView now = as_matrix(values_, n, n_of_p()), then = as_matrix(before, n, n_of_p());
    double largest = 0;
    for (Eigen::Index j = 0; j < now.cols(); ++j) {
      const Eigen::ArrayXd a = now.col(j).array() - now.col(j).mean(), b = then.col(j).array() - then.col(j).mean();
      const double scale = std::sqrt(a.square().sum() * b.square().sum());
      if (scale > 0) largest = std::max(largest, std::abs((a * b).sum()) / scale);
    }
    return largest;
  }

  const std::vector<CalibratedParameter>& parameters_;
  const UnconstrainedPrior& prior_;
  const LogLikelihood& log_likelihood_;
  const TemperingOptions& options_;
  Control control_;
  std::vector<double> values_, logs_;
  std::vector<Temperature> temperatures_;
  double log_evidence_ = 0;
  std::size_t n_likelihoods_ = 0;
  const TellCalibration& tell_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};
}  // namespace

TemperedResult calibrate_tempered(const std::vector<CalibratedParameter>& parameters, const UnconstrainedPrior& prior,
                                  const LogLikelihood& log_likelihood, const TemperingOptions& options,
                                  const Control& control, const TellCalibration& progress) {
  std::vector<Problem> problems;
  if (parameters.empty()) problems.push_back({"parameters", "there is nothing to calibrate", "name at least one"});
  if (prior.n_parameters != parameters.size()) problems.push_back({"prior", "is of another number of parameters", ""});
  if (options.n_particles < 10 * (parameters.size() + 1)) {
    problems.push_back({"particles", "are too few for the covariance of the parameters", "use ten times as many"});
  }
  if (!(options.kept > 0 && options.kept < 1)) problems.push_back({"kept", "is not between 0 and 1", ""});
  if (!problems.empty()) throw InputError(std::move(problems));
  return TemperedRun(parameters, prior, log_likelihood, options, control, progress).run();
}

}  // namespace uptake
