#include "uptake/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "digest.hpp"
#include "programme.hpp"
#include "quantity.hpp"
#include "settings.hpp"
#include "strategy.hpp"
#include "toml.hpp"
#include "uptake/error.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {
constexpr std::array<std::string_view, 2> kCommunityNames{"board", "region"};
constexpr std::array<std::string_view, 2> kModeNames{"prior", "defaults"};

// Bounds against slips of the pen; beyond them memory or the 16 bits of a boundary would give out [A].
constexpr std::int64_t kMostReplicates = 1'000'000;
constexpr std::int64_t kMostSeed = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kMostProgrammes = 64;
constexpr Date kEarliestStart = std::chrono::year{1948} / 7 / 5;  // the NHS begins
constexpr Date kLatestStart = std::chrono::year{2200} / 1 / 1;

/// A parameter set by `--set`, for one programme or for all.
struct Override {
  const ParameterSpec* row;
  std::string programme;  ///< empty = all
  TomlValue value;
};

bool is_england(const Scenario& scenario) { return scenario.population == "england"; }

/// Folder of the tables that make the population.
fs::path tables_of(const Scenario& scenario, const fs::path& data_folder) {
  return is_england(scenario) ? data_folder / "england" : fs::path(scenario.population);
}

/// What is being put together while a scenario is read.
struct Loading {
  Scenario& scenario;
  Problems& problems;
  const fs::path& data_folder;
  std::optional<FileError> unreadable = std::nullopt;
};

/// Takes the `--set` texts apart: top-level keys replace those of the file, parameters are kept for later.
std::vector<Override> read_overrides(std::span<const std::string> texts, TomlTable& table, Problems& problems) {
  std::vector<Override> parameters;
  for (const std::string& text : texts) {
    const auto equals = text.find('=');
    const std::string_view all = text;
    const std::string key(equals == std::string::npos ? "" : trimmed(all.substr(0, equals)));
    if (key.empty()) {
      problems.add({fmt::format("--set {}", text)}, "is not of the form key=value", "write --set seed=1");
      continue;
    }
    const Location place{fmt::format("--set {}", key)};
    TomlValue value = parse_override(std::string(trimmed(all.substr(equals + 1))), place);

    const auto last_dot = key.rfind('.');
    if (last_dot == std::string::npos) {
      std::erase_if(table, [&](const TomlEntry& entry) { return entry.key == key; });
      table.push_back({key, place, std::move(value)});
      continue;
    }
    const auto group_dot = last_dot == 0 ? std::string::npos : key.rfind('.', last_dot - 1);
    const bool has_programme = group_dot != std::string::npos;
    const std::string parameter = has_programme ? key.substr(group_dot + 1) : key;
    const ParameterSpec* row = find_parameter(parameter);
    if (!row) {
      problems.add(place, fmt::format("unknown parameter \"{}\"", parameter),
                   did_you_mean(parameter, parameter_keys("")));
      continue;
    }
    parameters.push_back({row, has_programme ? key.substr(0, group_dot) : "", std::move(value)});
  }
  return parameters;
}

void read_population_options(TableReader& fields, PopulationOptions& options) {
  if (const auto seed = fields.whole("seed", 0, kMostSeed)) options.seed = static_cast<std::uint64_t>(*seed);
  options.decay_km = fields.quantity("decay", "km", 0.1, 1000).value_or(options.decay_km);
  if (const auto nearest = fields.whole("nearest", 1, 1000)) options.n_nearest = static_cast<int>(*nearest);
  options.community = choice_or(fields, "community", kCommunityNames, options.community);
}

void read_population_name(Loading& loading, TableReader& reader) {
  const TomlValue* value = reader.require("population", "\"england\"");
  if (!value) return;
  Location place = value->place;
  std::optional<std::string> name;
  if (value->as<TomlTable>()) {
    TableReader fields = fields_of(*value, "population", loading.problems);
    if (const TomlValue* stated = fields.require("name", "\"england\"")) place = stated->place;
    name = fields.text("name");
    read_population_options(fields, loading.scenario.population_options);
    fields.finish();
  } else {
    name = reader.text("population");
  }
  if (!name || *name == "england") return;
  const fs::path folder = fs::absolute(loading.scenario.file.parent_path() / *name).lexically_normal();
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    constexpr std::array<std::string_view, 1> kKnown{"england"};
    const std::string meant = did_you_mean(*name, kKnown);
    reader.report(place,
                  fmt::format("population = \"{}\" is neither \"england\" nor a folder beside the scenario", *name),
                  meant.empty() ? fmt::format("put its tables in {}", folder.string()) : meant);
  }
  loading.scenario.population = folder.string();
}

