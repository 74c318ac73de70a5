// England: organisations made from its tables, one kind after another.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "population/assemble.hpp"
#include "population/england_tables.hpp"
#include "uptake/population.hpp"
#include "uptake/random.hpp"

namespace uptake {

namespace {
constexpr std::string_view kVintage =
    "Health innovation networks and the 42 integrated care boards of 2022; trusts of mid-2025; practices of December "
    "2023, patients of January 2021; care homes registered on 1 April 2020, without the 30 of no stated region";

/// Coefficient of variation of practice list sizes: 6,658 practices of January 2021, 0.67 (NHS Digital, Patients
/// Registered at a GP Practice).
constexpr double kListSizeVariation = 0.67;
/// Spread of practices, homes, community sites and further maternity units about a trust's site in each direction [A].
constexpr double kScatterKm = 10;
constexpr double kKmPerDegree = 6371.0088 * std::numbers::pi / 180;

// ---- draws --------------------------------------------------------------------------------------------------------

/// What the occurrence of Stream::population decides.
enum class Decision : std::uint16_t { site = 0, scatter = 1, lattice = 2, owner = 3 };

std::array<double, 2> draw(Key key, std::uint64_t identity, Decision decision, std::uint32_t among = 0) {
  return uniforms(
      key, {identity, among, static_cast<std::uint16_t>(Stream::population), static_cast<std::uint16_t>(decision)});
}

/// Two uniforms for the k-th organisation of a kind: a lattice in k with a random shift (Cranley & Patterson 1976), by
/// the golden ratio in the first coordinate, which has the least discrepancy, and by the square root of 2 in the
/// second. Each is uniform over seeds and depends on nobody else, while all together follow their distribution far more
/// closely than independent draws would. Where a board begins in k is part of its table for that reason.
class Lattice {
 public:
  Lattice(Key key, std::string_view kind) : shift_(draw(key, identity_of(kind), Decision::lattice)) {}

  [[nodiscard]] std::array<double, 2> operator()(int k) const {
    constexpr std::array kStep{1 / std::numbers::phi, std::numbers::sqrt2 - 1};
    std::array<double, 2> u{};
    for (std::size_t a = 0; a < 2; ++a) {
      const double x = shift_[a] + k * kStep[a];
      u[a] = std::clamp(x - std::floor(x), 0x1p-53, 1 - 0x1p-53);
    }
    return u;
  }

