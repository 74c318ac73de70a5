/// Would it have forecast? Fit to what was known, forecast what came after, score, and compare with simpler forecasts.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "uptake/historic.hpp"
#include "uptake/posterior_file.hpp"
#include "uptake/scores.hpp"

namespace uptake {

inline constexpr std::array<std::string_view, 3> kBaselineNames{"persistence", "linear", "bass"};

struct BacktestOptions {
  std::optional<Date> cutoff;
  std::string leave_out;                ///< programme that is forecast from what the others say
  std::vector<double> fractions;        ///< of each programme's observed period
  std::vector<Date> dates;              ///< forecast there too, whatever is observed
  std::vector<std::string> programmes;  ///< only these; empty = all
  FitOptions fit;
  std::size_t n_draws = 2000;  ///< of each forecast
};

/// One forecast of one observation (or of a date without any).
struct Forecast {
  std::string programme, region, measure, unit, date;
  std::string cut;  ///< what was known: a date, "50 %", "left out"
  int n_past = 0;   ///< observations of the series that were known
  std::optional<double> observed;
  std::vector<double> draws;  ///< ascending
  std::optional<Score> score;
  std::array<std::optional<Score>, 3> baselines;  ///< by kBaselineNames; none without a past observation
};

struct Backtest {
  std::vector<Forecast> forecasts;
  std::array<std::optional<Skill>, 3> skill;  ///< pooled, on shares of the denominator's scale (natural WIS)
  std::optional<Coverage> covered50, covered90;
  std::optional<OutsideView> outside;
  std::vector<std::string> skipped;  ///< programmes left out, each with why
  std::vector<std::string> notes;    ///< what explains a baseline that wins, sentences
  std::size_t n_simulations = 0;
  double seconds = 0;
};

/// @param stored posterior of past programmes for `leave_out`; calibrated here when absent or of another record
[[nodiscard]] Backtest backtest(
    const HistoricRecord& record, std::shared_ptr<const Population> population, const BacktestOptions& options,
    const StoredPosterior* stored, const Control& control,
    const std::function<void(const std::string& programme, const CalibrationProgress&)>& progress = {});

}  // namespace uptake
