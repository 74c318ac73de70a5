// Comparisons on values whose answer is known by hand, the split over drivers on games that the literature solves, and
// reading results back, whole and broken.
#include "results/compare.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>

#include "folder.hpp"
#include "results/compare_report.hpp"
#include "results/published.hpp"
#include "results_fixture.hpp"
#include "synthetic.hpp"
#include "uptake/error.hpp"

namespace uptake {
namespace {

using namespace std::chrono;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr Date kStart = sys_days{2021y / January / 1}, kFirst = sys_days{2021y / December / 31},
               kSecond = sys_days{2022y / December / 31};

/// A run of one programme and one report date; values by (metric, strategy).
RunValues run_of(const std::vector<std::string>& strategies, const std::vector<Metric>& metrics,
                 const std::vector<std::vector<double>>& values, std::uint64_t seed = 1) {
  RunValues run;
  run.label = run.scenario = "run";
  run.seed = seed;
  run.strategies = strategies;
  run.programmes = {"tool"};
  run.reports = {{kStart, kFirst, "2021-12-31"}};
  run.metrics = metrics;
  run.n_replicates = values.front().size();
  for (const auto& cell : values) run.values.insert(run.values.end(), cell.begin(), cell.end());
  return run;
}

std::string problems_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const InputError& error) {
    return error.what();
  }
  return "nothing";
}

// ---- differences --------------------------------------------------------------------------------------------------

TEST(Programmes, OneBesideAGrowthLedgerIsItsOwnTotal) {
  EXPECT_EQ(total_programme(std::vector<std::string>{"a"}), 0);
  EXPECT_EQ(total_programme(std::vector<std::string>{"a", "all"}), 0);
  EXPECT_EQ(total_programme(std::vector<std::string>{"a", "b", "all"}), 2);
}

TEST(Compare, SubtractsReplicateByReplicateAndCountsWhoIsBetter) {
  const RunValues run = run_of({"base", "more"}, {Metric::adopters}, {{1, 5, 3, 8}, {2, 5, 7, 7}});
  const auto rows = differences({&run, 1}, {&run, 0}, pair_up(run, run), {});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_DOUBLE_EQ(rows[0].baseline, 17.0 / 4);
  EXPECT_DOUBLE_EQ(rows[0].subject, 21.0 / 4);
  EXPECT_DOUBLE_EQ(rows[0].difference.mean, 1);                  // 1, 0, 4, -1
  EXPECT_DOUBLE_EQ(rows[0].difference.sd, std::sqrt(14.0 / 3));  // not the sd of either side
  EXPECT_DOUBLE_EQ(rows[0].p_better, 0.5);
  EXPECT_DOUBLE_EQ(rows[0].p_worse, 0.25);
}

TEST(Compare, KnowsThatCostIsBetterLowAndGapsNearZero) {
  const RunValues run = run_of({"base", "more"}, {Metric::cost_gbp, Metric::deprivation_gap},
                               {{10, 10, 10, 10}, {9, 8, 11, 10}, {-0.2, 0.2, 0.1, 0}, {0.1, -0.1, -0.3, 0}});
  const auto rows = differences({&run, 1}, {&run, 0}, pair_up(run, run), {});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_DOUBLE_EQ(rows[0].p_better, 0.5);
  EXPECT_DOUBLE_EQ(rows[0].p_worse, 0.25);
  EXPECT_DOUBLE_EQ(rows[1].p_better, 0.5);
  EXPECT_DOUBLE_EQ(rows[1].p_worse, 0.25);
  EXPECT_FALSE(is_better(Metric::adopters, kNaN, 1));
  EXPECT_FALSE(is_better(Metric::cost_gbp, 1, kNaN));
}

TEST(Compare, LeavesOutReplicatesThatOneSideLacks) {
  const RunValues run = run_of({"base", "more"}, {Metric::acceleration_months}, {{1, kNaN, 3}, {2, 7, kNaN}});
  const auto rows = differences({&run, 1}, {&run, 0}, pair_up(run, run), {});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_DOUBLE_EQ(rows[0].baseline, 1);
  EXPECT_DOUBLE_EQ(rows[0].difference.mean, 1);
  const RunValues none = run_of({"base", "more"}, {Metric::acceleration_months}, {{1, kNaN}, {kNaN, 2}});
  EXPECT_TRUE(differences({&none, 1}, {&none, 0}, pair_up(none, none), {}).empty());
}

