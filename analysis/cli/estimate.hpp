/// `run --dry-run`: what a run would take.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>

#include "commands.hpp"
#include "uptake/ensemble.hpp"
#include "uptake/model.hpp"
#include "uptake/outcomes.hpp"

namespace uptake::cli {

/// A run that is still to be done, or to be gone on with.
struct RunAhead {
  std::shared_ptr<const Model> model;
  SummaryLayout layout;
  std::filesystem::path folder;      ///< of its results
  std::size_t n_missing = 0;         ///< replicates of this process that are not finished
  std::size_t n_missing_in_all = 0;  ///< of all ranks
  std::optional<Share> share;        ///< the task that it is, which writes a part file alone
};

/// Says what a run would take, from a few replicates that are simulated and written to a folder that does not stay.
/// @throws FileError where no such folder can be made
void print_estimate(const RunAhead& run, const Control& control, const Output& output);

}  // namespace uptake::cli
