/// Figures, windows and parameters as scenario and programme files state them: value, unit, prior and where it is from.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reading/toml.hpp"
#include "uptake/parameters.hpp"
#include "uptake/population.hpp"
#include "uptake/scenario.hpp"

namespace uptake {

/// Longest horizon and delay, weeks: a bound against slips of the pen [A].
inline constexpr double kMostWeeks = 5200;

enum class Provenance : std::uint8_t { required, not_needed };

/// Where a figure comes from.
struct Origin {
  Grade grade = Grade::assumption;
  std::string source;
};
/// The `source` and `grade` of a figure: one of them is owed for every number that is not a choice.
Origin read_origin(TableReader& figure, const std::string& label, Provenance provenance);

/// The choice that a key names, or `otherwise`.
template <typename Choice>
Choice choice_or(TableReader& reader, std::string_view key, std::span<const std::string_view> names, Choice otherwise) {
  const auto index = reader.choice(key, names);
  return index ? static_cast<Choice>(*index) : otherwise;
}

/// Names of programmes and strategies: a-z, 0-9 and hyphens, at most 64.
[[nodiscard]] bool is_kebab(std::string_view name);
void check_name(TableReader& reader, std::string_view key, const std::string& name);

[[nodiscard]] std::vector<std::string> plain(std::vector<LocatedText> placed);

/// The fields of a figure written as a table; none when it is a bare number or text.
[[nodiscard]] TableReader fields_of(const TomlValue& value, const std::string& label, Problems& problems);

/// A figure with where it is from.
struct Figure {
  double value = 0;
  Origin origin;
};
[[nodiscard]] std::optional<Figure> read_sourced_figure(TableReader& reader, std::string_view key,
                                                        std::string_view unit, double lowest, double highest);
/// A figure that is no parameter, such as `{ value = 15140, unit = "organisations", source = "…" }`.
[[nodiscard]] std::optional<double> read_figure(TableReader& reader, std::string_view key, std::string_view unit,
                                                double lowest, double highest);

/// `from` and `to` of a table; an end that is not given is taken from `whole`, and is owed when there is none.
[[nodiscard]] std::optional<Window> read_window(TableReader& fields, const std::string& label,
                                                const std::optional<Window>& whole);
/// A window that is a fact: `{ from = …, to = …, source = "…" }`.
[[nodiscard]] std::optional<Window> read_sourced_window(const TomlValue& value, const std::string& label,
                                                        Problems& problems);

/// One parameter as a file or option states it. Without a prior the value is certain: it is used in both modes.
[[nodiscard]] std::optional<Setting> read_setting(const ParameterSpec& row, const TomlValue& value,
                                                  const std::string& label, Provenance provenance, Problems& problems);

/// Whose parameters a table may set.
enum class Scope : std::uint8_t { programme, scenario };
/// Calls `set` for every parameter of the groups (`[bass]`, `[effect]`, …) in a table.
void read_parameter_groups(TableReader& reader, Scope scope,
                           const std::function<void(const ParameterSpec&, const Setting&)>& set);
/// Keys of a group without its name; of all groups, whole, for an empty name.
[[nodiscard]] std::vector<std::string_view> parameter_keys(std::string_view group);

/// The table's own row.
[[nodiscard]] Setting table_setting(const ParameterSpec& row, AdopterClass adopters);

[[nodiscard]] inline Setting& setting_of(ProgrammeSpec& programme, Parameter id) {
  return programme.settings[static_cast<std::size_t>(id)];
}
[[nodiscard]] inline const Setting& setting_of(const ProgrammeSpec& programme, Parameter id) {
  return programme.settings[static_cast<std::size_t>(id)];
}

/// The shares of the layers, which are parts of one whole.
inline constexpr std::array kLayerShares{Parameter::share_geography, Parameter::share_community,
                                         Parameter::share_ownership, Parameter::share_pathway};
/// Shares must not all be 0, and are drawn together or not at all.
void check_shares(const ProgrammeSpec& programme, Problems& problems);

}  // namespace uptake