TEST(Compare, WhatIsTheSameIsSaidOnceAndNotShownTwice) {
  // In order: the baseline; itself but for rounding; another; that one again; the same number but another cost.
  const RunValues run =
      run_of({"base", "again", "more", "more-again", "dear"}, {Metric::adopters, Metric::cost_gbp},
             {{1, 2}, {1, 2 + 1e-12}, {3, 5}, {3, 5}, {3, 5}, {7, kNaN}, {7, kNaN}, {8, 9}, {8, 9}, {8, 10}});
  CompareReport report;
  for (int strategy = 1; strategy < 5; ++strategy) {
    Comparison& one = report.comparisons.emplace_back();
    one.subject = {&run, strategy};
    one.baseline = {&run, 0};
    one.pairing = pair_up(run, run);
    one.rows = differences(one.subject, one.baseline, one.pairing, {});
  }
  ASSERT_TRUE(same_as(report, 0));
  EXPECT_EQ(same_as(report, 0)->strategy, 0);
  EXPECT_FALSE(same_as(report, 1));
  ASSERT_TRUE(same_as(report, 2));
  EXPECT_EQ(same_as(report, 2)->strategy, 2);
  EXPECT_FALSE(same_as(report, 3)) << "its cost differs in one world";
  EXPECT_EQ(without_repeats(report).comparisons.size(), 2U);
  const std::string text = compare_table(report, 120);
  EXPECT_NE(text.find("again is, in every world and every figure compared, the same as base."), std::string::npos);
  EXPECT_NE(text.find("more-again is, in every world and every figure compared, the same as more."), std::string::npos);
  EXPECT_EQ(text.find("again minus"), std::string::npos);
  EXPECT_NE(text.find("more minus base"), std::string::npos);
  report.comparisons.resize(1);
  EXPECT_EQ(without_repeats(report).comparisons.size(), 1U) << "a table is shown all the same";
}

// Returns are ratios of means, of the strategies' own worlds (roi_fiscal) and of what is added to the comparator's
// (roi_net, whose second replicate adds no cost to "more"). Mutants rejected: means of ratios (7.75 and 2.625 of roi_fiscal),
// the baseline in the comparator's place.
TEST(Compare, TakesReturnsFromMeansOfGainAndCost) {
  RunValues run = run_of({"base", "more", "none"},
                         {Metric::present_value_cash_gbp, Metric::present_value_cost_gbp,
                          Metric::present_value_cost_public_gbp, Metric::roi_fiscal, Metric::roi_net},
                         {{10, 30},
                          {12, 38},
                          {8, 20},  // cash
                          {21, 30},
                          {28, 20},
                          {20, 20},  // cost
                          {20, 2},
                          {24, 8},
                          {0, 0},  // public cost
                          {0.5, 15},
                          {0.5, 4.75},
                          {kNaN, kNaN},  // cash per public pound
                          {2, 1},
                          {0.5, kNaN},
                          {kNaN, kNaN}});  // added cash per added pound
  run.comparator = 2;
  const auto rows = differences({&run, 1}, {&run, 0}, pair_up(run, run), {});
  ASSERT_EQ(rows.size(), 5U);
  const Difference &fiscal = rows[3], &net = rows[4];
  EXPECT_DOUBLE_EQ(fiscal.baseline, 40.0 / 22);
  EXPECT_DOUBLE_EQ(fiscal.subject, 50.0 / 32);
  EXPECT_DOUBLE_EQ(fiscal.difference.mean, 50.0 / 32 - 40.0 / 22);
  EXPECT_DOUBLE_EQ(fiscal.difference.p50, -5.125);  // of 0 and -10.25
  EXPECT_DOUBLE_EQ(fiscal.p_worse, 0.5);
  // Residuals of "more": (12 - 37.5) / 16 and its opposite; of "base": (10 - 400 / 11) / 11 and its opposite.
  EXPECT_NEAR(fiscal.difference.mcse, std::abs((12 - 37.5) / 16 - (10 - 400.0 / 11) / 11), 1e-14);
  EXPECT_DOUBLE_EQ(net.baseline, 12.0 / 11);   // 2 + 10 for 1 + 10
  EXPECT_DOUBLE_EQ(net.subject, 22.0 / 8);     // 4 + 18 for 8 + 0
  EXPECT_DOUBLE_EQ(net.difference.p50, -1.5);  // of the first replicate alone
  // A strategy that adds no cost on the mean has no return, whatever single replicates say.
  run.values[11] = 50;  // cost of "none" in the second replicate
  EXPECT_EQ(differences({&run, 1}, {&run, 0}, pair_up(run, run), {}).size(), 4U);
}

