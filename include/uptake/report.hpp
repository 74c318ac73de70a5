/// report.html: one self-contained page that a person reads, made from the results file alone.
#pragma once

#include <filesystem>

namespace uptake {

class Run;

/// Writes `folder/report.html`, the page of the run in `folder` (its results.h5, and sensitivity.json and backtest.json
/// where they are).
/// @param tables folder with `tiles.csv`, `regions.csv` and `boards.csv`, for the maps, among the shipped scenarios, whose
/// `sources.bib` says what keys of sources stand for
/// @throws FileError, also when the results are missing or not readable
void write_report(const std::filesystem::path& folder, const std::filesystem::path& tables);
/// The same of the run in `folder` that is open already.
void write_report(const Run& run, const std::filesystem::path& folder, const std::filesystem::path& tables);

}  // namespace uptake
