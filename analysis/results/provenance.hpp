/// What results.h5 tells of a run beside its measures: parameters and where they come from, how exact the figures are, what
/// was published and forecast before, and what the run was made of.
#pragma once

#include <cstddef>

#include "files/hdf5_writer.hpp"
#include "uptake/results.hpp"

namespace uptake {

/// Columns of the parameters; what was drawn comes after them.
void write_parameters(Hdf5Group& group, const RunRecord& record);
/// How many they are.
[[nodiscard]] std::size_t n_parameters(const Scenario& scenario);

/// Groups of their own, in the order of the file; those of which there is nothing to tell are left out.
void write_provenance(const Hdf5File& file, const RunRecord& record);

}  // namespace uptake
