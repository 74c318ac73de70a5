/// What registers do not say and the shipped tables know: boards of two years, types of trusts, where authorities lie.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "uptake/population.hpp"

namespace uptake {

/// The 42 boards of 2022 and the 36 since April 2026 have 30 codes in common.
enum class Boards : std::uint8_t { both, of_2022, of_2026 };

struct KnownBoard {
  Board board;  ///< Board::region is an index into Lookups::regions
  Boards in = Boards::both;
};

struct KnownTrust {
  OrganisationType type = OrganisationType::acute_trust;
  std::optional<double> latitude, longitude, beds, deliveries, preterm_babies;
  int n_maternity_units = 0, teaching = 0;
};

struct Lookups {
  std::vector<Region> regions;
  std::vector<KnownBoard> boards;
  std::unordered_map<std::string, std::size_t> board_of_code;
  std::unordered_map<std::string, KnownTrust> trusts;
  struct Authority {
    std::string board_2022, board_2026;
  };
  std::unordered_map<std::string, Authority> authorities;  ///< by authority_key
};
/// @throws InputError, FileError for tables that are broken or missing
[[nodiscard]] Lookups read_lookups(const std::filesystem::path& data_folder);

}  // namespace uptake
