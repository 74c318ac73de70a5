#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <iterator>
#include <unordered_map>

#include "ensemble/placement.hpp"
#include "files/file.hpp"
#include "files/json_text.hpp"
#include "files/libraries.hpp"
#include "results/cell_statistics.hpp"
#include "results/compare_report.hpp"
#include "results/finding.hpp"
#include "results/numbers.hpp"
#include "results/outside_view.hpp"
#include "results/published.hpp"
#include "statistics/statistics.hpp"
#include "uptake/results.hpp"
#include "uptake/version.hpp"

namespace uptake {

namespace {
using Json = nlohmann::ordered_json;

/// One defined value of the summary, on the report axis.
struct Row {
  std::string_view strategy, programme, region;
  const MetricSpec& metric;
  View view;
  std::string_view from, to;  ///< days
  const Statistics& statistics;
};

/// Places with the one that the scenario is about first.
std::vector<std::size_t> in_order_of_interest(std::size_t n_places, std::size_t focus) {
  std::vector<std::size_t> places;
  if (focus < n_places) places.push_back(focus);
  for (std::size_t place = 0; place < n_places; ++place)
    if (place != focus) places.push_back(place);
  return places;
}

/// Places of a programme that get rows, the focus first. Where there are several programmes, their regions would be a
/// table that nobody reads: England and the focus for each of them, every region for all together.
std::vector<std::size_t> tabled_places(const RunRecord& record, std::size_t n_places, std::size_t programme) {
  const auto focus = static_cast<std::size_t>(focus_place(record.layout, record.model->scenario));
  const std::size_t n_programmes = record.model->scenario.programmes.size();
  std::vector<std::size_t> places = in_order_of_interest(n_places, focus);
  if (n_programmes > 1 && programme < n_programmes)
    std::erase_if(places, [focus](std::size_t place) { return place != 0 && place != focus; });
  return places;
}

/// All rows that are defined: headline window first, then strategy, programme, metric, view, region (the focus first).
template <class Use>
void for_each_row(const RunRecord& record, const Use& use) {
  const SummaryLayout& layout = record.layout;
  const auto report = report_of(record);
  for (std::size_t time = 0; time < layout.reports.size(); ++time) {
    const std::string from = iso(layout.reports[time].from), to = iso(layout.reports[time].to);
    for (std::size_t strategy = 0; strategy < layout.strategies.size(); ++strategy)
      for (std::size_t programme = 0; programme < layout.programmes.size(); ++programme)
        for (const Block& block : report->blocks) {
          const auto places = tabled_places(record, static_cast<std::size_t>(block.n_places), programme);
          for (std::size_t view = 0; view < kViewNames.size(); ++view) {
            for (const std::size_t place : places) {
              const Statistics cell = report
                                          ->at(block, static_cast<int>(strategy), static_cast<int>(programme),
                                               static_cast<int>(time), static_cast<int>(place), static_cast<View>(view))
                                          .value;
              if (!std::isnan(cell.mean))
                use(Row{layout.strategies[strategy], layout.programmes[programme], layout.regions[place],
                        spec(block.metric), static_cast<View>(view), from, to, cell});
            }
          }
        }
  }
}

std::vector<Json> published_rows(const RunRecord& record) {
  std::vector<Json> rows;
  for (const PublishedBeside& one : published_beside(record)) {
    const bool is_flow = spec(one.metric).kind == MetricKind::flow;
    rows.push_back({{"programme", one.programme},
                    {"region", one.region},
                    {"place", one.place},
                    {"metric", one.figure->metric},
                    {"unit", spec(one.metric).unit},
                    {"from", one.from() ? Json(iso(*one.from())) : Json()},
                    {"to", iso(one.figure->to)},
                    {"published", one.figure->value},
                    {"model_from", one.used && is_flow ? Json(iso(one.used->from)) : Json()},
                    {"model_to", one.used ? Json(iso(one.used->to)) : Json()},
                    {"gross", one.used ? statistics_json(one.gross) : Json()},
                    {"net", one.used ? statistics_json(one.net) : Json()},
                    {"p_below", one.used ? Json(one.p_below) : Json()},
                    {"fitted", one.was_fitted},
                    {"source", one.figure->source},
                    {"note", one.figure->note}});
  }
  return rows;
}

void add_list(std::string& text, std::string_view name, const std::vector<Json>& rows) {
  text += fmt::format(",\n\"{}\": [", name);
  std::string_view separator = "\n";
  for (const Json& row : rows) {
    text += separator;
    text += json_text(row);
    separator = ",\n";
  }
  text += rows.empty() ? "]" : "\n]";
}

/// How parameters come about; with a posterior, what it decides and what the record does not inform.
Json parameters_json(const Scenario& scenario) {
  Json json{{"mode", kParameterModeNames[static_cast<std::size_t>(scenario.mode)]}};
  if (scenario.mode != ParameterMode::posterior || !scenario.posterior) return json;
  json["file"] = scenario.posterior->file.filename().string();
  json["digest"] = scenario.posterior->digest;
  json["standing"] = calibration_in_words(scenario);
  json["warnings"] = calibration_warnings(scenario);
  json["programmes"] = Json::array();
  for (const PosteriorProgramme& programme : scenario.posterior->programmes) {
    Json drawn = Json::array(), not_informed = Json::array();
    for (const PosteriorParameter& one : programme.parameters) {
      drawn.push_back(spec(one.id).key);
      if (programme.kind == PosteriorKind::calibrated && !one.is_informed()) not_informed.push_back(spec(one.id).key);
    }
    json["programmes"].push_back({{"programme", programme.programme},
                                  {"kind", programme.kind == PosteriorKind::pooled ? "pooled" : "calibrated"},
                                  {"drawn", std::move(drawn)},
                                  {"not_informed", std::move(not_informed)}});
  }
  return json;
}

/// How earlier forecasts fared; null where nothing is said of them.
Json outside_json(const RunRecord& record) {
  const auto beside = outside_beside(record);
  if (!beside) return {};
  const SummaryLayout& layout = record.layout;
  const Scenario& scenario = record.model->scenario;
  const Period& period = layout.reports.front();
  Json rows = Json::array();
  for (const OutsideRow& row : beside->rows) {
    const MetricSpec& metric = spec(row.metric);
    const auto quantiles = [](const OutsideQuantiles& of) {
      Json json;
      for (std::size_t k = 0; k < of.size(); ++k) json[kOutsideNames[k]] = of[k];
      return json;
    };
    rows.push_back({{"strategy", layout.strategies[static_cast<std::size_t>(lead_strategy(scenario))]},
                    {"programme", layout.programmes[static_cast<std::size_t>(total_programme(layout.programmes))]},
                    {"region", layout.regions[static_cast<std::size_t>(focus_place(layout, scenario))]},
                    {"metric", metric.name},
                    {"view", kViewNames[static_cast<std::size_t>(View::gross)]},
                    {"unit", metric.unit},
                    {"from", iso(period.from)},
                    {"to", iso(period.to)},
                    {"price_year", metric.money ? Json(kPriceYear) : Json()},
                    {"model", quantiles(row.model)},
                    {"outside", quantiles(row.outside)},
                    {"average", quantiles(row.average)}});
  }
  return {{"rule", beside->rule},
          {"table", scenario.past_forecasts->file.filename().string()},
          {"table_digest", scenario.past_forecasts->digest},
          {"p20", beside->ratios.p20},
          {"p50", beside->ratios.p50},
          {"p80", beside->ratios.p80},
          {"forecasts", beside->ratios.n},
          {"programmes", beside->n_programmes},
          {"series", beside->n_series},
          {"finding", beside->finding},
          {"limits", beside->limits},
          {"weight", beside->weight},
          {"averages", std::move(rows)}};
}

std::string_view view_name(View view) { return kViewNames[static_cast<std::size_t>(view)]; }
}  // namespace

std::string summary_csv(const RunRecord& record) {
  std::string text = fmt::format("strategy,programme,region,metric,view,unit,from,to,price_year,{}\r\n",
                                 fmt::join(kStatisticNames, ","));
  for_each_row(record, [&](const Row& row) {
    fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{},{},{},{}", csv_field(row.strategy),
                   csv_field(row.programme), csv_field(row.region), row.metric.name, view_name(row.view),
                   csv_field(row.metric.unit), row.from, row.to, row.metric.money ? kPriceYear : "");
    for (const double value : in_order(row.statistics)) {
      text += ',';
      if (std::isfinite(value)) fmt::format_to(std::back_inserter(text), "{}", value);
    }
    text += "\r\n";
  });
  return text;
}

