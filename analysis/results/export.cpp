#include "results/export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "files/file.hpp"
#include "files/results_file.hpp"
#include "results/numbers.hpp"
#include "results/published.hpp"
#include "statistics/statistics.hpp"
#include "uptake/calendar.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {

/// Shortest text that reads back as the same number; an empty field where it is undefined.
std::string number(double value) { return std::isnan(value) ? std::string() : fmt::format("{}", value); }

struct Table {
  std::string_view group, file, meaning;
};
constexpr std::array kTables{
    Table{"", "course.csv", "stocks at month ends, by region"},
    Table{"year", "year.csv", "flows of each financial year, by region"},
    Table{"report", "report.csv", "everything at the report dates, flows from the start, by region"},
    Table{"icb", "boards.csv", "stocks at month ends, by board"},
    Table{"replicates", "replicates.csv", "single replicates, as they were simulated"},
    Table{"shapley", "shapley.csv", "what each driver contributes"},
};

/// What a column of statistics holds. @param otherwise of a statistic that this version does not know
std::string meaning_of(std::string_view statistic, const std::string& otherwise) {
  if (statistic == "mean")
    return "mean over the replicates in which the value is defined; of attributable_share, roi_fiscal, roi_social and "
           "roi_net the ratio of the means";
  if (statistic == "sd") return "standard deviation over the replicates (n - 1)";
  if (statistic == "mcse") return "Monte-Carlo standard error of the mean";
  if (statistic.size() == 3 && statistic.front() == 'p')
    return fmt::format("{} % quantile over the replicates (type 7)",
                       statistic[1] == '0' ? statistic.substr(2) : statistic.substr(1));
  return otherwise;
}

constexpr std::string_view kPublishedTable = "published.csv", kParametersTable = "parameters.csv",
                           kDictionary = "dictionary.csv";

/// Labels of an axis as text: dates where they are dates.
std::vector<std::string> labels_of(const ResultsFile& file, const std::string& path) {
  if (file.attribute(path, "units").starts_with("days since 1970-01-01")) {
    std::vector<std::string> dates;
    for (const Date day : file.dates(path)) dates.push_back(iso(day));
    return dates;
  }
  try {
    return file.texts(path);
  } catch (const FileError&) {  // numbered, as replicates are
    std::vector<std::string> numbers;
    for (const double value : file.numbers(path).values) numbers.push_back(fmt::format("{:.0f}", value));
    return numbers;
  }
}

/// The first and the last financial year are cut where the simulation begins and ends: the days say so.
constexpr std::string_view kYear = "year";
constexpr std::array<std::string_view, 2> kDaysOfYear{"year_from", "year_to"};

/// A variable of a group, and the region that it is given for alone where it has no axis of regions.
struct Variable {
  std::string name, region;
  Labelled data;
};

/// What a row is labelled with: the axes of a group, those of the fewest first.
struct Columns {
  std::vector<std::string> axes;
  bool has_statistics = false;
  std::size_t n_statistics = 1;
};

Columns columns_of(const std::vector<Variable>& variables) {
  Columns columns;
  for (const auto& [name, region, data] : variables) {
    for (const std::string& axis : data.dimensions) {
      if (axis == "statistic") {
        columns.has_statistics = true;
        columns.n_statistics = data.shape[data.axis(axis)];
      } else if (std::ranges::find(columns.axes, axis) == columns.axes.end()) {
        columns.axes.push_back(axis);
      }
    }
  }
  // The order of a sentence, whatever was met first.
  constexpr std::array<std::string_view, 11> kOrder{"replicate", "strategy", "driver", "view",   "programme", "metric",
                                                    "time",      "year",     "report", "region", "board"};
  std::ranges::stable_sort(columns.axes, {}, [&](const std::string& axis) { return std::ranges::find(kOrder, axis); });
  return columns;
}

