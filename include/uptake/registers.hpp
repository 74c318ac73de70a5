/// Public registers, as published, read into the tables of a population (docs/tables.md, Import).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "uptake/population.hpp"

namespace uptake {

/// Files by the publisher of the register. Which register of the publisher's a file is says the first word of its name
/// (ODS, whose files have no header line) or its header line (all others).
struct RegisterFiles {
  std::vector<std::filesystem::path> ods;        ///< etr, ets, epraccur, ecarehomesite
  std::vector<std::filesystem::path> gp;         ///< list sizes; map of practices to networks and boards
  std::vector<std::filesystem::path> cqc;        ///< active locations, or the export of social-care locations
  std::vector<std::filesystem::path> ae;         ///< monthly A&E attendances and emergency admissions
  std::vector<std::filesystem::path> postcodes;  ///< ONS postcode directory
};

/// Rows of a register that were left out for one reason.
struct DroppedRows {
  std::string reason;
  std::size_t rows = 0;
  std::string first;  ///< code of the first of them, to look it up
};

/// What became of a register: every row is kept or dropped.
struct RegisterReport {
  std::filesystem::path file;
  std::string name;  ///< e.g. "ODS etr: NHS trusts"
  std::size_t read = 0, kept = 0;
  std::vector<DroppedRows> dropped;  ///< in the order in which the reasons first came up
  std::vector<std::string> notes;    ///< what was left empty, and what does not add up
};

/// Where the coordinates of an organisation come from; those of `board` are the centroid and are not written.
enum class PlacedBy : std::uint8_t { coordinates, postcode, board };
inline constexpr int kNPlacedBy = 3;

/// A row of organisations.csv. What is not known has no value, and an empty field in the table; never 0.
struct ImportedOrganisation {
  std::string code, name;
  OrganisationType type = OrganisationType::practice;
  std::string region, board;  ///< codes
  std::optional<double> latitude, longitude;
  PlacedBy placed_by = PlacedBy::board;
  std::optional<double> size;            ///< in the unit of the type, see Population::size
  std::string owner;                     ///< brand or provider (CQC), parent organisation (ODS)
  std::string parent;                    ///< a unit's trust
  std::optional<int> nursing, teaching;  ///< 1 or 0
  std::optional<double> preterm_babies;
  std::string network;   ///< code of the primary care network
  std::string postcode;  ///< not written
};

/// A row of sites.csv: a site of a trust. Nothing is built from it.
struct ImportedSite {
  std::string code, name, trust, board, postcode;
  std::optional<double> latitude, longitude;
};

/// A row of activity.csv: a trust in a month. Nothing is built from it.
struct ImportedActivity {
  std::string code;
  std::string month;  ///< "2025-06"
  /// Sums over the types of department; no value where a part is suppressed.
  std::optional<double> attendances, emergency_admissions;
};

/// Everything that is written, and how it came about.
struct ImportedTables {
  std::vector<ImportedOrganisation> organisations;
  std::vector<Region> regions;  ///< those in which somebody is
  std::vector<Board> boards;    ///< those in which somebody is; Board::region is an index into regions
  std::vector<ImportedSite> sites;
  std::vector<ImportedActivity> activity;
  std::vector<RegisterReport> registers;
};

/// Reads the registers, keeps what is active and in England, joins by code, and gives each organisation its board,
/// region and place.
/// @param data_folder folder with `england/` (boards, regions, and of trusts what their register does not say) and
///   `registers/` (boards since April 2026, local authorities)
/// @throws FileError, InputError: no register, a file that is none of those that are known, a broken table, registers of
///   different dates, nothing left
[[nodiscard]] ImportedTables read_registers(const RegisterFiles& files, const std::filesystem::path& data_folder);

}  // namespace uptake
