// Registers of the Organisation Data Service: trusts, their sites, practices, care homes.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "population/register_import.hpp"
#include "population/register_text.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {
constexpr std::array<std::string_view, 4> kOdsNames{"etr", "ets", "epraccur", "ecarehomesite"};
constexpr std::array<std::string_view, 4> kOdsTitles{"ODS etr: NHS trusts", "ODS ets: sites of NHS trusts",
                                                     "ODS epraccur: GP practices and prescribing sites",
                                                     "ODS ecarehomesite: care homes"};

namespace ods {
/// Places in a row: ODS, description of the predefined reports (the same 27 for all four, trailing ones may be absent).
enum Columns : std::size_t { code, name, grouping, board, postcode, closed, status, parent, setting };
constexpr std::array kFields{
    CsvField{"organisation code", 0},
    CsvField{"name", 1},
    CsvField{"national grouping", 2},
    CsvField{"high level health geography", 3},
    CsvField{"postcode", 9},
    CsvField{"close date", 11},
    CsvField{"status code", 12},
    CsvField{"parent organisation code", 14},
    CsvField{"prescribing setting", 25},
};
}  // namespace ods

/// The first word of the file's name, in small letters: "etr" of etr.csv and of ETR_2025-07.csv, not of etreat.csv.
std::string first_word(const fs::path& file) {
  std::string word;
  for (const char c : file.filename().string()) {
    if (lower(c) < 'a' || lower(c) > 'z') break;
    word.push_back(lower(c));
  }
  return word;
}
}  // namespace

void RegisterImport::read_all_ods() {
  std::array<std::vector<fs::path>, kOdsNames.size()> files;
  for (const fs::path& file : files_.ods) {
    const auto found = std::ranges::find(kOdsNames, first_word(file));
    if (found == kOdsNames.end()) {
      problems_.push_back({file.string(), "its name does not say which register of the Organisation Data Service it is",
                           fmt::format("let it begin with {}", fmt::join(kOdsNames, ", "))});
    } else {
      files[static_cast<std::size_t>(found - kOdsNames.begin())].push_back(file);
    }
  }
  for (std::size_t which = 0; which < files.size(); ++which)
    for (const fs::path& file : files[which]) {
      if (which == static_cast<std::size_t>(OdsFile::etr)) has_trusts_ = true;
      if (which == static_cast<std::size_t>(OdsFile::epraccur)) has_practices_ = true;
      read_ods(file, static_cast<OdsFile>(which));
    }
  // Trusts come first in the list above; sites were read when all of them were known.
  if (!files[static_cast<std::size_t>(OdsFile::ets)].empty() && !has_trusts_)
    problems_.push_back({files[static_cast<std::size_t>(OdsFile::ets)].front().string(),
                         "sites are joined to their trusts, and the register of trusts is not given", "add etr.csv"});
}

void RegisterImport::read_ods(const fs::path& file, OdsFile which) {
  // The prescribing setting, which tells a practice from a clinic, is the 26th field.
  const CsvFieldCount fields{which == OdsFile::epraccur ? 26U : 24U, 27};
  CsvReader rows(file, ods::kFields, fields, problems_);
  RowTally tally(report(file, kOdsTitles[static_cast<std::size_t>(which)]));
  while (rows.next()) {
    const std::string code(rows.required_text(ods::code));
    if (which == OdsFile::epraccur) {
      const std::string_view status = rows.text(ods::status);
      if (status != "A") {
        tally.drop(status == "C"   ? "closed"
                   : status == "D" ? "dormant"
                   : status == "P" ? "proposed"
                                   : "status is not A (active)",
                   code);
        continue;
      }
      if (rows.text(ods::setting) != "4") {
        tally.drop("no GP practice (prescribing setting is not 4)", code);
        continue;
      }
    }
    if (!rows.text(ods::closed).empty()) {
      tally.drop("closed", code);
      continue;
    }
    if (which == OdsFile::ets) {
      read_site(rows, code, tally);
      continue;
    }
    const KnownBoard* board = known_board(rows.text(ods::board));
    if (board == nullptr) {
      // National groupings of England begin with Y; W is Wales, and so on.
      tally.drop(rows.text(ods::grouping).starts_with("Y") ? "its board is not known" : "not in England", code);
      continue;
    }
    saw_board(rows, ods::board, *board);
    ImportedOrganisation organisation;
    organisation.code = code;
    organisation.name = trimmed_field(rows.text(ods::name));
    organisation.board = board->board.code;
    organisation.postcode = postcode_key(rows.text(ods::postcode));
    if (which == OdsFile::etr) {
      add_trust(std::move(organisation), tally);
    } else if (which == OdsFile::epraccur) {
      organisation.type = OrganisationType::practice;
      if (add(std::move(organisation))) {
        tally.keep();
        ++boards_of_sub_board_[std::string(rows.text(ods::parent))][board->board.code];
      } else {
        tally.drop("code already read", code);
      }
    } else if (!files_.cqc.empty()) {
      // CQC's register has the beds; this one says the board of those whose code CQC gives.
      if (board_of_home_.emplace(code, board->board.code).second) {
        tally.keep();
      } else {
        tally.drop("code already read", code);
      }
    } else {
      organisation.type = OrganisationType::care_home;
      organisation.owner = rows.text(ods::parent);
      if (add(std::move(organisation))) {
        tally.keep();
      } else {
        tally.drop("code already read", code);
      }
    }
  }
  if (which == OdsFile::ecarehomesite && !files_.cqc.empty())
    tables_.registers.back().notes.emplace_back("gives boards alone: homes are those of the CQC register");
}

