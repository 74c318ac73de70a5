/// The statistical cases of `verify`: what the kernel is run on, the exact law of each figure, and a known mistake that
/// the same sample must reject.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "uptake/ensemble.hpp"
#include "verify/exact_laws.hpp"

namespace uptake {

/// How the law of an experiment is computed; the default is the model's. Anything else is a mistake that a kernel could
/// make, used to show that the sample is large enough to reject it.
struct Rules {
  double rate = 1;             ///< factor on the rates that `mistake_name` names
  int steps_late = 0;          ///< the sample read so many steps too late
  double listens_to_self = 0;  ///< 1: exposure = in use / n instead of / (n - 1)
  Firing firing = Firing::exponential;
};

/// Sums over units of each figure.
struct Sample {
  std::vector<double> sum;
  double n_units = 0;
};
[[nodiscard]] double z_score(const Sample& sample, std::size_t figure, const Law& law);

/// One number of an experiment.
struct Figure {
  std::string name;
  /// Continuous-time answer of docs/verification.md, and half a unit of its last digit; no value where none is
  /// printed for this figure.
  std::optional<double> published;
  double printed_to = 0.6e-9;
  double power = 1;  ///< published = (mean of a unit)^power: 1/2 where a standard deviation is printed
};

struct Experiment {
  std::string id;       ///< "V2"
  std::string setting;  ///< size and replicates
  std::vector<Figure> figures;
  double step_years = 0;
  /// Law of one unit for each figure, at any step.
  std::function<std::vector<Law>(double step_years, const Rules& rules)> law;
  /// The shipped kernel's answer.
  std::function<Sample(const Control& control)> sample;
  Rules mistake;
  std::string mistake_name;
};

/// All of them, V1 to V15.
[[nodiscard]] std::vector<Experiment> experiments();

}  // namespace uptake
