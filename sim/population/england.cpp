#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <set>
#include <unordered_map>

#include "population/assemble.hpp"
#include "reading/csv.hpp"
#include "uptake/error.hpp"
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
/// Candidate sites in the community, leisure centres and clinics (ESCAPE-pain) [A].
constexpr int kNCommunitySites = 1500;
constexpr double kKmPerDegree = 6371.0088 * std::numbers::pi / 180;

// ---- tables -------------------------------------------------------------------------------------------------------

struct BoardRow {
  Board board;
  double most_deprived_share = 0;  ///< of its small areas, among the most deprived fifth of England
  int n_practices = 0, first_practice = 1, n_networks = 0;
  double registered_patients = 0;
};

struct TrustRow {
  Organisation organisation;
  double deliveries = 0, babies_under_32_weeks = 0;
  int n_maternity_units = 0;
};

/// A statistical region's homes: what the sizes of the homes in it are drawn from.
struct HomeRegionRow {
  std::string name;
  std::array<double, 2> n_homes{}, n_beds{};  ///< residential, nursing
  double mean_beds = 0, sd_beds = 0;
};

/// Homes of a board that lie in one statistical region; the identity of a home is its number in here.
struct HomeStratumRow {
  std::string prefix;
  std::uint16_t board = 0;
  std::size_t region = 0;  ///< index of HomeRegionRow
  std::array<int, 2> n_homes{}, first{};
};

struct OwnerRow {
  std::string name;
  int n_groups = 0, n_homes_each = 0;
};

struct Tables {
  std::vector<Region> regions;
  std::vector<BoardRow> boards;
  std::vector<TrustRow> trusts;
  std::vector<HomeRegionRow> home_regions;
  std::vector<HomeStratumRow> home_strata;
  std::vector<OwnerRow> owners;
};

constexpr NumberRange kLatitude{.low = 49, .high = 56};  // England
constexpr NumberRange kLongitude{.low = -7, .high = 2};
constexpr NumberRange kCount{.low = 0, .high = 1e6, .kind = NumberRange::Kind::whole};
constexpr NumberRange kAtLeastZero{.low = 0};
constexpr NumberRange kPositive{.low = 0, .low_end = NumberRange::Low::excluded};
constexpr NumberRange kShare{.low = 0.0001, .high = 0.9999};
constexpr NumberRange kFlag{.low = 0, .high = 1, .kind = NumberRange::Kind::whole};

int whole(const std::optional<double>& value) { return static_cast<int>(value.value_or(0)); }

/// Names that rows of one table have and rows of others refer to.
class Register {
 public:
  /// Adds the name in a column; an empty or repeated one is a problem.
  void add(CsvReader& rows, std::size_t column) {
    const std::string name(rows.required_text(column));
    if (!name.empty() && std::ranges::find(names_, name) != names_.end())
      rows.report(column, fmt::format("\"{}\" is there twice", name));
    names_.push_back(name);
  }
  [[nodiscard]] std::size_t find(CsvReader& rows, std::size_t column, std::string_view noun) const {
    const std::vector<std::string_view> names(names_.begin(), names_.end());
    return rows.one_of(column, names, noun).value_or(0);
  }

 private:
  std::vector<std::string> names_;
};

