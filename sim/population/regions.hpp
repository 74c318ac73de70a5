/// What the regions of a population are called, and what people call them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reading/toml.hpp"
#include "uptake/population.hpp"

namespace uptake {

/// Index of the region that a name means: its full name, its short name, its code, or its name without "Health
/// Innovation", as pages show it.
[[nodiscard]] std::optional<std::size_t> find_region(std::span<const Region> regions, std::string_view name);

/// Whether two names mean the same: they are the same, or one region has both.
[[nodiscard]] bool same_region(std::span<const Region> regions, std::string_view a, std::string_view b);

/// `did you mean "…"?` for a name that no region has, or nothing. @param also what else could have been meant
[[nodiscard]] std::string nearest_region(std::span<const Region> regions, std::string_view name,
                                         std::span<const std::string_view> also = {});
/// The same, or all codes when none is near and they are few.
[[nodiscard]] std::string known_regions(std::span<const Region> regions, std::string_view name,
                                        std::span<const std::string_view> also = {});

/// What may stand for all regions together where one is named.
enum class Whole : std::uint8_t { no_region, england };
/// Reads the name of a region, any that it goes by, and gives its full name where it may be England ("" is England), or
/// else its code; one that no region has is a problem. Without regions nothing is known: the name stays as it is.
[[nodiscard]] std::optional<std::string> read_region(TableReader& reader, std::string_view key,
                                                     std::span<const Region> regions, Whole whole);
/// The same of an array of names: codes.
[[nodiscard]] std::vector<std::string> read_regions(TableReader& reader, std::string_view key,
                                                    std::span<const Region> regions);

/// Names of the regions that the tables of a population have, without building it: those of `regions.csv` (england, or
/// a folder), then the codes of `organisations.csv` that it does not have. Empty when there are no such tables or they
/// cannot be read, which is reported where the population is built.
[[nodiscard]] std::vector<Region> regions_of_tables(const std::filesystem::path& tables);
/// The regions of a synthetic population: R1, R2, …
[[nodiscard]] std::vector<Region> synthetic_regions(int n);

}  // namespace uptake
