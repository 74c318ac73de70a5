/// Rows of a table of observations that no series takes: the reasons that a record gives, and what may be mistyped.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "population/regions.hpp"
#include "reading/toml.hpp"
#include "record/rows.hpp"
#include "uptake/record.hpp"

namespace uptake {

/// Why rows that no series takes are left out. An empty list stands for all.
struct UnusedRule {
  std::vector<std::string> programmes, regions, measures;
  std::string reason;

  [[nodiscard]] bool is_for(const Observation& row, std::span<const Region> known) const {
    const auto has = [](const std::vector<std::string>& names, const std::string& name) {
      return names.empty() || std::ranges::find(names, name) != names.end();
    };
    const auto is_meant = [&](const std::string& name) { return same_region(known, name, row.region); };
    return has(programmes, row.programme) && (regions.empty() || std::ranges::any_of(regions, is_meant)) &&
           has(measures, row.measure);
  }
};

[[nodiscard]] std::vector<UnusedRule> read_unused_rules(const TableRows& table, TableReader& reader);

/// Adds rows that make no point to the record, with the reason that is nearest to them, once all series have been read.
void name_unused(const TableRows& table, std::span<const UnusedRule> rules, HistoricRecord& record);

}  // namespace uptake