void add_rows(const Variable& variable, const Columns& columns,
              const std::map<std::string, std::vector<std::string>>& labels, std::string& text) {
  const Labelled& data = variable.data;
  std::vector<std::size_t> steps(data.shape.size(), 1);
  for (std::size_t axis = data.shape.size(); axis-- > 1;) steps[axis - 1] = steps[axis] * data.shape[axis];
  const std::size_t statistic = data.axis("statistic");
  const bool has_statistics = statistic < data.shape.size();
  const std::size_t n_statistics = has_statistics ? data.shape[statistic] : 1;
  const std::size_t statistic_step = has_statistics ? steps[statistic] : 1;
  std::vector<std::size_t> index(data.shape.size(), 0);
  std::vector<std::string_view> cells(columns.axes.size());
  for (;;) {
    std::size_t offset = 0;
    for (std::size_t axis = 0; axis < index.size(); ++axis) offset += index[axis] * steps[axis];
    if (!std::isnan(data.values[offset])) {
      text += variable.name;
      for (const std::string& axis : columns.axes) {
        const std::size_t at = data.axis(axis);
        text += ',';
        if (at < index.size())
          text += csv_field(labels.at(axis)[index[at]]);
        else if (axis == "region")
          text += csv_field(variable.region);
        if (axis != kYear) continue;
        for (const std::string_view day : kDaysOfYear)
          text += at < index.size() ? ',' + labels.at(std::string(day))[index[at]] : ",";
      }
      if (columns.has_statistics) {
        for (std::size_t k = 0; k < n_statistics; ++k) text += ',' + number(data.values[offset + k * statistic_step]);
        // What is the same in all worlds is its own mean, without a spread.
        if (!has_statistics) text += std::string(columns.n_statistics - 1, ',');
      } else {
        text += ',' + number(data.values[offset]);
      }
      text += ',' + csv_field(data.units) + '\n';
    }
    std::size_t axis = index.size();
    while (axis > 0) {
      --axis;
      if (has_statistics && axis == statistic) {
        if (axis == 0) return;
        continue;
      }
      if (++index[axis] < data.shape[axis]) break;
      index[axis] = 0;
      if (axis == 0) return;
    }
    if (index.empty()) return;
  }
}

/// Published figures beside the model's values: the lines that the run wrote.
std::vector<PublishedRow> published_rows(const ResultsFile& file) {
  const auto path = [](const std::string& name) { return "published/" + name; };
  const auto texts = [&](const char* name) { return file.texts(path(name)); };
  const std::vector<std::string> programme = texts("programme"), region = texts("region"), metric = texts("metric"),
                                 unit = texts("unit"), source = texts("source"), note = texts("note");
  const std::vector<Date> from = file.dates(path("from")), to = file.dates(path("to")),
                          model_from = file.dates(path("model_from")), model_to = file.dates(path("model_to"));
  const std::vector<double> value = file.numbers(path("value")).values, p_below = file.numbers(path("p_below")).values;
  const std::vector<double> model = file.numbers(path("model")).values;
  // Files of earlier builds say none of these.
  const std::vector<std::string> place =
      file.has(path("place")) ? texts("place") : std::vector<std::string>(region.size());
  std::vector<double> fitted, stated;
  if (file.has(path("fitted"))) fitted = file.numbers(path("fitted")).values;
  if (file.has(path("from_stated"))) stated = file.numbers(path("from_stated")).values;
  constexpr std::array<std::string_view, 2> kViews{"gross", "net"};
  const std::size_t n = programme.size();
  const auto fit = [&](const auto&... columns) { return ((columns.size() == n) && ...); };
  if (!fit(region, place, metric, unit, source, note, from, to, model_from, model_to, value, p_below) ||
      model.size() != n * kViews.size() * kStatisticNames.size() || (!fitted.empty() && fitted.size() != n) ||
      (!stated.empty() && stated.size() != n) || !std::ranges::equal(texts("view"), kViews) ||
      !std::ranges::equal(texts("statistic"), kStatisticNames))
    throw file.broken("its published figures do not fit together");
  std::vector<PublishedRow> rows;
  for (std::size_t i = 0; i < n; ++i) {
    PublishedRow& row = rows.emplace_back(PublishedRow{programme[i], region[i], place[i], metric[i], unit[i]});
    // The file has days throughout: of a stock the first says nothing, and of what the model does not have both.
    const auto known = find_metric(metric[i]);
    const bool is_flow = !known || spec(*known).kind == MetricKind::flow;
    const auto seen = std::span(model).subspan(i * kViews.size() * kStatisticNames.size());
    const auto statistics = [&](std::size_t at) {
      const auto of = seen.subspan(at * kStatisticNames.size());
      return Statistics{of[0], of[1], of[2], of[3], of[4], of[5], of[6], of[7]};
    };
    row.gross = statistics(0);
    row.net = statistics(1);
    row.p_below = p_below[i];
    const bool has_values = !std::isnan(row.gross.mean) || !std::isnan(row.net.mean) || model_to[i] != to[i];
    if (is_flow && (stated.empty() || stated[i] > 0)) row.from = from[i];
    row.to = to[i];
    row.value = value[i];
    if (is_flow && has_values) row.model_from = model_from[i];
    if (has_values) row.model_to = model_to[i];
    if (!fitted.empty()) row.fitted = fitted[i] > 0;
    row.source = source[i];
    row.note = note[i];
  }
  return rows;
}

}  // namespace

