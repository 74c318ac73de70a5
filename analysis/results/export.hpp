/// Results as plain text, for everything that reads tables.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "uptake/network.hpp"

namespace uptake {

/// Writes the results in `folder` as tidy long tables to `into`: one file a group of results.h5 (`course.csv`,
/// `year.csv`, `report.csv`, `boards.csv`, `replicates.csv`, `parameters.csv`, …) with a row for every defined value,
/// `published.csv` where the run has published figures beside it,
/// and `dictionary.csv`, which says what every column and variable means. Files are replaced whole.
/// @return the files, in the order they were written @throws FileError
std::vector<std::filesystem::path> export_csv(const std::filesystem::path& folder, const std::filesystem::path& into);

/// Removes the tables that export_csv wrote to `into`, and the folder when nothing else is in it.
void remove_export(const std::filesystem::path& into);

/// Writes a programme's process as plain text to `into`, so that any engine can run the very same world and be compared
/// adoption by adoption: `nodes.csv`, `ties.csv`, `weeks.csv`, `effort.csv`, `stopping.csv` (where use can stop) and
/// `README.md`, which defines the process, its units and what is not in the files. Files are replaced whole.
/// @param command how the files can be made again @return the files, in the order they were written @throws FileError
std::vector<std::filesystem::path> export_network(const Model& model, const NetworkProcess& process,
                                                  const std::string& command, const std::filesystem::path& into);

}  // namespace uptake
