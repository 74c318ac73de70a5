#include "uptake/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

#include "population/regions.hpp"
#include "population/tables.hpp"
#include "reading/quantity.hpp"
#include "reading/toml.hpp"
#include "record/observations.hpp"
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
constexpr std::array<std::string_view, 2> kYearNames{"window", "middle"};
enum class YearMeans : std::uint8_t { window, middle };

constexpr double kMostValue = 1e12;       // a bound against slips of the pen [A]
constexpr std::string_view kAll = "all";  ///< the whole population, wherever it is
constexpr std::string_view kAmbiguous = "ambiguous";

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

/// Rows of a region and measure that make a series or join it, with what they have in common.
struct Joined {
  std::string region, measure;
  std::optional<std::string> data_set;
  std::optional<Use> use;
  std::optional<double> denominator;  ///< of these rows, when it is not that of the series
  bool says_denominator = false;      ///< right or wrong
  bool complement = false;            ///< they count those without
  double plus = 0;                    ///< what they leave out
  Location place;
};

/// What the file says of single rows.
struct Exception {
  std::string date;
  std::optional<std::string> region, measure;
  std::optional<double> value;
  std::optional<Date> from, to;
  std::optional<Rounding> rounding;
  std::optional<double> step;
  std::optional<std::string> data_set, leave_out;
  std::optional<Use> use;
  Location place;
  std::string matched;  ///< row that it was for, file:line

  [[nodiscard]] bool is_for(const Observation& row, std::span<const Region> known) const {
    return row.date == date && (!region || same_region(known, row.region, *region)) &&
           (!measure || row.measure == *measure) && (!value || row.value == value);
  }
};

/// A series as the file describes it.
struct SeriesPlan {
  ObservedSeries series;
  std::vector<Joined> joined;  ///< the first is the series itself
  std::vector<Exception> exceptions;
  Rounding rounding = Rounding::exact;
  double step = 0;
  YearMeans year = YearMeans::window;
  bool programme_is_good = true;  ///< its file holds what it should
  bool has_names = true;          ///< of a measure and regions that rows have
  Location place;
};

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

/// What is being put together while a record is read.
struct Loading {
  HistoricRecord& record;
  Problems& problems;
  std::span<const Region> regions;  ///< of the population; empty when they are not known
  ProgrammeFiles files;
  std::vector<Observation> rows = {};
  std::vector<std::string> taken_by = {};  ///< by row: the series that takes it, file:line:column
  std::vector<std::string> left_out = {};  ///< by row: why a series does not use it
  std::vector<Parameter> calibrated = {};
  Reporting reporting = {};
  std::vector<PriorSetting> priors = {};
};

/// Each once, in the order of the table.
std::vector<std::string_view> names_in(std::span<const Observation> rows, std::string Observation::*field,
                                       std::string_view programme = {}) {
  std::vector<std::string_view> names;
  for (const Observation& row : rows) {
    const bool counts = programme.empty() || row.programme == programme;
    if (counts && std::ranges::find(names, row.*field) == names.end()) names.push_back(row.*field);
  }
  return names;
}

bool is_in(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}
/// Whether one of these rows' names of a field is meant by a name: regions have several.
bool is_named_in(const Loading& loading, std::span<const std::string_view> names, std::string Observation::*field,
                 std::string_view name) {
  if (field != &Observation::region) return is_in(names, name);
  return std::ranges::any_of(names, [&](std::string_view one) { return same_region(loading.regions, one, name); });
}

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
    loading.rows = read_observations(record.table, problems);
  } catch (const FileError& error) {
    loading.files.keep(error);
  }
  for (Problem& problem : problems) {
    loading.problems.add({problem.where}, std::move(problem.what), std::move(problem.suggestion));
  }
  for (const Observation& row : loading.rows) check_source(row.source, {row.where}, sources, loading.problems);
  loading.taken_by.resize(loading.rows.size());
  loading.left_out.resize(loading.rows.size());
}

// ---- One series ---------------------------------------------------------------------------------------------------

