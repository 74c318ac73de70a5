/// posterior.h5: what a calibration found, by label. docs/results-format.md has the paths.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "uptake/historic.hpp"
#include "uptake/pooling.hpp"
#include "uptake/posterior.hpp"

namespace uptake {

/// Everything that a posterior file holds.
struct PosteriorRecord {
  const HistoricRecord* record = nullptr;
  std::span<const ProgrammeFit> fits;
  std::optional<Pooled> pooled;  ///< over at least three programmes
  std::optional<LeaveOneOut> left_out;
  std::string command;  ///< that makes it again
  std::uint64_t seed = 0;
};

/// Writes FILE.tmp, syncs, renames. Plain HDF5 that is netCDF-4 / CF too (interfaces.md 5): the same bytes for the same
/// calibration. @throws FileError
void write_posterior(const PosteriorRecord& posterior, const std::filesystem::path& file);

/// A programme's part of a file that was read.
struct StoredFit {
  std::string programme;
  std::vector<CalibratedParameter> parameters;
  WeightedDraws draws;  ///< unconstrained
  std::vector<double> contraction;
};
struct StoredPosterior {
  std::filesystem::path file;
  std::string digest;  ///< of the record it was calibrated to
  std::string title, command;
  std::vector<StoredFit> fits;
  std::optional<Pooled> pooled;  ///< hyperparameters; `programmes` is empty
};
/// @throws FileError; InputError for a file that is no posterior, is truncated or of another format version
[[nodiscard]] StoredPosterior read_posterior(const std::filesystem::path& file);

/// What a scenario's programmes draw from it: their own calibration where there is one, else, for those whose file says
/// that they start from past programmes (`evidence = "D"` without observations), the pooled predictive with their
/// covariates (robust mixture, calibration.md 3.3). Programmes in neither keep their priors.
[[nodiscard]] Posterior posterior_for(const StoredPosterior& stored, const Scenario& scenario);

}  // namespace uptake
