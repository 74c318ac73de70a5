#include "uptake/export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "file.hpp"
#include "numbers.hpp"
#include "results_file.hpp"
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
    Table{"icb", "boards.csv", "stocks at month ends, by integrated care board"},
    Table{"replicates", "replicates.csv", "single replicates, as they were simulated"},
    Table{"shapley", "shapley.csv", "what each driver contributes"},
};

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

/// What a row is labelled with: the axes of a group, those of the fewest first.
struct Columns {
  std::vector<std::string> axes;
  bool has_statistics = false;
  std::size_t n_statistics = 1;
};

Columns columns_of(const std::vector<std::pair<std::string, Labelled>>& variables) {
  Columns columns;
  for (const auto& [name, data] : variables) {
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

void add_rows(const std::string& name, const Labelled& data, const Columns& columns,
              const std::map<std::string, std::vector<std::string>>& labels, std::string& text) {
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
      text += name;
      for (const std::string& axis : columns.axes) {
        const std::size_t at = data.axis(axis);
        text += ',';
        if (at < index.size()) text += csv_field(labels.at(axis)[index[at]]);
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

/// Published figures beside the model's values, and what the columns mean.
/// @param explain takes file, column, meaning and unit
template <class Explain>
std::string published_table(const ResultsFile& file, const Explain& explain) {
  std::vector<std::pair<std::string, std::vector<std::string>>> columns;
  const auto add = [&](const std::string& name, std::vector<std::string> cells, std::string_view meaning,
                       std::string_view unit = "") {
    explain(kPublishedTable, name, meaning, unit);
    columns.emplace_back(name, std::move(cells));
  };
  const auto path = [](const std::string& name) { return "published/" + name; };
  const auto meaning = [&](const std::string& name) { return file.attribute(path(name), "long_name"); };
  const auto numbers = [](const std::vector<double>& values) {
    std::vector<std::string> cells;
    for (const double value : values) cells.push_back(number(value));
    return cells;
  };
  explain(kPublishedTable, "", "published figures beside the lead strategy's results", "");
  for (const char* name : {"programme", "region", "metric", "unit"}) add(name, file.texts(path(name)), meaning(name));
  for (const char* name : {"from", "to", "model_from", "model_to"}) {
    std::vector<std::string> cells;
    for (const Date day : file.dates(path(name))) cells.push_back(iso(day));
    add(name, std::move(cells), meaning(name));
  }
  for (const char* name : {"value", "p_below"}) {
    const bool is_share = name == std::string_view("p_below");
    add(name, numbers(file.numbers(path(name)).values), meaning(name), is_share ? "1" : "as in column unit");
  }
  if (file.has(path("fitted"))) {  // files of earlier builds do not say
    std::vector<std::string> fitted;
    for (const double value : file.numbers(path("fitted")).values) fitted.emplace_back(value > 0 ? "yes" : "no");
    add("fitted", std::move(fitted), meaning("fitted"));
  }
  const Labelled model = file.numbers(path("model"));
  const std::vector<std::string> views = file.texts(path("view")), statistics = file.texts(path("statistic"));
  const std::size_t step = views.size() * statistics.size();
  for (std::size_t v = 0; v < views.size(); ++v) {
    for (std::size_t k = 0; k < statistics.size(); ++k) {
      std::vector<double> values;
      for (std::size_t i = v * statistics.size() + k; i < model.values.size(); i += step)
        values.push_back(model.values[i]);
      add(fmt::format("{}_{}", views[v], statistics[k]), numbers(values),
          fmt::format("{}: {}, {}", model.long_name, views[v], statistics[k]), "as in column unit");
    }
  }
  for (const char* name : {"source", "note"}) add(name, file.texts(path(name)), meaning(name));
  std::string text;
  for (const auto& [name, cells] : columns) text += (text.empty() ? "" : ",") + name;
  text += '\n';
  for (std::size_t i = 0; i < columns.front().second.size(); ++i) {
    std::string_view separator;
    for (const auto& [name, cells] : columns) {
      if (cells.size() != columns.front().second.size()) throw file.broken("its published figures do not fit together");
      text += fmt::format("{}{}", std::exchange(separator, ","), csv_field(cells[i]));
    }
    text += '\n';
  }
  return text;
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
    std::vector<std::pair<std::string, Labelled>> variables;
    for (const std::string& variable : names) {
      if (file.attribute(prefix + variable, "units").empty() ||
          file.attribute(prefix + variable, "units").starts_with("days since")) {
        continue;  // axes and their dates
      }
      variables.emplace_back(variable, file.numbers(prefix + variable));
    }
    if (variables.empty()) continue;
    const Columns columns = columns_of(variables);
    std::map<std::string, std::vector<std::string>> labels;
    for (const std::string& axis : columns.axes) labels[axis] = labels_of(file, prefix + axis);
    std::string text = "variable";
    for (const std::string& axis : columns.axes) text += ',' + axis;
    if (columns.has_statistics) {
      for (const std::string& statistic : file.texts(prefix + "statistic")) text += ',' + statistic;
    } else {
      text += ",value";
    }
    text += ",unit\n";
    explain(name, "", meaning, "");
    for (const std::string& axis : columns.axes) explain(name, axis, file.attribute(prefix + axis, "long_name"), "");
    for (const auto& [variable, data] : variables) {
      explain(name, fmt::format("variable = {}", variable), data.long_name, data.units);
      add_rows(variable, data, columns, labels, text);
    }
    put(name, text);
  }

  if (file.has("published/figure")) put(kPublishedTable, published_table(file, explain));

  std::string parameters = "parameter,programme,key,value,unit,prior,grade,source,meaning\n";
  std::map<std::string, std::vector<std::string>> texts;
  for (const char* column : {"parameter", "programme", "key", "unit", "prior", "grade", "source", "meaning"}) {
    texts[column] = file.texts(fmt::format("parameters/{}", column));
    explain(kParametersTable, column, file.attribute(fmt::format("parameters/{}", column), "long_name"), "");
  }
  const std::vector<double> values = file.numbers("parameters/value").values;
  explain(kParametersTable, "value", file.attribute("parameters/value", "long_name"), "");
  for (std::size_t i = 0; i < values.size(); ++i) {
    parameters += fmt::format("{},{},{},{},{},{},{},{},{}\n", csv_field(texts["parameter"][i]),
                              csv_field(texts["programme"][i]), csv_field(texts["key"][i]), number(values[i]),
                              csv_field(texts["unit"][i]), csv_field(texts["prior"][i]), texts["grade"][i],
                              csv_field(texts["source"][i]), csv_field(texts["meaning"][i]));
  }
  put(kParametersTable, parameters);
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
