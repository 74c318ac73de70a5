/// The outside view beside a projection: how earlier forecasts of this model fared, and, where it is asked for, the
/// average of the model's own distribution with what they say.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "statistics/scores.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/results.hpp"

namespace uptake {

/// Probabilities at which distributions are averaged, and what files call the quantiles.
inline constexpr std::array kOutsideProbabilities{0.05, 0.25, 0.5, 0.75, 0.95};
inline constexpr std::array<std::string_view, kOutsideProbabilities.size()> kOutsideNames{"p05", "p25", "p50", "p75",
                                                                                          "p95"};
using OutsideQuantiles = std::array<double, kOutsideProbabilities.size()>;

/// A gross metric of the lead strategy at the first report date, in the place that the run is about.
struct OutsideRow {
  Metric metric{};
  OutsideQuantiles model{};  ///< its own, as in the tables
  /// Its median times the ratios; of what comes of adoption, median adoption times the ratios times what an adopter brings.
  OutsideQuantiles outside{};
  OutsideQuantiles average{};  ///< quantile average of the two
};

/// What earlier forecasts of this model came to, beside a run.
struct OutsideBeside {
  OutsideView ratios;  ///< observed / median forecast
  std::size_t n_programmes = 0, n_series = 0;
  double weight = 0;             ///< of the outside view in the average
  std::vector<OutsideRow> rows;  ///< empty where the weight is 0
  std::string rule;              ///< which forecasts it is made of: "all 53 forecasts of forecasts.csv"
  std::string finding;           ///< what they say, in a sentence
  std::string limits;            ///< what they do not, in sentences
};
/// Nothing where there is no table of past forecasts. Unasked it is left out beside made-up organisations, and where a run
/// is about its growth ledger: of neither was anything ever forecast. @throws FileError
[[nodiscard]] std::optional<OutsideBeside> outside_beside(const RunRecord& record);

/// What is said over a table of averages. @param averaged the metrics in it
[[nodiscard]] std::string average_in_words(double weight, std::span<const Metric> averaged);

}  // namespace uptake
