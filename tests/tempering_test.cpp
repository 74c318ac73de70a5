// The second method of calibration, its particle filter, and the fast one: controls, bits, faults. That they meet known
// answers is asked by verify_calibration_test.cpp and, at full size, by calibration_long_test.cpp.
#include "calibration/tempering.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <stop_token>

#include "calibration/regression.hpp"
#include "likelihood_noise.hpp"
#include "verify/known_posteriors.hpp"

namespace uptake {
namespace {

std::string told(const Closeness& c) {
  return fmt::format("mean error {:.3f} sd (largest {:.3f}), sd ratio {:.3f} ({:.3f} to {:.3f})", c.mean_error,
                     c.largest_error, c.sd_ratio, c.smallest_sd_ratio, c.largest_sd_ratio);
}

TemperedResult tempered(const KnownPosterior& known, std::uint64_t seed, const LogLikelihood& log_likelihood,
                        std::size_t n_particles = 1000) {
  return calibrate_tempered(known.problem.parameters, known.problem.prior, log_likelihood,
                            {.seed = seed, .n_particles = n_particles}, Control{});
}
LogLikelihood exact(const KnownPosterior& known) {
  return [of = known.log_likelihood](std::span<const double> theta, Key) { return of(theta); };
}
LogLikelihood filtered_bass(std::size_t n_states) {
  return [n_states](std::span<const double> theta, Key key) {
    return filtered_log_likelihood(BassStepper{}, theta, 12, {.n_states = n_states}, key);
  };
}

/// P2: ABC with a normal kernel of sd 0.3 is an estimated likelihood, whose exact target adds the kernel's variance.
TEST(Tempering, IsExactWithAnEstimatedLikelihood) {
  const KnownPosterior known = one_normal();
  const LogLikelihood kernel = [&](std::span<const double> theta, Key key) {
    constexpr std::size_t kRuns = 20;
    double sum = 0;
    for (std::size_t r = 0; r < kRuns; ++r) {
      const double gap = (known.problem.simulate(theta, make_key(key.value, r))[0] - 2) / 0.3;
      sum += std::exp(-gap * gap / 2);
    }
    return std::log(sum);
  };
  KnownPosterior widened = known;
  widened.means = {1.49253731343};
  widened.sds = {0.503717523304};
  const Closeness c = closeness(widened, tempered(known, 1, kernel, 2000).posterior);
  EXPECT_TRUE(kTemperedGate.passes(c)) << told(c);
  EXPECT_FALSE(kTemperedGate.passes(closeness(known, tempered(known, 1, kernel, 2000).posterior)))
      << "the check cannot tell the kernel's posterior from the model's";
}

TEST(TemperingGate, RejectsALikelihoodCountedTwiceAndAPriorWithoutItsJacobian) {
  const KnownPosterior known = bass();
  const LogLikelihood twice = [&](std::span<const double> theta, Key) { return 2 * known.log_likelihood(theta); };
  EXPECT_FALSE(kTemperedGate.passes(closeness(known, tempered(known, 1, twice).posterior)));
  KnownPosterior bare = gamma_poisson();
  bare.problem.prior.log_density = [right = bare.problem.prior.log_density](std::span<const double> x) {
    return right(x) - x[0];
  };
  EXPECT_FALSE(kTemperedGate.passes(closeness(bare, tempered(bare, 1, exact(bare)).posterior)));
}

/// Copies that keep their clocks stay identical for ever, and the filter has ever fewer states.
struct NeverReclocked : BassStepper {
  void reclock(State&, Key) const {}
};
TEST(ParticleFilter, NeedsCopiesToBeReclocked) {
  const std::vector<double> theta{0.03, 0.4};
  constexpr std::size_t kRuns = 400;
  const double known = reported_bass_log_likelihood(0.03, 0.4);
  const auto spread = [&](const auto& stepper) {
    double sum = 0, squares = 0;
    for (std::size_t run = 0; run < kRuns; ++run) {
      const double l =
          std::exp(filtered_log_likelihood(stepper, theta, 12, {.n_states = 50}, make_key(12, run)) - known);
      sum += l;
      squares += l * l;
    }
    return std::sqrt(squares / kRuns - sum / kRuns * (sum / kRuns));
  };
  const double right = spread(BassStepper{});
  EXPECT_LT(right, 0.6);
  EXPECT_GT(spread(NeverReclocked{}), 1.5 * right);
}

TEST(Tempering, LikelihoodNoiseFallsWithTheNumberOfStates) {
  const std::vector<double> theta{0.03, 0.5};
  const double few = likelihood_noise(filtered_bass(50), theta, 400);
  const double many = likelihood_noise(filtered_bass(200), theta, 400);
  EXPECT_NEAR(few / many, 2, 0.35);
}

TEST(Tempering, GivesTheSameBitsForAnyNumberOfThreadsAndHearsAStop) {
  const KnownPosterior known = bass();
  const auto run = [&](Body body, int n_threads) {
    Control control;
    control.body = body;
    control.n_threads = n_threads;
    return calibrate_tempered(known.problem.parameters, known.problem.prior, exact(known), {.n_particles = 200},
                              control);
  };
  const TemperedResult one = run(Body::serial, 1);
  for (const TemperedResult& other : {run(Body::threads, 3), run(Body::tbb, 2)}) {
    EXPECT_EQ(other.posterior.values, one.posterior.values);
    EXPECT_EQ(other.log_evidence, one.log_evidence);
    EXPECT_EQ(other.n_likelihoods, one.n_likelihoods);
  }
  std::stop_source source;
  source.request_stop();
  Control control;
  control.stop = source.get_token();
  EXPECT_EQ(calibrate_tempered(known.problem.parameters, known.problem.prior, exact(known), {}, control).completion,
            Completion::interrupted);
}

TEST(Tempering, SaysWhenNothingCanHaveMadeTheObservations) {
  const KnownPosterior known = bass();
  const LogLikelihood never = [](std::span<const double>, Key) { return -std::numeric_limits<double>::infinity(); };
  EXPECT_THROW(static_cast<void>(tempered(known, 1, never)), InputError);
  // Half impossible: the posterior is that of the possible half.
  const KnownPosterior normal = one_normal();
  const LogLikelihood positive = [&](std::span<const double> theta, Key) {
    return theta[0] > 0 ? normal.log_likelihood(theta) : -std::numeric_limits<double>::infinity();
  };
  const TemperedResult result = tempered(normal, 1, positive);
  for (const double value : result.posterior.values) EXPECT_GT(value, 0);
  EXPECT_NEAR(result.log_evidence, normal.log_evidence, 0.15) << "next to all of the mass is above 0";
  EXPECT_THROW(static_cast<void>(calibrate_tempered({}, known.problem.prior, never, {}, Control{})), InputError);
}

// ---- ensemble Kalman inversion ------------------------------------------------------------------------------------

TEST(Kalman, OneLinearStepIsTheKalmanUpdateOfTheEnsemblesMoments) {
  constexpr std::size_t kMembers = 40, kParameters = 3, kOutputs = 4;
  Matrix theta(kMembers, kParameters), h(kOutputs, kParameters);
  for (std::size_t i = 0; i < kMembers; ++i) {
    for (std::size_t j = 0; j < kParameters; ++j) {
      theta(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) = normal_number(make_key(1, i), j);
    }
  }
  for (std::size_t k = 0; k < kOutputs; ++k) {
    for (std::size_t j = 0; j < kParameters; ++j) {
      h(static_cast<Eigen::Index>(k), static_cast<Eigen::Index>(j)) = normal_number(make_key(2, k), j);
    }
  }
  Matrix noise = Matrix::Identity(kOutputs, kOutputs) * 0.5;
  noise(0, 1) = noise(1, 0) = 0.2;
  const Matrix outputs = theta * h.transpose();
  const std::vector<double> observed{0.3, -1, 2, 0.1};
  const auto span_of = [](const Matrix& m) {
    return std::span<const double>(m.data(), static_cast<std::size_t>(m.size()));
  };
  const std::vector<double> moved = kalman_step(span_of(theta), span_of(outputs), observed, span_of(noise), 1);
  const Matrix prior = covariance(as_matrix(span_of(theta), kMembers, kParameters));
  const Matrix gain = prior * h.transpose() * (h * prior * h.transpose() + noise).inverse();
  const Eigen::VectorXd gap = as_matrix(observed, kOutputs, 1).col(0) - outputs.colwise().mean().transpose();
  const Eigen::VectorXd mean = theta.colwise().mean().transpose() + gain * gap;
  const Matrix posterior = prior - gain * h * prior;
  const MatrixView result = as_matrix(moved, kMembers, kParameters);
  EXPECT_LT((result.colwise().mean().transpose() - mean).cwiseAbs().maxCoeff(), 1e-10);
  EXPECT_LT((covariance(result) - posterior).cwiseAbs().maxCoeff(), 1e-10);
}

TEST(Kalman, IsCloseOnNormalProblemsAndTooWideOnCounts) {
  const KalmanResult normals = calibrate_kalman(ten_normals().problem, {}, Control{});
  const Closeness c = closeness(ten_normals(), normals.posterior);
  EXPECT_LT(c.mean_error, 0.2) << told(c);
  EXPECT_GE(c.sd_ratio, 0.93) << told(c);
  EXPECT_LE(c.sd_ratio, 1.07) << told(c);
  double time = 0;
  for (const double step : normals.steps) time += step;
  EXPECT_NEAR(time, 1, 1e-12);
  EXPECT_LE(normals.n_simulations, 20'000U);
  // It is approximate, and this is how much.
  const Closeness counts = closeness(bass(), calibrate_kalman(bass().problem, {}, Control{}).posterior);
  EXPECT_GT(counts.sd_ratio, 1.2) << told(counts);
}

TEST(Kalman, ReplacesMembersThatFail) {
  KnownPosterior known = ten_normals();
  const auto right = known.problem.simulate;
  const auto failing = [&](double share) {
    return [right, share](std::span<const double> theta, Key key) {
      std::vector<double> s = right(theta, key);
      if (uniform_number(key, 99) < share) s[3] = std::nan("");
      return s;
    };
  };
  known.problem.simulate = failing(0.01);
  const KalmanResult result = calibrate_kalman(known.problem, {.n_members = 200}, Control{});
  EXPECT_GT(result.n_failed, 0U);
  EXPECT_LT(closeness(known, result.posterior).mean_error, 0.25);
  known.problem.simulate = failing(0.3);
  EXPECT_THROW(static_cast<void>(calibrate_kalman(known.problem, {}, Control{})), InputError);
  EXPECT_THROW(static_cast<void>(calibrate_kalman(known.problem, {.n_replicates = 1}, Control{})), InputError);
}

}  // namespace
}  // namespace uptake
