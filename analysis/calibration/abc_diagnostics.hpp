/// What an ABC calibration says about itself.
#pragma once

#include <span>

#include "calibration/abc_state.hpp"
#include "calibration/regression.hpp"
#include "uptake/calibration.hpp"

namespace uptake {

/// @param predictive summaries simulated at draws of the adjusted posterior, any number x d; empty = not made
[[nodiscard]] Diagnostics diagnose(const CalibrationProblem& problem, const AbcState& state, const Adjusted& adjusted,
                                   std::span<const double> predictive);

}  // namespace uptake