TEST(Compare, PairsTheCommonPrefixAndSaysSo) {
  const RunValues a = run_of({"base"}, {Metric::adopters, Metric::cost_gbp}, {{1, 2, 3}, {0, 0, 0}});
  RunValues b = run_of({"base"}, {Metric::adopters}, {{2, 4}});
  b.label = "other";
  const Pairing pairing = pair_up(b, a);
  EXPECT_EQ(pairing.n_replicates, 2U);
  ASSERT_EQ(pairing.notes.size(), 1U);
  EXPECT_EQ(pairing.notes[0], "run has 3 replicates and other has 2: the first 2 of each are compared");
  const auto rows = differences({&b, 0}, {&a, 0}, pairing, {});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_DOUBLE_EQ(rows[0].difference.mean, 1.5);
}

TEST(Compare, RefusesWhatCannotBePairedWithEveryReason) {
  const RunValues a = run_of({"base"}, {Metric::adopters}, {{1, 2}});
  RunValues b = run_of({"base"}, {Metric::adopters}, {{1, 2}}, 2);
  b.label = "other";
  b.programmes = {"drug"};
  b.reports = {{kFirst, kSecond, ""}};
  b.region = "Midlands";
  EXPECT_EQ(problems_of([&] { (void)pair_up(b, a); }),
            "run and other: cannot be paired: their seeds are 1 and 2; run both with one --seed\n"
            "run and other: cannot be paired: they are about England and Midlands; give both the same focus\n"
            "run and other: cannot be paired: they start on 2021-01-01 and 2021-12-31\n"
            "run and other: cannot be paired: they have no programme in common\n"
            "run and other: cannot be paired: they have no report date in common; give both the same report_at");
}

TEST(Compare, LeavesOutTotalsOfDifferentProgrammes) {
  RunValues a = run_of({"base"}, {}, {{1}}), b = a;
  a.programmes = {"tool", "drug", "all"};
  b.programmes = {"tool", "device", "all"};
  const Pairing pairing = pair_up(a, b);
  EXPECT_EQ(pairing.programmes, std::vector<std::string>{"tool"});
  EXPECT_EQ(pairing.notes.size(), 1U);
  b.programmes = a.programmes;
  EXPECT_EQ(pair_up(a, b).programmes, a.programmes);
}

TEST(Compare, MeasuresTheVarianceOfIndependentSeeds) {
  // Paired: 1, 1, 1, 1 + 2 in the last: variance of {1, 1, 1, 3} = 1. Independent: var{2,4,6,10} + var{1,3,5,7}.
  const RunValues run = run_of({"base", "more"}, {Metric::adopters}, {{1, 3, 5, 7}, {2, 4, 6, 10}});
  const RunValues other = run_of({"base", "more"}, {Metric::adopters}, {{7, 5, 3, 1}, {0, 0, 0, 0}}, 2);
  auto rows = differences({&run, 1}, {&run, 0}, pair_up(run, run), {});
  add_variances(rows, {&run, 1}, other, 0);
  ASSERT_TRUE(rows.at(0).variance);
  EXPECT_DOUBLE_EQ(rows[0].variance->paired, 1);
  EXPECT_DOUBLE_EQ(rows[0].variance->independent, 35.0 / 3 + 20.0 / 3);
}

TEST(Compare, TakesWhatComesThroughPeersFromTheSamePairWithoutThem) {
  const RunValues run = run_of({"base", "ties"}, {Metric::adopters}, {{1, 2, 3}, {5, 5, 5}});
  const RunValues without = run_of({"base", "ties"}, {Metric::adopters}, {{1, 1, 1}, {2, 1, 3}});
  auto rows = differences({&run, 1}, {&run, 0}, pair_up(run, run), {});
  add_peers(rows, {&run, 1}, {&run, 0}, {&without, 1}, {&without, 0});
  ASSERT_TRUE(rows.at(0).peers);
  EXPECT_DOUBLE_EQ(rows[0].peers->without.mean, 1);  // 1, 0, 2
  EXPECT_DOUBLE_EQ(rows[0].peers->through.mean, 2);  // 3, 3, 0
  EXPECT_DOUBLE_EQ(rows[0].peers->through.sd, std::sqrt(3.0));
}

// ---- targets ------------------------------------------------------------------------------------------------------

TEST(Target, IsReadAndItsChanceCounted) {
  const TargetLevel target = parse_target("ever_adopted>=3@2021-12-31");
  EXPECT_EQ(target.metric, Metric::ever_adopted);
  EXPECT_EQ(target.at, kFirst);
  const RunValues run =
      run_of({"base"}, {Metric::ever_adopted, Metric::cost_gbp}, {{1, 3, 5, kNaN}, {1e6, 2e6, 3e6, 4e6}});
  EXPECT_DOUBLE_EQ(chance_of(target, {&run, 0}, 4), 2.0 / 3);
  EXPECT_DOUBLE_EQ(chance_of(target, {&run, 0}, 2), 0.5);
  EXPECT_DOUBLE_EQ(chance_of(parse_target("tool:cost_gbp<=2e6@2021-12-31"), {&run, 0}, 4), 0.5);
}