/// The name of a region or measure; one that the programme's rows do not have is a problem.
bool check_named(const Loading& loading, TableReader& fields, std::string_view key, const std::string& name,
                 std::string Observation::*field, const std::string& programme) {
  const auto names = names_in(loading.rows, field, programme);
  if (names.empty() || is_named_in(loading, names, field, name)) return true;  // a programme without rows was reported
  const TomlValue* value = fields.find(key);
  fields.report(value ? value->place : fields.place(),
                fmt::format("no row of {} has the {} \"{}\"", programme, key, name), did_you_mean(name, names));
  return false;
}

void read_rounding(TableReader& fields, std::optional<Rounding>& rounding, std::optional<double>& step) {
  if (const auto named = fields.choice("rounding", kRoundingNames)) rounding = static_cast<Rounding>(*named);
  step = fields.quantity("step", "1", 1e-9, kMostValue);
  const TomlValue* stated = fields.find("step");
  if (rounding && *rounding != Rounding::exact && !stated) {
    fields.report(fields.find("rounding")->place, fmt::format("{} has no step", fields.label("rounding")),
                  "add step = 100");
  } else if (stated && (!rounding || *rounding == Rounding::exact)) {
    fields.report(stated->place, fmt::format("{} says nothing without a rounding", fields.label("step")),
                  "add rounding = \"at-least\"");
  }
}

std::optional<Use> read_use(TableReader& fields) {
  const auto use = fields.choice("use", kUseNames);
  return use ? std::optional(static_cast<Use>(*use)) : std::nullopt;
}

void read_exceptions(TableReader& fields, SeriesPlan& plan) {
  fields.tables("rows", [&](TableReader& one) {
    Exception exception;
    exception.place = one.place();
    one.require("date", "\"2021\"");
    exception.date = one.text("date").value_or("");
    exception.region = one.text("region");
    exception.measure = one.text("measure");
    exception.value = one.quantity("value", "1", -kMostValue, kMostValue);
    exception.from = one.date("from");
    exception.to = one.date("to");
    if (exception.from.has_value() != exception.to.has_value()) {
      one.report(one.place(), fmt::format("{}from and {}to belong together", one.label(""), one.label("")));
      exception.from.reset(), exception.to.reset();
    } else if (exception.from && *exception.to < *exception.from) {
      one.report(one.find("to")->place, fmt::format("{} ends on {}, before it starts on {}", "a row's window",
                                                    iso(*exception.to), iso(*exception.from)));
      exception.to = exception.from;
    }
    read_rounding(one, exception.rounding, exception.step);
    exception.data_set = one.text("data_set");
    exception.leave_out = one.text("leave_out");
    exception.use = read_use(one);
    (void)one.text("note");
    plan.exceptions.push_back(std::move(exception));
  });
}

/// How rows are counted: keys of a series, and of those that join it.
void read_counting(TableReader& fields, Joined& joined) {
  joined.place = fields.place();
  joined.data_set = fields.text("data_set");
  joined.use = read_use(fields);
  joined.complement = fields.flag("complement").value_or(false);
  joined.plus = read_figure(fields, "plus", "1", 0, kMostValue).value_or(0);
  joined.denominator = read_figure(fields, "denominator", "1", 1e-9, kMostValue);
  joined.says_denominator = fields.find("denominator") != nullptr;
  (void)fields.text("note");
}

void read_joined(const Loading& loading, TableReader& fields, const std::string& programme, SeriesPlan& plan) {
  fields.tables("also", [&](TableReader& one) {
    Joined joined;
    read_counting(one, joined);
    joined.region = one.text("region").value_or(plan.series.region);
    joined.measure = one.text("measure").value_or(plan.series.measure);
    plan.has_names &= check_named(loading, one, "region", joined.region, &Observation::region, programme);
    plan.has_names &= check_named(loading, one, "measure", joined.measure, &Observation::measure, programme);
    plan.joined.push_back(std::move(joined));
  });
}