Tables read_tables(const std::filesystem::path& folder) {
  Tables tables;
  std::vector<Problem> problems;
  Register regions, boards, trusts, home_regions, prefixes, owners;
  {
    constexpr std::array kColumns{CsvColumn{"code"}, CsvColumn{"name"}, CsvColumn{"short_name"}};
    CsvReader rows(folder / "regions.csv", kColumns, OtherColumns::ignored, problems);
    while (rows.next()) {
      regions.add(rows, 0);
      tables.regions.push_back(
          {std::string(rows.text(0)), std::string(rows.required_text(1)), std::string(rows.required_text(2))});
    }
  }
  {
    constexpr std::array kColumns{CsvColumn{"code"},
                                  CsvColumn{"name"},
                                  CsvColumn{"short_name"},
                                  CsvColumn{"region"},
                                  CsvColumn{"latitude"},
                                  CsvColumn{"longitude"},
                                  CsvColumn{"most_deprived_share"},
                                  CsvColumn{"practices"},
                                  CsvColumn{"registered_patients"},
                                  CsvColumn{"first_practice"},
                                  CsvColumn{"primary_care_networks"}};
    CsvReader rows(folder / "boards.csv", kColumns, OtherColumns::ignored, problems);
    while (rows.next()) {
      boards.add(rows, 0);
      BoardRow row;
      row.board = {std::string(rows.text(0)),
                   std::string(rows.required_text(1)),
                   std::string(rows.required_text(2)),
                   static_cast<int>(regions.find(rows, 3, "region")),
                   rows.required_number(4, kLatitude).value_or(0),
                   rows.required_number(5, kLongitude).value_or(0)};
      row.most_deprived_share = rows.required_number(6, kShare).value_or(0);
      row.n_practices = whole(rows.required_number(7, kCount));
      row.registered_patients = rows.required_number(8, kPositive).value_or(0);
      row.first_practice = whole(rows.required_number(9, kCount));
      row.n_networks = whole(rows.required_number(10, kCount));
      tables.boards.push_back(std::move(row));
    }
  }
  {
    constexpr std::array kColumns{CsvColumn{"code"},
                                  CsvColumn{"name"},
                                  CsvColumn{"type"},
                                  CsvColumn{"board"},
                                  CsvColumn{"latitude"},
                                  CsvColumn{"longitude"},
                                  CsvColumn{"beds"},
                                  CsvColumn{"deliveries"},
                                  CsvColumn{"babies_under_32_weeks"},
                                  CsvColumn{"maternity_units"},
                                  CsvColumn{"teaching"}};
    const auto trust_types =
        std::span(kOrganisationTypeNames).first(static_cast<std::size_t>(OrganisationType::maternity_unit));
    CsvReader rows(folder / "trusts.csv", kColumns, OtherColumns::ignored, problems);
    while (rows.next()) {
      trusts.add(rows, 0);
      TrustRow row;
      row.organisation.code = rows.text(0);
      row.organisation.label = rows.required_text(1);
      if (const auto type = rows.one_of(2, trust_types, "trust type"))
        row.organisation.type = static_cast<OrganisationType>(*type);
      row.organisation.board = static_cast<std::uint16_t>(boards.find(rows, 3, "board"));
      row.organisation.latitude = rows.number(4, kLatitude).value_or(Organisation::kUnknown);
      row.organisation.longitude = rows.number(5, kLongitude).value_or(Organisation::kUnknown);
      if (rows.text(4).empty() != rows.text(5).empty())
        rows.report(4, "latitude and longitude must be given both or neither");
      row.organisation.size = rows.number(6, kPositive).value_or(Organisation::kUnknown);
      row.deliveries = rows.number(7, kPositive).value_or(0);
      row.babies_under_32_weeks = rows.number(8, kAtLeastZero).value_or(0);
      row.n_maternity_units = whole(rows.required_number(9, kCount));
      if ((row.n_maternity_units > 0) != (row.deliveries > 0))
        rows.report(9, "a trust has maternity units if and only if it has deliveries");
      row.organisation.teaching = static_cast<std::uint8_t>(whole(rows.required_number(10, kFlag)));
      tables.trusts.push_back(std::move(row));
    }
  }
  {
    constexpr std::array kColumns{CsvColumn{"region"},        CsvColumn{"residential_homes"},
                                  CsvColumn{"nursing_homes"}, CsvColumn{"residential_beds"},
                                  CsvColumn{"nursing_beds"},  CsvColumn{"mean_beds"},
                                  CsvColumn{"sd_beds"}};
    CsvReader rows(folder / "care_homes_by_region.csv", kColumns, OtherColumns::ignored, problems);
    while (rows.next()) {
      home_regions.add(rows, 0);
      HomeRegionRow row;
      row.name = rows.text(0);
      for (std::size_t k = 0; k < 2; ++k) {
        row.n_homes[k] = rows.required_number(1 + k, kPositive).value_or(1);
        row.n_beds[k] = rows.required_number(3 + k, kPositive).value_or(1);
      }
      row.mean_beds = rows.required_number(5, kPositive).value_or(1);
      row.sd_beds = rows.required_number(6, kPositive).value_or(1);
      tables.home_regions.push_back(std::move(row));
    }
  }
  {
    constexpr std::array kColumns{CsvColumn{"code_prefix"},   CsvColumn{"board"},
                                  CsvColumn{"region"},        CsvColumn{"residential_homes"},
                                  CsvColumn{"nursing_homes"}, CsvColumn{"first_residential"},
                                  CsvColumn{"first_nursing"}};
    CsvReader rows(folder / "care_homes_by_board.csv", kColumns, OtherColumns::ignored, problems);
    while (rows.next()) {
      prefixes.add(rows, 0);
      HomeStratumRow row;
      row.prefix = rows.text(0);
      row.board = static_cast<std::uint16_t>(boards.find(rows, 1, "board"));
      row.region = home_regions.find(rows, 2, "statistical region");
      for (std::size_t k = 0; k < 2; ++k) {
        row.n_homes[k] = whole(rows.required_number(3 + k, kCount));
        row.first[k] = whole(rows.required_number(5 + k, kCount));
      }
      tables.home_strata.push_back(std::move(row));
    }
  }
  {
    constexpr std::array kColumns{CsvColumn{"name"}, CsvColumn{"groups"}, CsvColumn{"homes_each"}};
    CsvReader rows(folder / "care_home_groups.csv", kColumns, OtherColumns::ignored, problems);
    while (rows.next()) {
      owners.add(rows, 0);
      tables.owners.push_back(
          {std::string(rows.text(0)), whole(rows.required_number(1, kCount)), whole(rows.required_number(2, kCount))});
    }
  }
  if (problems.empty()) {
    for (const auto& [file, is_empty] :
         {std::pair{"regions.csv", tables.regions.empty()}, std::pair{"boards.csv", tables.boards.empty()}})
      if (is_empty) problems.push_back({(folder / file).string(), "the table has no row", ""});
  }
  if (!problems.empty()) throw InputError(std::move(problems));
  return tables;
}

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
std::array<double, 2> coordinates(const Tables& tables, const Organisation& organisation) {
  if (!std::isnan(organisation.latitude)) return {organisation.latitude, organisation.longitude};
  const Board& board = tables.boards[organisation.board].board;
  return {board.latitude, board.longitude};
}

