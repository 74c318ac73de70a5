// A record of past programmes as its file has it: what holds for all of them, then one after another.
#include "uptake/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "population/regions.hpp"
#include "population/tables.hpp"
#include "reading/toml.hpp"
#include "record/observations.hpp"
#include "record/rows.hpp"
#include "record/series.hpp"
#include "record/unused.hpp"
#include "scenario/digest.hpp"
#include "scenario/loading.hpp"
#include "scenario/programme.hpp"
#include "scenario/settings.hpp"
#include "uptake/error.hpp"
#include "uptake/random.hpp"
#include "uptake/version.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {
/// A parameter as the record states it, for all programmes or for one.
struct PriorSetting {
  const ParameterSpec* row;
  Setting setting;
};

/// `[reporting]`, with what is said of rows whose quality is ambiguous.
struct Reporting {
  ReportingModel model;
  double ambiguous = 1;
};

/// What is being put together while a record is read.
struct Loading {
  HistoricRecord& record;
  Problems& problems;
  TableRows table;
  ProgrammeFiles files;
  std::vector<Parameter> calibrated = {};
  Reporting reporting = {};
  std::vector<PriorSetting> priors = {};
};

// ---- What holds for all programmes --------------------------------------------------------------------------------

Reporting read_reporting_fields(TableReader& fields, Reporting reporting) {
  const auto take = [&](std::string_view key, double lowest, double highest, double& value, std::string* source) {
    const auto figure = read_sourced_figure(fields, key, "1", lowest, highest);
    if (!figure) return;
    value = figure->value;
    if (source) *source = figure->origin.source;
  };
  // Beyond 3 on the logit a count says nothing: 0.5 may be 0.05 or 0.95.
  take("discrepancy", 0, 3, reporting.model.discrepancy, &reporting.model.discrepancy_source);
  if (const auto years = read_sourced_figure(fields, "persistence", "year", 0.01, 100)) {
    reporting.model.persistence = years->value;
    reporting.model.persistence_source = years->origin.source;
  }
  take("counting", 0, 3, reporting.model.counting, &reporting.model.counting_source);
  take("level_shift", 0, 3, reporting.model.level_shift, &reporting.model.level_shift_source);
  take("ambiguous", 1, 10, reporting.ambiguous, nullptr);
  return reporting;
}

std::optional<Reporting> read_reporting(TableReader& reader, const Reporting& otherwise) {
  const TomlValue* value = reader.find("reporting");
  if (!value) return std::nullopt;
  if (!value->as<TomlTable>()) {
    reader.report(value->place,
                  fmt::format("{} is {}, must be a table [reporting]", reader.label("reporting"), value->kind()));
    return std::nullopt;
  }
  TableReader fields = fields_of(*value, reader.label("reporting"), reader.problems());
  const Reporting reporting = read_reporting_fields(fields, otherwise);
  fields.finish();
  return reporting;
}

/// Whether the working scale of a calibration takes values of this parameter.
bool can_be_calibrated(const ParameterSpec& row) {
  return row.home == Home::programme && std::ranges::find(kLayerShares, row.id) == kLayerShares.end() &&
         row.id != Parameter::delivery_staff_days && row.unit != "phases";
}

std::vector<std::string_view> calibratable_keys() {
  std::vector<std::string_view> keys;
  for (const ParameterSpec& row : parameter_table()) {
    if (can_be_calibrated(row)) keys.push_back(row.key);
  }
  return keys;
}

std::optional<std::vector<Parameter>> read_calibrated(TableReader& reader) {
  if (!reader.find("calibrated")) return std::nullopt;
  std::vector<Parameter> calibrated;
  for (const LocatedText& key : reader.texts("calibrated")) {
    const ParameterSpec* row = find_parameter(key.text);
    if (!row) {
      reader.report(key.place,
                    fmt::format("{} names an unknown parameter \"{}\"", reader.label("calibrated"), key.text),
                    did_you_mean(key.text, calibratable_keys()));
    } else if (!can_be_calibrated(*row)) {
      reader.report(key.place,
                    fmt::format("{} names {}, which cannot be calibrated", reader.label("calibrated"), key.text));
    } else {
      calibrated.push_back(row->id);
    }
  }
  if (const auto* array = reader.find("calibrated")->as<TomlValue::Array>(); array && array->empty()) {
    reader.report(reader.find("calibrated")->place, fmt::format("{} is empty", reader.label("calibrated")));
  }
  std::ranges::sort(calibrated);
  return calibrated;
}

