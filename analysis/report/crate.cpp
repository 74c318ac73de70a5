#include "report/crate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "calibration/posterior_file.hpp"
#include "files/command.hpp"
#include "files/file.hpp"
#include "files/hdf5_writer.hpp"
#include "files/json_text.hpp"
#include "files/results_file.hpp"
#include "results/export.hpp"
#include "uptake/population.hpp"
#include "uptake/results.hpp"
#include "uptake/version.hpp"

namespace uptake {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr std::string_view kSpecification = "https://w3id.org/ro/crate/1.1";
constexpr std::string_view kProgram = "#uptake", kAction = "#made";

/// What a result was made of, and is not in its folder as a file.
struct CrateInput {
  std::string id;  ///< within the metadata: "#scenario"
  std::string name, description;
};
/// A quantity that the main file gives, with its unit.
struct CrateMeasure {
  std::string name, unit, meaning;
};

/// A folder of results. Its files are those of one table that are there.
struct Crate {
  Result of = Result::run;
  std::string title, description;
  std::string main_file;  ///< the file that the others are made from
  std::string action;     ///< what was done, in a few words
  std::string digest;     ///< of everything that decides the result
  std::string period;     ///< dates that it is about, `2021-01-01/2023-03-31`; empty for none
  std::vector<CrateInput> inputs;
  std::vector<CrateMeasure> measures;
};

/// Every file that a command leaves in a folder of results. Those that are there are described.
struct CrateFile {
  std::string_view name, title;
  Result of;           ///< whose it is: made with the main file of that kind, or later from it
  bool later = false;  ///< by another command
};
constexpr std::array kFiles{
    CrateFile{"results.h5", "Everything, by label: HDF5 that is also netCDF-4", Result::run},
    CrateFile{"posterior.h5", "Joint draws of the calibrated parameters with diagnostics, by label: HDF5",
              Result::calibration},
    CrateFile{"report.html", "The results as a page for a browser, made from results.h5; it loads nothing",
              Result::run},
    CrateFile{"summary.csv",
              "Report dates as a tidy table, a row for each strategy, programme, metric, view and region", Result::run},
    CrateFile{"summary.json", "The same rows for programs", Result::run},
    CrateFile{"summary.txt", "The headline as printed", Result::run},
    CrateFile{"published.csv", "Published figures beside the results", Result::run},
    CrateFile{"calibration.json", "How each programme was fitted, for programs", Result::calibration},
    CrateFile{"calibration.txt", "How each programme was fitted, as printed", Result::calibration},
    CrateFile{"backtest.h5", "Forecasts of a back-test with draws, scores and rivals, by label: HDF5",
              Result::backtest},
    CrateFile{"backtest.json", "The back-test for programs, as printed", Result::backtest},
    CrateFile{"backtest.csv", "The back-test as a table, a row for each forecast", Result::backtest},
    CrateFile{"sensitivity.json", "What drives the answer: one assumption moved at a time", Result::run, true},
    CrateFile{"cheers.md", "Reporting checklist CHEERS 2022, filled as far as the program can", Result::run, true},
};
constexpr std::string_view kTitleOfFacts = "How the result was made: command, date, versions, timings, machine";

std::string media_type(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kTypes{{{".h5", "application/x-hdf5"},
                                                                                 {".html", "text/html"},
                                                                                 {".csv", "text/csv"},
                                                                                 {".json", "application/json"},
                                                                                 {".md", "text/markdown"},
                                                                                 {".txt", "text/plain"}}};
  const auto found = std::ranges::find(kTypes, name.substr(name.rfind('.')), &decltype(kTypes)::value_type::first);
  return std::string(found == kTypes.end() ? "application/octet-stream" : found->second);
}

Json reference(std::string_view id) { return {{"@id", id}}; }

std::string conventions_url() {
  // CF-1.10 -> cf-conventions-1.10
  const std::string name = fmt::format("cf-conventions-{}", kConventions.substr(kConventions.find('-') + 1));
  return fmt::format("https://cfconventions.org/Data/cf-conventions/{0}/cf-conventions.html", name);
}

Json licence_entity(const Licence& licence) {
  return {{"@id", licence.url},       {"@type", "CreativeWork"}, {"name", licence.name},
          {"identifier", licence.id}, {"url", licence.url},      {"description", licence.statement}};
}

/// What of run.json goes in.
struct Facts {
  std::string date, version, git_id, command;
};
std::optional<Facts> facts_of(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  const auto has = [&](const char* key, auto is) { return json.contains(key) && is(json[key]); };
  const auto text_of = [](const Json& value) { return value.is_string(); };
  const auto words = [](const Json& value) {
    return value.is_array() && std::ranges::all_of(value, [](const Json& word) { return word.is_string(); });
  };
  if (!has("date", text_of) || !has("version", text_of) || !has("git_id", text_of) || !has("command", words))
    return std::nullopt;
  return Facts{json["date"], json["version"], json["git_id"],
               command_text(json["command"].get<std::vector<std::string>>())};
}

Crate crate_of_run(const ResultsFile& file) {
  Crate crate;
  crate.title = file.attribute("", "title");
  crate.main_file = "results.h5";
  crate.digest = file.text("provenance/digest");
  const std::string scenario = file.text("provenance/scenario");
  crate.action = fmt::format("Simulation of the scenario {}", scenario);
  const auto from = file.dates("report/report_from"), to = file.dates("report/report_to");
  if (!from.empty() && !to.empty())
    crate.period = fmt::format("{}/{}", iso(std::ranges::min(from)), iso(std::ranges::max(to)));
  crate.description = fmt::format(
      "Results of an agent-based simulation of how health innovations spread through organisations ({}): scenario {}, "
      "{} replicates in paired worlds, seed {}. Simulated, not observed; not an NHS product.",
      file.has("provenance/population") ? file.text("provenance/population") : std::string(kEngland), scenario,
      file.whole_number("diagnostics/n_replicates"), file.text("provenance/seed_text"));
  crate.inputs.push_back(
      {"#scenario", fmt::format("{}.toml", scenario),
       fmt::format("The scenario. Its text stands verbatim in results.h5 (/provenance/scenario_text), "
                   "what was changed by --set in /provenance/overrides, every value that it led to in "
                   "/provenance/resolved_parameters.")});
  crate.inputs.push_back({"#population", "Population", file.text("provenance/population_vintage")});
  if (file.has("provenance/posterior"))
    crate.inputs.push_back({"#posterior", file.text("provenance/posterior"),
                            fmt::format("Posterior that parameters were drawn from, digest {}.",
                                        file.text("provenance/posterior_digest"))});
  for (const std::string& metric : file.datasets("report")) {
    const std::string path = "report/" + metric;
    // What is no statistic is an axis or a date.
    if (file.shape(path).size() < 2) continue;
    crate.measures.push_back({metric, file.attribute(path, "units"), file.attribute(path, "long_name")});
  }
  return crate;
}

/// Text of a key; empty when it has none.
std::string text_at(const Json& json, const char* key) {
  const auto at = json.find(key);
  return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
}

CrateInput record_input(const Json& facts) {
  return {"#record", text_at(facts, "record"),
          fmt::format("The record of published figures, with its table {}, digest {}.", text_at(facts, "table"),
                      text_at(facts, "record_digest"))};
}

Crate crate_of_calibration(const fs::path& folder, const Json& facts) {
  const StoredPosterior posterior = read_posterior(folder / "posterior.h5");
  Crate crate;
  crate.of = Result::calibration;
  crate.title = posterior.title;
  std::vector<std::string_view> names;
  for (const StoredFit& fit : posterior.fits) names.push_back(fit.programme);
  crate.description = fmt::format(
      "Calibration to what was published of past programmes ({}): joint draws of the parameters of an agent-based "
      "simulation of how health innovations spread. Estimated, not observed; not an NHS product.",
      fmt::join(names, ", "));
  crate.main_file = "posterior.h5";
  crate.action = fmt::format("Calibration to the record {}", text_at(facts, "record"));
  crate.digest = text_at(facts, "digest");
  crate.inputs = {record_input(facts)};
  return crate;
}

Crate crate_of_backtest(const fs::path& folder, const Json& facts) {
  const ResultsFile file(folder / "backtest.h5", kBacktestKind);
  Crate crate;
  crate.of = Result::backtest;
  crate.title = file.attribute("", "title");
  crate.description = fmt::format(
      "Forecasts by an agent-based simulation of how health innovations spread, fitted to what was known (of {}: {}), "
      "scored against what was observed afterwards and against simpler forecasts. Not an NHS product.",
      file.attribute("", "history"), file.attribute("", "cutoff"));
  crate.main_file = "backtest.h5";
  crate.action = fmt::format("Back-test of the record {}", text_at(facts, "record"));
  crate.digest = text_at(facts, "digest");
  crate.inputs = {record_input(facts)};
  if (const std::string name = text_at(facts, "posterior"); !name.empty())
    crate.inputs.push_back({"#posterior", name,
                            fmt::format("Posterior whose programmes stood in for the one left out, digest {}.",
                                        text_at(facts, "posterior_digest"))});
  return crate;
}
}  // namespace

