// Populations that a scenario asks for by number.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "oracle.hpp"
#include "uptake/network.hpp"
#include "uptake/population.hpp"
#include "uptake/scenario.hpp"
#include "worlds.hpp"

namespace uptake {
namespace {

PopulationOptions asked(std::size_t n, int degree, GraphForm form, double rewired = 0.1,
                        TieWeights weights = TieWeights::equal) {
  PopulationOptions options;
  options.seed = 7;
  options.synthetic = SyntheticPopulation{
      .n_organisations = n, .degree = degree, .form = form, .rewired = rewired, .weights = weights, .n_regions = 4};
  return options;
}

/// All ties, as a population from tables keeps them.
Ties ties_of(const Population& population) {
  Ties ties;
  ties.offsets = {0};
  hear(population, Layer::geography, [&](std::size_t, std::span<const Heard> heard) {
    for (const Heard& tie : heard) {
      ties.sources.push_back(tie.source);
      ties.weights.push_back(tie.weight);
    }
    ties.offsets.push_back(static_cast<std::uint32_t>(ties.sources.size()));
  });
  EXPECT_EQ(ties.offsets.size(), population.n_organisations() + 1);
  EXPECT_EQ(ties.sources.size(), n_ties(population, Layer::geography));
  return ties;
}

/// Ties that do not lead to one of the `degree` nearest in the circle.
double share_far(const Population& population, int degree) {
  const std::size_t n = population.n_organisations();
  const Ties ties = ties_of(population);
  double far = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (auto e = ties.offsets[i]; e < ties.offsets[i + 1]; ++e) {
      const std::size_t ahead = (ties.sources[e] + n - i) % n;
      far += std::min(ahead, n - ahead) > static_cast<std::size_t>(degree / 2) ? 1 : 0;
    }
  }
  return far / static_cast<double>(ties.sources.size());
}

TEST(Synthetic, EveryOrganisationHasAsManyDifferentTiesAsAskedInEveryForm) {
  for (const GraphForm form : {GraphForm::ring, GraphForm::small_world, GraphForm::random}) {
    for (const int degree : {0, 2, 10, 18}) {
      const Population population = build_synthetic(asked(20, degree, form, 0.5));
      ASSERT_EQ(population.n_organisations(), 20U);
      const Ties ties = ties_of(population);
      for (std::size_t i = 0; i < 20; ++i) {
        const auto* sources = ties.sources.data();
        const std::set<std::uint32_t> different(sources + ties.offsets[i], sources + ties.offsets[i + 1]);
        EXPECT_EQ(different.size(), static_cast<std::size_t>(degree));
        EXPECT_FALSE(different.contains(static_cast<std::uint32_t>(i)));
        EXPECT_TRUE(different.empty() || *different.rbegin() < 20);
      }
    }
  }
}

TEST(Synthetic, IsARingOrHasTheShareOfTiesRewiredThatWasAskedFor) {
  constexpr std::size_t kN = 5'000;
  EXPECT_EQ(share_far(build_synthetic(asked(kN, 10, GraphForm::ring)), 10), 0);
  EXPECT_EQ(share_far(build_synthetic(asked(kN, 10, GraphForm::small_world, 0)), 10), 0);
  // A rewired tie leads to any of the n - 1 - 10 others, or near: given up neighbours may be found again (about 1 of n).
  const double ties = kN * 10.0;
  const auto z = [&](double share, double expected) {
    return (share - expected) / std::sqrt(expected * (1 - expected) / ties);
  };
  const double tenth = share_far(build_synthetic(asked(kN, 10, GraphForm::small_world, 0.1)), 10);
  EXPECT_LT(std::abs(z(tenth, 0.1)), 4) << tenth;
  EXPECT_GT(std::abs(z(share_far(build_synthetic(asked(kN, 10, GraphForm::small_world, 0.106)), 10), 0.1)),
            4);  // mutant
  const double any = share_far(build_synthetic(asked(kN, 10, GraphForm::random)), 10);
  EXPECT_LT(std::abs(z(any, 1 - 10.0 / (kN - 1))), 4) << any;
}

TEST(Synthetic, SourcesOfARandomGraphAreEquallyLikely) {
  constexpr std::size_t kN = 2'000;
  // Out-degrees are binomial: n (n - 1) / (n - 1) trials with mean 10 and variance 10 (1 - 10 / (n - 1)).
  const double variance = 10 * (1 - 10.0 / (kN - 1));
  const auto z_of = [&](const PopulationOptions& options) {
    std::vector<double> heard(kN, 0);
    for (const auto source : ties_of(build_synthetic(options)).sources) heard[source] += 1;
    double squares = 0;
    for (const double n : heard) squares += (n - 10) * (n - 10) / variance;
    return (squares - kN) / std::sqrt(2.0 * kN);
  };
  EXPECT_LT(std::abs(z_of(asked(kN, 10, GraphForm::random))), 4);
  // Mutants: graphs whose sources are heard too evenly, all of them or half.
  EXPECT_LT(z_of(asked(kN, 10, GraphForm::ring)), -4);
  EXPECT_LT(z_of(asked(kN, 10, GraphForm::small_world, 0.5)), -4);
}

TEST(Synthetic, TheSameOptionsGiveTheSamePopulationAndAnotherSeedAnotherOne) {
  const PopulationOptions options = asked(500, 6, GraphForm::small_world, 0.3, TieWeights::random);
  const Population a = build_synthetic(options), b = build_synthetic(options);
  const Ties of_a = ties_of(a), of_b = ties_of(b);
  EXPECT_EQ(of_a.sources, of_b.sources);
  EXPECT_EQ(of_a.weights, of_b.weights);
  EXPECT_EQ(a.identity, b.identity);
  PopulationOptions other = options;
  other.seed = 8;
  EXPECT_NE(ties_of(build_synthetic(other)).sources, of_a.sources);
  const double sum = std::accumulate(of_a.weights.begin(), of_a.weights.end(), 0.0);
  EXPECT_LT(std::abs(sum / 3000 - 0.5) / std::sqrt(1.0 / 12 / 3000), 4);
  for (std::size_t r = 0; r < 4; ++r)
    EXPECT_EQ(std::ranges::count_if(a.board, [&](auto board) { return board == r; }), 125);
}

TEST(Synthetic, AnExportedProcessIsTheWorldOfTheIntegerTwin) {
  Scenario scenario = synthetic::scenario(200);
  auto programme = ProgrammeSpec::with_table_defaults("plain", OrganisationType::care_home);
  programme.skipped = {.engaged = true, .implementing = true};
  for (const Parameter none : {Parameter::mu1, Parameter::mu2, Parameter::sd_region}) programme.fix(none, 0);
  programme.fix(Parameter::p, 0.05);
  programme.fix(Parameter::q, 1.5);
  programme.fix(Parameter::start_in_use, 0.02);
  scenario.programmes = {programme};
  const auto population = std::make_shared<const Population>(
      build_synthetic(asked(300, 6, GraphForm::small_world, 0.1, TieWeights::random)));
  const Prepared run = prepare(scenario, population, 0, 0);
  const NetworkProcess process = network_process(run.model, run.draw, run.key);
  EXPECT_EQ(process.left_out, std::vector<std::string>{});
  EXPECT_EQ(process.ties.size(), 1800U);
  std::vector<int> expected(300, -1);
  for (const Event& event : oracle::integer_twin(*run.model, 0, *run.rates, run.draw, *run.clocks)) {
    if (event.stage == Stage::in_use) expected[event.record] = event.boundary;
  }
  // The process as its README defines it, from its doubles alone.
  const auto replay = [&](double weight_of_a_tie) {
    std::vector<double> exposure(300, 0), hazard(300, 0);
    std::vector<int> week(300, -1);
    std::vector<std::uint32_t> entering;
    for (std::uint32_t i = 0; i < 300; ++i)
      if (process.nodes[i].in_use_at_start) entering.push_back(i);
    for (int boundary = 0; boundary <= process.n_weeks; ++boundary) {
      for (const auto i : entering) week[i] = boundary;
      for (const NetworkProcess::Tie& tie : process.ties)
        if (week[tie.from] == boundary) exposure[tie.to] += weight_of_a_tie * tie.weight;
      entering.clear();
      if (boundary == process.n_weeks) break;
      for (std::uint32_t i = 0; i < 300; ++i) {
        const NetworkProcess::Node& node = process.nodes[i];
        const auto& now = process.weeks[node.hazard_class][static_cast<std::size_t>(boundary)];
        hazard[i] += now.external + now.peer[0] * exposure[i];
        if (week[i] < 0 && hazard[i] >= node.decide) entering.push_back(i);
      }
    }
    return week;
  };
  EXPECT_EQ(replay(1), expected);
  EXPECT_NE(replay(0.98), expected);  // mutant
  std::vector<int> own;
  for (const auto& node : process.nodes) own.push_back(node.week);
  EXPECT_EQ(own, expected);
  EXPECT_GT(std::ranges::count_if(expected, [](int week) { return week > 0; }), 150);
}

}  // namespace
}  // namespace uptake
