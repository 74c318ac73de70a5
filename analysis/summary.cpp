#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "file.hpp"
#include "libraries.hpp"
#include "statistics.hpp"
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
  const Period& period;
  const Statistics& statistics;
};

/// All rows that are defined: headline window first, then strategy, programme, metric, view, region.
template <class Use>
void for_each_row(const RunRecord& record, const Use& use) {
  const SummaryLayout& layout = record.layout;
  const auto report = report_of(record);
  for (std::size_t time = 0; time < layout.reports.size(); ++time)
    for (std::size_t strategy = 0; strategy < layout.strategies.size(); ++strategy)
      for (std::size_t programme = 0; programme < layout.programmes.size(); ++programme)
        for (const Block& block : report->blocks) {
          for (std::size_t view = 0; view < kViewNames.size(); ++view) {
            for (int place = 0; place < block.n_places; ++place) {
              const Statistics cell = report
                                          ->at(block, static_cast<int>(strategy), static_cast<int>(programme),
                                               static_cast<int>(time), place, static_cast<View>(view))
                                          .value;
              if (!std::isnan(cell.mean))
                use(Row{layout.strategies[strategy], layout.programmes[programme],
                        layout.regions[static_cast<std::size_t>(place)], spec(block.metric), static_cast<View>(view),
                        layout.reports[time], cell});
            }
          }
        }
}

std::string_view view_name(View view) { return kViewNames[static_cast<std::size_t>(view)]; }

/// A field of RFC 4180: quoted when it must be.
std::string csv_field(std::string_view text) {
  if (text.find_first_of("\",\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}
}  // namespace

std::string summary_csv(const RunRecord& record) {
  std::string text = fmt::format("strategy,programme,region,metric,view,unit,from,to,price_year,{}\r\n",
                                 fmt::join(kStatisticNames, ","));
  for_each_row(record, [&](const Row& row) {
    text += fmt::format("{},{},{},{},{},{},{},{},{}", csv_field(row.strategy), csv_field(row.programme),
                        csv_field(row.region), row.metric.name, view_name(row.view), csv_field(row.metric.unit),
                        iso(row.period.from), iso(row.period.to), row.metric.money ? kPriceYear : "");
    for (const double value : in_order(row.statistics))
      text += std::isfinite(value) ? fmt::format(",{}", value) : std::string(",");
    text += "\r\n";
  });
  return text;
}

void write_summary_csv(const RunRecord& record, const std::filesystem::path& folder) {
  replace_file(folder / "summary.csv", summary_csv(record));
}

std::string summary_json(const RunRecord& record) {
  const Scenario& scenario = record.model->scenario;
  const Json head{{"schema", kJsonSchema},    {"scenario", scenario.name},
                  {"seed", scenario.seed},    {"replicates", record.ensemble->n_replicates},
                  {"draws", n_draws(record)}, {"version", version()}};
  std::string text = head.dump();
  text.back() = ',';
  text += "\n\"metrics\": [";
  std::string_view separator = "\n";
  for_each_row(record, [&](const Row& row) {
    Json entry{{"strategy", row.strategy},
               {"programme", row.programme},
               {"region", row.region},
               {"metric", row.metric.name},
               {"view", view_name(row.view)},
               {"unit", row.metric.unit},
               {"from", iso(row.period.from)},
               {"to", iso(row.period.to)},
               {"price_year", row.metric.money ? Json(kPriceYear) : Json()}};
    const auto values = in_order(row.statistics);
    for (std::size_t k = 0; k < values.size(); ++k) entry[kStatisticNames[k]] = values[k];  // NaN is dumped as null
    text += separator;
    text += entry.dump();
    separator = ",\n";
  });
  return text + "\n]}\n";
}

void write_run_json(const RunRecord& record, const RunFacts& facts, const std::filesystem::path& folder) {
  const Scenario& scenario = record.model->scenario;
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::hh_mm_ss clock(now - day);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const Json json{{"schema", kJsonSchema},
                  {"scenario", scenario.name},
                  {"digest", scenario.digest},
                  {"seed", scenario.seed},
                  {"replicates", record.ensemble->n_replicates},
                  {"draws", n_draws(record)},
                  {"version", version()},
                  {"git_id", git_id()},
                  {"command", facts.command},
                  {"date", fmt::format("{}T{:02}:{:02}:{:02}Z", iso(day), clock.hours().count(),
                                       clock.minutes().count(), clock.seconds().count())},
                  {"host", host.data()},
                  {"threads", facts.n_threads},
                  {"seconds", {{"total", facts.seconds_total}, {"simulating", facts.seconds_simulating}}},
                  {"peak_memory_mib", static_cast<double>(usage.ru_maxrss) / 1024.0},
                  {"libraries",
                   {{"hdf5", hdf5_version()},
                    {"zlib", deflate_version()},
                    {"onetbb", tbb_version()},
                    {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
                    {"nlohmann_json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                                                  NLOHMANN_JSON_VERSION_PATCH)},
                    {"compiler", __VERSION__}}}};
  replace_file(folder / "run.json", json.dump(2) + "\n");
}

}  // namespace uptake
