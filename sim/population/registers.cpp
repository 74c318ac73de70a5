// Reads public registers as published. What is asked of each of them stands beside its reader.
#include "uptake/registers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <unordered_map>

#include "reading/csv.hpp"
#include "uptake/error.hpp"
#include "uptake/grouped.hpp"

namespace uptake {

namespace {
namespace fs = std::filesystem;

constexpr NumberRange kLatitude{.low = -90, .high = 90};
constexpr NumberRange kLongitude{.low = -180, .high = 180};
constexpr NumberRange kAtLeastZero{.low = 0};
constexpr NumberRange kPositive{.low = 0, .low_end = NumberRange::Low::excluded};
constexpr NumberRange kCount{.low = 0, .kind = NumberRange::Kind::whole};
constexpr NumberRange kFlag{.low = 0, .high = 1, .kind = NumberRange::Kind::whole};

// ---- text ---------------------------------------------------------------------------------------------------------

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

/// A postcode without blanks, in capitals: registers disagree about both.
std::string postcode_key(std::string_view text) {
  std::string key;
  for (const char c : text)
    if (c != ' ') key.push_back(upper(c));
  return key;
}

/// The name of a local authority with the differences between CQC and ONS taken out: capitals, stops, "&", and the
/// words before and after ("Bristol, City of", "County Durham", "Bedford Borough").
std::string authority_key(std::string_view text) {
  std::string plain;
  for (const char c : text)
    if (c == '&') {
      plain += "and";
    } else if (c != '.' && c != ',' && c != '-' && c != '\'') {
      plain.push_back(lower(c));
    } else {
      plain.push_back(' ');
    }
  std::string key;
  for (const char c : trimmed(plain))
    if (c != ' ' || (!key.empty() && key.back() != ' ')) key.push_back(c);
  for (const std::string_view end : {" city of", " county of", " borough"})
    if (key.ends_with(end)) key.resize(key.size() - end.size());
  if (key.starts_with("county ")) key.erase(0, 7);
  return key;
}

bool is_yes(std::string_view text) {
  return !trimmed(text).empty() && (trimmed(text).front() == 'Y' || trimmed(text).front() == 'y');
}

std::optional<double> number_in(std::string_view text, double low, double high) {
  text = trimmed(text);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= low && value <= high)) return std::nullopt;
  return value;
}

/// Registers write unknown coordinates as 0, as 99.999999 (ONS) or not at all; none of those is in England.
struct Place {
  double latitude = 0, longitude = 0;
};
std::optional<Place> place_in_england(std::string_view latitude, std::string_view longitude) {
  const auto north = number_in(latitude, 49.8, 55.9);  // the Isles of Scilly to Berwick-upon-Tweed
  const auto east = number_in(longitude, -6.5, 1.8);   // the Isles of Scilly to Lowestoft
  if (!north || !east) return std::nullopt;
  return Place{*north, *east};
}

// ---- what the registers do not say -------------------------------------------------------------------------------

/// The 42 boards of 2022 and the 36 since April 2026 have 30 codes in common.
enum class Boards : std::uint8_t { both, of_2022, of_2026 };

struct KnownBoard {
  Board board;  ///< Board::region is an index into Lookups::regions
  Boards in = Boards::both;
};

struct KnownTrust {
  OrganisationType type = OrganisationType::acute_trust;
  std::optional<double> latitude, longitude, beds, deliveries, preterm_babies;
  int n_maternity_units = 0, teaching = 0;
};

struct Lookups {
  std::vector<Region> regions;
  std::vector<KnownBoard> boards;
  std::unordered_map<std::string, std::size_t> board_of_code;
  std::unordered_map<std::string, KnownTrust> trusts;
  struct Authority {
    std::string board_2022, board_2026;
  };
  std::unordered_map<std::string, Authority> authorities;  ///< by authority_key
};

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

// ---- the registers -----------------------------------------------------------------------------------------------

/// Counts the rows of a register on their two ways out.
class Tally {
 public:
  explicit Tally(RegisterReport& report) : report_(report) {}
  void keep() {
    ++report_.read;
    ++report_.kept;
  }
  void drop(std::string_view reason, std::string_view code) {
    ++report_.read;
    auto found = std::ranges::find(report_.dropped, reason, &DroppedRows::reason);
    if (found == report_.dropped.end())
      found = report_.dropped.insert(found, {std::string(reason), 0, std::string(code)});
    ++found->rows;
  }

