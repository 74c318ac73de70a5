// The shipped library: every programme says what it is and where each figure is from, every scenario asks a question that
// the program can answer, and what is asked together is complete.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "uptake/error.hpp"
#include "uptake/model.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/record.hpp"
#include "uptake/scenario.hpp"
#include "uptake/sources.hpp"

namespace uptake {
namespace {

namespace fs = std::filesystem;

fs::path shipped() { return fs::path(UPTAKE_SOURCE_FOLDER) / "scenarios"; }

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<fs::path> toml_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::vector<ProgrammeSpec> programmes() {
  std::vector<ProgrammeSpec> all;
  for (const fs::path& file : toml_files(shipped() / "programmes")) all.push_back(load_programme(file));
  return all;
}

std::vector<fs::path> scenarios() {
  std::vector<fs::path> files = toml_files(shipped());
  std::erase_if(files, is_record);  // beside the scenarios, and none of them
  const auto what_ifs = toml_files(shipped() / "what-if");
  files.insert(files.end(), what_ifs.begin(), what_ifs.end());
  return files;
}

std::set<std::string> keys_of_sources() {
  static const std::regex entry(R"(@misc\{([^,]+),)");
  const std::string text = text_of(shipped() / "sources.bib");
  std::set<std::string> keys;
  for (std::sregex_iterator at(text.begin(), text.end(), entry), end; at != end; ++at) keys.insert((*at)[1]);
  return keys;
}

/// Keys of sources that a text cites and that the list of sources does not have.
std::vector<std::string> unknown_sources(const std::string& text, const std::set<std::string>& keys) {
  static const std::regex cited(R"(\b(S\d+[a-e]?|O-[a-z0-9]+(-[a-z0-9]+)*)\b)");
  std::vector<std::string> unknown;
  for (std::sregex_iterator at(text.begin(), text.end(), cited), end; at != end; ++at) {
    if (!keys.contains((*at)[1])) unknown.push_back((*at)[1]);
  }
  return unknown;
}

const Setting& setting(const ProgrammeSpec& programme, Parameter id) {
  return programme.settings[static_cast<std::size_t>(id)];
}

constexpr std::string_view kWithoutHistory = "new-innovation";  // a programme to copy, not one of the record

TEST(Library, EveryProgrammeSaysWhatItIs) {
  const auto all = programmes();
  EXPECT_GE(all.size(), 35U);
  for (const ProgrammeSpec& programme : all) {
    SCOPED_TRACE(programme.name);
    EXPECT_FALSE(programme.summary.empty());
    ASSERT_TRUE(programme.commissioned);
    EXPECT_EQ(programme.outcome == OutcomeKind::none && programme.no_outcome_note.empty(), false);
    // Support by the network costs something: none is given for nothing.
    EXPECT_GT(setting(programme, Parameter::delivery_staff_days).value, 0);
    if (programme.name == kWithoutHistory) continue;
    ASSERT_TRUE(programme.available_from);
    EXPECT_LE(*programme.available_from, programme.commissioned->from);
  }
}

TEST(Library, EveryFigureHasASourceOrIsCalledAnAssumption) {
  for (const ProgrammeSpec& programme : programmes()) {
    for (std::size_t p = 0; p < programme.settings.size(); ++p) {
      const Setting& one = programme.settings[p];
      EXPECT_TRUE(one.grade == Grade::assumption || !one.source.empty()) << programme.name << " " << p;
    }
  }
}

TEST(Library, EverySourceCitedIsInTheListOfSources) {
  const std::set<std::string> keys = keys_of_sources();
  ASSERT_TRUE(keys.contains("S41") && keys.contains("O-precept"));
  for (const fs::path& folder : {shipped(), shipped() / "programmes", shipped() / "what-if"}) {
    for (const fs::path& file : toml_files(folder)) {
      EXPECT_EQ(unknown_sources(text_of(file), keys), std::vector<std::string>{}) << file;
    }
  }
  // The table of parameters and the tables too; and whatever is cited has words of its own.
  std::string cited;
  for (const ParameterSpec& row : parameter_table()) cited += std::string(row.source) + '\n';
  EXPECT_EQ(unknown_sources(cited, keys), std::vector<std::string>{});
  for (const auto& entry : fs::recursive_directory_iterator(shipped()))
    if (entry.path().extension() == ".toml") cited += text_of(entry.path());
  const Sources sources(shipped() / kSourcesFile);
  for (const auto& entry : fs::recursive_directory_iterator(shipped())) {
    if (entry.path().extension() != ".csv") continue;
    std::istringstream lines(text_of(entry.path()));
    for (std::string line; std::getline(lines, line);)
      EXPECT_EQ(sources.unknown(line), std::vector<std::string>{}) << line;
  }
  std::map<std::string, const Source*> found;
  sources.cite(cited, found);
  EXPECT_GT(found.size(), 140U);
  for (const auto& [key, source] : found) EXPECT_FALSE(source->note.empty()) << key << ": what was read there?";
  EXPECT_EQ(unknown_sources("S41, S999: and O-precept, O-nowhere-at-all", keys),
            (std::vector<std::string>{"S999", "O-nowhere-at-all"}));
}

TEST(Library, APublishedFigureIsOfAMetricThatResultsHave) {
  const auto is_metric = [](const std::string& name) {
    return std::ranges::count(metric_table(), name, &MetricSpec::name) == 1;
  };
  EXPECT_FALSE(is_metric("homes_that_like_it"));
  for (const ProgrammeSpec& programme : programmes()) {
    for (const Published& figure : programme.published) {
      EXPECT_TRUE(is_metric(figure.metric)) << figure.where << " " << figure.metric;
      EXPECT_FALSE(figure.note.empty()) << figure.where << ": what it counts, and why it differs";
    }
  }
}

TEST(Library, ProgrammesWithoutAnEffectOrABaselineStateNone) {
  for (const ProgrammeSpec& programme : programmes()) {
    SCOPED_TRACE(programme.name);
    const bool acts = setting(programme, Parameter::relative_risk).value != 1 ||
                      setting(programme, Parameter::value_per_person).value != 0 ||
                      setting(programme, Parameter::days_sooner).value != 0 ||
                      setting(programme, Parameter::gap_closed).value != 0 ||
                      setting(programme, Parameter::beds).value != 0;
    EXPECT_EQ(acts, programme.outcome != OutcomeKind::none);
  }
}

TEST(Library, EveryScenarioLoadsAndEveryProgrammeHasOne) {
  std::map<std::string, int> asked_alone;
  for (const fs::path& file : scenarios()) {
    SCOPED_TRACE(file.string());
    const Scenario scenario = load_scenario(file, {}, shipped());
    EXPECT_TRUE(scenario.text.starts_with("# ")) << "a scenario begins with its question";
    if (scenario.programmes.size() == 1) ++asked_alone[scenario.programmes.front().name];
    if (file.parent_path().filename() != "what-if") continue;
    ASSERT_GE(scenario.strategies.size(), 2U);
    EXPECT_EQ(scenario.strategies[0].name, "as-delivered");
    EXPECT_TRUE(scenario.strategies[0].levers.empty());
    EXPECT_FALSE(scenario.strategies[1].levers.empty());
  }
  for (const ProgrammeSpec& programme : programmes()) EXPECT_GE(asked_alone[programme.name], 1) << programme.name;
}

TEST(Library, ThePortfolioAndTheRegionHoldEveryProgrammeOfTheRecordAndCanBeRun) {
  for (const char* name : {"portfolio-2018-2023.toml", "east-midlands.toml"}) {
    SCOPED_TRACE(name);
    const Scenario scenario = load_scenario(shipped() / name, {}, shipped());
    std::set<std::string> names;
    for (const ProgrammeSpec& programme : scenario.programmes) names.insert(programme.name);
    for (const ProgrammeSpec& programme : programmes()) {
      EXPECT_EQ(names.contains(programme.name), programme.name != kWithoutHistory) << programme.name;
    }
  }
  const Scenario portfolio = load_scenario(shipped() / "portfolio-2018-2023.toml", {}, shipped());
  const auto population = std::make_shared<const Population>(build_population(portfolio, shipped()));
  const auto model = make_model(portfolio, population);
  for (std::size_t j = 0; j < model->programmes.size(); ++j) {
    EXPECT_GT(model->programmes[j].n_records(), 0U) << portfolio.programmes[j].name;
  }
}

TEST(Library, APopulationHasAllTheTiesThatItsScenarioKeeps) {
  Scenario scenario = load_scenario(shipped() / "care-homes.toml", {}, shipped());
  const auto built = [&] { return std::make_shared<const Population>(build_population(scenario, shipped())); };
  const auto whole = std::make_shared<const Population>(build_england(shipped() / "england", {}));
  using enum OrganisationType;
  for (const auto& eligible : {std::vector{care_home}, std::vector{care_home, practice, acute_trust}}) {
    scenario.programmes.front().eligible = eligible;
    const auto some = make_model(scenario, built()), all = make_model(scenario, whole);
    EXPECT_EQ(some->population->pathway.sources.size(), eligible.size() > 1 ? whole->pathway.sources.size() : 0);
    const auto &own = some->programmes.front().edges, &others = all->programmes.front().edges;
    for (std::size_t layer = 0; layer < own.size(); ++layer) {
      ASSERT_EQ(own[layer].offsets, others[layer].offsets);
      EXPECT_EQ(own[layer].offsets.back() > 0, layer == 0 || eligible.size() > 1);
      for (std::size_t e = 0; e < own[layer].offsets.back(); ++e) {
        ASSERT_EQ(own[layer][e].receiver, others[layer][e].receiver);
        ASSERT_EQ(own[layer][e].weight, others[layer][e].weight);
      }
    }
  }
}

}  // namespace
}  // namespace uptake
