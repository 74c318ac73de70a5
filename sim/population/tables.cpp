#include "population/tables.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>

#include "uptake/error.hpp"
#include "uptake/random.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {
/// Name and content of every table in a folder, in the order of names. @throws FileError
std::string tables_text(const fs::path& folder) {
  std::error_code error;
  std::set<fs::path> tables;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (at->path().extension() == ".csv" && !at->is_directory(ignored)) tables.insert(at->path());
  }
  if (error) throw FileError({folder.string(), "cannot read: " + error.message(), ""});
  if (tables.empty()) throw FileError({folder.string(), "cannot read: it holds no tables (*.csv)", ""});
  std::string text;
  for (const fs::path& table : tables) {
    errno = 0;
    std::ifstream stream(table, std::ios::binary);
    if (!stream) throw FileError({table.string(), fmt::format("cannot read: {}", std::strerror(errno)), ""});
    const std::string content{std::istreambuf_iterator<char>(stream), {}};
    if (!stream) throw FileError({table.string(), "cannot read", ""});
    text += fmt::format("{} {} {:016x}\n", table.filename().string(), content.size(), identity_of(content));
  }
  return text;
}
}  // namespace

std::string population_text(std::string_view population, const PopulationOptions& options, const fs::path& tables) {
  if (options.synthetic) {
    const SyntheticPopulation& of = *options.synthetic;
    return fmt::format("population synthetic {} {} {} {} {} {} {} {}\n", options.seed, of.n_organisations,
                       static_cast<int>(of.type), of.degree, static_cast<int>(of.form), of.rewired,
                       static_cast<int>(of.weights), of.n_regions);
  }
  return fmt::format("population {} {} {} {} {}\n", population == "england" ? "england" : "tables", options.seed,
                     options.decay_km, options.n_nearest, static_cast<int>(options.community)) +
         tables_text(tables);
}

std::string tables_digest(const fs::path& folder) { return fmt::format("{:016x}", identity_of(tables_text(folder))); }

}  // namespace uptake
