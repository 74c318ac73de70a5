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
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "uptake/metrics.hpp"

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

fs::path the_document() { return fs::path(UPTAKE_SOURCE_FOLDER) / "docs" / "decisions.md"; }

Rooms rooms_of_the_document() {
  std::ifstream in(the_document());
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

/// The room that defines each public header, "sim/world" by "include/uptake/world.hpp", from the same place.
using Homes = std::map<std::string, std::string>;

Homes homes_of_the_document() {
  std::ifstream in(the_document());
  static const std::regex row(R"(\| `(\w+\.hpp)` \| `(\w+/[\w.]+)` \|.*)");
  Homes homes;
  std::smatch match;
  for (std::string line; std::getline(in, line);)
    if (std::regex_match(line, match, row)) homes[fmt::format("include/uptake/{}", match[1].str())] = match[2];
  return homes;
}

/// What stands before the rooms and may see all of them, as all may see its header.
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

/// Floor and library, to be compared, of a file or of the room that defines a public header; none for what all may see.
std::optional<std::pair<std::size_t, std::size_t>> level_of(const Rooms& rooms, const Homes& homes,
                                                            const std::string& file) {
  const auto home = homes.find(file);
  const std::string& place = home == homes.end() ? file : home->second;
  if (home != homes.end() && place == kBeforeTheRooms) return {};
  const auto floor = floor_of(rooms, place);
  if (!floor) return {};
  return std::pair{place.starts_with("sim/") ? std::size_t{0} : std::size_t{1}, *floor};
}

std::vector<std::string> violations(const Rooms& rooms, const Homes& homes, const Sources& sources) {
  static const std::regex include(R"(^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"])", std::regex::multiline);
  std::vector<std::string> found;
  std::map<std::string, std::set<std::string>> openers;
  for (const auto& source : sources) {
    const std::string &file = source.first, &text = source.second;
    const auto floor = floor_of(rooms, file);
    if (!floor && !file.starts_with("include/")) found.push_back(fmt::format("{} is in no room", file));
    if (file.starts_with("include/") && !homes.contains(file))
      found.push_back(fmt::format("{} has no room that defines it", file));
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
      const auto here = level_of(rooms, homes, file), there = level_of(rooms, homes, "include/" + included);
      if (of_uptake && here && there && *there > *here) complain("a public header of a room above");
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

/// A text of C++ without comments, and without what is in no other file's reach: unnamed namespaces.
std::string within_reach(const std::string& text) {
  static const std::regex comment("//[^\n]*");
  std::string code;
  bool is_unnamed = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line == "namespace {") is_unnamed = true;
    if (!is_unnamed) code += std::regex_replace(line, comment, "") + "\n";
    if (line == "}  // namespace") is_unnamed = false;
  }
  return code;
}

/// Code without the bodies of functions, which follow a bracket or a word behind it.
std::string without_bodies(const std::string& code) {
  static const std::regex head(R"(\)\s*((const|noexcept)\s*)*$)");
  std::string shell;
  int depth = 0;
  for (const char c : code) {
    if (c == '{' && (depth > 0 || std::regex_search(shell.substr(shell.find_last_of(";{}") + 1), head))) ++depth;
    if (depth == 0) shell += c;
    if (c == '}' && depth > 0 && --depth == 0) shell += ';';
  }
  return shell;
}

/// Names of the functions that a header declares; those that it defines too, which nobody else can.
std::set<std::string> declared_in(const std::string& header) {
  static const std::regex declaration(R"([\w>&*\]][ \n&*]+(\w+)\([^;{}]*\)[^;{}()]*;)");
  const std::string code = without_bodies(within_reach(header));
  std::set<std::string> names;
  for (std::sregex_iterator match(code.begin(), code.end(), declaration), end; match != end; ++match)
    names.insert((*match)[1]);
  return names;
}

/// A function that a source file defines for others; `owner` is the class that it belongs to, if it does.
struct Defined {
  std::string owner, name;
};

std::vector<Defined> defined_in(const std::string& source) {
  static const std::regex definition(R"(^[A-Za-z_][\w:<>,&* ]*?[ &*](?:(\w+)::)*(\w+)\([^;{}]*\)[^;{}]*\{)",
                                     std::regex::multiline);
  const std::string code = within_reach(source);
  std::vector<Defined> all;
  for (std::sregex_iterator match(code.begin(), code.end(), definition), end; match != end; ++match)
    all.push_back({(*match)[1], (*match)[2]});
  return all;
}

/// Functions of public headers that another room than the named one defines, and how many are looked at.
std::pair<std::vector<std::string>, int> functions_away(const Homes& homes, const Sources& sources) {
  std::map<std::string, std::set<std::string>> private_names;
  std::vector<std::pair<std::string, Defined>> defined;  // by room
  for (const auto& [file, text] : sources) {
    const std::string room = file == kBeforeTheRooms ? fs::path(file) : fs::path(file).parent_path();
    if (file.ends_with(".cpp"))
      for (Defined& one : defined_in(text)) defined.emplace_back(room, std::move(one));
    if (file.ends_with(".hpp") && !file.starts_with("include/")) private_names[room].merge(declared_in(text));
  }
  std::vector<std::string> away;
  int n_found = 0;
  for (const auto& [header, home] : homes) {
    const auto text = sources.find(header);
    if (text == sources.end()) {
      away.push_back(fmt::format("{} is not there", header));
      continue;
    }
    const std::set<std::string> names = declared_in(text->second);
    for (const auto& [room, one] : defined) {
      if (!names.contains(one.name) || private_names[room].contains(one.name)) continue;
      if (!one.owner.empty() &&
          !std::regex_search(text->second, std::regex(fmt::format("(class|struct) {} ", one.owner))))
        continue;
      if (room == home)
        ++n_found;
      else
        away.push_back(fmt::format("{} declares {}, which {} defines", header, one.name, room));
    }
  }
  return {away, n_found};
}

