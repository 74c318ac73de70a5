// Places of postcodes, for who has no coordinates.
#include <fmt/format.h>

#include <array>
#include <initializer_list>
#include <unordered_map>

#include "population/register_import.hpp"
#include "population/register_text.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {
namespace postcodes {
/// The ONS postcode directory, in its present and its former names of columns, and smaller tables cut from it.
enum Columns : std::size_t { pcds, pcd, postcode, lat, latitude, longitude_short, longitude };
constexpr std::array kColumns{CsvColumn{"pcds", Presence::optional},     CsvColumn{"pcd", Presence::optional},
                              CsvColumn{"postcode", Presence::optional}, CsvColumn{"lat", Presence::optional},
                              CsvColumn{"latitude", Presence::optional}, CsvColumn{"long", Presence::optional},
                              CsvColumn{"longitude", Presence::optional}};
}  // namespace postcodes
}  // namespace

void RegisterImport::read_postcodes(const fs::path& file) {
  const std::size_t n_problems = problems_.size();
  CsvReader rows(file, postcodes::kColumns, OtherColumns::ignored, problems_);
  if (problems_.size() > n_problems) return;
  const auto one_of = [&](std::initializer_list<std::size_t> columns) {
    for (const std::size_t column : columns)
      if (rows.has(column)) return column;
    return *columns.begin();
  };
  const std::size_t code = one_of({postcodes::pcds, postcodes::pcd, postcodes::postcode});
  const std::size_t north = one_of({postcodes::lat, postcodes::latitude});
  const std::size_t east = one_of({postcodes::longitude_short, postcodes::longitude});
  for (const std::size_t column : {code, north, east}) rows.require(column);
  if (problems_.size() > n_problems) return;

  std::unordered_map<std::string, std::vector<std::size_t>> organisations_at, sites_at;
  for (std::size_t i = 0; i < tables_.organisations.size(); ++i)
    if (const ImportedOrganisation& o = tables_.organisations[i]; !o.latitude && !o.postcode.empty())
      organisations_at[o.postcode].push_back(i);
  for (std::size_t i = 0; i < tables_.sites.size(); ++i)
    if (const ImportedSite& site = tables_.sites[i]; !site.latitude && !site.postcode.empty())
      sites_at[site.postcode].push_back(i);

  RowTally tally(report(file, "postcodes"));
  while (rows.next()) {
    const std::string key = postcode_key(rows.required_text(code));
    const auto organisations = organisations_at.find(key);
    const auto sites = sites_at.find(key);
    if (organisations == organisations_at.end() && sites == sites_at.end()) {
      tally.drop("nobody there without coordinates", key);
      continue;
    }
    const auto place = place_in_england(rows.text(north), rows.text(east));
    if (!place) {
      tally.drop("no coordinates in England", key);
      continue;
    }
    if (organisations != organisations_at.end())
      for (const std::size_t i : organisations->second) {
        ImportedOrganisation& organisation = tables_.organisations[i];
        organisation.latitude = place->latitude;
        organisation.longitude = place->longitude;
        organisation.placed_by = PlacedBy::postcode;
      }
    if (sites != sites_at.end())
      for (const std::size_t i : sites->second) {
        tables_.sites[i].latitude = place->latitude;
        tables_.sites[i].longitude = place->longitude;
      }
    tally.keep();
  }
}

}  // namespace uptake