std::vector<PriorSetting> read_priors(TableReader& reader) {
  std::vector<PriorSetting> priors;
  const TomlValue* value = reader.find("priors");
  if (!value) return priors;
  const std::string label = reader.label("priors");
  if (!value->as<TomlTable>()) {
    reader.report(value->place, fmt::format("{} is {}, must be tables such as [{}.bass]", label, value->kind(), label));
    return priors;
  }
  TableReader groups = fields_of(*value, label, reader.problems());
  read_parameter_groups(groups, Scope::programme, [&](const ParameterSpec& row, const Setting& setting) {
    priors.push_back({&row, setting});
  });
  groups.finish();
  return priors;
}

/// Reads the table; what is wrong with it stands after what was found in the TOML file.
void read_table(Loading& loading, TableReader& reader, const Sources& sources) {
  reader.require("observations", "\"history/observations.csv\"");
  const auto name = reader.text("observations");
  if (!name) return;
  HistoricRecord& record = loading.record;
  record.table = (record.file.parent_path() / *name).lexically_normal();
  std::vector<Problem> problems;
  try {
    loading.table.rows = read_observations(record.table, problems);
  } catch (const FileError& error) {
    loading.files.keep(error);
  }
  for (Problem& problem : problems) {
    loading.problems.add({problem.where}, std::move(problem.what), std::move(problem.suggestion));
  }
  for (const Observation& row : loading.table.rows) check_source(row.source, {row.where}, sources, loading.problems);
  loading.table.taken_by.resize(loading.table.rows.size());
  loading.table.left_out.resize(loading.table.rows.size());
}

// ---- One programme ------------------------------------------------------------------------------------------------

/// Whether a parameter has any part in what is observed of a programme.
bool has_part(const HistoricProgramme& programme, Parameter id) {
  const ProgrammeSpec& spec = programme.spec;
  const auto counts = [&](Measure measure) {
    return std::ranges::find(programme.series, measure, &ObservedSeries::counts) != programme.series.end();
  };
  const bool has_effort = setting_of(spec, Parameter::delivery_staff_days).value > 0;
  const bool has_engagement = !spec.engaged_at_start && !spec.skipped.engaged;
  switch (id) {
    case Parameter::a0:
      return has_engagement;
    case Parameter::a1:
      return has_engagement && has_effort;
    case Parameter::eta:
    case Parameter::half_effort_factor:
    case Parameter::success_by_effort:
    case Parameter::stop_by_effort:
      return has_effort;
    case Parameter::psi:
      return !spec.mandates.empty();
    case Parameter::s_plus:
      return spec.covid == CovidStance::aligned;
    case Parameter::s_minus:
      return spec.covid == CovidStance::not_aligned;
    case Parameter::phi:
    case Parameter::tau:
      return !spec.skipped.implementing;
    case Parameter::uptake_start:
    case Parameter::uptake_spread:
    case Parameter::uptake_ceiling:
    case Parameter::gap_closed:
    case Parameter::background_trend:
      return counts(Measure::uptake_share);
    case Parameter::beds:
      return counts(Measure::capacity_beds);
    default:
      return true;
  }
}

/// Those that have a part and are not certain.
std::vector<Parameter> free_of(const HistoricProgramme& programme, std::span<const Parameter> asked) {
  std::vector<Parameter> calibrated;
  for (const Parameter id : asked) {
    const Family family = setting_of(programme.spec, id).prior.family;
    if (family != Family::fixed && family != Family::one_or_uniform && has_part(programme, id)) {
      calibrated.push_back(id);
    }
  }
  return calibrated;
}

/// A programme and what is still to be done to it when all have been read.
struct ReadProgramme {
  HistoricProgramme programme;
  std::vector<Parameter> calibrated;
};

void read_start(TableReader& fields, bool programme_is_good, HistoricProgramme& programme) {
  auto start = fields.date("start");
  if (start && (*start < kEarliestStart || *start > kLatestStart)) {
    fields.report(fields.find("start")->place,
                  fmt::format("{} = {} is out of range (must be in [{}, {}])", fields.label("start"), iso(*start),
                              iso(kEarliestStart), iso(kLatestStart)));
    start.reset();
  }
  if (programme_is_good && !programme.spec.available_from && !fields.find("start")) {
    fields.report(fields.place(),
                  fmt::format("{} is missing, and {} does not say from when it is available", fields.label("start"),
                              programme.spec.name),
                  "add start = 2021-01-01");
  }
  programme.start = start ? *start : programme.spec.available_from.value_or(kEarliestStart);
}