bool write_crate(const fs::path& folder, const std::string& run_json, const ResultsFile* results) {
  const Json how = Json::parse(run_json, nullptr, false);
  const auto facts = facts_of(how);
  if (!facts) return false;
  const std::string kind = text_at(how, "kind");
  const Crate crate = kind == "calibration" ? crate_of_calibration(folder, how)
                      : kind == "backtest"  ? crate_of_backtest(folder, how)
                      : results != nullptr  ? crate_of_run(*results)
                                            : crate_of_run(ResultsFile(folder / "results.h5"));
  std::vector<Json> files;
  Json parts = Json::array(), made = Json::array(), inputs = Json::array(), measured = Json::array();
  for (const CrateMeasure& measure : crate.measures) measured.push_back(reference("#" + measure.name));
  const auto describe = [&](std::string_view name, std::string_view title, std::uintmax_t size, bool is_made) {
    Json entity{{"@id", name},
                {"@type", "File"},
                {"name", title},
                {"encodingFormat", media_type(name)},
                {"contentSize", fmt::format("{}", size)}};
    if (name.ends_with(".h5")) entity["conformsTo"] = reference(conventions_url());
    if (name == crate.main_file && !measured.empty()) entity["variableMeasured"] = measured;
    files.push_back(std::move(entity));
    parts.push_back(reference(name));
    if (is_made) made.push_back(reference(name));
  };
  for (const CrateFile& file : kFiles) {
    if (fs::exists(folder / file.name))
      describe(file.name, file.title, fs::file_size(folder / file.name), file.of == crate.of && !file.later);
  }
  describe(kRunFile, kTitleOfFacts, run_json.size(), true);
  for (const CrateInput& input : crate.inputs) inputs.push_back(reference(input.id));

  Json graph = Json::array();
  graph.push_back({{"@id", kCrateFile},
                   {"@type", "CreativeWork"},
                   {"conformsTo", reference(kSpecification)},
                   {"about", reference("./")}});
  Json root{{"@id", "./"},
            {"@type", "Dataset"},
            {"name", crate.title},
            {"description", crate.description},
            {"identifier", crate.digest},
            {"datePublished", facts->date},
            {"license", reference(kDataLicence.url)},
            {"mainEntity", reference(crate.main_file)},
            {"hasPart", parts},
            {"mentions", reference(kAction)}};
  if (!crate.period.empty()) root["temporalCoverage"] = crate.period;
  graph.push_back(std::move(root));
  for (Json& file : files) graph.push_back(std::move(file));
  graph.push_back({{"@id", kAction},
                   {"@type", "CreateAction"},
                   {"name", crate.action},
                   {"description", facts->command},
                   {"endTime", facts->date},
                   {"actionStatus", reference("http://schema.org/CompletedActionStatus")},
                   {"instrument", reference(kProgram)},
                   {"object", inputs},
                   {"result", made}});
  graph.push_back(
      {{"@id", kProgram},
       {"@type", "SoftwareApplication"},
       {"name", "uptake"},
       {"version", facts->version},
       {"identifier", facts->git_id},
       {"description", fmt::format("Agent-based simulator of how health innovations spread through the NHS in England, "
                                   "version {}, commit {}.",
                                   facts->version, facts->git_id)},
       {"license", reference(kProgramLicence.url)}});
  for (const CrateInput& input : crate.inputs)
    graph.push_back(
        {{"@id", input.id}, {"@type", "CreativeWork"}, {"name", input.name}, {"description", input.description}});
  graph.push_back(licence_entity(kDataLicence));
  graph.push_back(licence_entity(kProgramLicence));
  graph.push_back({{"@id", conventions_url()},
                   {"@type", "WebSite"},
                   {"name", fmt::format("NetCDF Climate and Forecast (CF) Metadata Conventions, {}", kConventions)}});
  for (const CrateMeasure& measure : crate.measures)
    graph.push_back({{"@id", "#" + measure.name},
                     {"@type", "PropertyValue"},
                     {"name", measure.name},
                     {"unitText", measure.unit},
                     {"description", measure.meaning}});
  const Json json{{"@context", fmt::format("{}/context", kSpecification)}, {"@graph", std::move(graph)}};
  replace_file(folder / kCrateFile, json_text(json, 2) + "\n");
  return true;
}

bool write_crate(const fs::path& folder, const ResultsFile* results) {
  std::ifstream stream(folder / kRunFile, std::ios::binary);
  if (!stream) return false;
  return write_crate(folder, {std::istreambuf_iterator<char>(stream), {}}, results);
}

void remove_made_later(const fs::path& folder) {
  std::error_code ignored;
  for (const CrateFile& file : kFiles)
    if (file.later) fs::remove(folder / file.name, ignored);
  remove_export(folder / "csv");
}

}  // namespace uptake
