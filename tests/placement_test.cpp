#include "ensemble/placement.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include "uptake/ensemble.hpp"

namespace uptake {
namespace {

TEST(Placement, RangesOfCoresAreWrittenAndRead) {
  for (const auto& [numbers, text] : std::vector<std::pair<std::vector<int>, std::string>>{
           {{}, ""}, {{3}, "3"}, {{0, 1}, "0-1"}, {{0, 1, 2, 3, 8, 10, 11}, "0-3,8,10-11"}}) {
    EXPECT_EQ(ranges_text(numbers), text);
    EXPECT_EQ(numbers_of_ranges(text), numbers);
  }
  EXPECT_EQ(numbers_of_ranges("0-1,x"), (std::vector<int>{0, 1}));
  EXPECT_TRUE(numbers_of_ranges("-5").empty());
  EXPECT_TRUE(numbers_of_ranges("0-99999999").empty());
}

TEST(Placement, KnowsTheMaskOfThisProcess) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  ASSERT_EQ(sched_getaffinity(0, sizeof mask, &mask), 0);
  const Placement here = placement_of_this_process(3);
  EXPECT_EQ(here.n_threads, 3);
  EXPECT_FALSE(here.host.empty());
  EXPECT_EQ(static_cast<int>(here.cores.size()), CPU_COUNT(&mask));
  for (const int core : here.cores) EXPECT_TRUE(CPU_ISSET(core, &mask));
}

TEST(Placement, OneCoreForEachThreadIsNothingToWarnOf) {
  const std::vector<Placement> ranks{{"a", 2, {0, 1}, {0}}, {"a", 2, {2, 3}, {1}}, {"b", 4, {0, 1, 2, 3}, {0, 1}}};
  EXPECT_TRUE(placement_warnings(ranks).empty());
  EXPECT_EQ(placement_table(ranks),
            (std::vector<std::string>{"rank  host  threads  NUMA  cores", "   0  a           2     0  0-1",
                                      "   1  a           2     1  2-3", "   2  b           4   0-1  0-3"}));
}

TEST(Placement, ThreadsAndCoresThatDisagreeAreSaid) {
  const auto warned = [](const std::vector<Placement>& ranks) {
    const auto warnings = placement_warnings(ranks);
    return warnings.size() == 1 ? warnings[0] : std::to_string(warnings.size()) + " warnings";
  };
  EXPECT_EQ(warned({{"a", 2, {0, 1}, {}}, {"a", 2, {0, 1}, {}}}),
            "a: 4 threads of 2 ranks on 2 cores, so they take turns; give each rank cores of its own, or fewer "
            "--threads");
  EXPECT_EQ(warned({{"a", 1, {0, 1, 2, 3}, {}}}),
            "a: 1 thread of 1 rank on 4 cores, so some stand idle; more ranks or more --threads would use them");
  EXPECT_EQ(warned({{"a", 3, {0}, {}}, {"a", 1, {1, 2, 3}, {}}}), "rank 0: 3 threads on 1 core of its own");
}

TEST(Placement, SlurmsCoresForATaskLimitTheThreads) {
  ASSERT_EQ(unsetenv("SLURM_CPUS_PER_TASK"), 0);
  const int all = available_threads();
  for (const char* one : {"1", "0", "-3", "many", "1x", ""}) {
    ASSERT_EQ(setenv("SLURM_CPUS_PER_TASK", one, 1), 0);
    EXPECT_EQ(available_threads(), one == std::string("1") ? 1 : all) << one;
  }
  ASSERT_EQ(setenv("SLURM_CPUS_PER_TASK", "4096", 1), 0);
  EXPECT_EQ(available_threads(), all);
  ASSERT_EQ(unsetenv("SLURM_CPUS_PER_TASK"), 0);
}

}  // namespace
}  // namespace uptake
