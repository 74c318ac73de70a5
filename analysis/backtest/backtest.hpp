/// Would it have forecast? Fit to what was known, forecast what came after, score, and compare with simpler forecasts.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calibration/historic.hpp"
#include "calibration/posterior_file.hpp"
#include "statistics/scores.hpp"

namespace uptake {

inline constexpr std::array<std::string_view, 3> kBaselineNames{"persistence", "linear", "bass"};
template <class T>
using ByBaseline = std::array<T, kBaselineNames.size()>;

/// One of cutoff, leave_out and fractions says what was known.
struct BacktestOptions {
  std::optional<Date> cutoff;           ///< an observation was known when the last of its days was over
  std::string leave_out;                ///< programme that is forecast from what the others say
  std::vector<double> fractions;        ///< of each programme's observed period, in (0, 1)
  std::vector<Date> dates;              ///< forecast there too, whatever is observed
  std::vector<std::string> programmes;  ///< only these; empty = all
  FitOptions fit;
  std::size_t n_draws = 2000;  ///< of each forecast
};

/// One forecast of one observation (or of a date without any).
struct Forecast {
  std::string programme, region, measure, unit, date;
  std::string cut;               ///< what was known: a date, "50 %", "left out"
  int n_past = 0;                ///< observations of the series that were known
  std::optional<double> before;  ///< the last of them
  double denominator = 1;        ///< value that stands for a share of 1
  std::optional<double> observed;
  /// By world: draw i of a programme's forecasts at one cut is the same world. NaN where the model failed.
  std::vector<double> draws;
  std::optional<Score> score;
  ByBaseline<std::optional<Score>> baselines;  ///< by kBaselineNames; none without a past observation
  /// WIS and CRPS of each tenth of the draws: how much mean scores owe to the luck of the draws.
  std::array<double, 10> wis_of_tenths{}, crps_of_tenths{};
};

/// A mean over forecasts with what the number of draws leaves open (of the forecast, not of the fit behind it).
struct MeanScore {
  double mean = 0, mcse = 0;
};

/// Our mean WIS over a baseline's, below 1 is better. Forecasts take part that have a score and all three baselines.
/// `ratio`, its interval and `geometric` are on shares of the denominator, so that many homes do not drown few trusts.
struct SkillOf {
  Skill shares;
  std::optional<double> natural;  ///< in the units of the series
  std::optional<double> logs;     ///< of log(1 + x) in these units
};

/// How a series, or a whole programme, came out. WIS on shares of the denominator.
struct GroupScore {
  std::string programme, measure, region;  ///< the last two are empty for a whole programme
  std::size_t n_scored = 0, n_compared = 0;
  Wis wis;          ///< mean over scored forecasts
  double bias = 0;  ///< mean of Score::bias
  Wis ours;         ///< mean over compared forecasts, as `theirs` are
  ByBaseline<Wis> theirs;
  ByBaseline<std::optional<double>> skill;
};

struct Backtest {
  std::string history;  ///< name of the record
  std::string known;    ///< the cut in words: "2019-04-30", "25 %, 50 % of each programme's period", "all but pincer"
  Completion completion = Completion::complete;
  std::vector<Forecast> forecasts;

  std::size_t n_scored = 0, n_compared = 0;    ///< with an observation; with three baselines too
  ByBaseline<std::optional<SkillOf>> skill;    ///< pooled
  std::vector<GroupScore> programmes, series;  ///< of scored forecasts
  std::optional<MeanScore> crps, wis;          ///< on shares of the denominator
  std::optional<MeanScore> natural_crps, natural_wis;
  std::optional<double> log_crps, log_wis;
  std::optional<Coverage> covered50, covered90;
  /// Times which the half-widths of all intervals would have had to be for the share covered to be the level.
  std::optional<double> multiplier50, multiplier90;
  std::optional<double> bias;          ///< mean; 1 = every draw above, -1 = every draw below what was observed
  std::vector<double> pit;             ///< heights of 10 bins, mean 1, from 20 scored forecasts on; else empty
  std::vector<double> pits;            ///< by scored forecast: P(draw < observed) + P(draw = observed) / 2
  std::optional<OutsideView> outside;  ///< observed / median forecast
  std::vector<std::string> skipped;    ///< programmes left out, each with why
  std::vector<std::string> assumed;    ///< what forecasts take as known, and what they do not
  std::vector<std::string> warnings;
  std::vector<std::string> why;  ///< what explains a baseline that wins, sentences worked out from the scores
  std::size_t n_simulations = 0;
  double seconds = 0;
};

/// Simulations and particles of a fit when nothing else is asked for: a fifth of a calibration's, because a back-test
/// makes one for each programme and cut. [A]
inline constexpr std::size_t kBacktestBudget = 20'000, kBacktestParticles = 1'000;

/// What a back-test tells while it works, of a programme; either may be empty.
struct BacktestProgress {
  std::function<void(const std::string& programme, const CalibrationProgress&)> fit;
  std::function<void(const std::string& programme, const Progress&)> forecast;
};

/// @param stored posterior of past programmes for `leave_out`; calibrated here when absent or of another record
/// @throws InputError when the options do not go together, name what the record lacks, or leave nothing to forecast
[[nodiscard]] Backtest backtest(const HistoricRecord& record, std::shared_ptr<const Population> population,
                                const BacktestOptions& options, const StoredPosterior* stored, const Control& control,
                                const BacktestProgress& progress = {});

/// For people, at most 80 columns: forecasts, scores, and in words how good they were and why a baseline wins.
[[nodiscard]] std::string backtest_table(const Backtest& result);
/// docs/results-format.md, "backtest".
[[nodiscard]] std::string backtest_json(const Backtest& result);
/// One row for each forecast, RFC 4180.
[[nodiscard]] std::string backtest_csv(const Backtest& result);
/// backtest.h5: forecasts by label, with every draw. The same bytes for the same back-test.
/// @pre there is a forecast. @throws FileError
void write_backtest(const Backtest& result, const std::filesystem::path& file);

}  // namespace uptake
