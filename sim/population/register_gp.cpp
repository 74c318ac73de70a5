// Patients registered at a GP practice: list sizes, and the map of practices, networks and boards.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "population/register_import.hpp"
#include "population/register_text.hpp"
#include "uptake/grouped.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {
namespace gp {
/// Of both forms: clinical commissioning groups and partnerships until July 2022, sub-board locations and boards since.
enum Columns : std::size_t {
  code,
  patients,
  sex,
  age,
  type,
  practice,
  practice_name,
  practice_postcode,
  network,
  sub_board_until_2022,
  ons_sub_board_until_2022,
  board_until_2022,
  sub_board,
  ons_sub_board,
  board
};
constexpr std::array kColumns{
    CsvColumn{"CODE", Presence::optional},
    CsvColumn{"NUMBER_OF_PATIENTS", Presence::optional},
    CsvColumn{"SEX", Presence::optional},
    CsvColumn{"AGE", Presence::optional},
    CsvColumn{"TYPE", Presence::optional},
    CsvColumn{"PRACTICE_CODE", Presence::optional},
    CsvColumn{"PRACTICE_NAME", Presence::optional},
    CsvColumn{"PRACTICE_POSTCODE", Presence::optional},
    CsvColumn{"PCN_CODE", Presence::optional},
    CsvColumn{"CCG_CODE", Presence::optional},
    CsvColumn{"ONS_CCG_CODE", Presence::optional},
    CsvColumn{"STP_CODE", Presence::optional},
    CsvColumn{"SUB_ICB_LOCATION_CODE", Presence::optional},
    CsvColumn{"ONS_SUB_ICB_LOCATION_CODE", Presence::optional},
    CsvColumn{"ICB_CODE", Presence::optional},
};
}  // namespace gp
}  // namespace

void RegisterImport::read_all_gp() {
  std::vector<fs::path> list_sizes;
  bool has_map = false;
  for (const fs::path& file : files_.gp) {
    const std::size_t n_problems = problems_.size();
    CsvReader rows(file, gp::kColumns, OtherColumns::ignored, problems_);
    if (problems_.size() > n_problems) continue;
    if (rows.has(gp::practice) && rows.has(gp::network)) {
      has_map = true;
      RowTally tally(report(file, "GP map: practices, networks and boards"));
      read_map(rows, tally);
    } else if (rows.has(gp::code) && rows.has(gp::patients)) {
      list_sizes.push_back(file);
    } else {
      problems_.push_back(
          {file.string() + ":1:1",
           "the header is neither that of the list sizes (CODE, NUMBER_OF_PATIENTS) nor that of the map "
           "of practices (PRACTICE_CODE, PCN_CODE)",
           ""});
    }
  }
  for (const fs::path& file : list_sizes) {
    if (!has_map && !has_practices_) {
      problems_.push_back({file.string(), "list sizes are joined to practices, and none are given",
                           "add `ods epraccur.csv` or the map of practices"});
      continue;
    }
    CsvReader rows(file, gp::kColumns, OtherColumns::ignored, problems_);
    read_list_sizes(rows, file, report(file, "GP list sizes: registered patients"));
  }
}

void RegisterImport::read_map(CsvReader& rows, RowTally& tally) {
  const std::size_t board = rows.has(gp::board) ? gp::board : gp::board_until_2022;
  const std::size_t sub_board = rows.has(gp::sub_board) ? gp::sub_board : gp::sub_board_until_2022;
  const std::size_t ons_sub_board = rows.has(gp::ons_sub_board) ? gp::ons_sub_board : gp::ons_sub_board_until_2022;
  for (const std::size_t column : {board, sub_board}) rows.require(column);
  if (!rows.has(board) || !rows.has(sub_board)) return;
  std::map<std::string, int> seen;
  std::size_t n_elsewhere = 0, n_unallocated = 0;
  while (rows.next()) {
    const std::string code(rows.required_text(gp::practice));
    if (!seen.emplace(code, rows.line()).second) {
      tally.drop("code already read", code);
      continue;
    }
    const KnownBoard* known = known_board(rows.text(board));
    ImportedOrganisation* practice = kept(code, OrganisationType::practice);
    if (practice == nullptr) {
      if (has_practices_) {
        tally.drop("no practice that is kept", code);
        continue;
      }
      if (known == nullptr) {
        tally.drop("its board is not known", code);
        continue;
      }
      saw_board(rows, board, *known);
      ImportedOrganisation organisation;
      organisation.code = code;
      organisation.name = trimmed_field(rows.text(gp::practice_name));
      organisation.type = OrganisationType::practice;
      organisation.board = known->board.code;
      organisation.postcode = postcode_key(rows.text(gp::practice_postcode));
      if (!add(std::move(organisation))) {
        tally.drop("code already read", code);
        continue;
      }
      practice = kept(code, OrganisationType::practice);
      ++boards_of_sub_board_[std::string(rows.text(sub_board))][practice->board];
    } else if (known == nullptr || known->board.code != practice->board) {
      ++n_elsewhere;
    }
    // "U" is the code of no network.
    if (rows.text(gp::network).size() > 1) {
      practice->network = rows.text(gp::network);
    } else {
      ++n_unallocated;
    }
    if (rows.has(ons_sub_board)) ++boards_of_sub_board_[std::string(rows.text(ons_sub_board))][practice->board];
    tally.keep();
  }
  std::vector<std::string>& notes = tables_.registers.back().notes;
  if (n_unallocated > 0) notes.push_back(fmt::format("{} practices are in no network", grouped(n_unallocated)));
  if (n_elsewhere > 0)
    notes.push_back(fmt::format("{} practices are of another board here; that of ODS holds", grouped(n_elsewhere)));
}

void RegisterImport::read_list_sizes(CsvReader& rows, const fs::path& file, RegisterReport& report) {
  RowTally tally(report);
  std::map<std::string, int> seen;
  std::size_t n_empty = 0;
  while (rows.next()) {
    const std::string code(rows.required_text(gp::code));
    // The same publication has files by age and by area; a list is the row of everybody at a practice.
    const auto is = [&](std::size_t column, std::string_view value) {
      return !rows.has(column) || rows.text(column) == value;
    };
    if (!is(gp::sex, "ALL") || !is(gp::age, "ALL")) {
      tally.drop("of one sex or age", code);
      continue;
    }
    if (!is(gp::type, "GP")) {
      tally.drop("of no practice but an area", code);
      continue;
    }
    const auto patients = rows.required_number(gp::patients, kCount);
    ImportedOrganisation* practice = kept(code, OrganisationType::practice);
    if (practice == nullptr) {
      tally.drop("no practice that is kept", code);
      continue;
    }
    if (!seen.emplace(code, rows.line()).second) {
      tally.drop("code already read", code);
      continue;
    }
    if (patients && *patients > 0) {
      practice->size = patients;
    } else {
      ++n_empty;
    }
    tally.keep();
  }
  if (n_empty > 0)
    report.notes.push_back(fmt::format("{} lists have no patients and count as unknown", grouped(n_empty)));
  if (report.read > 0 && std::ranges::any_of(report.dropped, [&](const DroppedRows& dropped) {
        return dropped.reason == "of one sex or age" && dropped.rows == report.read;
      }))
    problems_.push_back(
        {file.string(), "no row is of all patients (SEX and AGE are ALL)", "take gp-reg-pat-prac-all.csv"});
}

}  // namespace uptake