// ---- organisations ------------------------------------------------------------------------------------------------

void add_trusts_and_units(const Tables& tables, Key key, std::vector<Organisation>& organisations) {
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

void add_practices(const Tables& tables, Key key, const std::vector<std::vector<Site>>& sites,
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

void add_care_homes(const Tables& tables, Key key, const std::vector<std::vector<Site>>& sites,
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
void assign_owners(const Tables& tables, Key key, std::vector<Organisation>& organisations,
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
Groups networks_of(const Tables& tables, const std::vector<Organisation>& organisations) {
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
void add_care_networks(const Tables& tables, const Groups& network, std::vector<Organisation>& organisations) {
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
void add_care_boards(const Tables& tables, std::vector<Organisation>& organisations) {
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

/// A board's part of the candidate community sites, by registered patients, before rounding.
std::vector<double> community_site_quotas(const Tables& tables) {
  double patients = 0;
  for (const BoardRow& row : tables.boards) patients += row.registered_patients;
  std::vector<double> quotas;
  for (const BoardRow& row : tables.boards) quotas.push_back(kNCommunitySites * row.registered_patients / patients);
  return quotas;
}

void add_community_sites(const Tables& tables, Key key, const std::vector<std::vector<Site>>& sites,
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
  const Tables tables = read_tables(folder);
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

// ---- marginals ----------------------------------------------------------------------------------------------------

namespace {
/// "table.csv: source" by table and column, a column without its own entry taking the one of its table.
class Sources {
 public:
  explicit Sources(const std::filesystem::path& folder) {
    constexpr std::array kColumns{CsvColumn{"table"}, CsvColumn{"column"}, CsvColumn{"source"}};
    std::vector<Problem> problems;
    CsvReader rows(folder / "sources.csv", kColumns, OtherColumns::ignored, problems);
    while (rows.next())
      source_[fmt::format("{} {}", rows.required_text(0), rows.required_text(1))] = rows.required_text(2);
    if (!problems.empty()) throw InputError(std::move(problems));
  }
  [[nodiscard]] std::string operator()(std::string_view table, std::string_view column) const {
    auto found = source_.find(fmt::format("{} {}", table, column));
    if (found == source_.end()) found = source_.find(fmt::format("{} *", table));
    return found == source_.end() ? std::string(table) : fmt::format("{}: {}", table, found->second);
  }

 private:
  std::map<std::string, std::string> source_;
};

/// Count, sum and sum of squares of sizes.
struct Moments {
  double n = 0, sum = 0, squares = 0;
  void add(double value) {
    ++n;
    sum += value;
    squares += value * value;
  }
  void add(const Moments& other) {
    n += other.n;
    sum += other.sum;
    squares += other.squares;
  }
  [[nodiscard]] double mean() const { return sum / n; }
  [[nodiscard]] double sd() const { return std::sqrt(std::max(0.0, squares / n - mean() * mean())); }
};

/// Sizes of homes by statistical region, residential and nursing; the region of a home is told by its code's prefix.
std::vector<std::array<Moments, 2>> beds_by_region(const Population& population, const Tables& tables) {
  std::unordered_map<std::string_view, std::size_t> region_of_prefix;
  for (const HomeStratumRow& row : tables.home_strata) region_of_prefix.emplace(row.prefix, row.region);
  std::vector<std::array<Moments, 2>> beds(tables.home_regions.size());
  for (std::size_t i = 0; i < population.n_organisations(); ++i) {
    if (population.type[i] != OrganisationType::care_home) continue;
    const std::string code = population.code[i];
    const auto region = region_of_prefix.find(code.substr(0, code.rfind('-')));
    if (region != region_of_prefix.end()) beds[region->second][population.nursing[i]].add(population.size[i]);
  }
  return beds;
}

// Care homes: docs/tables.md. Patients: the mean of a board's practices, 52 at least with variation 0.67, is a draw.
constexpr double kCountTolerance = 0.005, kBedsTolerance = 0.02, kSpreadTolerance = 0.10;
constexpr double kBoardPatientsTolerance = 0.10, kRegionPatientsTolerance = 0.05, kPatientsTolerance = 0.005;
constexpr double kDeprivedTolerance = 0.02;
constexpr double kQuotaTolerance = 0.1;  // a board has 12 community sites at least: rounding to whole ones
constexpr double kSumTolerance = 1e-12;  // rounding of a trust's figure shared among its units

void add_home_sizes(const Population& population, const Tables& tables, const Sources& source_of,
                    std::vector<Marginal>& marginals) {
  const std::string source = source_of("care_homes_by_region.csv", "*");
  const auto add = [&](std::string name, double table, double built, double tolerance) {
    marginals.push_back({"care homes, " + std::move(name), table, built, tolerance, source});
  };
  const auto beds = beds_by_region(population, tables);
  constexpr std::array<std::string_view, 2> kKind{"residential", "nursing"};
  std::array<double, 2> n_table{}, beds_table{};
  std::array<Moments, 2> england;
  for (std::size_t r = 0; r < tables.home_regions.size(); ++r) {
    const HomeRegionRow& row = tables.home_regions[r];
    Moments all = beds[r][0];
    all.add(beds[r][1]);
    add(row.name + ": count", row.n_homes[0] + row.n_homes[1], all.n, kCountTolerance);
    for (std::size_t k = 0; k < 2; ++k) {
      add(fmt::format("{}: {} homes", row.name, kKind[k]), row.n_homes[k], beds[r][k].n, kCountTolerance);
      add(fmt::format("{}: beds in {} homes", row.name, kKind[k]), row.n_beds[k], beds[r][k].sum, kBedsTolerance);
      n_table[k] += row.n_homes[k];
      beds_table[k] += row.n_beds[k];
      england[k].add(beds[r][k]);
    }
    add(row.name + ": mean beds", row.mean_beds, all.mean(), kBedsTolerance);
    add(row.name + ": sd of beds", row.sd_beds, all.sd(), kSpreadTolerance);
  }
  for (std::size_t k = 0; k < 2; ++k) {
    add(fmt::format("England: {} homes", kKind[k]), n_table[k], england[k].n, kCountTolerance);
    add(fmt::format("England: mean beds of {} homes", kKind[k]), beds_table[k] / n_table[k], england[k].mean(),
        kBedsTolerance);
  }
  add("England: beds", beds_table[0] + beds_table[1], england[0].sum + england[1].sum, kBedsTolerance);
}

void add_owner_groups(const Population& population, const Tables& tables, const Sources& source_of,
                      std::vector<Marginal>& marginals) {
  std::vector<int> n_members(static_cast<std::size_t>(population.ownership.n_groups));
  for (const std::int32_t group : population.ownership.group_of)
    if (group >= 0) ++n_members[static_cast<std::size_t>(group)];
  for (const OwnerRow& row : tables.owners)
    marginals.push_back({fmt::format("care homes, owner groups of {}", row.n_homes_each),
                         static_cast<double>(row.n_groups),
                         static_cast<double>(std::ranges::count(n_members, row.n_homes_each)), 0,
                         source_of("care_home_groups.csv", "groups")});
}

/// What is counted or added up by board, and from there by region and for England.
struct BoardQuantity {
  std::string name, table, column;
  double tolerance = 0, region_tolerance = 0, england_tolerance = 0;
  std::vector<double> expected, built;
};

void add_by_board(const Population& population, const Tables& tables, const Sources& source_of,
                  std::vector<Marginal>& marginals) {
  const std::size_t n_boards = tables.boards.size();
  const auto quantity = [&](std::string name, std::string table, std::string column, double tolerance = 0,
                            double region_tolerance = 0, double england_tolerance = 0) {
    return BoardQuantity{std::move(name),
                         std::move(table),
                         std::move(column),
                         tolerance,
                         region_tolerance,
                         england_tolerance,
                         std::vector<double>(n_boards),
                         std::vector<double>(n_boards)};
  };
  std::vector<BoardQuantity> by_type;
  for (int t = 0; t < kNOrganisationTypes; ++t) {
    const auto type = static_cast<OrganisationType>(t);
    const std::string name(kOrganisationTypeNames[static_cast<std::size_t>(t)]);
    const auto counted = [&] {
      switch (type) {
        case OrganisationType::practice:
          return quantity(name + "s", "boards.csv", "practices");
        case OrganisationType::care_home:
          return quantity(name + "s", "care_homes_by_board.csv", "*");
        case OrganisationType::maternity_unit:
          return quantity(name + "s", "trusts.csv", "maternity_units");
        case OrganisationType::care_network:
          return quantity(name + "s", "boards.csv", "primary_care_networks");
        case OrganisationType::care_board:
          return quantity(name + "s", "boards.csv", "*");
        case OrganisationType::community_site:
          return quantity(name + "s", "boards.csv", "registered_patients", kQuotaTolerance, kQuotaTolerance,
                          kSumTolerance);
        default:
          return quantity(name + "s", "trusts.csv", "*");
      }
    };
    by_type.push_back(counted());
  }
  BoardQuantity nursing = quantity("nursing homes", "care_homes_by_board.csv", "nursing_homes");
  BoardQuantity beds = quantity("trust beds", "trusts.csv", "beds");
  BoardQuantity deliveries =
      quantity("deliveries", "trusts.csv", "deliveries", kSumTolerance, kSumTolerance, kSumTolerance);
  BoardQuantity preterm = quantity("babies under 32 weeks", "trusts.csv", "babies_under_32_weeks", kSumTolerance,
                                   kSumTolerance, kSumTolerance);
  BoardQuantity patients = quantity("registered patients", "boards.csv", "registered_patients", kBoardPatientsTolerance,
                                    kRegionPatientsTolerance, kPatientsTolerance);
  BoardQuantity networks = quantity("primary care networks", "boards.csv", "primary_care_networks");
  double deprived_expected = 0, deprived_built = 0;

  const auto of_type = [&](OrganisationType type) -> BoardQuantity& { return by_type[static_cast<std::size_t>(type)]; };
  for (const TrustRow& row : tables.trusts) {
    const std::size_t b = row.organisation.board;
    ++of_type(row.organisation.type).expected[b];
    of_type(OrganisationType::maternity_unit).expected[b] += row.n_maternity_units;
    if (!std::isnan(row.organisation.size)) beds.expected[b] += row.organisation.size;
    deliveries.expected[b] += row.deliveries;
    preterm.expected[b] += row.babies_under_32_weeks;
  }
  for (std::size_t b = 0; b < n_boards; ++b) {
    of_type(OrganisationType::practice).expected[b] = tables.boards[b].n_practices;
    patients.expected[b] = tables.boards[b].registered_patients;
    networks.expected[b] = tables.boards[b].n_networks;
    of_type(OrganisationType::care_network).expected[b] = tables.boards[b].n_networks;
    of_type(OrganisationType::care_board).expected[b] = 1;
  }
  of_type(OrganisationType::community_site).expected = community_site_quotas(tables);
  for (const HomeStratumRow& row : tables.home_strata) {
    of_type(OrganisationType::care_home).expected[row.board] += row.n_homes[0] + row.n_homes[1];
    nursing.expected[row.board] += row.n_homes[1];
    deprived_expected += (row.n_homes[0] + row.n_homes[1]) * tables.boards[row.board].most_deprived_share;
  }
  std::set<std::int32_t> seen_networks;
  for (std::size_t i = 0; i < population.n_organisations(); ++i) {
    const std::size_t b = population.board[i];
    const OrganisationType type = population.type[i];
    ++of_type(type).built[b];
    if (type == OrganisationType::care_home) {
      nursing.built[b] += population.nursing[i];
      deprived_built += population.quintile[i] == 1;
    } else if (type == OrganisationType::practice) {
      patients.built[b] += population.size[i];
      networks.built[b] += seen_networks.insert(population.network.group_of[i]).second ? 1 : 0;
    } else if (type == OrganisationType::maternity_unit) {
      deliveries.built[b] += population.size[i];
      preterm.built[b] += population.preterm_babies[i];
    } else if (type < OrganisationType::maternity_unit && !std::isnan(population.size[i])) {
      beds.built[b] += population.size[i];
    }
  }
  std::vector<const BoardQuantity*> quantities;
  for (const BoardQuantity& of_one_type : by_type) quantities.push_back(&of_one_type);
  for (const BoardQuantity* other : {&nursing, &beds, &deliveries, &preterm, &patients, &networks})
    quantities.push_back(other);
  for (const BoardQuantity* q : quantities) {
    const std::string source = source_of(q->table, q->column);
    double england_expected = 0, england_built = 0;
    std::vector<double> region_expected(tables.regions.size()), region_built(tables.regions.size());
    for (std::size_t b = 0; b < n_boards; ++b) {
      const auto r = static_cast<std::size_t>(tables.boards[b].board.region);
      england_expected += q->expected[b];
      england_built += q->built[b];
      region_expected[r] += q->expected[b];
      region_built[r] += q->built[b];
    }
    const auto add = [&](const std::string& where, double expected, double built, double tolerance) {
      marginals.push_back({fmt::format("{}, {}", q->name, where), expected, built, tolerance, source});
    };
    add("England", england_expected, england_built, q->england_tolerance);
    for (std::size_t r = 0; r < tables.regions.size(); ++r)
      add(tables.regions[r].name, region_expected[r], region_built[r], q->region_tolerance);
    for (std::size_t b = 0; b < n_boards; ++b)
      add(tables.boards[b].board.name, q->expected[b], q->built[b], q->tolerance);
  }
  marginals.push_back({"care homes in the most deprived fifth, England", deprived_expected, deprived_built,
                       kDeprivedTolerance, source_of("boards.csv", "most_deprived_share")});
}
}  // namespace

bool Marginal::holds() const { return std::abs(built - table) <= tolerance * std::abs(table); }

std::vector<Marginal> england_marginals(const Population& population, const std::filesystem::path& folder) {
  const Tables tables = read_tables(folder);
  const Sources source_of(folder);
  std::vector<Marginal> marginals;
  add_home_sizes(population, tables, source_of, marginals);
  add_owner_groups(population, tables, source_of, marginals);
  add_by_board(population, tables, source_of, marginals);
  return marginals;
}

}  // namespace uptake
