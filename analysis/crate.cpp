#include "uptake/crate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "file.hpp"
#include "hdf5_writer.hpp"
#include "results_file.hpp"
#include "uptake/results.hpp"
#include "uptake/version.hpp"

namespace uptake {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr std::string_view kSpecification = "https://w3id.org/ro/crate/1.1";
constexpr std::string_view kProgram = "#uptake", kAction = "#made";
constexpr const char* kRunFile = "run.json";

/// By which command a file comes about: the one that the folder is of, or a later one.
enum class Made : std::uint8_t { first, later };

/// Every file that a command leaves in a folder of results. Those that are there are described.
struct CrateFile {
  std::string_view name, title;
  Made made;
};
constexpr std::array kFiles{
    CrateFile{"results.h5", "Everything, by label: HDF5 that is also netCDF-4", Made::first},
    CrateFile{"posterior.h5", "Joint draws of the calibrated parameters with diagnostics, by label: HDF5", Made::first},
    CrateFile{"report.html", "The results as a page for a browser, made from results.h5; it loads nothing",
              Made::first},
    CrateFile{"summary.csv",
              "Report dates as a tidy table, a row for each strategy, programme, metric, view and region", Made::first},
    CrateFile{"summary.json", "The same rows for programs", Made::first},
    CrateFile{"summary.txt", "The headline as printed", Made::first},
    CrateFile{"published.csv", "Published figures beside the results", Made::first},
    CrateFile{"calibration.json", "How each programme was fitted, for programs", Made::first},
    CrateFile{"calibration.txt", "How each programme was fitted, as printed", Made::first},
    CrateFile{kRunFile, "How the result was made: command, date, versions, timings, machine", Made::first},
    CrateFile{"sensitivity.json", "What drives the answer: one assumption moved at a time", Made::later},
    CrateFile{"cheers.md", "Reporting checklist CHEERS 2022, filled as far as the program can", Made::later},
};

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
std::optional<Facts> facts_of(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto has = [&](const char* key, auto is) { return json.contains(key) && is(json[key]); };
  const auto text_of = [](const Json& value) { return value.is_string(); };
  const auto words = [](const Json& value) {
    return value.is_array() && std::ranges::all_of(value, [](const Json& word) { return word.is_string(); });
  };
  if (!has("date", text_of) || !has("version", text_of) || !has("git_id", text_of) || !has("command", words))
    return std::nullopt;
  Facts facts{json["date"], json["version"], json["git_id"], ""};
  for (const Json& word : json["command"])
    facts.command += (facts.command.empty() ? "" : " ") + quoted(word.get<std::string>());
  return facts;
}

}  // namespace

std::string quoted(const std::string& word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

Crate crate_of_run(const fs::path& folder) {
  const ResultsFile file(folder / "results.h5");
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
      "Results of an agent-based simulation of how health innovations spread through organisations of the NHS in "
      "England: scenario {}, {} replicates in paired worlds, seed {}. Simulated, not observed; not an NHS product.",
      scenario, file.whole_number("diagnostics/n_replicates"), file.text("provenance/seed_text"));
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

bool write_crate(const Crate& crate, const fs::path& folder, const std::string& run_json) {
  const auto facts = facts_of(run_json);
  if (!facts) return false;
  std::vector<Json> files;
  Json parts = Json::array(), made = Json::array(), inputs = Json::array(), measured = Json::array();
  for (const CrateMeasure& measure : crate.measures) measured.push_back(reference("#" + measure.name));
  for (const CrateFile& file : kFiles) {
    const bool is_facts = file.name == kRunFile;
    if (!is_facts && !fs::exists(folder / file.name)) continue;
    const std::uintmax_t size = is_facts ? run_json.size() : fs::file_size(folder / file.name);
    Json entity{{"@id", file.name},
                {"@type", "File"},
                {"name", file.title},
                {"encodingFormat", media_type(file.name)},
                {"contentSize", fmt::format("{}", size)}};
    if (file.name.ends_with(".h5")) entity["conformsTo"] = reference(conventions_url());
    if (file.name == crate.main_file && !measured.empty()) entity["variableMeasured"] = measured;
    files.push_back(std::move(entity));
    parts.push_back(reference(file.name));
    if (file.made == Made::first) made.push_back(reference(file.name));
  }
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
  replace_file(folder / kCrateFile, json.dump(2) + "\n");
  return true;
}

bool write_crate_of_run(const fs::path& folder) {
  std::ifstream stream(folder / kRunFile, std::ios::binary);
  if (!stream) return false;
  return write_crate(crate_of_run(folder), folder, {std::istreambuf_iterator<char>(stream), {}});
}

}  // namespace uptake