 private:
  std::array<double, 2> shift_;
};

/// Quantile of a gamma distribution by its mean and coefficient of variation (Wilson & Hilferty 1931: the cube root is
/// nearly normal). Mean and sd are right within 0.1 % for the variations used here, 0.55 to 0.70.
double gamma_quantile(double probability, double mean, double variation) {
  const double ninth = variation * variation / 9;
  const double root = 1 - ninth + normal_quantile(probability) * std::sqrt(ninth);
  return mean * std::pow(std::max(0.0, root), 3);
}

double at_least_one(double size) { return std::max(1.0, std::floor(size + 0.5)); }

/// Fifth of deprivation, 1 = most deprived: the national fifths of a normal score, shifted so that the board has the
/// stated share in the first (a probit shift).
std::uint8_t quintile_of(double probability, double most_deprived_share) {
  const double shift = normal_quantile(most_deprived_share) - normal_quantile(0.2);
  const double score = normal_quantile(probability) - shift;
  std::uint8_t quintile = 1;
  while (quintile < 5 && score > normal_quantile(0.2 * quintile)) ++quintile;
  return quintile;
}

void scatter(Organisation& organisation, Key key, std::uint64_t identity, double latitude, double longitude) {
  const auto u = draw(key, identity, Decision::scatter);
  organisation.latitude = latitude + kScatterKm * normal_quantile(u[0]) / kKmPerDegree;
  organisation.longitude =
      longitude + kScatterKm * normal_quantile(u[1]) / (kKmPerDegree * std::cos(latitude * std::numbers::pi / 180));
}

/// Sites of a board about which its practices and homes lie.
struct Site {
  std::uint32_t identity = 0;
  double latitude = 0, longitude = 0;
};

/// Puts an organisation near one site of its board, each site equally likely. The site with the highest draw wins
/// (rendezvous hashing), so that a new site takes some organisations and moves no other.
void place_near_a_site(Organisation& organisation, Key key, const std::vector<Site>& sites) {
  const std::uint64_t identity = identity_of(organisation.code);
  const Site* chosen = nullptr;
  double highest = -1;
  for (const Site& site : sites) {
    const double u = draw(key, identity, Decision::site, site.identity)[0];
    if (u <= highest) continue;
    highest = u;
    chosen = &site;
  }
  if (chosen != nullptr) scatter(organisation, key, identity, chosen->latitude, chosen->longitude);
}

/// Where an organisation will stand: its own place, or the centroid of its board.
std::array<double, 2> coordinates(const EnglandTables& tables, const Organisation& organisation) {
  if (!std::isnan(organisation.latitude)) return {organisation.latitude, organisation.longitude};
  const Board& board = tables.boards[organisation.board].board;
  return {board.latitude, board.longitude};
}

// ---- organisations ------------------------------------------------------------------------------------------------

void add_trusts_and_units(const EnglandTables& tables, Key key, std::vector<Organisation>& organisations) {
  for (const TrustRow& row : tables.trusts) organisations.push_back(row.organisation);
  for (std::size_t t = 0; t < tables.trusts.size(); ++t) {
    const TrustRow& row = tables.trusts[t];
    for (int k = 1; k <= row.n_maternity_units; ++k) {
      Organisation unit;
      unit.code = fmt::format("MU-{}-{}", row.organisation.code, k);
      unit.label = row.n_maternity_units == 1 ? fmt::format("Maternity unit of {}", row.organisation.label)
                                              : fmt::format("Maternity unit {} of {}", k, row.organisation.label);
      unit.type = OrganisationType::maternity_unit;
      unit.board = row.organisation.board;
      unit.parent = static_cast<std::int32_t>(t);
      unit.teaching = row.organisation.teaching;
      unit.size = row.deliveries / row.n_maternity_units;
      unit.preterm_babies = row.babies_under_32_weeks / row.n_maternity_units;
      unit.latitude = row.organisation.latitude;
      unit.longitude = row.organisation.longitude;
      // The first unit is at the trust's address; no table says where the others are.
      if (k > 1) scatter(unit, key, identity_of(unit.code), unit.latitude, unit.longitude);
      organisations.push_back(std::move(unit));
    }
  }
}

void add_practices(const EnglandTables& tables, Key key, const std::vector<std::vector<Site>>& sites,
                   std::vector<Organisation>& organisations) {
  const Lattice lattice(key, "lattice:practices");
  for (std::size_t b = 0; b < tables.boards.size(); ++b) {
    const BoardRow& row = tables.boards[b];
    for (int k = 1; k <= row.n_practices; ++k) {
      Organisation practice;
      practice.code = fmt::format("GP-{}-{:04}", row.board.code, k);
      practice.type = OrganisationType::practice;
      practice.board = static_cast<std::uint16_t>(b);
      const auto [u_size, u_quintile] = lattice(row.first_practice + k - 1);
      practice.size =
          at_least_one(gamma_quantile(u_size, row.registered_patients / row.n_practices, kListSizeVariation));
      practice.quintile = quintile_of(u_quintile, row.most_deprived_share);
      place_near_a_site(practice, key, sites[b]);
      organisations.push_back(std::move(practice));
    }
  }
}

/// Coefficient of variation of beds that residential and nursing homes of a region share, from
/// sd^2 = between types + variation^2 * (mean of the squared means).
double bed_variation(const HomeRegionRow& region) {
  const double nursing = region.n_homes[1] / (region.n_homes[0] + region.n_homes[1]);
  const double mean_residential = region.n_beds[0] / region.n_homes[0];
  const double mean_nursing = region.n_beds[1] / region.n_homes[1];
  const double between = nursing * (1 - nursing) * std::pow(mean_nursing - mean_residential, 2);
  const double squared_means = (1 - nursing) * std::pow(mean_residential, 2) + nursing * std::pow(mean_nursing, 2);
  return std::sqrt(std::max(0.0, region.sd_beds * region.sd_beds - between) / squared_means);
}

void add_care_homes(const EnglandTables& tables, Key key, const std::vector<std::vector<Site>>& sites,
                    std::vector<Organisation>& organisations) {
  for (const HomeStratumRow& row : tables.home_strata) {
    const HomeRegionRow& region = tables.home_regions[row.region];
    const double variation = bed_variation(region);
    for (std::size_t nursing = 0; nursing < 2; ++nursing) {
      const char letter = nursing == 1 ? 'N' : 'R';
      const Lattice lattice(key, fmt::format("lattice:{}:{}", region.name, letter));
      for (int k = 1; k <= row.n_homes[nursing]; ++k) {
        Organisation home;
        home.code = fmt::format("{}-{}{:04}", row.prefix, letter, k);
        home.type = OrganisationType::care_home;
        home.board = row.board;
        home.nursing = static_cast<std::uint8_t>(nursing);
        const auto [u_size, u_quintile] = lattice(row.first[nursing] + k - 1);
        home.size = at_least_one(gamma_quantile(u_size, region.n_beds[nursing] / region.n_homes[nursing], variation));
        home.quintile = quintile_of(u_quintile, tables.boards[row.board].most_deprived_share);
        place_near_a_site(home, key, sites[row.board]);
        organisations.push_back(std::move(home));
      }
    }
  }
}

/// Gives each place in an owner group to one home. Homes and places lie on a ring by their own draws; going round, a
/// home takes the last place passed that nobody has taken. So group sizes are exact, every home has the same chance
/// whatever its size, and another home displaces hardly anyone.
void assign_owners(const EnglandTables& tables, Key key, std::vector<Organisation>& organisations,
                   std::vector<std::string>& names) {
  struct OnRing {
    double position;
    std::int32_t home, owner;  ///< one of them is -1
  };
  std::vector<OnRing> ring;
  for (const OwnerRow& row : tables.owners)
    for (int g = 1; g <= row.n_groups; ++g) {
      const auto owner = static_cast<std::int32_t>(names.size());
      names.push_back(fmt::format("{} group {}", row.name, g));
      for (int k = 1; k <= row.n_homes_each; ++k) {
        const std::uint64_t place = identity_of(fmt::format("owner:{}:{}:{}", row.name, g, k));
        ring.push_back({draw(key, place, Decision::owner)[0], -1, owner});
      }
    }
  for (std::size_t i = 0; i < organisations.size(); ++i)
    if (organisations[i].type == OrganisationType::care_home)
      ring.push_back(
          {draw(key, identity_of(organisations[i].code), Decision::owner)[0], static_cast<std::int32_t>(i), -1});
  std::ranges::sort(ring, {}, &OnRing::position);
  std::vector<std::int32_t> waiting;
  for (int round = 0; round < 2; ++round)  // places that wait at the end of the ring are taken from its beginning
    for (const OnRing& point : ring) {
      if (point.home < 0) {
        if (round == 0) waiting.push_back(point.owner);
      } else if (std::int32_t& owner = organisations[static_cast<std::size_t>(point.home)].owner;
                 owner < 0 && !waiting.empty()) {
        owner = waiting.back();
        waiting.pop_back();
      }
    }
}

/// Primary care networks, by organisation: a board's practices along a curve that keeps neighbours together, cut into as
/// many equal pieces as the board has networks (about five practices each; who belongs to whom is synthetic [A]).
Groups networks_of(const EnglandTables& tables, const std::vector<Organisation>& organisations) {
  Groups network;
  network.group_of.assign(organisations.size(), -1);
  std::vector<std::vector<std::pair<std::uint64_t, std::uint32_t>>> practices(tables.boards.size());
  // Morton order of a grid of 2^-10 degree, about 0.1 km.
  const auto spread_bits = [](double degrees) {
    std::uint64_t bits = 0;
    const auto cell = static_cast<std::uint64_t>((degrees + 180) * 1024);
    for (unsigned bit = 0; bit < 20; ++bit) bits |= (cell >> bit & 1U) << (2 * bit);
    return bits;
  };
  for (std::uint32_t i = 0; i < organisations.size(); ++i) {
    if (organisations[i].type != OrganisationType::practice) continue;
    const auto [latitude, longitude] = coordinates(tables, organisations[i]);
    practices[organisations[i].board].emplace_back(spread_bits(latitude) << 1 | spread_bits(longitude), i);
  }
  for (std::size_t b = 0; b < tables.boards.size(); ++b) {
    // Without practices there is nothing to group.
    const auto n_networks = practices[b].empty() ? 0 : static_cast<std::size_t>(tables.boards[b].n_networks);
    std::ranges::sort(practices[b]);
    for (std::size_t k = 0; k < practices[b].size() && n_networks > 0; ++k) {
      network.group_of.set(practices[b][k].second,
                           network.n_groups + static_cast<std::int32_t>(k * n_networks / practices[b].size()));
    }
    for (std::size_t k = 0; k < n_networks; ++k) {
      network.names.push_back(fmt::format("PCN-{}-{:03}", tables.boards[b].board.code, k + 1));
    }
    network.n_groups += static_cast<int>(n_networks);
  }
  return network;
}

/// The networks as organisations: at the mean place of their practices, with all their patients. The practices' fifths
/// of deprivation do not depend on place, so that a network's mean would put nearly all in the middle: instead the
/// board's networks, in the order of the mean fifth of their patients, take the fifths as the board's practices do [A].
void add_care_networks(const EnglandTables& tables, const Groups& network, std::vector<Organisation>& organisations) {
  struct Members {
    double n = 0, latitude = 0, longitude = 0, patients = 0, weighted_quintile = 0;
    std::uint16_t board = 0;
  };
  std::vector<Members> members(static_cast<std::size_t>(network.n_groups));
  for (std::size_t i = 0; i < network.group_of.size(); ++i) {
    if (network.group_of[i] < 0) continue;
    Members& of = members[static_cast<std::size_t>(network.group_of[i])];
    const auto [latitude, longitude] = coordinates(tables, organisations[i]);
    of.n += 1;
    of.latitude += latitude;
    of.longitude += longitude;
    of.patients += organisations[i].size;
    of.weighted_quintile += organisations[i].size * organisations[i].quintile;
    of.board = organisations[i].board;
  }
  std::vector<std::vector<std::pair<double, std::size_t>>> by_deprivation(tables.boards.size());
  const std::size_t first = organisations.size();
  for (std::size_t g = 0; g < members.size(); ++g) {
    const Members& of = members[g];
    if (of.n == 0) continue;  // a table with more networks than practices
    Organisation pcn;
    pcn.code = network.names[g];
    pcn.type = OrganisationType::care_network;
    pcn.board = of.board;
    pcn.latitude = of.latitude / of.n;
    pcn.longitude = of.longitude / of.n;
    pcn.size = of.patients;
    by_deprivation[of.board].emplace_back(of.weighted_quintile / of.patients, organisations.size() - first);
    organisations.push_back(std::move(pcn));
  }
  for (std::size_t b = 0; b < by_deprivation.size(); ++b) {
    std::ranges::sort(by_deprivation[b]);
    const auto n = static_cast<double>(by_deprivation[b].size());
    for (std::size_t k = 0; k < by_deprivation[b].size(); ++k)
      organisations[first + by_deprivation[b][k].second].quintile =
          quintile_of((static_cast<double>(k) + 0.5) / n, tables.boards[b].most_deprived_share);
  }
}

/// Integrated care boards as organisations, at their centroids, with the patients registered in them.
void add_care_boards(const EnglandTables& tables, std::vector<Organisation>& organisations) {
  for (std::size_t b = 0; b < tables.boards.size(); ++b) {
    Organisation board;
    board.code = fmt::format("ICB-{}", tables.boards[b].board.code);
    board.label = tables.boards[b].board.name;
    board.type = OrganisationType::care_board;
    board.board = static_cast<std::uint16_t>(b);
    board.size = tables.boards[b].registered_patients;
    organisations.push_back(std::move(board));
  }
}

void add_community_sites(const EnglandTables& tables, Key key, const std::vector<std::vector<Site>>& sites,
                         std::vector<Organisation>& organisations) {
  // Largest remainders; equal ones go to the board that comes first.
  const std::vector<double> quotas = community_site_quotas(tables);
  std::vector<int> n_sites;
  std::vector<std::pair<double, std::size_t>> remainders;
  int n_left = kNCommunitySites;
  for (std::size_t b = 0; b < quotas.size(); ++b) {
    n_sites.push_back(static_cast<int>(quotas[b]));
    remainders.emplace_back(n_sites[b] - quotas[b], b);  // most negative first
    n_left -= n_sites[b];
  }
  std::ranges::sort(remainders);
  for (std::size_t k = 0; n_left > 0; ++k, --n_left) ++n_sites[remainders[k].second];
  for (std::size_t b = 0; b < tables.boards.size(); ++b) {
    const Lattice lattice(key, fmt::format("lattice:community-sites:{}", tables.boards[b].board.code));
    for (int k = 1; k <= n_sites[b]; ++k) {
      Organisation site;
      site.code = fmt::format("CS-{}-{:03}", tables.boards[b].board.code, k);
      site.type = OrganisationType::community_site;
      site.board = static_cast<std::uint16_t>(b);
      site.quintile = quintile_of(lattice(k)[1], tables.boards[b].most_deprived_share);
      place_near_a_site(site, key, sites[b]);
      organisations.push_back(std::move(site));
    }
  }
}

/// The groups of those practices that were built: all or none, in their order.
Groups networks_built(Groups network, const Population& population) {
  std::vector<std::int32_t> of_practice;
  std::ranges::copy_if(network.group_of, std::back_inserter(of_practice), [](auto group) { return group != -1; });
  network.group_of.assign(population.n_organisations(), -1);
  std::size_t n_practices = 0;
  for (std::size_t i = 0; i < population.n_organisations(); ++i)
    if (population.type[i] == OrganisationType::practice && n_practices < of_practice.size())
      network.group_of.set(i, of_practice[n_practices++]);
  if (n_practices == 0) {
    network.n_groups = 0;
    network.names.clear();
  }
  return network;
}

}  // namespace

Population build_england(const std::filesystem::path& folder, const PopulationOptions& options) {
  const EnglandTables tables = read_england_tables(folder);
  const Key key = make_key(options.seed, 0);
  Population population;
  population.name = "england";
  population.vintage = kVintage;
  population.seed = options.seed;
  population.regions = tables.regions;
  for (const BoardRow& row : tables.boards) population.boards.push_back(row.board);

  std::vector<std::vector<Site>> sites(tables.boards.size());
  for (const TrustRow& row : tables.trusts)
    if (!std::isnan(row.organisation.latitude))
      sites[row.organisation.board].push_back(
          {programme_identity(row.organisation.code), row.organisation.latitude, row.organisation.longitude});

  std::vector<Organisation> organisations;
  add_trusts_and_units(tables, key, organisations);
  add_practices(tables, key, sites, organisations);
  add_care_homes(tables, key, sites, organisations);
  assign_owners(tables, key, organisations, population.ownership.names);
  Groups network = networks_of(tables, organisations);
  add_care_networks(tables, network, organisations);
  add_care_boards(tables, organisations);
  add_community_sites(tables, key, sites, organisations);
  fill_organisations(population, std::move(organisations), options);
  build_ties(population, options);
  population.network = networks_built(std::move(network), population);
  return population;
}

}  // namespace uptake
