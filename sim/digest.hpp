/// The digest of a scenario.
#pragma once

#include <filesystem>
#include <string>

#include "uptake/scenario.hpp"

namespace uptake {

/// 16 hexadecimal digits over everything that decides the numbers of a replicate: resolved settings, the tables in
/// `tables`, seed, mode and version; neither titles, notes and sources, nor how many replicates there are (the first
/// ones of a longer run are the same). @throws FileError when the tables cannot be read
[[nodiscard]] std::string digest_of(const Scenario& scenario, const std::filesystem::path& tables);

}  // namespace uptake