TEST(Target, SaysWhatIsWrong) {
  for (const auto& row : std::vector<std::pair<std::string, std::string>>{
           {"ever_adopted>5@2021-12-31", "is not of the form metric>=VALUE@DATE"},
           {"ever_adopted>=5", "is not of the form metric>=VALUE@DATE"},
           {"ever_adoptd>=5@2021-12-31", "names an unknown metric \"ever_adoptd\"; did you mean \"ever_adopted\"?"},
           {"ever_adopted>=five@2021-12-31", "\"five\" is not a number"},
           {"ever_adopted>=@2021-12-31", "\"\" is not a number"},
           {"ever_adopted>=5@2021-02-30", "\"2021-02-30\" is not a date"},
           {"ever_adopted>=5@31.12.2021", "\"31.12.2021\" is not a date"}})
    EXPECT_NE(problems_of([&] { (void)parse_target(row.first); }).find(row.second), std::string::npos)
        << row.first << ": " << problems_of([&] { (void)parse_target(row.first); });
  const RunValues run = run_of({"base"}, {Metric::ever_adopted}, {{1, 3}});
  for (const auto& row : std::vector<std::pair<std::string, std::string>>{
           {"ever_adopted>=5@2022-12-31", "2022-12-31 is no report date of run; they are 2021-12-31"},
           {"drug:ever_adopted>=5@2021-12-31", "run has no programme \"drug\""},
           {"adopters>=5@2021-12-31", "run has no adopters for tool there"}})
    EXPECT_NE(problems_of([&] {
                (void)chance_of(parse_target(row.first), {&run, 0}, 2);
              }).find(row.second),
              std::string::npos)
        << row.first;
}

// ---- displacement -------------------------------------------------------------------------------------------------

TEST(Displacement, IsWhatProgrammesLoseReplicateByReplicate) {
  RunValues run = run_of({"apart", "together"}, {Metric::adopters}, {{}});
  run.programmes = {"tool", "drug", "all"};
  run.n_replicates = 2;
  run.values = {10, 20, 5, 5, 15, 25, /* together */ 8, 15, 5, 6, 13, 21};
  const std::vector<std::string> programmes{"tool", "drug"};
  const auto lost = losses(run, 0, 1, programmes);
  ASSERT_EQ(lost.size(), 3U);
  EXPECT_EQ(lost[0].programme, "tool");
  EXPECT_DOUBLE_EQ(lost[0].lost.mean, 3.5);
  EXPECT_DOUBLE_EQ(lost[1].lost.mean, -0.5);
  EXPECT_EQ(lost[2].programme, "all");
  EXPECT_DOUBLE_EQ(lost[2].lost.mean, 3);
  EXPECT_DOUBLE_EQ(lost[2].lost.sd, std::sqrt(2.0));  // 2, 4
}

TEST(Displacement, AddsNoEventsOfUnlikeKinds) {
  RunValues run = run_of({"apart", "together"}, {Metric::events_avoided}, {{}});
  run.programmes = {"tool", "drug", "all"};
  run.n_replicates = 1;
  run.values = {10, 5, kNaN, /* together */ 8, 4, kNaN};  // strokes and admissions have no total
  const auto lost = losses(run, 0, 1, std::vector<std::string>{"tool", "drug"});
  ASSERT_EQ(lost.size(), 2U);
  EXPECT_EQ(lost[0].programme, "tool");
  EXPECT_EQ(lost[1].programme, "drug");
  EXPECT_DOUBLE_EQ(lost[1].lost.mean, 1);
  const std::string text = attention_text(lost, run.reports[0], 100);
  EXPECT_NE(text.find("(each of its own kind): tool 2"), std::string::npos) << text;
}

TEST(Displacement, ConcernsProgrammesThatTheLeversLeaveAlone) {
  Scenario scenario = synthetic::scenario(52);
  for (const char* name : {"tool", "drug"})
    scenario.programmes.push_back(ProgrammeSpec::with_table_defaults(name, OrganisationType::care_home));
  Lever lever;
  lever.factor = 2;
  lever.programmes = {1};
  scenario.strategies = {{"base"}, {"more"}, {"all-more"}, {"apart"}, {"none", Delivery::no_network}};
  scenario.strategies[1].levers = {lever};
  lever.programmes = {};
  scenario.strategies[2].levers = {lever};
  scenario.strategies[3].attention = Attention::off;
  EXPECT_EQ(untouched_programmes(scenario, 1, 0), std::vector<std::string>{"tool"});
  EXPECT_TRUE(untouched_programmes(scenario, 2, 0).empty());
  EXPECT_EQ(untouched_programmes(scenario, 2, 1), std::vector<std::string>{"drug"});  // the same lever, named or not
  EXPECT_TRUE(untouched_programmes(scenario, 3, 0).empty());
  EXPECT_TRUE(untouched_programmes(scenario, 4, 0).empty());
  EXPECT_TRUE(untouched_programmes(scenario, 0, 0).empty());  // no lever leaves anything alone where there is none
  const auto pairs = attention_pairs(scenario);
  ASSERT_EQ(pairs.size(), 1U);
  EXPECT_EQ(pairs[0].off, 3);
  EXPECT_EQ(pairs[0].on, 0);
  EXPECT_FALSE(has_peer_lever(scenario, 1));
  scenario.strategies[1].levers.front().kind = LeverKind::communities;
  EXPECT_TRUE(has_peer_lever(scenario, 1));
  scenario.attention = false;
  EXPECT_TRUE(attention_pairs(scenario).empty());
}