void read_model_region(const Loading& loading, TableReader& fields, ObservedSeries& series) {
  const auto stated = fields.text("model_region");
  const std::string name = stated.value_or(series.region);
  if (name == kEngland || name == kAll) return;
  if (const auto region = find_region(loading.regions, name)) {
    series.model_region = loading.regions[*region].code;
  } else if (loading.regions.empty()) {
    series.model_region = name;  // tables without names of regions: the population knows when it is built
  } else {
    constexpr std::array<std::string_view, 2> kWhole{kEngland, kAll};
    const TomlValue* value = fields.find("model_region");
    const std::string meant = nearest_region(loading.regions, name, kWhole);
    fields.report(value ? value->place : fields.place(),
                  fmt::format("no region of the population is called \"{}\"", name),
                  meant.empty() && !value ? "say which it is with model_region = \"…\"" : meant);
  }
}

/// Names what kind of programme a measure needs, when this is not one.
void check_counts(TableReader& fields, const ProgrammeSpec& spec, Measure counts) {
  const auto need = [&](Measure measure, OutcomeKind kind) {
    if (counts != measure || spec.outcome == kind) return;
    fields.report(fields.find("counts")->place, fmt::format("{} has no {}: its outcome is \"{}\", not \"{}\"",
                                                            spec.name, kMeasureNames[static_cast<std::size_t>(measure)],
                                                            uptake::spec(spec.outcome).name, uptake::spec(kind).name));
  };
  need(Measure::uptake_share, OutcomeKind::uptake);
  need(Measure::capacity_beds, OutcomeKind::capacity);
}

SeriesPlan read_series(const Loading& loading, TableReader& fields, const HistoricProgramme& programme,
                       bool programme_is_good) {
  SeriesPlan plan;
  plan.programme_is_good = programme_is_good;
  plan.place = fields.place();
  ObservedSeries& series = plan.series;
  fields.require("measure", "\"adopting_orgs\"");
  series.measure = fields.text("measure").value_or("");
  series.region = fields.text("region").value_or(std::string(kEngland));
  plan.has_names = !series.measure.empty() &&
                   check_named(loading, fields, "measure", series.measure, &Observation::measure, programme.record);
  const bool has_region = check_named(loading, fields, "region", series.region, &Observation::region, programme.record);
  plan.has_names &= has_region;
  fields.require("counts", "\"ever_adopted\"");
  if (const auto counts = fields.choice("counts", kMeasureNames)) {
    series.counts = static_cast<Measure>(*counts);
    if (programme_is_good) check_counts(fields, programme.spec, series.counts);
  }
  if (has_region || fields.find("model_region")) read_model_region(loading, fields, series);
  std::optional<Rounding> rounding;
  std::optional<double> step;
  read_rounding(fields, rounding, step);
  plan.rounding = rounding.value_or(Rounding::exact);
  plan.step = step.value_or(0);
  plan.year = choice_or(fields, "year", kYearNames, YearMeans::window);
  Joined own;
  own.region = series.region;
  own.measure = series.measure;
  read_counting(fields, own);
  plan.joined.push_back(std::move(own));
  read_joined(loading, fields, programme.record, plan);
  read_exceptions(fields, plan);
  return plan;
}

bool is_in_per_cent(std::string_view unit) { return unit.starts_with('%'); }

/// What a share of 1 is when nothing else is stated: 100 for per cent, the programme's own denominator for all.
/// @return whether it is known
bool find_denominator(Loading& loading, const ProgrammeSpec& spec, SeriesPlan& plan) {
  const ObservedSeries& series = plan.series;
  const Joined& own = plan.joined.front();
  std::optional<double> denominator = own.denominator;
  if (own.says_denominator && !denominator) return false;
  if (!denominator && is_in_per_cent(series.unit)) denominator = 100;
  const bool of_organisations = series.counts != Measure::uptake_share && series.counts != Measure::capacity_beds;
  if (!denominator && series.model_region.empty() && of_organisations) denominator = spec.historic_denominator;
  if (!denominator && plan.programme_is_good) {
    loading.problems.add(plan.place,
                         fmt::format("nothing says what a share of 1 is in {} of {}", series.measure, series.region),
                         "add denominator = { value = …, source = \"…\" }");
  }
  plan.series.denominator = denominator.value_or(1);
  return denominator.has_value();
}

