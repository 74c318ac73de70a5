/// Results as plain text, for everything that reads tables.
#pragma once

#include <filesystem>
#include <vector>

namespace uptake {

/// Writes the results in `folder` as tidy long tables to `into`: one file a group of results.h5 (`course.csv`,
/// `year.csv`, `report.csv`, `boards.csv`, `replicates.csv`, `parameters.csv`, …) with a row for every defined value,
/// and `dictionary.csv`, which says what every column and variable means. Files are replaced whole.
/// @return the files, in the order they were written @throws FileError
std::vector<std::filesystem::path> export_csv(const std::filesystem::path& folder, const std::filesystem::path& into);

}  // namespace uptake
