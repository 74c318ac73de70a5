#include "population/england_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include "reading/csv.hpp"
#include "uptake/error.hpp"

namespace uptake {

namespace {
constexpr NumberRange kLatitude{.low = 49, .high = 56};  // England
constexpr NumberRange kLongitude{.low = -7, .high = 2};
constexpr NumberRange kCount{.low = 0, .high = 1e6, .kind = NumberRange::Kind::whole};
constexpr NumberRange kAtLeastZero{.low = 0};
constexpr NumberRange kPositive{.low = 0, .low_end = NumberRange::Low::excluded};
constexpr NumberRange kShare{.low = 0.0001, .high = 0.9999};
constexpr NumberRange kFlag{.low = 0, .high = 1, .kind = NumberRange::Kind::whole};

int whole(const std::optional<double>& value) { return static_cast<int>(value.value_or(0)); }

/// Names that rows of one table have and rows of others refer to.
class Register {
 public:
  /// Adds the name in a column; an empty or repeated one is a problem.
  void add(CsvReader& rows, std::size_t column) {
    const std::string name(rows.required_text(column));
    if (!name.empty() && std::ranges::find(names_, name) != names_.end())
      rows.report(column, fmt::format("\"{}\" is there twice", name));
    names_.push_back(name);
  }
  [[nodiscard]] std::size_t find(CsvReader& rows, std::size_t column, std::string_view noun) const {
    const std::vector<std::string_view> names(names_.begin(), names_.end());
    return rows.one_of(column, names, noun).value_or(0);
  }