std::vector<fs::path> export_csv(const fs::path& folder, const fs::path& into) {
  const ResultsFile file(folder / "results.h5");
  std::vector<fs::path> written;
  const auto put = [&](std::string_view name, const std::string& text) {
    replace_file(into / name, text);
    written.push_back(into / name);
  };
  std::string dictionary = "file,column,meaning,unit\n";
  const auto explain = [&](std::string_view in, std::string_view column, std::string_view meaning,
                           std::string_view unit) {
    dictionary += fmt::format("{},{},{},{}\n", in, csv_field(column), csv_field(meaning), csv_field(unit));
  };

  for (const auto& [group, name, meaning] : kTables) {
    const std::string prefix = group.empty() ? std::string() : std::string(group) + "/";
    const std::vector<std::string> names = file.datasets(std::string(group));
    const std::set<std::string> all(names.begin(), names.end());
    std::vector<Variable> variables;
    for (const std::string& variable : names) {
      if (file.attribute(prefix + variable, "units").empty() ||
          file.attribute(prefix + variable, "units").starts_with("days since")) {
        continue;  // axes and their dates
      }
      variables.push_back({variable, file.attribute(prefix + variable, "region"), file.numbers(prefix + variable)});
    }
    if (variables.empty()) continue;
    const Columns columns = columns_of(variables);
    std::map<std::string, std::vector<std::string>> labels;
    // An axis, and what else says of it what it is.
    std::vector<std::string> labelled;
    for (const std::string& axis : columns.axes) {
      labelled.push_back(axis);
      if (axis == kYear) labelled.insert(labelled.end(), kDaysOfYear.begin(), kDaysOfYear.end());
    }
    for (const std::string& label : labelled) labels[label] = labels_of(file, prefix + label);
    std::string text;
    // The header and what is said of it come about together.
    const auto column = [&, in = name](std::string_view called, std::string_view what, std::string_view unit) {
      text += fmt::format("{}{}", text.empty() ? "" : ",", called);
      explain(in, called, what, unit);
    };
    constexpr std::string_view kAsStated = "as in column unit";
    explain(name, "", meaning, "");
    column("variable", "what the row is of; each is explained below as \"variable = NAME\"", "");
    for (const std::string& label : labelled) column(label, file.attribute(prefix + label, "long_name"), "");
    if (columns.has_statistics) {
      for (const std::string& statistic : file.texts(prefix + "statistic"))
        column(statistic, meaning_of(statistic, file.attribute(prefix + "statistic", "long_name")), kAsStated);
    } else {
      column("value", "the value of the row", kAsStated);
    }
    column("unit", "unit of the row's values", "");
    text += '\n';
    for (const Variable& variable : variables) {
      std::string what = variable.data.long_name;
      if (const auto n_in = file.number_attribute(prefix + variable.name, "programmes_in_all"))
        what += fmt::format("; all: {} of {} programmes enter", *n_in, labels.at("programme").size() - 1);
      explain(name, fmt::format("variable = {}", variable.name), what, variable.data.units);
      add_rows(variable, columns, labels, text);
    }
    put(name, text);
  }

  if (file.has("published/figure")) {
    explain(kPublishedTable, "", "published figures beside the lead strategy's results", "");
    for (const auto& [column, meaning, unit] : published_columns()) explain(kPublishedTable, column, meaning, unit);
    put(kPublishedTable, published_csv(published_rows(file)));
  }

  explain(kParametersTable, "", "every parameter: its value, prior and source", "");
  // What a posterior draws has a default that is not used.
  std::vector<std::pair<const char*, std::vector<double>>> of_posterior;
  for (const char* column : {"default", "posterior_mean", "posterior_p05", "posterior_p50", "posterior_p95"})
    if (file.has(fmt::format("parameters/{}", column)))
      of_posterior.emplace_back(column, file.numbers(fmt::format("parameters/{}", column)).values);
  std::string parameters = "parameter,programme,key,value,unit,prior,grade,source,meaning";
  for (const auto& [column, values] : of_posterior) parameters += fmt::format(",{}", column);
  parameters += '\n';
  std::map<std::string, std::vector<std::string>> texts;
  for (const char* column : {"parameter", "programme", "key", "unit", "prior", "grade", "source", "meaning"}) {
    texts[column] = file.texts(fmt::format("parameters/{}", column));
    explain(kParametersTable, column, file.attribute(fmt::format("parameters/{}", column), "long_name"), "");
  }
  const std::vector<double> values = file.numbers("parameters/value").values;
  explain(kParametersTable, "value", file.attribute("parameters/value", "long_name"), "");
  for (const auto& [column, of] : of_posterior)
    explain(kParametersTable, column, file.attribute(fmt::format("parameters/{}", column), "long_name"), "");
  for (std::size_t i = 0; i < values.size(); ++i) {
    parameters += fmt::format("{},{},{},{},{},{},{},{},{}", csv_field(texts["parameter"][i]),
                              csv_field(texts["programme"][i]), csv_field(texts["key"][i]), number(values[i]),
                              csv_field(texts["unit"][i]), csv_field(texts["prior"][i]), texts["grade"][i],
                              csv_field(texts["source"][i]), csv_field(texts["meaning"][i]));
    for (const auto& [column, of] : of_posterior)
      parameters += i < of.size() && std::isfinite(of[i]) ? fmt::format(",{}", number(of[i])) : std::string(",");
    parameters += '\n';
  }
  put(kParametersTable, parameters);
  explain(kDictionary, "", "what each column and variable of these tables is", "");
  explain(kDictionary, "file", "table that is explained", "");
  explain(kDictionary, "column", "one of its columns; \"variable = NAME\": the rows of that variable; empty: the table",
          "");
  explain(kDictionary, "meaning", "what it is", "");
  explain(kDictionary, "unit", "unit of its numbers; empty where it has none, or one in every row", "");
  put(kDictionary, dictionary);
  return written;
}

void remove_export(const fs::path& into) {
  std::error_code ignored;
  if (!fs::exists(into / kDictionary, ignored)) return;
  for (const Table& table : kTables) fs::remove(into / table.file, ignored);
  for (const std::string_view name : {kPublishedTable, kParametersTable, kDictionary}) fs::remove(into / name, ignored);
  fs::remove(into, ignored);
}

}  // namespace uptake
