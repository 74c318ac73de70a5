// The command that makes population tables of public registers.
#include "results/import.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "files/json_text.hpp"
#include "text_file.hpp"
#include "uptake/grouped.hpp"
#include "uptake/results.hpp"

namespace uptake::cli {

namespace {
using Json = nlohmann::ordered_json;

/// Those of one type, and what is known of them.
struct TypeCount {
  std::size_t n = 0, without_size = 0;
  std::array<std::size_t, kNPlacedBy> placed_by{};
};

std::array<TypeCount, kNOrganisationTypes> counts_of(const ImportedTables& tables) {
  std::array<TypeCount, kNOrganisationTypes> counts;
  for (const ImportedOrganisation& organisation : tables.organisations) {
    TypeCount& count = counts[static_cast<std::size_t>(organisation.type)];
    ++count.n;
    count.without_size += organisation.size ? 0 : 1;
    ++count.placed_by[static_cast<std::size_t>(organisation.placed_by)];
  }
  return counts;
}

void print_json(const ImportedTables& tables, const std::filesystem::path& folder) {
  Json registers = Json::array();
  for (const RegisterReport& report : tables.registers) {
    Json dropped = Json::array();
    for (const DroppedRows& rows : report.dropped)
      dropped.push_back({{"reason", rows.reason}, {"rows", rows.rows}, {"first", rows.first}});
    registers.push_back({{"file", report.file.string()},
                         {"register", report.name},
                         {"read", report.read},
                         {"kept", report.kept},
                         {"dropped", std::move(dropped)},
                         {"notes", report.notes}});
  }
  Json organisations;
  const auto counts = counts_of(tables);
  for (std::size_t t = 0; t < counts.size(); ++t) {
    if (counts[t].n == 0) continue;
    organisations[std::string(kOrganisationTypeNames[t])] = {{"n", counts[t].n},
                                                             {"without_size", counts[t].without_size},
                                                             {"at_coordinates", counts[t].placed_by[0]},
                                                             {"at_postcode", counts[t].placed_by[1]},
                                                             {"at_board_centroid", counts[t].placed_by[2]}};
  }
  const Json json{{"schema", kJsonSchema},
                  {"folder", folder.string()},
                  {"registers", std::move(registers)},
                  {"organisations", std::move(organisations)},
                  {"regions", tables.regions.size()},
                  {"boards", tables.boards.size()},
                  {"sites", tables.sites.size()},
                  {"activity", tables.activity.size()}};
  // A file name need not be UTF-8, JSON must be.
  fmt::print("{}\n", json_text(json, 2));
}

void print_text(const ImportedTables& tables, const std::filesystem::path& folder) {
  for (const RegisterReport& report : tables.registers) {
    fmt::print("{} ({}): {} rows, {} kept, {} dropped\n", report.file.filename().string(), report.name,
               grouped(report.read), grouped(report.kept), grouped(report.read - report.kept));
    for (const DroppedRows& rows : report.dropped)
      fmt::print("{:>10}  {}, first {}\n", grouped(rows.rows), rows.reason,
                 rows.first.empty() ? "without a code" : rows.first);
    for (const std::string& note : report.notes) fmt::print("{:>10}  {}\n", "note", note);
  }
  fmt::print("\n{:<22} {:>8} {:>14} {:>15} {:>12} {:>12}\n", "organisations", "n", "size unknown", "at coordinates",
             "at postcode", "at centroid");
  const auto counts = counts_of(tables);
  for (std::size_t t = 0; t < counts.size(); ++t) {
    if (counts[t].n == 0) continue;
    fmt::print("{:<22} {:>8} {:>14} {:>15} {:>12} {:>12}\n", kOrganisationTypeNames[t], grouped(counts[t].n),
               grouped(counts[t].without_size), grouped(counts[t].placed_by[0]), grouped(counts[t].placed_by[1]),
               grouped(counts[t].placed_by[2]));
  }
  fmt::print("\n{} organisations in {} boards of {} regions; {} sites of trusts, {} months of trusts\n",
             grouped(tables.organisations.size()), tables.boards.size(), tables.regions.size(),
             grouped(tables.sites.size()), grouped(tables.activity.size()));
  fmt::print("{}: a scenario takes them with population = \"{}\"\n", folder.string(), folder.string());
}
}  // namespace

ExitCode import_registers(const ImportOptions& options, const Output& output) {
  check_tables_folder(options.folder, options.there);  // before anything long
  const RegisterFiles& files = options.files;
  std::vector<std::filesystem::path> named;
  for (const auto* of : {&files.ods, &files.gp, &files.cqc, &files.ae, &files.postcodes})
    named.insert(named.end(), of->begin(), of->end());
  must_exist(named, "name files as their publisher gives them out");
  for (const std::filesystem::path& file : named)
    if (std::filesystem::is_directory(file))
      throw FileError({file.string(), "is a folder, not a register", "name the files in it"});
  const ImportedTables tables = read_registers(options.files, data_folder());
  write_tables(tables, options.folder, options.there);
  output.format == Format::json ? print_json(tables, options.folder) : print_text(tables, options.folder);
  return ExitCode::done;
}

}  // namespace uptake::cli
