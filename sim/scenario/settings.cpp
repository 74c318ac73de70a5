#include "scenario/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "reading/quantity.hpp"

namespace uptake {

// ---- Names --------------------------------------------------------------------------------------------------------

namespace {
constexpr std::size_t kMostNameLength = 64;
}

bool is_kebab(std::string_view name) {
  return !name.empty() && name.size() <= kMostNameLength && name.front() != '-' && name.back() != '-' &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

void check_name(TableReader& reader, std::string_view key, const std::string& name) {
  if (is_kebab(name)) return;
  reader.report(reader.find(key)->place, fmt::format("{} = \"{}\" is not made of a-z, 0-9 and \"-\" (at most {})",
                                                     reader.label(key), name, kMostNameLength));
}

std::vector<std::string> plain(std::vector<LocatedText> placed) {
  std::vector<std::string> texts;
  for (LocatedText& text : placed) texts.push_back(std::move(text.text));
  return texts;
}

// ---- Where a figure comes from ------------------------------------------------------------------------------------

Origin read_origin(TableReader& figure, const std::string& label, Provenance provenance) {
  const auto source = figure.text("source");
  const auto grade = figure.choice("grade", kGradeNames);
  const bool assumed = grade && static_cast<Grade>(*grade) == Grade::assumption;
  const bool states_something = figure.find("source") || (figure.find("grade") && !grade);
  if (provenance == Provenance::required && !assumed && !states_something) {
    figure.report(figure.place(), fmt::format("{} states no source", label),
                  "add source = \"…\" or grade = \"assumption\"");
  }
  return {grade ? static_cast<Grade>(*grade) : source ? Grade::read : Grade::assumption, source.value_or("")};
}

namespace {
const TomlTable kNoTable;
}  // namespace

TableReader fields_of(const TomlValue& value, const std::string& label, Problems& problems) {
  const auto* table = value.as<TomlTable>();
  return {table ? *table : kNoTable, value.place, label + ".", problems};
}

std::optional<Figure> read_sourced_figure(TableReader& reader, std::string_view key, std::string_view unit,
                                          double lowest, double highest) {
  const TomlValue* value = reader.find(key);
  if (!value) return std::nullopt;
  const std::string label = reader.label(key);
  TableReader fields = fields_of(*value, label, reader.problems());
  const TomlValue* number = value->as<TomlTable>() ? fields.require("value", "1") : value;
  const TomlValue* stated_unit = fields.find("unit");
  Origin origin = read_origin(fields, label, Provenance::required);
  fields.finish();
  if (!number) return std::nullopt;
  const auto measured = read_quantity(*number, stated_unit, label, unit, lowest, highest, reader.problems());
  return measured ? std::optional(Figure{measured->value, std::move(origin)}) : std::nullopt;
}

std::optional<double> read_figure(TableReader& reader, std::string_view key, std::string_view unit, double lowest,
                                  double highest) {
  const auto figure = read_sourced_figure(reader, key, unit, lowest, highest);
  return figure ? std::optional(figure->value) : std::nullopt;
}

// ---- Windows ------------------------------------------------------------------------------------------------------

std::optional<Window> read_window(TableReader& fields, const std::string& label, const std::optional<Window>& whole) {
  if (!whole) {
    const bool both = fields.require("from", "2021-01-01") && fields.require("to", "2023-03-31");
    if (!both) return std::nullopt;
  }
  const auto from = fields.date("from"), to = fields.date("to");
  if ((fields.find("from") && !from) || (fields.find("to") && !to)) return std::nullopt;
  const Window window{from ? *from : whole->from, to ? *to : whole->to};
  if (window.to < window.from) {
    fields.report(fields.find(to ? "to" : "from")->place,
                  fmt::format("{} ends on {}, before it starts on {}", label, iso(window.to), iso(window.from)));
    return std::nullopt;
  }
  return window;
}

std::optional<Window> read_sourced_window(const TomlValue& value, const std::string& label, Problems& problems) {
  if (!value.as<TomlTable>()) {
    problems.add(value.place,
                 fmt::format("{} is {}, must be {{ from = …, to = …, source = \"…\" }}", label, value.kind()));
    return std::nullopt;
  }
  TableReader fields = fields_of(value, label, problems);
  const auto window = read_window(fields, label, std::nullopt);
  read_origin(fields, label, Provenance::required);
  fields.finish();
  return window;
}

// ---- Parameters ---------------------------------------------------------------------------------------------------

namespace {
constexpr std::string_view kGrowthGroup = "growth";

bool is_share_of_peers(Parameter id) { return std::ranges::find(kLayerShares, id) != kLayerShares.end(); }

/// What is wrong with a prior for a parameter, or an empty text.
std::string misfit(const ParameterSpec& row, const Prior& prior, double factor) {
  const bool on_unit_scale = prior.family == Family::beta || prior.family == Family::one_or_uniform;
  if (on_unit_scale && factor != 1) return "needs a value without a scaled unit";
  if (row.id == Parameter::delivery_staff_days) return "is one too many: effort is fixed before any draw";
  if (row.unit == "phases" && prior.family != Family::fixed) return "does not fit a whole number (write fixed(3))";
  if (prior.family == Family::gamma_share && !is_share_of_peers(row.id)) return "is for the shares of the layers only";
  if (is_share_of_peers(row.id)) {
    const bool fits = prior.family == Family::gamma_share || prior.family == Family::fixed;
    return fits ? "" : "does not fit a share of a whole (write Dirichlet(3))";
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double middle = quantile(prior, 0.5, -kInfinity, kInfinity);
  const bool has_ends = prior.family == Family::uniform || prior.family == Family::log_uniform;
  const bool ends_fit = !has_ends || (prior.a >= row.lowest && prior.b <= row.highest);
  if (!(middle >= row.lowest && middle <= row.highest && ends_fit)) {
    return fmt::format("lies outside the range [{}, {}]", row.lowest, row.highest);
  }
  return "";
}

/// The prior in the table's unit, when its numbers are in a unit `factor` times as large.
Prior scaled(Prior prior, double factor) {
  switch (prior.family) {
    case Family::fixed:
    case Family::half_normal:
    case Family::lognormal:
      prior.a *= factor;
      break;
    case Family::normal:
    case Family::uniform:
    case Family::log_uniform:
      prior.a *= factor, prior.b *= factor;
      break;
    case Family::beta:
    case Family::gamma_share:
    case Family::one_or_uniform:
      break;
  }
  return prior;
}

std::optional<Prior> read_prior(TableReader& fields, const ParameterSpec& row, const std::string& label,
                                double factor) {
  const auto text = fields.text("prior");
  if (!text) return std::nullopt;
  const Location& place = fields.find("prior")->place;
  const auto prior = parse_prior(*text);
  if (!prior) {
    fields.report(place, fmt::format("{}.prior = \"{}\" is no prior", label, *text),
                  "write LN(median, sd of log), N(mean, sd), HalfN(sd), Beta(a, b), U(a, b), LU(a, b), "
                  "Dirichlet(a), 1 or U(a, b) or fixed(a)");
    return std::nullopt;
  }
  const Prior in_table_unit = scaled(*prior, factor);
  if (const std::string what = misfit(row, in_table_unit, factor); !what.empty()) {
    fields.report(place, fmt::format("{}.prior = {} {}", label, *text, what));
    return std::nullopt;
  }
  return in_table_unit;
}

std::vector<std::string_view> parameter_groups() {
  std::vector<std::string_view> groups;
  for (const ParameterSpec& row : parameter_table()) {
    const std::string_view group = row.key.substr(0, row.key.find('.'));
    if (std::ranges::find(groups, group) == groups.end()) groups.push_back(group);
  }
  return groups;
}
}  // namespace

std::optional<Setting> read_setting(const ParameterSpec& row, const TomlValue& value, const std::string& label,
                                    Provenance provenance, Problems& problems) {
  TableReader fields = fields_of(value, label, problems);
  const TomlValue* number = value.as<TomlTable>() ? fields.require("value", "1") : &value;
  const TomlValue* unit = fields.find("unit");
  std::optional<Measured> measured;
  if (number) measured = read_quantity(*number, unit, label, row.unit, row.lowest, row.highest, problems);
  const auto prior = read_prior(fields, row, label, measured ? measured->factor : 1);
  Origin origin = read_origin(fields, label, provenance);
  fields.finish();
  if (!measured) return std::nullopt;
  if (row.unit == "phases" && measured->value != std::floor(measured->value)) {
    problems.add(number->place, fmt::format("{} = {} is not a whole number", label, measured->value));
    return std::nullopt;
  }
  if (provenance == Provenance::not_needed && origin.source.empty()) origin.source = value.place.text();
  return Setting{measured->value, prior.value_or(Prior{Family::fixed, measured->value, 0}), origin.grade,
                 std::move(origin.source), value.place.text()};
}

Setting table_setting(const ParameterSpec& row, AdopterClass adopters) {
  const auto c = static_cast<std::size_t>(adopters);
  return {row.value[c], row.prior[c], row.grade, std::string(row.source), std::string(kOfTheTable)};
}

std::vector<std::string_view> parameter_keys(std::string_view group) {
  std::vector<std::string_view> keys;
  for (const ParameterSpec& row : parameter_table()) {
    if (group.empty()) keys.push_back(row.key);
    if (row.key.starts_with(group) && row.key.substr(group.size()).starts_with('.')) {
      keys.push_back(row.key.substr(group.size() + 1));
    }
  }
  return keys;
}

void read_parameter_groups(TableReader& reader, Scope scope,
                           const std::function<void(const ParameterSpec&, const Setting&)>& set) {
  for (const std::string_view group : parameter_groups()) {
    const TomlValue* value = reader.find(group);
    if (!value) continue;
    // `growth` of a scenario is also the word that asks for the ledger without saying anything of it.
    if (group == kGrowthGroup && scope == Scope::scenario && !value->as<TomlTable>()) continue;
    const auto* table = value->as<TomlTable>();
    if (!table) {
      reader.report(value->place, fmt::format("{} is {}, must be a table [{}]", reader.label(group), value->kind(),
                                              reader.label(group)));
      continue;
    }
    for (const TomlEntry& entry : *table) {
      const std::string label = reader.label(fmt::format("{}.{}", group, entry.key));
      const ParameterSpec* row = find_parameter(fmt::format("{}.{}", group, entry.key));
      if (!row) {
        reader.report(entry.place, fmt::format("unknown key \"{}\"", label),
                      did_you_mean(entry.key, parameter_keys(group)));
      } else if (row->home == Home::economy && scope == Scope::programme) {
        reader.report(entry.place, fmt::format("{} belongs to a scenario, not to one programme", label));
      } else if (const auto setting = read_setting(*row, entry.value, label, Provenance::required, reader.problems())) {
        set(*row, *setting);
      }
    }
  }
}

void check_shares(const ProgrammeSpec& programme, Problems& problems) {
  double sum = 0;
  int n_drawn = 0;
  Location place;
  for (const Parameter id : kLayerShares) {
    if (setting_of(programme, id).is_stated()) place.file = setting_of(programme, id).where;
    sum += setting_of(programme, id).value;
    n_drawn += setting_of(programme, id).prior.family == Family::gamma_share ? 1 : 0;
  }
  if (!(sum > 0)) {
    problems.add(place, fmt::format("the four peers.share_… of {} are all 0", programme.name),
                 "to switch peers off, set bass.q = 0 /year");
  }
  if (n_drawn != 0 && n_drawn != static_cast<int>(kLayerShares.size())) {
    problems.add(place,
                 fmt::format("only {} of the four peers.share_… of {} have a Dirichlet prior", n_drawn, programme.name),
                 "give it to all or to none");
  }
}

}  // namespace uptake
