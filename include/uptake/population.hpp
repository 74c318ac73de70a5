/// Who there is: organisations, the regions and boards they belong to, and the ties between them.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "uptake/arrays.hpp"

namespace uptake {

enum class OrganisationType : std::uint8_t {
  acute_trust,
  specialist_trust,
  mental_health_trust,
  community_trust,
  ambulance_trust,
  maternity_unit,
  practice,
  care_home,
  care_network,   ///< primary care network: a group of practices that adopts as one
  care_board,     ///< integrated care board, where a system adopts as one
  community_site  ///< candidate site in the community (leisure centre, clinic)
};
inline constexpr int kNOrganisationTypes = 11;
/// Names as in tables and scenarios, in the order of OrganisationType.
inline constexpr std::array<std::string_view, kNOrganisationTypes> kOrganisationTypeNames{
    "acute-trust", "specialist-trust", "mental-health-trust", "community-trust", "ambulance-trust", "maternity-unit",
    "practice",    "care-home",        "care-network",        "care-board",      "community-site"};

/// Which of the parameter table's defaults a type takes (the table has one for trust, GP and home each).
enum class AdopterClass : std::uint8_t { trust, practice, home };
[[nodiscard]] constexpr AdopterClass adopter_class(OrganisationType type) noexcept {
  switch (type) {
    case OrganisationType::practice:
    case OrganisationType::care_network:
    case OrganisationType::community_site:
      return AdopterClass::practice;
    case OrganisationType::care_home:
      return AdopterClass::home;
    default:
      return AdopterClass::trust;
  }
}

/// Layers of ties (docs/odd.md 7.1). Geography and pathway are edges, community and ownership are groups.
enum class Layer : std::uint8_t { geography, community, ownership, pathway };
inline constexpr int kNLayers = 4;
inline constexpr std::array<std::string_view, kNLayers> kLayerNames{"geography", "community", "ownership", "pathway"};

/// What stands for all regions together where these are those of England.
inline constexpr std::string_view kEngland = "England";
/// The networks are called so, and then by their place, since 2023: who reads a list of them leaves it out.
inline constexpr std::string_view kOfNetworks = "Health Innovation ";

struct Region {
  std::string code;  ///< stable identity, e.g. the 2021 acronym
  std::string name;  ///< full name, as shown and as a coordinate of results
  std::string short_name;
};

struct Board {  ///< an integrated care board (ICB); a region is a set of boards
  std::string code;
  std::string name;
  std::string short_name;
  int region = 0;  ///< index into Population::regions
  double latitude = 0, longitude = 0;
};

/// Weighted directed ties by receiver: organisation i listens to sources[offsets[i] .. offsets[i + 1]).
/// Weights are positive and not normalised (the model normalises over those eligible for a programme).
struct Ties {
  std::vector<std::uint32_t> offsets;  ///< n_organisations + 1
  std::vector<std::uint32_t> sources;
  std::vector<double> weights;
};

/// Membership of groups.
struct Groups {
  int n_groups = 0;
  Column<std::int32_t> group_of;   ///< by organisation: 0 .. n_groups - 1; -1 = in no group
  std::vector<std::string> names;  ///< n_groups
};

/// Codes of organisations: given one by one, or a prefix and the number of the organisation.
class Codes {
 public:
  Codes() = default;
  Codes(std::string prefix, std::size_t n) : prefix_(std::move(prefix)), n_numbered_(n) {}
  [[nodiscard]] std::string operator[](std::size_t i) const {
    return n_numbered_ > 0 ? prefix_ + std::to_string(i) : given_[i];
  }
  [[nodiscard]] std::size_t size() const noexcept { return n_numbered_ > 0 ? n_numbered_ : given_.size(); }
  [[nodiscard]] std::string back() const { return (*this)[size() - 1]; }
  /// @pre they are not numbered
  void push_back(std::string code) { given_.push_back(std::move(code)); }
  friend bool operator==(const Codes&, const Codes&) = default;

 private:
  std::vector<std::string> given_;
  std::string prefix_;
  std::size_t n_numbered_ = 0;
};

enum class CommunityOf : std::uint8_t { board, region };

/// Who listens to whom in a synthetic population of organisations 0..n in a circle.
enum class GraphForm : std::uint8_t {
  ring,         ///< to the nearest k / 2 on either side
  small_world,  ///< the ring, each tie with probability `rewired` to anybody instead (Watts & Strogatz 1998, directed)
  random        ///< to any k others
};
inline constexpr std::array<std::string_view, 3> kGraphFormNames{"ring", "small-world", "random"};
enum class TieWeights : std::uint8_t { equal, random };  ///< random: uniform on (0, 1)
inline constexpr std::array<std::string_view, 2> kTieWeightsNames{"equal", "random"};

/// A population of no real place, for questions of scale and for comparing engines on the same work.
struct SyntheticPopulation {
  std::size_t n_organisations = 0;
  OrganisationType type = OrganisationType::care_home;
  int degree = 10;  ///< ties that each organisation listens through, all different
  GraphForm form = GraphForm::small_world;
  double rewired = 0.1;  ///< small-world: share of ties that lead anywhere
  TieWeights weights = TieWeights::equal;
  int n_regions = 15;
};
inline constexpr std::int64_t kMostSynthetic = 100'000'000;  ///< organisations; beyond it 32-bit ties give out [A]

/// One built population: a struct of arrays over organisations, all of length n_organisations().
struct Population {
  std::string name;     ///< "england" or the path of its tables
  std::string vintage;  ///< what the boundaries and counts refer to, one sentence
  std::uint64_t seed = 0;
  std::vector<Region> regions;
  std::vector<Board> boards;

