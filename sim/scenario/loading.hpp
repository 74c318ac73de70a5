/// What scenarios and records are both made of: options, a population, and the programmes that they name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reading/toml.hpp"
#include "scenario/settings.hpp"
#include "uptake/error.hpp"
#include "uptake/scenario.hpp"
#include "uptake/sources.hpp"

namespace uptake {

inline constexpr std::int64_t kMostSeed = std::numeric_limits<std::int64_t>::max();
// Bounds against slips of the pen; beyond them memory or the 16 bits of a boundary would give out [A].
inline constexpr std::size_t kMostProgrammes = 64;
inline constexpr Date kEarliestStart = std::chrono::year{kEarliestYear} / 7 / 5;  // the NHS begins
inline constexpr Date kLatestStart = std::chrono::year{kLatestYear} / 1 / 1;

/// A parameter set by `--set`, for one programme or for all.
struct Override {
  const ParameterSpec* row;
  std::string programme;  ///< empty = all
  TomlValue value;
};
/// Option that names a posterior; problems of the file are placed at it and the file as typed.
inline constexpr std::string_view kPosteriorOption = "--posterior ";
/// Takes the `--set` texts apart: top-level keys replace those of the file, parameters are kept for later. Checks what
/// either cites.
[[nodiscard]] std::vector<Override> read_overrides(std::span<const std::string> texts, TomlTable& table,
                                                   const Sources& sources, Problems& problems);

/// The name of a scenario or record is that of its file, which results hold: it must be text.
void check_file_name(const std::filesystem::path& file, Problems& problems);

/// Whether a name in `programmes` is that of a file; else it is one of the shipped programmes.
[[nodiscard]] bool is_programme_file(std::string_view named);
/// Whether `parameters` names a file; else it is a word.
[[nodiscard]] bool is_posterior_file(std::string_view named);

/// Seed of a scenario or record.
void read_seed(TableReader& reader, std::uint64_t& seed);

/// What a synthetic population is called where another one's folder stands; folders are absolute.
inline constexpr std::string_view kSyntheticName = "synthetic";
/// Regions of a population by their names, before it is built; empty when they are not known.
[[nodiscard]] std::vector<Region> regions_of(const std::string& population, const PopulationOptions& options,
                                             const std::filesystem::path& data_folder);
enum class SyntheticPopulations : std::uint8_t { possible, none };

/// `population = "england"`, a folder beside the file, a table with either and more, or a synthetic one.
void read_population_name(TableReader& reader, const std::filesystem::path& file, std::string& population,
                          PopulationOptions& options, SyntheticPopulations synthetic);
/// Folder of the tables that make the population; empty when it is synthetic.
[[nodiscard]] std::filesystem::path tables_of(const std::string& population, const std::filesystem::path& data_folder);

/// Codes of sources that a text cites must be in the list of sources; any other text is the user's own reference.
void check_source(std::string_view source, const Location& place, const Sources& sources, Problems& problems);
/// Likewise what a file cites in `source = "…"`, wherever in it.
void check_sources(const TomlTable& table, const Sources& sources, Problems& problems);

/// Likewise what `sources.csv` of a folder of tables cites, where there is one: of a table each, with its grade.
void check_table_sources(const std::filesystem::path& folder, const Sources& sources, Problems& problems);

/// Reads the programmes that a file names, and keeps until the end that one could not be read.
class ProgrammeFiles {
 public:
  /// @param population as a file names it
  /// @param regions of the population, which the programmes name; empty when they are not known
  ProgrammeFiles(const std::filesystem::path& file, const std::filesystem::path& data_folder,
                 const std::string& population, std::span<const Region> regions, const Sources& sources,
                 Problems& problems)
      : file_(file),
        data_folder_(data_folder),
        population_(population),
        regions_(regions),
        sources_(sources),
        problems_(problems) {}
  struct Read {
    ProgrammeSpec programme;
    bool is_good;  ///< nothing was wrong with it
  };
  /// `programmes/<name>.toml` of the shipped folder, or a path from the file's folder. A programme that cannot be read
  /// is reported and keeps its name, so that nothing that refers to it is reported as well.
  [[nodiscard]] Read read(const LocatedText& named);
  /// Another file that cannot be read.
  void keep(const FileError& error) { unreadable_ = error; }
  /// What is wrong goes before what cannot be read. @throws InputError, FileError
  void throw_if_any();

 private:
  [[nodiscard]] std::optional<std::filesystem::path> find(const LocatedText& named) const;
  [[nodiscard]] std::optional<ProgrammeSpec> read_or_report(const std::filesystem::path& programme,
                                                            std::span<const Region> regions);

  const std::filesystem::path& file_;
  const std::filesystem::path& data_folder_;
  const std::string& population_;
  std::span<const Region> regions_;
  const Sources& sources_;
  Problems& problems_;
  std::optional<FileError> unreadable_;
};

/// Hashes key the random numbers: names (of programmes and their classes) that share one would share their luck.
void check_identities(std::span<const ProgrammeSpec> programmes, const Location& place, Problems& problems);

}  // namespace uptake
