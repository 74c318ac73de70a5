#include "sources.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>

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
