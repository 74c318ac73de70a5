#include "record/rows.hpp"

#include <algorithm>

#include "population/regions.hpp"

namespace uptake {

std::vector<std::string_view> names_in(std::span<const Observation> rows, std::string Observation::*field,
                                       std::string_view programme) {
  std::vector<std::string_view> names;
  for (const Observation& row : rows) {
    const bool counts = programme.empty() || row.programme == programme;
    if (counts && std::ranges::find(names, row.*field) == names.end()) names.push_back(row.*field);
  }
  return names;
}

bool is_in(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool is_named_in(const TableRows& table, std::span<const std::string_view> names, std::string Observation::*field,
                 std::string_view name) {
  if (field != &Observation::region) return is_in(names, name);
  return std::ranges::any_of(names, [&](std::string_view one) { return same_region(table.regions, one, name); });
}

}  // namespace uptake
