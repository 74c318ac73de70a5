/// Digests, and the texts that they are made of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "uptake/scenario.hpp"

namespace uptake {

/// 16 hexadecimal digits over everything that decides the numbers of a replicate: resolved settings, the tables in
/// `tables`, seed, mode and version; neither titles, notes and sources, nor how many replicates there are (the first
/// ones of a longer run are the same). @throws FileError when the tables cannot be read
[[nodiscard]] std::string digest_of(const Scenario& scenario, const std::filesystem::path& tables);

/// Whether what events, people and effort are worth and cost belongs to what is digested: a record of adoption says
/// nothing of it, and is calibrated without it.
enum class Money : std::uint8_t { counted, left_out };
/// All of a programme that decides its adoption and outcomes, line by line.
[[nodiscard]] std::string programme_text(const ProgrammeSpec& programme, Money money = Money::counted);

}  // namespace uptake
