// What may include what (docs/decisions.md "Layout"): the cheapest architecture review there is.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <string_view>
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
const std::array kDoors{"toml\\+\\+/.*", "CLI/.*",  "(oneapi/)?tbb/.*", "hdf5(_hl)?\\.h|H5.*", "mpi\\.h", "xsimd/.*",
                        "Random123/.*",  "csv\\.h", "zlib\\.h"};
const std::map<std::string, std::set<std::string>> kNamedOpeners{
    {"hdf5(_hl)?\\.h|H5.*",
     {"analysis/files/hdf5_writer.cpp", "analysis/files/results_file.cpp"}},  // a writer and a reader
};

/// Rooms of each library as docs/decisions.md "Layout" has them, from the ground up: a private header is included by its
/// own room and by those above it.
using Rooms = std::map<std::string, std::vector<std::string>>;

Rooms rooms_of_the_document() {
  std::ifstream in(fs::path(UPTAKE_SOURCE_FOLDER) / "docs" / "decisions.md");
  static const std::regex head(R"(\| room of `(\w+)/` \|.*)"), row(R"(\| `(\w+)/` \|.*)");
  Rooms rooms;
  std::string library;
  std::smatch match;
  for (std::string line; std::getline(in, line);) {
    if (std::regex_match(line, match, head)) {
      library = match[1];
    } else if (!line.starts_with('|')) {
      library.clear();
    } else if (!library.empty() && std::regex_match(line, match, row)) {
      rooms[library].push_back(match[1]);
    }
  }
  return rooms;
}

/// What stands before the rooms and may see all of them.
constexpr std::string_view kBeforeTheRooms = "sim/version.cpp";

/// Floor of a file such as "analysis/report/page.hpp"; none for a public header and for a file that is in no room.
std::optional<std::size_t> floor_of(const Rooms& rooms, const std::string& file) {
  const fs::path path = file;
  const std::string library = *path.begin(), room = *std::next(path.begin());
  const auto found = rooms.find(library);
  if (found == rooms.end()) return {};
  const auto& in_order = found->second;
  if (file == kBeforeTheRooms) return in_order.size();
  const auto at = std::ranges::find(in_order, room);
  if (at == in_order.end()) return {};
  return static_cast<std::size_t>(at - in_order.begin());
}

std::vector<std::string> violations(const Rooms& rooms, const Sources& sources) {
  static const std::regex include(R"(^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"])", std::regex::multiline);
  std::vector<std::string> found;
  std::map<std::string, std::set<std::string>> openers;
  for (const auto& source : sources) {
    const std::string &file = source.first, &text = source.second;
    const auto floor = floor_of(rooms, file);
    if (!floor && !file.starts_with("include/")) found.push_back(fmt::format("{} is in no room", file));
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
        } else if (floor && floor_of(rooms, header) > *floor) {
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
  const Rooms rooms = rooms_of_the_document();
  EXPECT_EQ(fmt::format("{}", fmt::join(violations(rooms, sources), "\n")), "");
  // A room that no file is in is a row of the document too many.
  for (const auto& [library, in_order] : rooms) {
    for (const std::string& room : in_order) {
      const std::string folder = fmt::format("{}/{}/", library, room);
      EXPECT_TRUE(std::ranges::any_of(sources, [&](const auto& one) { return one.first.starts_with(folder); }))
          << folder;
    }
  }
}

TEST(Architecture, EveryRuleIsNoticedWhenItIsBroken) {
  const Rooms rooms{{"sim", {"reading", "world"}}, {"analysis", {"files", "report", "cli"}}};
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
  EXPECT_TRUE(violations(rooms, innocent).empty());
  const std::vector<std::pair<std::string, std::string>> broken{
      {"sim/world/more.cpp", "#include <csv.h>\n"},                      // a second opener
      {"analysis/files/more.cpp", "#include <hdf5_hl.h>\n"},             // a third, and not one that is named
      {"sim/world/more.hpp", "#include <tbb/tbb.h>\n"},                  // a door in a header
      {"include/uptake/c.hpp", "#include <fmt/format.h>\n"},             // third party in public
      {"sim/world/more.cpp", "#include <nlohmann/json.hpp>\n"},          // JSON in the engine
      {"analysis/cli/more.cpp", "#include \"reading/csv.hpp\"\n"},       // private header of sim
      {"analysis/report/more.cpp", "# include \"cli/commands.hpp\"\n"},  // the library does not know its program
      {"sim/reading/more.cpp", "#include \"world/kernel.hpp\"\n"},       // up the stairs
      {"sim/attic/more.cpp", "#include \"world/kernel.hpp\"\n"},         // a folder that is no room
      {"analysis/more.cpp", ""},                                         // before the rooms
  };
  for (const auto& [file, text] : broken) {
    Sources sources = innocent;
    sources[file] = text;
    EXPECT_EQ(violations(rooms, sources).size(), 1U) << file << ": " << text;
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
