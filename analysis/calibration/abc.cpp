// Replenishment ABC-SMC (Drovandi & Pettitt 2011, Biometrics 67:225): equal weights, a fixed amount of work per sweep.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <numeric>

#include "calibration/abc_diagnostics.hpp"
#include "calibration/abc_state.hpp"
#include "calibration/regression.hpp"
#include "uptake/calibration.hpp"

namespace uptake {

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// A model that fails more often than this under its own prior is not calibrated but mended [A].
constexpr double kLargestFailedShare = 0.2;

std::vector<Problem> problems_of(const CalibrationProblem& problem, const AbcOptions& options) {
  std::vector<Problem> problems;
  const std::size_t p = problem.parameters.size(), d = problem.observed.size();
  const auto complain = [&](std::string where, std::string what, std::string suggestion) {
    problems.push_back({std::move(where), std::move(what), std::move(suggestion)});
  };
  if (p == 0) complain("parameters", "there is nothing to calibrate", "name at least one parameter");
  if (d == 0) complain("observations", "there is nothing to calibrate with", "give at least one observation");
  for (const Observed& observed : problem.observed) {
    if (!std::isfinite(observed.value)) complain(observed.name, "observation is not a finite number", "leave it out");
  }
  if (problem.prior.n_parameters != p) {
    complain("prior", fmt::format("is of {} parameters instead of {}", problem.prior.n_parameters, p), "");
  }
  if (options.n_particles < 10 * (p + d + 2)) {
    complain("particles", fmt::format("{} are too few for {} parameters and {} summaries", options.n_particles, p, d),
             fmt::format("use at least {}", 10 * (p + d + 2)));
  }
  const auto share = [&](const char* name, double value) {
    if (!(value > 0 && value < 1)) complain(name, fmt::format("{} is not between 0 and 1", value), "");
  };
  share("kept", options.kept);
  share("never_moved", options.never_moved);
  share("lowest_acceptance", options.lowest_acceptance);
  if (options.budget < options.n_particles) {
    complain("budget",
             fmt::format("{} simulations are fewer than the {} particles", options.budget, options.n_particles),
             "raise the budget or use fewer particles");
  }
  if (!options.scales.empty() && options.scales.size() != d) {
    complain("scales", fmt::format("{} are given for {} summaries", options.scales.size(), d), "");
  }
  return problems;
}

/// Everything that decides the result, for refusing a checkpoint of something else.
std::uint64_t identity_of_run(const CalibrationProblem& problem, const AbcOptions& o) {
  std::string text = fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", o.identity, o.seed, o.n_particles, o.kept,
                                 o.never_moved, o.lowest_acceptance, o.budget, o.largest_step, o.target_tolerance,
                                 fmt::join(o.scales, ","), static_cast<int>(o.adjustment));
  for (const CalibratedParameter& parameter : problem.parameters) {
    text += fmt::format("|{}~{} {} {}", parameter.name, to_text(parameter.prior), parameter.lowest, parameter.highest);
  }
  for (const Observed& observed : problem.observed) text += fmt::format("|{}={}", observed.name, observed.value);
  return identity_of(text);
}

bool all_finite(std::span<const double> values) {
  return std::ranges::all_of(values, [](double v) { return std::isfinite(v); });
}

class AbcRun {
 public:
  AbcRun(const CalibrationProblem& problem, const AbcOptions& options, Control control, const TellCalibration& progress)
      : problem_(problem), options_(options), control_(std::move(control)), tell_(progress) {
    control_.progress = {};
    for (const Observed& observed : problem.observed) observed_.push_back(observed.value);
    largest_step_ = options.largest_step > 0 ? options.largest_step : 2.38 / std::sqrt(static_cast<double>(n_of_p()));
  }

  AbcResult run() {
    const std::uint64_t identity = identity_of_run(problem_, options_);
    std::optional<AbcState> saved = load(identity);
    AbcResult result;
    if (saved) {
      state_ = std::move(*saved);
    } else if (draw_prior()) {
      save(identity);
    } else {
      result.completion = Completion::interrupted;
      return result;
    }
    n_before_ = state_.n_simulations;
    while (!state_.finished) {
      AbcState before = state_;
      if (!next_generation()) {
        state_ = std::move(before);
        result.completion = Completion::interrupted;
        break;
      }
      save(identity);
    }
    conclude(result);
    return result;
  }