void RegisterImport::read_site(const CsvReader& rows, const std::string& code, RowTally& tally) {
  const ImportedOrganisation* trust = kept_trust(rows.text(ods::parent));
  if (trust == nullptr) {
    tally.drop("site of no trust that is kept", code);
    return;
  }
  const KnownBoard* board = known_board(rows.text(ods::board));
  tables_.sites.push_back({code, std::string(trimmed_field(rows.text(ods::name))), trust->code,
                           board == nullptr ? trust->board : board->board.code, postcode_key(rows.text(ods::postcode)),
                           std::nullopt, std::nullopt});
  tally.keep();
}

/// A trust with its maternity units, as those of England are built (docs/tables.md).
void RegisterImport::add_trust(ImportedOrganisation trust, RowTally& tally) {
  const auto found = lookups_.trusts.find(trust.code);
  if (found == lookups_.trusts.end()) {
    tally.drop("its type is not known (not in england/trusts.csv)", trust.code);
    return;
  }
  const KnownTrust& known = found->second;
  trust.type = known.type;
  trust.size = known.beds;
  trust.teaching = known.teaching;
  if (known.latitude && known.longitude) {
    trust.latitude = known.latitude;
    trust.longitude = known.longitude;
    trust.placed_by = PlacedBy::coordinates;
  }
  const ImportedOrganisation copy = trust;
  if (!add(std::move(trust))) {
    tally.drop("code already read", copy.code);
    return;
  }
  tally.keep();
  for (int k = 1; k <= known.n_maternity_units; ++k) {
    ImportedOrganisation unit = copy;
    unit.type = OrganisationType::maternity_unit;
    unit.code = fmt::format("MU-{}-{}", copy.code, k);
    unit.name = known.n_maternity_units == 1 ? fmt::format("Maternity unit of {}", copy.name)
                                             : fmt::format("Maternity unit {} of {}", k, copy.name);
    unit.parent = copy.code;
    unit.size.reset();
    if (known.deliveries) unit.size = *known.deliveries / known.n_maternity_units;
    if (known.preterm_babies) unit.preterm_babies = *known.preterm_babies / known.n_maternity_units;
    add(std::move(unit));
  }
}

void RegisterImport::note_absent() {
  for (RegisterReport& register_report : tables_.registers) {
    if (register_report.name != kOdsTitles[static_cast<std::size_t>(OdsFile::etr)]) continue;
    const auto n_without_beds = std::ranges::count_if(tables_.organisations, [](const ImportedOrganisation& o) {
      return o.type < OrganisationType::maternity_unit && !o.size;
    });
    const auto n_units =
        std::ranges::count(tables_.organisations, OrganisationType::maternity_unit, &ImportedOrganisation::type);
    register_report.notes.push_back(
        fmt::format("types, places and beds are those of england/trusts.csv ({} have no beds there), and so are {} "
                    "maternity units",
                    n_without_beds, n_units));
    break;
  }
}

}  // namespace uptake
