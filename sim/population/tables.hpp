/// The tables that a population is built from, as digests take them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "uptake/population.hpp"

namespace uptake {

/// 16 hexadecimal digits over the name and content of every table (*.csv) in a folder. @throws FileError
[[nodiscard]] std::string tables_digest(const std::filesystem::path& folder);
/// What a population is built from: options and the tables in `tables`. @throws FileError when they cannot be read
[[nodiscard]] std::string population_text(std::string_view population, const PopulationOptions& options,
                                          const std::filesystem::path& tables);

}  // namespace uptake