 private:
  std::vector<std::string> names_;
};

/// What is read so far.
struct Reading {
  const std::filesystem::path& folder;
  EnglandTables tables;
  std::vector<Problem> problems;
  Register regions, boards, trusts, home_regions, prefixes, owners;
};

void read_regions(Reading& reading) {
  constexpr std::array kColumns{CsvColumn{"code"}, CsvColumn{"name"}, CsvColumn{"short_name"}};
  CsvReader rows(reading.folder / "regions.csv", kColumns, OtherColumns::ignored, reading.problems);
  while (rows.next()) {
    reading.regions.add(rows, 0);
    reading.tables.regions.push_back(
        {std::string(rows.text(0)), std::string(rows.required_text(1)), std::string(rows.required_text(2))});
  }
}

void read_boards(Reading& reading) {
  constexpr std::array kColumns{CsvColumn{"code"},
                                CsvColumn{"name"},
                                CsvColumn{"short_name"},
                                CsvColumn{"region"},
                                CsvColumn{"latitude"},
                                CsvColumn{"longitude"},
                                CsvColumn{"most_deprived_share"},
                                CsvColumn{"practices"},
                                CsvColumn{"registered_patients"},
                                CsvColumn{"first_practice"},
                                CsvColumn{"primary_care_networks"}};
  CsvReader rows(reading.folder / "boards.csv", kColumns, OtherColumns::ignored, reading.problems);
  while (rows.next()) {
    reading.boards.add(rows, 0);
    BoardRow row;
    row.board = {std::string(rows.text(0)),
                 std::string(rows.required_text(1)),
                 std::string(rows.required_text(2)),
                 static_cast<int>(reading.regions.find(rows, 3, "region")),
                 rows.required_number(4, kLatitude).value_or(0),
                 rows.required_number(5, kLongitude).value_or(0)};
    row.most_deprived_share = rows.required_number(6, kShare).value_or(0);
    row.n_practices = whole(rows.required_number(7, kCount));
    row.registered_patients = rows.required_number(8, kPositive).value_or(0);
    row.first_practice = whole(rows.required_number(9, kCount));
    row.n_networks = whole(rows.required_number(10, kCount));
    reading.tables.boards.push_back(std::move(row));
  }
}

void read_trusts(Reading& reading) {
  constexpr std::array kColumns{CsvColumn{"code"},
                                CsvColumn{"name"},
                                CsvColumn{"type"},
                                CsvColumn{"board"},
                                CsvColumn{"latitude"},
                                CsvColumn{"longitude"},
                                CsvColumn{"beds"},
                                CsvColumn{"deliveries"},
                                CsvColumn{"babies_under_32_weeks"},
                                CsvColumn{"maternity_units"},
                                CsvColumn{"teaching"}};
  const auto trust_types =
      std::span(kOrganisationTypeNames).first(static_cast<std::size_t>(OrganisationType::maternity_unit));
  CsvReader rows(reading.folder / "trusts.csv", kColumns, OtherColumns::ignored, reading.problems);
  while (rows.next()) {
    reading.trusts.add(rows, 0);
    TrustRow row;
    row.organisation.code = rows.text(0);
    row.organisation.label = rows.required_text(1);
    if (const auto type = rows.one_of(2, trust_types, "trust type"))
      row.organisation.type = static_cast<OrganisationType>(*type);
    row.organisation.board = static_cast<std::uint16_t>(reading.boards.find(rows, 3, "board"));
    row.organisation.latitude = rows.number(4, kLatitude).value_or(Organisation::kUnknown);
    row.organisation.longitude = rows.number(5, kLongitude).value_or(Organisation::kUnknown);
    if (rows.text(4).empty() != rows.text(5).empty())
      rows.report(4, "latitude and longitude must be given both or neither");
    row.organisation.size = rows.number(6, kPositive).value_or(Organisation::kUnknown);
    row.deliveries = rows.number(7, kPositive).value_or(0);
    row.babies_under_32_weeks = rows.number(8, kAtLeastZero).value_or(0);
    row.n_maternity_units = whole(rows.required_number(9, kCount));
    if ((row.n_maternity_units > 0) != (row.deliveries > 0))
      rows.report(9, "a trust has maternity units if and only if it has deliveries");
    row.organisation.teaching = static_cast<std::uint8_t>(whole(rows.required_number(10, kFlag)));
    reading.tables.trusts.push_back(std::move(row));
  }
}

void read_home_regions(Reading& reading) {
  constexpr std::array kColumns{CsvColumn{"region"},        CsvColumn{"residential_homes"},
                                CsvColumn{"nursing_homes"}, CsvColumn{"residential_beds"},
                                CsvColumn{"nursing_beds"},  CsvColumn{"mean_beds"},
                                CsvColumn{"sd_beds"}};
  CsvReader rows(reading.folder / "care_homes_by_region.csv", kColumns, OtherColumns::ignored, reading.problems);
  while (rows.next()) {
    reading.home_regions.add(rows, 0);
    HomeRegionRow row;
    row.name = rows.text(0);
    for (std::size_t k = 0; k < 2; ++k) {
      row.n_homes[k] = rows.required_number(1 + k, kPositive).value_or(1);
      row.n_beds[k] = rows.required_number(3 + k, kPositive).value_or(1);
    }
    row.mean_beds = rows.required_number(5, kPositive).value_or(1);
    row.sd_beds = rows.required_number(6, kPositive).value_or(1);
    reading.tables.home_regions.push_back(std::move(row));
  }
}

void read_home_strata(Reading& reading) {
  constexpr std::array kColumns{CsvColumn{"code_prefix"},   CsvColumn{"board"},
                                CsvColumn{"region"},        CsvColumn{"residential_homes"},
                                CsvColumn{"nursing_homes"}, CsvColumn{"first_residential"},
                                CsvColumn{"first_nursing"}};
  CsvReader rows(reading.folder / "care_homes_by_board.csv", kColumns, OtherColumns::ignored, reading.problems);
  while (rows.next()) {
    reading.prefixes.add(rows, 0);
    HomeStratumRow row;
    row.prefix = rows.text(0);
    row.board = static_cast<std::uint16_t>(reading.boards.find(rows, 1, "board"));
    row.region = reading.home_regions.find(rows, 2, "statistical region");
    for (std::size_t k = 0; k < 2; ++k) {
      row.n_homes[k] = whole(rows.required_number(3 + k, kCount));
      row.first[k] = whole(rows.required_number(5 + k, kCount));
    }
    reading.tables.home_strata.push_back(std::move(row));
  }
}

void read_owner_groups(Reading& reading) {
  constexpr std::array kColumns{CsvColumn{"name"}, CsvColumn{"groups"}, CsvColumn{"homes_each"}};
  CsvReader rows(reading.folder / "care_home_groups.csv", kColumns, OtherColumns::ignored, reading.problems);
  while (rows.next()) {
    reading.owners.add(rows, 0);
    reading.tables.owners.push_back(
        {std::string(rows.text(0)), whole(rows.required_number(1, kCount)), whole(rows.required_number(2, kCount))});
  }
}
}  // namespace

EnglandTables read_england_tables(const std::filesystem::path& folder) {
  Reading reading{folder, {}, {}, {}, {}, {}, {}, {}, {}};
  read_regions(reading);
  read_boards(reading);
  read_trusts(reading);
  read_home_regions(reading);
  read_home_strata(reading);
  read_owner_groups(reading);
  if (reading.problems.empty()) {
    for (const auto& [file, is_empty] : {std::pair{"regions.csv", reading.tables.regions.empty()},
                                         std::pair{"boards.csv", reading.tables.boards.empty()}})
      if (is_empty) reading.problems.push_back({(folder / file).string(), "the table has no row", ""});
  }
  if (!reading.problems.empty()) throw InputError(std::move(reading.problems));
  return std::move(reading.tables);
}

std::vector<double> community_site_quotas(const EnglandTables& tables) {
  double patients = 0;
  for (const BoardRow& row : tables.boards) patients += row.registered_patients;
  std::vector<double> quotas;
  for (const BoardRow& row : tables.boards) quotas.push_back(kNCommunitySites * row.registered_patients / patients);
  return quotas;
}

}  // namespace uptake
