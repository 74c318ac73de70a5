/// What a container allows this process.
#pragma once

#include <filesystem>
#include <optional>

namespace uptake {

/// Processors that the cgroup quota of this process allows, rounded up: the least over its group and the groups above
/// it (version 2: cpu.max; version 1: cpu.cfs_quota_us). Nothing when there is no quota.
/// @param self /proc/self/cgroup @param mount /sys/fs/cgroup
[[nodiscard]] std::optional<int> cgroup_threads(const std::filesystem::path& self, const std::filesystem::path& mount);

}  // namespace uptake
