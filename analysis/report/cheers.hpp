/// The reporting checklist CHEERS 2022 (Husereau et al. 2022, BMC Medicine 20:23), filled from a finished run.
#pragma once

#include <filesystem>
#include <string>

namespace uptake {

class Run;

/// The 28 items as Markdown: what results.h5 (and sensitivity.json, where there is one) can say, with figures and where
/// they stand, and what is left to the authors. The same folder gives the same text.
/// @param folder of the run's results.h5
/// @param scenarios folder of the shipped scenarios: where the run is of one of them, the command to repeat it names it
/// @throws FileError when the results are broken
[[nodiscard]] std::string cheers_checklist(const Run& run, const std::filesystem::path& folder,
                                           const std::filesystem::path& scenarios);

}  // namespace uptake
