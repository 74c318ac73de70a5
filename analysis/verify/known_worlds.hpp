/// Populations and scenarios made in code whose answers are known: the worlds of `verify` and its tests.
#pragma once

#include <memory>
#include <string_view>

#include "uptake/model.hpp"

namespace uptake {

/// n_groups * group_size homes; each group is one community of practice in which everybody listens to everybody else
/// (exposure = in use / (group_size - 1)), and there are no other ties. Organisation i is in group i / group_size.
[[nodiscard]] Population complete_groups(int n_groups, int group_size);
/// n homes on a ring, each listening to its n_neighbours nearest with equal weights (layer geography), no other ties.
[[nodiscard]] Population ring_lattice(int n, int n_neighbours);
/// Homes, practices and trusts in three regions with ties in all four layers, unequal sizes and deprivation.
[[nodiscard]] Population mixed_population(int n_homes);

/// A programme for homes in which nothing happens: every hazard, covariate, random effect, slope and refractory time is
/// 0, every multiplier 1, implementations succeed, all peer influence is in the community layer, Bass response. Cases
/// switch on what they ask about.
[[nodiscard]] ProgrammeSpec plain_programme();

/// One programme in one world without network effort (strategy `no-network`), default values, attention off.
[[nodiscard]] Scenario lone_world(ProgrammeSpec programme, int n_steps, double step_years, std::uint64_t seed);

}  // namespace uptake
