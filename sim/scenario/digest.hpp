/// Digests, and the texts that they are made of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "uptake/scenario.hpp"

namespace uptake {

/// 16 hexadecimal digits over everything that decides the numbers of a replicate: resolved settings, the tables in
/// `tables`, seed, mode and version; neither titles, notes and sources, nor how many replicates there are (the first
/// ones of a longer run are the same). @throws FileError when the tables cannot be read
[[nodiscard]] std::string digest_of(const Scenario& scenario, const std::filesystem::path& tables);

/// 16 hexadecimal digits over the name and content of every table (*.csv) in a folder. @throws FileError
[[nodiscard]] std::string tables_digest(const std::filesystem::path& folder);

/// Whether what events, people and effort are worth and cost belongs to what is digested: a record of adoption says
/// nothing of it, and is calibrated without it.
enum class Money : std::uint8_t { counted, left_out };
/// All of a programme that decides its adoption and outcomes, line by line.
[[nodiscard]] std::string programme_text(const ProgrammeSpec& programme, Money money = Money::counted);
/// What a population is built from: options and the tables in `tables`. @throws FileError when they cannot be read
[[nodiscard]] std::string population_text(std::string_view population, const PopulationOptions& options,
                                          const std::filesystem::path& tables);

}  // namespace uptake
