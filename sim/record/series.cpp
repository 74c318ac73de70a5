#include "record/series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>
#include <utility>

#include "population/regions.hpp"
#include "scenario/settings.hpp"
#include "uptake/error.hpp"

namespace uptake {

namespace {
constexpr std::array<std::string_view, 2> kYearNames{"window", "middle"};
enum class YearMeans : std::uint8_t { window, middle };

constexpr double kMostValue = 1e12;       // a bound against slips of the pen [A]
constexpr std::string_view kAll = "all";  ///< the whole population, wherever it is
constexpr std::string_view kAmbiguous = "ambiguous";

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

/// The name of a region or measure; one that the programme's rows do not have is a problem.
bool check_named(const TableRows& table, TableReader& fields, std::string_view key, const std::string& name,
                 std::string Observation::*field, const std::string& programme) {
  const auto names = names_in(table.rows, field, programme);
  if (names.empty() || is_named_in(table, names, field, name)) return true;  // a programme without rows was reported
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

void read_joined(const TableRows& table, TableReader& fields, const std::string& programme, SeriesPlan& plan) {
  fields.tables("also", [&](TableReader& one) {
    Joined joined;
    read_counting(one, joined);
    joined.region = one.text("region").value_or(plan.series.region);
    joined.measure = one.text("measure").value_or(plan.series.measure);
    plan.has_names &= check_named(table, one, "region", joined.region, &Observation::region, programme);
    plan.has_names &= check_named(table, one, "measure", joined.measure, &Observation::measure, programme);
    plan.joined.push_back(std::move(joined));
  });
}

void read_model_region(const TableRows& table, TableReader& fields, ObservedSeries& series) {
  const auto stated = fields.text("model_region");
  const std::string name = stated.value_or(series.region);
  if (name == kEngland || name == kAll) return;
  if (const auto region = find_region(table.regions, name)) {
    series.model_region = table.regions[*region].code;
  } else if (table.regions.empty()) {
    series.model_region = name;  // tables without names of regions: the population knows when it is built
  } else {
    constexpr std::array<std::string_view, 2> kWhole{kEngland, kAll};
    const TomlValue* value = fields.find("model_region");
    const std::string meant = nearest_region(table.regions, name, kWhole);
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

SeriesPlan read_plan(const TableRows& table, TableReader& fields, const HistoricProgramme& programme,
                     bool programme_is_good) {
  SeriesPlan plan;
  plan.programme_is_good = programme_is_good;
  plan.place = fields.place();
  ObservedSeries& series = plan.series;
  fields.require("measure", "\"adopting_orgs\"");
  series.measure = fields.text("measure").value_or("");
  series.region = fields.text("region").value_or(std::string(kEngland));
  plan.has_names = !series.measure.empty() &&
                   check_named(table, fields, "measure", series.measure, &Observation::measure, programme.record);
  const bool has_region = check_named(table, fields, "region", series.region, &Observation::region, programme.record);
  plan.has_names &= has_region;
  fields.require("counts", "\"ever_adopted\"");
  if (const auto counts = fields.choice("counts", kMeasureNames)) {
    series.counts = static_cast<Measure>(*counts);
    if (programme_is_good) check_counts(fields, programme.spec, series.counts);
  }
  if (has_region || fields.find("model_region")) read_model_region(table, fields, series);
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
  read_joined(table, fields, programme.record, plan);
  read_exceptions(fields, plan);
  return plan;
}

bool is_in_per_cent(std::string_view unit) { return unit.starts_with('%'); }

/// What a share of 1 is when nothing else is stated: 100 for per cent, the programme's own denominator for all.
/// @return whether it is known
bool find_denominator(TableRows& table, const ProgrammeSpec& spec, SeriesPlan& plan) {
  const ObservedSeries& series = plan.series;
  const Joined& own = plan.joined.front();
  std::optional<double> denominator = own.denominator;
  if (own.says_denominator && !denominator) return false;
  if (!denominator && is_in_per_cent(series.unit)) denominator = 100;
  const bool of_organisations = series.counts != Measure::uptake_share && series.counts != Measure::capacity_beds;
  if (!denominator && series.model_region.empty() && of_organisations) denominator = spec.historic_denominator;
  if (!denominator && plan.programme_is_good) {
    table.problems.add(plan.place,
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
std::optional<ObservedPoint> make_point(TableRows& table, const SeriesPlan& plan, const Joined& joined,
                                        const Exception* exception, const HistoricProgramme& programme,
                                        std::size_t index) {
  const Observation& row = table.rows[index];
  const ObservedSeries& series = plan.series;
  std::string& left_out = table.left_out[index];
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
  const auto refuse = [&](std::string what) { table.problems.add({row.where}, std::move(what)); };
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

void check_exceptions(TableRows& table, const SeriesPlan& plan) {
  for (const Exception& exception : plan.exceptions) {
    if (!exception.matched.empty() || exception.date.empty()) continue;
    std::vector<std::string_view> dates;
    for (const Observation& row : table.rows) {
      for (const Joined& joined : plan.joined) {
        if (same_region(table.regions, row.region, joined.region) && row.measure == joined.measure)
          dates.push_back(row.date);
      }
    }
    table.problems.add(exception.place, fmt::format("no row of the series is of \"{}\"", exception.date),
                       did_you_mean(exception.date, dates));
  }
}

using TakenRow = std::pair<std::size_t, const Joined*>;

/// Rows of the series and of those that join it; a series that asks for rows that do not exist, or that another has
/// taken, is a problem.
std::vector<TakenRow> take_rows(TableRows& table, const std::string& programme, const SeriesPlan& plan) {
  std::vector<TakenRow> rows;
  for (const Joined& joined : plan.joined) {
    const std::size_t n_before = rows.size();
    std::string other;
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      const Observation& row = table.rows[i];
      if (row.programme != programme || row.measure != joined.measure ||
          !same_region(table.regions, row.region, joined.region))
        continue;
      if (!table.taken_by[i].empty()) {
        other = table.taken_by[i];
        continue;
      }
      table.taken_by[i] = joined.place.text();
      rows.emplace_back(i, &joined);
    }
    const std::string what = fmt::format("{} of {} in {}", joined.measure, programme, joined.region);
    if (!other.empty()) {
      table.problems.add(joined.place, fmt::format("the rows of {} are already taken by {}", what, other));
    } else if (rows.size() == n_before) {
      table.problems.add(joined.place, fmt::format("there is no row of {}", what));
    }
  }
  return rows;
}

/// The exception for a row, if there is one.
Exception* exception_for(TableRows& table, SeriesPlan& plan, const Observation& row) {
  Exception* found = nullptr;
  for (Exception& one : plan.exceptions) {
    if (!one.is_for(row, table.regions)) continue;
    one.matched = row.where;
    if (found) {
      table.problems.add(one.place, fmt::format("two exceptions are for row {}", row.where),
                         "name region, measure or value");
    }
    found = &one;
  }
  return found;
}

/// The points of a series, in time.
void fill_series(TableRows& table, const HistoricProgramme& programme, double ambiguous, SeriesPlan& plan) {
  ObservedSeries& series = plan.series;
  const std::vector<TakenRow> rows = take_rows(table, programme.record, plan);
  const auto own = std::ranges::find(rows, &std::as_const(plan.joined.front()), &TakenRow::second);
  if (own == rows.end()) return;
  series.unit = table.rows[own->first].unit;
  const bool has_denominator = find_denominator(table, programme.spec, plan);
  const std::size_t n_problems = table.problems.count();
  for (const auto& [i, joined] : rows) {
    const Exception* exception = exception_for(table, plan, table.rows[i]);
    auto point = has_denominator ? make_point(table, plan, *joined, exception, programme, i) : std::nullopt;
    if (!point) continue;
    if (table.rows[i].quality == kAmbiguous) point->counting_factor = ambiguous;
    series.points.push_back(*std::move(point));
  }
  check_exceptions(table, plan);
  if (has_denominator && series.points.empty() && table.problems.count() == n_problems) {
    table.problems.add(plan.place, fmt::format("every row of {} in {} is left out", series.measure, series.region),
                       "leave out the series");
  }
  std::ranges::stable_sort(series.points, {}, [](const ObservedPoint& point) {
    return std::pair{point.from.time_since_epoch() + point.to.time_since_epoch(), point.from.time_since_epoch()};
  });
}
}  // namespace

ObservedSeries read_series(TableRows& table, TableReader& fields, const SeriesOf& of) {
  SeriesPlan plan = read_plan(table, fields, of.programme, of.is_good);
  const bool has_rows = !names_in(table.rows, &Observation::measure, of.programme.record).empty();
  if (has_rows && plan.has_names) fill_series(table, of.programme, of.ambiguous, plan);
  return std::move(plan.series);
}

}  // namespace uptake
