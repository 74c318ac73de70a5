#include "verify/known_worlds.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace uptake {

namespace {

/// n organisations of one type in one board of one region, without ties.
Population bare_population(std::string name, std::size_t n, OrganisationType type) {
  Population population;
  population.name = std::move(name);
  population.vintage = "made in code, no real place";
  population.regions = {{"R1", "Region 1", "R1"}};
  population.boards = {{.code = "B1", .name = "Board 1", .short_name = "B1", .region = 0}};
  for (std::size_t i = 0; i < n; ++i) {
    population.code.push_back(fmt::format("{}-{}", population.name, i));
    population.identity.push_back(identity_of(population.code.back()));
  }
  population.label.assign(n, "");
  population.type.assign(n, type);
  population.board.assign(n, 0);
  population.latitude.assign(n, 52.0);
  population.longitude.assign(n, -1.0);
  population.size.assign(n, 30.0);
  population.quintile.assign(n, 3);
  population.nursing.assign(n, 0);
  population.teaching.assign(n, 0);
  population.parent.assign(n, -1);
  population.preterm_babies.assign(n, std::numeric_limits<double>::quiet_NaN());
  population.geography.offsets.assign(n + 1, 0);
  population.pathway.offsets.assign(n + 1, 0);
  population.community.group_of.assign(n, -1);
  population.ownership.group_of.assign(n, -1);
  return population;
}

void add_tie(Ties& ties, std::size_t source, double weight) {
  ties.sources.push_back(static_cast<std::uint32_t>(source));
  ties.weights.push_back(weight);
}
void end_receiver(Ties& ties, std::size_t receiver) {
  ties.offsets[receiver + 1] = static_cast<std::uint32_t>(ties.sources.size());
}

void name_groups(Groups& groups, int n_groups) {
  groups.n_groups = n_groups;
  for (int g = 0; g < n_groups; ++g) groups.names.push_back(fmt::format("group {}", g));
}

}  // namespace

Population complete_groups(int n_groups, int group_size) {
  const auto n = static_cast<std::size_t>(n_groups) * static_cast<std::size_t>(group_size);
  Population population = bare_population("complete-groups", n, OrganisationType::care_home);
  name_groups(population.community, n_groups);
  for (std::size_t i = 0; i < n; ++i) {
    population.community.group_of.set(i, static_cast<std::int32_t>(i / static_cast<std::size_t>(group_size)));
  }
  return population;
}

Population ring_lattice(int n, int n_neighbours) {
  Population population = bare_population("ring", static_cast<std::size_t>(n), OrganisationType::care_home);
  for (int i = 0; i < n; ++i) {
    for (int step = 1; step <= n_neighbours / 2; ++step) {
      add_tie(population.geography, static_cast<std::size_t>((i + step) % n), 1.0);
      add_tie(population.geography, static_cast<std::size_t>((i + n - step) % n), 1.0);
    }
    end_receiver(population.geography, static_cast<std::size_t>(i));
  }
  return population;
}

Population mixed_population(int n_homes) {
  const auto homes = static_cast<std::size_t>(n_homes);
  const std::size_t practices = homes / 3 + 1, trusts = 9;
  Population population = bare_population("mixed", homes + practices + trusts, OrganisationType::care_home);
  population.regions = {{"R1", "Region 1", "R1"}, {"R2", "Region 2", "R2"}, {"R3", "Region 3", "R3"}};
  population.boards.clear();
  for (int b = 0; b < 5; ++b) {
    population.boards.push_back({.code = fmt::format("B{}", b),
                                 .name = fmt::format("Board {}", b),
                                 .short_name = fmt::format("B{}", b),
                                 .region = b % 3});
  }
  name_groups(population.community, 5);
  name_groups(population.ownership, static_cast<int>(homes / 10 + 1));
  // Scattered but fixed numbers: the case asks for all layers at once, not for a particular place.
  const auto pick = [](std::uint64_t what, std::uint64_t i, std::size_t n) {
    return static_cast<std::size_t>(mix64(mix64(what) ^ i) % n);
  };
  for (std::size_t i = 0; i < population.n_organisations(); ++i) {
    const auto board = pick(1, i, 5);
    population.board[i] = static_cast<std::uint16_t>(board);
    population.community.group_of.set(i, static_cast<std::int32_t>(board));
    population.quintile.set(i, static_cast<std::uint8_t>(1 + pick(2, i, 5)));
    population.latitude.set(i, 51.0 + 0.01 * static_cast<double>(pick(3, i, 300)));
    population.longitude.set(i, -2.0 + 0.01 * static_cast<double>(pick(4, i, 300)));
    if (i < homes) {
      population.size.set(i, 10.0 + static_cast<double>(pick(5, i, 60)));
      population.nursing.set(i, static_cast<std::uint8_t>(pick(6, i, 2)));
      if (pick(7, i, 2) == 0)
        population.ownership.group_of.set(i, static_cast<std::int32_t>(pick(8, i, homes / 10 + 1)));
      for (std::uint64_t k = 0; k < 8; ++k) {
        const std::size_t other = pick(9 + k, i, homes);
        if (other != i) add_tie(population.geography, other, 0.5 + static_cast<double>(k));
      }
      // Practices and trusts are not eligible for a homes' programme; homes are linked so that this layer counts too.
      add_tie(population.pathway, homes + pick(20, i, practices), 1.0);
      add_tie(population.pathway, (i + 1) % homes, 2.0);
    } else {
      population.type.set(i, i < homes + practices ? OrganisationType::practice : OrganisationType::acute_trust);
      population.size.set(i, i < homes + practices ? 9000.0 : 600.0);
    }
    end_receiver(population.geography, i);
    end_receiver(population.pathway, i);
  }
  return population;
}

ProgrammeSpec plain_programme() {
  ProgrammeSpec spec = ProgrammeSpec::with_table_defaults("verification", OrganisationType::care_home);
  spec.response = PeerResponse::bass;
  using enum Parameter;
  for (const Parameter id : {a0,
                             a1,
                             p,
                             p_market,
                             q,
                             share_geography,
                             share_ownership,
                             share_pathway,
                             beta_size,
                             beta_chain,
                             beta_teaching,
                             beta_deprivation,
                             sd_region,
                             sd_readiness,
                             complexity,
                             refractory,
                             success_by_readiness,
                             success_by_complexity,
                             success_by_effort,
                             mu1,
                             mu2,
                             rho,
                             stop_by_fidelity,
                             stop_by_effort,
                             effect_variation}) {
    spec.fix(id, 0.0);
  }
  for (const Parameter id :
       {share_community, kappa, eta, half_effort_factor, psi, s_plus, s_minus, susceptible_share, phi, erlang_shape}) {
    spec.fix(id, 1.0);
  }
  return spec;
}

Scenario lone_world(ProgrammeSpec programme, int n_steps, double step_years, std::uint64_t seed) {
  using namespace std::chrono_literals;
  Scenario scenario;
  scenario.name = "verification";
  scenario.population = "verification";
  scenario.programmes = {std::move(programme)};
  scenario.calendar.start = Date{2021y / 1 / 1};
  scenario.calendar.n_weeks = n_steps;
  scenario.calendar.step_years = step_years;
  scenario.calendar.report_at = {scenario.calendar.last_day()};
  scenario.seed = seed;
  scenario.mode = ParameterMode::defaults;
  scenario.attention = false;
  scenario.strategies = {{.name = "no-network", .delivery = Delivery::no_network, .levers = {}}};
  scenario.comparator = 0;
  scenario.economy = default_economy();
  return scenario;
}

}  // namespace uptake