 private:
  [[nodiscard]] std::size_t n_of_p() const { return problem_.parameters.size(); }
  [[nodiscard]] std::size_t n_of_d() const { return observed_.size(); }
  [[nodiscard]] std::span<double> particle(std::size_t i) {
    return {state_.parameters.data() + i * n_of_p(), n_of_p()};
  }
  [[nodiscard]] std::span<double> summary(std::size_t i) { return {state_.summaries.data() + i * n_of_d(), n_of_d()}; }
  [[nodiscard]] Key key(Purpose purpose, std::size_t sweep, std::size_t i) const {
    return calibration_key(options_.seed, purpose, generation_, sweep, i);
  }
  [[nodiscard]] bool first() const { return control_.team == nullptr || control_.team->rank == 0; }
  /// One of a team keeps the checkpoint: others might find an older one on their file system.
  [[nodiscard]] std::optional<AbcState> load(std::uint64_t identity) const {
    if (options_.checkpoint.empty()) return std::nullopt;
    std::string bytes = first() ? read_checkpoint(options_.checkpoint) : std::string();
    if (control_.team != nullptr) bytes = control_.team->exchange(bytes).front();
    return parse_checkpoint(options_.checkpoint, bytes, identity);
  }
  void save(std::uint64_t identity) const {
    if (!options_.checkpoint.empty() && first()) save_checkpoint(options_.checkpoint, identity, state_);
  }

  [[nodiscard]] std::vector<double> simulate(std::span<const double> unconstrained, Key key) const {
    std::vector<double> summaries = problem_.simulate(to_natural(problem_.parameters, unconstrained), key);
    UPTAKE_EXPECTS(summaries.size() == n_of_d());
    return summaries;
  }

  [[nodiscard]] double distance(std::span<const double> summaries) const {
    double sum = 0;
    for (std::size_t k = 0; k < n_of_d(); ++k) {
      if (state_.scales[k] <= 0) continue;
      const double gap = (summaries[k] - observed_[k]) / state_.scales[k];
      sum += gap * gap;
    }
    return std::sqrt(sum);
  }

  void tell(double tolerance, double acceptance) const {
    if (!tell_) return;
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begun_;
    const std::size_t here = state_.n_simulations - n_before_;
    const double left =
        options_.budget > state_.n_simulations ? static_cast<double>(options_.budget - state_.n_simulations) : 0.0;
    tell_({.generation = static_cast<int>(generation_),
           .tolerance = tolerance,
           .acceptance = acceptance,
           .n_simulations = state_.n_simulations,
           .budget = options_.budget,
           .elapsed = elapsed,
           .remaining = here > 0 ? elapsed * (left / static_cast<double>(here)) : elapsed * 0});
  }

  /// Generation 0. Failed runs are drawn again. @return whether it was not interrupted
  bool draw_prior() {
    constexpr std::size_t kAttempts = 100;
    const std::size_t n = options_.n_particles, p = n_of_p(), d = n_of_d();
    state_.parameters.resize(n * p);
    state_.summaries.resize(n * d);
    state_.step = largest_step_;
    const std::size_t done = run_tasks(
        n,
        [&](std::size_t i) {
          std::vector<double> value;
          for (std::size_t attempt = 0; attempt < kAttempts; ++attempt) {
            const std::vector<double> x = problem_.prior.draw(key(Purpose::prior, attempt, i));
            const std::vector<double> s = simulate(x, key(Purpose::simulation, attempt, i));
            if (!all_finite(s)) continue;
            value = {static_cast<double>(attempt)};
            value.insert(value.end(), x.begin(), x.end());
            value.insert(value.end(), s.begin(), s.end());
            return value;
          }
          return std::vector<double>{static_cast<double>(kAttempts)};
        },
        [&](std::size_t i, std::vector<double>&& value) {
          const auto n_failed = static_cast<std::size_t>(value[0]);
          state_.n_failed += n_failed;
          state_.n_simulations += n_failed + (n_failed < kAttempts ? 1 : 0);
          if (n_failed == kAttempts) return;
          std::copy_n(value.begin() + 1, p, particle(i).begin());
          std::copy_n(value.begin() + 1 + static_cast<std::ptrdiff_t>(p), d, summary(i).begin());
        },
        control_);
    if (done < n) return false;
    state_.n_attempted = state_.n_simulations;
    const double failed = static_cast<double>(state_.n_failed) / static_cast<double>(state_.n_simulations);
    if (failed > kLargestFailedShare) {
      throw InputError({{"simulator", fmt::format("{:.0f} % of the runs under the prior failed", 100 * failed),
                         "narrow the prior to where the model can be run"}});
    }
    state_.prior_variances = variances_of(problem_.prior, options_.seed);
    tell(kInfinity, 1);
    return true;
  }

