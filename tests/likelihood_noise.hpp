/// How noisy an estimated likelihood is, for tests of particle filters.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "calibration/tempering.hpp"
#include "uptake/calibration.hpp"
#include "uptake/ensemble.hpp"

namespace uptake {

/// Standard deviation of ln likelihood over `n` keys at one point: between 1.0 and 1.8 the filter has about the right
/// number of states (Pitt et al. 2012; Doucet et al. 2015; Sherlock et al. 2015).
inline double likelihood_noise(const LogLikelihood& log_likelihood, std::span<const double> parameters, std::size_t n) {
  std::vector<double> logs;
  run_tasks(
      n,
      [&](std::size_t i) {
        return std::vector<double>{log_likelihood(parameters, calibration_key(1, Purpose::likelihood, 0, 1, i))};
      },
      [&](std::size_t, std::vector<double>&& value) { logs.push_back(value[0]); }, Control{});
  double mean = 0, squares = 0;
  for (const double l : logs) mean += l / static_cast<double>(n);
  for (const double l : logs) squares += (l - mean) * (l - mean);
  return std::sqrt(squares / static_cast<double>(n - 1));
}

}  // namespace uptake