ReadProgramme read_one_programme(Loading& loading, TableReader& fields) {
  ReadProgramme plan;
  HistoricProgramme& programme = plan.programme;
  const TomlValue* named = fields.require("name", "\"pincer\"");
  const std::string name = fields.text("name").value_or("");
  ProgrammeFiles::Read read{ProgrammeSpec::with_table_defaults("?", OrganisationType::care_home), false};
  if (!name.empty()) read = loading.files.read({name, named->place});
  programme.spec = std::move(read.programme);
  programme.record = fields.text("record").value_or(name);
  const auto known = names_in(loading.table.rows, &Observation::programme);
  if (!known.empty() && !programme.record.empty() && !is_in(known, programme.record)) {
    const TomlValue* stated = fields.find("record");
    fields.report(
        stated ? stated->place : fields.place(),
        fmt::format("no row of {} is of the programme \"{}\"", loading.record.table.string(), programme.record),
        did_you_mean(programme.record, known));
  }
  read_start(fields, read.is_good, programme);
  const auto reporting = read_reporting(fields, loading.reporting).value_or(loading.reporting);
  programme.reporting = reporting.model;
  plan.calibrated = read_calibrated(fields).value_or(loading.calibrated);

  const std::vector<PriorSetting> own = read_priors(fields);
  for (const std::vector<PriorSetting>* priors : {&std::as_const(loading.priors), &own}) {
    for (const PriorSetting& one : *priors) setting_of(programme.spec, one.row->id) = one.setting;
  }
  (void)fields.text("note");
  fields.tables("series", [&](TableReader& one) {
    programme.series.push_back(read_series(loading.table, one, {programme, read.is_good, reporting.ambiguous}));
  });
  if (!fields.find("series")) {
    fields.report(fields.place(), fmt::format("{} has no series", name), "add [[programme.series]]");
  }
  return plan;
}

// ---- Options --------------------------------------------------------------------------

void apply_override(Loading& loading, std::vector<ReadProgramme>& plans, const Override& one) {
  const Location& place = one.value.place;
  std::vector<std::string_view> names;
  for (const ReadProgramme& plan : plans) names.push_back(plan.programme.spec.name);
  if (one.row->home == Home::economy) {
    loading.problems.add(place, fmt::format("{} belongs to a scenario, not to a record", one.row->key));
  } else if (!one.programme.empty() && !is_in(names, one.programme)) {
    loading.problems.add(place, fmt::format("unknown programme \"{}\"", one.programme),
                         did_you_mean(one.programme, names));
  } else if (const auto setting = read_setting(*one.row, one.value, std::string(one.row->key), Provenance::not_needed,
                                               loading.problems)) {
    for (ReadProgramme& plan : plans) {
      ProgrammeSpec& spec = plan.programme.spec;
      if (one.programme.empty() || spec.name == one.programme) setting_of(spec, one.row->id) = *setting;
    }
  }
}

// ---- Digest -------------------------------------------------------------------------------------------------------

std::string series_text(const ObservedSeries& series) {
  std::string text =
      fmt::format("series {}:{} {}:{} counts {} of {}\n", series.measure.size(), series.measure,
                  series.model_region.size(), series.model_region, static_cast<int>(series.counts), series.denominator);
  for (const ObservedPoint& point : series.points) {
    text += fmt::format("point {} {} {} {} {} {}:{} {} {}\n", iso(point.from), iso(point.to), point.value,
                        static_cast<int>(point.rounding), point.step, point.data_set.size(), point.data_set,
                        point.counting_factor, static_cast<int>(point.use));
  }
  return text;
}

/// 16 hexadecimal digits over everything that decides a calibration: neither titles, notes and sources, nor values and
/// prices, nor rows that are not used.
std::string digest_of(const HistoricRecord& record, const fs::path& tables) {
  std::string text = fmt::format("uptake {}\nrecord seed {}\n", version(), record.seed);
  text += population_text(record.population, record.population_options, tables);
  for (const HistoricProgramme& programme : record.programmes) {
    text += programme_text(programme.spec, Money::left_out);
    text +=
        fmt::format("kind {} push {} evidence {} start {} reporting {} {} {} {} calibrated",
                    static_cast<int>(programme.spec.innovation), static_cast<int>(programme.spec.push),
                    static_cast<int>(programme.spec.evidence), iso(programme.start), programme.reporting.discrepancy,
                    programme.reporting.persistence, programme.reporting.counting, programme.reporting.level_shift);
    for (const Parameter id : programme.calibrated) text += fmt::format(" {}", spec(id).key);
    text += '\n';
    for (const ObservedSeries& series : programme.series) text += series_text(series);
  }
  return fmt::format("{:016x}", identity_of(text));
}

