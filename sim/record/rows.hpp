/// Rows of a table of observations, while series take them one after another.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reading/toml.hpp"
#include "record/observations.hpp"
#include "uptake/population.hpp"
#include "uptake/record.hpp"

namespace uptake {

struct TableRows {
  Problems& problems;
  std::span<const Region> regions;  ///< of the population; empty when they are not known
  std::vector<Observation> rows = {};
  std::vector<std::string> taken_by = {};  ///< by row: the series that takes it, file:line:column
  std::vector<std::string> left_out = {};  ///< by row: why a series does not use it
};

/// What rows have in a field, each once, in the order of the table. @param programme of which rows; empty = all
[[nodiscard]] std::vector<std::string_view> names_in(std::span<const Observation> rows, std::string Observation::*field,
                                                     std::string_view programme = {});
[[nodiscard]] bool is_in(std::span<const std::string_view> names, std::string_view name);
/// Whether one of these rows' names of a field is meant by a name: regions have several.
[[nodiscard]] bool is_named_in(const TableRows& table, std::span<const std::string_view> names,
                               std::string Observation::*field, std::string_view name);

}  // namespace uptake