// ---- the split over drivers ---------------------------------------------------------------------------------------

using Game = std::function<double(unsigned)>;
std::vector<double> worths(std::size_t n, const Game& game) {
  std::vector<double> worth(std::size_t{1} << n);
  for (unsigned set = 0; set < worth.size(); ++set) worth[set] = game(set);
  return worth;
}

/// Games with known values (Shapley 1953): what each player has.
struct SolvedGame {
  std::size_t n;
  Game worth;
  std::vector<double> values;
};
std::vector<SolvedGame> solved_games() {
  return {
      // Additive: everybody brings what is theirs.
      {3, [](unsigned s) { return 4.0 * (s & 1U) + 2.0 * (s >> 1 & 1U) - 1.0 * (s >> 2 & 1U); }, {4, 2, -1}},
      // Unanimity of players 0 and 2: they share, 1 is a dummy.
      {3, [](unsigned s) { return (s & 5U) == 5U ? 1.0 : 0.0; }, {0.5, 0, 0.5}},
      // Symmetric: the square of how many there are, and something for nothing.
      {3, [](unsigned s) { return 7.0 + std::popcount(s) * std::popcount(s); }, {3, 3, 3}},
      // Gloves: player 0 holds the left one, 1 and 2 a right one each.
      {3, [](unsigned s) { return (s & 1U) != 0 && (s & 6U) != 0 ? 1.0 : 0.0; }, {2.0 / 3, 1.0 / 6, 1.0 / 6}},
      // Four players, majority of three: symmetric.
      {4, [](unsigned s) { return std::popcount(s) >= 3 ? 1.0 : 0.0; }, {0.25, 0.25, 0.25, 0.25}},
  };
}

/// Largest error of a solution over the solved games.
double worst_error(const std::function<std::vector<double>(const std::vector<double>&)>& solve) {
  double worst = 0;
  for (const SolvedGame& game : solved_games()) {
    const auto values = solve(worths(game.n, game.worth));
    for (std::size_t player = 0; player < game.n; ++player)
      worst = std::max(worst, std::abs(values[player] - game.values[player]));
  }
  return worst;
}

TEST(Shapley, SolvesTheGamesWhoseValuesAreKnown) {
  EXPECT_LT(worst_error([](const auto& worth) { return shapley_values(worth); }), 1e-14);
  // What each adds to all others, and equal weights for all sets, are not it.
  const auto last_in = [](const std::vector<double>& worth) {
    std::vector<double> values;
    for (std::size_t bit = 1; bit < worth.size(); bit *= 2)
      values.push_back(worth.back() - worth[worth.size() - 1 - bit]);
    return values;
  };
  const auto banzhaf = [](const std::vector<double>& worth) {
    std::vector<double> values;
    for (std::size_t bit = 1; bit < worth.size(); bit *= 2) {
      double sum = 0;
      for (std::size_t set = 0; set < worth.size(); ++set)
        if ((set & bit) == 0) sum += worth[set | bit] - worth[set];
      values.push_back(2 * sum / static_cast<double>(worth.size()));
    }
    return values;
  };
  EXPECT_GT(worst_error(last_in), 0.1);
  EXPECT_GT(worst_error(banzhaf), 0.1);
}

TEST(Shapley, SumsToAllLessNone) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto worth = worths(3, [&](unsigned s) { return 1e6 * uniform(make_key(seed, s), {1, 2, 3, 4}); });
    const auto values = shapley_values(worth);
    EXPECT_NEAR(values[0] + values[1] + values[2], worth.back() - worth.front(), 1e-8);
  }
}

/// A run whose worlds are worth what a game says, scaled by the replicate.
RunValues run_of_game(const Game& game, const std::vector<std::string>& worlds, const std::vector<unsigned>& present) {
  std::vector<std::vector<double>> values;
  for (std::size_t world = 0; world < worlds.size(); ++world) {
    const double v = game(present[world]);
    values.push_back({v, 2 * v, 3 * v});
  }
  return run_of(worlds, {Metric::adopters}, values);
}

