#include "uptake/sources.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "folder.hpp"

namespace uptake {
namespace {

namespace fs = std::filesystem;

Sources of(const TestFolder& folder, std::string_view text) {
  const fs::path file = folder.path() / "s.bib";
  std::ofstream(file, std::ios::binary) << text;
  return Sources(file);
}

TEST(Sources, AKeyIsSaidInTheWordsOfWhoPublishedIt) {
  const TestFolder folder;
  const Sources sources = of(folder, R"(% a comment with an address: a@b.c
@misc{S1,
  url = {https://www.a.org/x?y=1},
  note = {41 \% of {all}, by date},
}
@misc{ O-b , note = {The Network, ten years: GBP 165 million} }
@misc{S3}
)");
  EXPECT_EQ(sources.in_words("S1"), "a.org (S1)");
  EXPECT_EQ(sources.in_words("S1: 8.2 per 1,000"), "a.org (S1): 8.2 per 1,000");
  EXPECT_EQ(sources.in_words("O-b"), "The Network, ten years (O-b)");
  for (const char* as_it_is : {"", "S3", "S2", "S1, O-b", "AHSN Network impact report 2022-23", ": S1"})
    EXPECT_EQ(sources.in_words(as_it_is), as_it_is);
  std::map<std::string, const Source*> cited;
  sources.cite("S11, (O-b); S1: as S2", cited);
  sources.cite("S1 again", cited);
  ASSERT_EQ(cited.size(), 2U);
  EXPECT_EQ(cited.at("S1")->note, "41 % of all, by date");
  EXPECT_EQ(cited.at("S1")->url, "https://www.a.org/x?y=1");
}

// Mutant rejected: taking every word of that form for a citation, which refuses a supplement's "Table S3".
TEST(Sources, ACodeThatNoEntryHasIsToldFromWordsOfOnesOwn) {
  const TestFolder folder;
  const Sources sources = of(folder, "@misc{S1, note = {one}}@misc{S99a, note = {two}}@misc{O-pincer, note = {three}}");
  const auto unknown = [&](std::string_view text) { return sources.unknown(text); };
  using Codes = std::vector<std::string>;
  for (const char* fine :
       {"", "S1", "S1, S99a and O-pincer: 12 of 30", "Smith 2020", "a simple tool", "Table S3 of Smith 2020",
        "J Med 2020;43(Suppl 1):S14-S31", "J Med 2020;43:S140", "s77", "S", "Sx", "SARS-2", "O", "O-", "O-Connor 2019",
        "https://example.org/S9/O-x", "that of trusts (S1), as O-there"})
    EXPECT_EQ(unknown(fine), Codes{}) << fine;
  EXPECT_EQ(unknown("S999"), Codes{"S999"});
  EXPECT_EQ(unknown("S99b: 41 %"), Codes{"S99b"});
  EXPECT_EQ(unknown("O-nothing"), Codes{"O-nothing"});
  EXPECT_EQ(unknown("S1, S2 and S3; O-pincers/S1"), (Codes{"S2", "S3", "O-pincers"}));
  EXPECT_EQ(unknown("that of trusts (S7; O-x), as there"), (Codes{"S7", "O-x"}));
  EXPECT_EQ(sources.nearest("S99"), "S99a");
  EXPECT_EQ(sources.nearest("O-pinser"), "O-pincer");
  EXPECT_EQ(sources.nearest("O-something-else-altogether"), "");
  EXPECT_EQ(Sources(folder.path() / "none.bib").unknown("S999"), Codes{}) << "where no list is, nothing is unknown";
}

TEST(Sources, WhatIsNoListOfThemSaysNothing) {
  const TestFolder folder;
  EXPECT_EQ(Sources(folder.path() / "none.bib").in_words("S1"), "S1");
  for (const char* text :
       {"", "@", "@misc", "@misc{", "@misc{S1", "@misc{S1, note", "@misc{S1, note = {open", "@misc{S1, note = {a\\",
        "@misc{}", "@{S1}", "@misc{S1, = {x}, note = \"y\"}", "}}}{{{@misc{{"})
    EXPECT_EQ(of(folder, text).in_words("S1"), "S1") << text;
}

TEST(Sources, EveryShippedOneHasWords) {
  const fs::path file = fs::path(UPTAKE_SOURCE_FOLDER) / "scenarios" / "sources.bib";
  std::ifstream stream(file);
  const Sources sources(file);
  std::size_t n = 0;
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with("@misc{")) continue;
    const std::string key = line.substr(6, line.find(',') - 6);
    EXPECT_TRUE(sources.in_words(key).ends_with(" (" + key + ")")) << key;
    ++n;
  }
  EXPECT_GT(n, 150U);
}

}  // namespace
}  // namespace uptake
