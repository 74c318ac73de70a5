// What may include what (docs/decisions.md "Layout"): the cheapest architecture review there is.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "uptake/outcomes.hpp"

namespace {

namespace fs = std::filesystem;

/// Source text by path within the repository.
using Sources = std::map<std::string, std::string>;

Sources sources_of_the_repository() {
  const fs::path root = UPTAKE_SOURCE_FOLDER;
  Sources sources;
  for (const char* folder : {"include", "sim", "analysis"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string kind = entry.path().extension();
      if (kind != ".hpp" && kind != ".cpp" && kind != ".js") continue;
      std::ifstream in(entry.path());
      sources[fs::relative(entry.path(), root).generic_string()] = {std::istreambuf_iterator<char>(in), {}};
    }
  }
  return sources;
}

/// Libraries that one .cpp opens for all others, and those whose two openers are named.
const std::array kDoors{"toml\\+\\+/.*", "CLI/.*",      "(oneapi/)?tbb/.*", "hdf5(_hl)?\\.h|H5.*",
                        "mpi\\.h",       "httplib\\.h", "xsimd/.*",         "Random123/.*",
                        "csv\\.h",       "zlib\\.h"};
const std::map<std::string, std::set<std::string>> kNamedOpeners{
    {"hdf5(_hl)?\\.h|H5.*",
     {"analysis/files/hdf5_writer.cpp", "analysis/files/results_file.cpp"}},  // a writer and a reader
};

/// Rooms of a library, from the ground up: a private header is included by its own room and by those above it.
const std::map<std::string, std::vector<std::string>> kRooms{
    {"sim", {"reading", "random", "scenario", "record", "population", "world", "outcomes"}},
    {"analysis", {"statistics", "files", "ensemble", "results", "calibration", "backtest", "verify", "report", "cli"}}};

/// Floor of a file such as "analysis/report/page.hpp"; above all rooms for what stands before them.
std::size_t floor_of(const std::string& file) {
  const fs::path path = file;
  const std::string library = *path.begin(), room = *std::next(path.begin());
  const auto& rooms = kRooms.at(library);
  return static_cast<std::size_t>(std::ranges::find(rooms, room) - rooms.begin());
}

std::vector<std::string> violations(const Sources& sources) {
  static const std::regex include(R"(^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"])", std::regex::multiline);
  std::vector<std::string> found;
  std::map<std::string, std::set<std::string>> openers;
  for (const auto& source : sources) {
    const std::string &file = source.first, &text = source.second;
    for (std::sregex_iterator match(text.begin(), text.end(), include), end; match != end; ++match) {
      const std::string included = (*match)[2];
      const auto complain = [&](const char* why) {
        found.push_back(fmt::format("{} includes {}: {}", file, included, why));
      };
      const bool of_uptake = included.starts_with("uptake/");
      for (const char* door : kDoors) {
        if (!std::regex_match(included, std::regex(door))) continue;
        openers[door].insert(file);
        if (!file.ends_with(".cpp")) complain("a door is opened in a .cpp");
      }
      if (file.starts_with("include/") && !of_uptake && included.find_first_of("./") != std::string::npos) {
        complain("public headers include the standard library and each other");
      }
      if ((included.starts_with("nlohmann/") || included.starts_with("Eigen/")) && !file.starts_with("analysis/")) {
        complain("JSON and Eigen stay in analysis/");
      }
      if ((*match)[1] == "\"" && !of_uptake && included != "git_id.hpp") {
        const std::string library = file.substr(0, file.find('/'));
        // Those of the program alone go without their room.
        const std::string beside = fs::path(file).parent_path() / included;
        const std::string header = sources.contains(beside) ? beside : fmt::format("{}/{}", library, included);
        if (!sources.contains(header)) {
          complain("a private header of another library");
        } else if (floor_of(header) > floor_of(file)) {
          complain("a private header of a room above");
        }
      }
    }
  }
  for (const auto& [door, files] : openers) {
    const auto named = kNamedOpeners.find(door);
    const bool allowed = named == kNamedOpeners.end() ? files.size() == 1 : std::ranges::includes(named->second, files);
    if (!allowed) found.push_back(fmt::format("{} is opened by {}", door, fmt::join(files, ", ")));
  }
  return found;
}

TEST(Architecture, EachDoorHasOneOpenerAndIncludesGoOneWay) {
  const Sources sources = sources_of_the_repository();
  ASSERT_GT(sources.size(), 15U);
  EXPECT_EQ(fmt::format("{}", fmt::join(violations(sources), "\n")), "");
}

