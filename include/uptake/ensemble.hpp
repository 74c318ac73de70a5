/// The only place that computes in parallel.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace uptake {

/// Who runs the tasks. `threads` is plain std::thread (for the thread sanitizer), `tbb` is oneTBB.
enum class Body : std::uint8_t { serial, tbb, threads };

struct Progress {
  std::size_t done = 0, total = 0;
  std::chrono::duration<double> elapsed{0};
};

/// Processes that do the same side by side with the same data, such as MPI ranks. They deal out the tasks (task i belongs
/// to the one with number i mod size) and join what comes of them.
struct Team {
  std::size_t rank = 0, size = 1;
  /// What each of them gave, by rank, on all of them. All call it equally often, in the same order.
  std::function<std::vector<std::string>(const std::string& mine)> exchange;
};

struct Control {
  Body body = Body::tbb;
  int n_threads = 0;                              ///< 0 = as many as the machine allows this process
  std::stop_token stop;                           ///< when asked to stop, started tasks finish, nothing new starts
  std::function<void(const Progress&)> progress;  ///< by the sink's thread: ten times a second, and at the end
  const Team* team = nullptr;                     ///< null = this process alone does every task
};

/// Threads this process may use: the least of the affinity mask, the cgroup quota and SLURM_CPUS_PER_TASK, at least 1.
[[nodiscard]] int available_threads();

/// Seconds that the calling thread has spent on a core: a clock that stands still while others have it.
[[nodiscard]] double thread_seconds();

/// Runs task(i) for i in 0..n anywhere and sink(i, value) in the order of i on one thread at a time. At most four
/// results per thread wait. An exception of task or sink ends the run and is thrown again.
/// In a team every process does its share, one exchange joins the values (which all wait for it), and each sinks all of
/// them: what is sunk and returned is the same on each, also when one alone was asked to stop.
/// @return number of values that reached the sink; a prefix 0..k, so what was sunk is a valid smaller ensemble
std::size_t run_tasks(std::size_t n, const std::function<std::vector<double>(std::size_t)>& task,
                      const std::function<void(std::size_t, std::vector<double>&&)>& sink, const Control& control);

}  // namespace uptake