std::vector<ReadProgramme> read_programmes(Loading& loading, TableReader& reader) {
  std::vector<ReadProgramme> plans;
  reader.tables("programme", [&](TableReader& fields) {
    ReadProgramme plan = read_one_programme(loading, fields);
    const bool is_named_twice = std::ranges::any_of(
        plans, [&](const ReadProgramme& one) { return one.programme.spec.name == plan.programme.spec.name; });
    if (is_named_twice) {
      fields.report(fields.place(), fmt::format("programme \"{}\" is described twice", plan.programme.spec.name));
    } else {
      plans.push_back(std::move(plan));
    }
  });
  const TomlValue* listed = reader.find("programme");
  const auto* array = listed ? listed->as<TomlValue::Array>() : nullptr;
  if (!listed || (array && array->empty())) {
    reader.report(reader.place(), "the record describes no programme", "add [[programme]]");
  } else if (array && array->size() > kMostProgrammes) {
    reader.report(listed->place,
                  fmt::format("the record describes {} programmes (must be 1 to {})", array->size(), kMostProgrammes));
  }
  return plans;
}

void read_head(Loading& loading, TableReader& reader) {
  HistoricRecord& record = loading.record;
  check_schema(reader);
  reader.require("title", "\"…\"");
  record.title = reader.text("title").value_or("");
  read_seed(reader, record.seed);
  loading.calibrated = read_calibrated(reader).value_or(std::vector<Parameter>{});
  if (!reader.find("calibrated")) reader.require("calibrated", "[\"bass.p\", \"bass.q\"]");
  reader.require("reporting", "{ discrepancy = …, level_shift = … }");
  if (const TomlValue* value = reader.find("reporting"); value && value->as<TomlTable>()) {
    TableReader fields = fields_of(*value, "reporting", loading.problems);
    fields.require("discrepancy", "{ value = 0.15, grade = \"assumption\" }");
    fields.require("level_shift", "{ value = 0.15, grade = \"assumption\" }");
  }
  loading.reporting = read_reporting(reader, {}).value_or(Reporting{});
  loading.priors = read_priors(reader);
}
}  // namespace

HistoricRecord load_record(const fs::path& file, std::span<const std::string> overrides, const fs::path& data_folder) {
  HistoricRecord record;
  record.name = file.stem().string();
  record.file = file;
  record.text = read_text(file);

  Problems problems;
  check_file_name(file, problems);
  auto table = parse_toml(record.text, file.string(), problems);
  problems.throw_if_any();
  const Sources sources(data_folder / kSourcesFile);
  const std::vector<Override> parameters = read_overrides(overrides, *table, sources, problems);

  TableReader reader(*table, {file.string(), 1, 1}, "", problems);
  read_population_name(reader, file, record.population, record.population_options,
                       SyntheticPopulations::none);  // what was observed was observed somewhere
  check_table_sources(tables_of(record.population, data_folder), sources, problems);
  const std::vector<Region> regions = regions_of(record.population, record.population_options, data_folder);
  Loading loading{
      record, problems, {problems, regions}, {file, data_folder, record.population, regions, sources, problems}};
  read_head(loading, reader);
  read_table(loading, reader, sources);
  std::vector<ReadProgramme> plans = read_programmes(loading, reader);
  for (const Override& one : parameters) apply_override(loading, plans, one);
  const std::vector<UnusedRule> rules = read_unused_rules(loading.table, reader);
  reader.finish();

  std::vector<ProgrammeSpec> specs;
  for (ReadProgramme& plan : plans) {
    check_shares(plan.programme.spec, problems);
    plan.programme.calibrated = free_of(plan.programme, plan.calibrated);
    specs.push_back(plan.programme.spec);
    record.programmes.push_back(std::move(plan.programme));
  }
  check_identities(specs, {file.string(), 1, 1}, problems);
  name_unused(loading.table, rules, record);
  loading.files.throw_if_any();

  record.digest = digest_of(record, tables_of(record.population, data_folder));
  return record;
}

bool is_record(const fs::path& file) {
  try {
    Problems ignored;
    const auto table = parse_toml(read_text(file), file.string(), ignored);
    return table && find_entry(*table, "observations");
  } catch (const InputError&) {
  } catch (const FileError&) {
  }
  return false;
}

}  // namespace uptake
