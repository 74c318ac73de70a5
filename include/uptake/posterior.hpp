/// Parameters as the record leaves them: joint draws by programme, for runs that project from them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "uptake/parameters.hpp"

namespace uptake {

struct Scenario;

/// How much of a parameter's prior variance its posterior has lost; below this it is "not informed by these data" [A].
inline constexpr double kInformed = 0.1;

/// One parameter of a calibrated programme.
struct PosteriorParameter {
  Parameter id{};
  Prior prior;             ///< the working prior that it was calibrated under
  double contraction = 0;  ///< 1 - var(posterior) / var(prior), on the real line
  [[nodiscard]] bool is_informed() const { return contraction >= kInformed; }
};

/// Where the draws of a programme come from.
enum class PosteriorKind : std::uint8_t {
  calibrated,  ///< its own record
  pooled       ///< what past programmes say about one that nothing is known of
};

/// An observation beside what the calibrated model says of it, in `unit`.
struct CalibratedPoint {
  std::string measure, region, unit, date;  ///< as in the table of observations
  double observed = 0;
  double p05 = 0, p25 = 0, p50 = 0, p75 = 0, p95 = 0;  ///< posterior predictive
  double pit = 0;                                      ///< P(predictive < observed) + P(equal) / 2
  bool was_fitted = false;                             ///< false: compared with only
};

/// How a programme was calibrated: told to readers of a run, never drawn from. Empty for what is pooled.
struct CalibrationAccount {
  std::string method;
  bool is_complete = true;
  std::size_t n_simulations = 0, n_fitted = 0;  ///< in all; observations fitted to
  std::vector<CalibratedPoint> points;
  std::vector<std::string> warnings;  ///< sentences
};

/// Joint draws of one programme, in a random order, so that a part of them is a sample.
struct PosteriorProgramme {
  std::string programme;  ///< name
  PosteriorKind kind = PosteriorKind::calibrated;
  std::vector<PosteriorParameter> parameters;
  std::size_t n_draws = 0;
  std::vector<double> values;  ///< n_draws x parameters, in the table's units
  CalibrationAccount account = {};
  [[nodiscard]] std::optional<std::size_t> column(Parameter id) const;
  /// Sample quantile of a column (Hyndman & Fan 1996, type 7). @pre there are draws
  [[nodiscard]] double quantile(std::size_t column, double probability) const;
};

/// What of a posterior file a run uses.
struct Posterior {
  std::filesystem::path file;
  std::string digest;  ///< of all that is drawn from it and told of it
  std::vector<PosteriorProgramme> programmes;
  std::string record = {}, record_digest = {};  ///< title and digest of what was calibrated to
  std::string command = {};                     ///< that makes the file again
  /// What pooled programmes are drawn from: names of past programmes, and what is to be said of pooling them.
  std::vector<std::string> past_programmes = {}, past_warnings = {};
  [[nodiscard]] const PosteriorProgramme* find(const std::string& programme) const;
};

/// From now on parameters of these programmes are drawn from the posterior: one joint draw per replicate and programme,
/// chosen by the programme's own uniform (identity `posterior`), the same in every world; all other parameters from their
/// priors. What the scenario itself or `--set` states of a parameter is nearer than the posterior and stays; a note of
/// the scenario then says so. Grades and sources of the parameters say which the record informs; their values stay those
/// of the files, which nothing is drawn from any more. Joins the posterior's digest to
/// the scenario's.
/// @throws InputError when a draw lies outside the table's range, a parameter is no programme parameter or stands twice,
/// or values are missing; no programme of the scenario is in the posterior
void use_posterior(Scenario& scenario, const std::shared_ptr<const Posterior>& posterior);

/// The programme of a scenario as its posterior has it; null when its parameters are not drawn from one.
[[nodiscard]] const PosteriorProgramme* calibrated(const Scenario& scenario, const std::string& programme);
/// A parameter that is drawn from a posterior: where it stands among the draws of its programme.
struct PosteriorColumn {
  const PosteriorProgramme* programme;
  std::size_t column;
  [[nodiscard]] const PosteriorParameter& parameter() const { return programme->parameters[column]; }
  [[nodiscard]] double quantile(double probability) const { return programme->quantile(column, probability); }
  [[nodiscard]] double mean() const;
};
/// Nothing where it is not drawn from one. @param programme name
[[nodiscard]] std::optional<PosteriorColumn> posterior_column(const Scenario& scenario, const std::string& programme,
                                                              Parameter id);
/// How far a run's figures are calibrated, in a sentence; empty unless a posterior is used.
[[nodiscard]] std::string calibration_in_words(const Scenario& scenario);
/// Parameters that are drawn from the posterior although the record says next to nothing about them, in a sentence; empty
/// when there are none.
[[nodiscard]] std::string not_informed_in_words(const Scenario& scenario);

/// What the calibrations that a scenario draws from warn of, each `programme: sentence`.
[[nodiscard]] std::vector<std::string> calibration_warnings(const Scenario& scenario);

}  // namespace uptake
