#include "results/import.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "files/file.hpp"
#include "uptake/error.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {
constexpr std::array<std::string_view, 5> kTables{"organisations.csv", "regions.csv", "boards.csv", "sites.csv",
                                                  "activity.csv"};

/// The field as CSV: in quotes when it has to be, or when its outer blanks would be taken off.
std::string field(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  if (text.find_first_of(",\"\n\r") == std::string_view::npos &&
      (text.empty() || (!is_blank(text.front()) && !is_blank(text.back()))))
    return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

template <typename Number>
std::string field(const std::optional<Number>& number) {
  return number ? fmt::format("{}", *number) : std::string();
}

/// A line of fields, given as text or as optional numbers.
template <typename... Values>
std::string line(const Values&... values) {
  std::string text;
  ((text += field(values), text += ','), ...);
  text.back() = '\n';
  return text;
}

std::string organisations_text(const ImportedTables& tables) {
  std::string text =
      "code,name,type,region,board,latitude,longitude,size,owner,parent,nursing,teaching,preterm_babies,network\n";
  for (const ImportedOrganisation& row : tables.organisations)
    text += line(row.code, row.name, kOrganisationTypeNames[static_cast<std::size_t>(row.type)], row.region, row.board,
                 row.latitude, row.longitude, row.size, row.owner, row.parent, row.nursing, row.teaching,
                 row.preterm_babies, row.network);
  return text;
}

std::string regions_text(const ImportedTables& tables) {
  std::string text = "code,name,short_name\n";
  for (const Region& row : tables.regions) text += line(row.code, row.name, row.short_name);
  return text;
}

std::string boards_text(const ImportedTables& tables) {
  std::string text = "code,name,short_name,region,latitude,longitude\n";
  for (const Board& row : tables.boards)
    text += line(row.code, row.name, row.short_name, tables.regions[static_cast<std::size_t>(row.region)].code,
                 std::optional(row.latitude), std::optional(row.longitude));
  return text;
}

std::string sites_text(const ImportedTables& tables) {
  std::string text = "code,name,trust,board,postcode,latitude,longitude\n";
  for (const ImportedSite& row : tables.sites)
    text += line(row.code, row.name, row.trust, row.board, row.postcode, row.latitude, row.longitude);
  return text;
}

std::string activity_text(const ImportedTables& tables) {
  std::string text = "code,month,attendances,emergency_admissions\n";
  for (const ImportedActivity& row : tables.activity)
    text += line(row.code, row.month, row.attendances, row.emergency_admissions);
  return text;
}

/// The name of a folder, whether it was written with a slash at its end or not.
fs::path without_slash(const fs::path& folder) { return folder.has_filename() ? folder : folder.parent_path(); }

/// Puts the folder `made` where `folder` is, in one step where the system can.
void put_in_place(const fs::path& made, const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) {
    fs::rename(made, folder, error);
    if (error) throw file_error(folder, "cannot put in place", error.value());
    return;
  }
  if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) == 0) return;
  if (errno != EINVAL && errno != ENOSYS) throw file_error(folder, "cannot replace", errno);
  // A file system that cannot exchange: between the two renames there are no tables, never half of them.
  fs::path old = made;
  old += ".old";
  fs::rename(folder, old, error);
  if (!error) fs::rename(made, folder, error);
  if (error) {
    std::error_code ignored;
    if (!fs::exists(folder, ignored)) fs::rename(old, folder, ignored);
    throw file_error(folder, "cannot replace", error.value());
  }
  fs::rename(old, made, error);
}
}  // namespace

void check_tables_folder(const fs::path& named, TablesThere there) {
  const fs::path folder = without_slash(named);
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (status.type() == fs::file_type::not_found) return;
  if (error) throw file_error(folder, "cannot be looked at", error.value());
  if (!fs::is_directory(status)) throw InputError({{folder.string(), "is no folder", "choose another one with -o"}});
  std::vector<std::string> others;
  bool has_tables = false;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (std::ranges::find(kTables, name) != kTables.end()) {
      has_tables = true;
    } else {
      others.push_back(name);
    }
  }
  if (error) throw file_error(folder, "cannot be looked at", error.value());
  // What somebody added, e.g. ties between organisations, may not fit other tables and is not to be lost.
  if (!others.empty())
    throw InputError(
        {{folder.string(), fmt::format("holds \"{}\", which no import wrote", *std::ranges::min_element(others)),
          "choose another folder with -o, or move it away"}});
  if (has_tables && there == TablesThere::refuse)
    throw InputError(
        {{folder.string(), "holds tables already", "choose another folder with -o, or replace them with --overwrite"}});
}

void write_tables(const ImportedTables& tables, const fs::path& named, TablesThere there) {
  const fs::path folder = without_slash(named);
  check_tables_folder(folder, there);
  make_folder(folder.parent_path());
  fs::path made = folder;
  made += ".tmp";
  std::error_code ignored;
  fs::remove_all(made, ignored);  // of an import that was killed
  try {
    const auto write = [&](std::string_view name, const std::string& text) { replace_file(made / name, text); };
    write(kTables[0], organisations_text(tables));
    write(kTables[1], regions_text(tables));
    write(kTables[2], boards_text(tables));
    if (!tables.sites.empty()) write(kTables[3], sites_text(tables));
    if (!tables.activity.empty()) write(kTables[4], activity_text(tables));
    put_in_place(made, folder);
  } catch (...) {
    fs::remove_all(made, ignored);
    throw;
  }
  fs::remove_all(made, ignored);  // the tables that were replaced
}

}  // namespace uptake
