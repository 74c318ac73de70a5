/// The table of observations, with its problems collected.
#pragma once

#include <filesystem>
#include <vector>

#include "uptake/error.hpp"
#include "uptake/record.hpp"

namespace uptake {

/// The good rows of a table; what is wrong with the others is appended. @throws FileError
[[nodiscard]] std::vector<Observation> read_observations(const std::filesystem::path& file,
                                                         std::vector<Problem>& problems);

}  // namespace uptake
