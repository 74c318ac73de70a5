/// Positions of regions and boards on a map of equal tiles.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace uptake {

struct Tile {
  std::string name;        ///< as places are called in results: full name of a region, short name of a board
  std::string short_name;  ///< for the tile
  std::string full_name;
  int column = 0, row = 0;
};
struct TileMap {
  std::vector<Tile> regions, boards;
};

/// Reads tiles.csv, with names from regions.csv and boards.csv, of `folder`. @throws FileError, InputError
[[nodiscard]] TileMap read_tiles(const std::filesystem::path& folder);

}  // namespace uptake
