/// The parts of a back-test that need no model: what was known when, rival forecasts, and what scores add up to.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "backtest/backtest.hpp"

namespace uptake {

/// First day of the emergency that nobody knew of before: until then a forecast has neither of its factors.
inline constexpr Date kEmergency = std::chrono::sys_days{std::chrono::year{2020} / 3 / 1};

/// What nobody knew at a cut-off. A programme that is left out is forecast through all that happened, from no counts.
enum class Unknown : std::uint8_t { values, values_and_events };

/// The programme as it was known at the end of `cutoff`: later observations without their values and never fitted to (that
/// they were made, by whom and how, stays) and, of events, no later withdrawal, and before the emergency no factor of it.
/// @param assumed gets a sentence for each thing that is taken out or left in, once
[[nodiscard]] HistoricProgramme as_known(HistoricProgramme programme, Date cutoff, Unknown what,
                                         std::vector<std::string>& assumed);

/// Observations of a series that were fitted to and over by `cutoff`, as indices into its points.
[[nodiscard]] std::vector<std::size_t> past_points(const ObservedSeries& series, Date cutoff);

/// What is asked of a programme: every observation of its fitted series that was not over by the cut-off, then each
/// date for each of these series. Indices are those of `programme`, whose points are all there.
struct Question {
  Asked asked;  ///< without its value
  std::optional<double> observed;
};
[[nodiscard]] std::vector<Question> questions(const HistoricProgramme& programme, Date cutoff,
                                              std::span<const Date> dates);

/// The cut-off that leaves `fraction` of the time from the programme's start to its last fitted observation.
/// None without a fitted observation after the start.
[[nodiscard]] std::optional<Date> cut_at(const HistoricProgramme& programme, double fraction);

/// Draws of the three rivals for the questions about one series; empty without a past observation. Draws by question.
[[nodiscard]] ByBaseline<std::vector<std::vector<double>>> rivals(const HistoricProgramme& programme,
                                                                  std::size_t series, Date cutoff,
                                                                  std::span<const Question> questions, Key key);

/// A forecast with its scores. @param draws by world; what is not finite is left out
[[nodiscard]] Forecast scored(const HistoricProgramme& programme, const Question& question, std::vector<double> draws);

/// Everything of a back-test that follows from its forecasts.
void summarise(Backtest& result, Key key);

/// What a model is asked for, so that a back-test can be proved on another: draws of `asked` (t * n + i) by a model that
/// knows `known` alone; none when it was interrupted.
struct Ask {
  const HistoricProgramme& known;  ///< as_known
  std::span<const Asked> asked;
  Date last;                   ///< of all that is asked
  std::optional<Date> cutoff;  ///< none for a programme that is left out
  std::size_t n_draws;
  std::uint64_t seed;
};
struct Answer {
  std::vector<double> values;  ///< empty: interrupted
  std::size_t n_simulations = 0;
  std::vector<std::string> warnings;
};
using Forecaster = std::function<Answer(const Ask&)>;

/// `backtest` with this forecaster in the place of the model.
[[nodiscard]] Backtest backtest_with(const HistoricRecord& record, const BacktestOptions& options,
                                     const Forecaster& forecaster);

}  // namespace uptake
