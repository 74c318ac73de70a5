/// results.h5, written whole.
#pragma once

#include <cstddef>
#include <filesystem>

#include "uptake/ensemble.hpp"
#include "uptake/results.hpp"

namespace uptake {

/// Puts results.h5 into a folder once it is whole.
/// @param record with its statistics of the report dates
/// @return bytes of the file that would be more with more replicates @throws FileError
std::size_t write_results_file(const RunRecord& record, const std::filesystem::path& folder, const Control& control);

}  // namespace uptake
