#include <array>
#include <map>

#include "reading/csv.hpp"
#include "uptake/population.hpp"

namespace uptake {

namespace {
struct Names {
  std::string full, brief;
};
std::map<std::string, Names, std::less<>> read_names(const std::filesystem::path& file,
                                                     std::vector<Problem>& problems) {
  constexpr std::array<CsvColumn, 3> kColumns{{{"code"}, {"name"}, {"short_name"}}};
  CsvReader rows(file, kColumns, OtherColumns::ignored, problems);
  std::map<std::string, Names, std::less<>> names;
  while (rows.next()) {
    names[std::string(rows.required_text(0))] = {std::string(rows.required_text(1)),
                                                 std::string(rows.required_text(2))};
  }
  return names;
}
}  // namespace

TileMap read_tiles(const std::filesystem::path& folder) {
  std::vector<Problem> problems;
  const auto regions = read_names(folder / "regions.csv", problems);
  const auto boards = read_names(folder / "boards.csv", problems);
  TileMap map;
  constexpr std::array<CsvColumn, 5> kColumns{{{"layer"}, {"code"}, {"short_name"}, {"column"}, {"row"}}};
  constexpr std::array<std::string_view, 2> kLayers{"region", "board"};
  constexpr NumberRange kCell{.low = 0, .high = 100, .kind = NumberRange::Kind::whole};
  CsvReader rows(folder / "tiles.csv", kColumns, OtherColumns::ignored, problems);
  while (rows.next()) {
    const auto layer = rows.one_of(0, kLayers, "layer");
    const std::string code(rows.required_text(1));
    const auto column = rows.required_number(3, kCell), row = rows.required_number(4, kCell);
    if (!layer || !column || !row) continue;
    const auto& names = *layer == 0 ? regions : boards;
    const auto found = names.find(code);
    if (found == names.end()) {
      rows.report(1, "no region or board has the code \"" + code + "\"");
      continue;
    }
    const Names& place = found->second;
    (*layer == 0 ? map.regions : map.boards)
        .push_back({*layer == 0 ? place.full : place.brief, std::string(rows.required_text(2)), place.full,
                    static_cast<int>(*column), static_cast<int>(*row)});
  }
  if (!problems.empty()) throw InputError(std::move(problems));
  return map;
}

}  // namespace uptake