TEST(Shapley, KnowsTheWorldsByTheDriversThatTheyLack) {
  const std::vector<std::string> worlds{"as-delivered",
                                        "no-network",
                                        "without-effort",
                                        "without-shock",
                                        "without-incentive",
                                        "without-effort-incentive",
                                        "without-effort-shock",
                                        "without-incentive-shock",
                                        "without-effort-incentive-shock"};
  // Bits: effort 1, incentive 2, shock 4.
  const std::vector<unsigned> present{7, 0, 6, 3, 5, 4, 2, 1, 0};
  const SolvedGame gloves = solved_games()[3];
  const auto splits = split_over_drivers(run_of_game(gloves.worth, worlds, present), 0);
  ASSERT_EQ(splits.size(), 1U);
  for (std::size_t driver = 0; driver < 3; ++driver)
    EXPECT_NEAR(splits[0].by_driver[driver].mean, 2 * gloves.values[driver], 1e-14);
  EXPECT_DOUBLE_EQ(splits[0].together.mean, 2);
  // Two worlds mixed up change the answer; one missing leaves none.
  std::vector<unsigned> mixed = present;
  std::swap(mixed[2], mixed[3]);
  EXPECT_GT(std::abs(split_over_drivers(run_of_game(gloves.worth, worlds, mixed), 0)[0].by_driver[0].mean - 4.0 / 3),
            0.1);
  RunValues fewer = run_of_game(gloves.worth, worlds, present);
  fewer.strategies[4] = "other";
  EXPECT_TRUE(split_over_drivers(fewer, 0).empty());
}

TEST(Shapley, SplitsOnlyWhatAddsUp) {
  EXPECT_TRUE(is_additive(Metric::adopters));
  EXPECT_TRUE(is_additive(Metric::cost_gbp));
  EXPECT_FALSE(is_additive(Metric::adoption_share));
  EXPECT_FALSE(is_additive(Metric::roi_net));
}

// ---- simulating and reading back ----------------------------------------------------------------------------------

std::shared_ptr<const Model> small_world() {
  Scenario scenario = synthetic::scenario(60);
  scenario.programmes.push_back(ProgrammeSpec::with_table_defaults("tool", OrganisationType::care_home));
  scenario.programmes.back().outcome = OutcomeKind::none;
  scenario.focus = "Region 1";
  return make_model(scenario, synthetic::population(80));
}

TEST(Compare, SimulatesTheSameValuesOnAnyNumberOfThreads) {
  const auto model = small_world();
  Control serial, threads;
  serial.body = Body::serial;
  threads.body = Body::tbb;
  threads.n_threads = 3;
  const RunValues a = simulate_values(model, 7, serial), b = simulate_values(model, 7, threads);
  const SummaryLayout layout = make_layout(*model);
  EXPECT_EQ(a.region, "Region 1");
  EXPECT_EQ(a.n_replicates, 7U);
  ASSERT_EQ(a.values.size(), b.values.size());
  EXPECT_EQ(0, std::memcmp(a.values.data(), b.values.data(), a.values.size() * sizeof(double)));
  const Block& block = *layout.find(Metric::engaged, Axis::report);
  double sum = 0;
  for (std::size_t r = 0; r < 7; ++r) {
    const double expected = simulate_replicate(model, layout, r)[block.at(0, 0, 0, 2)];
    EXPECT_EQ(a.find(0, Metric::engaged, "tool", model->calendar().last_day())[r], expected);
    sum += expected;
  }
  EXPECT_GT(sum, 0);
  EXPECT_TRUE(a.find(0, Metric::regional_cv, "tool", model->calendar().last_day()).empty()) << "England alone has it";
}

bool same_values(const RunValues& a, const RunValues& b) {
  return a.strategies == b.strategies && a.programmes == b.programmes && a.region == b.region &&
         a.metrics == b.metrics && a.n_replicates == b.n_replicates && a.seed == b.seed &&
         a.population_seed == b.population_seed && a.version == b.version && a.mode == b.mode &&
         a.values.size() == b.values.size() &&
         std::equal(a.values.begin(), a.values.end(), b.values.begin(),
                    // A file keeps the digits of 32-bit floats.
                    [](double x, double y) {
                      return static_cast<float>(x) == static_cast<float>(y) || (std::isnan(x) && std::isnan(y));
                    }) &&
         std::ranges::equal(a.reports, b.reports, [](const Period& x, const Period& y) {
           return x.from == y.from && x.to == y.to && x.label == y.label;
         });
}

