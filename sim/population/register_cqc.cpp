// Care homes of the Care Quality Commission: the sheet of active locations, and the social-care export.
#include <fmt/format.h>

#include <array>

#include "population/register_import.hpp"
#include "population/register_text.hpp"
#include "uptake/grouped.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {
namespace cqc {
/// Of both forms: the active-locations sheet (care_home) and the social-care export (service_types).
enum Columns : std::size_t {
  location,
  name,
  beds,
  authority,
  provider,
  brand,
  care_home,
  dormant_sheet,
  nursing,
  ods_code,
  commissioning_code,
  ons_code,
  postcode,
  latitude,
  longitude,
  service_types,
  dormant_export,
  ended
};
constexpr std::array kColumns{
    CsvColumn{"Location ID", Presence::optional},
    CsvColumn{"Location Name", Presence::optional},
    CsvColumn{"Care homes beds", Presence::optional},
    CsvColumn{"Location Local Authority", Presence::optional},
    CsvColumn{"Provider ID", Presence::optional},
    CsvColumn{"Brand ID", Presence::optional},
    CsvColumn{"Care home?", Presence::optional},
    CsvColumn{"Dormant (Y/N)", Presence::optional},
    CsvColumn{"Service type - Care home service with nursing", Presence::optional},
    CsvColumn{"Location ODS Code", Presence::optional},
    CsvColumn{"Location Commissioning CCG Code", Presence::optional},
    CsvColumn{"Location ONSPD CCG Code", Presence::optional},
    CsvColumn{"Location Postal Code", Presence::optional},
    CsvColumn{"Location Latitude", Presence::optional},
    CsvColumn{"Location Longitude", Presence::optional},
    CsvColumn{"Service Types", Presence::optional},
    CsvColumn{"Dormant", Presence::optional},
    CsvColumn{"Location HSCA end date", Presence::optional},
};
}  // namespace cqc
}  // namespace

/// Practices of a sub-board location (a clinical commissioning group until 2022) say which board it belongs to.
void RegisterImport::settle_sub_boards() {
  for (const auto& [sub_board, boards] : boards_of_sub_board_) {
    const auto most = std::ranges::max_element(
        boards, [](const auto& a, const auto& b) { return a.second < b.second; });  // the first of equals
    if (!sub_board.empty()) board_of_sub_board_[sub_board] = most->first;
  }
}

/// By ODS code, by sub-board location, by local authority: the board's code, or none.
std::string RegisterImport::board_of_home(const CsvReader& rows) const {
  if (const auto found = board_of_home_.find(std::string(rows.text(cqc::ods_code))); found != board_of_home_.end())
    return found->second;
  for (const std::size_t column : {cqc::commissioning_code, cqc::ons_code})
    if (const auto found = board_of_sub_board_.find(std::string(rows.text(column))); found != board_of_sub_board_.end())
      return found->second;
  const auto found = lookups_.authorities.find(authority_key(rows.text(cqc::authority)));
  if (found == lookups_.authorities.end()) return {};
  return first_of_2026_.where.empty() ? found->second.board_2022 : found->second.board_2026;
}

void RegisterImport::read_cqc(const fs::path& file) {
  const std::size_t n_problems = problems_.size();
  CsvReader rows(file, cqc::kColumns, OtherColumns::ignored, problems_);
  if (problems_.size() > n_problems) return;
  const bool is_sheet = rows.has(cqc::care_home);
  if (!is_sheet && !rows.has(cqc::service_types)) {
    problems_.push_back(
        {file.string() + ":1:1",
         "the header is neither that of CQC's active locations (Care home?) nor that of its social-care "
         "export (Service Types)",
         "its first line must be the names of the columns"});
    return;
  }
  for (const std::size_t column :
       {cqc::location, cqc::name, cqc::beds, cqc::authority, cqc::provider, cqc::brand,
        is_sheet ? cqc::dormant_sheet : cqc::dormant_export, is_sheet ? cqc::nursing : cqc::service_types})
    rows.require(column);
  if (problems_.size() > n_problems) return;

  RegisterReport& of_file = report(file, is_sheet ? "CQC active locations" : "CQC social-care locations");
  RowTally tally(of_file);
  std::size_t n_without_beds = 0, n_by_authority_alone = 0;
  while (rows.next()) {
    const std::string code(rows.required_text(cqc::location));
    const std::string_view services = rows.text(cqc::service_types);
    if (is_sheet ? !is_yes(rows.text(cqc::care_home)) : services.find("Care home service") == std::string_view::npos) {
      tally.drop("no care home", code);
      continue;
    }
    if (!trimmed_field(rows.text(cqc::ended)).empty()) {
      tally.drop("closed", code);
      continue;
    }
    if (is_yes(rows.text(is_sheet ? cqc::dormant_sheet : cqc::dormant_export))) {
      tally.drop("dormant", code);
      continue;
    }
    ImportedOrganisation home;
    home.code = code;
    home.name = trimmed_field(rows.text(cqc::name));
    home.type = OrganisationType::care_home;
    home.board = board_of_home(rows);
    if (home.board.empty()) {
      tally.drop("its local authority is not known (not in registers/local_authorities.csv)", code);
      continue;
    }
    const auto beds = rows.number(cqc::beds, kCount);
    if (beds && *beds > 0) home.size = beds;
    home.nursing = (is_sheet ? is_yes(rows.text(cqc::nursing))
                             : services.find("Care home service with nursing") != std::string_view::npos)
                       ? 1
                       : 0;
    const std::string_view brand = trimmed_field(rows.text(cqc::brand));
    home.owner = brand.empty() || brand == "-" ? trimmed_field(rows.text(cqc::provider)) : brand;
    home.postcode = postcode_key(rows.text(cqc::postcode));
    if (const auto place = place_in_england(rows.text(cqc::latitude), rows.text(cqc::longitude))) {
      home.latitude = place->latitude;
      home.longitude = place->longitude;
      home.placed_by = PlacedBy::coordinates;
    }
    const bool has_beds = home.size.has_value();
    if (!add(std::move(home))) {
      tally.drop("code already read", code);
      continue;
    }
    tally.keep();
    n_without_beds += has_beds ? 0 : 1;
    n_by_authority_alone += is_sheet ? 0 : 1;
  }
  if (n_without_beds > 0)
    of_file.notes.push_back(
        fmt::format("{} homes have no beds stated and count as of unknown size", grouped(n_without_beds)));
  if (n_by_authority_alone > 0)
    of_file.notes.emplace_back(
        "boards go by local authority (registers/local_authorities.csv says which authorities lie in several)");
}

}  // namespace uptake
