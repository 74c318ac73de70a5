/// Where the processes of a run stand: hosts, cores, threads and memory.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace uptake {

/// One process of a run.
struct Placement {
  std::string host;
  int n_threads = 0;
  std::vector<int> cores;       ///< processors that its affinity mask allows, ascending
  std::vector<int> numa_nodes;  ///< that these belong to, ascending; empty where the system does not say
};

/// This process, with `n_threads` threads.
[[nodiscard]] Placement placement_of_this_process(int n_threads);
/// Most memory that this process has had, in bytes. Its own: what the system calls the largest resident set of a process
/// begins with that of the program that started it.
[[nodiscard]] double peak_memory();
/// `0-3,8` for 0, 1, 2, 3, 8. @param numbers ascending
[[nodiscard]] std::string ranges_text(std::span<const int> numbers);
/// The numbers of such a text; what is no number ends it.
[[nodiscard]] std::vector<int> numbers_of_ranges(const std::string& text);
/// A line for each process, with a heading; element r is rank r.
[[nodiscard]] std::vector<std::string> placement_table(std::span<const Placement> ranks);
/// What is wrong with it, a sentence a host: more threads than cores, or cores without a thread.
[[nodiscard]] std::vector<std::string> placement_warnings(std::span<const Placement> ranks);

}  // namespace uptake
