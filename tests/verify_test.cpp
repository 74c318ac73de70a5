#include "uptake/verify.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <stop_token>
#include <string>

#include "verify/experiments.hpp"
#include "verify/known_worlds.hpp"

namespace uptake {
namespace {

TEST(Verify, AnswersEveryNumberOfTheModelWithinItsTolerance) {
  std::size_t n_heard = 0;
  const auto cases = verify(Control{}, [&](const VerificationCase&) { ++n_heard; });
  EXPECT_EQ(n_heard, cases.size());
  std::set<std::string> ids;
  std::set<int> numbers;
  for (const VerificationCase& entry : cases) {
    EXPECT_TRUE(entry.pass) << entry.id << " " << entry.name << ": expected " << entry.expected << ", got " << entry.got
                            << ", tolerance " << entry.tolerance << " (" << entry.detail << ")";
    EXPECT_TRUE(ids.insert(entry.id).second) << entry.id << " is used twice";
    EXPECT_FALSE(entry.name.empty());
    EXPECT_FALSE(entry.detail.empty());
    numbers.insert(std::stoi(entry.id.substr(1)));
    if (!std::isnan(entry.z)) {
      EXPECT_NEAR(4 * std::abs(entry.got - entry.expected) / entry.tolerance, std::abs(entry.z), 1e-6) << entry.id;
    }
  }
  for (int number = 1; number <= 22; ++number) EXPECT_TRUE(numbers.contains(number)) << "V" << number << " is missing";
}

TEST(Verify, AStopIsHeardBeforeTheFirstCase) {
  std::stop_source source;
  source.request_stop();
  Control control;
  control.stop = source.get_token();
  EXPECT_TRUE(verify(control).empty());
}

/// The sample that meets its law must reject the law of a kernel with a mistake in it, figure by figure.
class VerifyMistake : public testing::TestWithParam<std::size_t> {};

TEST_P(VerifyMistake, IsRejectedByEveryFigureOfItsSample) {
  const Experiment experiment = experiments()[GetParam()];
  const Sample sample = experiment.sample(Control{});
  const auto laws = experiment.law(experiment.step_years, {});
  const auto mistaken = experiment.law(experiment.step_years, experiment.mistake);
  ASSERT_EQ(laws.size(), experiment.figures.size());
  ASSERT_EQ(sample.sum.size(), experiment.figures.size());
  for (std::size_t figure = 0; figure < laws.size(); ++figure) {
    EXPECT_LT(std::abs(z_score(sample, figure, laws[figure])), 4)
        << experiment.id << " " << experiment.figures[figure].name;
    EXPECT_GT(std::abs(z_score(sample, figure, mistaken[figure])), 4)
        << experiment.id << " " << experiment.figures[figure].name << " does not see " << experiment.mistake_name;
  }
}
INSTANTIATE_TEST_SUITE_P(AllExperiments, VerifyMistake, testing::Range(std::size_t{0}, experiments().size()),
                         [](const auto& param) {
                           return experiments()[param.param].id + "Number" + std::to_string(param.param);
                         });

TEST(VerifyMistakes, CoverRateExposureTimingAndProbability) {
  bool rate = false, exposure = false, timing = false, probability = false;
  for (const Experiment& experiment : experiments()) {
    rate |= experiment.mistake.rate != 1;
    exposure |= experiment.mistake.listens_to_self != 0;
    timing |= experiment.mistake.steps_late != 0;
    probability |= experiment.mistake.firing == Firing::hazard_as_probability;
  }
  EXPECT_TRUE(rate && exposure && timing && probability);
}

TEST(KnownWorlds, ARingListensToItsNearest) {
  const Population ring = ring_lattice(10, 4);
  const auto first = ring.geography.offsets[0], end = ring.geography.offsets[1];
  EXPECT_EQ(std::set<std::uint32_t>(ring.geography.sources.begin() + first, ring.geography.sources.begin() + end),
            (std::set<std::uint32_t>{1, 2, 8, 9}));
}

TEST(KnownWorlds, MixedOrganisationsHaveTiesInEveryLayer) {
  const auto model = make_model(lone_world(plain_programme(), 10, 1.0 / 52, 1),
                                std::make_shared<const Population>(mixed_population(300)));
  unsigned seen = 0;
  for (const RecordClass& kind : model->programmes[0].classes) seen |= kind.layer_mask;
  EXPECT_EQ(seen, (1U << kNLayers) - 1);
}

}  // namespace
}  // namespace uptake
