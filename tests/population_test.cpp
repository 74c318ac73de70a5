#include "uptake/population.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <numbers>
#include <set>
#include <sstream>

#include "uptake/error.hpp"
#include "uptake/random.hpp"

namespace uptake {
namespace {

const std::filesystem::path kScenarios = std::filesystem::path(UPTAKE_SOURCE_FOLDER) / "scenarios";
const std::filesystem::path kEngland = kScenarios / "england";

const Population& england() {
  static const Population population = build_england(kEngland, {});
  return population;
}

PopulationOptions without_geography(std::uint64_t seed) {
  PopulationOptions options;
  options.seed = seed;
  options.n_nearest = 0;
  return options;
}

std::vector<std::string> broken(const std::vector<Marginal>& marginals) {
  std::vector<std::string> names;
  for (const Marginal& marginal : marginals)
    if (!marginal.holds()) names.push_back(marginal.name);
  return names;
}

/// What an organisation is, without its ties: everything that another organisation must not change.
std::string attributes(const Population& p, std::size_t i) {
  std::ostringstream text;
  text.precision(17);
  text << p.label[i] << '|' << p.identity[i] << '|' << static_cast<int>(p.type[i]) << '|' << p.boards[p.board[i]].code
       << '|' << p.latitude[i] << '|' << p.longitude[i] << '|' << p.size[i] << '|' << int{p.quintile[i]} << '|'
       << int{p.nursing[i]} << '|' << int{p.teaching[i]} << '|' << p.preterm_babies[i] << '|'
       << (p.parent[i] < 0 ? "" : p.code[static_cast<std::size_t>(p.parent[i])]);
  return text.str();
}

std::map<std::string, std::string> attributes(const Population& population) {
  std::map<std::string, std::string> by_code;
  for (std::size_t i = 0; i < population.n_organisations(); ++i)
    by_code[population.code[i]] = attributes(population, i);
  return by_code;
}

std::string owner(const Population& population, std::size_t i) {
  const std::int32_t group = population.ownership.group_of[i];
  return group < 0 ? "" : population.ownership.names[static_cast<std::size_t>(group)];
}

/// A folder of its own, removed afterwards.
class Tables {
 public:
  Tables() : folder_(std::filesystem::path(testing::TempDir()) / ("population_" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~Tables() { std::filesystem::remove_all(folder_); }
  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  void copy_england() const { std::filesystem::copy(kEngland, folder_); }
  void replace(const std::string& name, const std::string& old_text, const std::string& new_text) const {
    std::ostringstream content;
    content << std::ifstream(folder_ / name).rdbuf();
    std::string text = content.str();
    const std::size_t at = text.find(old_text);
    ASSERT_NE(at, std::string::npos) << old_text;
    write(name, text.replace(at, old_text.size(), new_text));
  }
  /// Every problem, the folder's path taken off.
  [[nodiscard]] std::vector<std::string> problems(Population (*build)(const std::filesystem::path&,
                                                                      const PopulationOptions&)) const {
    std::vector<std::string> texts;
    const auto add = [&](std::string text) {
      for (std::size_t at = 0; (at = text.find(folder_.string() + "/")) != std::string::npos;)
        text.erase(at, folder_.string().size() + 1);
      texts.push_back(text);
    };
    try {
      static_cast<void>(build(folder_, {}));
    } catch (const InputError& error) {
      for (const Problem& problem : error.problems()) add(problem.text());
    } catch (const FileError& error) {
      add(error.what());
    }
    return texts;
  }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

using Lines = std::vector<std::string>;

// ---- England ------------------------------------------------------------------------------------------------------

TEST(Population, EnglandHoldsEveryMarginalOfItsTablesForAnySeed) {
  const auto marginals = england_marginals(england(), kEngland);
  EXPECT_GT(marginals.size(), 800U);
  for (const Marginal& marginal : marginals)
    EXPECT_TRUE(marginal.holds()) << marginal.name << ": table " << marginal.table << ", built " << marginal.built
                                  << ", source " << marginal.source;
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    EXPECT_EQ(broken(england_marginals(build_england(kEngland, without_geography(seed)), kEngland)), Lines{});
}

TEST(Population, MarginalsRejectAnEnglandThatIsSlightlyWrong) {
  const auto names_broken = [](auto&& change) {
    Population mutant = england();
    for (std::size_t i = 0; i < mutant.n_organisations(); ++i) change(mutant, i);
    const auto names = broken(england_marginals(mutant, kEngland));
    return std::set<std::string>(names.begin(), names.end());
  };
  const auto is_home = [](const Population& p, std::size_t i) { return p.type[i] == OrganisationType::care_home; };
  EXPECT_TRUE(names_broken([&](Population& p, std::size_t i) {
                if (is_home(p, i)) p.size.set(i, p.size[i] * 1.03);
              }).contains("care homes, England: beds"));
  EXPECT_TRUE(names_broken([&](Population& p, std::size_t i) {
                if (is_home(p, i)) p.size.set(i, 29.4 + 0.88 * (p.size[i] - 29.4));
              }).contains("care homes, London: sd of beds"));
  EXPECT_TRUE(names_broken([&](Population& p, std::size_t i) {
                if (is_home(p, i) && i % 50 == 0) p.nursing.set(i, static_cast<std::uint8_t>(1 - p.nursing[i]));
              }).contains("care homes, South East: nursing homes"));
  EXPECT_TRUE(names_broken([&](Population& p, std::size_t i) {
                if (is_home(p, i) && p.quintile[i] == 2 && i % 30 == 0) p.quintile.set(i, 1);
              }).contains("care homes in the most deprived fifth, England"));
  EXPECT_TRUE(names_broken([&](Population& p, std::size_t i) {
                if (p.type[i] == OrganisationType::practice) p.size.set(i, p.size[i] * 1.01);
              }).contains("registered patients, England"));
  EXPECT_TRUE(names_broken([&](Population& p, std::size_t i) {
                if (p.code[i] == "MU-R0A-1") p.size.set(i, p.size[i] + 1);
              }).contains("deliveries, England"));
  EXPECT_TRUE(names_broken([&](Population& p, std::size_t i) {
                if (p.code[i] == "CS-QHM-001") p.type.set(i, OrganisationType::care_network);
              }).contains("community-sites, England"));
  EXPECT_TRUE(names_broken([&](Population& p, std::size_t i) {
                if (p.code[i] == "ICB-QHM") p.board[i] = 1;
              }).contains("care-boards, NHS North East and North Cumbria Integrated Care Board"));
  EXPECT_TRUE(names_broken([&](Population& p, std::size_t i) {
                if (p.code[i] == "PCN-QHM-001") p.type.set(i, OrganisationType::practice);
              }).contains("care-networks, England"));
  EXPECT_TRUE(names_broken([&](Population& p, std::size_t i) {
                if (p.ownership.group_of[i] == 0 && i % 100 == 0) p.ownership.group_of.set(i, -1);
              }).contains("care homes, owner groups of 230"));
}

TEST(Population, EnglandHasTheStatedNumbersOfEveryThing) {
  const Population& p = england();
  EXPECT_EQ(p.regions.size(), 15U);
  EXPECT_EQ(p.boards.size(), 42U);
  EXPECT_EQ(p.ownership.n_groups, 666);
  EXPECT_EQ(p.community.n_groups, 42);
  EXPECT_EQ(p.regions[0].code, "NENC");
  EXPECT_EQ(p.regions[0].name, "Health Innovation North East and North Cumbria");
  std::array<int, kNOrganisationTypes> n{};
  double beds = 0;
  int n_sized_trusts = 0;
  for (std::size_t i = 0; i < p.n_organisations(); ++i) {
    ++n[static_cast<std::size_t>(p.type[i])];
    if (p.type[i] == OrganisationType::care_home) beds += p.size[i];
    n_sized_trusts += i < 202 && !std::isnan(p.size[i]);
    EXPECT_TRUE(p.latitude[i] > 49.5 && p.latitude[i] < 56.1 && p.longitude[i] > -6.5 && p.longitude[i] < 2.5)
        << p.code[i];
    EXPECT_TRUE(std::isnan(p.size[i]) || p.size[i] >= 1);
    EXPECT_EQ(p.parent[i] >= 0, p.type[i] == OrganisationType::maternity_unit);
    EXPECT_EQ(std::isnan(p.preterm_babies[i]), p.type[i] != OrganisationType::maternity_unit);
  }
  EXPECT_EQ(n, (std::array{119, 16, 44, 13, 10, 152, 6348, 15465, 1261, 42, 1500}));
  EXPECT_EQ(n_sized_trusts, 134);  // 68 trusts have no general and acute beds in the table
  EXPECT_NEAR(beds, 455103, 0.02 * 455103);
}

TEST(Population, ATrustWithoutCoordinatesStandsAtTheCentroidOfItsBoard) {
  const Population& p = england();
  ASSERT_EQ(p.code[0], "G6V2S");
  EXPECT_EQ(p.latitude[0], p.boards[p.board[0]].latitude);
  EXPECT_EQ(p.longitude[0], p.boards[p.board[0]].longitude);
}

TEST(Population, TheSameSeedGivesTheSameEnglandAndAnotherSeedAnother) {
  const Population again = build_england(kEngland, {});
  EXPECT_EQ(attributes(again), attributes(england()));
  EXPECT_EQ(again.ownership.group_of, england().ownership.group_of);
  EXPECT_EQ(again.geography.sources, england().geography.sources);
  EXPECT_EQ(again.geography.weights, england().geography.weights);
  EXPECT_EQ(again.pathway.sources, england().pathway.sources);

  const Population other = build_england(kEngland, without_geography(7));
  ASSERT_EQ(other.code, england().code);
  int n_same_place = 0, n_same_size = 0, n_same_owner = 0, n_homes = 0;
  for (std::size_t i = 0; i < other.n_organisations(); ++i) {
    if (other.type[i] != OrganisationType::care_home) continue;
    ++n_homes;
    n_same_place += other.latitude[i] == england().latitude[i];
    n_same_size += other.size[i] == england().size[i];
    n_same_owner += owner(other, i) == owner(england(), i) && !owner(other, i).empty();
  }
  EXPECT_EQ(n_same_place, 0);
  EXPECT_LT(n_same_size, n_homes / 10);
  EXPECT_LT(n_same_owner, n_homes / 100);
}

TEST(Population, OneMoreHomeInEnglandsTableChangesNobodyElse) {
  const Tables tables;
  tables.copy_england();
  tables.replace("care_homes_by_board.csv", "North East,471,279", "North East,471,280");
  const Population more = build_england(tables.folder(), {});
  auto with = attributes(more);
  EXPECT_EQ(with.erase("CH-QHM-N0280"), 1U);
  const auto without = attributes(england());
  EXPECT_EQ(with.size(), without.size());
  for (const auto& [code, text] : without) EXPECT_EQ(with[code], text) << code;

  // Group sizes are exact, so that a new home can take another's place in a group, and that one a third's.
  std::map<std::string, std::string> owners;
  for (std::size_t i = 0; i < more.n_organisations(); ++i) owners[more.code[i]] = owner(more, i);
  int n_moved = 0;
  for (std::size_t i = 0; i < england().n_organisations(); ++i)
    n_moved += owners[england().code[i]] != owner(england(), i);
  EXPECT_LE(n_moved, 10);
}

TEST(Population, ABoardsHomesInTheMostDeprivedFifthFollowItsShare) {
  const Population& p = england();
  std::vector<double> n(42), deprived(42);
  for (std::size_t i = 0; i < p.n_organisations(); ++i) {
    if (p.type[i] != OrganisationType::care_home) continue;
    EXPECT_TRUE(p.quintile[i] >= 1 && p.quintile[i] <= 5);
    ++n[p.board[i]];
    deprived[p.board[i]] += p.quintile[i] == 1;
  }
  // Shares of the table: Birmingham and Solihull 0.4855, Surrey Heartlands 0.008. Binomial bounds, |z| < 4; the same
  // share everywhere, 0.2, is rejected by both.
  for (const auto& [code, share] : {std::pair{"QHL", 0.4855}, std::pair{"QXU", 0.008}}) {
    const auto b = static_cast<std::size_t>(std::ranges::find(p.boards, code, &Board::code) - p.boards.begin());
    const auto z = [&](double expected) {
      return std::abs(deprived[b] - n[b] * expected) / std::sqrt(n[b] * expected * (1 - expected));
    };
    EXPECT_LT(z(share), 4) << code;
    EXPECT_GT(z(0.2), 4) << code;
  }
}

TEST(Population, FurtherMaternityUnitsLieAGaussianOfTenKilometresFromTheFirst) {
  const Population& p = england();
  double squares = 0;
  int n = 0;
  for (std::size_t i = 0; i < p.n_organisations(); ++i) {
    if (p.type[i] != OrganisationType::maternity_unit) continue;
    const auto trust = static_cast<std::size_t>(p.parent[i]);
    const double km = distance_km(p.latitude[i], p.longitude[i], p.latitude[trust], p.longitude[trust]);
    if (p.code[i].ends_with("-1")) {
      EXPECT_EQ(km, 0);
      continue;
    }
    squares += km * km;
    ++n;
  }
  ASSERT_EQ(n, 33);
  // sum of squares / sigma^2 is chi-squared with 66 degrees of freedom
  const auto z = [&](double sigma) { return (squares / (sigma * sigma) - 2 * n) / std::sqrt(4.0 * n); };
  EXPECT_LT(std::abs(z(10)), 4);
  EXPECT_GT(std::abs(z(5)), 4);
}

TEST(Population, ListSizesVaryWithinABoardAsTheRegisterSays) {
  const Population& p = england();
  std::vector<double> n(42), sum(42);
  for (std::size_t i = 0; i < p.n_organisations(); ++i)
    if (p.type[i] == OrganisationType::practice) {
      ++n[p.board[i]];
      sum[p.board[i]] += p.size[i];
    }
  double squares = 0, total = 0;
  for (std::size_t i = 0; i < p.n_organisations(); ++i)
    if (p.type[i] == OrganisationType::practice) {
      squares += std::pow(p.size[i] / (sum[p.board[i]] / n[p.board[i]]) - 1, 2);
      ++total;
    }
  EXPECT_NEAR(std::sqrt(squares / total), 0.67, 0.02);
}

TEST(Population, HomesOfEverySizeAreOwnedAlike) {
  const Population& p = england();
  double n = 0, sum = 0, squares = 0, n_owned = 0, sum_owned = 0;
  for (std::size_t i = 0; i < p.n_organisations(); ++i) {
    if (p.type[i] != OrganisationType::care_home) continue;
    ++n;
    sum += p.size[i];
    squares += p.size[i] * p.size[i];
    if (p.ownership.group_of[i] < 0) continue;
    ++n_owned;
    sum_owned += p.size[i];
  }
  EXPECT_EQ(n_owned, 6 * 230 + 60 * 25 + 600 * 5);
  // The mean of a sample without replacement from a finite population.
  const double se = std::sqrt((squares / n - sum * sum / n / n) / n_owned * (1 - n_owned / n));
  EXPECT_LT(std::abs(sum_owned / n_owned - sum / n) / se, 4);
  EXPECT_GT(std::abs(1.05 * sum_owned / n_owned - sum / n) / se, 4);
}

TEST(Population, OnlyTheTypesAskedForAreBuilt) {
  PopulationOptions options;
  options.types = {OrganisationType::care_home, OrganisationType::maternity_unit};
  const Population p = build_england(kEngland, options);
  EXPECT_EQ(p.n_organisations(), 15465U + 152U);
  auto all = attributes(england());
  for (std::size_t i = 0; i < p.n_organisations(); ++i) {
    EXPECT_EQ(p.parent[i], -1);
    if (p.type[i] == OrganisationType::care_home) {
      EXPECT_EQ(attributes(p, i), all[p.code[i]]);
    }
  }
  EXPECT_TRUE(p.pathway.sources.empty());
}

/// What organisation i listens to in a layer, by code.
std::vector<std::pair<std::string, double>> heard(const Population& p, const Ties& ties, std::size_t i) {
  std::vector<std::pair<std::string, double>> sources;
  for (std::uint32_t e = ties.offsets[i]; e < ties.offsets[i + 1]; ++e)
    sources.emplace_back(p.code[ties.sources[e]], ties.weights[e]);
  return sources;
}

TEST(Population, TiesAmongSomeTypesAreThoseOfAllWithoutTheOthers) {
  const auto expect = [](const std::vector<OrganisationType>& tied, std::size_t least_ties_on_pathways) {
    PopulationOptions options;
    options.tied = tied;
    const Population some = build_england(kEngland, options);
    const Population& all = england();
    ASSERT_EQ(some.n_organisations(), all.n_organisations());
    const auto is_tied = [&](std::size_t i) { return std::ranges::find(tied, all.type[i]) != tied.end(); };
    for (const auto layer : {&Population::geography, &Population::pathway}) {
      const Ties &those = some.*layer, &of_all = all.*layer;
      ASSERT_EQ(those.offsets.size(), of_all.offsets.size());
      std::size_t at = 0;
      for (std::size_t i = 0; i < all.n_organisations(); ++i) {
        ASSERT_EQ(those.offsets[i], at);
        for (std::size_t e = of_all.offsets[i]; e < of_all.offsets[i + 1]; ++e) {
          if (!is_tied(i) || !is_tied(of_all.sources[e])) continue;
          ASSERT_LT(at, those.sources.size());
          ASSERT_EQ(those.sources[at], of_all.sources[e]);
          ASSERT_EQ(those.weights[at], of_all.weights[e]);
          ++at;
        }
      }
      EXPECT_EQ(those.sources.size(), at);
    }
    EXPECT_GE(some.pathway.sources.size(), least_ties_on_pathways);
  };
  using enum OrganisationType;
  expect({care_home, practice}, 46'395);
  expect({care_home, acute_trust}, 15'000);
  expect({practice, acute_trust}, 6'000);
  expect({maternity_unit}, 0);
}

std::string group_name(const Groups& groups, std::size_t i) {
  return groups.group_of[i] < 0 ? "" : groups.names[static_cast<std::size_t>(groups.group_of[i])];
}

bool is_later_type(OrganisationType type) { return type > OrganisationType::care_home; }

TEST(Population, NetworksBoardsAndCommunitySitesLeaveTheOthersAsTheyWouldBeWithoutThem) {
  PopulationOptions options;
  for (int t = 0; t < kNOrganisationTypes; ++t)
    if (const auto type = static_cast<OrganisationType>(t); !is_later_type(type)) options.types.push_back(type);
  const Population without = build_england(kEngland, options);
  const Population& with = england();
  ASSERT_EQ(without.n_organisations(), 22167U);
  ASSERT_EQ(with.n_organisations(), 22167U + 1261U + 42U + 1500U);
  for (std::size_t i = 0; i < without.n_organisations(); ++i) {  // they come first, in the same order
    ASSERT_EQ(without.code[i], with.code[i]);
    ASSERT_EQ(attributes(without, i), attributes(with, i));
    ASSERT_EQ(heard(without, without.geography, i), heard(with, with.geography, i)) << with.code[i];
    ASSERT_EQ(heard(without, without.pathway, i), heard(with, with.pathway, i)) << with.code[i];
    for (const auto groups : {&Population::community, &Population::ownership, &Population::network})
      ASSERT_EQ(group_name(without.*groups, i), group_name(with.*groups, i)) << with.code[i];
  }
}

TEST(Population, NetworksBoardsAndCommunitySitesListenToTheirLikeAndToTheirBoard) {
  const Population& p = england();
  for (std::size_t i = 0; i < p.n_organisations(); ++i) {
    if (!is_later_type(p.type[i])) continue;
    EXPECT_EQ(p.pathway.offsets[i], p.pathway.offsets[i + 1]);
    EXPECT_EQ(p.community.group_of[i], p.board[i]);
    EXPECT_EQ(p.ownership.group_of[i], -1);
    EXPECT_EQ(p.network.group_of[i], -1);
    EXPECT_GT(p.geography.offsets[i + 1], p.geography.offsets[i]);
    for (std::uint32_t e = p.geography.offsets[i]; e < p.geography.offsets[i + 1]; ++e)
      EXPECT_EQ(p.type[p.geography.sources[e]], p.type[i]);
  }
}

TEST(Population, ACareNetworkStandsAmongItsPracticesWithAllTheirPatients) {
  const Population& p = england();
  std::map<std::string, std::array<double, 6>>
      of_practices;  // n, latitude, longitude, patients, board, patients x fifth
  for (std::size_t i = 0; i < p.n_organisations(); ++i) {
    if (p.type[i] != OrganisationType::practice) continue;
    auto& of = of_practices[group_name(p.network, i)];
    of[0] += 1;
    of[1] += p.latitude[i];
    of[2] += p.longitude[i];
    of[3] += p.size[i];
    of[4] = p.board[i];
    of[5] += p.size[i] * p.quintile[i];
  }
  EXPECT_EQ(of_practices.size(), 1261U);
  std::vector<double> n(42), deprived(42);
  double expected = 0, all_deprived = 0, rounded_mean_deprived = 0;
  std::map<int, std::vector<std::pair<double, int>>> by_board;
  for (std::size_t i = 0; i < p.n_organisations(); ++i) {
    if (p.type[i] != OrganisationType::care_network) continue;
    ASSERT_TRUE(of_practices.contains(p.code[i]));
    const auto& of = of_practices[p.code[i]];
    EXPECT_NEAR(p.latitude[i], of[1] / of[0], 1e-9);
    EXPECT_NEAR(p.longitude[i], of[2] / of[0], 1e-9);
    EXPECT_EQ(p.size[i], of[3]);
    EXPECT_EQ(p.board[i], of[4]);
    ++n[p.board[i]];
    deprived[p.board[i]] += p.quintile[i] == 1;
    all_deprived += p.quintile[i] == 1;
    rounded_mean_deprived += std::round(of[5] / of[3]) == 1;
    by_board[p.board[i]].emplace_back(of[5] / of[3], p.quintile[i]);
  }
  for (auto& [board, networks] : by_board) {  // no network is in a richer fifth than one of richer practices
    std::ranges::sort(networks);
    EXPECT_TRUE(std::ranges::is_sorted(networks, {}, &std::pair<double, int>::second))
        << p.boards[static_cast<std::size_t>(board)].code;
  }
  // Each board's share in the most deprived fifth, to one network; the fifth of the mean practice is rejected.
  const auto board_share = [&](std::size_t b) {
    double homes = 0, deprived_practices = 0;
    for (std::size_t i = 0; i < p.n_organisations(); ++i) {
      if (p.type[i] != OrganisationType::practice || p.board[i] != b) continue;
      ++homes;
      deprived_practices += p.quintile[i] == 1;
    }
    return deprived_practices / homes;
  };
  for (std::size_t b = 0; b < 42; ++b) {
    EXPECT_NEAR(deprived[b], n[b] * board_share(b), 1.5) << p.boards[b].code;
    expected += n[b] * board_share(b);
  }
  EXPECT_NEAR(all_deprived / expected, 1, 0.05);
  EXPECT_LT(rounded_mean_deprived / expected, 0.5);
}

TEST(Population, ACareBoardStandsAtItsCentroidWithItsRegisteredPatients) {
  const Population& p = england();
  double patients = 0;
  for (std::size_t i = 0; i < p.n_organisations(); ++i) {
    if (p.type[i] != OrganisationType::care_board) continue;
    const Board& board = p.boards[p.board[i]];
    EXPECT_EQ(p.code[i], "ICB-" + board.code);
    EXPECT_EQ(p.label[i], board.name);
    EXPECT_EQ(p.latitude[i], board.latitude);
    EXPECT_EQ(p.longitude[i], board.longitude);
    EXPECT_EQ(p.quintile[i], 0);
    if (board.code == "QHM") {
      EXPECT_EQ(p.size[i], 3124757);  // boards.csv
    }
    patients += p.size[i];
  }
  EXPECT_NEAR(patients, 60.6e6, 0.1e6);  // January 2021, docs/tables.md
}

TEST(Population, CommunitySitesFollowPatientsAndLieAboutTrustSites) {
  const Population& p = england();
  std::vector<double> n(42), deprived(42), patients(42);
  double all_patients = 0;
  for (std::size_t i = 0; i < p.n_organisations(); ++i)
    if (p.type[i] == OrganisationType::care_board) {
      patients[p.board[i]] = p.size[i];
      all_patients += p.size[i];
    }
  double squares = 0;
  for (std::size_t i = 0; i < p.n_organisations(); ++i) {
    if (p.type[i] != OrganisationType::community_site) continue;
    ++n[p.board[i]];
    deprived[p.board[i]] += p.quintile[i] == 1;
    EXPECT_TRUE(std::isnan(p.size[i]));
    double nearest = 1e9;
    for (std::size_t t = 0; t < 202; ++t)
      if (p.board[t] == p.board[i])
        nearest = std::min(nearest, distance_km(p.latitude[i], p.longitude[i], p.latitude[t], p.longitude[t]));
    EXPECT_LT(nearest, 60) << p.code[i];  // six standard deviations
    squares += nearest * nearest;
  }
  // The nearest trust is at most as far as the one it was scattered about: mean square 2 x (10 km)^2, less in cities.
  EXPECT_LT(squares / 1500, 200 * 1.15);
  EXPECT_GT(squares / 1500, 40);
  for (std::size_t b = 0; b < 42; ++b) EXPECT_LT(std::abs(n[b] - 1500 * patients[b] / all_patients), 1) << b;
  // Birmingham and Solihull 0.4855, Surrey Heartlands 0.008 of small areas in the most deprived fifth (boards.csv).
  for (const auto& [code, share] : {std::pair{"QHL", 0.4855}, std::pair{"QXU", 0.008}}) {
    const auto b = static_cast<std::size_t>(std::ranges::find(p.boards, code, &Board::code) - p.boards.begin());
    EXPECT_NEAR(deprived[b], n[b] * share, 3) << code;
    EXPECT_GT(std::abs(deprived[b] - n[b] * 0.2), 3) << code;
  }
}

TEST(Population, CommunityCanBeTheRegion) {
  PopulationOptions options;
  options.community = CommunityOf::region;
  const Population p = build_england(kEngland, options);
  EXPECT_EQ(p.community.n_groups, 15);
  for (std::size_t i = 0; i < p.n_organisations(); ++i) ASSERT_EQ(p.community.group_of[i], p.region_of(i));
}

TEST(Population, EveryBadRowOfEnglandsTablesIsReportedAtOnce) {
  const Tables tables;
  tables.copy_england();
  tables.replace("regions.csv", "YHAHSN,", "NENC,");
  tables.replace("boards.csv", "QOQ,NHS Humber and North Yorkshire Integrated Care Board,HNY,YHAHSN",
                 "QOQ,NHS Humber and North Yorkshire Integrated Care Board,HNY,YHAHS");
  tables.replace("boards.csv", ",54.0738,", ",540738,");
  tables.replace("trusts.csv", "mental-health-trust,QMJ", "mental-trust,QMJ");
  tables.replace("trusts.csv", "2137,76209,14120", "-5,76209,14120");
  tables.replace("care_homes_by_board.csv", "North East,471", "Northeast,471.5");
  tables.replace("care_home_groups.csv", "homes_each", "homes_per_group");
  const Lines problems = tables.problems(build_england);
  EXPECT_EQ(Lines(problems.begin(), problems.begin() + 2),
            (Lines{"regions.csv:3:1: \"NENC\" is there twice", "boards.csv:3:62: unknown region \"YHAHS\""}));
  EXPECT_NE(std::ranges::find(problems, "boards.csv:3:101: latitude = 540738 is out of range (must be in [49, 56])"),
            problems.end());
  EXPECT_NE(std::ranges::find(problems, "trusts.csv:3:85: beds = -5 is out of range (must be above 0)"),
            problems.end());
  EXPECT_NE(std::ranges::find(problems, "trusts.csv:2:41: unknown trust type \"mental-trust\""), problems.end());
  EXPECT_NE(std::ranges::find(problems,
                              "care_homes_by_board.csv:2:12: unknown statistical region \"Northeast\"; did you mean "
                              "\"North East\"?"),
            problems.end());
  EXPECT_EQ(problems.back(), "care_home_groups.csv:1:1: column \"homes_each\" is missing");
}

// ---- ties ---------------------------------------------------------------------------------------------------------

TEST(Population, DistancesAreGreatCircles) {
  EXPECT_NEAR(distance_km(0, 0, 90, 0), 6371.0088 * std::numbers::pi / 2, 1e-9);
  EXPECT_NEAR(distance_km(0, 179.5, 0, -179.5), 6371.0088 * std::numbers::pi / 180, 1e-9);
  EXPECT_NEAR(distance_km(51.5, 0, -51.5, 180), 6371.0088 * std::numbers::pi, 1e-3);
  EXPECT_EQ(distance_km(52.5, -1.5, 52.5, -1.5), 0);
}

TEST(Population, GeographyTiesAreTheThirtyNearestOfTheTypeWeightedBySizeAndDistance) {
  const Population& p = england();
  std::array<double, kNOrganisationTypes> sum{}, n{};
  for (std::size_t i = 0; i < p.n_organisations(); ++i)
    if (!std::isnan(p.size[i])) {
      sum[static_cast<std::size_t>(p.type[i])] += p.size[i];
      ++n[static_cast<std::size_t>(p.type[i])];
    }
  ASSERT_EQ(p.geography.offsets.size(), p.n_organisations() + 1);
  for (std::size_t i = 0; i < p.n_organisations(); i += i < 400 ? 1 : 97) {  // every trust and unit, some of the others
    std::vector<std::pair<double, std::uint32_t>> others;
    for (std::size_t m = 0; m < p.n_organisations(); ++m)
      if (m != i && p.type[m] == p.type[i])
        others.emplace_back(distance_km(p.latitude[i], p.longitude[i], p.latitude[m], p.longitude[m]),
                            static_cast<std::uint32_t>(m));
    std::ranges::sort(others);
    const std::size_t first = p.geography.offsets[i], n_ties = p.geography.offsets[i + 1] - first;
    ASSERT_EQ(n_ties, std::min<std::size_t>(30, others.size())) << p.code[i];
    for (std::size_t k = 0; k < n_ties; ++k) {
      const std::uint32_t m = p.geography.sources[first + k];
      const double km = distance_km(p.latitude[i], p.longitude[i], p.latitude[m], p.longitude[m]);
      ASSERT_NEAR(km, others[k].first, 1e-6) << p.code[i];  // by distance: equal ones may stand in either order
      const auto t = static_cast<std::size_t>(p.type[m]);
      const double pull = std::isnan(p.size[m]) ? 1 : std::sqrt(p.size[m] / (sum[t] / n[t]));
      ASSERT_NEAR(p.geography.weights[first + k] / (pull * std::exp(-km / 40)), 1, 1e-9);
    }
  }
}

TEST(Population, PathwayTiesAHomeToItsThreeNearestPracticesAndItsTrustAndAPracticeToItsTrust) {
  const Population& p = england();
  for (std::size_t i = 0; i < p.n_organisations(); i += 53) {
    std::vector<std::pair<double, std::uint32_t>> practices, trusts;
    for (std::size_t m = 0; m < p.n_organisations(); ++m) {
      const double km = distance_km(p.latitude[i], p.longitude[i], p.latitude[m], p.longitude[m]);
      if (p.type[m] == OrganisationType::practice) practices.emplace_back(km, m);
      if (p.type[m] == OrganisationType::acute_trust && p.board[m] == p.board[i]) trusts.emplace_back(km, m);
    }
    std::ranges::sort(practices);
    std::ranges::sort(trusts);
    std::vector<std::uint32_t> expected;
    if (p.type[i] == OrganisationType::care_home)
      for (std::size_t k = 0; k < 3; ++k) expected.push_back(practices[k].second);
    if (p.type[i] == OrganisationType::care_home || p.type[i] == OrganisationType::practice)
      expected.push_back(trusts.front().second);
    const auto source = [&](std::size_t at) { return p.pathway.sources.begin() + static_cast<std::ptrdiff_t>(at); };
    EXPECT_EQ(std::vector(source(p.pathway.offsets[i]), source(p.pathway.offsets[i + 1])), expected) << p.code[i];
  }
  for (const double weight : p.pathway.weights) ASSERT_EQ(weight, 1);
}

// ---- a population from tables -------------------------------------------------------------------------------------

TEST(Population, TheMinimalPopulationHasTwelveHomesInThreeRegions) {
  const Population p = read_population(kScenarios / "minimal", {});
  EXPECT_EQ(p.n_organisations(), 12U);
  EXPECT_EQ(p.regions.size(), 3U);
  EXPECT_EQ(p.boards.size(), 6U);
  EXPECT_EQ(p.ownership.n_groups, 1);
  EXPECT_EQ(std::ranges::count(p.ownership.group_of, 0), 4);
  EXPECT_EQ(p.community.names, (Lines{"N1", "N2", "M1", "M2", "S1", "S2"}));
  EXPECT_NEAR(p.boards[0].latitude, (54.98 + 54.91) / 2, 1e-12);
  // H05 listens to H06, H08 and, across the border, to H04, who does not listen back.
  const auto heard_by = [&](std::size_t i) {
    std::map<std::string, double> heard;
    for (std::size_t k = p.geography.offsets[i]; k < p.geography.offsets[i + 1]; ++k)
      heard[p.code[p.geography.sources[k]]] = p.geography.weights[k];
    return heard;
  };
  EXPECT_EQ(heard_by(4), (std::map<std::string, double>{{"H04", 0.2}, {"H06", 1}, {"H08", 1}}));
  EXPECT_EQ(heard_by(3), (std::map<std::string, double>{{"H01", 1}, {"H03", 1}}));
  EXPECT_EQ(p.pathway.offsets.back(), 0U);
}

constexpr const char* kHeader = "code,name,type,region,board,latitude,longitude,size,quintile,owner,parent\n";

TEST(Population, WithoutATableOfTiesTheyAreBuiltFromPlaces) {
  const Tables tables;
  tables.write("organisations.csv", std::string(kHeader) +
                                        "T,,acute-trust,North,N1,54,-1,400,,,\n"
                                        "U,,maternity-unit,North,N1,,,3000,,,T\n"
                                        "P,,practice,North,N1,54,-1.1,9000,1,,\n"
                                        "A,,care-home,North,N1,54,-1.2,10,1,Hedgerow,\n"
                                        "B,,care-home,North,,54,-1.3,,5,Hedgerow,\n"
                                        "C,,care-home,South,S1,51,-1.2,30,,Lone,\n");
  const Population p = read_population(tables.folder(), {});
  EXPECT_EQ(p.ownership.names, Lines{"Hedgerow"});
  EXPECT_EQ(p.ownership.group_of, (std::vector<std::int32_t>{-1, -1, -1, 0, 0, -1}));
  EXPECT_EQ(p.boards[1].code, "North");  // a row without a board has its region for one
  EXPECT_EQ(p.parent[1], 0);
  EXPECT_NEAR(p.longitude[1], -1.1, 1e-12);  // the mean of the board's other three
  EXPECT_TRUE(std::isnan(p.size[4]));
  EXPECT_EQ(p.geography.sources, (std::vector<std::uint32_t>{4, 5, 3, 5, 3, 4}));
  EXPECT_NEAR(p.geography.weights[0], std::exp(-distance_km(54, -1.2, 54, -1.3) / 40), 1e-12);
  EXPECT_NEAR(p.geography.weights[2], std::sqrt(10 / 20.) * std::exp(-distance_km(54, -1.2, 54, -1.3) / 40), 1e-12);
  // P to T; A to P and T; B and C have no acute trust in their boards.
  EXPECT_EQ(p.pathway.offsets, (std::vector<std::uint32_t>{0, 0, 0, 1, 3, 4, 5}));
  EXPECT_EQ(p.pathway.sources, (std::vector<std::uint32_t>{0, 2, 0, 2, 2}));
}

TEST(Population, NamesAndCentroidsMayStandInTablesOfTheirOwn) {
  const Tables tables;
  tables.write("organisations.csv",
               "code,type,region,board,latitude,longitude,network\n"
               "P,practice,R1,B1,54,-1,U1\nQ,practice,R1,B1,,,U2\nX,practice,R1,B2,,,\n"
               "Y,practice,R2,B3,51,-2,U1\n");
  tables.write("regions.csv", "code,name,short_name,other\nR1,The North,N,x\nR9,Nobody's,,x\n");
  tables.write("boards.csv", "code,name,latitude,longitude\nB1,Board one,54.5,-1.5\nB2,Board two,53,-2\n");
  const Population p = read_population(tables.folder(), {});
  EXPECT_EQ(p.regions[0].name + "|" + p.regions[0].short_name + "|" + p.regions[1].name, "The North|N|R2");
  EXPECT_EQ(p.community.names, (Lines{"Board one", "Board two", "B3"}));
  EXPECT_EQ(p.latitude, (std::vector<double>{54, 54.5, 53, 51}));  // B1's centroid is as given, not that of P
  EXPECT_EQ(p.longitude, (std::vector<double>{-1, -1.5, -2, -2}));
  EXPECT_EQ(p.network.names, (Lines{"U1", "U2"}));
  EXPECT_EQ(p.network.group_of, (std::vector<std::int32_t>{0, 1, -1, 0}));

  tables.write("regions.csv", "code,name\nR1,North\nR2,North\nR1,\n");
  tables.write("boards.csv", "code,name,latitude,longitude\nB1,One,54.5,\n");
  EXPECT_EQ(tables.problems(read_population),
            (Lines{"regions.csv:3:4: \"North\" is already on line 2", "regions.csv:4:4: name is empty",
                   "regions.csv:4:1: \"R1\" is already on line 2",
                   "boards.csv:2:8: latitude and longitude must be given both or neither"}));
}

TEST(Population, OneMoreRowChangesNobodyElse) {
  const Tables tables;
  const std::string rows = std::string(kHeader) +
                           "A,Ash,care-home,North,N1,54,-1.2,10,1,,\n"
                           "B,Birch,care-home,South,S1,51,-1.3,20,5,,\n";
  tables.write("organisations.csv", rows);
  const auto before = attributes(read_population(tables.folder(), {}));
  for (const std::string& changed :
       {rows + "C,Cedar,care-home,East,E1,52,1,70,3,,\n",
        std::string(kHeader) + "C,Cedar,care-home,East,E1,52,1,70,3,,\n" + rows.substr(std::string(kHeader).size())}) {
    tables.write("organisations.csv", changed);
    auto after = attributes(read_population(tables.folder(), {}));
    EXPECT_EQ(after.erase("C"), 1U);
    EXPECT_EQ(after, before);
  }
}

TEST(Population, EveryBadRowIsReportedAtOnceWithLineAndColumn) {
  const Tables tables;
  tables.write("organisations.csv", std::string(kHeader) +
                                        "A,,care-home,North,N1,54,-1,30,1,,\n"
                                        "A,,care-home,North,N1,54,-1,30,1,,\n"
                                        "B,,care-hom,North,N1,95,-1,nan,6,,\n"
                                        "C,,care-home,South,N1,54,-1,-3,0,,Z\n"
                                        ",,practice,North,N1,54,-181,0,2.5,,\n"
                                        "D\xE9,,practice,North,N1,54,-1,5,,,\n"
                                        "E,,practice,North,N1,54,,5,,,E\n"
                                        "F,,practice,,N1,54,-1,5,,,G\n"
                                        "G,,practice,North,N1,54,-1,5,,,F\n"
                                        "H,,practice,North\n");
  tables.write("ties.csv",
               "from,to,layer,weight\n"
               "A,B,geography,1\n"
               "A,B,geography,2\n"
               "A,X,pathway,0\n"
               "C,C,geography,\n"
               "A,C,ownership,1\n"
               "A,C,geograph,1\n");
  EXPECT_EQ(
      tables.problems(read_population),
      (Lines{
          "organisations.csv:3:1: code \"A\" is already at organisations.csv:2:1",
          "organisations.csv:4:4: unknown organisation type \"care-hom\"; did you mean \"care-home\"?",
          "organisations.csv:4:22: latitude = 95 is out of range (must be in [-90, 90])",
          "organisations.csv:4:28: size = nan is not a finite number; leave the field empty if it is unknown",
          "organisations.csv:4:32: quintile = 6 is out of range (must be a whole number in [1, 5])",
          "organisations.csv:5:20: board \"N1\" is in region \"South\" here and in \"North\" at organisations.csv:2:1",
          "organisations.csv:5:29: size = -3 is out of range (must be in (0, 1000000000])",
          "organisations.csv:5:32: quintile = 0 is out of range (must be a whole number in [1, 5])",
          "organisations.csv:6:1: code is empty",
          "organisations.csv:6:24: longitude = -181 is out of range (must be in [-180, 180])",
          "organisations.csv:6:29: size = 0 is out of range (must be in (0, 1000000000])",
          "organisations.csv:6:31: quintile = 2.5 is out of range (must be a whole number in [1, 5])",
          "organisations.csv:7:2: byte 0xE9 is not UTF-8; save the table as UTF-8",
          "organisations.csv:8:22: latitude and longitude must be given both or neither",
          "organisations.csv:9:13: region is empty",
          "organisations.csv:11:1: the row has 4 fields where the header has 11",
          "organisations.csv:5:35: parent \"Z\" is no organisation of this table; did you mean \"A\"?",
          "organisations.csv:8:30: parents go round in a circle: E -> E",
          "organisations.csv:9:27: parents go round in a circle: F -> G -> F",
          "ties.csv:3:1: the same tie is already on line 2",
          "ties.csv:4:3: tie to \"X\", which is no organisation of organisations.csv; did you mean \"A\"?",
          "ties.csv:4:13: weight = 0 is out of range (must be in (0, 1000000000])",
          "ties.csv:5:3: organisation \"C\" is tied to itself",
          "ties.csv:6:5: layer \"ownership\" is made of groups, not of ties; use column \"owner\" of organisations.csv",
          "ties.csv:7:5: unknown layer \"geograph\"; did you mean \"geography\"?",
      }));
}

TEST(Population, SaysWhatIsWrongWithATableAsAWhole) {
  const Tables tables;
  EXPECT_EQ(tables.problems(read_population), Lines{"organisations.csv: cannot be opened: No such file or directory"});
  tables.write("organisations.csv", "code,name,type,region,board,latitute,longitude,quintle\n");
  EXPECT_EQ(tables.problems(read_population),
            (Lines{"organisations.csv:1:1: column \"latitude\" is missing; is it the one called \"latitute\"?",
                   "organisations.csv:1:48: unknown column \"quintle\"; did you mean \"quintile\"?"}));
  tables.write("organisations.csv", kHeader);
  EXPECT_EQ(tables.problems(read_population), Lines{"organisations.csv: the table has no organisation"});
  tables.write("organisations.csv", "");
  EXPECT_TRUE(tables.problems(read_population).front().starts_with("organisations.csv:1:1: the table is empty; its"));
  // Where organisations cannot be read, nothing is said of ties to them.
  tables.write("ties.csv", "from,to,layer\nA,B,geography\nA,A,geography\n");
  for (const std::string& text :
       {std::string(), std::string("\"") + kHeader, "kode" + std::string(kHeader).substr(4)}) {
    tables.write("organisations.csv", text);
    for (const std::string& problem : tables.problems(read_population))
      EXPECT_TRUE(problem.starts_with("organisations.csv:")) << problem;
  }
  tables.write("organisations.csv", std::string(kHeader) + "A,,care-home,North,N1,54,-1,30,1,,\n");
  EXPECT_EQ(tables.problems(read_population).front(),
            "ties.csv:2:3: tie to \"B\", which is no organisation of organisations.csv; did you mean \"A\"?");
  std::filesystem::remove(tables.folder() / "ties.csv");
  tables.write("organisations.csv", std::string(kHeader) + "A,,care-home,North,N1,,,30,1,,\n");
  EXPECT_EQ(tables.problems(read_population),
            Lines{"organisations.csv:2:1: organisation \"A\" has no coordinates, and nobody in board \"N1\" has any; "
                  "give its latitude and longitude"});
  std::filesystem::remove(tables.folder() / "organisations.csv");
  std::filesystem::create_directory(tables.folder() / "organisations.csv");
  EXPECT_EQ(tables.problems(read_population), Lines{"organisations.csv: is a folder, not a table; name a CSV file"});
}

}  // namespace
}  // namespace uptake
