/// A folder of population tables that `read_population` takes, written whole (docs/tables.md, Import).
#pragma once

#include <cstdint>
#include <filesystem>

#include "uptake/registers.hpp"

namespace uptake {

/// What to do about tables that are already in the folder.
enum class TablesThere : std::uint8_t { refuse, replace };

/// @throws InputError when the folder holds tables of an import and `there` is `refuse`, or anything else; FileError when
///   it cannot be looked at
void check_tables_folder(const std::filesystem::path& folder, TablesThere there);

/// Writes organisations.csv, regions.csv, boards.csv, and sites.csv and activity.csv if they have rows: all or nothing.
/// @throws as check_tables_folder; FileError when a table cannot be written
void write_tables(const ImportedTables& tables, const std::filesystem::path& folder, TablesThere there);

}  // namespace uptake