  /// Sorts by (distance, number), keeps the nearest and replaces the others by copies of them. @return the tolerance
  double drop_and_copy() {
    const std::size_t n = options_.n_particles;
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto& d = state_.distances;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return d[a] < d[b]; });
    auto n_kept = static_cast<std::size_t>(std::ceil(options_.kept * static_cast<double>(n)));
    double tolerance = d[order[n_kept - 1]];
    if (tolerance < options_.target_tolerance) {
      tolerance = options_.target_tolerance;
      n_kept = static_cast<std::size_t>(std::ranges::count_if(d, [&](double v) { return v <= tolerance; }));
    }
    for (std::size_t place = n_kept; place < n; ++place) {
      const std::size_t j = order[place];
      const double u = uniform_number(key(Purpose::survivor, 0, j), 0);
      const std::size_t from = order[static_cast<std::size_t>(u * static_cast<double>(n_kept))];
      std::ranges::copy(particle(from), particle(j).begin());
      std::ranges::copy(summary(from), summary(j).begin());
      state_.distances[j] = state_.distances[from];
    }
    return tolerance;
  }

  enum class Move : std::uint8_t { not_tried, refused, accepted, failed };

  /// One proposal for particle i (Metropolis & Hastings with the prior as target inside the tolerance): the move, and if
  /// accepted the new parameters, summaries and distance.
  [[nodiscard]] std::vector<double> propose(std::size_t i, std::size_t sweep, const Matrix& spread, double tolerance) {
    const std::size_t p = n_of_p();
    const Key noise = key(Purpose::proposal, sweep, i);
    Eigen::VectorXd z(static_cast<Eigen::Index>(p));
    for (std::size_t j = 0; j < p; ++j) z[static_cast<Eigen::Index>(j)] = normal_number(noise, j);
    const Eigen::VectorXd jump = state_.step * (spread * z);
    std::vector<double> x(particle(i).begin(), particle(i).end());
    const double before = problem_.prior.log_density(x);
    for (std::size_t j = 0; j < p; ++j) x[j] += jump[static_cast<Eigen::Index>(j)];
    const double after = problem_.prior.log_density(x);
    const auto outcome = [](Move move) { return std::vector<double>{static_cast<double>(move)}; };
    if (!(std::log(uniform_number(key(Purpose::acceptance, sweep, i), 0)) <= after - before)) {
      return outcome(Move::not_tried);
    }
    const std::vector<double> s = simulate(x, key(Purpose::simulation, sweep, i));
    if (!all_finite(s)) return outcome(Move::failed);
    const double d = distance(s);
    if (!(d <= tolerance)) return outcome(Move::refused);
    std::vector<double> value = outcome(Move::accepted);
    value.insert(value.end(), x.begin(), x.end());
    value.insert(value.end(), s.begin(), s.end());
    value.push_back(d);
    return value;
  }

  /// @return whether it was not interrupted
  bool next_generation() {
    const std::size_t n = options_.n_particles, p = n_of_p(), d = n_of_d();
    generation_ = state_.generations.size() + 1;
    state_.scales = options_.scales.empty()
                        ? residual_scales(as_matrix(state_.parameters, n, p), as_matrix(state_.summaries, n, d))
                        : options_.scales;
    state_.distances.resize(n);
    for (std::size_t i = 0; i < n; ++i) state_.distances[i] = distance(summary(i));
    Generation generation{.number = static_cast<int>(generation_), .means = {}, .sds = {}};
    const double tolerance = generation.tolerance = drop_and_copy();
    generation.step = state_.step;
    const Matrix spread = spread_of(as_matrix(state_.parameters, n, p));
    std::size_t n_accepted = 0;
    double sweeps = 0;
    do {
      const auto sweep = static_cast<std::size_t>(sweeps);
      const std::size_t done = run_tasks(
          n, [&](std::size_t i) { return propose(i, sweep, spread, tolerance); },
          [&](std::size_t i, std::vector<double>&& value) {
            const auto move = static_cast<Move>(static_cast<int>(value[0]));
            if (move != Move::not_tried) ++state_.n_simulations;
            if (move == Move::failed) ++state_.n_failed;
            if (move != Move::accepted) return;
            ++n_accepted;
            std::copy_n(value.begin() + 1, p, particle(i).begin());
            std::copy_n(value.begin() + 1 + static_cast<std::ptrdiff_t>(p), d, summary(i).begin());
            state_.distances[i] = value.back();
          },
          control_);
      if (done < n) return false;
      ++sweeps;
      generation.acceptance = static_cast<double>(n_accepted) / (sweeps * static_cast<double>(n));
      tell(tolerance, generation.acceptance);
    } while (std::pow(1 - generation.acceptance, sweeps) > options_.never_moved &&
             state_.n_simulations < options_.budget && sweeps < kMostSweeps);
    generation.n_sweeps = static_cast<int>(sweeps);
    generation.n_simulations = state_.n_simulations;
    const Adjusted adjusted = adjusted_cloud(tolerance);
    generation.means = means_of(adjusted.draws);
    generation.sds = sds_of(adjusted.draws);
    state_.step = std::min(largest_step_, state_.step * std::exp(2 * (generation.acceptance - 0.15)));
    state_.finished = generation.acceptance < options_.lowest_acceptance || state_.n_simulations >= options_.budget ||
                      tolerance <= options_.target_tolerance;
    state_.generations.push_back(std::move(generation));
    return true;
  }

  [[nodiscard]] Adjusted adjusted_cloud(double tolerance) const {
    const std::size_t n = options_.n_particles;
    return adjust(as_matrix(state_.parameters, n, n_of_p()), as_matrix(state_.summaries, n, n_of_d()), observed_,
                  state_.scales, state_.distances, tolerance, options_.adjustment);
  }

  void conclude(AbcResult& result) {
    const std::size_t n = options_.n_particles;
    if (state_.generations.empty()) return;
    generation_ = state_.generations.size();
    const Adjusted adjusted = adjusted_cloud(state_.generations.back().tolerance);
    result.posterior = adjusted.draws;
    result.raw = {n, n_of_p(), state_.parameters, std::vector<double>(n, 1.0 / static_cast<double>(n))};
    result.summaries = state_.summaries;
    result.n_simulations = state_.n_simulations;
    result.generations = state_.generations;
    std::vector<double> predictive;
    if (result.completion == Completion::complete) {
      const WeightedDraws draws = resampled(result.posterior, options_.n_predictive, key(Purpose::resampling, 0, 0));
      result.n_predictive = run_tasks(
          draws.n, [&](std::size_t i) { return simulate(draws.row(i), key(Purpose::predictive, 0, i)); },
          [&](std::size_t, std::vector<double>&& s) { predictive.insert(predictive.end(), s.begin(), s.end()); },
          control_);
    }
    result.diagnostics = diagnose(problem_, state_, adjusted, predictive);
  }

  static constexpr double kMostSweeps = 3000;  // of what fits the key

  const CalibrationProblem& problem_;
  const AbcOptions& options_;
  Control control_;
  const TellCalibration& tell_;
  std::vector<double> observed_;
  double largest_step_ = 0;
  AbcState state_;
  std::size_t generation_ = 0;  // under way; 0 draws the prior
  std::size_t n_before_ = 0;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};
}  // namespace

AbcResult calibrate_abc(const CalibrationProblem& problem, const AbcOptions& options, const Control& control,
                        const TellCalibration& progress) {
  if (auto problems = problems_of(problem, options); !problems.empty()) throw InputError(std::move(problems));
  return AbcRun(problem, options, control, progress).run();
}

}  // namespace uptake
