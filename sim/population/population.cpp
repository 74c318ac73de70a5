#include "uptake/population.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <unordered_map>

#include "population/assemble.hpp"
#include "population/tables.hpp"
#include "reading/csv.hpp"
#include "uptake/error.hpp"
#include "uptake/grouped.hpp"
#include "uptake/random.hpp"

namespace uptake {

namespace {
constexpr double kEarthRadiusKm = 6371.0088;  // mean radius R1, IUGG (Moritz 2000)
constexpr double kRadiansPerDegree = std::numbers::pi / 180;
constexpr int kNPathwayPractices = 3;  // a home's nearest practices, docs/odd.md 7.1

// ---- nearest neighbours -------------------------------------------------------------------------------------------

/// A place on the unit sphere: the chord between two grows with the distance over ground, so neighbours are exact at
/// any latitude and across the date line, without a projection.
using Place = std::array<double, 3>;

Place place_of(double latitude, double longitude) {
  const double phi = latitude * kRadiansPerDegree, lambda = longitude * kRadiansPerDegree;
  return {std::cos(phi) * std::cos(lambda), std::cos(phi) * std::sin(lambda), std::sin(phi)};
}

double chord_squared(const Place& a, const Place& b) {
  const double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
  return x * x + y * y + z * z;
}

struct Neighbour {
  double chord_squared = 0;
  std::uint64_t identity = 0;  ///< breaks ties, so that the order of the table does not
  std::uint32_t organisation = 0;
  friend bool operator<(const Neighbour& a, const Neighbour& b) {
    return a.chord_squared != b.chord_squared ? a.chord_squared < b.chord_squared : a.identity < b.identity;
  }
};

/// A k-d tree over organisations (Bentley 1975), kept as one array: the middle of a range splits it.
class PlaceTree {
 public:
  PlaceTree() = default;
  PlaceTree(const Population& population, std::span<const std::uint32_t> organisations) {
    points_.reserve(organisations.size());
    for (const std::uint32_t i : organisations)
      points_.push_back({place_of(population.latitude[i], population.longitude[i]), population.identity[i], i});
    axis_.resize(points_.size());
    split(0, points_.size());
  }

  /// The `n` nearest to a place but for one organisation, nearest first.
  void nearest(const Place& place, std::size_t n, std::uint32_t except, std::vector<Neighbour>& found) const {
    found.clear();
    if (n > 0) search(0, points_.size(), {place, n, except, found}, {});
  }

 private:
  struct Point {
    Place place;
    std::uint64_t identity;
    std::uint32_t organisation;
  };
  static constexpr std::size_t kLeaf = 16;

  void split(std::size_t first, std::size_t last) {
    if (last - first <= kLeaf) return;
    Place low = points_[first].place, high = low;
    for (std::size_t i = first; i < last; ++i)
      for (std::size_t a = 0; a < 3; ++a) {
        low[a] = std::min(low[a], points_[i].place[a]);
        high[a] = std::max(high[a], points_[i].place[a]);
      }
    std::size_t widest = 0;
    for (std::size_t a = 1; a < 3; ++a)
      if (high[a] - low[a] > high[widest] - low[widest]) widest = a;
    const std::size_t middle = std::midpoint(first, last);
    const auto at = [this](std::size_t i) { return points_.begin() + static_cast<std::ptrdiff_t>(i); };
    std::nth_element(at(first), at(middle), at(last),
                     [widest](const Point& a, const Point& b) { return a.place[widest] < b.place[widest]; });
    axis_[middle] = static_cast<std::uint8_t>(widest);
    split(first, middle);
    split(middle + 1, last);
  }

  struct Query {
    const Place& place;
    std::size_t n;
    std::uint32_t except;
    std::vector<Neighbour>& found;  ///< nearest first
    /// Whether one at this distance may be among the nearest.
    [[nodiscard]] bool may_take(double chord) const { return found.size() < n || chord <= found.back().chord_squared; }
  };

