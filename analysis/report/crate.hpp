/// ro-crate-metadata.json: what a folder of results holds and how it came about, as RO-Crate 1.1 (Sefton et al. 2021,
/// https://w3id.org/ro/crate/1.1): metadata that repositories and other programs read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace uptake {

class ResultsFile;

/// Name that the specification gives the file.
inline constexpr std::string_view kCrateFile = "ro-crate-metadata.json";

/// How a result was made. Written last: a folder that has it holds a complete result.
inline constexpr const char* kRunFile = "run.json";

/// What a folder holds the result of, as its run.json says (`kind`; a run states none).
enum class Result : std::uint8_t { run, calibration, backtest };

/// Writes the metadata of `folder`, from its main file (results.h5, posterior.h5 or backtest.h5) and the names of the
/// others. Kind, date, version and command are taken from `run_json`, the text of its run.json, which need not be there
/// yet: nothing else of the clock or the machine goes in, so the same folder gives the same bytes.
/// @param results results.h5 of the run, where it is open already
/// @return false, and writes nothing, when `run_json` states no date, version or command: they must not be made up
/// @throws FileError, also when the main file is missing or broken
bool write_crate(const std::filesystem::path& folder, const std::string& run_json,
                 const ResultsFile* results = nullptr);
/// The same of a folder whose run.json is there. @return false when it is missing or broken too @throws FileError
bool write_crate(const std::filesystem::path& folder, const ResultsFile* results = nullptr);

/// Removes what was made later of the results of a run, when others take their place: sensitivity.json, cheers.md and the
/// tables of `export` in csv/.
void remove_made_later(const std::filesystem::path& folder);

}  // namespace uptake
