/// Public registers on their way to one population: what is known so far, joined by code. Each publisher's registers are read
/// by a file of their own (register_ods.cpp, register_gp.cpp, register_cqc.cpp, register_ae.cpp, register_postcodes.cpp),
/// where what is asked of them stands too; registers.cpp has their order, and what they share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "population/register_lookups.hpp"
#include "reading/csv.hpp"
#include "uptake/error.hpp"
#include "uptake/registers.hpp"

namespace uptake {

/// Of people, beds and admissions.
inline constexpr NumberRange kCount{.low = 0, .kind = NumberRange::Kind::whole};

/// Counts the rows of a register on their two ways out.
class RowTally {
 public:
  explicit RowTally(RegisterReport& report) : report_(report) {}
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

/// The organisations that are kept, while one register after another adds to them.
class RegisterImport {
 public:
  RegisterImport(const RegisterFiles& files, const std::filesystem::path& data_folder)
      : files_(files), lookups_(read_lookups(data_folder)) {}

  /// @throws InputError with all that is wrong, FileError
  ImportedTables read();

 private:
  RegisterReport& report(const std::filesystem::path& file, std::string_view name);
  /// The board with its region, or none when no lookup has it.
  [[nodiscard]] const KnownBoard* known_board(std::string_view code) const;
  /// Puts an organisation among those kept, with the region of its board; false when its code is taken.
  bool add(ImportedOrganisation organisation);
  ImportedOrganisation* kept(std::string_view code, OrganisationType type);
  ImportedOrganisation* kept_trust(std::string_view code);
  /// Boards of the row's own register, so that two registers of different dates are noticed.
  void saw_board(const CsvReader& rows, std::size_t column, const KnownBoard& known);

  // Organisation Data Service.
  enum class OdsFile : std::uint8_t { etr, ets, epraccur, ecarehomesite };
  void read_all_ods();
  void read_ods(const std::filesystem::path& file, OdsFile which);
  void read_site(const CsvReader& rows, const std::string& code, RowTally& tally);
  void add_trust(ImportedOrganisation trust, RowTally& tally);
  void note_absent();

  // Patients registered at a GP practice.
  void read_all_gp();
  void read_map(CsvReader& rows, RowTally& tally);
  void read_list_sizes(CsvReader& rows, const std::filesystem::path& file, RegisterReport& report);

  // Care Quality Commission.
  void settle_sub_boards();
  void read_cqc(const std::filesystem::path& file);
  [[nodiscard]] std::string board_of_home(const CsvReader& rows) const;

  /// A&E attendances and emergency admissions.
  void read_ae(const std::filesystem::path& file);

  // Places.
  void read_postcodes(const std::filesystem::path& file);
  void check_dates();
  void list_places();

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

}  // namespace uptake
