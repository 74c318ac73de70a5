#include "ensemble/placement.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string_view>
#include <system_error>

#include "uptake/grouped.hpp"

namespace uptake {

namespace {
std::vector<int> cores_allowed() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  std::vector<int> cores;
  if (::sched_getaffinity(0, sizeof mask, &mask) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &mask)) cores.push_back(core);
  }
  return cores;
}

std::vector<int> numa_nodes_of(const std::vector<int>& cores) {
  std::vector<int> nodes;
  std::ifstream online("/sys/devices/system/node/online");
  std::string text;
  std::getline(online, text);
  for (const int node : numbers_of_ranges(text)) {
    std::ifstream list(fmt::format("/sys/devices/system/node/node{}/cpulist", node));
    std::string of_node;
    std::getline(list, of_node);
    const std::vector<int> theirs = numbers_of_ranges(of_node);
    if (std::ranges::find_first_of(cores, theirs) != cores.end()) nodes.push_back(node);
  }
  return nodes;
}
}  // namespace

Placement placement_of_this_process(int n_threads) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  std::vector<int> cores = cores_allowed();
  std::vector<int> nodes = numa_nodes_of(cores);
  return {host.data(), n_threads, std::move(cores), std::move(nodes)};
}

double peak_memory() {
  std::ifstream status("/proc/self/status");
  constexpr std::string_view kKey = "VmHWM:";
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(kKey)) continue;
    const auto digits = line.find_first_of("0123456789");
    double kibibytes = 0;
    if (digits != std::string::npos &&
        std::from_chars(line.data() + digits, line.data() + line.size(), kibibytes).ec == std::errc())
      return 1024 * kibibytes;
  }
  rusage usage{};  // where the system does not say
  ::getrusage(RUSAGE_SELF, &usage);
  return 1024.0 * static_cast<double>(usage.ru_maxrss);
}

std::string ranges_text(std::span<const int> numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    text += fmt::format("{}{}", text.empty() ? "" : ",", numbers[i]);
    if (last > i) text += fmt::format("-{}", numbers[last]);
    i = last + 1;
  }
  return text;
}

std::vector<int> numbers_of_ranges(const std::string& text) {
  constexpr int kLimit = 1 << 16;  // more processors than any machine has
  std::vector<int> numbers;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at != end) {
    int first = 0, last = 0;
    auto [next, error] = std::from_chars(at, end, first);
    if (error != std::errc()) break;
    last = first;
    if (next != end && *next == '-') {
      const auto [after, wrong] = std::from_chars(next + 1, end, last);
      if (wrong != std::errc()) break;
      next = after;
    }
    if (first < 0 || last >= kLimit) break;
    for (int n = first; n <= last; ++n) numbers.push_back(n);
    if (next == end || *next != ',') break;
    at = next + 1;
  }
  return numbers;
}

std::vector<std::string> placement_table(std::span<const Placement> ranks) {
  std::size_t width = 4;
  for (const Placement& rank : ranks) width = std::max(width, rank.host.size());
  std::vector<std::string> lines{fmt::format("rank  {:{}}  threads  NUMA  cores", "host", width)};
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    const Placement& rank = ranks[r];
    const std::string nodes = ranges_text(rank.numa_nodes);
    lines.push_back(fmt::format("{:>4}  {:{}}  {:>7}  {:>4}  {}", r, rank.host, width, rank.n_threads,
                                nodes.empty() ? "?" : nodes, ranges_text(rank.cores)));
  }
  return lines;
}

std::vector<std::string> placement_warnings(std::span<const Placement> ranks) {
  struct Host {
    int n_threads = 0;
    int n_ranks = 0;
    std::set<int> cores;
  };
  std::map<std::string, Host> hosts;
  for (const Placement& rank : ranks) {
    Host& host = hosts[rank.host];
    host.n_threads += rank.n_threads;
    ++host.n_ranks;
    host.cores.insert(rank.cores.begin(), rank.cores.end());
  }
  std::vector<std::string> warnings;
  for (const auto& [name, host] : hosts) {
    const int n_cores = static_cast<int>(host.cores.size());
    if (n_cores == 0 || host.n_threads == n_cores) continue;
    const std::string numbers = fmt::format("{}: {} of {} on {}", name, plural(host.n_threads, "thread"),
                                            plural(host.n_ranks, "rank"), plural(n_cores, "core"));
    warnings.push_back(host.n_threads > n_cores
                           ? numbers + ", so they take turns; give each rank cores of its own, or fewer --threads"
                           : numbers + ", so some stand idle; more ranks or more --threads would use them");
  }
  // Threads may be as many as cores on a host and yet crowd together where masks differ.
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    const Placement& rank = ranks[r];
    const int n_cores = static_cast<int>(rank.cores.size());
    const Host& host = hosts[rank.host];
    if (n_cores > 0 && rank.n_threads > n_cores && host.n_threads <= static_cast<int>(host.cores.size()))
      warnings.push_back(
          fmt::format("rank {}: {} on {} of its own", r, plural(rank.n_threads, "thread"), plural(n_cores, "core")));
  }
  return warnings;
}

}  // namespace uptake
