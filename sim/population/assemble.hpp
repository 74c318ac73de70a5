/// From organisations one by one to the struct of arrays with its ties: what both ways of building a population share.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "uptake/population.hpp"

namespace uptake {

/// One organisation as its table or its synthesis gives it; fields mean what they mean in Population.
struct Organisation {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  std::string code, label;
  OrganisationType type = OrganisationType::care_home;
  std::uint16_t board = 0;
  double latitude = kUnknown, longitude = kUnknown;  ///< unknown = the centroid of the board
  double size = kUnknown;
  std::uint8_t quintile = 0, nursing = 0, teaching = 0;
  std::int32_t parent = -1;   ///< index into the organisations given
  std::int32_t owner = -1;    ///< index into Population::ownership.names
  std::int32_t network = -1;  ///< index into Population::network.names
  double preterm_babies = kUnknown;
};

/// Fills the arrays and groups of `population`, which has name, vintage, regions, boards, ownership.names and
/// network.names, with the organisations of the types that `options` asks for. Owner groups with fewer than two of them
/// and networks without any are dropped.
/// @throws InputError two codes of one identity
void fill_organisations(Population& population, std::vector<Organisation> organisations,
                        const PopulationOptions& options);

/// Geography and pathway ties of docs/odd.md 7.1 from coordinates, sizes and boards.
void build_ties(Population& population, const PopulationOptions& options);

}  // namespace uptake
