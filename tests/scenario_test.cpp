#include "uptake/scenario.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "uptake/error.hpp"
#include "uptake/model.hpp"
#include "uptake/record.hpp"

namespace uptake {
namespace {

namespace fs = std::filesystem;

/// A folder like the shipped scenarios/, with one small table and one programme, removed at the end.
class Folder {
 public:
  Folder() {
    static int n_folders = 0;
    path_ = fs::path(testing::TempDir()) / fmt::format("uptake_scenario_{}_{}", getpid(), n_folders++);
    write("england/regions.csv", "code,name\nE,East\n");
    write("tables/organisations.csv", "code\nA\n");
    write("programmes/tool.toml", kProgramme);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  // NOLINTNEXTLINE(modernize-use-nodiscard): also called for the file alone
  fs::path write(const fs::path& name, std::string_view text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

  [[nodiscard]] Scenario load(std::string_view text, const std::vector<std::string>& overrides = {}) const {
    return load_scenario(write("s.toml", text), overrides, path_);
  }
  /// Problems by line, with this folder's path taken out.
  [[nodiscard]] std::string problems(std::string_view text, const std::vector<std::string>& overrides = {}) const {
    std::string what;
    try {
      (void)load(text, overrides);
    } catch (const InputError& error) {
      what = error.what();
    } catch (const FileError& error) {
      what = fmt::format("FileError {}", error.what());
    }
    const std::string prefix = path_.string() + "/";
    for (auto at = what.find(prefix); at != std::string::npos; at = what.find(prefix)) what.erase(at, prefix.size());
    return what;
  }

  static constexpr std::string_view kProgramme = R"~(schema = 1
name = "tool"
title = "A tool"
eligible = ["care-home"]
no_outcome_note = "a test"
[bass]
q = { value = 0.2, unit = "1/year", prior = "LN(0.2, 0.5)", source = "S3" }
)~";

 private:
  fs::path path_;
};

constexpr std::array<std::string_view, 10> kLines{
    "schema = 1",         "title = \"Test\"",        "population = \"england\"", "programmes = [\"tool\"]",
    "start = 2021-01-01", "horizon = \"104 weeks\"", "report_at = [2021-12-31]", "replicates = 10",
    "seed = 1",           "parameters = \"prior\"",
};

/// The good scenario with one line replaced; line 11 is added after it.
std::string scenario_with(std::size_t line, std::string_view text) {
  std::string all;
  for (std::size_t i = 1; i <= kLines.size(); ++i) all += fmt::format("{}\n", i == line ? text : kLines[i - 1]);
  return line == 11 ? fmt::format("{}{}\n", all, text) : all;
}
std::string good() { return scenario_with(0, ""); }

Date day(int year, unsigned month, unsigned d) {
  return std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{d};
}
const Setting& setting(const Scenario& scenario, Parameter id, std::size_t programme = 0) {
  return scenario.programmes[programme].settings[static_cast<std::size_t>(id)];
}

// ---- Sources ------------------------------------------------------------------------------------------------------

TEST(Scenario, ACodeOfASourceThatIsInNoListIsNamedWithTheNearest) {
  const Folder folder;
  const auto published = [](std::string_view source) {
    return scenario_with(
        11, fmt::format("[[published]]\nmetric = \"adopters\"\nto = 2021-12-31\nvalue = 2\nsource = \"{}\"", source));
  };
  EXPECT_EQ(folder.problems(published("S999")), "") << "without a list nothing can be unknown";
  folder.write("sources.bib",
               "@misc{S3, note = {Bass}}\n@misc{S99, note = {ties}}\n@misc{O-pincer, note = {counts}}\n");
  const std::string own = "a reference of your own is written in words, or its code added to sources.bib";
  EXPECT_EQ(folder.problems(published("S999")),
            "s.toml:15:10: source = \"S999\" cites S999, which is not in the list of sources; did you mean \"S99\"? (" +
                own + ")");
  EXPECT_EQ(
      folder.problems(published("S3, O-nothing-like-it: 2 of 3")),
      "s.toml:15:10: source = \"S3, O-nothing-like-it: 2 of 3\" cites O-nothing-like-it, which is not in the list of "
      "sources; " +
          own);
  for (const char* fine : {"S3", "S99 and O-pincer", "Smith 2020, Table S4", "our own audit (2024)"})
    EXPECT_EQ(folder.problems(published(fine)), "") << fine;
  // A folder of tables says where its figures are from in a table of its own.
  const std::string own_tables = scenario_with(3, "population = \"tables\"");
  folder.write(
      "tables/sources.csv",
      "table,column,source,grade,as_of\norganisations.csv,*,\"S99, beds\",read,2024\norganisation.csv,size,S98\n"
      "organisations.csv,size,our own audit,red,\n");
  EXPECT_EQ(folder.problems(own_tables),
            "tables/sources.csv:3:1: the row has 3 fields where the header has 5\n"
            "tables/sources.csv:4:38: unknown grade \"red\"; did you mean \"read\"?");
  folder.write("tables/sources.csv", "table,column,source,grade\norganisation.csv,size,S98,read\n");
  EXPECT_EQ(folder.problems(own_tables),
            "tables/sources.csv:2:1: there is no table \"organisation.csv\" in this folder\n"
            "tables/sources.csv:2:23: source = \"S98\" cites S98, which is not in the list of sources; did you mean "
            "\"S99\"? (" +
                own + ")");
  fs::remove(folder.path() / "tables/sources.csv");
  // In the programme's file and in an option too, whichever key it stands under.
  EXPECT_EQ(folder.problems(good(), {"bass.q={ value = 0.3, unit = \"1/year\", source = \"S98\" }"}),
            "--set bass.q: source = \"S98\" cites S98, which is not in the list of sources; did you mean \"S99\"? (" +
                own + ")");
  folder.write("programmes/tool.toml",
               std::string(Folder::kProgramme) + "p = { value = 0.2, unit = \"1/year\", source = \"O-pincers\" }\n");
  EXPECT_EQ(
      folder.problems(good()),
      "programmes/tool.toml:8:46: source = \"O-pincers\" cites O-pincers, which is not in the list of sources; did you "
      "mean \"O-pincer\"? (" +
          own + ")");
}

// ---- What is wrong ------------------------------------------------------------------------------------------------

struct Bad {
  std::size_t line;
  std::string_view text;
  std::string_view message;
};

// Every bad input is one line in an otherwise good scenario, so that each message stands alone.
const std::vector<Bad> kBadScenarios{
#include "bad_scenarios.inc"
};

TEST(Scenario, EveryBadInputIsNamedWithItsPlaceAndWhatToDo) {
  const Folder folder;
  for (const Bad& bad : kBadScenarios) {
    EXPECT_EQ(folder.problems(scenario_with(bad.line, bad.text)), bad.message) << bad.text;
  }
  EXPECT_GE(kBadScenarios.size(), 40U);
}

const std::vector<Bad> kBadProgrammes{
#include "bad_programmes.inc"
};

TEST(Scenario, EveryBadProgrammeFileIsNamedWithItsPlaceAndWhatToDo) {
  const Folder folder;
  std::vector<std::string> lines;
  std::istringstream good_lines{std::string(Folder::kProgramme)};
  for (std::string line; std::getline(good_lines, line);) lines.push_back(line);
  for (const Bad& bad : kBadProgrammes) {
    std::string text;
    for (std::size_t i = 1; i <= lines.size(); ++i)
      text += fmt::format("{}\n", i == bad.line ? bad.text : lines[i - 1]);
    folder.write("programmes/tool.toml", text);
    EXPECT_EQ(folder.problems(good()), bad.message) << bad.text;
  }
}

TEST(Scenario, AllProblemsOfAllFilesAreReportedAtOnceInTheOrderOfTheirPlaces) {
  const Folder folder;
  folder.write(
      "programmes/tool.toml",
      "schema = 1\nname = \"tool\"\ntitle = \"A tool\"\neligible = [\"care-hone\"]\nno_outcome_note = \"a\"\n");
  EXPECT_EQ(
      folder.problems("schema = 1\ntitle = \"T\"\nseeds = 5\nreplicates = 0\npopulation = \"england\"\n"
                      "programmes = [\"tool\", \"nope\"]\nhorizon = \"10 weeks\"\n[bass]\nq = 1\n",
                      {"seed=x", "bass.z=1"}),
      "s.toml:1:1: start is missing; add start = 2021-01-01\n"
      "s.toml:3:1: unknown key \"seeds\"; did you mean \"seed\"?\n"
      "s.toml:4:14: replicates = 0 is out of range (must be in [1, 1000000])\n"
      "s.toml:6:23: unknown programme \"nope\"; known are \"tool\", or a path that ends in .toml\n"
      "s.toml:9:5: bass.q = 1 states no unit; write \"/year\", \"/month\", \"/week\" or \"/day\"\n"
      "s.toml:9:5: bass.q states no source; add source = \"…\" or grade = \"assumption\"\n"
      "programmes/tool.toml:4:13: eligible names an unknown type \"care-hone\" (known are \"acute-trust\", "
      "\"specialist-trust\", \"mental-health-trust\", \"community-trust\", \"ambulance-trust\", \"maternity-unit\", "
      "\"practice\", \"care-home\", \"care-network\", \"care-board\" or \"community-site\"); did you mean "
      "\"care-home\"?\n"
      "--set bass.z: unknown parameter \"bass.z\"; did you mean \"bass.p\"?\n"
      "--set seed: seed is a text, must be a whole number");
}

TEST(Scenario, AFileThatCannotBeReadIsAFileError) {
  const Folder folder;
  const auto message = [&](const fs::path& file) {
    try {
      (void)load_scenario(file, {}, folder.path());
    } catch (const FileError& error) {
      return std::string(error.what());
    }
    return std::string("no FileError");
  };
  EXPECT_EQ(message("/no/such.toml"), "/no/such.toml: cannot read: No such file or directory");
  EXPECT_EQ(message(folder.path()), folder.path().string() + ": cannot read: it is a folder; name a file in it");
  fs::remove_all(folder.path() / "england");
  EXPECT_EQ(folder.problems(good()), "FileError england: cannot read: No such file or directory");
}

TEST(Scenario, AFileOfMoreThanOneMebibyteIsRefused) {
  const Folder folder;
  EXPECT_EQ(folder.problems(good() + std::string(1 << 20, '#')),
            "s.toml: is larger than 1 MiB; is it a scenario at all?");
}

TEST(Scenario, ProgrammesWhoseNamesHashAlikeAreRefused) {
  // two names with one 32-bit identity, found by trying: a birthday among about 2^16
  std::map<std::uint32_t, std::string> seen;
  std::string first, second;
  for (int i = 0; second.empty(); ++i) {
    const std::string name = fmt::format("p{}", i);
    const auto [at, added] = seen.try_emplace(programme_identity(name), name);
    if (!added) first = at->second, second = name;
  }
  const Folder folder;
  for (const std::string& name : {first, second}) {
    folder.write(
        fmt::format("programmes/{}.toml", name),
        fmt::format("schema = 1\nname = \"{}\"\ntitle = \"T\"\neligible = [\"practice\"]\nno_outcome_note = \"a\"\n",
                    name));
  }
  EXPECT_EQ(folder.problems(scenario_with(4, fmt::format("programmes = [\"{}\", \"{}\"]", first, second))),
            fmt::format("s.toml:4:14: programmes \"{}\" and \"{}\" have the same identity {:08x}; rename one of them",
                        first, second, programme_identity(first)));
}

// ---- What is read -------------------------------------------------------------------------------------------------

TEST(Scenario, AGoodScenarioIsReadWhole) {
  const Folder folder;
  const Scenario s = folder.load(good());
  EXPECT_EQ(s.name, "s");
  EXPECT_EQ(s.title, "Test");
  EXPECT_EQ(s.text, good());
  EXPECT_EQ(s.population, "england");
  EXPECT_EQ(s.calendar.start, day(2021, 1, 1));
  EXPECT_EQ(s.calendar.n_weeks, 104);
  EXPECT_EQ(s.calendar.report_at, std::vector{day(2021, 12, 31)});
  EXPECT_EQ(s.replicates, 10);
  EXPECT_EQ(s.seed, 1U);
  EXPECT_EQ(s.mode, ParameterMode::prior);
  EXPECT_TRUE(s.attention);
  ASSERT_EQ(s.programmes.size(), 1U);
  EXPECT_EQ(s.programmes[0].classification, "tool");
  EXPECT_EQ(s.programmes[0].eligible, std::vector{OrganisationType::care_home});
  EXPECT_FALSE(s.programmes[0].commissioned.has_value());
  EXPECT_EQ(setting(s, Parameter::q).value, 0.2);
  EXPECT_EQ(setting(s, Parameter::q).prior, (Prior{Family::lognormal, 0.2, 0.5}));
  EXPECT_EQ(setting(s, Parameter::q).grade, Grade::read);
  EXPECT_EQ(setting(s, Parameter::q).source, "S3");
  EXPECT_EQ(setting(s, Parameter::q).where, (folder.path() / "programmes/tool.toml").string() + ":7:5");
  EXPECT_EQ(setting(s, Parameter::p).value, 1.3);  // the table's default of homes
  EXPECT_EQ(setting(s, Parameter::p).where, "table");
}

TEST(Scenario, ComparatorsExistByNameWhetherNamedOrNot) {
  const Folder folder;
  const auto names = [](const Scenario& s) {
    std::vector<std::string> all;
    for (const Strategy& strategy : s.strategies) all.push_back(strategy.name);
    return all;
  };
  const Scenario none = folder.load(good());
  EXPECT_EQ(names(none), (std::vector<std::string>{"as-delivered", "no-network", "no-programme"}));
  EXPECT_EQ(none.comparator, 1);
  EXPECT_EQ(none.strategies[2].delivery, Delivery::no_programme);
  const Scenario some = folder.load(good() + "[[strategy]]\nname = \"no-network\"\n[[strategy]]\nname = \"plan\"\n");
  EXPECT_EQ(names(some), (std::vector<std::string>{"no-network", "plan", "no-programme"}));
  EXPECT_EQ(some.comparator, 0);
  EXPECT_EQ(some.strategies[0].delivery, Delivery::no_network);
}

TEST(Scenario, IsComparedWithItsLikeWhereNothingIsDelivered) {
  const Folder folder;
  const auto strategy = [](const std::string& name, const std::string& more = "") {
    return fmt::format("[[strategy]]\nname = \"{}\"\n{}", name, more);
  };
  const auto lead_and_comparator = [&](const std::string& strategies) {
    const Scenario s = folder.load(good() + strategies);
    return std::pair(s.strategies[static_cast<std::size_t>(lead_strategy(s))].name,
                     s.strategies[static_cast<std::size_t>(s.comparator)].name);
  };
  using Pair = std::pair<std::string, std::string>;
  const std::string bare = strategy("bare", "delivery = \"no-programme\"\n");
  EXPECT_EQ(lead_and_comparator(bare), Pair("bare", "no-programme"));
  EXPECT_EQ(lead_and_comparator(bare + strategy("plan")), Pair("plan", "no-network"));
  EXPECT_EQ(lead_and_comparator(strategy("no-network") + bare), Pair("bare", "no-programme"));
  EXPECT_EQ(lead_and_comparator(strategy("no-network") + strategy("paid", "delivery = \"no-network\"\n")),
            Pair("paid", "no-network"));
  EXPECT_EQ(lead_and_comparator(strategy("no-programme")), Pair("no-programme", "no-programme"));
  EXPECT_EQ(lead_and_comparator(strategy("no-network")), Pair("no-network", "no-network"));
  // What is against another world is another result.
  EXPECT_NE(folder.load(good() + bare).digest, folder.load(good() + bare + strategy("plan")).digest);
}

TEST(Scenario, UnitsAreConvertedToThoseOfTheTable) {
  const Folder folder;
  const Scenario s = folder.load(good() + R"~(
[bass]
p = { value = 0.01, unit = "/week", prior = "LN(0.01, 0.5)", source = "x" }
q = { value = "0.25 per month", grade = "assumption" }
[implementation]
tau = { value = 26, unit = "weeks", prior = "U(13, 39)", source = "x" }
phi = { value = 85, unit = "%", source = "x" }
[cost]
delivery_staff_days = { value = 100, unit = "staff-days per month", source = "x" }
)~");
  EXPECT_DOUBLE_EQ(setting(s, Parameter::p).value, 0.01 * 365.25 / 7);
  EXPECT_DOUBLE_EQ(setting(s, Parameter::p).prior.a, 0.01 * 365.25 / 7);
  EXPECT_EQ(setting(s, Parameter::p).prior.b, 0.5);
  EXPECT_DOUBLE_EQ(setting(s, Parameter::q).value, 3);
  EXPECT_DOUBLE_EQ(setting(s, Parameter::tau).value, 26 * 7 / 365.25);
  EXPECT_DOUBLE_EQ(setting(s, Parameter::tau).prior.b, 39 * 7 / 365.25);
  EXPECT_DOUBLE_EQ(setting(s, Parameter::phi).value, 0.85);
  EXPECT_DOUBLE_EQ(setting(s, Parameter::delivery_staff_days).value, 1200);
}

TEST(Scenario, TheNearerStatementOfAParameterWins) {
  const Folder folder;
  folder.write("programmes/other.toml",
               "schema = 1\nname = \"other\"\ntitle = \"T\"\neligible = [\"practice\"]\nno_outcome_note = \"a\"\n");
  const std::string text = scenario_with(4, "programmes = [\"tool\", \"other\"]") + R"~(
[bass]
q = { value = 0.5, unit = "1/year", source = "all" }
[programme.other.bass]
q = { value = 0.6, unit = "1/year", source = "one" }
)~";
  EXPECT_EQ(setting(folder.load(text), Parameter::q, 0).value, 0.5);
  EXPECT_EQ(setting(folder.load(text), Parameter::q, 1).value, 0.6);
  const Scenario all = folder.load(text, {"bass.q=0.7 /year"});
  EXPECT_EQ(setting(all, Parameter::q, 0).value, 0.7);
  EXPECT_EQ(setting(all, Parameter::q, 1).value, 0.7);
  EXPECT_EQ(setting(all, Parameter::q, 1).where, "--set bass.q");
  const Scenario one = folder.load(text, {"bass.q=0.7 /year", "tool.bass.q=0.8 /year"});
  EXPECT_EQ(setting(one, Parameter::q, 0).value, 0.8);
  EXPECT_EQ(setting(one, Parameter::q, 1).value, 0.7);
}

TEST(Scenario, AValueWithoutAPriorIsCertain) {
  const Folder folder;
  const Scenario s =
      folder.load(good(), {"bass.q = 0.7 /year", "effect.relative_risk={ value = 0.9, prior = \"LN(0.9, 0.1)\" }"});
  EXPECT_EQ(setting(s, Parameter::q).prior, (Prior{Family::fixed, 0.7, 0}));
  EXPECT_EQ(setting(s, Parameter::relative_risk).prior, (Prior{Family::lognormal, 0.9, 0.1}));
}

TEST(Scenario, OverridesTakeTomlValuesAndBareWords) {
  const Folder folder;
  const Scenario s = folder.load(
      good(), {"seed=7", "parameters=defaults", "horizon=52 weeks", "report_at=[2021-06-30]", "title = Two words",
               "attention=false", "seed=8", "economy.deflator=1.3",
               "population={ name = \"england\", seed = 5, decay = \"20 km\", nearest = 10, community = \"region\" }"});
  EXPECT_EQ(s.seed, 8U);
  EXPECT_EQ(s.mode, ParameterMode::defaults);
  EXPECT_EQ(s.calendar.n_weeks, 52);
  EXPECT_EQ(s.calendar.report_at, std::vector{day(2021, 6, 30)});
  EXPECT_EQ(s.title, "Two words");
  EXPECT_FALSE(s.attention);
  EXPECT_EQ(s.economy[static_cast<std::size_t>(Parameter::deflator) - kNProgrammeParameters].value, 1.3);
  EXPECT_EQ(s.population_options.seed, 5U);
  EXPECT_EQ(s.population_options.decay_km, 20);
  EXPECT_EQ(s.population_options.n_nearest, 10);
  EXPECT_EQ(s.population_options.community, CommunityOf::region);
  EXPECT_EQ(s.overrides.size(), 9U);
}

TEST(Scenario, ALeverThatAStrategyLeavesOutIsReported) {
  const Folder folder;
  const auto with = [&](const std::string& strategy, const std::string& lever) {
    return good() + "[[strategy]]\nname = \"plan\"\n" + strategy + "\n[[strategy.lever]]\n" + lever + "\n";
  };
  const std::string effort = "kind = \"facilitation\"\nfactor = 2", incentive = "kind = \"incentive\"";
  for (const auto& [strategy, lever] :
       std::vector<std::pair<std::string, std::string>>{{"delivery = \"no-network\"", effort},
                                                        {"without = [\"effort\"]", effort},
                                                        {"delivery = \"no-programme\"", incentive},
                                                        {"without = [\"incentive\"]", incentive},
                                                        {"without = [\"shock\"]", "kind = \"shock\"\nfactor = 0.5"}}) {
    try {
      static_cast<void>(folder.load(with(strategy, lever)));
      ADD_FAILURE() << strategy;
    } catch (const InputError& error) {
      ASSERT_EQ(error.problems().size(), 1U) << error.what();
      EXPECT_NE(error.problems()[0].what.find("does nothing in the strategy \"plan\""), std::string::npos);
    }
  }
  static_cast<void>(folder.load(with("delivery = \"no-network\"", incentive)));
  static_cast<void>(folder.load(with("without = [\"shock\"]", effort)));
}

/// An empty list could mean all or nobody, and a delay of no week is none.
TEST(Scenario, ALeverThatCouldMeanEitherIsReported) {
  const Folder folder;
  const auto with = [&](const std::string& lever) {
    return good() + "[[strategy]]\nname = \"plan\"\n[[strategy.lever]]\n" + lever + "\n";
  };
  const std::string effort = "kind = \"facilitation\"\nfactor = 2\n", delay = "kind = \"delay\"\ndelay_weeks = ";
  for (const auto& [lever, what] : std::vector<std::pair<std::string, std::string>>{
           {effort + "regions = []", "regions is an empty list; name some, or leave it out for all"},
           {effort + "programmes = []", "programmes is an empty list; name some, or leave it out for all"},
           {"kind = \"seeding\"\ntargeting = \"list\"\norganisations = []",
            "organisations is an empty list; name them by their codes"},
           {delay + "\"1 day\"",
            "delay_weeks is 0.14 weeks, which is no delay: it is rounded to whole weeks; write at least \"1 week\""}}) {
    EXPECT_NE(folder.problems(with(lever), {}).find(what), std::string::npos) << folder.problems(with(lever), {});
  }
  EXPECT_EQ(folder.problems(with(delay + "\"10 days\""), {}), "");
}

TEST(Scenario, BadOverridesAreNamedByTheirKey) {
  const Folder folder;
  const std::vector<std::pair<std::string, std::string>> cases{
      {"seed", "--set seed: is not of the form key=value; write --set seed=1"},
      {"=5", "--set =5: is not of the form key=value; write --set seed=1"},
      {"seed=99999999999999999999",
       "--set seed: seed = 99999999999999999999 is out of range (must be in [0, 9223372036854775807])"},
      {"--seed=9223372036854775808",
       "--seed: seed = 9223372036854775808 is out of range (must be in [0, 9223372036854775807])"},
      {"start=2023-02-30",
       "--set start: start = 2023-02-30 is no day of the calendar; write year-month-day, such as 2021-01-31"},
      {"start=2021-13-01",
       "--set start: start = 2021-13-01 is no day of the calendar; write year-month-day, such as 2021-01-31"},
      {"start=\"2021-01-31\"", "--set start: start is a text, must be a date such as 2021-01-31, without quotes"},
      {"report_at=[2021-06-30, 2021-13-01]",
       "--set report_at: report_at holds 2021-13-01, which is no day of the calendar; write year-month-day, such as "
       "[2023-03-31]"},
      {"start=soon", "--set start: start is a text, must be a date such as 2021-01-31, without quotes"},
      {"title=\xff", "--set title: is not UTF-8, and results hold what was set"},
      {"--seed=abc", "--seed: seed is a text, must be a whole number"},
      {"--replicates=1000000000000",
       "--replicates: replicates = 1000000000000 is out of range (must be in [1, 1000000])"},
      {"--replicates=-99999999999999999999",
       "--replicates: replicates = -99999999999999999999 is out of range (must be in [1, 1000000])"},
      {"--posterior=nowhere.h5", "FileError nowhere.h5: does not exist; make it with `uptake calibrate`"},
      {"--seeds=1", "--set --seeds: unknown key \"--seeds\""},
      {"seed=", "--set seed: seed is a text, must be a whole number"},
      {"sed=5", "--set sed: unknown key \"sed\"; did you mean \"seed\"?"},
      {"bass.q=7 /week",
       "--set bass.q: bass.q = 7 /week is out of range (must be in [0, 5] 1/year); did you mean \"/year\"?"},
      {"bass.q=0.3", "--set bass.q: bass.q = 0.3 states no unit; write \"/year\", \"/month\", \"/week\" or \"/day\""},
      {"bass.q=nan /year", "--set bass.q: bass.q = \"nan /year\" does not begin with a finite number"},
      {"bass.qq=1", "--set bass.qq: unknown parameter \"bass.qq\"; did you mean \"bass.q\"?"},
      {"tol.bass.q=1 /year", "--set tol.bass.q: unknown programme \"tol\"; did you mean \"tool\"?"},
      {"tool.economy.deflator=1.2",
       "--set tool.economy.deflator: economy.deflator belongs to the scenario, not to one programme"},
      {"replicates=0", "--set replicates: replicates = 0 is out of range (must be in [1, 1000000])"},
      {"programmes=[\"tool\"", "--set programmes: programmes is a text, must be an array of texts"},
      {"seed=1\nreplicates=2", "--set seed: seed is a text, must be a whole number"},
      {".=1", "--set .: unknown parameter \".\""},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(folder.problems(good(), {text}), message) << text;
}

TEST(Scenario, LeversAreReadWithTheirWindowsAndAmounts) {
  const Folder folder;
  const Scenario s = folder.load(good() + R"~(
[[strategy]]
name = "plan"
[[strategy.lever]]
kind = "facilitation"
programmes = ["tool"]
regions = ["East"]
from = 2021-06-01
staff_days_per_year = "10 staff-days/week"
targeting = "most-deprived-first"
package_days = "5 staff-days"
package_weeks = "3 months"
[[strategy.lever]]
kind = "seeding"
targeting = "list"
organisations = ["A"]
[[strategy.lever]]
kind = "delay"
delay_weeks = "8 weeks"
[[strategy.lever]]
kind = "shock"
factor = 0.3
to = 2021-06-30
)~");
  const auto& levers = s.strategies.at(0).levers;
  ASSERT_EQ(levers.size(), 4U);
  EXPECT_EQ(levers[0].kind, LeverKind::facilitation);
  EXPECT_EQ(levers[0].programmes, std::vector{0});
  EXPECT_EQ(levers[0].regions, std::vector<std::string>{"E"}) << "the code of East";
  EXPECT_EQ(levers[0].window->from, day(2021, 6, 1));
  EXPECT_EQ(levers[0].window->to, s.calendar.last_day());
  EXPECT_DOUBLE_EQ(*levers[0].staff_days_per_year, 10 * 365.25 / 7);
  EXPECT_EQ(levers[0].targeting, Targeting::most_deprived_first);
  EXPECT_EQ(*levers[0].package_days, 5);
  EXPECT_DOUBLE_EQ(*levers[0].package_weeks, 0.25 * 365.25 / 7);
  EXPECT_EQ(levers[0].where, (folder.path() / "s.toml").string() + ":14:1");
  EXPECT_EQ(levers[1].targeting, Targeting::listed);
  EXPECT_EQ(levers[1].organisations, std::vector<std::string>{"A"});
  EXPECT_FALSE(levers[1].window.has_value());
  EXPECT_DOUBLE_EQ(levers[2].delay_weeks, 8);
  EXPECT_EQ(levers[3].factor, 0.3);
  EXPECT_EQ(levers[3].window->from, day(2021, 1, 1));
}

TEST(Scenario, AProgrammeFileIsReadWhole) {
  const Folder folder;
  folder.write("tools/big.toml", R"~(schema = 1
name = "big"
title = "Big"
eligible = ["practice", "community-trust"]
classification = "tools"
commissioned = { from = 2018-04-01, to = 2020-03-31, source = "x" }
covid = "not-aligned"
covid_window = { from = 2020-03-01, to = 2021-06-30, grade = "assumption" }
mandates = [{ from = 2019-04-01, to = 2020-03-31, source = "x" }]
response = "bass"
rule = "maximum"
skipped = ["implementing"]
restart = "decides-again"
engaged_at_start = true
sites_at_start = ["A", "B"]
historic_denominator = { value = 6890, unit = "organisations", source = "x" }
outcome = "events"
event = "emergency-admission"
effect_already_shrunk = false
funders = { delivery = "nhs-england", adoption = "provider" }
notes = ["one", "two"]
)~");
  const Scenario s = folder.load(scenario_with(4, "programmes = [\"tools/big.toml\"]"));
  const ProgrammeSpec& p = s.programmes.at(0);
  EXPECT_EQ(p.eligible, (std::vector{OrganisationType::practice, OrganisationType::community_trust}));
  EXPECT_EQ(p.classification, "tools");
  EXPECT_EQ(p.commissioned->from, day(2018, 4, 1));
  EXPECT_EQ(p.commissioned->to, day(2020, 3, 31));
  EXPECT_EQ(p.covid, CovidStance::not_aligned);
  EXPECT_EQ(p.covid_window->to, day(2021, 6, 30));
  ASSERT_EQ(p.mandates.size(), 1U);
  EXPECT_EQ(p.mandates[0].from, day(2019, 4, 1));
  EXPECT_EQ(p.response, PeerResponse::bass);
  EXPECT_EQ(p.rule, LayerRule::maximum);
  EXPECT_EQ(p.skipped, (SkippedStages{false, true}));
  EXPECT_EQ(p.restart, Restart::decides_again);
  EXPECT_TRUE(p.engaged_at_start);
  EXPECT_EQ(p.sites_at_start, (std::vector<std::string>{"A", "B"}));
  EXPECT_EQ(p.historic_denominator, 6890);
  EXPECT_EQ(p.outcome, OutcomeKind::events);
  EXPECT_FALSE(p.effect_already_shrunk);
  EXPECT_EQ(p.delivery_funder, Funder::nhs_england);
  EXPECT_EQ(p.adoption_funder, Funder::provider);
  EXPECT_EQ(p.notes.size(), 2U);
  EXPECT_EQ(setting(s, Parameter::p).value, 0.33);  // the first type's class gives the defaults
}

// ---- The digest ---------------------------------------------------------------------------------------------------

TEST(Scenario, TheDigestChangesWithWhateverDecidesResultsAndWithNothingElse) {
  const Folder folder;
  const std::string digest = folder.load(good()).digest;
  EXPECT_EQ(digest.size(), 16U);
  for (const char* same : {"title=Other", "replicates=1000", "seed=1", "notes=[\"x\"]"}) {
    EXPECT_EQ(folder.load(good(), {same}).digest, digest) << same;
  }
  EXPECT_EQ(folder.load("# a comment\n" + good()).digest, digest);
  std::vector<std::string> different{digest};
  for (const char* other : {"seed=2",
                            "horizon=105 weeks",
                            "report_at=[2021-11-30]",
                            "parameters=defaults",
                            "attention=false",
                            "bass.q=0.2 /year",
                            "bass.q=0.3 /year",
                            "economy.deflator=1.27",
                            "start=2021-01-02",
                            "population=tables",
                            "population={ name = \"england\", seed = 5 }",
                            "population={ name = \"england\", decay = \"41 km\" }",
                            "population={ synthetic = 100 }",
                            "population={ synthetic = 101 }",
                            "population={ synthetic = 100, seed = 2 }",
                            "population={ synthetic = 100, degree = 8 }",
                            "population={ synthetic = 100, graph = \"ring\" }",
                            "population={ synthetic = 100, rewired = 0.2 }",
                            "population={ synthetic = 100, weights = \"random\" }",
                            "population={ synthetic = 100, regions = 3 }",
                            "population={ synthetic = 100, type = \"practice\" }"}) {
    different.push_back(folder.load(good(), {other}).digest);
  }
  different.push_back(folder.load(good() + "[[strategy]]\nname = \"plan\"\n").digest);
  different.push_back(
      folder.load(good() + "[[strategy]]\nname = \"plan\"\n[[strategy.lever]]\nkind = \"incentive\"\n").digest);
  folder.write("england/regions.csv", "code,name\nW,West\n");
  different.push_back(folder.load(good()).digest);
  std::ranges::sort(different);
  EXPECT_EQ(std::ranges::adjacent_find(different), different.end());
}

TEST(Scenario, TheDigestDoesNotDependOnWhichNameOfARegionIsUsed) {
  const Folder folder;
  folder.write("england/regions.csv", "code,name,short_name\nE,Health Innovation East,EA\nW,West,WE\n");
  const auto digest = [&](std::string_view name) {
    std::string figure = fmt::format(
        "[[published]]\nmetric = \"adopters\"\nregion = \"{}\"\nto = 2021-06-30\nvalue = 5\nsource = \"S1\"\n", name);
    const std::string lever = fmt::format(
        "[[strategy]]\nname = \"plan\"\n[[strategy.lever]]\nkind = \"incentive\"\nregions = [\"{}\"]\n", name);
    folder.write("programmes/tool.toml",
                 fmt::format("tranches = [{{ regions = [\"{0}\"], from = 2021-03-01, source = \"S1\" }}]\n"
                             "delivered_by_region = [{{ region = \"{0}\", share = 0.5, source = \"S1\" }}]\n{1}",
                             name, Folder::kProgramme));
    return folder.load(good() + figure + lever, {fmt::format("focus={}", name)}).digest;
  };
  const std::string by_name = digest("Health Innovation East");
  for (const char* name : {"E", "EA", "East"}) EXPECT_EQ(digest(name), by_name) << name;
  EXPECT_NE(digest("W"), by_name);
  EXPECT_EQ(digest("WE"), digest("West"));
  EXPECT_EQ(folder.load(good(), {"focus=England"}).digest, folder.load(good()).digest);

  // Where the code of one region is the name of another, nothing is put in the place of what was written.
  folder.write("england/regions.csv", "code,name\nA,B\nB,C\n");
  folder.write("programmes/tool.toml", Folder::kProgramme);
  EXPECT_EQ(folder
                .load(good() + "[[strategy]]\nname = \"plan\"\n[[strategy.lever]]\nkind = \"incentive\"\n"
                               "regions = [\"C\", \"B\"]\n")
                .strategies.front()
                .levers.front()
                .regions,
            (std::vector<std::string>{"C", "A"}));
}

TEST(Scenario, PathsInSettingsAreMovedAndNothingElse) {
  const auto moved = [](std::string_view text) {
    return with_paths(std::string(text), [](const fs::path& path) { return "/a" / path; });
  };
  for (const char* text : {"seed=1", "population=england", "population=\"england\"", "parameters=prior", "title=a/b",
                           "parameters=posterior", "population={ synthetic = 100 }", "population=5", "programmes=5",
                           "programmes=[\"tool\"]", "nothing", "tool.bass.q=0.5 /year"})
    EXPECT_EQ(moved(text), text);
  EXPECT_EQ(moved("population = tables"), "population=/a/tables");
  EXPECT_EQ(moved("population='../my \"own\" tables'"), "population=/a/../my \"own\" tables");
  EXPECT_EQ(moved("parameters=x.h5"), "parameters=/a/x.h5");
  EXPECT_EQ(moved("observations=o.csv"), "observations=/a/o.csv");
  EXPECT_EQ(moved("programmes=[\"tool\", \"my/tool.toml\"]"), "programmes=[\"tool\", \"/a/my/tool.toml\"]");
  EXPECT_EQ(moved("population={ name = \"name\", decay = \"20 km\", seed = 5, since = 2021-01-02, x = 2.0, y = true }"),
            "population={ name = \"/a/name\", decay = \"20 km\", seed = 5, since = 2021-01-02, x = 2.0, y = true }");
  // What would be read as something else than the path is quoted.
  const auto bare = [](const fs::path& path) { return path.filename(); };
  EXPECT_EQ(with_paths("population=/a/2020", bare), "population=\"2020\"");
  EXPECT_EQ(with_paths("population=/a/true", bare), "population=\"true\"");
  // What stands in a file does not change by being typed.
  const Folder folder;
  EXPECT_EQ(
      folder.load(good(), {with_paths("population=tables", [&](const fs::path& path) { return folder.path() / path; })})
          .digest,
      folder.load(good(), {"population=tables"}).digest);
}

// ---- A shipped programme beside tables that are not England's -------------------------------------------------------

TEST(Scenario, OverOtherTablesAShippedProgrammeHasThePartOfItsTotalsThatTheOrganisationsAre) {
  const Folder folder;
  const std::string body =
      std::string(Folder::kProgramme) +
      "[cost]\ndelivery_staff_days = { value = 300, unit = \"staff-days/year\", source = \"S3\" }\n"
      "[effect]\nbaseline_events = { value = 900, unit = \"events/year\", "
      "prior = \"LN(900, 0.2)\", source = \"S3\" }\n";
  const std::string stated =
      "historic_denominator = { value = 300, unit = \"organisations\", source = \"S3\" }\n[bass]";
  std::string programme = body;
  folder.write("programmes/tool.toml", programme.replace(programme.find("[bass]"), 6, stated));
  folder.write("tool.toml", programme);
  folder.write("tables/organisations.csv",
               "code,type,region,latitude,longitude\nA,care-home,N,54,-1\nB,care-home,N,54,-1\nC,care-home,N,54,-2\n"
               "P,practice,N,54,-1\n");
  const std::string own = scenario_with(3, "population = \"tables\"");
  const auto model_of = [&](const std::string& text, const std::vector<std::string>& overrides = {}) {
    const Scenario scenario = folder.load(text, overrides);
    return make_model(scenario, std::make_shared<const Population>(build_population(scenario, folder.path())));
  };
  const auto model = model_of(own);
  const ProgrammeSpec& spec = model->scenario.programmes.front();
  EXPECT_FALSE(spec.historic_denominator) << "three homes are three";
  EXPECT_DOUBLE_EQ(setting(model->scenario, Parameter::delivery_staff_days).value, 3);
  EXPECT_DOUBLE_EQ(model->programmes.front().mean_delivered, 1);
  EXPECT_DOUBLE_EQ(setting(model->scenario, Parameter::baseline_events).value, 9);
  EXPECT_EQ(setting(model->scenario, Parameter::baseline_events).prior, (Prior{Family::lognormal, 9, 0.2}));
  EXPECT_EQ(setting(model->scenario, Parameter::baseline_events).source,
            "S3; for 3 of the 300 organisations of England");
  EXPECT_EQ(setting(model->scenario, Parameter::baseline_events).grade, Grade::derived);
  ASSERT_EQ(model->warnings.size(), 1U);
  EXPECT_EQ(
      model->warnings[0].what,
      "the results of tool are of the 3 organisations of this population that it is open to: what its file states "
      "of the 300 of England (effect.baseline_events, cost.delivery_staff_days) is taken in proportion, and its "
      "published counts of England are left out");
  // Once made, it is made again from the same figures.
  EXPECT_DOUBLE_EQ(
      setting(make_model(model->scenario, model->population)->scenario, Parameter::delivery_staff_days).value, 3);
  // What the scenario states is of these organisations.
  const auto set = model_of(own, {"tool.cost.delivery_staff_days=12 staff-days/year"});
  EXPECT_DOUBLE_EQ(setting(set->scenario, Parameter::delivery_staff_days).value, 12);
  EXPECT_DOUBLE_EQ(setting(set->scenario, Parameter::baseline_events).value, 9);
  // A file of one's own keeps its word, and is another run; England itself is all of England.
  std::string own_file = own;
  own_file.replace(own_file.find("\"tool\""), 6, "\"tool.toml\"");
  const auto kept = model_of(own_file);
  EXPECT_EQ(kept->scenario.programmes.front().historic_denominator, 300);
  EXPECT_DOUBLE_EQ(setting(kept->scenario, Parameter::delivery_staff_days).value, 300);
  ASSERT_EQ(kept->warnings.size(), 1U);
  EXPECT_NE(kept->warnings[0].what.find("the 3 organisations of this population that tool is open to stand for 300"),
            std::string::npos);
  EXPECT_NE(kept->scenario.digest, model->scenario.digest);
  EXPECT_EQ(folder.load(good()).programmes.front().historic_denominator, 300);
}

TEST(Scenario, OverOtherTablesAShippedProgrammeSpeaksOfTheRegionsThatThereAre) {
  const Folder folder;
  folder.write("england/regions.csv", "code,name,short_name\nN,The North,North\nS,The South,South\n");
  folder.write("tables/organisations.csv", "code,type,region,latitude,longitude\nA,care-home,X,54,-1\n");
  folder.write("tables/regions.csv", "code,name\nX,The North\n");
  const auto programme = [](std::string_view third) {
    return fmt::format(
        "commissioned = {{ from = 2021-01-01, to = 2021-12-31, source = \"x\" }}\n"
        "[[tranches]]\nregions = [\"North\", \"South\"]\nfrom = 2021-06-01\nsource = \"x\"\n"
        "[[tranches]]\nregions = [\"{}\"]\nfrom = 2021-07-01\nsource = \"x\"\n"
        "[[delivered_by_region]]\nregion = \"S\"\nshare = 0.5\nsource = \"x\"\n"
        "[[delivered_by_region]]\nregion = \"N\"\nshare = 0.3\nsource = \"x\"\n"
        "[[published]]\nmetric = \"adopters\"\nregion = \"South\"\nto = 2021-12-31\nvalue = 2\nsource = \"x\"\n"
        "[[published]]\nmetric = \"adopters\"\nregion = \"North\"\nto = 2021-12-31\nvalue = 3\nsource = \"x\"\n",
        third);
  };
  std::string text(Folder::kProgramme);
  text.erase(text.find("[bass]"));
  folder.write("programmes/tool.toml", text + programme("South"));
  const ProgrammeSpec spec = folder.load(scenario_with(3, "population = \"tables\"")).programmes.front();
  ASSERT_EQ(spec.tranches.size(), 1U);
  EXPECT_EQ(spec.tranches[0].regions, std::vector<std::string>{"X"});
  ASSERT_EQ(spec.delivered_by_region.size(), 1U);
  EXPECT_EQ(spec.delivered_by_region[0].region, "X");
  ASSERT_EQ(spec.published.size(), 1U);
  EXPECT_EQ(spec.published[0].region, "The North");
  // A name that England does not have either is a mistake.
  folder.write("programmes/tool.toml", text + programme("Noth"));
  EXPECT_NE(folder.problems(scenario_with(3, "population = \"tables\"")).find("no region is called \"Noth\""),
            std::string::npos);
}

TEST(Scenario, TheDigestDoesNotDependOnWhereTheFilesLie) {
  const Folder here, there;
  EXPECT_EQ(here.load(good(), {"population=tables"}).digest, there.load(good(), {"population=tables"}).digest);
}

// ---- Shipped files ------------------------------------------------------------------------------------------------

class Shipped : public testing::Test {
 protected:
  Shipped() {
    const auto merge = fs::copy_options::recursive | fs::copy_options::overwrite_existing;
    fs::copy(UPTAKE_SOURCE_FOLDER "/scenarios", folder_.path(), merge);
    if (!fs::exists(folder_.path() / "minimal/organisations.csv"))
      folder_.write("minimal/organisations.csv", "code\nA\n");
  }
  [[nodiscard]] Scenario load(const char* name) const {
    return load_scenario(folder_.path() / name, {}, folder_.path());
  }
  Folder folder_;
};

TEST_F(Shipped, EveryShippedScenarioIsGood) {
  int n_scenarios = 0;
  for (const auto& entry : fs::directory_iterator(UPTAKE_SOURCE_FOLDER "/scenarios")) {
    if (entry.path().extension() != ".toml" || is_record(entry.path())) continue;
    ++n_scenarios;
    EXPECT_NO_THROW((void)load(entry.path().filename().c_str())) << entry.path();
  }
  EXPECT_GE(n_scenarios, 2);
}

TEST_F(Shipped, CareHomesAskTheQuestionOfTheHeadline) {
  const Scenario s = load("care-homes.toml");
  EXPECT_EQ(s.calendar.report_at, (std::vector{day(2023, 3, 31), day(2026, 3, 31)}));
  ASSERT_EQ(s.strategies.size(), 3U);
  EXPECT_EQ(s.strategies[0].delivery, Delivery::as_delivered);
  EXPECT_EQ(s.comparator, 1);
  const ProgrammeSpec& p = s.programmes.at(0);
  EXPECT_EQ(p.commissioned->from, day(2021, 1, 1));
  EXPECT_EQ(p.commissioned->to, day(2023, 3, 31));
  EXPECT_EQ(p.covid, CovidStance::none);
  EXPECT_EQ(p.historic_denominator, 15140);
  EXPECT_EQ(p.outcome, OutcomeKind::events);
  EXPECT_TRUE(p.effect_already_shrunk);
}

TEST_F(Shipped, TheCareHomeProgrammeHoldsTheFiguresOfTheModel) {
  const Scenario s = load("care-homes.toml");
  const auto expect = [&](Parameter id, double value, Prior prior) {
    EXPECT_NEAR(setting(s, id).value, value, 1e-12 * std::abs(value)) << spec(id).key;
    EXPECT_EQ(setting(s, id).prior, prior) << spec(id).key;
  };
  const auto fixed = [&](Parameter id, double value) { expect(id, value, {Family::fixed, setting(s, id).value, 0}); };
  expect(Parameter::a0, 0.25, {Family::lognormal, 0.25, 0.6});
  expect(Parameter::a1, 0.4, {Family::lognormal, 0.4, 0.3});
  expect(Parameter::p, 1.3, {Family::lognormal, 1.3, 0.7});
  expect(Parameter::phi, 0.85, {Family::beta, 17, 3});
  expect(Parameter::tau, 0.25, {Family::lognormal, 0.25, 0.3});
  expect(Parameter::relative_risk, 0.93, {Family::lognormal, 0.93, 0.063});
  expect(Parameter::staff_day_price, 320, {Family::uniform, 250, 450});
  expect(Parameter::set_up_cost, 900, {Family::lognormal, 900, 0.5});
  expect(Parameter::running_cost, 300, {Family::lognormal, 300, 0.5});
  fixed(Parameter::delivery_staff_days, 13200);
  fixed(Parameter::reference_fidelity, 0.625);
  fixed(Parameter::persons_per_organisation, 17.3);
  fixed(Parameter::bed_days_per_event, 10.8);
  fixed(Parameter::avoidable_cap, 0.41);
  EXPECT_NEAR(setting(s, Parameter::baseline_events).value, 192000.0 * 15140 / 15800, 1);
  EXPECT_EQ(setting(s, Parameter::delivery_staff_days).grade, Grade::assumption);
  EXPECT_FALSE(s.programmes[0].notes.empty());
}

}  // namespace
}  // namespace uptake
