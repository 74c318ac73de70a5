#include "reading/csv.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace uptake {
namespace {

constexpr std::array kColumns{CsvColumn{"code"}, CsvColumn{"size"}, CsvColumn{"note", Presence::optional}};
constexpr NumberRange kPositive{.low = 0, .low_end = NumberRange::Low::excluded};

/// A table in a folder of its own, removed afterwards.
class Csv : public testing::Test {
 protected:
  Csv() : folder_(std::filesystem::path(testing::TempDir()) / ("csv_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~Csv() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& text) {
    std::filesystem::path file = folder_ / "table.csv";
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }
  /// Every row as code|size|note, and the problems with the folder's path taken off.
  std::vector<std::string> read(const std::string& text, OtherColumns other = OtherColumns::ignored) {
    std::vector<Problem> problems;
    CsvReader rows(write(text), kColumns, other, problems);
    std::vector<std::string> read_rows;
    while (rows.next()) {
      const auto size = rows.required_number(1, kPositive);
      read_rows.push_back(std::string(rows.text(0)) + "|" + (size ? std::to_string(static_cast<int>(*size)) : "-") +
                          "|" + std::string(rows.text(2)));
    }
    problems_.clear();
    for (const Problem& problem : problems) {
      EXPECT_TRUE(problem.where.starts_with(folder_.string()));
      problems_.push_back(problem.text().substr(folder_.string().size() + 1));
    }
    return read_rows;
  }

  std::filesystem::path folder_;
  std::vector<std::string> problems_;
};

using Lines = std::vector<std::string>;

TEST_F(Csv, ReadsColumnsInAnyOrderAndLeavesOutOthers) {
  EXPECT_EQ(read("other,size,code\nx,3,a\ny,4,b\n"), (Lines{"a|3|", "b|4|"}));
  EXPECT_EQ(problems_, Lines{});
}

TEST_F(Csv, TakesByteOrderMarkEveryLineEndAndNoLineEndAtAll) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    EXPECT_EQ(read(fmt::format("\xEF\xBB\xBF"
                               "code,size{0}a,3{0}{0}b,4",
                               end)),
              (Lines{"a|3|", "b|4|"}));
    EXPECT_EQ(problems_, Lines{});
  }
}

TEST_F(Csv, TakesCommasQuotesAndLineEndsInsideQuotedFields) {
  EXPECT_EQ(read("code,size,note\n\"King's Lynn, The\",3,\"say \"\"ah\"\"\nand wait\"\nb,4,\n"),
            (Lines{"King's Lynn, The|3|say \"ah\"\nand wait", "b|4|"}));
  EXPECT_EQ(problems_, Lines{});
}

TEST_F(Csv, CountsLinesAndCharactersToTheFieldThatIsWrong) {
  read("code,size,note\r\n\r\n\"a\nb,\",3,\r\n\xC3\xA9t\xC3\xA9,-1,\r\nc,many,\r\nd,nan,\r\ne,,\r\n");
  EXPECT_EQ(problems_, (Lines{
                           "table.csv:5:5: size = -1 is out of range (must be above 0)",
                           "table.csv:6:3: size = \"many\" is not a number",
                           "table.csv:7:3: size = nan is not a finite number; leave the field empty if it is unknown",
                           "table.csv:8:3: size is empty",
                       }));
  read("note,code,size\n\"two\nlines, or \",a,0\n");
  EXPECT_EQ(problems_, Lines{"table.csv:3:15: size = 0 is out of range (must be above 0)"});
}

TEST_F(Csv, LeavesOutMalformedRowsAndGoesOn) {
  EXPECT_EQ(read("code,size\na,3,4\nb\nc,\x80"
                 "5\nd\"d,6\ne,7\n\"f,8\n"),
            (Lines{"e|7|"}));
  EXPECT_EQ(
      problems_,
      (Lines{
          "table.csv:2:1: the row has 3 fields where the header has 2",
          "table.csv:3:1: the row has 1 fields where the header has 2",
          "table.csv:4:3: byte 0x80 is not UTF-8; save the table as UTF-8",
          // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one long text
          "table.csv:5:1: a quote stands inside a field that is not quoted, or after the end of one that is; write "
          "the field in quotes and double the quotes in it",
          "table.csv:7:1: a quoted field of this row is not closed before the end of the file",
      }));
}

