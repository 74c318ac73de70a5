#include "uptake/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "population/regions.hpp"
#include "reading/quantity.hpp"
#include "reading/toml.hpp"
#include "scenario/digest.hpp"
#include "scenario/loading.hpp"
#include "scenario/programme.hpp"
#include "scenario/settings.hpp"
#include "scenario/strategy.hpp"
#include "uptake/error.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {
/// The posterior that ships with the program, in the data folder.
constexpr std::string_view kShippedPosterior = "posterior.h5";
/// The forecasts of the shipped record, likewise.
constexpr std::string_view kShippedForecasts = "history/forecasts.csv";

constexpr std::int64_t kMostReplicates = 1'000'000;  // a bound against slips of the pen [A]

/// What is being put together while a scenario is read.
struct Loading {
  Scenario& scenario;
  Problems& problems;
  const fs::path& data_folder;
  std::span<const Region> regions;  ///< of the population; empty when they are not known
  ProgrammeFiles files;
};

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
  if (const std::string_view day = impossible_day(*value); !day.empty()) {
    reader.report(value->place, fmt::format("report_at holds {}, which is no day of the calendar", day),
                  "write year-month-day, such as [2023-03-31]");
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

/// `"prior"`, `"defaults"`, `"posterior"` (the shipped one) or a file of the kind.
void read_parameter_mode(Loading& loading, TableReader& reader) {
  Scenario& scenario = loading.scenario;
  const auto* mode = reader.find("parameters");
  const auto* word = mode ? mode->as<std::string>() : nullptr;
  const bool is_file = word && is_posterior_file(*word);
  scenario.mode =
      is_file ? ParameterMode::posterior : choice_or(reader, "parameters", kParameterModeNames, ParameterMode::prior);
  if (scenario.mode != ParameterMode::posterior) return;
  scenario.posterior_file =
      fs::absolute(is_file ? scenario.file.parent_path() / *word : loading.data_folder / kShippedPosterior)
          .lexically_normal();
  std::error_code ignored;
  if (fs::is_regular_file(scenario.posterior_file, ignored)) return;
  if (mode->place.file.starts_with(kPosteriorOption)) {
    const bool is_there = fs::exists(scenario.posterior_file, ignored);
    loading.files.keep(FileError({mode->place.file.substr(kPosteriorOption.size()),
                                  is_there ? "is no file" : "does not exist", "make it with `uptake calibrate`"}));
    return;
  }
  reader.report(
      mode->place,
      *word == scenario.posterior_file.string()
          ? fmt::format("parameters = \"{}\" names a file that is not there", *word)
          : fmt::format("parameters = \"{}\" names {}, which is not there", *word, scenario.posterior_file.string()),
      "make it with `uptake calibrate`, or write \"prior\" or \"defaults\"");
}

/// Earlier forecasts, the shipped ones or a table of one's own, and how much they count beside the model.
void read_outside_view(Loading& loading, TableReader& reader) {
  Scenario& scenario = loading.scenario;
  scenario.outside_weight = reader.quantity("outside_view", "share", 0, 1).value_or(0);
  const TomlValue* const named = reader.find("past_forecasts");
  fs::path file = loading.data_folder / kShippedForecasts;
  std::error_code ignored;
  if (named) {
    const auto text = reader.text("past_forecasts");
    if (!text) return;
    file = fs::absolute(scenario.file.parent_path() / *text).lexically_normal();
    if (!fs::is_regular_file(file, ignored)) {
      reader.report(named->place,
                    fmt::format("past_forecasts = \"{}\" names {}, which is {}", *text, file.string(),
                                fs::exists(file, ignored) ? "no file" : "not there"),
                    "name a backtest.csv that `uptake backtest -o` wrote");
      return;
    }
  } else if (!fs::exists(file, ignored)) {
    if (scenario.outside_weight > 0)
      reader.report(reader.find("outside_view")->place, "there is no table of past forecasts to weigh",
                    fmt::format("name one with past_forecasts; {} is not there", file.string()));
    return;
  }
  try {
    scenario.past_forecasts = std::make_shared<const PastForecasts>(read_past_forecasts(file));
  } catch (const InputError& error) {
    for (const Problem& problem : error.problems())
      loading.problems.add({problem.where}, problem.what, problem.suggestion);
  } catch (const FileError& error) {
    loading.files.keep(error);
  }
}

void read_run_settings(Loading& loading, TableReader& reader) {
  Scenario& scenario = loading.scenario;
  check_schema(reader);
  reader.require("title", "\"…\"");
  scenario.title = reader.text("title").value_or("");
  scenario.notes = plain(reader.texts("notes"));
  if (const auto n = reader.whole("replicates", 1, kMostReplicates)) scenario.replicates = static_cast<int>(*n);
  read_seed(reader, scenario.seed);
  scenario.attention = reader.flag("attention").value_or(true);
  scenario.shapley = reader.flag("shapley").value_or(false) ? Shapley::drivers : Shapley::off;
  scenario.focus = read_region(reader, "focus", loading.regions, Whole::england).value_or("");
  constexpr std::array<std::string_view, 3> kPaths{"month", "quarter", "year"};
  constexpr std::array kPathMonths{1, 3, 12};
  if (const auto path = reader.choice("path", kPaths)) scenario.path_months = kPathMonths[*path];
  scenario.by_board = reader.flag("by_board").value_or(true);
  read_published(reader, "published", loading.regions, scenario.published);

  // `growth = true`, or the section with its parameters, which is read with the others.
  const TomlValue* growth = reader.find("growth");
  scenario.growth = growth && (growth->as<TomlTable>() ? true : reader.flag("growth").value_or(false));

  read_parameter_mode(loading, reader);
  read_outside_view(loading, reader);
}

ProgrammeSpec* find_programme(Scenario& scenario, std::string_view name) {
  const auto at = std::ranges::find(scenario.programmes, name, &ProgrammeSpec::name);
  return at == scenario.programmes.end() ? nullptr : &*at;
}

/// Organisations of England that a programme is open to; none where the shipped folder has no tables of England.
std::optional<double> n_in_england(const ProgrammeSpec& programme, const fs::path& data_folder) {
  const fs::path tables = tables_of("england", data_folder);
  if (!fs::exists(tables / "trusts.csv")) return std::nullopt;
  PopulationOptions options;
  options.types = programme.eligible;
  options.n_nearest = 0;
  return static_cast<double>(build_england(tables, options).n_organisations());
}

/// A shipped programme states totals of England; other organisations, a part of it say, have their part of them.
void take_for_a_part(ProgrammeSpec& programme, const fs::path& data_folder) {
  OfEngland of_england;
  for (const Parameter id :
       {Parameter::persons_a_year, Parameter::baseline_events, Parameter::beds, Parameter::delivery_staff_days})
    if (const Setting& total = setting_of(programme, id); total.value != 0) of_england.totals.push_back(id);
  const auto n = programme.historic_denominator ? programme.historic_denominator : n_in_england(programme, data_folder);
  if (!n) return;
  of_england.n_organisations = *n;
  programme.historic_denominator.reset();
  programme.of_england = std::move(of_england);
}

void read_one_programme(Loading& loading, const LocatedText& named) {
  auto [programme, is_good] = loading.files.read(named);
  if (is_good && !is_programme_file(named.text) && loading.scenario.population != "england")
    take_for_a_part(programme, loading.data_folder);
  if (find_programme(loading.scenario, programme.name)) {
    loading.problems.add(named.place, fmt::format("programmes names \"{}\" twice", programme.name));
  } else {
    loading.scenario.programmes.push_back(std::move(programme));
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
  check_identities(loading.scenario.programmes, value->place, loading.problems);
}

void set_parameter(Scenario& scenario, ProgrammeSpec* only, const ParameterSpec& row, const Setting& setting) {
  const auto set = [&](ProgrammeSpec& programme) {
    setting_of(programme, row.id) = setting;
    if (programme.of_england) std::erase(programme.of_england->totals, row.id);
  };
  if (row.home == Home::economy) {
    scenario.economy[static_cast<std::size_t>(row.id) - kNProgrammeParameters] = setting;
  } else if (only) {
    set(*only);
  } else {
    std::ranges::for_each(scenario.programmes, set);
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
  for (const std::string& text : overrides) scenario.overrides.push_back(plain_override(text));
  scenario.economy = default_economy();

  Problems problems;
  check_file_name(file, problems);
  auto table = parse_toml(scenario.text, file.string(), problems);
  if (table) {
    if (const TomlEntry* observations = find_entry(*table, "observations")) {
      problems.add(observations->place, "is a record of past programmes, not a scenario",
                   "`uptake calibrate` and `uptake validate` read it");
    }
  }
  problems.throw_if_any();
  const Sources sources(data_folder / kSourcesFile);
  const std::vector<Override> parameters = read_overrides(overrides, *table, sources, problems);

  TableReader reader(*table, {file.string(), 1, 1}, "", problems);
  read_population_name(reader, file, scenario.population, scenario.population_options, SyntheticPopulations::possible);
  check_table_sources(tables_of(scenario.population, data_folder), sources, problems);
  const std::vector<Region> regions = regions_of(scenario.population, scenario.population_options, data_folder);
  Loading loading{
      scenario, problems, data_folder, regions, {file, data_folder, scenario.population, regions, sources, problems}};
  read_run_settings(loading, reader);
  const bool has_calendar = read_calendar(loading, reader);
  read_programmes(loading, reader);
  read_parameters(loading, reader, parameters);
  const Calendar* const calendar = has_calendar ? &scenario.calendar : nullptr;
  read_common_levers(reader, calendar, regions, scenario);
  read_strategies(reader, calendar, regions, scenario);
  add_worlds_of_drivers(reader, scenario);
  reader.finish();

  loading.files.throw_if_any();

  scenario.digest = digest_of(scenario, tables_of(scenario.population, data_folder));
  return scenario;
}

Population build_population(const Scenario& scenario, const fs::path& data_folder) {
  if (scenario.population_options.synthetic) return build_synthetic(scenario.population_options);
  PopulationOptions options = scenario.population_options;
  for (const ProgrammeSpec& programme : scenario.programmes)
    options.tied.insert(options.tied.end(), programme.eligible.begin(), programme.eligible.end());
  const auto build = scenario.population == "england" ? build_england : read_population;
  return build(tables_of(scenario.population, data_folder), options);
}

}  // namespace uptake