std::optional<Date> read_start(TableReader& reader) {
  reader.require("start", "2021-01-01");
  const auto start = reader.date("start");
  if (start && (*start < kEarliestStart || *start > kLatestStart)) {
    reader.report(reader.find("start")->place, fmt::format("start = {} is out of range (must be in [{}, {}])",
                                                           iso(*start), iso(kEarliestStart), iso(kLatestStart)));
    return std::nullopt;
  }
  return start;
}

std::optional<int> read_horizon(TableReader& reader) {
  reader.require("horizon", "\"274 weeks\"");
  const auto weeks = reader.quantity("horizon", "week", 1, kMostWeeks);
  if (!weeks) return std::nullopt;
  const double nearest = std::round(*weeks);
  if (std::abs(*weeks - nearest) > 1e-9) {
    reader.report(reader.find("horizon")->place,
                  fmt::format("horizon is {:.2f} weeks, not a whole number of weeks", *weeks),
                  fmt::format("write \"{} weeks\"", nearest));
    return std::nullopt;
  }
  return static_cast<int>(nearest);
}

void read_report_dates(TableReader& reader, Calendar& calendar) {
  const TomlValue* value = reader.find("report_at");
  if (!value) {
    calendar.report_at = {calendar.last_day()};
    return;
  }
  const auto* array = value->as<TomlValue::Array>();
  if (!array || array->empty()) {
    reader.report(value->place, fmt::format("report_at is {}, must be an array of dates such as [2023-03-31]",
                                            array ? "empty" : value->kind()));
    return;
  }
  for (const TomlValue& item : *array) {
    const auto* date = item.as<Date>();
    if (!date) {
      reader.report(item.place, fmt::format("report_at holds {}, must hold dates without quotes", item.kind()));
    } else if (*date < calendar.start) {
      reader.report(item.place, fmt::format("report_at {} is before the start on {}", iso(*date), iso(calendar.start)));
    } else if (*date > calendar.last_day()) {
      reader.report(
          item.place,
          fmt::format("report_at {} is beyond the horizon, which ends on {}", iso(*date), iso(calendar.last_day())),
          "lengthen the horizon");
    } else if (!calendar.report_at.empty() && *date <= calendar.report_at.back()) {
      reader.report(item.place,
                    fmt::format("report_at {} does not come after {}", iso(*date), iso(calendar.report_at.back())));
    } else {
      calendar.report_at.push_back(*date);
    }
  }
}

/// @return whether start and horizon are known, so that windows can be checked against them
bool read_calendar(Loading& loading, TableReader& reader) {
  Calendar& calendar = loading.scenario.calendar;
  const auto start = read_start(reader);
  const auto weeks = read_horizon(reader);
  if (!start || !weeks) {
    reader.find("report_at");
    return false;
  }
  calendar.start = *start;
  calendar.n_weeks = *weeks;
  read_report_dates(reader, calendar);
  return true;
}

void read_run_settings(Loading& loading, TableReader& reader) {
  Scenario& scenario = loading.scenario;
  check_schema(reader);
  reader.require("title", "\"…\"");
  scenario.title = reader.text("title").value_or("");
  scenario.notes = plain(reader.texts("notes"));
  if (const auto n = reader.whole("replicates", 1, kMostReplicates)) scenario.replicates = static_cast<int>(*n);
  if (const auto seed = reader.whole("seed", 0, kMostSeed)) scenario.seed = static_cast<std::uint64_t>(*seed);
  scenario.attention = reader.flag("attention").value_or(true);
  scenario.shapley = reader.flag("shapley").value_or(false) ? Shapley::drivers : Shapley::off;
  scenario.focus = reader.text("focus").value_or("");
  constexpr std::array<std::string_view, 3> kPaths{"month", "quarter", "year"};
  constexpr std::array kPathMonths{1, 3, 12};
  if (const auto path = reader.choice("path", kPaths)) scenario.path_months = kPathMonths[*path];
  scenario.by_board = reader.flag("by_board").value_or(true);
  read_published(reader, "published", scenario.published);

  // `growth = true`, or the section with its parameters, which is read with the others.
  const TomlValue* growth = reader.find("growth");
  scenario.growth = growth && (growth->as<TomlTable>() ? true : reader.flag("growth").value_or(false));

  const auto* mode = reader.find("parameters");
  const auto* word = mode ? mode->as<std::string>() : nullptr;
  if (word && (word->ends_with(".h5") || word->ends_with(".json") || word->find('/') != std::string::npos)) {
    reader.report(mode->place,
                  fmt::format("parameters = \"{}\" names a posterior file, which this version cannot use yet", *word),
                  "write \"prior\" or \"defaults\"");
  } else {
    scenario.mode = choice_or(reader, "parameters", kModeNames, ParameterMode::prior);
  }
}

