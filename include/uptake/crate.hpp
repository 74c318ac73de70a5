/// ro-crate-metadata.json: what a folder of results holds and how it came about, as RO-Crate 1.1 (Sefton et al. 2021,
/// https://w3id.org/ro/crate/1.1): metadata that repositories and other programs read.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace uptake {

/// Name that the specification gives the file.
inline constexpr std::string_view kCrateFile = "ro-crate-metadata.json";

/// What a result was made of, and is not in its folder as a file.
struct CrateInput {
  std::string id;  ///< within the metadata: "#scenario"
  std::string name, description;
};
/// A quantity that the main file gives, with its unit.
struct CrateMeasure {
  std::string name, unit, meaning;
};

/// A folder of results. Its files are those of one table that are there.
struct Crate {
  std::string title, description;
  std::string main_file;  ///< the file that the others are made from
  std::string action;     ///< what was done, in a few words
  std::string digest;     ///< of everything that decides the result
  std::string period;     ///< dates that it is about, `2021-01-01/2023-03-31`; empty for none
  std::vector<CrateInput> inputs;
  std::vector<CrateMeasure> measures;
};

/// The crate of a run, from its results.h5. @throws FileError when that is missing or broken
[[nodiscard]] Crate crate_of_run(const std::filesystem::path& folder);

/// Writes the metadata of `folder`. Date, version and command are taken from `run_json`, the text of its run.json, which
/// need not be there yet: nothing else of the clock or the machine goes in, so the same folder gives the same bytes.
/// @return false, and writes nothing, when `run_json` states no date, version or command: they must not be made up
/// @throws FileError
bool write_crate(const Crate& crate, const std::filesystem::path& folder, const std::string& run_json);
/// That of a run whose run.json is there. @return false when it is missing or broken @throws FileError
bool write_crate_of_run(const std::filesystem::path& folder);

/// A word as a shell reads it back.
[[nodiscard]] std::string quoted(const std::string& word);

}  // namespace uptake
