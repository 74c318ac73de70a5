// Simulation-based calibration (Talts et al. 2018).
#include <algorithm>
#include <cmath>

#include "uptake/calibration.hpp"

namespace uptake {

double Sbc::chi_squared(std::size_t column, std::size_t n_bins) const {
  std::vector<double> counts(n_bins, 0.0);
  for (std::size_t fit = 0; fit < n_fits; ++fit) {
    counts[ranks[fit * names.size() + column] * n_bins / (n_draws + 1)] += 1;
  }
  const double expected = static_cast<double>(n_fits) / static_cast<double>(n_bins);
  double sum = 0;
  for (const double count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

double Sbc::coverage(std::size_t column, double level) const {
  const double tail = (1 - level) / 2 * static_cast<double>(n_draws + 1);
  double inside = 0;
  for (std::size_t fit = 0; fit < n_fits; ++fit) {
    const auto rank = static_cast<double>(ranks[fit * names.size() + column]);
    inside += rank >= tail && rank < static_cast<double>(n_draws + 1) - tail;
  }
  return inside / static_cast<double>(n_fits);
}

Sbc simulation_based_calibration(const CalibrationProblem& problem, const Fit& fit, const SbcOptions& options,
                                 const Control& control) {
  Sbc sbc{.n_fits = 0, .n_draws = options.n_draws, .names = {}, .ranks = {}};
  for (const CalibratedParameter& parameter : problem.parameters) sbc.names.push_back(parameter.name);
  for (const TestQuantity& quantity : options.quantities) sbc.names.push_back(quantity.name);
  sbc.n_fits = run_tasks(
      options.n_fits,
      [&](std::size_t n) {
        const auto key = [&](Purpose purpose, std::size_t part) {
          return calibration_key(options.seed, purpose, 0, part, n);
        };
        const std::vector<double> truth = problem.prior.draw(key(Purpose::truth, 0));
        const std::vector<double> y = problem.simulate(to_natural(problem.parameters, truth), key(Purpose::truth, 1));
        std::vector<Observed> observed = problem.observed;
        for (std::size_t k = 0; k < y.size(); ++k) observed[k].value = y[k];
        const WeightedDraws posterior = fit(observed, key(Purpose::truth, 2).value);
        const WeightedDraws draws = resampled(posterior, options.n_draws, key(Purpose::resampling, 0));
        // Each vector gets a key of its own: a quantity with chance in it is drawn afresh for truth and draws alike.
        const auto quantities = [&](std::span<const double> x, std::size_t part) {
          std::vector<double> values(x.begin(), x.end());
          const std::vector<double> parameters = to_natural(problem.parameters, x);
          for (const TestQuantity& quantity : options.quantities) {
            values.push_back(quantity.of(parameters, y, key(Purpose::predictive, part)));
          }
          return values;
        };
        const std::vector<double> of_truth = quantities(truth, 0);
        std::vector<double> ranks(of_truth.size(), 0.0);
        std::vector<double> ties(of_truth.size(), 0.0);
        for (std::size_t i = 0; i < draws.n; ++i) {
          const std::vector<double> of_draw = quantities(draws.row(i), i + 1);
          for (std::size_t c = 0; c < ranks.size(); ++c) {
            ranks[c] += of_draw[c] < of_truth[c];
            ties[c] += of_draw[c] == of_truth[c];
          }
        }
        // Ties are broken by chance, so that whole-number quantities have uniform ranks too.
        for (std::size_t c = 0; c < ranks.size(); ++c) {
          ranks[c] += std::floor(uniform_number(key(Purpose::truth, 3), c) * (ties[c] + 1));
        }
        return ranks;
      },
      [&](std::size_t, std::vector<double>&& ranks) {
        for (const double rank : ranks) sbc.ranks.push_back(static_cast<std::size_t>(rank));
      },
      control);
  return sbc;
}

}  // namespace uptake