  static void offer(const Point& point, const Query& query) {
    const double chord = chord_squared(point.place, query.place);
    if (!query.may_take(chord) || point.organisation == query.except) return;
    const Neighbour candidate{chord, point.identity, point.organisation};
    std::vector<Neighbour>& found = query.found;
    if (found.size() < query.n)
      found.emplace_back();
    else if (!(candidate < found.back()))
      return;
    std::size_t at = found.size() - 1;
    for (; at > 0 && candidate < found[at - 1]; --at) found[at] = found[at - 1];
    found[at] = candidate;
  }

  /// @param away how far the place is from the range along each coordinate, at least (Arya & Mount 1993)
  void search(std::size_t first, std::size_t last, const Query& query, const Place& away) const {
    if (last - first <= kLeaf) {
      for (std::size_t i = first; i < last; ++i) offer(points_[i], query);
      return;
    }
    const std::size_t middle = std::midpoint(first, last), axis = axis_[middle];
    const double beyond = query.place[axis] - points_[middle].place[axis];
    Place further = away;
    further[axis] = beyond;
    const bool is_below = beyond < 0;
    is_below ? search(first, middle, query, away) : search(middle + 1, last, query, away);
    offer(points_[middle], query);
    if (!query.may_take(chord_squared(further, {}))) return;
    is_below ? search(middle + 1, last, query, further) : search(first, middle, query, further);
  }