TEST(Compare, ReadsBackWhatARunHasWritten) {
  const TestFolder folder;
  const auto run = made_up_run({});
  write_results(run->record, folder.path(), {});
  EXPECT_TRUE(same_values(read_values(folder.path(), ""), values_of(run->record, 0)));
  const std::string region = run->record.layout.regions[1];
  EXPECT_TRUE(same_values(read_values(folder.path() / "results.h5", region), values_of(run->record, 1)));
  EXPECT_FALSE(same_values(read_values(folder.path(), ""), values_of(run->record, 1)));
  EXPECT_EQ(problems_of([&] { (void)read_values(folder.path(), "Nowhere"); }),
            folder.path().string() + ": has no region \"Nowhere\"");
  RunValues few = read_values(folder.path(), ""), all = few;
  keep_first(few, 3);
  EXPECT_EQ(few.n_replicates, 3U);
  const Date to = few.reports[1].to;
  for (std::size_t r = 0; r < 3; ++r)
    EXPECT_EQ(few.find(2, Metric::adopters, "all", to)[r], all.find(2, Metric::adopters, "all", to)[r]);
}

TEST(Compare, ARecordLaidOutByCellHasTheSameValues) {
  const TestFolder folder;
  const auto run = made_up_run({});
  const Ensemble laid_out = by_cell(*run->record.ensemble, folder.path(), {});
  ASSERT_TRUE(laid_out.cells);
  RunRecord record = run->record;
  record.ensemble = &laid_out;
  for (const int place : {0, 1}) EXPECT_TRUE(same_values(values_of(record, place), values_of(run->record, place)));
}

TEST(Compare, ABrokenResultIsAnErrorOfItsFile) {
  const TestFolder folder;
  const std::filesystem::path file = folder.path() / "results.h5";
  EXPECT_THROW((void)read_values(folder.path(), ""), FileError);
  const auto run = made_up_run({.n_programmes = 1, .n_regions = 2, .n_boards = 2, .n_weeks = 60, .n_replicates = 4});
  write_results(run->record, folder.path(), {});
  std::string whole;
  {
    std::ifstream in(file, std::ios::binary);
    whole.assign(std::istreambuf_iterator<char>(in), {});
  }
  const auto write = [&](const std::string& bytes) { std::ofstream(file, std::ios::binary) << bytes; };
  for (int part = 0; part < 50; ++part) {
    write(whole.substr(0, whole.size() * static_cast<std::size_t>(part) / 50));
    EXPECT_THROW((void)read_values(folder.path(), ""), FileError) << part << " parts of 50";
  }
  write(whole.substr(0, whole.size() - 1));
  EXPECT_THROW((void)read_values(folder.path(), ""), FileError);
  write("schema = 1\n");
  EXPECT_THROW((void)read_values(folder.path(), ""), FileError);
  write(whole);
  EXPECT_EQ(read_values(folder.path(), "").n_replicates, 4U);
}

// ---- published figures --------------------------------------------------------------------------------------------

double value_at(const Ensemble& ensemble, std::size_t replicate, std::size_t at) {
  double value = 0;
  ensemble.read(replicate, at, {&value, 1});
  return value;
}

Published figure(std::string metric, std::optional<Date> from, Date to, double value) {
  Published made;
  made.metric = std::move(metric);
  made.from = from;
  made.to = to;
  made.value = value;
  made.source = "S1";
  return made;
}

