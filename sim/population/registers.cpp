// Reads public registers as published: their order, and what they share.
#include "uptake/registers.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "population/register_import.hpp"

namespace uptake {

namespace fs = std::filesystem;

ImportedTables RegisterImport::read() {
  read_all_ods();
  read_all_gp();
  settle_sub_boards();
  for (const fs::path& file : files_.cqc) read_cqc(file);
  for (const fs::path& file : files_.ae) read_ae(file);
  for (const fs::path& file : files_.postcodes) read_postcodes(file);
  check_dates();
  if (problems_.empty() && tables_.organisations.empty())
    problems_.push_back({"import", "no row of the registers was kept", "are they the registers that they are called?"});
  if (!problems_.empty()) throw InputError(std::move(problems_));
  note_absent();
  list_places();
  return std::move(tables_);
}

RegisterReport& RegisterImport::report(const fs::path& file, std::string_view name) {
  return tables_.registers.emplace_back(RegisterReport{file, std::string(name), 0, 0, {}, {}});
}

const KnownBoard* RegisterImport::known_board(std::string_view code) const {
  const auto found = lookups_.board_of_code.find(std::string(code));
  return found == lookups_.board_of_code.end() ? nullptr : &lookups_.boards[found->second];
}

bool RegisterImport::add(ImportedOrganisation organisation) {
  const KnownBoard* known = known_board(organisation.board);
  organisation.region = lookups_.regions[static_cast<std::size_t>(known->board.region)].code;
  if (!by_code_.emplace(organisation.code, tables_.organisations.size()).second) return false;
  tables_.organisations.push_back(std::move(organisation));
  return true;
}

ImportedOrganisation* RegisterImport::kept(std::string_view code, OrganisationType type) {
  const auto found = by_code_.find(std::string(code));
  if (found == by_code_.end()) return nullptr;
  ImportedOrganisation& organisation = tables_.organisations[found->second];
  return organisation.type == type ? &organisation : nullptr;
}

ImportedOrganisation* RegisterImport::kept_trust(std::string_view code) {
  const auto found = by_code_.find(std::string(code));
  if (found == by_code_.end()) return nullptr;
  ImportedOrganisation& organisation = tables_.organisations[found->second];
  return organisation.type < OrganisationType::maternity_unit ? &organisation : nullptr;
}

void RegisterImport::saw_board(const CsvReader& rows, std::size_t column, const KnownBoard& known) {
  if (known.in == Boards::both) return;
  Seen& first = known.in == Boards::of_2022 ? first_of_2022_ : first_of_2026_;
  if (first.where.empty()) first = {rows.where(column), known.board.code};
}

void RegisterImport::check_dates() {
  if (first_of_2022_.where.empty() || first_of_2026_.where.empty()) return;
  problems_.push_back({first_of_2026_.where,
                       fmt::format("board {} is of April 2026, and {} at {} ended there", first_of_2026_.board,
                                   first_of_2022_.board, first_of_2022_.where),
                       "give registers of one date"});
}

/// Regions and boards in which somebody is, in the order of the lookups.
void RegisterImport::list_places() {
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

ImportedTables read_registers(const RegisterFiles& files, const fs::path& data_folder) {
  return RegisterImport(files, data_folder).read();
}

}  // namespace uptake