  std::vector<Point> points_;
  std::vector<std::uint8_t> axis_;  ///< by middle: the coordinate that splits its range
};

// ---- ties ---------------------------------------------------------------------------------------------------------

void add_tie(Ties& ties, std::uint32_t source, double weight) {
  ties.sources.push_back(source);
  ties.weights.push_back(weight);
}
void close_receiver(Ties& ties) { ties.offsets.push_back(static_cast<std::uint32_t>(ties.sources.size())); }

std::size_t index_of(OrganisationType type) { return static_cast<std::size_t>(type); }

/// Organisations by type, for neighbours, and their mean size where it is known.
struct SameType {
  std::vector<std::uint32_t> organisations;
  PlaceTree tree;
  double mean_size = 0;
};

/// @param tied by type: whether its neighbours will be asked for
std::vector<SameType> by_type(const Population& population, const std::array<bool, kNOrganisationTypes>& tied) {
  std::vector<SameType> types(kNOrganisationTypes);
  std::vector<double> n_sized(kNOrganisationTypes);
  for (std::size_t i = 0; i < population.n_organisations(); ++i) {
    const std::size_t t = index_of(population.type[i]);
    types[t].organisations.push_back(static_cast<std::uint32_t>(i));
    if (std::isnan(population.size[i])) continue;
    types[t].mean_size += population.size[i];
    ++n_sized[t];
  }
  for (std::size_t t = 0; t < types.size(); ++t) {
    if (tied[t]) types[t].tree = PlaceTree(population, types[t].organisations);
    if (n_sized[t] > 0) types[t].mean_size /= n_sized[t];
  }
  return types;
}

/// Nearest acute trust of the same board: where its residents and patients are admitted (docs/odd.md 7.1), or none.
std::optional<std::uint32_t> trust_of(const Population& population, std::size_t organisation,
                                      std::span<const std::uint32_t> acute_trusts) {
  std::optional<std::uint32_t> nearest;
  double nearest_km = 0;
  for (const std::uint32_t trust : acute_trusts) {
    if (population.board[trust] != population.board[organisation]) continue;
    const double km = distance_km(population.latitude[organisation], population.longitude[organisation],
                                  population.latitude[trust], population.longitude[trust]);
    if (nearest &&
        (km > nearest_km || (km == nearest_km && population.identity[trust] > population.identity[*nearest])))
      continue;
    nearest = trust;
    nearest_km = km;
  }
  return nearest;
}
}  // namespace

double distance_km(double latitude_a, double longitude_a, double latitude_b, double longitude_b) {
  const double phi_a = latitude_a * kRadiansPerDegree, phi_b = latitude_b * kRadiansPerDegree;
  const double u = std::sin((phi_b - phi_a) / 2);
  const double v = std::sin((longitude_b - longitude_a) * kRadiansPerDegree / 2);
  return 2 * kEarthRadiusKm * std::asin(std::min(1.0, std::sqrt(u * u + std::cos(phi_a) * std::cos(phi_b) * v * v)));
}

void build_ties(Population& population, const PopulationOptions& options) {
  UPTAKE_EXPECTS(options.n_nearest >= 0 && options.decay_km > 0);
  const auto n_nearest = static_cast<std::size_t>(options.n_nearest);
  std::array<bool, kNOrganisationTypes> tied{};
  if (options.tied.empty()) tied.fill(true);
  for (const OrganisationType type : options.tied) tied[index_of(type)] = true;
  const auto is_tied = [&](OrganisationType type) { return tied[index_of(type)]; };
  const std::vector<SameType> types = by_type(population, tied);
  const SameType& practices = types[index_of(OrganisationType::practice)];
  const SameType& acute_trusts = types[index_of(OrganisationType::acute_trust)];
  population.geography = population.pathway = {};
  population.geography.offsets.push_back(0);
  population.pathway.offsets.push_back(0);
  std::size_t most = 0;  // ties of geography
  for (std::size_t t = 0; t < types.size(); ++t)
    if (tied[t]) most += types[t].organisations.size() * std::min(n_nearest, types[t].organisations.size());
  population.geography.sources.reserve(most);
  population.geography.weights.reserve(most);
  std::vector<Neighbour> found;
  for (std::size_t i = 0; i < population.n_organisations(); ++i) {
    const OrganisationType type = population.type[i];
    if (is_tied(type)) {
      const auto self = static_cast<std::uint32_t>(i);
      const Place place = place_of(population.latitude[i], population.longitude[i]);
      const SameType& same = types[index_of(type)];
      same.tree.nearest(place, n_nearest, self, found);
      for (const Neighbour& neighbour : found) {
        const double size = population.size[neighbour.organisation];
        const double km = 2 * kEarthRadiusKm * std::asin(std::min(1.0, std::sqrt(neighbour.chord_squared) / 2));
        const double weight =
            (std::isnan(size) ? 1 : std::sqrt(size / same.mean_size)) * std::exp(-km / options.decay_km);
        if (weight > 0) add_tie(population.geography, neighbour.organisation, weight);  // 0 = underflow
      }
      if (type == OrganisationType::care_home && is_tied(OrganisationType::practice)) {
        practices.tree.nearest(place, kNPathwayPractices, self, found);
        for (const Neighbour& neighbour : found) add_tie(population.pathway, neighbour.organisation, 1);
      }
      if ((type == OrganisationType::care_home || type == OrganisationType::practice) &&
          is_tied(OrganisationType::acute_trust))
        if (const auto trust = trust_of(population, i, acute_trusts.organisations))
          add_tie(population.pathway, *trust, 1);
    }
    close_receiver(population.geography);
    close_receiver(population.pathway);
  }
}

// ---- organisations ------------------------------------------------------------------------------------------------

namespace {
/// The groups with `least` or more members among those built, numbered anew in the old order.
Groups groups_built(const std::vector<std::string>& names, const std::vector<Organisation>& organisations,
                    std::int32_t Organisation::*group, int least) {
  std::vector<int> n_members(names.size());
  for (const Organisation& organisation : organisations)
    if (organisation.*group >= 0) ++n_members[static_cast<std::size_t>(organisation.*group)];
  Groups groups;
  std::vector<std::int32_t> number(names.size(), -1);
  for (std::size_t g = 0; g < names.size(); ++g) {
    if (n_members[g] < least) continue;
    number[g] = groups.n_groups++;
    groups.names.push_back(names[g]);
  }
  for (const Organisation& organisation : organisations)
    groups.group_of.push_back(organisation.*group < 0 ? -1 : number[static_cast<std::size_t>(organisation.*group)]);
  return groups;
}

Groups community_groups(const Population& population, CommunityOf community) {
  Groups groups;
  if (community == CommunityOf::board) {
    for (const Board& board : population.boards) groups.names.push_back(board.name);
  } else {
    for (const Region& region : population.regions) groups.names.push_back(region.name);
  }
  groups.n_groups = static_cast<int>(groups.names.size());
  for (std::size_t i = 0; i < population.n_organisations(); ++i)
    groups.group_of.push_back(community == CommunityOf::board ? population.board[i] : population.region_of(i));
  return groups;
}
}  // namespace

void fill_organisations(Population& population, std::vector<Organisation> organisations,
                        const PopulationOptions& options) {
  const auto is_built = [&](const Organisation& organisation) {
    return options.types.empty() || std::ranges::find(options.types, organisation.type) != options.types.end();
  };
  std::vector<std::int32_t> built_as(organisations.size(), -1);
  std::int32_t n_built = 0;
  for (std::size_t i = 0; i < organisations.size(); ++i)
    if (is_built(organisations[i])) built_as[i] = n_built++;
  for (Organisation& organisation : organisations)
    if (organisation.parent >= 0) organisation.parent = built_as[static_cast<std::size_t>(organisation.parent)];
  std::erase_if(organisations, [&](const Organisation& organisation) { return !is_built(organisation); });

  population.ownership = groups_built(population.ownership.names, organisations, &Organisation::owner, 2);
  if (!population.network.names.empty())
    population.network = groups_built(population.network.names, organisations, &Organisation::network, 1);
  std::unordered_map<std::uint64_t, std::size_t> by_identity;
  by_identity.reserve(organisations.size());
  for (Organisation& organisation : organisations) {
    const std::uint64_t identity = identity_of(organisation.code);
    const auto [first, is_new] = by_identity.emplace(identity, population.code.size());
    if (!is_new)
      throw InputError({{population.name,
                         fmt::format("organisations \"{}\" and \"{}\" have the same 64-bit identity",
                                     population.code[first->second], organisation.code),
                         "change one of the codes"}});
    const Board& board = population.boards[organisation.board];
    const bool has_place = !std::isnan(organisation.latitude);
    population.identity.push_back(identity);
    population.code.push_back(std::move(organisation.code));
    population.label.push_back(std::move(organisation.label));
    population.type.push_back(organisation.type);
    population.board.push_back(organisation.board);
    population.latitude.push_back(has_place ? organisation.latitude : board.latitude);
    population.longitude.push_back(has_place ? organisation.longitude : board.longitude);
    population.size.push_back(organisation.size);
    population.quintile.push_back(organisation.quintile);
    population.nursing.push_back(organisation.nursing);
    population.teaching.push_back(organisation.teaching);
    population.parent.push_back(organisation.parent);
    population.preterm_babies.push_back(organisation.preterm_babies);
  }
  population.community = community_groups(population, options.community);
}

// ---- a population given organisation by organisation --------------------------------------------------------------

namespace {
namespace column {
enum Organisations : std::size_t {
  code,
  name,
  type,
  region,
  board,
  latitude,
  longitude,
  size,
  quintile,
  owner,
  parent,
  nursing,
  teaching,
  preterm,
  network
};
enum TiesColumns : std::size_t { from, to, layer, weight };
enum PlacesColumns : std::size_t { place_code, place_name, short_name, place_latitude, place_longitude };
}  // namespace column

constexpr std::array kOrganisationColumns{
    CsvColumn{"code"},
    CsvColumn{"name", Presence::optional},
    CsvColumn{"type"},
    CsvColumn{"region"},
    CsvColumn{"board", Presence::optional},
    CsvColumn{"latitude"},
    CsvColumn{"longitude"},
    CsvColumn{"size", Presence::optional},
    CsvColumn{"quintile", Presence::optional},
    CsvColumn{"owner", Presence::optional},
    CsvColumn{"parent", Presence::optional},
    CsvColumn{"nursing", Presence::optional},
    CsvColumn{"teaching", Presence::optional},
    CsvColumn{"preterm_babies", Presence::optional},
    CsvColumn{"network", Presence::optional},
};
/// Of regions.csv and boards.csv beside it; the tables of England have the same columns and more.
constexpr std::array kPlaceColumns{
    CsvColumn{"code"},
    CsvColumn{"name"},
    CsvColumn{"short_name", Presence::optional},
    CsvColumn{"latitude", Presence::optional},
    CsvColumn{"longitude", Presence::optional},
};
constexpr std::array kTieColumns{CsvColumn{"from"}, CsvColumn{"to"}, CsvColumn{"layer"},
                                 CsvColumn{"weight", Presence::optional}};

constexpr NumberRange kLatitude{.low = -90, .high = 90};
constexpr NumberRange kLongitude{.low = -180, .high = 180};
constexpr double kMost = 1e9;  // a bound against slips of the pen, far from where sums would overflow [A]
constexpr NumberRange kPositive{.low = 0, .high = kMost, .low_end = NumberRange::Low::excluded};
constexpr NumberRange kAtLeastZero{.low = 0, .high = kMost};
constexpr NumberRange kQuintile{.low = 1, .high = 5, .kind = NumberRange::Kind::whole};
constexpr NumberRange kFlag{.low = 0, .high = 1, .kind = NumberRange::Kind::whole};

using IndexByName = std::unordered_map<std::string, std::size_t>;

/// What is known of a row besides its organisation, until every row has been read.
struct RowNotes {
  std::string where, parent, parent_where;
};

struct OrganisationsTable {
  std::vector<Organisation> organisations;
  std::vector<RowNotes> notes;
  IndexByName by_code, regions, boards;
  bool is_cut_short = false;  ///< a code that no row has may stand where nothing could be read
};

std::string did_you_mean(std::string_view word, const OrganisationsTable& table) {
  std::vector<std::string_view> codes;
  for (const Organisation& organisation : table.organisations) codes.push_back(organisation.code);
  const std::string near = nearest_name(word, codes);
  return near.empty() ? "" : fmt::format("did you mean \"{}\"?", near);
}

/// Index of `name`, added at the end if it is new.
std::size_t index_in(IndexByName& index, std::string_view name) {
  return index.emplace(std::string(name), index.size()).first->second;
}

OrganisationsTable read_organisations(const std::filesystem::path& file, Population& population,
                                      std::vector<Problem>& problems) {
  OrganisationsTable table;
  IndexByName owners, networks;
  IndexByName &regions = table.regions, &boards = table.boards;
  std::vector<std::string> board_where;
  CsvReader rows(file, kOrganisationColumns, OtherColumns::refused, problems);
  while (rows.next()) {
    Organisation organisation;
    RowNotes notes{rows.where(column::code), std::string(rows.text(column::parent)), rows.where(column::parent)};
    organisation.code = rows.required_text(column::code);
    organisation.label = rows.text(column::name);
    if (const auto type = rows.one_of(column::type, kOrganisationTypeNames, "organisation type"))
      organisation.type = static_cast<OrganisationType>(*type);

    const std::string region(rows.required_text(column::region));
    const std::size_t r = index_in(regions, region);
    if (r == population.regions.size()) population.regions.push_back({region, region, region});
    // A region without boards is its own board.
    const std::string board(rows.text(column::board).empty() ? region : rows.text(column::board));
    const std::size_t b = index_in(boards, board);
    if (b == population.boards.size()) {
      population.boards.push_back(
          {board, board, board, static_cast<int>(r), Organisation::kUnknown, Organisation::kUnknown});
      board_where.push_back(notes.where);
    } else if (const std::string& first =
                   population.regions[static_cast<std::size_t>(population.boards[b].region)].name;
               first != region && !first.empty() && !region.empty()) {
      rows.report(column::board, fmt::format("board \"{}\" is in region \"{}\" here and in \"{}\" at {}", board, region,
                                             first, board_where[b]));
    }
    organisation.board = static_cast<std::uint16_t>(b);

    const auto latitude = rows.number(column::latitude, kLatitude);
    const auto longitude = rows.number(column::longitude, kLongitude);
    if (rows.text(column::latitude).empty() != rows.text(column::longitude).empty())
      rows.report(column::latitude, "latitude and longitude must be given both or neither");
    if (latitude && longitude) {
      organisation.latitude = *latitude;
      organisation.longitude = *longitude;
    }
    organisation.size = rows.number(column::size, kPositive).value_or(Organisation::kUnknown);
    organisation.quintile = static_cast<std::uint8_t>(rows.number(column::quintile, kQuintile).value_or(0));
    organisation.nursing = static_cast<std::uint8_t>(rows.number(column::nursing, kFlag).value_or(0));
    organisation.teaching = static_cast<std::uint8_t>(rows.number(column::teaching, kFlag).value_or(0));
    organisation.preterm_babies = rows.number(column::preterm, kAtLeastZero).value_or(Organisation::kUnknown);
    if (const std::string_view owner = rows.text(column::owner); !owner.empty()) {
      const std::size_t o = index_in(owners, owner);
      if (o == population.ownership.names.size()) population.ownership.names.emplace_back(owner);
      organisation.owner = static_cast<std::int32_t>(o);
    }
    if (const std::string_view network = rows.text(column::network); !network.empty()) {
      const std::size_t n = index_in(networks, network);
      if (n == population.network.names.size()) population.network.names.emplace_back(network);
      organisation.network = static_cast<std::int32_t>(n);
    }
    const auto [first, is_new] = table.by_code.emplace(organisation.code, table.organisations.size());
    if (!is_new && !organisation.code.empty())
      rows.report(column::code,
                  fmt::format("code \"{}\" is already at {}", organisation.code, table.notes[first->second].where));
    table.organisations.push_back(std::move(organisation));
    table.notes.push_back(std::move(notes));
  }
  table.is_cut_short = rows.is_cut_short();
  return table;
}

/// Turns parents' codes into indices; a chain of parents that comes back is reported once.
void resolve_parents(OrganisationsTable& table, std::vector<Problem>& problems) {
  for (std::size_t i = 0; i < table.organisations.size(); ++i) {
    const RowNotes& notes = table.notes[i];
    if (notes.parent.empty()) continue;
    if (const auto found = table.by_code.find(notes.parent); found != table.by_code.end()) {
      table.organisations[i].parent = static_cast<std::int32_t>(found->second);
    } else if (!table.is_cut_short) {
      problems.push_back({notes.parent_where,
                          fmt::format("parent \"{}\" is no organisation of this table", notes.parent),
                          did_you_mean(notes.parent, table)});
    }
  }
  std::vector<std::size_t> seen_from(table.organisations.size(), 0);  // 0 = not yet, else 1 + where the walk began
  for (std::size_t start = 0; start < table.organisations.size(); ++start) {
    std::string chain;
    std::size_t i = start;
    while (seen_from[i] == 0 && table.organisations[i].parent >= 0) {
      seen_from[i] = start + 1;
      chain += fmt::format("{} -> ", table.organisations[i].code);
      i = static_cast<std::size_t>(table.organisations[i].parent);
    }
    if (seen_from[i] == start + 1)
      problems.push_back(
          {table.notes[i].parent_where,
           fmt::format("parents go round in a circle: {}{}",
                       chain.substr(chain.find(table.organisations[i].code + " -> ")), table.organisations[i].code),
           ""});
  }
}

/// Names of regions, and names and centroids of boards, from tables that may be there; a code that they do not have
/// keeps its code for a name.
void read_names(const std::filesystem::path& folder, const OrganisationsTable& table, Population& population,
                std::vector<Problem>& problems) {
  const auto read = [&](const char* name, const IndexByName& codes, const auto& take) {
    const std::filesystem::path file = folder / name;
    if (!std::filesystem::exists(file)) return;
    std::unordered_map<std::string, int> codes_seen, names_seen;
    CsvReader rows(file, kPlaceColumns, OtherColumns::ignored, problems);
    while (rows.next()) {
      const std::string code(rows.required_text(column::place_code));
      const std::string full(rows.required_text(column::place_name));
      const std::string short_name(rows.text(column::short_name));
      const auto refuse_twice = [&](std::size_t at, const std::string& text, auto& seen) {
        const auto [first, is_new] = seen.emplace(text, rows.line());
        if (!is_new && !text.empty()) rows.report(at, fmt::format("\"{}\" is already on line {}", text, first->second));
      };
      refuse_twice(column::place_code, code, codes_seen);
      refuse_twice(column::place_name, full, names_seen);
      const auto latitude = rows.number(column::place_latitude, kLatitude);
      const auto longitude = rows.number(column::place_longitude, kLongitude);
      if (rows.text(column::place_latitude).empty() != rows.text(column::place_longitude).empty())
        rows.report(column::place_latitude, "latitude and longitude must be given both or neither");
      if (const auto found = codes.find(code); found != codes.end())
        take(found->second, full, short_name.empty() ? full : short_name, latitude, longitude);
    }
  };
  using Degrees = std::optional<double>;
  read("regions.csv", table.regions,
       [&](std::size_t r, const std::string& full, const std::string& short_name, const Degrees&, const Degrees&) {
         population.regions[r].name = full;
         population.regions[r].short_name = short_name;
       });
  read("boards.csv", table.boards,
       [&](std::size_t b, const std::string& full, const std::string& short_name, const Degrees& latitude,
           const Degrees& longitude) {
         Board& board = population.boards[b];
         board.name = full;
         board.short_name = short_name;
         board.latitude = latitude && longitude ? *latitude : Organisation::kUnknown;
         board.longitude = latitude && longitude ? *longitude : Organisation::kUnknown;
       });
}

/// Boards without a centroid of their own stand at the mean of their organisations' coordinates.
void place_boards(Population& population, const OrganisationsTable& table, std::vector<Problem>& problems) {
  struct Sum {
    double latitude = 0, longitude = 0, n = 0;
  };
  std::vector<Sum> placed(population.boards.size());
  for (const Organisation& organisation : table.organisations) {
    if (std::isnan(organisation.latitude)) continue;
    Sum& sum = placed[organisation.board];
    sum.latitude += organisation.latitude;
    sum.longitude += organisation.longitude;
    ++sum.n;
  }
  for (std::size_t b = 0; b < population.boards.size(); ++b) {
    Board& board = population.boards[b];
    if (placed[b].n == 0 || !std::isnan(board.latitude)) continue;
    board.latitude = placed[b].latitude / placed[b].n;
    board.longitude = placed[b].longitude / placed[b].n;
  }
  if (!problems.empty()) return;  // a coordinate out of range would be reported again as an absent one
  for (std::size_t i = 0; i < table.organisations.size(); ++i) {
    const Board& board = population.boards[table.organisations[i].board];
    if (!std::isnan(board.latitude)) continue;
    problems.push_back({table.notes[i].where,
                        fmt::format("organisation \"{}\" has no coordinates, and nobody in board \"{}\" has any",
                                    table.organisations[i].code, board.code),
                        "give its latitude and longitude"});
  }
}

/// A tie of the table: organisation `to` listens to `from`, both as indices into the table of organisations.
struct TableTie {
  std::size_t from = 0, to = 0;
  Layer layer = Layer::geography;
  double weight = 1;
};

std::vector<TableTie> read_ties(const std::filesystem::path& file, const OrganisationsTable& table,
                                std::vector<Problem>& problems) {
  std::vector<TableTie> ties;
  std::unordered_map<std::string, int> first_line;
  CsvReader rows(file, kTieColumns, OtherColumns::refused, problems);
  while (rows.next()) {
    const auto organisation = [&](std::size_t c) -> std::optional<std::size_t> {
      const std::string code(rows.required_text(c));
      if (code.empty()) return std::nullopt;
      if (const auto found = table.by_code.find(code); found != table.by_code.end()) return found->second;
      if (table.is_cut_short) return std::nullopt;
      rows.report(c, fmt::format("tie to \"{}\", which is no organisation of organisations.csv", code),
                  did_you_mean(code, table));
      return std::nullopt;
    };
    const auto from = organisation(column::from), to = organisation(column::to);
    const auto layer = rows.one_of(column::layer, kLayerNames, "layer");
    const auto weight = rows.number(column::weight, kPositive);
    if (from && from == to)
      rows.report(column::to, fmt::format("organisation \"{}\" is tied to itself", rows.text(column::to)));
    if (!layer) continue;
    const auto which = static_cast<Layer>(*layer);
    if (which == Layer::community || which == Layer::ownership) {
      rows.report(column::layer, fmt::format("layer \"{}\" is made of groups, not of ties", rows.text(column::layer)),
                  fmt::format("use column \"{}\" of organisations.csv", which == Layer::community ? "board" : "owner"));
      continue;
    }
    if (!from || !to) continue;
    const auto [first, is_new] = first_line.emplace(fmt::format("{} {} {}", *from, *to, *layer), rows.line());
    if (!is_new) rows.report(column::from, fmt::format("the same tie is already on line {}", first->second));
    ties.push_back({*from, *to, which, weight.value_or(1)});
  }
  return ties;
}

/// Ties of the table between organisations that were built, by receiver, in the order of the table.
Ties ties_of(Layer layer, const std::vector<TableTie>& table_ties, const OrganisationsTable& table,
             const Population& population) {
  std::unordered_map<std::string, std::uint32_t> built_as;
  for (std::size_t i = 0; i < population.n_organisations(); ++i)
    built_as.emplace(population.code[i], static_cast<std::uint32_t>(i));
  std::vector<std::vector<std::pair<std::uint32_t, double>>> heard_by(population.n_organisations());
  for (const TableTie& tie : table_ties) {
    const auto from = built_as.find(table.organisations[tie.from].code),
               to = built_as.find(table.organisations[tie.to].code);
    if (tie.layer != layer || from == built_as.end() || to == built_as.end()) continue;
    heard_by[to->second].emplace_back(from->second, tie.weight);
  }
  Ties ties;
  ties.offsets.push_back(0);
  for (const auto& sources : heard_by) {
    for (const auto& [source, weight] : sources) add_tie(ties, source, weight);
    close_receiver(ties);
  }
  return ties;
}
}  // namespace

Population read_population(const std::filesystem::path& folder, const PopulationOptions& options) {
  std::vector<Problem> problems;
  Population population;
  population.name = folder.string();
  population.seed = options.seed;

  const std::filesystem::path file = folder / "organisations.csv";
  OrganisationsTable table = read_organisations(file, population, problems);
  if (table.organisations.empty() && problems.empty())
    problems.push_back({file.string(), "the table has no organisation", ""});
  if (population.boards.size() > std::numeric_limits<std::uint16_t>::max())
    problems.push_back({file.string(),
                        fmt::format("{} boards, {} are possible", grouped(population.boards.size()),
                                    grouped(std::numeric_limits<std::uint16_t>::max())),
                        ""});
  resolve_parents(table, problems);
  read_names(folder, table, population, problems);
  place_boards(population, table, problems);
  const std::filesystem::path ties_file = folder / "ties.csv";
  const bool has_ties = std::filesystem::exists(ties_file);
  std::vector<TableTie> ties;
  if (has_ties) ties = read_ties(ties_file, table, problems);
  if (!problems.empty()) throw InputError(std::move(problems));

  // Results hold this: the name of the folder and what is in it, not where somebody keeps it.
  population.vintage =
      fmt::format("As in the tables of the folder {}, digest {}",
                  (folder / "").lexically_normal().parent_path().filename().string(), tables_digest(folder));
  fill_organisations(population, table.organisations, options);
  if (has_ties) {
    population.geography = ties_of(Layer::geography, ties, table, population);
    population.pathway = ties_of(Layer::pathway, ties, table, population);
  } else {
    build_ties(population, options);
  }
  return population;
}

}  // namespace uptake