/// Days on which the row may have been counted: as stated, or the last day of its month, or its year.
std::pair<Date, Date> days_counted(const Observation& row, const SeriesPlan& plan, const Exception* exception) {
  if (exception && exception->from) return {*exception->from, *exception->to};
  constexpr std::size_t kYearText = 4;
  if (row.date.size() != kYearText) return {row.last, row.last};
  if (plan.year == YearMeans::window) return {row.first, row.last};
  const Date middle = row.first + (row.last - row.first) / 2;
  return {middle, middle};
}

/// The point that a row makes; no value when the row is left out or wrong.
std::optional<ObservedPoint> make_point(Loading& loading, const SeriesPlan& plan, const Joined& joined,
                                        const Exception* exception, const HistoricProgramme& programme,
                                        std::size_t index) {
  const Observation& row = loading.rows[index];
  const ObservedSeries& series = plan.series;
  std::string& left_out = loading.left_out[index];
  if (exception && exception->leave_out) {
    left_out = *exception->leave_out;
    return std::nullopt;
  }
  if (!row.value) {
    left_out = "no number";
    return std::nullopt;
  }
  ObservedPoint point;
  std::tie(point.from, point.to) = days_counted(row, plan, exception);
  if (point.to < programme.start) {
    left_out = fmt::format("before the first day simulated, {}", iso(programme.start));
    return std::nullopt;
  }
  point.from = std::max(point.from, programme.start);
  const auto refuse = [&](std::string what) { loading.problems.add({row.where}, std::move(what)); };
  if (*row.value < 0) {
    refuse(fmt::format("{} = {} is negative", row.measure, *row.value));
    return std::nullopt;
  }
  const Joined& own = plan.joined.front();
  if (!joined.denominator && is_in_per_cent(row.unit) != is_in_per_cent(series.unit)) {
    refuse(fmt::format("{} is in \"{}\", its series in \"{}\"", row.measure, row.unit, series.unit));
    return std::nullopt;
  }
  const double denominator = joined.denominator.value_or(series.denominator);
  const double counted = (joined.complement ? denominator - *row.value : *row.value) + joined.plus;
  if (*row.value > denominator || counted > denominator) {
    refuse(fmt::format("{} = {} is above its denominator {}{}", row.measure, *row.value, denominator,
                       joined.plus > 0 ? fmt::format(", with the {} that it leaves out", joined.plus) : ""));
    return std::nullopt;
  }
  const double scale = series.denominator / denominator;
  point.value = counted * scale;
  point.rounding = exception && exception->rounding ? *exception->rounding : plan.rounding;
  if (joined.complement && point.rounding == Rounding::at_least) {
    refuse(fmt::format("{} = {} without are at most so many with, not at least", row.measure, *row.value));
    return std::nullopt;
  }
  point.step = scale * (exception && exception->rounding ? exception->step.value_or(0) : plan.step);
  // Nobody and everybody in per cent were rounded to it, whatever is said: a share of exactly 0 or 1 has no logit.
  if (point.rounding == Rounding::exact && is_in_per_cent(series.unit) &&
      (point.value <= 0 || point.value >= series.denominator)) {
    point.rounding = Rounding::nearest;
    point.step = series.denominator / 100;
  }
  point.data_set = exception && exception->data_set ? *exception->data_set
                   : joined.data_set                ? *joined.data_set
                                                    : own.data_set.value_or("");
  point.use = exception && exception->use ? *exception->use : joined.use.value_or(own.use.value_or(Use::fit));
  point.date = row.date;
  point.source = row.source;
  point.note = row.note;
  point.where = row.where;
  return point;
}