/// Where a programme's file is: `programmes/<name>.toml` of the shipped folder, or a path from the scenario's folder.
std::optional<fs::path> programme_file(const Loading& loading, const LocatedText& named) {
  if (named.text.ends_with(".toml")) return loading.scenario.file.parent_path() / named.text;
  const fs::path folder = loading.data_folder / "programmes";
  const fs::path file = folder / (named.text + ".toml");
  std::error_code error;
  if (is_kebab(named.text) && fs::exists(file, error)) return file;

  std::vector<std::string> shipped;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".toml") shipped.push_back(at->path().stem().string());
  }
  std::ranges::sort(shipped);
  const std::vector<std::string_view> candidates(shipped.begin(), shipped.end());
  const std::string meant = did_you_mean(named.text, candidates);
  loading.problems.add(
      named.place, fmt::format("unknown programme \"{}\"", named.text),
      !meant.empty() ? meant : fmt::format("known are {}, or a path that ends in .toml", one_of(candidates)));
  return std::nullopt;
}

ProgrammeSpec* find_programme(Scenario& scenario, std::string_view name) {
  const auto at = std::ranges::find(scenario.programmes, name, &ProgrammeSpec::name);
  return at == scenario.programmes.end() ? nullptr : &*at;
}

/// The programme of a file; no value when it is wrong, which is then reported.
std::optional<ProgrammeSpec> read_programme_or_report(Loading& loading, const fs::path& file) {
  try {
    return read_programme(file, loading.problems);
  } catch (const FileError& error) {
    loading.unreadable = error;
  } catch (const InputError& error) {
    for (const Problem& problem : error.problems()) {
      loading.problems.add({problem.where}, problem.what, problem.suggestion);
    }
  }
  return std::nullopt;
}

void read_one_programme(Loading& loading, const LocatedText& named) {
  // A programme that cannot be read keeps its name, so that nothing that refers to it is reported as well.
  auto programme =
      ProgrammeSpec::with_table_defaults(fs::path(named.text).stem().string(), OrganisationType::care_home);
  if (const auto file = programme_file(loading, named)) {
    programme = read_programme_or_report(loading, *file).value_or(std::move(programme));
  }
  if (find_programme(loading.scenario, programme.name)) {
    loading.problems.add(named.place, fmt::format("programmes names \"{}\" twice", programme.name));
  } else {
    loading.scenario.programmes.push_back(std::move(programme));
  }
}

/// Hashes key the random numbers: names (of programmes and their classes) that share one would share their luck.
void check_identities(const Loading& loading, const Location& place) {
  std::set<std::string> names;
  for (const ProgrammeSpec& programme : loading.scenario.programmes) {
    names.insert({programme.name, programme.classification});
  }
  std::map<std::uint32_t, std::string> name_of{{0, "(economy)"}};
  for (const std::string& name : names) {
    const auto [at, added] = name_of.try_emplace(programme_identity(name), name);
    if (added) continue;
    loading.problems.add(
        place, fmt::format("programmes \"{}\" and \"{}\" have the same identity {:08x}", at->second, name, at->first),
        "rename one of them");
  }
}

void read_programmes(Loading& loading, TableReader& reader) {
  const TomlValue* value = reader.require("programmes", "[\"care-home-deterioration\"]");
  if (!value) return;
  const auto named = reader.texts("programmes");
  if (const auto* array = value->as<TomlValue::Array>(); array && (array->empty() || array->size() > kMostProgrammes)) {
    reader.report(value->place,
                  fmt::format("programmes lists {} names (must be 1 to {})", array->size(), kMostProgrammes));
    return;
  }
  for (const LocatedText& one : named) read_one_programme(loading, one);
  check_identities(loading, value->place);
}

