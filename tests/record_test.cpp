#include "uptake/record.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "folder.hpp"
#include "scenario/digest.hpp"
#include "uptake/error.hpp"
#include "uptake/past_forecasts.hpp"

namespace uptake {
namespace {

namespace fs = std::filesystem;

const fs::path kShipped = fs::path(UPTAKE_SOURCE_FOLDER) / "scenarios";

Date day(int year, unsigned month, unsigned d) {
  return std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{d};
}

const Setting& setting(const HistoricProgramme& programme, Parameter id) {
  return programme.spec.settings[static_cast<std::size_t>(id)];
}

std::string text_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

constexpr std::string_view kHeader = "programme,date,region,measure,value,unit,org_type,quality,source,note\n";
std::string table(std::string_view rows) { return fmt::format("{}{}", kHeader, rows); }

/// A folder like the shipped scenarios/, with a record of one programme.
class Record {
 public:
  Record() {
    write("england/regions.csv", "code,name,short_name\nE,East of here,East\nW,West of here,West\n");
    write("programmes/tool.toml", kTool);
    write("o.csv", table(kRows));
  }

  // NOLINTNEXTLINE(modernize-use-nodiscard): also called for the file alone
  fs::path write(const fs::path& name, std::string_view text) const {
    fs::path file = folder_.path() / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }
  [[nodiscard]] HistoricRecord load(std::string_view toml, const std::vector<std::string>& overrides = {}) const {
    return load_record(write("h.toml", toml), overrides, folder_.path());
  }
  /// What is wrong, with this folder's path taken out.
  [[nodiscard]] std::string problems(std::string_view toml, const std::vector<std::string>& overrides = {}) const {
    return what([&] { (void)load(toml, overrides); });
  }
  [[nodiscard]] std::string problems_of_table(std::string_view rows) const {
    const fs::path file = write("bad.csv", rows);
    return what([&] { (void)read_observations(file); });
  }
  [[nodiscard]] const fs::path& path() const { return folder_.path(); }

  static constexpr std::string_view kTool = R"~(schema = 1
name = "tool"
title = "A tool"
evidence = "B"
innovation = "device"
push = "incentive"
eligible = ["care-home"]
available_from = { date = 2020-01-01, source = "S3" }
historic_denominator = { value = 200, unit = "organisations", source = "S3" }
no_outcome_note = "a test"
)~";
  static constexpr std::string_view kRows = R"~(Tool,2020-06,England,adopting_orgs,20,homes,home,primary,a page,
Tool,2021,England,adopting_orgs,50,homes,home,ambiguous,a page,undated
Tool,2021-03-15,East,uptake_pct,30,%,home,primary,a page,
Tool,2022,England,savings_gbp,1000,GBP,home,primary,a page,
Tool,2019-12-31,England,adopting_orgs,3,homes,home,primary,a page,
Other,2021,England,adopting_orgs,5,homes,home,primary,a page,
)~";

 private:
  template <class Call>
  [[nodiscard]] std::string what(const Call& call) const {
    std::string text;
    try {
      call();
    } catch (const InputError& error) {
      text = error.what();
    } catch (const FileError& error) {
      text = fmt::format("FileError {}", error.what());
    }
    const std::string prefix = folder_.path().string() + "/";
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) text.erase(at, prefix.size());
    return text;
  }

  TestFolder folder_;
};

constexpr std::array<std::string_view, 14> kLines{
    "schema = 1",
    "title = \"Test\"",
    "observations = \"o.csv\"",
    "population = \"england\"",
    "seed = 1",
    "calibrated = [\"bass.p\", \"engagement.a0\"]",
    "reporting = { discrepancy = { value = 0.15, grade = \"assumption\" }, level_shift = { value = 0.2, grade = "
    "\"assumption\" } }",
    "[[programme]]",
    "name = \"tool\"",
    "record = \"Tool\"",
    "[[programme.series]]",
    "measure = \"adopting_orgs\"",
    "counts = \"ever_adopted\"",
    "use = \"fit\"",
};

/// The good record with one line replaced; line 15 is added after it.
std::string record_with(std::size_t line, std::string_view text) {
  std::string all;
  for (std::size_t i = 1; i <= kLines.size(); ++i) all += fmt::format("{}\n", i == line ? text : kLines[i - 1]);
  return line == kLines.size() + 1 ? fmt::format("{}{}\n", all, text) : all;
}
std::string good() { return record_with(0, ""); }

// ---- The table ----------------------------------------------------------------------------------------------------

TEST(Observations, ACodeOfASourceThatIsInNoListIsNamed) {
  const Record record;
  record.write("sources.bib", "@misc{S3, note = {a page}}\n");
  EXPECT_EQ(record.problems(good()), "");
  record.write("o.csv", table("Tool,2020-06,England,adopting_orgs,20,homes,home,primary,S3,\n"
                              "Tool,2021,England,adopting_orgs,50,homes,home,primary,O-other-page,\n"));
  EXPECT_EQ(
      record.problems(good()),
      "o.csv:3: source = \"O-other-page\" cites O-other-page, which is not in the list of sources; a reference of your "
      "own is written in words, or its code added to sources.bib");
}