TEST(Architecture, EveryRuleIsNoticedWhenItIsBroken) {
  const Sources innocent{
      {"include/uptake/a.hpp", "#include <vector>\n#include \"uptake/b.hpp\"\n"},
      {"sim/reading/csv.hpp", ""},
      {"sim/reading/csv.cpp", "#include <csv.h>\n#include \"reading/csv.hpp\"\n"},
      {"sim/world/kernel.hpp", "#include \"reading/csv.hpp\"\n"},
      {"sim/version.cpp", "#include \"world/kernel.hpp\"\n"},
      {"analysis/files/hdf5_writer.cpp", "#include <hdf5.h>\n"},
      {"analysis/files/results_file.cpp", "#include <hdf5.h>\n"},
      {"analysis/cli/commands.hpp", ""},
      {"analysis/cli/main.cpp", "#include \"commands.hpp\"\n#include <CLI/CLI.hpp>\n#include <nlohmann/json.hpp>\n"}};
  EXPECT_TRUE(violations(innocent).empty());
  const std::vector<std::pair<std::string, std::string>> broken{
      {"sim/more.cpp", "#include <csv.h>\n"},                            // a second opener
      {"analysis/more.cpp", "#include <hdf5_hl.h>\n"},                   // a third, and not one that is named
      {"sim/more.hpp", "#include <tbb/tbb.h>\n"},                        // a door in a header
      {"include/uptake/c.hpp", "#include <fmt/format.h>\n"},             // third party in public
      {"sim/more.cpp", "#include <nlohmann/json.hpp>\n"},                // JSON in the engine
      {"analysis/cli/more.cpp", "#include \"reading/csv.hpp\"\n"},       // private header of sim
      {"analysis/report/more.cpp", "# include \"cli/commands.hpp\"\n"},  // the library does not know its program
      {"sim/reading/more.cpp", "#include \"world/kernel.hpp\"\n"},       // up the stairs
  };
  for (const auto& [file, text] : broken) {
    Sources sources = innocent;
    sources[file] = text;
    EXPECT_EQ(violations(sources).size(), 1U) << file << ": " << text;
  }
}

/// Where words of a metric stand beside those of its row in the table of metrics.
std::vector<std::string> words_of_metrics(const Sources& sources) {
  std::string names;
  for (const uptake::MetricSpec& metric : uptake::metric_table()) names += fmt::format("|{}", metric.name);
  // A metric with words behind it is a row of another table. Verbs and nouns of a finding are no label.
  const std::regex row(
      fmt::format(R"re(\{{\s*(?:Metric::\w+\s*,\s*"|"(?:{})"\s*,\s*"[^"]*[ A-Z]))re", names.substr(1)));
  std::vector<std::string> found;
  for (const auto& [file, text] : sources) {
    if (file == "sim/outcomes/metrics.cpp") continue;
    for (const uptake::MetricSpec& metric : uptake::metric_table())
      for (const std::string_view words : {metric.label, metric.brief})
        if (words != metric.name && (text.find(fmt::format("\"{}\"", words)) != std::string::npos ||
                                     text.find(fmt::format("\"{}, GBP", words)) != std::string::npos))
          found.push_back(fmt::format("{} says \"{}\"", file, words));
    if (file == "analysis/results/finding.cpp") continue;
    for (std::sregex_iterator match(text.begin(), text.end(), row), end; match != end; ++match)
      found.push_back(fmt::format("{} has a row {}", file, match->str()));
  }
  return found;
}

TEST(Architecture, WordsOfAMetricStandInItsTableAlone) {
  EXPECT_EQ(fmt::format("{}", fmt::join(words_of_metrics(sources_of_the_repository()), "\n")), "");
  for (const char* broken : {"{Metric::cost_gbp, \"price\"},", "{\"jobs\", \"Work\"},", "return \"Cash savings\";",
                             "x = \"ever in use\";", "{\"cost_gbp\",\n \"Price\"}", "\"Cost, all funders, GBP\""})
    EXPECT_EQ(words_of_metrics({{"analysis/more.cpp", broken}}).size(), 1U) << broken;
  EXPECT_TRUE(
      words_of_metrics({{"analysis/more.cpp", "{Metric::cost_gbp, View::net, 0, \"A worth above 0\"}"}}).empty());
}

}  // namespace