 private:
  RegisterReport& report_;
};

enum class OdsFile : std::uint8_t { etr, ets, epraccur, ecarehomesite };
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

class Import {
 public:
  Import(const RegisterFiles& files, const fs::path& data_folder)
      : files_(files), lookups_(read_lookups(data_folder)) {}

  ImportedTables read() {
    read_all_ods();
    read_all_gp();
    settle_sub_boards();
    for (const fs::path& file : files_.cqc) read_cqc(file);
    for (const fs::path& file : files_.ae) read_ae(file);
    for (const fs::path& file : files_.postcodes) read_postcodes(file);
    check_dates();
    if (problems_.empty() && tables_.organisations.empty())
      problems_.push_back(
          {"import", "no row of the registers was kept", "are they the registers that they are called?"});
    if (!problems_.empty()) throw InputError(std::move(problems_));
    note_absent();
    list_places();
    return std::move(tables_);
  }

 private:
  RegisterReport& report(const fs::path& file, std::string_view name) {
    return tables_.registers.emplace_back(RegisterReport{file, std::string(name), 0, 0, {}, {}});
  }

  /// The board with its region, or none when no lookup has it.
  const KnownBoard* known_board(std::string_view code) const {
    const auto found = lookups_.board_of_code.find(std::string(code));
    return found == lookups_.board_of_code.end() ? nullptr : &lookups_.boards[found->second];
  }

  /// Puts an organisation among those kept, with the region of its board; false when its code is taken.
  bool add(ImportedOrganisation organisation) {
    const KnownBoard* known = known_board(organisation.board);
    organisation.region = lookups_.regions[static_cast<std::size_t>(known->board.region)].code;
    if (!by_code_.emplace(organisation.code, tables_.organisations.size()).second) return false;
    tables_.organisations.push_back(std::move(organisation));
    return true;
  }

  ImportedOrganisation* kept(std::string_view code, OrganisationType type) {
    const auto found = by_code_.find(std::string(code));
    if (found == by_code_.end()) return nullptr;
    ImportedOrganisation& organisation = tables_.organisations[found->second];
    return organisation.type == type ? &organisation : nullptr;
  }
  ImportedOrganisation* kept_trust(std::string_view code) {
    const auto found = by_code_.find(std::string(code));
    if (found == by_code_.end()) return nullptr;
    ImportedOrganisation& organisation = tables_.organisations[found->second];
    return organisation.type < OrganisationType::maternity_unit ? &organisation : nullptr;
  }

  /// Boards of the row's own register, so that two registers of different dates are noticed.
  void saw_board(const CsvReader& rows, std::size_t column, const KnownBoard& known) {
    if (known.in == Boards::both) return;
    Seen& first = known.in == Boards::of_2022 ? first_of_2022_ : first_of_2026_;
    if (first.where.empty()) first = {rows.where(column), known.board.code};
  }

  // ---- Organisation Data Service ----

