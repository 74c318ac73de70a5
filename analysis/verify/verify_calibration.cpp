// The known-answer cases of calibration, answered by the shipped methods at small budgets.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "calibration/pooling.hpp"
#include "calibration/tempering.hpp"
#include "statistics/scores.hpp"
#include "statistics/special_functions.hpp"
#include "uptake/verify.hpp"
#include "verify/known_posteriors.hpp"

namespace uptake {

namespace {
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

class Record {
 public:
  explicit Record(const std::function<void(const VerificationCase&)>& progress) : progress_(progress) {}

  void add(const std::string& number, std::string name, double expected, double got, double tolerance,
           std::string detail, double z = kNaN) {
    VerificationCase entry{.id = number + static_cast<char>('a' + letters_[number]++),
                           .name = std::move(name),
                           .expected = expected,
                           .got = got,
                           .tolerance = tolerance,
                           .z = z,
                           .pass = std::abs(got - expected) <= tolerance,
                           .detail = std::move(detail)};
    if (progress_) progress_(entry);
    cases_.push_back(std::move(entry));
  }
  [[nodiscard]] std::vector<VerificationCase> take() { return std::move(cases_); }

 private:
  const std::function<void(const VerificationCase&)>& progress_;
  std::map<std::string, int> letters_;
  std::vector<VerificationCase> cases_;
};

/// The middle of a gate's range of sd ratios, and half its width.
double middle(const Gate& gate) { return (gate.lowest_sd_ratio + gate.highest_sd_ratio) / 2; }
double half_width(const Gate& gate) { return (gate.highest_sd_ratio - gate.lowest_sd_ratio) / 2; }

void add_closeness(Record& record, const KnownPosterior& known, const Gate& gate, const Closeness& c,
                   const std::string& method) {
  const std::string range =
      fmt::format("{}; one parameter is at most {:.3f} sd off, its sd {:.3f} to {:.3f} of the known", method,
                  c.largest_error, c.smallest_sd_ratio, c.largest_sd_ratio);
  record.add(known.id, fmt::format("error of posterior means in sd, {}", known.name), 0, c.mean_error, gate.mean_error,
             range);
  record.add(known.id, "posterior sd over the exact one (about the middle of its gate)", middle(gate), c.sd_ratio,
             half_width(gate), range);
}

AbcResult abc(const KnownPosterior& known, const Control& control) {
  AbcOptions options;
  options.n_predictive = 1;
  return calibrate_abc(known.problem, options, control);
}

void add_abc(Record& record, const KnownPosterior& known, const Control& control) {
  const AbcResult result = abc(known, control);
  const Closeness raw = closeness(known, result.raw);
  add_closeness(record, known, kAbcGate, closeness(known, result.posterior),
                fmt::format("replenishment ABC-SMC, {} simulations; unadjusted the means are {:.2f} sd off and the sds "
                            "{:.2f} of the known",
                            result.n_simulations, raw.mean_error, raw.sd_ratio));
}

void add_kernel(Record& record, const Control& control) {
  struct Row {
    double tolerance, mean, sd;
  };
  for (const auto& [tolerance, mean, sd] :
       {Row{1, 1.2613257301, 0.576506030262}, Row{0.2, 1.5831200315, 0.456428619751}}) {
    AbcOptions options;
    options.n_particles = 4000;
    options.budget = 1'000'000;
    options.scales = {1};
    options.target_tolerance = tolerance;
    options.adjustment = Adjustment::none;
    options.never_moved = 1e-3;
    options.n_predictive = 1;
    const AbcResult result = calibrate_abc(one_normal().problem, options, control);
    const std::string detail = fmt::format(
        "unadjusted, {} particles, {} simulations; the model's own posterior has "
        "mean 1.6 and sd 0.447",
        options.n_particles, result.n_simulations);
    record.add("P3", fmt::format("mean under a uniform kernel of half-width {}", tolerance), mean,
               means_of(result.raw)[0], 0.03, detail);
    record.add("P3", fmt::format("sd under a uniform kernel of half-width {}", tolerance), sd, sds_of(result.raw)[0],
               0.03, detail);
  }
}

TemperedResult tempered(const KnownPosterior& known, const LogLikelihood& likelihood, std::size_t n_particles,
                        std::uint64_t seed, const Control& control) {
  return calibrate_tempered(known.problem.parameters, known.problem.prior, likelihood,
                            {.seed = seed, .n_particles = n_particles}, control);
}
LogLikelihood exact(const KnownPosterior& known) {
  return [&known](std::span<const double> theta, Key) { return known.log_likelihood(theta); };
}
double evidence(const KnownPosterior& known, const Control& control) {
  return std::exp(tempered(known, exact(known), 4000, 1, control).log_evidence);
}

void add_tempered(Record& record, const KnownPosterior& known, const Control& control) {
  constexpr int kRuns = 5;
  Closeness first;
  double log_evidence = 0;
  for (int run = 1; run <= kRuns; ++run) {
    const TemperedResult result = tempered(known, exact(known), 1000, static_cast<std::uint64_t>(run), control);
    if (run == 1) first = closeness(known, result.posterior);
    log_evidence += result.log_evidence / kRuns;
  }
  add_closeness(record, known, kTemperedGate, first, "tempered, exact likelihood, 1,000 particles");
  record.add(known.id, "ln evidence", known.log_evidence, log_evidence, 0.15, "tempered, mean of 5 runs");
}

void add_kernel_likelihood(Record& record, const Control& control) {
  const KnownPosterior known = one_normal();
  const LogLikelihood kernel = [&known](std::span<const double> theta, Key key) {
    constexpr std::size_t kRuns = 20;
    double sum = 0;
    for (std::size_t r = 0; r < kRuns; ++r) {
      const double gap = (known.problem.simulate(theta, make_key(key.value, r))[0] - 2) / 0.3;
      sum += std::exp(-gap * gap / 2);
    }
    return std::log(sum);
  };
  KnownPosterior widened = known;
  widened.id = "P2";
  widened.name = "normal kernel of sd 0.3";
  widened.means = {1.49253731343};
  widened.sds = {0.503717523304};
  add_closeness(record, widened, kTemperedGate, closeness(widened, tempered(known, kernel, 2000, 1, control).posterior),
                "tempered, likelihood estimated from 20 runs");
}

void add_models(Record& record, const Control& control) {
  const double flat = evidence(beta_binomial(1, 1), control), high = evidence(beta_binomial(10, 1), control);
  record.add("P7", "probability of Beta(1, 1) against Beta(10, 1) after 2 of 5", 0.90099009901, flat / (flat + high),
             0.02, "tempered, 4,000 particles");
  const double at_0 = evidence(normal_about(0), control), at_1 = evidence(normal_about(1), control);
  record.add("P8", "probability of a mean about 0 against about 1 after y = 1", 0.26894142137, at_0 / (at_0 + at_1),
             0.02, "tempered, 4,000 particles");
  record.add("P10", "Bayes factor of Beta(20, 20) over Beta(1, 1) after 50 of 100", 4.2776294027,
             evidence(bernoulli(20, 20), control) / evidence(bernoulli(1, 1), control), 0.6,
             "tempered, 4,000 particles");
}

template <class S>
void add_filter(Record& record, const std::string& number, const std::string& name, const S& stepper,
                std::span<const double> theta, int n_intervals, double known, const Control& control) {
  constexpr std::size_t kRuns = 1000;
  double sum = 0, squares = 0;
  run_tasks(
      kRuns,
      [&](std::size_t run) {
        return std::vector<double>{
            std::exp(filtered_log_likelihood(stepper, theta, n_intervals, {}, make_key(11, run)) - known)};
      },
      [&](std::size_t, std::vector<double>&& value) {
        sum += value[0];
        squares += value[0] * value[0];
      },
      control);
  const double mean = sum / kRuns, error = std::sqrt((squares / kRuns - mean * mean) / kRuns);
  record.add(number, name, 1, mean, 4 * error, fmt::format("bootstrap filter, 100 states, {} runs", kRuns),
             (mean - 1) / error);
}

void add_filters(Record& record, const Control& control) {
  const FilteredLevel level = kalman_filter();
  record.add("P11", "ln likelihood of AR(1) with noise", -10.671534174, level.log_likelihood, 1e-9, "Kalman filter");
  record.add("P11", "mean of its last level", 0.825460364435, level.mean, 1e-11, "Kalman filter");
  add_filter(record, "P11", "mean of estimated over exact likelihood", LevelStepper{}, {}, 10, level.log_likelihood,
             control);
  const std::array theta{0.03, 0.4};
  record.add("P13", "ln likelihood of the reported Bass process at (0.03, 0.4)", -23.7828721433,
             reported_bass_log_likelihood(0.03, 0.4), 1e-9, "forward recursion");
  add_filter(record, "P13", "mean of estimated over exact likelihood", BassStepper{}, theta, 12,
             reported_bass_log_likelihood(0.03, 0.4), control);
  const KnownPosterior known = reported_bass();
  const LogLikelihood filtered = [](std::span<const double> parameters, Key key) {
    return filtered_log_likelihood(BassStepper{}, parameters, 12, {.n_states = 30}, key);
  };
  const TemperedResult result = tempered(known, filtered, 600, 1, control);
  add_closeness(record, known, kTemperedGate, closeness(known, result.posterior),
                "tempered, filter of 30 states, 600 particles");
  record.add("P13", "ln evidence", known.log_evidence, result.log_evidence, 0.3, "the same run");
}

void add_schools(Record& record, const Control& control) {
  constexpr std::array<double, 8> kY{28, 8, -3, 7, -1, 1, 18, 12}, kS{15, 10, 16, 11, 9, 11, 10, 18};
  constexpr std::size_t kStored = 500;
  const NormalPool known = pool_normal(kY, kS, 10);
  std::vector<PooledProgramme> schools;
  for (std::size_t g = 0; g < kY.size(); ++g) {
    PooledProgramme school{.name = fmt::format("school {}", g + 1),
                           .parameters = {0},
                           .draws = {kStored, 1, {}, std::vector<double>(kStored, 1.0 / kStored)},
                           .log_working_prior = [](std::span<const double>) { return 0.0; },
                           .covariates = {}};
    for (std::size_t i = 0; i < kStored; ++i) {
      school.draws.values.push_back(kY[g] + kS[g] * normal_quantile((static_cast<double>(i) + 0.5) / kStored));
    }
    schools.push_back(std::move(school));
  }
  const PoolingModel model{
      .parameters = {"effect"}, .mean = {0}, .sd = {std::numeric_limits<double>::infinity()}, .spread = {10}};
  const Pooled pooled =
      pool(model, schools, {.seed = 3, .n_iterations = 2500, .n_kept = 10'000, .n_stored = kStored}, control);
  const auto moments = [](const std::vector<double>& values) {
    const auto n = values.size();
    const WeightedDraws draws{n, 1, values, std::vector<double>(n, 1.0 / static_cast<double>(n))};
    return std::pair{means_of(draws)[0], sds_of(draws)[0]};
  };
  // The autocorrelation time of mu and tau is about 10 draws: 10,000 are worth about 1,000.
  const double error = 4 / std::sqrt(1000.0);
  const std::string detail = "two stages, 500 stored draws a school, 4 chains of 2,500; expected by quadrature";
  record.add("P14", "eight schools: mean of mu", known.mu_mean, moments(pooled.mu).first, known.mu_sd * error, detail);
  record.add("P14", "mean of tau", known.tau_mean, moments(pooled.tau).first, known.tau_sd * error, detail);
  record.add("P14", "mean of the first school", known.means[0], moments(pooled.programmes[0].values).first, 8 * error,
             detail);
  const auto [mean, sd] = moments(predictive(pooled, {}, make_key(1, 1)).values);
  record.add("P14", "mean of a new school", known.predictive_mean, mean, known.predictive_sd * error, detail);
  record.add("P14", "sd of a new school", known.predictive_sd, sd, 1.5 * known.predictive_sd * error, detail);
}

void add_kalman(Record& record, const Control& control) {
  const KnownPosterior known = ten_normals();
  const Closeness c = closeness(known, calibrate_kalman(known.problem, {}, control).posterior);
  record.add("K1", "fast method, ten normal means: error in sd", 0, c.mean_error, 0.2, "ensemble Kalman inversion");
  record.add("K1", "fast method, ten normal means: sd over the exact one", 1, c.sd_ratio, 0.07,
             "ensemble Kalman inversion");
  const Closeness counts = closeness(bass(), calibrate_kalman(bass().problem, {}, control).posterior);
  record.add("K2", "fast method is known to be more than 1.2 times too wide on counts", 1,
             counts.sd_ratio > 1.2 ? 1 : 0, 0,
             fmt::format("Bass adoption: sd {:.2f} of the exact one; approximate, for a first look", counts.sd_ratio));
}

/// Mistakes made on purpose: a gate that they pass proves nothing.
void add_controls(Record& record, const Control& control) {
  const auto passes = [&](const KnownPosterior& known) {
    return kAbcGate.passes(closeness(known, abc(known, control).posterior)) ? 1.0 : 0.0;
  };
  const KnownPosterior right = bass();
  record.add("N1", "gates passed by the unadjusted cloud", 0,
             kAbcGate.passes(closeness(right, abc(right, control).raw)) ? 1 : 0, 0, "Bass adoption");
  KnownPosterior wrong = bass();
  wrong.problem.simulate = [simulate = right.problem.simulate](std::span<const double> theta, Key) {
    return simulate(theta, make_key(7, 7));
  };
  record.add("N2", "gates passed with frozen seeds", 0, passes(wrong), 0, "Bass adoption");
  wrong.problem.simulate = [simulate = right.problem.simulate](std::span<const double> theta, Key key) {
    return simulate(theta, Key{key.value % 3});
  };
  record.add("N3", "gates passed with keys reused across particles", 0, passes(wrong), 0, "Bass adoption");
  wrong = bass();
  wrong.problem.prior.log_density = [density = right.problem.prior.log_density](std::span<const double> x) {
    return density(x) - x[0] - x[1];
  };
  record.add("N4", "gates passed without the prior's Jacobian", 0, passes(wrong), 0, "Bass adoption");
  const LogLikelihood twice = [&](std::span<const double> theta, Key) { return 2 * right.log_likelihood(theta); };
  record.add("N5", "gates passed with the likelihood counted twice", 0,
             kTemperedGate.passes(closeness(right, tempered(right, twice, 1000, 1, control).posterior)) ? 1 : 0, 0,
             "Bass adoption, tempered");
}

void add_ranks(Record& record, const Control& control) {
  const KnownPosterior known = bass();
  const Fit fit = [&known](const std::vector<Observed>& observed, std::uint64_t seed) {
    CalibrationProblem problem = known.problem;
    problem.observed = observed;
    AbcOptions options;
    options.seed = seed;
    options.budget = 20'000;
    options.n_particles = 1000;
    options.n_predictive = 1;
    Control serial;
    serial.body = Body::serial;
    return calibrate_abc(problem, options, serial).posterior;
  };
  SbcOptions options;
  options.n_fits = 60;
  options.n_draws = 99;
  const Sbc sbc = simulation_based_calibration(known.problem, fit, options, control);
  for (std::size_t column = 0; column < sbc.names.size(); ++column) {
    // 10 bins: 9 degrees of freedom, of which 27.88 is the 99.9 % point.
    record.add("S1", fmt::format("chi-squared of ranks of {} in 10 bins", sbc.names[column]), 9,
               sbc.chi_squared(column, 10), 27.88 - 9, "simulation-based calibration, 60 fits of 20,000 simulations");
  }
}

void add_scores(Record& record) {
  const std::vector<double> probabilities{0.1, 0.25, 0.5, 0.75, 0.9};
  record.add("F1", "CRPS of N(0, 1) at 0.5", 0.331403531255, crps_normal(0, 1, 0.5), 1e-12, "crps_normal()");
  record.add("F1", "CRPS of the sample 1, 2, 3, 4, 7 at 5", 1.28,
             crps(std::vector<double>{1, 2, 3, 4, 7}, 5, Crps::empirical), 1e-12, "crps()");
  record.add("F2", "WIS of -2, 1, 2, 2, 4 at -15", 15.34,
             weighted_interval_score(probabilities, std::vector<double>{-2, 1, 2, 2, 4}, -15).total, 1e-12,
             "weighted_interval_score(), Bracher et al. 2021");
}
}  // namespace

std::vector<VerificationCase> verify_calibration(const Control& control,
                                                 const std::function<void(const VerificationCase&)>& progress) {
  Record record(progress);
  // A sample cut short is no sample: a stop is heard between cases.
  Control whole = control;
  whole.stop = {};
  whole.progress = {};
  std::vector<std::function<void()>> parts;
  for (const KnownPosterior& known :
       {one_normal(), ten_normals(), sharp_normals(10, 5), sharp_normals(20, 8), bass(), reported_bass()}) {
    parts.emplace_back([&record, &whole, known] { add_abc(record, known, whole); });
  }
  for (const KnownPosterior& known : {beta_binomial(1, 1), gamma_poisson(), bernoulli(1, 1), bass()}) {
    parts.emplace_back([&record, &whole, known] { add_tempered(record, known, whole); });
  }
  for (const auto& part :
       {add_kernel, add_kernel_likelihood, add_models, add_filters, add_schools, add_kalman, add_controls, add_ranks}) {
    parts.emplace_back([&record, &whole, part] { part(record, whole); });
  }
  parts.emplace_back([&record] { add_scores(record); });
  for (const auto& part : parts) {
    if (control.stop.stop_requested()) break;
    part();
  }
  std::vector<VerificationCase> cases = record.take();
  constexpr std::string_view kOrder = "PKNSF";
  const auto place = [&](const VerificationCase& entry) {
    return std::pair{kOrder.find(entry.id[0]), std::stoi(entry.id.substr(1))};
  };
  std::stable_sort(cases.begin(), cases.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
  return cases;
}

}  // namespace uptake
