/// Programme files: one innovation with its spread effort, effects and costs.
#pragma once

#include <filesystem>
#include <optional>

#include "reading/toml.hpp"
#include "uptake/scenario.hpp"
#include "uptake/sources.hpp"

namespace uptake {

/// Reads `programmes/<name>.toml`; what is wrong is added to `problems`. @throws FileError when it cannot be read
/// @param regions that it may name; empty when they are not known
/// @param sources that it may cite by their codes; null when they are not known
[[nodiscard]] std::optional<ProgrammeSpec> read_programme(const std::filesystem::path& file,
                                                          std::span<const Region> regions, const Sources* sources,
                                                          Problems& problems);

/// An array of tables of published figures, `[[published]]`.
void read_published(TableReader& reader, std::string_view key, std::span<const Region> regions,
                    std::vector<Published>& published);

/// `schema = 1`, of scenario and programme files alike.
void check_schema(TableReader& reader);

}  // namespace uptake