void check_exceptions(Loading& loading, const SeriesPlan& plan) {
  for (const Exception& exception : plan.exceptions) {
    if (!exception.matched.empty() || exception.date.empty()) continue;
    std::vector<std::string_view> dates;
    for (const Observation& row : loading.rows) {
      for (const Joined& joined : plan.joined) {
        if (same_region(loading.regions, row.region, joined.region) && row.measure == joined.measure)
          dates.push_back(row.date);
      }
    }
    loading.problems.add(exception.place, fmt::format("no row of the series is of \"{}\"", exception.date),
                         did_you_mean(exception.date, dates));
  }
}

using TakenRow = std::pair<std::size_t, const Joined*>;

/// Rows of the series and of those that join it; a series that asks for rows that do not exist, or that another has
/// taken, is a problem.
std::vector<TakenRow> take_rows(Loading& loading, const std::string& programme, const SeriesPlan& plan) {
  std::vector<TakenRow> rows;
  for (const Joined& joined : plan.joined) {
    const std::size_t n_before = rows.size();
    std::string other;
    for (std::size_t i = 0; i < loading.rows.size(); ++i) {
      const Observation& row = loading.rows[i];
      if (row.programme != programme || row.measure != joined.measure ||
          !same_region(loading.regions, row.region, joined.region))
        continue;
      if (!loading.taken_by[i].empty()) {
        other = loading.taken_by[i];
        continue;
      }
      loading.taken_by[i] = joined.place.text();
      rows.emplace_back(i, &joined);
    }
    const std::string what = fmt::format("{} of {} in {}", joined.measure, programme, joined.region);
    if (!other.empty()) {
      loading.problems.add(joined.place, fmt::format("the rows of {} are already taken by {}", what, other));
    } else if (rows.size() == n_before) {
      loading.problems.add(joined.place, fmt::format("there is no row of {}", what));
    }
  }
  return rows;
}

/// The exception for a row, if there is one.
Exception* exception_for(Loading& loading, SeriesPlan& plan, const Observation& row) {
  Exception* found = nullptr;
  for (Exception& one : plan.exceptions) {
    if (!one.is_for(row, loading.regions)) continue;
    one.matched = row.where;
    if (found) {
      loading.problems.add(one.place, fmt::format("two exceptions are for row {}", row.where),
                           "name region, measure or value");
    }
    found = &one;
  }
  return found;
}

/// The points of a series, in time.
void fill_series(Loading& loading, const HistoricProgramme& programme, double ambiguous, SeriesPlan& plan) {
  ObservedSeries& series = plan.series;
  const std::vector<TakenRow> rows = take_rows(loading, programme.record, plan);
  const auto own = std::ranges::find(rows, &std::as_const(plan.joined.front()), &TakenRow::second);
  if (own == rows.end()) return;
  series.unit = loading.rows[own->first].unit;
  const bool has_denominator = find_denominator(loading, programme.spec, plan);
  const std::size_t n_problems = loading.problems.count();
  for (const auto& [i, joined] : rows) {
    const Exception* exception = exception_for(loading, plan, loading.rows[i]);
    auto point = has_denominator ? make_point(loading, plan, *joined, exception, programme, i) : std::nullopt;
    if (!point) continue;
    if (loading.rows[i].quality == kAmbiguous) point->counting_factor = ambiguous;
    series.points.push_back(*std::move(point));
  }
  check_exceptions(loading, plan);
  if (has_denominator && series.points.empty() && loading.problems.count() == n_problems) {
    loading.problems.add(plan.place, fmt::format("every row of {} in {} is left out", series.measure, series.region),
                         "leave out the series");
  }
  std::ranges::stable_sort(series.points, {}, [](const ObservedPoint& point) {
    return std::pair{point.from.time_since_epoch() + point.to.time_since_epoch(), point.from.time_since_epoch()};
  });
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
  const auto known = names_in(loading.rows, &Observation::programme);
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
    SeriesPlan series = read_series(loading, one, programme, read.is_good);
    const bool has_rows = !names_in(loading.rows, &Observation::measure, programme.record).empty();
    if (has_rows && series.has_names) fill_series(loading, programme, reporting.ambiguous, series);
    programme.series.push_back(std::move(series.series));
  });
  if (!fields.find("series")) {
    fields.report(fields.place(), fmt::format("{} has no series", name), "add [[programme.series]]");
  }
  return plan;
}

