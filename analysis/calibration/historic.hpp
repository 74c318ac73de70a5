/// A programme's model put beside its record: what it would have been reported as, and how likely what was reported is.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "calibration/tempering.hpp"
#include "uptake/calibration.hpp"
#include "uptake/record.hpp"

namespace uptake {

/// One observation asked of the model: series of the programme, and the point in it; or a date without any.
struct Asked {
  std::size_t series = 0;
  ObservedPoint point;  ///< `value` is not used
};

/// Model of one programme alone, in the one world that there was: commissioned and supported.
class HistoricModel {
 public:
  /// @param last  nothing after this day is asked
  /// @throws InputError (the population has no organisation for a series, a date before the start, ...)
  HistoricModel(HistoricProgramme programme, const HistoricRecord& record, std::shared_ptr<const Population> population,
                Date last);
  ~HistoricModel();
  HistoricModel(HistoricModel&&) noexcept;
  HistoricModel& operator=(HistoricModel&&) noexcept;

  [[nodiscard]] const HistoricProgramme& programme() const;
  /// Of the record and the programme: a checkpoint of another one is refused.
  [[nodiscard]] const std::string& identity() const;
  /// The last day that can be asked about.
  [[nodiscard]] Date last_day() const;
  /// What is calibrated, with the working priors.
  [[nodiscard]] const std::vector<CalibratedParameter>& parameters() const;

  /// One world under these parameters (in own units; all others drawn from their priors by the key), as it would have
  /// been reported: values in the units of the series. NaN for all when the parameters are impossible.
  [[nodiscard]] std::vector<double> reported(std::span<const double> parameters, std::span<const Asked> asked,
                                             Key key) const;

  /// Observations of series that are fitted to and were over by `cutoff` (all when absent).
  [[nodiscard]] std::vector<Asked> fitted(std::optional<Date> cutoff) const;
  /// Summaries: increments of cumulated counts and the logarithm of their last value,
  /// levels of all else. @param values as from `reported`, or the observed ones
  [[nodiscard]] std::vector<double> summaries(std::span<const Asked> asked, std::span<const double> values) const;
  [[nodiscard]] std::vector<Observed> observed(std::span<const Asked> asked) const;
  /// Prior x simulator x observations. References this model, which must outlive it.
  [[nodiscard]] CalibrationProblem problem(std::vector<Asked> asked) const;
  /// ln of an unbiased estimate of the likelihood of the observations by a particle filter over the world.
  [[nodiscard]] LogLikelihood log_likelihood(std::vector<Asked> asked, FilterOptions options) const;
  /// n futures of worlds under these parameters that went as was reported: a filter through what is known, then on.
  /// @return values[t * n + i], t = asked; NaN for all when the parameters are impossible or no state of the filter can
  /// have made what is known
  [[nodiscard]] std::vector<double> continued(std::span<const double> parameters, std::span<const Asked> known,
                                              std::span<const Asked> asked, std::size_t n, FilterOptions options,
                                              Key key) const;

  struct Inside;  ///< of the module's own

 private:
  std::unique_ptr<const Inside> inside_;
};

/// The last day that a programme's record speaks of; its start when it says nothing.
[[nodiscard]] Date last_day_of(const HistoricProgramme& programme);
/// Whether any observation of it is fitted to.
[[nodiscard]] bool has_fitted(const HistoricProgramme& programme);
/// The population that a record names.
[[nodiscard]] Population population_of(const HistoricRecord& record, const std::filesystem::path& data_folder);

enum class Method : std::uint8_t { abc, tempered, kalman };
inline constexpr std::array<std::string_view, 3> kMethodNames{"abc", "tempered", "kalman"};

struct FitOptions {
  Method method = Method::abc;
  AbcOptions abc;                ///< seed, particles, budget, checkpoint
  std::size_t n_tempered = 500;  ///< particles of the tempered method [A]
  std::size_t n_states = 50;     ///< of the particle filter [A]
  std::optional<Date> cutoff;
  std::size_t n_draws = 1000;  ///< kept
};

/// How an observation is met by a fit.
struct PointFit {
  Asked asked;
  double observed = 0;
  double p05 = 0, p25 = 0, p50 = 0, p75 = 0, p95 = 0;  ///< posterior predictive, in the series' unit
  double pit = 0;                                      ///< P(predictive < observed) + P(equal) / 2
  bool was_fitted = false;
};

/// A programme's calibration.
struct ProgrammeFit {
  std::string programme;
  Method method = Method::abc;
  Completion completion = Completion::complete;
  std::vector<CalibratedParameter> parameters;
  std::vector<ObservedSeries> series;  ///< of the programme, which `points` refer to
  WeightedDraws draws;                 ///< on the real line, equal weights, random order, FitOptions::n_draws
  std::vector<double> contraction;
  std::vector<double> correlation;  ///< p x p
  Diagnostics diagnostics;          ///< primary method only
  std::vector<Generation> generations;
  std::optional<double> log_evidence;  ///< tempered method
  std::size_t n_simulations = 0, n_fitted = 0;
  double seconds = 0;
  std::vector<PointFit> points;  ///< every point of every series, fitted or not
  std::vector<std::string> warnings;
};

/// @throws InputError when nothing can be fitted to
[[nodiscard]] ProgrammeFit fit_programme(const HistoricModel& model, const FitOptions& options, const Control& control,
                                         const TellCalibration& progress = {});

/// Draws of what was asked under draws of parameters: values[t * n + i], t = asked, i = draw (all draws in order, then
/// again with other luck until n). One joint world per i, so that sums over t of one i mean something.
[[nodiscard]] std::vector<double> predict(const HistoricModel& model, const WeightedDraws& draws,
                                          std::span<const Asked> asked, std::size_t n, std::uint64_t seed,
                                          const Control& control);

struct ForecastOptions {
  std::uint64_t seed = 1;
  std::size_t n_parameters = 400;  ///< draws of the posterior that take part
  std::size_t n_futures = 5;       ///< of each
  std::size_t n_states = 30;       ///< of the filter through what is known
};
/// Draws of what was asked, from worlds that went as what is known was reported: values[t * n + i], n = n_parameters x
/// n_futures. Empty when interrupted.
[[nodiscard]] std::vector<double> forecast(const HistoricModel& model, const WeightedDraws& draws,
                                           std::span<const Asked> known, std::span<const Asked> asked,
                                           const ForecastOptions& options, const Control& control);

}  // namespace uptake
