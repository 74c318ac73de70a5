/// What other programs take of the cores while something is timed.
#pragma once

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>

namespace uptake::bench {

/// Seconds that the cores `is_mine` were at work for anybody, by the text of /proc/stat (man 5 proc): all but idle and
/// waiting for the disk, and what the host took for others. NaN when the text does not name them.
template <typename IsMine>
double seconds_at_work(const std::string& proc_stat, const IsMine& is_mine, double ticks_per_second) {
  std::istringstream lines(proc_stat);
  double ticks = 0;
  int n_cores = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("cpu") || line.size() < 4 || line[3] < '0' || line[3] > '9') continue;
    std::istringstream fields(line.substr(3));
    int core = -1;
    double user = 0, nice = 0, system = 0, idle = 0, disk = 0, hard = 0, soft = 0, stolen = 0;
    fields >> core >> user >> nice >> system >> idle >> disk >> hard >> soft >> stolen;
    if (!fields || !is_mine(core)) continue;
    ++n_cores;
    ticks += user + nice + system + hard + soft + stolen;  // guests are users' time
  }
  return n_cores > 0 ? ticks / ticks_per_second : std::numeric_limits<double>::quiet_NaN();
}

/// Share of the cores wanted that others had: `wanted` workers and what others used (cores, on average) did not fit into
/// those there are. 0 where everybody had a core.
inline double taken_by_others(double wanted, double used_by_others, double n_cores) {
  return std::clamp((wanted + used_by_others - n_cores) / wanted, 0.0, 1.0);
}

/// Above this a measurement is of a busy machine [A]: the system itself takes a few per cent.
inline constexpr double kBusy = 0.05;

}  // namespace uptake::bench
