// Ensemble transform Kalman inversion: fast and approximate.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "calibration/regression.hpp"
#include "calibration/tempering.hpp"

namespace uptake {

namespace {
using Index = Eigen::Index;
using Vector = Eigen::VectorXd;

/// Solves noise x = right for a noise covariance that may have lost a direction.
Matrix solve_noise(const MatrixView& noise, const Matrix& right) {
  Matrix regular = noise;
  regular.diagonal().array() += 1e-13 * std::max(noise.trace() / static_cast<double>(noise.rows()), 1e-300);
  return regular.ldlt().solve(right);
}

}  // namespace

std::vector<double> kalman_step(std::span<const double> members, std::span<const double> outputs,
                                std::span<const double> observed, std::span<const double> noise, double step) {
  const std::size_t d = observed.size(), n = outputs.size() / d, p = members.size() / n;
  const MatrixView theta = as_matrix(members, n, p), g = as_matrix(outputs, n, d);
  const double root = std::sqrt(static_cast<double>(n) - 1);
  // Columns are members: theta = mean + A, G = mean + Y.
  const Matrix a = (theta.rowwise() - theta.colwise().mean()).transpose() / root;
  const Matrix y = (g.rowwise() - g.colwise().mean()).transpose() / root;
  const Vector gap = as_matrix(observed, d, 1).col(0) - g.colwise().mean().transpose();
  const MatrixView gamma = as_matrix(noise, d, d);
  Eigen::MatrixXd inverse = step * y.transpose() * solve_noise(gamma, y);
  inverse.diagonal().array() += 1;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> axes((inverse + inverse.transpose()) / 2);
  const Vector shrink = axes.eigenvalues().cwiseInverse();
  const Eigen::MatrixXd& vectors = axes.eigenvectors();
  const Matrix projected = y.transpose() * solve_noise(gamma, gap);
  const Vector omega = vectors * (shrink.asDiagonal() * (vectors.transpose() * projected.col(0)));
  const Vector mean = theta.colwise().mean().transpose() + step * (a * omega);
  const Matrix spread = a * vectors * shrink.cwiseSqrt().asDiagonal() * vectors.transpose();
  const Matrix moved = (root * spread).transpose().rowwise() + mean.transpose();
  return {moved.data(), moved.data() + moved.size()};
}

KalmanResult calibrate_kalman(const CalibrationProblem& problem, const KalmanOptions& options, const Control& control,
                              const TellCalibration& progress) {
  const auto begun = std::chrono::steady_clock::now();
  const std::size_t p = problem.parameters.size(), d = problem.observed.size();
  const std::size_t n = options.n_members > 0 ? options.n_members : std::max<std::size_t>(100, 10 * p);
  std::vector<Problem> problems;
  if (p == 0 || d == 0)
    problems.push_back({"problem", "has no parameter or no observation", "give at least one of each"});
  if (n < p + 2) problems.push_back({"members", fmt::format("{} are too few for {} parameters", n, p), ""});
  if (options.n_replicates < 2)
    problems.push_back({"replicates", "one run says nothing of the noise", "use at least 2"});
  if (!problems.empty()) throw InputError(std::move(problems));
  std::vector<double> observed;
  for (const Observed& one : problem.observed) observed.push_back(one.value);
  KalmanResult result;
  std::vector<double> members;
  for (std::size_t i = 0; i < n; ++i) {
    const std::vector<double> x = problem.prior.draw(calibration_key(options.seed, Purpose::prior, 0, 0, i));
    members.insert(members.end(), x.begin(), x.end());
  }
  Control quiet = control;
  quiet.progress = {};
  double time = 0;
  for (int step = 1; time < 1 && step <= options.most_steps; ++step) {
    std::vector<double> means(n * d, 0.0);
    Matrix noise = Matrix::Zero(static_cast<Index>(d), static_cast<Index>(d));
    std::vector<std::size_t> failed;
    const std::size_t done = run_tasks(
        n,
        [&](std::size_t i) {
          std::vector<double> all;
          const std::vector<double> theta = to_natural(problem.parameters, std::span(members).subspan(i * p, p));
          for (std::size_t r = 0; r < options.n_replicates; ++r) {
            const auto s = problem.simulate(
                theta, calibration_key(options.seed, Purpose::simulation, static_cast<std::size_t>(step), r, i));
            all.insert(all.end(), s.begin(), s.end());
          }
          return all;
        },
        [&](std::size_t i, std::vector<double>&& all) {
          result.n_simulations += options.n_replicates;
          const MatrixView runs = as_matrix(all, options.n_replicates, d);
          if (!runs.allFinite()) {
            failed.push_back(i);
            return;
          }
          noise += covariance(runs);
          Eigen::Map<Eigen::RowVectorXd>(means.data() + i * d, static_cast<Index>(d)) = runs.colwise().mean();
        },
        quiet);
    if (done < n) {
      result.completion = Completion::interrupted;
      return result;
    }
    result.n_failed += failed.size();
    if (failed.size() * 2 > n) {
      throw InputError({{"simulator", fmt::format("{} of {} members failed", failed.size(), n),
                         "narrow the prior to where the model can be run"}});
    }
    noise /= static_cast<double>(n - failed.size());
    // Members that failed take no part in the step and are drawn afterwards from the normal law of the others.
    std::vector<double> sound_members, sound_means;
    for (std::size_t i = 0; i < n; ++i) {
      if (std::ranges::binary_search(failed, i)) continue;
      sound_members.insert(sound_members.end(), members.begin() + static_cast<std::ptrdiff_t>(i * p),
                           members.begin() + static_cast<std::ptrdiff_t>((i + 1) * p));
      sound_means.insert(sound_means.end(), means.begin() + static_cast<std::ptrdiff_t>(i * d),
                         means.begin() + static_cast<std::ptrdiff_t>((i + 1) * d));
    }
    const std::size_t n_sound = n - failed.size();
    const std::vector<double> noise_values(noise.data(), noise.data() + noise.size());
    const MatrixView gamma = as_matrix(noise_values, d, d), g = as_matrix(sound_means, n_sound, d);
    Matrix gaps = g.transpose();
    gaps.colwise() -= as_matrix(observed, d, 1).col(0);
    const Vector misfit = (gaps.array() * solve_noise(gamma, gaps).array()).colwise().sum().transpose() / 2;
    const double mean = misfit.mean();
    const double variance = (misfit.array() - mean).square().mean();
    const double q = std::max(static_cast<double>(d) / (2 * mean), std::sqrt(static_cast<double>(d) / (2 * variance)));
    const double size = step == options.most_steps ? 1 - time : std::min(q, 1 - time);
    const std::vector<double> moved = kalman_step(sound_members, sound_means, observed, noise_values, size);
    const MatrixView sound = as_matrix(moved, n_sound, p);
    const Matrix spread = spread_of(sound);
    const Eigen::RowVectorXd centre = sound.colwise().mean();
    for (std::size_t i = 0, from = 0; i < n; ++i) {
      const auto to = members.begin() + static_cast<std::ptrdiff_t>(i * p);
      if (!std::ranges::binary_search(failed, i)) {
        std::copy_n(moved.begin() + static_cast<std::ptrdiff_t>(p * from++), p, to);
        continue;
      }
      Vector z(static_cast<Index>(p));
      const Key key = calibration_key(options.seed, Purpose::proposal, static_cast<std::size_t>(step), 0, i);
      for (std::size_t j = 0; j < p; ++j) z[static_cast<Index>(j)] = normal_number(key, j);
      const Vector drawn = centre.transpose() + spread * z;
      std::copy_n(drawn.data(), p, to);
    }
    time += size;
    if (1 - time < 1e-12) time = 1;
    result.steps.push_back(size);
    if (!progress) continue;
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begun;
    progress({.generation = step,
              .way = time,
              .n_simulations = result.n_simulations,
              .elapsed = elapsed,
              .remaining = elapsed * (1 / time - 1)});
  }
  result.posterior = {n, p, members, std::vector<double>(n, 1.0 / static_cast<double>(n))};
  return result;
}

}  // namespace uptake
