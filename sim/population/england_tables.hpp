/// The tables that England is built from (docs/tables.md).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "population/assemble.hpp"
#include "uptake/population.hpp"

namespace uptake {

struct BoardRow {
  Board board;
  double most_deprived_share = 0;  ///< of its small areas, among the most deprived fifth of England
  int n_practices = 0, first_practice = 1, n_networks = 0;
  double registered_patients = 0;
};

struct TrustRow {
  Organisation organisation;
  double deliveries = 0, babies_under_32_weeks = 0;
  int n_maternity_units = 0;
};

/// A statistical region's homes: what the sizes of the homes in it are drawn from.
struct HomeRegionRow {
  std::string name;
  std::array<double, 2> n_homes{}, n_beds{};  ///< residential, nursing
  double mean_beds = 0, sd_beds = 0;
};

/// Homes of a board that lie in one statistical region; the identity of a home is its number in here.
struct HomeStratumRow {
  std::string prefix;
  std::uint16_t board = 0;
  std::size_t region = 0;  ///< index of HomeRegionRow
  std::array<int, 2> n_homes{}, first{};
};

struct OwnerRow {
  std::string name;
  int n_groups = 0, n_homes_each = 0;
};

/// The tables of England, as files of one folder.
struct EnglandTables {
  std::vector<Region> regions;
  std::vector<BoardRow> boards;
  std::vector<TrustRow> trusts;
  std::vector<HomeRegionRow> home_regions;
  std::vector<HomeStratumRow> home_strata;
  std::vector<OwnerRow> owners;
};
/// @throws InputError with all that is wrong with them, FileError for one that is missing
[[nodiscard]] EnglandTables read_england_tables(const std::filesystem::path& folder);

/// Candidate sites in the community, leisure centres and clinics (ESCAPE-pain) [A].
inline constexpr int kNCommunitySites = 1500;
/// A board's part of them, by registered patients, before rounding.
[[nodiscard]] std::vector<double> community_site_quotas(const EnglandTables& tables);

}  // namespace uptake