void set_parameter(Scenario& scenario, ProgrammeSpec* only, const ParameterSpec& row, const Setting& setting) {
  if (row.home == Home::economy) {
    scenario.economy[static_cast<std::size_t>(row.id) - kNProgrammeParameters] = setting;
  } else if (only) {
    setting_of(*only, row.id) = setting;
  } else {
    for (ProgrammeSpec& programme : scenario.programmes) setting_of(programme, row.id) = setting;
  }
}

/// `[programme.NAME.bass]`: parameters of one programme.
void read_parameters_of_programmes(Loading& loading, TableReader& reader) {
  const TomlValue* value = reader.find("programme");
  if (!value) return;
  if (!value->as<TomlTable>()) reader.report(value->place, "programme is not a table such as [programme.NAME.bass]");
  TableReader by_name = fields_of(*value, "programme", loading.problems);
  for (const std::string_view name : programme_names(loading.scenario)) {
    const TomlValue* of_one = by_name.find(name);
    if (!of_one) continue;
    const std::string label = fmt::format("programme.{}", name);
    if (!of_one->as<TomlTable>()) by_name.report(of_one->place, label + " is not a table");
    TableReader groups = fields_of(*of_one, label, loading.problems);
    read_parameter_groups(groups, Scope::programme, [&](const ParameterSpec& row, const Setting& setting) {
      set_parameter(loading.scenario, find_programme(loading.scenario, name), row, setting);
    });
    groups.finish();
  }
  by_name.finish();
}

void apply_override(Loading& loading, const Override& one) {
  const Location& place = one.value.place;
  ProgrammeSpec* only = find_programme(loading.scenario, one.programme);
  if (!one.programme.empty() && !only) {
    loading.problems.add(place, fmt::format("unknown programme \"{}\"", one.programme),
                         did_you_mean(one.programme, programme_names(loading.scenario)));
  } else if (only && one.row->home == Home::economy) {
    loading.problems.add(place, fmt::format("{} belongs to the scenario, not to one programme", one.row->key));
  } else if (const auto setting = read_setting(*one.row, one.value, std::string(one.row->key), Provenance::not_needed,
                                               loading.problems)) {
    set_parameter(loading.scenario, only, *one.row, *setting);
  }
}

/// In order of precedence: for all programmes, for one, by option.
void read_parameters(Loading& loading, TableReader& reader, std::span<const Override> overrides) {
  read_parameter_groups(reader, Scope::scenario, [&](const ParameterSpec& row, const Setting& setting) {
    set_parameter(loading.scenario, nullptr, row, setting);
  });
  read_parameters_of_programmes(loading, reader);
  for (const Override& one : overrides) apply_override(loading, one);
  for (const ProgrammeSpec& programme : loading.scenario.programmes) {
    check_shares(programme, loading.problems);
  }
}

}  // namespace

Scenario load_scenario(const fs::path& file, std::span<const std::string> overrides, const fs::path& data_folder) {
  Scenario scenario;
  scenario.name = file.stem().string();
  scenario.file = file;
  scenario.text = read_text(file);
  scenario.overrides.assign(overrides.begin(), overrides.end());
  scenario.economy = default_economy();

  Problems problems;
  auto table = parse_toml(scenario.text, file.string(), problems);
  problems.throw_if_any();
  const std::vector<Override> parameters = read_overrides(overrides, *table, problems);

  Loading loading{scenario, problems, data_folder};
  TableReader reader(*table, {file.string(), 1, 1}, "", problems);
  read_run_settings(loading, reader);
  read_population_name(loading, reader);
  const bool has_calendar = read_calendar(loading, reader);
  read_programmes(loading, reader);
  read_parameters(loading, reader, parameters);
  read_common_levers(reader, has_calendar ? &scenario.calendar : nullptr, scenario);
  read_strategies(reader, has_calendar ? &scenario.calendar : nullptr, scenario);
  add_worlds_of_drivers(reader, scenario);
  reader.finish();

  if (loading.unreadable && !problems.empty()) {
    const Problem& problem = loading.unreadable->problem();
    problems.add({problem.where}, problem.what, problem.suggestion);
  }
  problems.throw_if_any();
  if (loading.unreadable) throw FileError(*loading.unreadable);

  scenario.digest = digest_of(scenario, tables_of(scenario, data_folder));
  return scenario;
}

Population build_population(const Scenario& scenario, const fs::path& data_folder) {
  const auto build = is_england(scenario) ? build_england : read_population;
  return build(tables_of(scenario, data_folder), scenario.population_options);
}

}  // namespace uptake
