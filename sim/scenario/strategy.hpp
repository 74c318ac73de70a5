/// Strategies and their levers.
#pragma once

#include "reading/toml.hpp"
#include "uptake/scenario.hpp"

namespace uptake {

/// Reads `[[strategy]]` into the scenario, whose programmes are known, and appends the comparators.
/// @param calendar null when start or horizon are wrong: then windows are not checked
/// @param regions that levers may name; empty when they are not known
void read_strategies(TableReader& reader, const Calendar* calendar, std::span<const Region> regions,
                     Scenario& scenario);

/// With `shapley = true`: the worlds that lack each set of drivers, after all other strategies.
void add_worlds_of_drivers(TableReader& reader, Scenario& scenario);

/// Reads `[[lever]]`: what acts in every world. The parameters are as above.
void read_common_levers(TableReader& reader, const Calendar* calendar, std::span<const Region> regions,
                        Scenario& scenario);

/// Names of the programmes that could be read.
[[nodiscard]] std::vector<std::string_view> programme_names(const Scenario& scenario);

}  // namespace uptake
