/// Plans: what each strategy does, week by week and organisation by organisation, before any draw.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "uptake/error.hpp"
#include "uptake/model.hpp"

namespace uptake {

/// Order in which the organisations of a programme are in use at the start, decided by the population's seed.
[[nodiscard]] std::vector<std::uint32_t> make_start_order(const Population& population, const ProgrammeModel& records);

/// Effort and windows of one programme under one strategy; WeekFactors still by region (not yet by class).
/// Problems are appended, with the place of the lever; names of regions that are not known are the caller's to report.
/// Warnings are appended of staff-days that reach nobody.
[[nodiscard]] ProgrammePlan make_plan(const Scenario& scenario, const Population& population, int programme,
                                      const ProgrammeModel& records, const Strategy& strategy,
                                      std::vector<Problem>& problems, std::vector<Problem>& warnings);

}  // namespace uptake