void write_summary_csv(const RunRecord& record, const std::filesystem::path& folder) {
  replace_file(folder / "summary.csv", summary_csv(record));
  write_published_csv(record, folder);
}

std::string summary_json(const RunRecord& record) {
  const Scenario& scenario = record.model->scenario;
  const Json head{{"schema", kJsonSchema},
                  {"scenario", scenario.name},
                  {"seed", scenario.seed},
                  {"replicates", record.ensemble->n_replicates},
                  {"draws", n_draws(record)},
                  {"version", version()},
                  {"parameters", parameters_json(scenario)},
                  {"notes", all_notes(*record.model)}};
  std::string text = json_text(head);
  text.back() = ',';
  text += "\n\"metrics\": [";
  // What stands before a row's values is put together of words that recur; the values are one object for all rows.
  std::unordered_map<std::string_view, std::string> words;
  const auto word = [&](std::string_view plain) -> const std::string& {
    std::string& json = words[plain];
    if (json.empty()) json = json_text(Json(plain));
    return json;
  };
  Json values;
  for (const std::string_view statistic : kStatisticNames) values[statistic] = nullptr;
  std::string_view separator = "\n";
  for_each_row(record, [&](const Row& row) {
    fmt::format_to(
        std::back_inserter(text),
        R"({}{{"strategy":{},"programme":{},"region":{},"metric":{},"view":{},"unit":{},"from":"{}","to":"{}",)"
        R"("price_year":{},)",
        separator, word(row.strategy), word(row.programme), word(row.region), word(row.metric.name),
        word(view_name(row.view)), word(row.metric.unit), row.from, row.to,
        row.metric.money ? word(kPriceYear) : "null");
    const auto statistics = in_order(row.statistics);
    auto value = statistics.begin();
    for (Json& field : values) field = *value++;  // NaN is dumped as null
    text.append(json_text(values), 1);            // without its opening brace
    separator = ",\n";
  });
  text += "\n]";
  add_list(text, "published", published_rows(record));
  const SummaryLayout& layout = record.layout;
  const auto name = [&](int strategy) { return layout.strategies[static_cast<std::size_t>(strategy)]; };
  const std::string& region = layout.regions[static_cast<std::size_t>(focus_place(layout, scenario))];
  std::vector<Metric> additive;
  for (const MetricSpec& metric : metric_table())
    if (is_additive(metric.id)) additive.push_back(metric.id);
  std::vector<Json> rows;
  for (const DriverSplit& split : split_over_drivers(record, additive))
    for (Json& row : driver_rows(split, name(lead_strategy(scenario)), region)) rows.push_back(std::move(row));
  add_list(text, "shapley", rows);
  rows.clear();
  for (const Loss& loss : lost_to_attention(record)) {
    const AttentionPair pair = attention_pairs(scenario).front();
    rows.push_back(loss_row(loss, "attention", name(pair.on), name(pair.off), region));
  }
  add_list(text, "displacement", rows);
  return fmt::format("{},\n\"outside_view\": {}}}\n", text, json_text(outside_json(record)));
}