TEST(Observations, ADateNamesADayAMonthOrAYear) {
  const Record record;
  const fs::path file =
      record.write("dates.csv", table("A,2021,B,C,1,homes,,primary,s,\n"
                                      "A,2020-02,B,C,1,homes,,primary,s,\n"
                                      "A,2021-03-31,B,C,,homes,,secondary,s,\"said, not counted\"\n"));
  const std::vector<Observation> rows = read_observations(file);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].first, day(2021, 1, 1));
  EXPECT_EQ(rows[0].last, day(2021, 12, 31));
  EXPECT_EQ(rows[1].first, day(2020, 2, 1));
  EXPECT_EQ(rows[1].last, day(2020, 2, 29));
  EXPECT_EQ(rows[2].first, rows[2].last);
  EXPECT_EQ(rows[2].date, "2021-03-31");
  EXPECT_FALSE(rows[2].value);
  EXPECT_EQ(rows[2].note, "said, not counted");
  EXPECT_EQ(rows[2].where, file.string() + ":4");
}

TEST(Observations, EveryBadRowIsNamedAtOnce) {
  const Record record;
  const std::vector<std::pair<std::string_view, std::string_view>> bad{
      {"A,21,B,C,1,u,,primary,s,\n", "bad.csv:2:3: date = \"21\" is no date; write 2021, 2021-03 or 2021-03-31"},
      {"A,2021-02-29,B,C,1,u,,primary,s,\n",
       "bad.csv:2:3: date = \"2021-02-29\" is no date; write 2021, 2021-03 or 2021-03-31"},
      {"A,2021-13,B,C,1,u,,primary,s,\n",
       "bad.csv:2:3: date = \"2021-13\" is no date; write 2021, 2021-03 or 2021-03-31"},
      {"A,2021/03,B,C,1,u,,primary,s,\n",
       "bad.csv:2:3: date = \"2021/03\" is no date; write 2021, 2021-03 or 2021-03-31"},
      {"A,-123,B,C,1,u,,primary,s,\n", "bad.csv:2:3: date = \"-123\" is no date; write 2021, 2021-03 or 2021-03-31"},
      {"A,2201-01,B,C,1,u,,primary,s,\n", "bad.csv:2:3: date = 2201-01 is out of range (must be in [1948, 2200])"},
      {"A,,B,C,1,u,,primary,s,\n", "bad.csv:2:3: date is empty"},
      {"A,2021,B,C,nan,u,,primary,s,\n",
       "bad.csv:2:12: value = nan is not a finite number; leave the field empty if it is unknown"},
      {"A,2021,B,C,many,u,,primary,s,\n", "bad.csv:2:12: value = \"many\" is not a number"},
      {"A,2021,B,C,1,u,,primery,s,\n", "bad.csv:2:17: unknown quality \"primery\"; did you mean \"primary\"?"},
      {",2021,,,1,u,,primary,,\n",
       "bad.csv:2:1: programme is empty\nbad.csv:2:7: region is empty\nbad.csv:2:8: measure is empty\nbad.csv:2:22: "
       "source is empty"},
      {"A,2021,B,C,1,u,,primary,s,\nA,2021,B,C,2,u,,primary,s,\nA,2021,B,C,1.0,v,,secondary,t,\n",
       "bad.csv:4:1: A, B, C, 2021 = 1 is already on line 2; remove one of them"},
      {"A,2021,B\n", "bad.csv:2:1: the row has 3 fields where the header has 10"},
      {"", "bad.csv: the table has no rows"},
  };
  for (const auto& [rows, message] : bad) {
    EXPECT_EQ(record.problems_of_table(table(rows)), message) << rows;
  }
  EXPECT_EQ(record.problems_of_table("programme,date,region,value,unit,quality,source,colour\nA,2021,B,1,u,x,s,red\n"),
            "bad.csv:1:1: column \"measure\" is missing\nbad.csv:1:49: unknown column \"colour\"");
  EXPECT_EQ(record.problems_of_table(table("A,x,B,C,1,u,,primary,s,\nA,y,B,C,1,u,,primary,s,\n")),
            "bad.csv:2:3: date = \"x\" is no date; write 2021, 2021-03 or 2021-03-31\n"
            "bad.csv:3:3: date = \"y\" is no date; write 2021, 2021-03 or 2021-03-31");
}

TEST(PastForecasts, TheShippedTableIsWhatTheEvidenceSaysOfIt) {
  const fs::path history = fs::path(UPTAKE_SOURCE_FOLDER) / "scenarios" / "history";
  const PastForecasts past = read_past_forecasts(history / "forecasts.csv");
  const PastCoverage own = read_past_coverage(history / "backtests.csv").front();
  EXPECT_EQ(static_cast<int>(past.forecasts.size()), own.n_forecasts);
  EXPECT_EQ(static_cast<int>(past.n_programmes()), own.n_programmes);
  EXPECT_GT(past.n_series(), past.n_programmes());
  EXPECT_LT(past.n_series(), past.forecasts.size());
}

