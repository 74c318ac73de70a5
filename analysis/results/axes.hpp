/// Axes of results.h5 with their labels and auxiliary coordinates (docs/results-format.md).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "files/hdf5_writer.hpp"
#include "uptake/calendar.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/results.hpp"

namespace uptake {

[[nodiscard]] std::string_view axis_name(Axis axis);
[[nodiscard]] std::string_view place_name(Geography geography);
/// Names of the auxiliary coordinates of a time axis, separated by a blank.
[[nodiscard]] std::string time_coordinates(Axis axis);

void add_time_axis(Hdf5Group& group, const SummaryLayout& layout, Axis axis);
/// Strategies, views, statistics and programmes.
void add_what_axes(Hdf5Group& group, const SummaryLayout& layout);
void add_places(Hdf5Group& group, const RunRecord& record, Geography geography);
/// Replicates, and the parameter vector of each.
void add_replicates(Hdf5Group& group, const RunRecord& record);

/// A date as results.h5 counts it, and what says so.
[[nodiscard]] std::int32_t days(Date date);
[[nodiscard]] Attributes date_attributes(std::string meaning);
/// 0, 1, … n - 1: labels of what has no names.
[[nodiscard]] std::vector<std::int32_t> counting(std::size_t n);
[[nodiscard]] std::vector<std::string> texts(std::span<const std::string_view> names);

}  // namespace uptake