TEST_F(Csv, RefusesOverlongSurrogateAndTruncatedUtf8AndTakesTheRest) {
  for (const std::string bad : {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\xFF"}) {
    EXPECT_EQ(read("code,size\n" + bad + ",1\n"), Lines{});
    EXPECT_EQ(problems_.size(), 1U);
  }
  for (const std::string good : {"\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF", "\xE2\x82\xAC"})
    EXPECT_EQ(read("code,size\n" + good + ",1\n").size(), 1U);
}

TEST_F(Csv, SaysWhichColumnsAreMissingTwiceThereOrUnknown) {
  EXPECT_EQ(read("code,siz\na,3\n"), Lines{});
  EXPECT_EQ(problems_, Lines{"table.csv:1:1: column \"size\" is missing; is it the one called \"siz\"?"});
  read("code,size,code\na,3,b\n");
  EXPECT_EQ(problems_, Lines{"table.csv:1:11: column \"code\" is there twice"});
  read("code,size,nota,colour\na,3,b,c\n", OtherColumns::refused);
  EXPECT_EQ(problems_, (Lines{"table.csv:1:11: unknown column \"nota\"; did you mean \"note\"?",
                              "table.csv:1:16: unknown column \"colour\""}));
}

TEST_F(Csv, SaysWhatSeparatesTheColumnsWhereItIsNotTheComma) {
  read("code;size;note\na;3;b\n", OtherColumns::refused);
  EXPECT_EQ(problems_, Lines{"table.csv:1:1: the columns are separated by \";\", not by commas; save the table as CSV "
                             "with the comma as separator"});
  read("code\tsize\na\t3\n");
  EXPECT_EQ(problems_, Lines{"table.csv:1:1: the columns are separated by tabs, not by commas; save the table as CSV "
                             "with the comma as separator"});
}

TEST_F(Csv, SaysThatATableIsEmptyAFolderOrNotThere) {
  for (const std::string text : {"", "\n\n", "\xEF\xBB\xBF"}) {
    EXPECT_EQ(read(text), Lines{});
    EXPECT_EQ(problems_,
              Lines{"table.csv:1:1: the table is empty; its first line must name the columns: code, size, note"});
  }
  EXPECT_EQ(read("code,size\n"), Lines{});
  EXPECT_EQ(problems_, Lines{});
  std::vector<Problem> problems;
  const auto message = [&](const std::filesystem::path& file) -> std::string {
    try {
      const CsvReader rows(file, kColumns, OtherColumns::ignored, problems);
    } catch (const FileError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message(folder_), folder_.string() + ": is a folder, not a table; name a CSV file");
  EXPECT_EQ(message(folder_ / "none.csv"),
            (folder_ / "none.csv").string() + ": cannot be opened: No such file or directory");
}

TEST_F(Csv, ReadsRowsWithoutAHeaderByPlaceAndTakesShortOnes) {
  constexpr std::array kFields{CsvField{"code", 0}, CsvField{"beds", 2}, CsvField{"setting", 3}};
  std::vector<Problem> problems;
  CsvReader rows(write("\"A\",x,3,4\nB,y,5\nC,y\nD,y,no,\n"), kFields, CsvFieldCount{3, 4}, problems);
  std::vector<std::string> found;
  while (rows.next()) {
    const auto beds = rows.number(1, kPositive);
    found.push_back(std::string(rows.text(0)) + (beds ? std::to_string(static_cast<int>(*beds)) : "-") +
                    std::string(rows.text(2)));
  }
  EXPECT_EQ(found, (Lines{"A34", "B5", "D-"}));
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_TRUE(problems[0].text().ends_with("table.csv:3:1: the row has 2 fields where 3 to 4 are expected"));
  EXPECT_TRUE(problems[1].text().ends_with("table.csv:4:5: beds = \"no\" is not a number"));

  problems.clear();
  CsvReader none(write(""), kFields, CsvFieldCount{4, 4}, problems);
  EXPECT_FALSE(none.next());
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_TRUE(problems[0].text().ends_with("table.csv:1:1: the table is empty"));
}

TEST_F(Csv, SaysWhichOptionalColumnsTheHeaderHas) {
  std::vector<Problem> problems;
  constexpr std::array kOptional{CsvColumn{"a", Presence::optional}, CsvColumn{"b", Presence::optional}};
  CsvReader rows(write("b,c\n1,2\n"), kOptional, OtherColumns::ignored, problems);
  EXPECT_FALSE(rows.has(0));
  EXPECT_TRUE(rows.has(1));
  rows.require(1);
  EXPECT_TRUE(problems.empty());
  rows.require(0);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_TRUE(problems[0].text().ends_with("table.csv:1:1: column \"a\" is missing"));
}

TEST_F(Csv, SaysWhatAFileIsThatIsNoCsv) {
  using namespace std::string_literals;
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {"PK\x03\x04\x14\0\0\0\n\xFF\xFF"s, "a zip archive or a workbook (.ods, .xlsx)"},
           {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"s, "a workbook (.xls)"},
           {"\x1F\x8B\x08"s, "compressed (gzip)"},
           {"<!DOCTYPE html>\n<p>Not found</p>\n"s, "a web page or XML"},
           {"\xFF\xFE"
            "c\0o\0"s,
            "text in UTF-16"}}) {
    EXPECT_EQ(read(text), Lines{});
    ASSERT_EQ(problems_.size(), 1U);
    EXPECT_TRUE(problems_[0].starts_with("table.csv:1:1: the file is " + what + ", not CSV; ")) << problems_[0];
  }
  EXPECT_EQ(read("code,size\na\0,3\n"s), Lines{});
  EXPECT_EQ(problems_, Lines{"table.csv:2:2: byte 0x00 is not text; save the table as UTF-8"});
}

TEST_F(Csv, GivesUpOnRowsBeyondAnyTable) {
  const std::string limit((std::size_t{1} << 20) + 1, 'x');
  for (const std::string& text : {"code,size\n" + limit, "code,size\n\"" + limit + "\",1\na,1\n", limit}) {
    EXPECT_EQ(read(text), Lines{});
    ASSERT_EQ(problems_.size(), 1U);
    EXPECT_NE(problems_[0].find(":1: the row is longer than 1 MiB; is a quote left open, or is this no CSV table?"),
              std::string::npos);
  }
  // A quote that nobody closes swallows the rest of the file, line by line.
  std::string lines = "code,size\n\"a,1\n";
  while (lines.size() < limit.size() + 100) lines += "b,2\n";
  EXPECT_EQ(read(lines), Lines{});
  ASSERT_EQ(problems_.size(), 1U);
  EXPECT_NE(problems_[0].find("the row is longer than 1 MiB"), std::string::npos);

  const std::string commas(1'000'000, ',');
  for (const OtherColumns other : {OtherColumns::ignored, OtherColumns::refused}) {
    EXPECT_EQ(read("code,size" + commas + "\n", other), Lines{});
    EXPECT_EQ(problems_,
              Lines{"table.csv:1:1: the row has 1,000,002 fields, 16,384 are possible; is the comma the separator?"});
  }
  EXPECT_EQ(read("code,size\na,1\na,1" + commas + "\nb,2\n"), Lines{"a|1|"});
}

TEST_F(Csv, StopsAfterAHundredProblems) {
  std::string text = "code,size\n";
  for (int i = 0; i < 1000; ++i) text += "a\n";
  EXPECT_EQ(read(text), Lines{});
  ASSERT_EQ(problems_.size(), 101U);
  EXPECT_EQ(problems_.back(), "table.csv: 100 problems, the rest of the table is not read");
}

TEST_F(Csv, SuggestsTheNearestName) {
  constexpr std::array<std::string_view, 2> kNames{"care-home", "practice"};
  std::vector<Problem> problems;
  CsvReader rows(write("code,size\ncare-hom,1\nhospital,1\npractice,1\n"), kColumns, OtherColumns::ignored, problems);
  ASSERT_TRUE(rows.next());
  EXPECT_FALSE(rows.one_of(0, kNames, "type"));
  ASSERT_TRUE(rows.next());
  EXPECT_FALSE(rows.one_of(0, kNames, "type"));
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.line(), 4);
  EXPECT_EQ(rows.one_of(0, kNames, "type"), 1U);
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_TRUE(problems[0].text().ends_with("table.csv:2:1: unknown type \"care-hom\"; did you mean \"care-home\"?"));
  EXPECT_TRUE(problems[1].text().ends_with("table.csv:3:1: unknown type \"hospital\""));
}

}  // namespace
}  // namespace uptake
