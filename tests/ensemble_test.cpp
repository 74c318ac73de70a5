#include "uptake/ensemble.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "ensemble/cgroup.hpp"
#include "team.hpp"
#include "uptake/random.hpp"

namespace uptake {
namespace {

/// Bodies that this build may run: Debian's oneTBB is not instrumented, so the thread sanitizer misjudges it.
std::vector<Body> bodies() {
#ifdef __SANITIZE_THREAD__
  return {Body::serial, Body::threads};
#else
  return {Body::serial, Body::threads, Body::tbb};
#endif
}

Control control_of(Body body, int n_threads) {
  Control control;
  control.body = body;
  control.n_threads = n_threads;
  return control;
}

/// A value that depends on the index alone, after a time that does not.
std::vector<double> uneven(std::size_t i) {
  double x = 0;
  for (std::uint64_t k = 0; k < mix64(i) % 2000; ++k) x += std::sqrt(static_cast<double>(k));
  return {static_cast<double>(i), std::floor(x)};
}

TEST(Ensemble, EveryBodySinksTheSameValuesInTheSameOrder) {
  std::vector<std::vector<double>> expected;
  for (std::size_t i = 0; i < 300; ++i) expected.push_back(uneven(i));
  for (const Body body : bodies()) {
    for (const int n_threads : {1, 2, 4}) {
      std::vector<std::vector<double>> sunk;
      const std::size_t n = run_tasks(
          300, uneven,
          [&](std::size_t i, std::vector<double>&& value) {
            EXPECT_EQ(i, sunk.size());
            sunk.push_back(std::move(value));
          },
          control_of(body, n_threads));
      EXPECT_EQ(n, 300u);
      EXPECT_EQ(sunk, expected);
    }
  }
}

TEST(Ensemble, EveryMemberOfATeamSinksAllValuesInOrderAndDoesOnlyItsShare) {
  for (const Body body : bodies()) {
    for (const std::size_t size : {1U, 2U, 3U, 5U}) {
      for (const std::size_t n : {0U, 1U, 4U, 100U}) {
        std::atomic<std::size_t> n_done = 0;
        const std::size_t n_exchanges = with_team(size, [&](const Team& team) {
          Control control = control_of(body, 2);
          control.team = &team;
          std::vector<std::vector<double>> sunk;
          const std::size_t n_sunk = run_tasks(
              n,
              [&](std::size_t i) {
                ++n_done;
                EXPECT_EQ(i % size, team.rank);
                return std::vector<double>(i % 3, static_cast<double>(i));
              },
              [&](std::size_t i, std::vector<double>&& value) {
                EXPECT_EQ(i, sunk.size());
                sunk.push_back(std::move(value));
              },
              control);
          EXPECT_EQ(n_sunk, n);
          ASSERT_EQ(sunk.size(), n);
          for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(sunk[i], std::vector<double>(i % 3, static_cast<double>(i)));
        });
        EXPECT_EQ(n_done, n);
        EXPECT_EQ(n_exchanges, 1U);
      }
    }
  }
}

TEST(Ensemble, AStopOfOneMemberLeavesTheSamePrefixOnAll) {
  std::array<std::size_t, 3> n_sunk{};
  with_team(3, [&](const Team& team) {
    std::stop_source source;
    Control control = control_of(Body::serial, 1);
    control.team = &team;
    control.stop = source.get_token();
    n_sunk[team.rank] = run_tasks(
        100,
        [&](std::size_t i) {
          if (i == 31) source.request_stop();  // rank 1, which has done 1, 4, ..., 31 then
          return std::vector<double>{1};
        },
        [](std::size_t, std::vector<double>&&) {}, control);
  });
  EXPECT_EQ(n_sunk, (std::array<std::size_t, 3>{34, 34, 34}));
}

TEST(Ensemble, NoTasksAreNoWork) {
  for (const Body body : bodies())
    EXPECT_EQ(run_tasks(
                  0, uneven, [](std::size_t, std::vector<double>&&) { FAIL(); }, control_of(body, 2)),
              0u);
}

TEST(Ensemble, TheSinkIsNeverEnteredTwiceAtOnce) {
  for (const Body body : bodies()) {
    std::atomic<int> inside = 0;
    run_tasks(
        200, uneven,
        [&](std::size_t, std::vector<double>&&) {
          EXPECT_EQ(inside.fetch_add(1), 0);
          std::this_thread::yield();
          inside.fetch_sub(1);
        },
        control_of(body, 4));
  }
}

TEST(Ensemble, AStopLeavesAPrefixAndStartedTasksFinish) {
  for (const Body body : bodies()) {
    std::stop_source source;
    Control control = control_of(body, 2);
    control.stop = source.get_token();
    std::atomic<std::size_t> started = 0;
    std::vector<std::size_t> sunk;
    const std::size_t n = run_tasks(
        100000,
        [&](std::size_t i) {
          ++started;
          return uneven(i);
        },
        [&](std::size_t i, std::vector<double>&&) {
          sunk.push_back(i);
          if (i == 20) source.request_stop();
        },
        control);
    ASSERT_EQ(n, sunk.size());
    EXPECT_EQ(n, started);
    EXPECT_GE(n, 21u);
    EXPECT_LE(n, 21u + 2 * 4 + 2);
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(sunk[i], i);
  }
}

TEST(Ensemble, AStopBeforeTheStartRunsNothing) {
  std::stop_source source;
  source.request_stop();
  for (const Body body : bodies()) {
    Control control = control_of(body, 2);
    control.stop = source.get_token();
    EXPECT_EQ(run_tasks(
                  10, uneven, [](std::size_t, std::vector<double>&&) {}, control),
              0u);
  }
}

TEST(Ensemble, AnExceptionOfATaskOrOfTheSinkComesOut) {
  for (const Body body : bodies()) {
    std::size_t n_sunk = 0;
    EXPECT_THROW(run_tasks(
                     1000,
                     [](std::size_t i) {
                       if (i == 37) throw std::domain_error("task 37");
                       return uneven(i);
                     },
                     [&](std::size_t i, std::vector<double>&&) {
                       EXPECT_LT(i, 37u);
                       ++n_sunk;
                     },
                     control_of(body, 2)),
                 std::domain_error);
    EXPECT_LE(n_sunk, 37u);
    EXPECT_THROW(run_tasks(
                     1000, uneven,
                     [](std::size_t i, std::vector<double>&&) {
                       if (i == 5) throw std::range_error("sink");
                     },
                     control_of(body, 4)),
                 std::range_error);
  }
}

TEST(Ensemble, AtMostFourResultsPerThreadWaitBehindASlowTask) {
  for (const Body body : bodies()) {
    std::atomic<std::size_t> made = 0, most_made_before_first = 0;
    std::atomic<bool> first_done = false;
    run_tasks(
        500,
        [&](std::size_t i) {
          if (i == 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds{50});
            first_done = true;
          } else if (!first_done) {
            most_made_before_first = ++made;
          }
          return std::vector<double>{0};
        },
        [](std::size_t, std::vector<double>&&) {}, control_of(body, 2));
    EXPECT_LE(most_made_before_first, 4u * 2u);
  }
}

TEST(Ensemble, ProgressIsReportedAtMostTenTimesASecond) {
  for (const Body body : bodies()) {
    Control control = control_of(body, 2);
    std::vector<Progress> reports;
    control.progress = [&](const Progress& progress) { reports.push_back(progress); };
    const auto begin = std::chrono::steady_clock::now();
    run_tasks(
        60,
        [](std::size_t) {
          std::this_thread::sleep_for(std::chrono::milliseconds{5});
          return std::vector<double>{};
        },
        [](std::size_t, std::vector<double>&&) {}, control);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    ASSERT_GE(reports.size(), 1u);
    EXPECT_LE(static_cast<double>(reports.size()), 2 + taken.count() * 10);
    EXPECT_EQ(reports.back().done, 60u);
    for (std::size_t k = 0; k < reports.size(); ++k) {
      EXPECT_EQ(reports[k].total, 60u);
      if (k > 0) {
        EXPECT_GT(reports[k].done, reports[k - 1].done);
        if (k + 1 < reports.size()) {  // the end is told of at once
          EXPECT_GE((reports[k].elapsed - reports[k - 1].elapsed).count(), 0.099);
        }
      }
    }
  }
}

TEST(Ensemble, SeveralThreadsTakePart) {
  for (const Body body : bodies()) {
    if (body != Body::threads) continue;  // oneTBB gives no more threads than the machine has
    std::mutex mutex;
    std::set<std::thread::id> seen;
    run_tasks(
        64,
        [&](std::size_t i) {
          std::this_thread::sleep_for(std::chrono::milliseconds{1});
          const std::lock_guard lock(mutex);
          seen.insert(std::this_thread::get_id());
          return uneven(i);
        },
        [](std::size_t, std::vector<double>&&) {}, control_of(body, 3));
    EXPECT_EQ(seen.size(), 3u);
  }
}

TEST(Ensemble, TheAffinityMaskLimitsTheThreads) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT_GE(available_threads(), 1);
  EXPECT_LE(available_threads(), CPU_COUNT(&before));
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(available_threads(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

/// A cgroup tree in a folder of its own.
class Cgroup : public testing::Test {
 protected:
  Cgroup() { std::filesystem::remove_all(root_); }
  ~Cgroup() override { std::filesystem::remove_all(root_); }
  void put(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  [[nodiscard]] std::optional<int> threads() const { return cgroup_threads(root_ / "self", root_ / "fs"); }

 private:
  std::filesystem::path root_ =
      std::filesystem::temp_directory_path() / ("uptake_cgroup_" + std::to_string(::getpid()));
};

TEST_F(Cgroup, TheLeastQuotaOfTheGroupsAboveCounts) {
  put("self", "0::/a/b\n");
  put("fs/a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(threads(), std::nullopt);
  put("fs/a/cpu.max", "250000 100000\n");
  EXPECT_EQ(threads(), 3);
  put("fs/a/b/cpu.max", "50000 100000\n");
  EXPECT_EQ(threads(), 1);
}

TEST_F(Cgroup, VersionOneIsReadByItsCpuController) {
  put("self", "11:memory:/x\n4:cpu,cpuacct:/job\n");
  put("fs/cpu,cpuacct/job/cpu.cfs_quota_us", "200000\n");
  put("fs/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  put("fs/memory/x/cpu.max", "1 1\n");
  EXPECT_EQ(threads(), 2);
  put("fs/cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(threads(), std::nullopt);
}

TEST_F(Cgroup, NothingToReadIsNoLimit) { EXPECT_EQ(threads(), std::nullopt); }

}  // namespace
}  // namespace uptake