  void read_all_ods() {
    std::array<std::vector<fs::path>, kOdsNames.size()> files;
    for (const fs::path& file : files_.ods) {
      const auto found = std::ranges::find(kOdsNames, first_word(file));
      if (found == kOdsNames.end()) {
        problems_.push_back({file.string(),
                             "its name does not say which register of the Organisation Data Service it is",
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

  void read_ods(const fs::path& file, OdsFile which) {
    // The prescribing setting, which tells a practice from a clinic, is the 26th field.
    const CsvFieldCount fields{which == OdsFile::epraccur ? 26U : 24U, 27};
    CsvReader rows(file, ods::kFields, fields, problems_);
    Tally tally(report(file, kOdsTitles[static_cast<std::size_t>(which)]));
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
      organisation.name = trimmed(rows.text(ods::name));
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

  void read_site(const CsvReader& rows, const std::string& code, Tally& tally) {
    const ImportedOrganisation* trust = kept_trust(rows.text(ods::parent));
    if (trust == nullptr) {
      tally.drop("site of no trust that is kept", code);
      return;
    }
    const KnownBoard* board = known_board(rows.text(ods::board));
    tables_.sites.push_back({code, std::string(trimmed(rows.text(ods::name))), trust->code,
                             board == nullptr ? trust->board : board->board.code,
                             postcode_key(rows.text(ods::postcode)), std::nullopt, std::nullopt});
    tally.keep();
  }

  /// A trust with its maternity units, as those of England are built (docs/tables.md).
  void add_trust(ImportedOrganisation trust, Tally& tally) {
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

  // ---- patients registered at a GP practice ----

  void read_all_gp();
  void read_map(CsvReader& rows, Tally& tally);
  void read_list_sizes(CsvReader& rows, const fs::path& file, RegisterReport& report);

  /// Practices of a sub-board location (a clinical commissioning group until 2022) say which board it belongs to.
  void settle_sub_boards() {
    for (const auto& [sub_board, boards] : boards_of_sub_board_) {
      const auto most = std::ranges::max_element(
          boards, [](const auto& a, const auto& b) { return a.second < b.second; });  // the first of equals
      if (!sub_board.empty()) board_of_sub_board_[sub_board] = most->first;
    }
  }

  // ---- Care Quality Commission ----

  void read_cqc(const fs::path& file);
  std::string board_of_home(const CsvReader& rows) const;

  // ---- A&E attendances and emergency admissions ----

  void read_ae(const fs::path& file);

  // ---- places ----

  void read_postcodes(const fs::path& file);

  void check_dates() {
    if (first_of_2022_.where.empty() || first_of_2026_.where.empty()) return;
    problems_.push_back({first_of_2026_.where,
                         fmt::format("board {} is of April 2026, and {} at {} ended there", first_of_2026_.board,
                                     first_of_2022_.board, first_of_2022_.where),
                         "give registers of one date"});
  }

  void note_absent() {
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

  /// Regions and boards in which somebody is, in the order of the lookups.
  void list_places() {
    std::vector<bool> is_used(lookups_.boards.size());
    for (const ImportedOrganisation& organisation : tables_.organisations)
      is_used[lookups_.board_of_code.at(organisation.board)] = true;
    for (std::size_t r = 0; r < lookups_.regions.size(); ++r) {
      const std::size_t n_boards = tables_.boards.size();
      for (std::size_t b = 0; b < is_used.size(); ++b) {
        if (!is_used[b] || lookups_.boards[b].board.region != static_cast<int>(r)) continue;
        tables_.boards.push_back(lookups_.boards[b].board);
        tables_.boards.back().region = static_cast<int>(tables_.regions.size());
      }
      if (tables_.boards.size() > n_boards) tables_.regions.push_back(lookups_.regions[r]);
    }
  }

  const RegisterFiles& files_;
  Lookups lookups_;
  ImportedTables tables_;
  std::vector<Problem> problems_;
  std::unordered_map<std::string, std::size_t> by_code_;
  bool has_trusts_ = false, has_practices_ = false;
  std::map<std::string, std::map<std::string, int>> boards_of_sub_board_;  ///< practices by both
  std::unordered_map<std::string, std::string> board_of_sub_board_, board_of_home_;
  std::map<std::pair<std::string, std::string>, std::size_t> activity_of_;  ///< by code and month
  /// Where a board that is only in one of the two sets was first seen.
  struct Seen {
    std::string where, board;
  };
  Seen first_of_2022_, first_of_2026_;
};

// ---- patients registered at a GP practice ------------------------------------------------------------------------

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

void Import::read_all_gp() {
  std::vector<fs::path> list_sizes;
  bool has_map = false;
  for (const fs::path& file : files_.gp) {
    const std::size_t n_problems = problems_.size();
    CsvReader rows(file, gp::kColumns, OtherColumns::ignored, problems_);
    if (problems_.size() > n_problems) continue;
    if (rows.has(gp::practice) && rows.has(gp::network)) {
      has_map = true;
      Tally tally(report(file, "GP map: practices, networks and boards"));
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

void Import::read_map(CsvReader& rows, Tally& tally) {
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
      organisation.name = trimmed(rows.text(gp::practice_name));
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

void Import::read_list_sizes(CsvReader& rows, const fs::path& file, RegisterReport& report) {
  Tally tally(report);
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

// ---- Care Quality Commission -------------------------------------------------------------------------------------

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

/// By ODS code, by sub-board location, by local authority: the board's code, or none.
std::string Import::board_of_home(const CsvReader& rows) const {
  if (const auto found = board_of_home_.find(std::string(rows.text(cqc::ods_code))); found != board_of_home_.end())
    return found->second;
  for (const std::size_t column : {cqc::commissioning_code, cqc::ons_code})
    if (const auto found = board_of_sub_board_.find(std::string(rows.text(column))); found != board_of_sub_board_.end())
      return found->second;
  const auto found = lookups_.authorities.find(authority_key(rows.text(cqc::authority)));
  if (found == lookups_.authorities.end()) return {};
  return first_of_2026_.where.empty() ? found->second.board_2022 : found->second.board_2026;
}

void Import::read_cqc(const fs::path& file) {
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
  Tally tally(of_file);
  std::size_t n_without_beds = 0, n_by_authority_alone = 0;
  while (rows.next()) {
    const std::string code(rows.required_text(cqc::location));
    const std::string_view services = rows.text(cqc::service_types);
    if (is_sheet ? !is_yes(rows.text(cqc::care_home)) : services.find("Care home service") == std::string_view::npos) {
      tally.drop("no care home", code);
      continue;
    }
    if (!trimmed(rows.text(cqc::ended)).empty()) {
      tally.drop("closed", code);
      continue;
    }
    if (is_yes(rows.text(is_sheet ? cqc::dormant_sheet : cqc::dormant_export))) {
      tally.drop("dormant", code);
      continue;
    }
    ImportedOrganisation home;
    home.code = code;
    home.name = trimmed(rows.text(cqc::name));
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
    const std::string_view brand = trimmed(rows.text(cqc::brand));
    home.owner = brand.empty() || brand == "-" ? trimmed(rows.text(cqc::provider)) : brand;
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

// ---- A&E attendances and emergency admissions --------------------------------------------------------------------

namespace ae {
enum Columns : std::size_t { period, code, first_number };
constexpr std::size_t kNAttendances = 6, kNAdmissions = 4;
constexpr std::array kColumns{
    CsvColumn{"Period"},
    CsvColumn{"Org Code"},
    CsvColumn{"A&E attendances Type 1"},
    CsvColumn{"A&E attendances Type 2"},
    CsvColumn{"A&E attendances Other A&E Department"},
    CsvColumn{"A&E attendances Booked Appointments Type 1"},
    CsvColumn{"A&E attendances Booked Appointments Type 2"},
    CsvColumn{"A&E attendances Booked Appointments Other Department"},
    CsvColumn{"Emergency admissions via A&E - Type 1"},
    CsvColumn{"Emergency admissions via A&E - Type 2"},
    CsvColumn{"Emergency admissions via A&E - Other A&E department"},
    CsvColumn{"Other emergency admissions"},
};
constexpr std::array<std::string_view, 12> kMonths{"JANUARY",   "FEBRUARY", "MARCH",    "APRIL",
                                                   "MAY",       "JUNE",     "JULY",     "AUGUST",
                                                   "SEPTEMBER", "OCTOBER",  "NOVEMBER", "DECEMBER"};
}  // namespace ae

/// "2025-06" of "MSitAE-JUNE-2025"; empty when it is none.
std::string month_of(std::string_view period) {
  std::string text;
  for (const char c : trimmed(period)) text.push_back(upper(c));
  const std::size_t year = text.rfind('-');
  if (year == std::string::npos || text.size() - year != 5 ||
      !std::all_of(text.begin() + static_cast<std::ptrdiff_t>(year) + 1, text.end(),
                   [](char c) { return c >= '0' && c <= '9'; }))
    return {};
  const std::size_t before = text.rfind('-', year - 1);
  const std::size_t begin = before == std::string::npos || year == 0 ? 0 : before + 1;
  const auto month = std::ranges::find(ae::kMonths, std::string_view(text).substr(begin, year - begin));
  if (month == ae::kMonths.end()) return {};
  return fmt::format("{}-{:02}", text.substr(year + 1), month - ae::kMonths.begin() + 1);
}

void Import::read_ae(const fs::path& file) {
  if (!has_trusts_) {
    problems_.push_back(
        {file.string(), "admissions are joined to trusts, and their register is not given", "add `ods etr.csv`"});
    return;
  }
  const std::size_t n_problems = problems_.size();
  CsvReader rows(file, ae::kColumns, OtherColumns::ignored, problems_);
  if (problems_.size() > n_problems) return;
  RegisterReport& of_file = report(file, "A&E attendances and emergency admissions");
  Tally tally(of_file);
  constexpr std::size_t kNNumbers = ae::kNAttendances + ae::kNAdmissions;
  std::array<double, kNNumbers> sums{};
  std::size_t n_suppressed = 0;
  bool has_total = false;
  while (rows.next()) {
    const std::string code(trimmed(rows.required_text(ae::code)));
    std::array<std::optional<double>, kNNumbers> numbers;
    for (std::size_t k = 0; k < kNNumbers; ++k) {
      const std::string_view text = trimmed(rows.text(ae::first_number + k));
      if (text.empty() || text == "*" || text == "-" || text == "..") continue;  // suppressed or not supplied
      numbers[k] = rows.number(ae::first_number + k, kCount);
    }
    if (has_total) {
      rows.report(ae::code, "a row after TOTAL, which is the last one", "are two files in one?");
      continue;
    }
    if (code == "TOTAL") {
      has_total = true;
      tally.drop("the sum of the others", code);
      for (std::size_t k = 0; k < kNNumbers && n_suppressed == 0; ++k)
        if (numbers[k] && *numbers[k] != sums[k])
          of_file.notes.push_back(fmt::format("{} add up to {}, TOTAL says {}", ae::kColumns[ae::first_number + k].name,
                                              sums[k], *numbers[k]));
      continue;
    }
    for (std::size_t k = 0; k < kNNumbers; ++k) {
      sums[k] += numbers[k].value_or(0);
      n_suppressed += numbers[k] ? 0 : 1;
    }
    const std::string month = month_of(rows.required_text(ae::period));
    if (month.empty()) {
      rows.report(ae::period, fmt::format("\"{}\" is no month", rows.text(ae::period)), "e.g. MSitAE-JUNE-2025");
      continue;
    }
    if (kept_trust(code) == nullptr) {
      tally.drop("no trust that is kept", code);
      continue;
    }
    if (!activity_of_.emplace(std::pair{code, month}, tables_.activity.size()).second) {
      tally.drop("trust and month already read", code);
      continue;
    }
    const auto sum = [&](std::size_t first, std::size_t n) {
      std::optional<double> total = 0;
      for (std::size_t k = first; k < first + n; ++k) {
        if (!numbers[k]) return std::optional<double>();
        *total += *numbers[k];
      }
      return total;
    };
    tables_.activity.push_back({code, month, sum(0, ae::kNAttendances), sum(ae::kNAttendances, ae::kNAdmissions)});
    tally.keep();
  }
  if (!has_total && problems_.size() == n_problems)
    problems_.push_back({file.string(), "the last row is not TOTAL: the file is not whole", "download the file again"});
  if (n_suppressed > 0)
    of_file.notes.push_back(
        fmt::format("{} figures are suppressed; a sum with one of them is left empty", grouped(n_suppressed)));
}

// ---- places ------------------------------------------------------------------------------------------------------

namespace postcodes {
/// The ONS postcode directory, in its present and its former names of columns, and smaller tables cut from it.
enum Columns : std::size_t { pcds, pcd, postcode, lat, latitude, longitude_short, longitude };
constexpr std::array kColumns{CsvColumn{"pcds", Presence::optional},     CsvColumn{"pcd", Presence::optional},
                              CsvColumn{"postcode", Presence::optional}, CsvColumn{"lat", Presence::optional},
                              CsvColumn{"latitude", Presence::optional}, CsvColumn{"long", Presence::optional},
                              CsvColumn{"longitude", Presence::optional}};
}  // namespace postcodes

void Import::read_postcodes(const fs::path& file) {
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

  Tally tally(report(file, "postcodes"));
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
}  // namespace

ImportedTables read_registers(const RegisterFiles& files, const fs::path& data_folder) {
  return Import(files, data_folder).read();
}

}  // namespace uptake