TEST(PublishedFigures, StandBesideTheNearestValueThatIsKept) {
  auto run = made_up_run({.n_programmes = 2, .n_regions = 3, .n_boards = 4, .n_weeks = 130, .n_replicates = 5});
  auto model = std::make_shared<Model>(*run->record.model);
  const SummaryLayout& layout = run->record.layout;
  auto& figures = model->scenario.programmes[1].published;
  figures = {figure("adopters", {}, sys_days{2021y / June / 10}, 1e9),     // month end of May, 10 days
             figure("adopters", {}, sys_days{2021y / December / 31}, 0),   // report date and month end alike
             figure("cost_gbp", {}, sys_days{2022y / September / 30}, 0),  // report, from the start
             figure("cost_gbp", sys_days{2021y / April / 1}, sys_days{2023y / March / 31}, 0),  // two financial years
             figure("cost_gbp", sys_days{2021y / July / 1}, sys_days{2021y / July / 31}, 0),    // nothing like it
             figure("adopters", {}, sys_days{2030y / July / 31}, 0)};
  model->scenario.published = {figure("roi_net", {}, sys_days{2021y / December / 31}, 0)};
  run->record.model = model;
  const auto all = published_beside(run->record);
  ASSERT_EQ(all.size(), 7U);
  EXPECT_EQ(all[0].programme, "all");
  EXPECT_TRUE(std::isnan(all[0].gross.mean)) << "a comparison has no gross";
  EXPECT_FALSE(std::isnan(all[0].net.mean));

  const auto mean = [&](Metric metric, Axis axis, int strategy, const std::vector<int>& times) {
    double sum = 0;
    for (std::size_t r = 0; r < 5; ++r)
      for (const int time : times)
        sum += value_at(run->ensemble, r, layout.find(metric, axis)->at(strategy, 1, time, 0));
    return sum / 5;
  };
  EXPECT_EQ(all[1].programme, "programme-1");
  EXPECT_EQ(all[1].used->to, sys_days(2021y / May / 31));
  EXPECT_NEAR(all[1].gross.mean, mean(Metric::adopters, Axis::month, 0, {4}), 1e-9);
  EXPECT_NEAR(all[1].net.mean,
              mean(Metric::adopters, Axis::month, 0, {4}) - mean(Metric::adopters, Axis::month, 1, {4}), 1e-9);
  EXPECT_EQ(all[1].p_below, 1);
  EXPECT_EQ(all[2].used->to, kFirst);
  EXPECT_NEAR(all[2].gross.mean, mean(Metric::adopters, Axis::report, 0, {0}), 1e-9);
  EXPECT_EQ(all[2].p_below, 0);
  EXPECT_EQ(all[3].used->from, kStart);
  EXPECT_NEAR(all[3].gross.mean, mean(Metric::cost_gbp, Axis::report, 0, {1}), 1e-9);
  EXPECT_EQ(all[4].used->from, sys_days(2021y / April / 1));
  EXPECT_EQ(all[4].used->to, sys_days(2023y / March / 31));
  EXPECT_NEAR(all[4].gross.mean, mean(Metric::cost_gbp, Axis::year, 0, {1, 2}), 1e-9);
  EXPECT_GT(std::abs(mean(Metric::cost_gbp, Axis::year, 0, {1}) - all[4].gross.mean), 100) << "one year is not two";
  EXPECT_FALSE(all[5].used);
  EXPECT_FALSE(all[6].used);
  EXPECT_FALSE(all[1].is_of_other_days);
}

/// What began on a day is not set beside the day before, however near that is, and a quarter apart is no contradiction.
TEST(PublishedFigures, StandBesideNoDayBeforeTheProgrammeBegan) {
  auto run = made_up_run({.n_programmes = 1, .n_regions = 3, .n_boards = 4, .n_weeks = 130, .n_replicates = 5});
  auto model = std::make_shared<Model>(*run->record.model);
  ProgrammeSpec& programme = model->scenario.programmes[0];
  programme.published = {figure("adopters", {}, sys_days{2021y / June / 10}, 5)};
  run->record.model = model;
  EXPECT_EQ(published_beside(run->record).front().used->to, sys_days(2021y / May / 31));
  programme.available_from = sys_days{2021y / June / 1};
  EXPECT_EQ(published_beside(run->record).front().used->to, sys_days(2021y / June / 30));
  programme.available_from = sys_days{2021y / July / 20};  // counted before it was there: the nearest day of all
  EXPECT_EQ(published_beside(run->record).front().used->to, sys_days(2021y / May / 31));
}

TEST(PublishedFigures, AndTheFocusAreCheckedAgainstThePopulation) {
  Scenario scenario = synthetic::scenario(60);
  scenario.file = "s.toml";
  scenario.programmes.push_back(ProgrammeSpec::with_table_defaults("tool", OrganisationType::care_home));
  scenario.focus = "Regoin 1";
  scenario.published = {figure("adopters", {}, kFirst, 1), figure("regional_cv", {}, kFirst, 1)};
  scenario.published[0].region = "R7";
  scenario.published[0].where = "s.toml:9:1";
  scenario.programmes[0].published = {figure("adopters", {}, kFirst, 1)};
  scenario.programmes[0].published[0].region = "R2";
  scenario.published[1].region = "Region 1";
  scenario.published[1].where = "s.toml:12:1";
  const auto population = synthetic::population(80);
  EXPECT_EQ(problems_of([&] { (void)make_model(scenario, population); }),
            "s.toml: focus = \"Regoin 1\", and no region is called so in this population; did you mean \"Region 1\"?\n"
            "s.toml:9:1: no region is called \"R7\" in this population; did you mean \"R0\"?\n"
            "s.toml:12:1: regional_cv is given for England alone, not for Region 1");
  scenario.focus = "England";
  scenario.published.clear();
  const auto model = make_model(scenario, population);
  EXPECT_EQ(model->scenario.focus, "");
  EXPECT_EQ(model->scenario.programmes[0].published[0].region, "Region 2") << "codes become names";
}

}  // namespace
}  // namespace uptake