TEST(PastForecasts, TellsEveryBadRowAndLeavesOutWhatHasNoRatio) {
  const TestFolder folder;
  const fs::path file = folder.path() / "f.csv";
  const auto read = [&](const std::string& rows) {
    std::ofstream(file) << "p50,programme,region,measure,date,cut,observed,colour\n" << rows;
    return read_past_forecasts(file);
  };
  // Nothing observed, nothing forecast; another cut is another forecast of the same series.
  const PastForecasts past = read(
      "4,a,R,m,2020,25 %,2,x\n4,a,R,m,2020,50 %,6,x\n4,b,R,m,2020,50 %,,x\n0,b,R,m,2020,25 %,3,x\n5,b,R,n,2021,25 "
      "%,5,x\n");
  EXPECT_EQ(past.ratios(), (std::vector<double>{0.5, 1.5, 1}));
  EXPECT_EQ(past.n_programmes(), 2U);
  EXPECT_EQ(past.n_series(), 2U);
  EXPECT_NE(past.digest, read("4,a,R,m,2020,25 %,2,x\n").digest);
  const auto problems = [&](const std::string& rows) {
    try {
      (void)read(rows);
    } catch (const InputError& error) {
      std::string text = error.what();
      for (auto at = text.find(folder.path().string()); at != std::string::npos; at = text.find(folder.path().string()))
        text.erase(at, folder.path().string().size() + 1);
      return text;
    }
    return std::string();
  };
  EXPECT_EQ(problems("-4,a,R,m,2020,25 %,2,x\nmany,,R,m,2020,50 %,1,x\n4,a,R,m,2020,25 %,2,x\n4,a,R,m,2020,25 %,2,x\n"),
            "f.csv:2:1: p50 = -4 is out of range (must be at least 0)\n"
            "f.csv:3:6: programme is empty\n"
            "f.csv:3:1: p50 = \"many\" is not a number\n"
            "f.csv:5:3: is the same forecast as in a row above; leave one of them out");
  EXPECT_EQ(problems("4,a,R,m,2020,25 %,,x\n"),
            "f.csv: holds no forecast above 0 that something was observed for; make such a table with `uptake backtest "
            "HISTORY --fraction 0.25,0.5,0.75 -o DIR`: DIR/backtest.csv");
}

TEST(Observations, TheTableOfBackTestsIsReadThroughTheSameDoor) {
  const std::vector<PastCoverage> shipped =
      read_past_coverage(fs::path(UPTAKE_SOURCE_FOLDER) / "scenarios" / "history" / "backtests.csv");
  ASSERT_EQ(shipped.size(), 2U);
  EXPECT_EQ(shipped[0].kind, "own-record");
  EXPECT_EQ(shipped[1].kind, "left-out");
  for (const PastCoverage& one : shipped) {
    EXPECT_GT(one.n_forecasts, one.n_programmes);
    EXPECT_LT(one.held_50, one.held_90);
  }
  const TestFolder folder;
  const fs::path file = folder.path() / "b.csv";
  // Another order of columns, quotes and blanks are what any table here may have.
  std::ofstream(file) << "held_90,kind,forecasts,programmes,held_50\n0.8, \"left-out\" ,12,3,0.4\n";
  ASSERT_EQ(read_past_coverage(file).size(), 1U);
  EXPECT_EQ(read_past_coverage(file)[0].held_90, 0.8);
  std::ofstream(file) << "kind,forecasts,programmes,held_50,held_90\nleft-out,0,3,x,1.2\n";
  try {
    (void)read_past_coverage(file);
    ADD_FAILURE();
  } catch (const InputError& error) {
    EXPECT_EQ(error.problems().size(), 3U) << error.what();
  }
}

// ---- What is wrong with a record ----------------------------------------------------------------------------------

struct Bad {
  std::size_t line;
  std::string_view text;
  std::string_view message;
};

// Every bad input is one line in an otherwise good record, so that each message stands alone.
const std::vector<Bad> kBadRecords{
#include "bad_records.inc"
};

TEST(Record, EveryBadInputIsNamedWithItsPlaceAndWhatToDo) {
  const Record record;
  EXPECT_EQ(record.problems(good()), "");
  for (const Bad& bad : kBadRecords) {
    EXPECT_EQ(record.problems(record_with(bad.line, bad.text)), bad.message) << bad.text;
  }
  EXPECT_GE(kBadRecords.size(), 40U);
}

TEST(Record, TheProblemsOfBothFilesComeAtOnce) {
  const Record record;
  record.write("o.csv", table("Tool,2021,England,adopting_orgs,-5,homes,,primary,s,\n"
                              "Tool,2022,England,adopting_orgs,250,homes,,primary,s,\n"
                              "Tool,soon,England,adopting_orgs,1,homes,,primary,s,\n"));
  EXPECT_EQ(record.problems(record_with(2, "titel = \"x\"")),
            "h.toml:1:1: title is missing; add title = \"…\"\n"
            "h.toml:2:1: unknown key \"titel\"; did you mean \"title\"?\n"
            "o.csv:4:6: date = \"soon\" is no date; write 2021, 2021-03 or 2021-03-31\n"
            "o.csv:2: adopting_orgs = -5 is negative\n"
            "o.csv:3: adopting_orgs = 250 is above its denominator 200");
}

