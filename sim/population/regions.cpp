#include "population/regions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "reading/csv.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {
/// The name without what most of them begin with; empty for another name.
std::string_view place_of(const Region& region) {
  const std::string_view name = region.name;
  return name.starts_with(kOfNetworks) ? name.substr(kOfNetworks.size()) : std::string_view();
}

/// Appends the regions of a table, each code once.
/// @return whether nothing was wrong with the table
bool append_regions(const fs::path& file, std::span<const CsvColumn> columns, std::vector<Region>& regions) {
  std::vector<Problem> problems;
  CsvReader rows(file, columns, OtherColumns::ignored, problems);
  while (rows.next()) {
    const std::string code(rows.text(0));
    if (code.empty() || std::ranges::find(regions, code, &Region::code) != regions.end()) continue;
    const auto text = [&](std::size_t column, const std::string& otherwise) {
      const std::string_view own = column < columns.size() ? rows.text(column) : std::string_view();
      return own.empty() ? otherwise : std::string(own);
    };
    const std::string name = text(1, code);
    regions.push_back({code, name, text(2, name)});
  }
  return problems.empty();
}
}  // namespace

std::optional<std::size_t> find_region(std::span<const Region> regions, std::string_view name) {
  if (name.empty()) return std::nullopt;
  const auto index_if = [&](const auto& is_meant) -> std::optional<std::size_t> {
    const auto at = std::ranges::find_if(regions, is_meant);
    return at == regions.end() ? std::nullopt : std::optional(static_cast<std::size_t>(at - regions.begin()));
  };
  // What a table says goes before what is left out of it.
  const auto stated = index_if(
      [&](const Region& region) { return region.name == name || region.code == name || region.short_name == name; });
  return stated ? stated : index_if([&](const Region& region) { return place_of(region) == name; });
}

bool same_region(std::span<const Region> regions, std::string_view a, std::string_view b) {
  if (a == b) return true;
  const auto region = find_region(regions, a);
  return region && region == find_region(regions, b);
}

std::string nearest_region(std::span<const Region> regions, std::string_view name,
                           std::span<const std::string_view> also) {
  std::vector<std::string_view> names(also.begin(), also.end());
  for (const Region& region : regions) {
    names.insert(names.end(), {region.name, region.code, region.short_name});
    if (!place_of(region).empty()) names.push_back(place_of(region));
  }
  return did_you_mean(name, names);
}

std::string known_regions(std::span<const Region> regions, std::string_view name,
                          std::span<const std::string_view> also) {
  std::string meant = nearest_region(regions, name, also);
  constexpr std::size_t kListed = 20;  // the networks of England, and what still fits on a line or two
  if (!meant.empty() || regions.size() > kListed) return meant;
  std::vector<std::string_view> codes(also.begin(), also.end());
  for (const Region& region : regions) codes.push_back(region.code);
  return fmt::format("known are {}", fmt::join(codes, ", "));
}

namespace {
/// Puts the region's own name of a kind in the place of another one of it, so that a scenario is the same however its
/// regions are called; a name that no region has is a problem. In tables where that name means another region (the code
/// of one is the name of another), what was written stays.
void settle(LocatedText& name, std::span<const Region> regions, std::string Region::*own,
            std::span<const std::string_view> also, Problems& problems) {
  if (regions.empty()) return;
  if (const auto found = find_region(regions, name.text)) {
    if (find_region(regions, regions[*found].*own) == found) name.text = regions[*found].*own;
    return;
  }
  problems.add(name.place, fmt::format(R"(no region is called "{}" in this population)", name.text),
               known_regions(regions, name.text, also));
}
}  // namespace

std::optional<std::string> read_region(TableReader& reader, std::string_view key, std::span<const Region> regions,
                                       Whole whole) {
  auto name = reader.text(key);
  if (!name) return name;
  // What is shown has the name that it is shown with, what acts has the code.
  const bool is_shown = whole == Whole::england;
  if (is_shown && *name == kEngland) return "";
  LocatedText placed{*std::move(name), reader.find(key)->place};
  settle(placed, regions, is_shown ? &Region::name : &Region::code, {&kEngland, is_shown ? 1U : 0U}, reader.problems());
  return std::move(placed.text);
}

std::vector<std::string> read_regions(TableReader& reader, std::string_view key, std::span<const Region> regions) {
  std::vector<std::string> names;
  for (LocatedText& name : reader.texts(key)) {
    settle(name, regions, &Region::code, {}, reader.problems());
    names.push_back(std::move(name.text));
  }
  return names;
}

std::vector<Region> regions_of_tables(const fs::path& tables) {
  constexpr std::array<CsvColumn, 3> kRegions{{{"code"}, {"name"}, {"short_name", Presence::optional}}};
  constexpr std::array<CsvColumn, 1> kOrganisations{{{"region"}}};
  std::vector<Region> regions;
  const auto append = [&](const char* table, std::span<const CsvColumn> columns) {
    std::error_code ignored;
    const fs::path file = tables / table;
    return !fs::exists(file, ignored) || append_regions(file, columns, regions);
  };
  try {
    if (!append("regions.csv", kRegions) || !append("organisations.csv", kOrganisations)) regions.clear();
  } catch (const FileError&) {
    regions.clear();
  }
  return regions;
}

std::vector<Region> synthetic_regions(int n) {
  std::vector<Region> regions;
  for (int r = 1; r <= n; ++r) {
    const std::string code = fmt::format("R{}", r);
    regions.push_back({code, fmt::format("Region {}", r), code});
  }
  return regions;
}

}  // namespace uptake