TEST(Architecture, APublicHeaderIsDefinedByOneRoom) {
  const auto [away, n_found] = functions_away(homes_of_the_document(), sources_of_the_repository());
  EXPECT_EQ(fmt::format("{}", fmt::join(away, "\n")), "");
  EXPECT_GT(n_found, 100);
  const Homes homes{{"include/uptake/a.hpp", "sim/world"}};
  const std::string header =
      "class A {\n  int stand() const;\n};\n[[nodiscard]] int fall(int from,\n         int to);\n";
  const auto of = [&](const char* room, const char* text) {
    const auto [found, n] =
        functions_away(homes, {{"include/uptake/a.hpp", header}, {fmt::format("{}/a.cpp", room), text}});
    return std::pair{found.size(), n};
  };
  constexpr const char *kMember = "int A::stand() const { return 1; }\n",
                       *kFree = "int fall(int from,\n         int to) {\n  return to;\n}\n";
  for (const char* text : {kMember, kFree}) {
    EXPECT_EQ(of("sim/world", text), std::pair(std::size_t{0}, 1)) << text;
    EXPECT_EQ(of("sim/outcomes", text), std::pair(std::size_t{1}, 0)) << text;
    EXPECT_EQ(of("sim/outcomes", fmt::format("namespace {{\n{}}}  // namespace\n", text).c_str()),
              std::pair(std::size_t{0}, 0));
  }
  EXPECT_EQ(functions_away(homes, {}).first.size(), 1U);  // a row without its header
  // What stands before the rooms is none of them, and none has its functions.
  const Homes before{{"include/uptake/a.hpp", std::string(kBeforeTheRooms)}};
  for (const auto& [file, n_away] : {std::pair{"sim/version.cpp", 0U}, {"sim/world/a.cpp", 1U}})
    EXPECT_EQ(functions_away(before, {{"include/uptake/a.hpp", header}, {file, kFree}}).first.size(), n_away) << file;
}

TEST(Architecture, EachDoorHasOneOpenerAndIncludesGoOneWay) {
  const Sources sources = sources_of_the_repository();
  ASSERT_GT(sources.size(), 15U);
  const Rooms rooms = rooms_of_the_document();
  EXPECT_EQ(fmt::format("{}", fmt::join(violations(rooms, homes_of_the_document(), sources), "\n")), "");
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
  const Homes homes{{"include/uptake/a.hpp", "sim/world"},
                    {"include/uptake/b.hpp", "sim/reading"},
                    {"include/uptake/c.hpp", "analysis/files"},
                    {"include/uptake/version.hpp", "sim/version.cpp"}};
  const Sources innocent{
      {"include/uptake/a.hpp", "#include <vector>\n#include \"uptake/b.hpp\"\n#include \"uptake/version.hpp\"\n"},
      {"sim/reading/csv.hpp", ""},
      {"sim/reading/csv.cpp", "#include <csv.h>\n#include \"reading/csv.hpp\"\n"},
      {"sim/world/kernel.hpp", "#include \"reading/csv.hpp\"\n"},
      {"sim/version.cpp", "#include \"uptake/a.hpp\"\n#include \"world/kernel.hpp\"\n"},
      {"sim/reading/digest.cpp", "#include \"uptake/version.hpp\"\n"},
      {"analysis/files/hdf5_writer.cpp", "#include <hdf5.h>\n"},
      {"analysis/files/results_file.cpp", "#include <hdf5.h>\n"},
      {"analysis/cli/commands.hpp", ""},
      {"analysis/cli/main.cpp", "#include \"commands.hpp\"\n#include <CLI/CLI.hpp>\n#include <nlohmann/json.hpp>\n"}};
  EXPECT_TRUE(violations(rooms, homes, innocent).empty());
  const std::vector<std::pair<std::string, std::string>> broken{
      {"sim/world/more.cpp", "#include <csv.h>\n"},                      // a second opener
      {"analysis/files/more.cpp", "#include <hdf5_hl.h>\n"},             // a third, and not one that is named
      {"sim/world/more.hpp", "#include <tbb/tbb.h>\n"},                  // a door in a header
      {"include/uptake/c.hpp", "#include <fmt/format.h>\n"},             // third party in public
      {"sim/world/more.cpp", "#include <nlohmann/json.hpp>\n"},          // JSON in the engine
      {"analysis/cli/more.cpp", "#include \"reading/csv.hpp\"\n"},       // private header of sim
      {"analysis/report/more.cpp", "# include \"cli/commands.hpp\"\n"},  // the library does not know its program
      {"sim/reading/more.cpp", "#include \"world/kernel.hpp\"\n"},       // up the stairs
      {"sim/reading/more.cpp", "#include \"uptake/a.hpp\"\n"},           // ... by a public header
      {"sim/world/more.cpp", "#include \"uptake/c.hpp\"\n"},             // ... of the other library
      {"include/uptake/b.hpp", "#include \"uptake/a.hpp\"\n"},           // ... from one
      {"include/uptake/d.hpp", ""},                                      // of no room
      {"sim/attic/more.cpp", "#include \"world/kernel.hpp\"\n"},         // a folder that is no room
      {"analysis/more.cpp", ""},                                         // before the rooms
  };
  for (const auto& [file, text] : broken) {
    Sources sources = innocent;
    sources[file] = text;
    EXPECT_EQ(violations(rooms, homes, sources).size(), 1U) << file << ": " << text;
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
    if (file == "sim/scenario/metrics.cpp") continue;
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