TEST(Record, AFileThatCannotBeReadIsReportedWithWhatElseIsWrong) {
  const Record record;
  const std::string no_table = record_with(3, "observations = \"no.csv\"");
  EXPECT_EQ(record.problems(no_table), "FileError no.csv: cannot be opened: No such file or directory");
  EXPECT_EQ(record.problems(no_table, {"seed=-1"}),
            "no.csv: cannot be opened: No such file or directory\n"
            "--set seed: seed = -1 is out of range (must be in [0, 9223372036854775807])");
  EXPECT_EQ(
      record.problems(record_with(9, "name = \"no.toml\"")),
      "h.toml:9:8: there is no programme file \"no.toml\"; write its path from this file, or the name of a shipped "
      "programme");
  EXPECT_TRUE(record.problems(record_with(1, "schema = ")).starts_with("h.toml:1:"));
}

// ---- What a record means ------------------------------------------------------------------------------------------

const ObservedSeries& only_series(const HistoricRecord& record) { return record.programmes.at(0).series.at(0); }

TEST(Record, RowsThatSeemMistypedAreNamedAndOthersAreNot) {
  const Record files;
  files.write("o.csv",
              table(fmt::format("{}{}", Record::kRows, R"~(Tol,2020-09,England,adopting_orgs,25,homes,home,primary,p,
Tool,2020-10,Englnd,adopting_orgs,26,homes,home,primary,p,
Tool,2020-11,England,adopting_org,27,homes,home,primary,p,
Tool,2020-12,Scotland,adopting_orgs,28,homes,home,primary,p,
Tool,2020-12,Eeast,adopting_orgs,,homes,home,primary,p,
)~")));
  const HistoricRecord record = files.load(good());
  std::vector<std::string> said;
  for (const Problem& doubt : record.doubtful)
    said.push_back(Problem{doubt.where.substr(doubt.where.rfind(':') + 1), doubt.what, doubt.suggestion}.text());
  EXPECT_EQ(
      said,
      (std::vector<std::string>{
          R"~(8: the row is not used: no series is of the programme "Tol"; did you mean "Tool"?)~",
          R"~(9: the row is not used: no series is of the region "Englnd"; did you mean "England"?)~",
          R"~(10: the row is not used: no series is of the measure "adopting_org"; did you mean "adopting_orgs"?)~"}));
  // A rule of the record explains a row: then it is meant.
  const std::string rule = "[[unused]]\nprogrammes = [\"Tol\"]\nreason = \"another tool\"";
  EXPECT_EQ(files.load(record_with(15, rule)).doubtful.size(), 2U);
}

TEST(Record, ASeriesTakesItsRowsInTimeAndSaysWhyOthersAreUnused) {
  const Record files;
  const HistoricRecord record = files.load(good());
  const HistoricProgramme& programme = record.programmes.at(0);
  EXPECT_EQ(programme.record, "Tool");
  EXPECT_EQ(programme.start, day(2020, 1, 1));
  EXPECT_EQ(programme.reporting.discrepancy, 0.15);
  EXPECT_EQ(programme.calibrated, (std::vector{Parameter::a0, Parameter::p}));
  const ObservedSeries& series = programme.series.at(0);
  EXPECT_EQ(series.counts, Measure::ever_adopted);
  EXPECT_EQ(series.unit, "homes");
  EXPECT_EQ(series.denominator, 200);
  EXPECT_EQ(series.model_region, "");
  ASSERT_EQ(series.points.size(), 2U);
  EXPECT_EQ(series.points[0].from, day(2020, 6, 30));  // a month's count is of its last day
  EXPECT_EQ(series.points[0].to, day(2020, 6, 30));
  EXPECT_EQ(series.points[1].from, day(2021, 1, 1));
  EXPECT_EQ(series.points[1].to, day(2021, 12, 31));
  EXPECT_EQ(series.points[1].note, "undated");
  std::map<std::string, std::string> why;
  for (const auto& [row, reason] : record.unused) why[row.where.substr(row.where.rfind(':') + 1)] = reason;
  EXPECT_EQ(why, (std::map<std::string, std::string>{{"4", "no series takes uptake_pct of East"},
                                                     {"5", "no series takes savings_gbp of England"},
                                                     {"6", "before the first day simulated, 2020-01-01"},
                                                     {"7", "the record names no such programme"}}));
}

TEST(Record, ALaterRowEntersItsSeriesByItself) {
  const Record files;
  const HistoricRecord before = files.load(record_with(15, "rounding = \"nearest\"\nstep = 10"));
  files.write("o.csv",
              table(Record::kRows) + "Tool,2023-03,England,adopting_orgs,120,homes,home,primary,a later page,\n");
  const HistoricRecord after = files.load(record_with(15, "rounding = \"nearest\"\nstep = 10"));
  ASSERT_EQ(only_series(after).points.size(), only_series(before).points.size() + 1);
  const ObservedPoint& last = only_series(after).points.back();
  EXPECT_EQ(last.value, 120);
  EXPECT_EQ(last.to, day(2023, 3, 31));
  EXPECT_EQ(last.rounding, Rounding::nearest);
  EXPECT_EQ(last.step, 10);
  EXPECT_EQ(last.use, Use::fit);
  EXPECT_EQ(last.source, "a later page");
  EXPECT_NE(after.digest, before.digest);
}

TEST(Record, ExceptionsChangeTheirRowAndNoOther) {
  const Record files;
  const HistoricRecord record = files.load(record_with(15, R"~(data_set = "own"
rows = [
  { date = "2021", value = 50, from = 2019-06-01, to = 2021-06-30, rounding = "at-least", step = 5, data_set = "theirs", use = "check" },
  { date = "2020-06", leave_out = "a trial" },
])~"));
  const ObservedSeries& series = only_series(record);
  ASSERT_EQ(series.points.size(), 1U);
  const ObservedPoint& point = series.points[0];
  EXPECT_EQ(point.from, day(2020, 1, 1)) << "a window begins with the simulation";
  EXPECT_EQ(point.to, day(2021, 6, 30));
  EXPECT_EQ(point.rounding, Rounding::at_least);
  EXPECT_EQ(point.step, 5);
  EXPECT_EQ(point.data_set, "theirs");
  EXPECT_EQ(point.use, Use::check);
  EXPECT_TRUE(std::ranges::any_of(record.unused, [](const auto& one) { return one.second == "a trial"; }));
}

TEST(Record, OtherRowsJoinASeriesOnItsOwnScale) {
  const Record files;
  files.write("o.csv", table("Tool,2020-06,England,adopting_orgs,20,homes,,primary,s,\n"
                             "Tool,2021-06,England,not_yet,30,homes,,primary,s,\n"
                             "Tool,2022-06,UK,share,60,% of homes,,ambiguous,s,\n"));
  const HistoricRecord record = files.load(record_with(15, R"~(plus = { value = 5, source = "S3" }
also = [
  { measure = "not_yet", complement = true, denominator = { value = 80, source = "S3" }, data_set = "asked" },
  { region = "UK", measure = "share", denominator = { value = 100, source = "S3" }, use = "check" },
])~"));
  const ObservedSeries& series = only_series(record);
  ASSERT_EQ(series.points.size(), 3U);
  EXPECT_DOUBLE_EQ(series.points[0].value, 25);
  EXPECT_DOUBLE_EQ(series.points[1].value, (80.0 - 30.0) / 80.0 * 200.0);
  EXPECT_EQ(series.points[1].data_set, "asked");
  EXPECT_DOUBLE_EQ(series.points[2].value, 0.6 * 200);
  EXPECT_EQ(series.points[2].use, Use::check);
  EXPECT_EQ(series.unit, "homes");
}

TEST(Record, ARegionIsMeantByAnyOfItsNames) {
  const Record record;
  // The rows say East; the series, an exception and a rule say it otherwise.
  const std::string series =
      "[[programme.series]]\nmeasure = \"uptake_pct\"\nregion = \"{0}\"\ncounts = \"ever_adopted\"\n"
      "rows = [{{ date = \"2021-03-15\", region = \"{0}\", use = \"check\" }}]\n"
      "[[unused]]\nregions = [\"{0}\"]\nreason = \"because\"\n";
  std::string digest;
  for (const std::string name : {"East", "E", "East of here"}) {
    const HistoricRecord read = record.load(record_with(15, fmt::format(fmt::runtime(series), name)));
    ASSERT_EQ(read.programmes[0].series.size(), 2U);
    EXPECT_EQ(read.programmes[0].series[1].model_region, "E");
    ASSERT_EQ(read.programmes[0].series[1].points.size(), 1U);
    EXPECT_EQ(read.programmes[0].series[1].points[0].use, Use::check);
    EXPECT_EQ(digest.empty() ? read.digest : digest, read.digest) << name;
    digest = read.digest;
  }
  EXPECT_EQ(record.problems(record_with(15, fmt::format(fmt::runtime(series), "West"))),
            "h.toml:17:10: no row of Tool has the region \"West\"\n"
            "h.toml:21:12: unused.regions names \"West\", which no row has");
}

TEST(Record, RowsOfAmbiguousQualityAreLooser) {
  const Record files;
  const HistoricRecord record = files.load(record_with(
      7,
      R"~(reporting = { discrepancy = { value = 0.1, source = "S3" }, level_shift = { value = 0.3, grade = "assumption" }, ambiguous = { value = 3, grade = "assumption" } })~"));
  EXPECT_EQ(record.programmes[0].reporting.discrepancy, 0.1);
  EXPECT_EQ(record.programmes[0].reporting.discrepancy_source, "S3");
  EXPECT_EQ(record.programmes[0].reporting.level_shift, 0.3);
  EXPECT_EQ(only_series(record).points[0].counting_factor, 1);
  EXPECT_EQ(only_series(record).points[1].counting_factor, 3);
}

TEST(Record, TheMiddleOfAYearIsOneDay) {
  const Record files;
  const HistoricRecord record = files.load(record_with(15, "year = \"middle\""));
  EXPECT_EQ(only_series(record).points[1].from, day(2021, 7, 2));
  EXPECT_EQ(only_series(record).points[1].to, day(2021, 7, 2));
}

TEST(Record, ParametersWithoutAPartAreDropped) {
  const Record files;
  const auto calibrated = [&](std::string_view changes, std::string_view list) {
    files.write("programmes/tool.toml", std::string(Record::kTool) + std::string(changes));
    const HistoricRecord record = files.load(record_with(6, fmt::format("calibrated = [{}]", list)));
    std::vector<std::string_view> keys;
    for (const Parameter id : record.programmes[0].calibrated) keys.push_back(spec(id).key);
    return keys;
  };
  using Keys = std::vector<std::string_view>;
  constexpr std::string_view kAll =
      R"~("engagement.a0", "engagement.a1", "bass.p", "policy.psi", "emergency.s_plus", "emergency.s_minus",
"facilitation.eta", "differences.susceptible_share", "uptake.gap_closed", "background.trend", "implementation.phi")~";
  EXPECT_EQ(calibrated("", kAll), (Keys{"engagement.a0", "bass.p", "implementation.phi"}))
      << "no effort, no mandate, no emergency, and all are susceptible";
  EXPECT_EQ(calibrated("engaged_at_start = true\ncovid = \"aligned\"\nskipped = [\"implementing\"]\n", kAll),
            (Keys{"bass.p", "emergency.s_plus"}));
  EXPECT_EQ(calibrated("covid = \"not-aligned\"\nmandates = [{ from = 2021-01-01, to = 2021-12-31, source = \"S3\" }]\n"
                       "[cost]\ndelivery_staff_days = { value = 10, unit = \"staff-days/year\", source = \"S3\" }\n"
                       "[differences]\nsusceptible_share = { value = 0.5, prior = \"Beta(2, 2)\", source = \"S3\" }\n",
                       kAll),
            (Keys{"engagement.a0", "engagement.a1", "bass.p", "facilitation.eta", "policy.psi", "emergency.s_minus",
                  "differences.susceptible_share", "implementation.phi"}));
}

TEST(Record, TheNearerPriorWins) {
  const Record files;
  const std::string text = record_with(15, R"~([programme.priors.bass]
q = { value = 0.2, unit = "1/year", prior = "LN(0.2, 0.3)", grade = "assumption" }
[priors.bass]
q = { value = 0.1, unit = "1/year", prior = "LN(0.1, 0.3)", grade = "assumption" }
p = { value = 0.7, unit = "1/year", prior = "LN(0.7, 0.3)", grade = "assumption" })~");
  const auto prior = [&](Parameter id, const std::vector<std::string>& overrides) {
    return setting(files.load(text, overrides).programmes[0], id).prior;
  };
  EXPECT_EQ(prior(Parameter::q, {}), (Prior{Family::lognormal, 0.2, 0.3}));
  EXPECT_EQ(prior(Parameter::p, {}), (Prior{Family::lognormal, 0.7, 0.3}));
  EXPECT_EQ(prior(Parameter::q, {"tool.bass.q=0.9 /year"}), (Prior{Family::fixed, 0.9, 0}));
  EXPECT_EQ(files.load(text, {"bass.p=1 /year"}).programmes[0].calibrated, (std::vector{Parameter::a0}));
  EXPECT_EQ(files.load(text, {"seed=7"}).seed, 7U);
}

TEST(Record, TheDigestFollowsWhatDecidesACalibrationAndNothingElse) {
  const Record files;
  const std::string digest = files.load(good()).digest;
  EXPECT_EQ(digest.size(), 16U);
  EXPECT_EQ(files.load(record_with(2, "title = \"Another\"")).digest, digest);
  EXPECT_EQ(files.load(record_with(15, "note = \"Another\"")).digest, digest);
  for (const auto& [line, text] : std::vector<std::pair<std::size_t, std::string>>{
           {5, "seed = 2"},
           {6, "calibrated = [\"bass.p\"]"},
           {14, "use = \"check\""},
           {15, "denominator = { value = 201, source = \"S3\" }"},
           {15, "data_set = \"another\""},
           {15, "year = \"middle\""},
           {15,
            "[priors.bass]\np = { value = 1, unit = \"1/year\", prior = \"LN(1, 0.2)\", grade = \"assumption\" }"}}) {
    EXPECT_NE(files.load(record_with(line, text)).digest, digest) << text;
  }
  std::string rows(Record::kRows);
  files.write("o.csv", table(rows.replace(rows.find("a page,undated"), 14, "b,c           ")));
  EXPECT_EQ(files.load(good()).digest, digest) << "neither sources nor notes";
  rows = Record::kRows;
  files.write("o.csv", table(rows.replace(rows.find("savings_gbp,1000"), 16, "savings_gbp,2000")));
  EXPECT_EQ(files.load(good()).digest, digest) << "nor rows that are not used";
  rows = Record::kRows;
  files.write("o.csv", table(rows.replace(rows.find("adopting_orgs,20"), 16, "adopting_orgs,21")));
  EXPECT_NE(files.load(good()).digest, digest);
}

TEST(Record, WhatThingsAreWorthAndCostDecidesNoCalibration) {
  ProgrammeSpec programme = ProgrammeSpec::with_table_defaults("a", OrganisationType::care_home);
  const std::string without = programme_text(programme, Money::left_out), with = programme_text(programme);
  programme.fix(Parameter::value_per_event, 5);
  programme.fix(Parameter::staff_day_price, 5);
  EXPECT_EQ(programme_text(programme, Money::left_out), without);
  EXPECT_NE(programme_text(programme), with);
  programme.fix(Parameter::delivery_staff_days, 5);
  EXPECT_NE(programme_text(programme, Money::left_out), without) << "effort is no money";
}

TEST(Record, IsNotTakenForAScenario) {
  const Record files;
  const fs::path file = files.write("h.toml", good());
  EXPECT_TRUE(is_record(file));
  EXPECT_FALSE(is_record(kShipped / "care-homes.toml"));
  EXPECT_FALSE(is_record(files.path() / "nowhere.toml"));
  EXPECT_FALSE(is_record(files.write("broken.toml", "observations = ")));
  try {
    (void)load_scenario(file, {}, files.path());
    FAIL() << "a record is no scenario";
  } catch (const InputError& error) {
    EXPECT_EQ(error.problems().size(), 1U);
    EXPECT_NE(std::string(error.what()).find("is a record of past programmes"), std::string::npos);
  }
}

TEST(Record, CovariatesSayWhatKindOfProgrammeItIs) {
  ASSERT_EQ(covariate_names().size(), 8U);
  const auto of = [](const ProgrammeSpec& spec) {
    std::set<std::string_view> names;
    const std::vector<double> values = covariates_of(spec);
    EXPECT_EQ(values.size(), covariate_names().size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_TRUE(values[i] == 0 || values[i] == 1);
      if (values[i] == 1) names.insert(covariate_names()[i]);
    }
    return names;
  };
  using Names = std::set<std::string_view>;
  const auto shipped = [&](const char* name) { return of(load_programme(kShipped / "programmes" / name)); };
  EXPECT_EQ(of(ProgrammeSpec::with_table_defaults("x", OrganisationType::acute_trust)), Names{});
  EXPECT_EQ(shipped("care-home-deterioration.toml"), (Names{"home", "evidence"}));
  EXPECT_EQ(shipped("pincer.toml"), (Names{"practice", "evidence"}));
  EXPECT_EQ(shipped("plgf-testing.toml"), (Names{"mandate", "evidence", "device"}));
  EXPECT_EQ(shipped("virtual-wards.toml"), (Names{"incentive", "evidence"}));
  EXPECT_EQ(shipped("focus-adhd.toml"), (Names{"evidence", "digital"}));
  EXPECT_EQ(shipped("inclisiran.toml").count("drug"), 1U);
  const std::vector<Parameter> pooled(pooled_parameters().begin(), pooled_parameters().end());
  EXPECT_EQ(pooled, (std::vector{Parameter::p, Parameter::q, Parameter::susceptible_share, Parameter::phi,
                                 Parameter::tau, Parameter::mu1, Parameter::mu2}));
}

// ---- The shipped record -------------------------------------------------------------------------------------------

const HistoricRecord& shipped() {
  static const HistoricRecord record = load_record(kShipped / "history.toml", {}, kShipped);
  return record;
}

const HistoricProgramme& shipped(std::string_view name) {
  const auto at = std::ranges::find(shipped().programmes, name,
                                    [](const HistoricProgramme& programme) { return programme.spec.name; });
  EXPECT_NE(at, shipped().programmes.end()) << name;
  return *at;
}

TEST(ShippedRecord, EveryRowIsAPointOrHasAReason) {
  const std::size_t n_rows = read_observations(shipped().table).size();
  EXPECT_EQ(n_rows, 330U);
  std::set<std::string> seen;
  std::array<std::size_t, kUseNames.size()> n_points{};
  for (const HistoricProgramme& programme : shipped().programmes) {
    EXPECT_FALSE(programme.calibrated.empty()) << programme.record;
    for (const ObservedSeries& series : programme.series) {
      EXPECT_FALSE(series.points.empty()) << programme.record << " " << series.measure;
      for (const ObservedPoint& point : series.points) {
        EXPECT_TRUE(seen.insert(point.where).second) << point.where;
        EXPECT_GE(point.value, 0);
        EXPECT_LE(point.value, series.denominator);
        EXPECT_LE(point.from, point.to);
        EXPECT_GE(point.from, programme.start);
        ++n_points[static_cast<std::size_t>(point.use)];
      }
    }
  }
  for (const auto& [row, why] : shipped().unused) {
    EXPECT_TRUE(seen.insert(row.where).second) << row.where;
    EXPECT_FALSE(why.starts_with("no series takes") || why.starts_with("the record names no")) << row.where << why;
  }
  EXPECT_EQ(seen.size(), n_rows);
  EXPECT_EQ(shipped().programmes.size(), 17U);
  EXPECT_EQ(n_points, (std::array<std::size_t, 2>{44, 6}));
  EXPECT_EQ(shipped().unused.size(), 280U);
  EXPECT_TRUE(shipped().doubtful.empty());
}

/// `date value use` of a series of England.
std::vector<std::string> points_of(const HistoricProgramme& programme, Measure counts) {
  std::vector<std::string> texts;
  for (const ObservedSeries& series : programme.series) {
    if (series.counts != counts || !series.model_region.empty()) continue;
    for (const ObservedPoint& point : series.points) {
      texts.push_back(
          fmt::format("{} {:.6g} {}", iso(point.to), point.value, kUseNames[static_cast<std::size_t>(point.use)]));
    }
  }
  return texts;
}

TEST(ShippedRecord, HoldsTheTargetsThatAreFittedToAndHoldsOutTheOthers) {
  using Points = std::vector<std::string>;
  EXPECT_EQ(points_of(shipped("pincer"), Measure::ever_adopted),
            (Points{"2019-03-31 628 fit", "2019-04-30 700 fit", "2020-02-29 2264 fit", "2020-12-31 2688 fit",
                    "2021-06-30 2800 fit"}));
  EXPECT_EQ(points_of(shipped("pincer"), Measure::engaged), (Points{"2020-02-29 4318 fit"}));
  EXPECT_EQ(points_of(shipped("focus-adhd"), Measure::ever_adopted),
            (Points{"2021-03-31 46 fit", "2021-09-30 51 fit", "2022-03-31 59 fit"}));
  EXPECT_EQ(points_of(shipped("precept"), Measure::implementing_ever), (Points{"2020-03-31 152 fit"}));
  EXPECT_EQ(points_of(shipped("precept"), Measure::uptake_share).size(), 8U);
  EXPECT_EQ(points_of(shipped("care-home-deterioration"), Measure::engaged),
            (Points{"2022-12-31 10930 fit", "2023-03-31 11621 check"}));
  EXPECT_EQ(points_of(shipped("care-home-deterioration"), Measure::sustained_adopters),
            (Points{"2022-12-31 1582 fit"}));
  EXPECT_EQ(points_of(shipped("escape-pain"), Measure::adopters),
            (Points{"2018-12-31 110 fit", "2019-10-31 230 fit", "2020-03-31 280 fit", "2021-04-30 300 fit"}));
  EXPECT_EQ(points_of(shipped("tcam"), Measure::ever_adopted), (Points{"2021-06-30 61 fit", "2022-07-31 73.4694 fit"}));
  EXPECT_EQ(points_of(shipped("virtual-wards"), Measure::capacity_beds),
            (Points{"2022-05-31 4485 fit", "2023-08-31 7653 fit", "2023-09-30 10421 fit"}));

  const ObservedPoint& last = shipped("pincer").series.at(0).points.back();
  EXPECT_EQ(last.rounding, Rounding::at_least);
  EXPECT_EQ(last.step, 100);
  const std::vector<ObservedPoint>& magnesium = shipped("precept").series.at(0).points;
  EXPECT_EQ(magnesium.front().data_set, "NNRD, England") << "the shifts are from the first point's data set";
  EXPECT_EQ(std::ranges::count(magnesium, "NNAP, England and Wales", &ObservedPoint::data_set), 2);
  // Three figures of one page have the same days.
  for (const ObservedSeries& series : shipped("care-home-deterioration").series) {
    if (!series.model_region.empty()) continue;
    EXPECT_EQ(series.points[0].from, day(2022, 4, 1));
    EXPECT_EQ(series.points[0].to, day(2022, 12, 31));
  }
}

TEST(ShippedRecord, PriorsKnowNoLaterDate) {
  for (const HistoricProgramme& programme : shipped().programmes) {
    SCOPED_TRACE(programme.record);
    EXPECT_EQ(setting(programme, Parameter::p).prior, (Prior{Family::lognormal, 0.4, 1.0}));
    EXPECT_EQ(setting(programme, Parameter::a0).prior, (Prior{Family::lognormal, 0.4, 0.8}));
    EXPECT_EQ(setting(programme, Parameter::a1).prior, (Prior{Family::lognormal, 0.6, 0.8}));
    EXPECT_EQ(setting(programme, Parameter::eta).prior, (Prior{Family::lognormal, 1.7, 0.4}));
    EXPECT_EQ(setting(programme, Parameter::susceptible_share).prior, (Prior{Family::beta, 4, 2}));
    // What a file fixes because all, or nearly all, adopted.
    EXPECT_NE(setting(programme, Parameter::phi).prior.family, Family::fixed);
    EXPECT_NE(setting(programme, Parameter::tau).prior.family, Family::fixed);
    for (const ObservedSeries& series : programme.series) {
      if (series.counts != Measure::uptake_share) continue;
      EXPECT_EQ(setting(programme, Parameter::background_trend).prior, (Prior{Family::half_normal, 0.3, 0}));
      EXPECT_EQ(setting(programme, Parameter::gap_closed).prior, (Prior{Family::beta, 2, 2}));
      EXPECT_EQ(setting(programme, Parameter::uptake_ceiling).prior, (Prior{Family::uniform, 0.85, 1}));
      EXPECT_NE(setting(programme, Parameter::uptake_start).prior.family, Family::fixed);
    }
  }
  EXPECT_EQ(setting(shipped("precept"), Parameter::phi).prior, (Prior{Family::beta, 8, 2}));
  // A state published before the start stays as it is.
  EXPECT_EQ(setting(shipped("pincer"), Parameter::start_in_use).prior.family, Family::fixed);
  EXPECT_EQ(setting(shipped("escape-pain"), Parameter::start_in_use).value, 0.034);
}

TEST(ShippedRecord, TheExampleOfTheDocumentationLoads) {
  const std::string text = text_of(fs::path(UPTAKE_SOURCE_FOLDER) / "docs/history-format.md");
  const auto from = text.find("```toml\n"), to = text.find("```\n", from + 1);
  ASSERT_NE(to, std::string::npos);
  const TestFolder folder;
  fs::create_directories(folder.path() / "history");
  fs::copy(kShipped / "history/observations.csv", folder.path() / "history");
  std::ofstream(folder.path() / "h.toml") << text.substr(from + 8, to - from - 8);
  const HistoricRecord record = load_record(folder.path() / "h.toml", {}, kShipped);
  EXPECT_EQ(record.programmes.at(0).series.at(0).points.size(), 1U);
  for (const std::string_view name : kMeasureNames)
    EXPECT_NE(text.find(fmt::format("| `{}` |", name)), std::string::npos);
}

}  // namespace
}  // namespace uptake
