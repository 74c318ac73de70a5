/// Where a replenishment ABC-SMC stands between two generations, and the file that keeps it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "uptake/calibration.hpp"

namespace uptake {

/// After `generations.size()` whole generations (0: the prior has been drawn).
struct AbcState {
  std::size_t n_simulations = 0, n_attempted = 0, n_failed = 0;
  double step = 0;                 ///< h, for the next generation
  std::vector<double> parameters;  ///< particles x p, unconstrained
  std::vector<double> summaries;   ///< particles x d
  std::vector<double> distances;   ///< particles, under `scales`
  std::vector<double> scales;      ///< of the last generation
  std::vector<double> prior_variances;
  std::vector<Generation> generations;
  bool finished = false;
};

/// Writes by replace_file: at any moment the last whole generation or this one. @throws FileError
void save_checkpoint(const std::filesystem::path& path, std::uint64_t identity, const AbcState& state);
/// Bytes of a checkpoint; none when there is no file. @throws FileError when it is unreadable
[[nodiscard]] std::string read_checkpoint(const std::filesystem::path& path);
/// What the bytes say; nothing when there are none. @param path for messages
/// @throws FileError when they are spoilt or of another calibration
[[nodiscard]] std::optional<AbcState> parse_checkpoint(const std::filesystem::path& path, const std::string& bytes,
                                                       std::uint64_t identity);

}  // namespace uptake
