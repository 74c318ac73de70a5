/// report.html: one self-contained page that a person reads, made from the results file alone.
#pragma once

#include <filesystem>

namespace uptake {

class Run;

/// Writes the page of a run as `folder/report.html`.
/// @param folder of its results.h5, and of sensitivity.json and backtest.json where they are
/// @param tables folder with `tiles.csv`, `regions.csv` and `boards.csv`, for the maps, among the shipped scenarios, whose
/// `sources.bib` says what keys of sources stand for
/// @throws FileError when something is not readable, or the page cannot be written
void write_report(const Run& run, const std::filesystem::path& folder, const std::filesystem::path& tables);

}  // namespace uptake