// ---- Options, and rows that nobody takes --------------------------------------------------------------------------

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

std::vector<UnusedRule> read_unused_rules(const Loading& loading, TableReader& reader) {
  std::vector<UnusedRule> rules;
  reader.tables("unused", [&](TableReader& fields) {
    const auto names = [&](std::string_view key, std::string Observation::*field) {
      const auto known = names_in(loading.rows, field);
      std::vector<LocatedText> named = fields.texts(key);
      for (const LocatedText& name : named) {
        if (known.empty() || is_named_in(loading, known, field, name.text)) continue;
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

/// A name that no series has taken, when it is nearly one that is known. @param known may have the name itself
std::optional<Problem> mistyped(const Observation& row, std::string_view column, std::string_view name,
                                std::span<const std::string_view> known) {
  if (is_in(known, name)) return std::nullopt;
  const std::string meant = did_you_mean(name, known);
  if (meant.empty()) return std::nullopt;
  return Problem{row.where, fmt::format("the row is not used: no series is of the {} \"{}\"", column, name), meant};
}

/// What seems mistyped in a row that no series takes and no rule explains.
std::optional<Problem> doubt_about(const Loading& loading, const Observation& row) {
  std::vector<std::string_view> programmes, regions{kEngland}, measures;
  for (const HistoricProgramme& one : loading.record.programmes) programmes.push_back(one.record);
  if (!is_in(programmes, row.programme)) return mistyped(row, "programme", row.programme, programmes);
  for (const Region& region : loading.regions)
    regions.insert(regions.end(), {region.name, region.code, region.short_name});
  for (std::size_t i = 0; i < loading.rows.size(); ++i) {
    if (loading.rows[i].programme != row.programme || loading.taken_by[i].empty()) continue;
    regions.push_back(loading.rows[i].region);
    measures.push_back(loading.rows[i].measure);
  }
  auto doubt = mistyped(row, "region", row.region, regions);
  return doubt ? doubt : mistyped(row, "measure", row.measure, measures);
}

/// Rows that make no point, with the reason that is nearest to them.
void name_unused(const Loading& loading, std::span<const UnusedRule> rules) {
  HistoricRecord& record = loading.record;
  for (std::size_t i = 0; i < loading.rows.size(); ++i) {
    const Observation& row = loading.rows[i];
    std::string reason = loading.left_out[i];
    if (reason.empty() && !loading.taken_by[i].empty()) continue;
    if (reason.empty()) {
      const auto rule =
          std::ranges::find_if(rules, [&](const UnusedRule& one) { return one.is_for(row, loading.regions); });
      const bool is_named =
          std::ranges::find(record.programmes, row.programme, &HistoricProgramme::record) != record.programmes.end();
      reason = rule != rules.end() ? rule->reason
               : !row.value        ? "no number"
               : is_named          ? fmt::format("no series takes {} of {}", row.measure, row.region)
                                   : "the record names no such programme";
      if (rule == rules.end() && row.value) {
        if (auto doubt = doubt_about(loading, row)) record.doubtful.push_back(*std::move(doubt));
      }
    }
    record.unused.emplace_back(row, std::move(reason));
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
  Loading loading{record, problems, regions, {file, data_folder, record.population, regions, sources, problems}};
  read_head(loading, reader);
  read_table(loading, reader, sources);
  std::vector<ReadProgramme> plans = read_programmes(loading, reader);
  for (const Override& one : parameters) apply_override(loading, plans, one);
  const std::vector<UnusedRule> rules = read_unused_rules(loading, reader);
  reader.finish();

  std::vector<ProgrammeSpec> specs;
  for (ReadProgramme& plan : plans) {
    check_shares(plan.programme.spec, problems);
    plan.programme.calibrated = free_of(plan.programme, plan.calibrated);
    specs.push_back(plan.programme.spec);
    record.programmes.push_back(std::move(plan.programme));
  }
  check_identities(specs, {file.string(), 1, 1}, problems);
  name_unused(loading, rules);
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
