#include "record/unused.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "scenario/settings.hpp"
#include "uptake/error.hpp"

namespace uptake {

std::vector<UnusedRule> read_unused_rules(const TableRows& table, TableReader& reader) {
  std::vector<UnusedRule> rules;
  reader.tables("unused", [&](TableReader& fields) {
    const auto names = [&](std::string_view key, std::string Observation::*field) {
      const auto known = names_in(table.rows, field);
      std::vector<LocatedText> named = fields.texts(key);
      for (const LocatedText& name : named) {
        if (known.empty() || is_named_in(table, known, field, name.text)) continue;
        fields.report(name.place, fmt::format("{} names \"{}\", which no row has", fields.label(key), name.text),
                      did_you_mean(name.text, known));
      }
      return plain(std::move(named));
    };
    UnusedRule rule;
    rule.programmes = names("programmes", &Observation::programme);
    rule.regions = names("regions", &Observation::region);
    rule.measures = names("measures", &Observation::measure);
    fields.require("reason", "\"…\"");
    rule.reason = fields.text("reason").value_or("");
    rules.push_back(std::move(rule));
  });
  return rules;
}

namespace {
/// A name that no series has taken, when it is nearly one that is known. @param known may have the name itself
std::optional<Problem> mistyped(const Observation& row, std::string_view column, std::string_view name,
                                std::span<const std::string_view> known) {
  if (is_in(known, name)) return std::nullopt;
  const std::string meant = did_you_mean(name, known);
  if (meant.empty()) return std::nullopt;
  return Problem{row.where, fmt::format("the row is not used: no series is of the {} \"{}\"", column, name), meant};
}

/// What seems mistyped in a row that no series takes and no rule explains.
std::optional<Problem> doubt_about(const TableRows& table, const HistoricRecord& record, const Observation& row) {
  std::vector<std::string_view> programmes, regions{kEngland}, measures;
  for (const HistoricProgramme& one : record.programmes) programmes.push_back(one.record);
  if (!is_in(programmes, row.programme)) return mistyped(row, "programme", row.programme, programmes);
  for (const Region& region : table.regions)
    regions.insert(regions.end(), {region.name, region.code, region.short_name});
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    if (table.rows[i].programme != row.programme || table.taken_by[i].empty()) continue;
    regions.push_back(table.rows[i].region);
    measures.push_back(table.rows[i].measure);
  }
  auto doubt = mistyped(row, "region", row.region, regions);
  return doubt ? doubt : mistyped(row, "measure", row.measure, measures);
}
}  // namespace

void name_unused(const TableRows& table, std::span<const UnusedRule> rules, HistoricRecord& record) {
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const Observation& row = table.rows[i];
    std::string reason = table.left_out[i];
    if (reason.empty() && !table.taken_by[i].empty()) continue;
    if (reason.empty()) {
      const auto rule =
          std::ranges::find_if(rules, [&](const UnusedRule& one) { return one.is_for(row, table.regions); });
      const bool is_named =
          std::ranges::find(record.programmes, row.programme, &HistoricProgramme::record) != record.programmes.end();
      reason = rule != rules.end() ? rule->reason
               : !row.value        ? "no number"
               : is_named          ? fmt::format("no series takes {} of {}", row.measure, row.region)
                                   : "the record names no such programme";
      if (rule == rules.end() && row.value) {
        if (auto doubt = doubt_about(table, record, row)) record.doubtful.push_back(*std::move(doubt));
      }
    }
    record.unused.emplace_back(row, std::move(reason));
  }
}

}  // namespace uptake
