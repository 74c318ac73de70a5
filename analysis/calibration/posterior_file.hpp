/// posterior.h5: what a calibration found, by label. docs/results-format.md has the paths.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "calibration/historic.hpp"
#include "calibration/pooling.hpp"
#include "uptake/posterior.hpp"

namespace uptake {

/// Everything that a posterior file holds.
struct PosteriorRecord {
  const HistoricRecord* record = nullptr;
  std::span<const ProgrammeFit> fits;
  std::optional<Pooled> pooled;  ///< over at least three programmes
  /// Names of the programmes that it pools, in its order; empty = those of the fits.
  std::vector<std::string> pooled_programmes;
  std::optional<LeaveOneOut> left_out;
  std::string command;  ///< that makes it again, options and all
  std::string cutoff;   ///< last day of observations that were fitted to; empty = all
  std::uint64_t seed = 0;
};

/// Version of posterior.h5 (docs/results-format.md) that is written and read.
inline constexpr int kPosteriorFormat = 1;

/// Writes FILE.tmp, syncs, renames. Plain HDF5 that is netCDF-4 / CF too: the same bytes for the same calibration. Draws
/// keep 23 binary digits and stay inside their ranges. @throws FileError
/// @pre every fit is of a programme of the record, and its draws are finite
void write_posterior(const PosteriorRecord& posterior, const std::filesystem::path& file);

/// A programme's part of a file that was read.
struct StoredFit {
  std::string programme;
  std::vector<CalibratedParameter> parameters;
  WeightedDraws draws;  ///< unconstrained
  std::vector<double> contraction;
  Method method = Method::abc;
  CalibrationAccount account = {};
};
struct StoredPosterior {
  std::filesystem::path file;
  std::string digest;  ///< of the record it was calibrated to
  std::string title, command, cutoff;
  std::vector<StoredFit> fits;
  std::optional<Pooled> pooled;                     ///< hyperparameters; `programmes` is empty
  std::vector<std::string> covariates;              ///< names of the columns of its slopes
  std::vector<std::string> pooled_programmes = {};  ///< names of those that it pools
  [[nodiscard]] const StoredFit* find(const std::string& programme) const;
};
/// @throws FileError for a file that is missing, truncated, no posterior or of another format version
[[nodiscard]] StoredPosterior read_posterior(const std::filesystem::path& file);

/// What a scenario's programmes draw from it: their own calibration where there is one, else, for those whose file says
/// that they start from past programmes (`from_past_programmes = true`), the pooled predictive with their covariates,
/// mixed with a vague part of the working priors' spread (robust: Schmidli et al. 2014). Programmes in neither keep their
/// priors, and so do parameters whose prior is fixed in the programme and in all of the calibration.
/// @throws InputError for a posterior of parameters or covariates that this version does not know
[[nodiscard]] Posterior posterior_for(const StoredPosterior& stored, const Scenario& scenario);

/// Reads the posterior that a scenario names, if it names one, and lets the scenario draw from it.
/// @throws FileError, InputError as the functions above; InputError when no programme of the scenario is in the file
void use_named_posterior(Scenario& scenario);

}  // namespace uptake
