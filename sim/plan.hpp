/// Plans: what each strategy does, week by week and organisation by organisation, before any draw.
#pragma once

#include <vector>

#include "uptake/error.hpp"
#include "uptake/model.hpp"

namespace uptake {

/// Effort and windows of one programme under one strategy; WeekFactors still by region (not yet by class).
/// Problems are appended, with the place of the lever.
[[nodiscard]] ProgrammePlan make_plan(const Scenario& scenario, const Population& population, int programme,
                                      const ProgrammeModel& records, const Strategy& strategy,
                                      std::vector<Problem>& problems);

}  // namespace uptake
