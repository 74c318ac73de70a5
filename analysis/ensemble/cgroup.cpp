#include "ensemble/cgroup.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

namespace uptake {

namespace {
std::optional<double> number_in(std::istream& in) {
  double value = 0;
  if (in >> value) return value;
  return std::nullopt;  // "max", or no such file
}

/// Processors of one group's own quota.
std::optional<double> quota_of(const std::filesystem::path& group) {
  std::ifstream both(group / "cpu.max");
  std::optional<double> quota = number_in(both), period = number_in(both);
  if (!quota) {
    std::ifstream quota_file(group / "cpu.cfs_quota_us"), period_file(group / "cpu.cfs_period_us");
    quota = number_in(quota_file);
    period = number_in(period_file);
  }
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return *quota / *period;
}
}  // namespace

std::optional<int> cgroup_threads(const std::filesystem::path& self, const std::filesystem::path& mount) {
  std::optional<double> least;
  std::ifstream lines(self);
  // Each line is `hierarchy:controllers:/path`; no controllers = version 2.
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::filesystem::path group = std::filesystem::path(line.substr(second + 1)).relative_path();
    std::filesystem::path root = mount;
    if (!controllers.empty()) {
      if (("," + controllers + ",").find(",cpu,") == std::string::npos) continue;
      root = std::filesystem::exists(mount / controllers) ? mount / controllers : mount / "cpu";
    }
    // Inside a container the path may name a group of the host that is not mounted here; the mount's root still counts.
    for (std::filesystem::path at = group;; at = at.parent_path()) {
      if (const auto quota = quota_of(root / at)) least = std::min(least.value_or(*quota), *quota);
      if (at.empty()) break;
    }
  }
  if (!least) return std::nullopt;
  return std::max(1, static_cast<int>(std::ceil(*least - 1e-9)));
}

}  // namespace uptake
