#include "population/register_lookups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "population/register_text.hpp"
#include "reading/csv.hpp"
#include "uptake/error.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {
constexpr NumberRange kLatitude{.low = -90, .high = 90};
constexpr NumberRange kLongitude{.low = -180, .high = 180};
constexpr NumberRange kAtLeastZero{.low = 0};
constexpr NumberRange kPositive{.low = 0, .low_end = NumberRange::Low::excluded};
constexpr NumberRange kCount{.low = 0, .kind = NumberRange::Kind::whole};
constexpr NumberRange kFlag{.low = 0, .high = 1, .kind = NumberRange::Kind::whole};

void read_boards(const fs::path& file, Boards in, Lookups& lookups, std::vector<Problem>& problems) {
  const bool has_predecessors = in == Boards::of_2026;
  const std::array columns{CsvColumn{"code"},
                           CsvColumn{"name"},
                           CsvColumn{"short_name"},
                           CsvColumn{"region"},
                           CsvColumn{"latitude"},
                           CsvColumn{"longitude"},
                           CsvColumn{"predecessors", has_predecessors ? Presence::required : Presence::optional}};
  CsvReader rows(file, columns, OtherColumns::ignored, problems);
  while (rows.next()) {
    KnownBoard known;
    known.in = in;
    known.board = {std::string(rows.required_text(0)),
                   std::string(rows.required_text(1)),
                   std::string(rows.required_text(2)),
                   0,
                   rows.required_number(4, kLatitude).value_or(0),
                   rows.required_number(5, kLongitude).value_or(0)};
    const auto region = std::ranges::find(lookups.regions, rows.text(3), &Region::code);
    if (region == lookups.regions.end()) {
      rows.report(3, fmt::format("region \"{}\" is not in regions.csv", rows.text(3)));
    } else {
      known.board.region = static_cast<int>(region - lookups.regions.begin());
    }
    if (!lookups.board_of_code.emplace(known.board.code, lookups.boards.size()).second)
      rows.report(0, fmt::format("board \"{}\" is there twice", known.board.code));
    lookups.boards.push_back(std::move(known));
    for (std::string_view rest = rows.text(6); !rest.empty();) {
      const std::string code(rest.substr(0, rest.find(' ')));
      rest.remove_prefix(std::min(rest.size(), code.size() + 1));
      const auto found = lookups.board_of_code.find(code);
      if (found == lookups.board_of_code.end()) {
        rows.report(6, fmt::format("board \"{}\" is not in boards.csv", code));
      } else {
        lookups.boards[found->second].in = Boards::of_2022;
      }
    }
  }
}

}  // namespace

Lookups read_lookups(const fs::path& data_folder) {
  Lookups lookups;
  std::vector<Problem> problems;
  {
    constexpr std::array kColumns{CsvColumn{"code"}, CsvColumn{"name"}, CsvColumn{"short_name"}};
    CsvReader rows(data_folder / "england" / "regions.csv", kColumns, OtherColumns::ignored, problems);
    while (rows.next())
      lookups.regions.push_back(
          {std::string(rows.required_text(0)), std::string(rows.required_text(1)), std::string(rows.required_text(2))});
  }
  read_boards(data_folder / "england" / "boards.csv", Boards::both, lookups, problems);
  read_boards(data_folder / "registers" / "boards_2026.csv", Boards::of_2026, lookups, problems);
  {
    constexpr std::array kColumns{
        CsvColumn{"code"},           CsvColumn{"type"},       CsvColumn{"latitude"}, CsvColumn{"longitude"},
        CsvColumn{"beds"},           CsvColumn{"deliveries"}, CsvColumn{"teaching"}, CsvColumn{"babies_under_32_weeks"},
        CsvColumn{"maternity_units"}};
    const auto trust_types =
        std::span(kOrganisationTypeNames).first(static_cast<std::size_t>(OrganisationType::maternity_unit));
    CsvReader rows(data_folder / "england" / "trusts.csv", kColumns, OtherColumns::ignored, problems);
    while (rows.next()) {
      KnownTrust trust;
      if (const auto type = rows.one_of(1, trust_types, "trust type"))
        trust.type = static_cast<OrganisationType>(*type);
      trust.latitude = rows.number(2, kLatitude);
      trust.longitude = rows.number(3, kLongitude);
      trust.beds = rows.number(4, kPositive);
      trust.deliveries = rows.number(5, kPositive);
      trust.teaching = static_cast<int>(rows.required_number(6, kFlag).value_or(0));
      trust.preterm_babies = rows.number(7, kAtLeastZero);
      trust.n_maternity_units = static_cast<int>(rows.required_number(8, kCount).value_or(0));
      lookups.trusts.emplace(rows.required_text(0), trust);
    }
  }
  {
    constexpr std::array kColumns{CsvColumn{"name"}, CsvColumn{"board"}, CsvColumn{"board_2026"}};
    CsvReader rows(data_folder / "registers" / "local_authorities.csv", kColumns, OtherColumns::ignored, problems);
    while (rows.next()) {
      for (const std::size_t c : {1U, 2U})
        if (!lookups.board_of_code.contains(std::string(rows.required_text(c))))
          rows.report(c, fmt::format("board \"{}\" is not known", rows.text(c)));
      if (!lookups.authorities
               .emplace(authority_key(rows.required_text(0)),
                        Lookups::Authority{std::string(rows.text(1)), std::string(rows.text(2))})
               .second)
        rows.report(0, fmt::format("local authority \"{}\" is there twice", rows.text(0)));
    }
  }
  if (!problems.empty()) throw InputError(std::move(problems));
  return lookups;
}

}  // namespace uptake
