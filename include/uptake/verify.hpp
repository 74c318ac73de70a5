/// The known-answer cases of the model (docs/verification.md), answered by the shipped kernel and functions, and those of
/// calibration.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "uptake/ensemble.hpp"

namespace uptake {

struct VerificationCase {
  std::string id;       ///< "V1", "V3b", ...
  std::string name;     ///< a sentence
  double expected = 0;  ///< the exact answer
  double got = 0;
  double tolerance = 0;  ///< largest allowed |got - expected|; for statistical cases 4 standard errors
  double z = 0;          ///< (got - expected) / standard error, NaN for deterministic cases
  bool pass = false;
  std::string detail;  ///< size, replicates, what law
};

/// Runs all cases. @param progress called after each case
[[nodiscard]] std::vector<VerificationCase> verify(const Control& control,
                                                   const std::function<void(const VerificationCase&)>& progress = {});

/// The same for calibration: exact posteriors and evidences (P), the fast method (K), mistakes that must not pass (N),
/// ranks (S) and forecast scores (F). docs/calibration-evidence.md has them at full size.
[[nodiscard]] std::vector<VerificationCase> verify_calibration(
    const Control& control, const std::function<void(const VerificationCase&)>& progress = {});

}  // namespace uptake
