/// What a scenario asks to be shown beside or about its results, checked against the population and the metric table.
#pragma once

#include <vector>

#include "uptake/error.hpp"
#include "uptake/population.hpp"
#include "uptake/scenario.hpp"

namespace uptake {

/// Turns the regions of the focus and of the published figures, names or codes, into names ("England" = empty). What
/// is unknown, or asked for a region while it is given for England alone, is appended with its place.
void resolve_shown(Scenario& scenario, const Population& population, std::vector<Problem>& problems);

}  // namespace uptake