std::string utc_now() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::hh_mm_ss clock(now - day);
  return fmt::format("{}T{:02}:{:02}:{:02}Z", iso(day), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

std::string run_json(const RunRecord& record, const RunFacts& facts) {
  const Scenario& scenario = record.model->scenario;
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  const Json json{{"schema", kJsonSchema},
                  {"scenario", scenario.name},
                  {"digest", scenario.digest},
                  {"seed", scenario.seed},
                  {"replicates", record.ensemble->n_replicates},
                  {"draws", n_draws(record)},
                  {"version", version()},
                  {"git_id", git_id()},
                  {"command", facts.command},
                  {"date", utc_now()},
                  {"host", host.data()},
                  {"threads", facts.n_threads},
                  {"seconds", {{"total", facts.seconds_total}, {"simulating", facts.seconds_simulating}}},
                  {"peak_memory_mib", peak_memory() / (1024.0 * 1024.0)},
                  {"libraries",
                   {{"hdf5", hdf5_version()},
                    {"zlib", deflate_version()},
                    {"onetbb", tbb_version()},
                    {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
                    {"nlohmann_json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                                                  NLOHMANN_JSON_VERSION_PATCH)},
                    {"compiler", __VERSION__}}}};
  return json_text(json, 2) + "\n";
}

}  // namespace uptake
