/// What earlier forecasts of this model came to: the reference class of the outside view (Kahneman & Lovallo 1993).
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace uptake {

/// What was known where a programme is forecast from the others alone, as back-tests write it.
inline constexpr std::string_view kLeftOut = "left out";

/// A forecast of a back-test beside what was observed in the end: a row of backtest.csv.
struct PastForecast {
  std::string programme, region, measure, date;  ///< as in the table of observations
  std::string cut;                               ///< what was known: a date, "50 %", kLeftOut
  double observed = 0, median = 0;               ///< in the unit of the series; the median forecast
  [[nodiscard]] double ratio() const { return observed / median; }
};

/// All forecasts of a table: no choice among them, so that nobody picks the class that suits the case.
struct PastForecasts {
  std::filesystem::path file;
  std::string digest;  ///< of what was read
  std::vector<PastForecast> forecasts;
  [[nodiscard]] std::vector<double> ratios() const;
  /// Forecasts of one programme are right or wrong together, those of one series (programme, region, measure) more so.
  [[nodiscard]] std::size_t n_programmes() const;
  [[nodiscard]] std::size_t n_series() const;
};

/// Reads a table as `uptake backtest -o` writes it (backtest.csv): programme, region, measure, date, cut, observed, p50;
/// other columns are no matter. Forecasts that nothing was observed for, and those of 0, have no ratio and are left out.
/// @throws FileError; InputError with every bad row, and for a table without any ratio
[[nodiscard]] PastForecasts read_past_forecasts(const std::filesystem::path& file);

}  // namespace uptake
