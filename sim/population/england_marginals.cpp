// England as built beside the tables that it is built from.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "population/england_tables.hpp"
#include "reading/csv.hpp"
#include "uptake/error.hpp"
#include "uptake/population.hpp"

namespace uptake {

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
std::vector<std::array<Moments, 2>> beds_by_region(const Population& population, const EnglandTables& tables) {
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

void add_home_sizes(const Population& population, const EnglandTables& tables, const Sources& source_of,
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

void add_owner_groups(const Population& population, const EnglandTables& tables, const Sources& source_of,
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

void add_by_board(const Population& population, const EnglandTables& tables, const Sources& source_of,
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
  const EnglandTables tables = read_england_tables(folder);
  const Sources source_of(folder);
  std::vector<Marginal> marginals;
  add_home_sizes(population, tables, source_of, marginals);
  add_owner_groups(population, tables, source_of, marginals);
  add_by_board(population, tables, source_of, marginals);
  return marginals;
}

}  // namespace uptake