  Codes code;                           ///< unique
  Column<std::string> label;            ///< name of the organisation, may be empty
  std::vector<std::uint64_t> identity;  ///< identity_of(code), unique
  Column<OrganisationType> type;
  std::vector<std::uint16_t> board;    ///< index into boards
  Column<double> latitude, longitude;  ///< degrees
  /// Size in the unit of its type: beds (trusts, homes), registered patients (practices, care networks, care boards),
  /// deliveries a year (units); NaN where the table has none (then no size covariate, never 0).
  Column<double> size;
  Column<std::uint8_t> quintile;  ///< deprivation, 1 = most deprived fifth .. 5; 0 = unknown
  Column<std::uint8_t> nursing;   ///< 1 for a nursing home
  Column<std::uint8_t> teaching;  ///< 1 for a teaching trust
  Column<std::int32_t> parent;    ///< organisation index (a unit's trust), -1 = none
  Column<double> preterm_babies;  ///< babies under 32 weeks a year, NaN where not applicable

  /// Set where geography is the graph of a synthetic population, which is not kept: hear() computes it.
  std::optional<SyntheticPopulation> synthetic;
  Ties geography;    ///< 30 nearest of the same type, w = sqrt(size / mean size of the type) exp(-d / rho_d)
  Groups community;  ///< by board, or by region if the scenario says so
  Groups ownership;  ///< owner groups of two or more
  Groups network;    ///< primary care networks of practices; no layer of ties, but what some programmes are
                     ///< counted in; empty for populations whose tables name none
  Ties pathway;      ///< a home to its three nearest practices and its trust, a practice to its trust

  [[nodiscard]] std::size_t n_organisations() const noexcept { return identity.size(); }
  [[nodiscard]] int region_of(std::size_t organisation) const noexcept { return boards[board[organisation]].region; }
};

/// What a scenario may say of the population's structure (not drawn: docs/odd.md 7.1).
struct PopulationOptions {
  std::uint64_t seed = 20210401;  ///< population seed: coordinates, sizes, ownership of synthetic organisations
  double decay_km = 40;           ///< rho_d [A]
  int n_nearest = 30;             ///< k of the geography layer [A]
  CommunityOf community = CommunityOf::board;
  std::optional<SyntheticPopulation> synthetic;  ///< instead of tables; of the above, only the seed then matters
  /// Types to build; empty = all.
  std::vector<OrganisationType> types;
  /// Types that ties are built among; empty = all. A model keeps only those between organisations eligible for one
  /// programme, and finding neighbours is most of what building a population takes.
  std::vector<OrganisationType> tied;
};

/// England from the tables in `folder` (scenarios/england): every trust and board as it is; units, practices and their
/// networks, homes and community sites synthesised to the tables' marginals, reproducibly from options.seed.
/// @throws FileError, InputError (every bad row, with file:line:column)
[[nodiscard]] Population build_england(const std::filesystem::path& folder, const PopulationOptions& options);

/// A population given organisation by organisation: `organisations.csv` (code, name, type, region, board, latitude,
/// longitude, size, quintile, owner, parent, network; see docs/tables.md) and optionally `ties.csv` (from, to, layer,
/// weight), `regions.csv` and `boards.csv` (names, and centroids of boards). Without ties.csv geography and pathway ties are built as for England.
/// @throws FileError, InputError: duplicate code, unknown type, tie to a missing organisation, cyclic parent, ...
[[nodiscard]] Population read_population(const std::filesystem::path& folder, const PopulationOptions& options);

/// Organisations "S0", "S1", … of `options.synthetic`, in equal stretches of the circle by region (each its own board). Ties
/// are geography; there are no groups and no pathway, and sizes and deprivation are unknown. Every tie is keyed by its
/// receiver and the seed, so the same options give the same population, and ties are made when they are asked for.
/// @pre options.synthetic, with 2 or more organisations, 0 <= degree < n (even in a ring), n degree < 2^32
[[nodiscard]] Population build_synthetic(const PopulationOptions& options);

/// A tie as its receiver has it.
struct Heard {
  std::uint32_t source = 0;
  double weight = 0;
};
/// Calls hear(receiver, ties) for every organisation in order: those that it listens to in an edge layer (geography or
/// pathway), in the order of the population.
void hear(const Population& population, Layer layer,
          const std::function<void(std::size_t receiver, std::span<const Heard> ties)>& hear_them);
/// How many ties that are.
[[nodiscard]] std::size_t n_ties(const Population& population, Layer layer);

/// One marginal of a built population beside its table.
struct Marginal {
  std::string name;  ///< e.g. "care homes, North West: mean beds"
  double table = 0, built = 0;
  double tolerance = 0;  ///< relative; 0 = exact
  std::string source;
  [[nodiscard]] bool holds() const;
};
/// Every marginal that `build_england` promises, recomputed from the built population.
[[nodiscard]] std::vector<Marginal> england_marginals(const Population& population,
                                                      const std::filesystem::path& folder);

/// The place of a region or board on a map of equal tiles.
struct Tile {
  std::string name;        ///< as places are called in results: full name of a region, short name of a board
  std::string short_name;  ///< for the tile
  std::string full_name;
  int column = 0, row = 0;
};
struct TileMap {
  std::vector<Tile> regions, boards;
};

/// Reads tiles.csv, with names from regions.csv and boards.csv, of `folder`. @throws FileError, InputError
[[nodiscard]] TileMap read_tiles(const std::filesystem::path& folder);

/// Great-circle distance in km (haversine, mean Earth radius 6371.0088 km, IUGG).
[[nodiscard]] double distance_km(double latitude_a, double longitude_a, double latitude_b, double longitude_b);

}  // namespace uptake
