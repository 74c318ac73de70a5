/// What a calibration says for itself, as text and JSON.
#pragma once

#include <span>
#include <string>

#include "calibration/historic.hpp"
#include "calibration/posterior_file.hpp"

namespace uptake {

/// Observations beside what the calibrated model gives, what was learnt of each parameter, and warnings.
[[nodiscard]] std::string fit_text(const ProgrammeFit& fit);
/// The same with all diagnostics.
[[nodiscard]] std::string fit_text_with_diagnostics(const ProgrammeFit& fit);
/// What the columns mean, a line each.
[[nodiscard]] std::string fit_legend();
/// The hierarchy over programmes: where a new one is expected, how much programmes differ, how it would have done.
[[nodiscard]] std::string pooled_text(const Pooled& pooled, const LeaveOneOut* left_out);
/// {"schema": 1, "history", "programmes": [{"programme", "method", "parameters": [...], "observations": [...], ...}],
/// "pooled": {...}}
[[nodiscard]] std::string calibration_json(const PosteriorRecord& posterior);

}  // namespace uptake
