// Words that every text shares: places within a sentence, and counts of one.
#include "wording.hpp"

#include <gtest/gtest.h>

#include "finding.hpp"
#include "page.hpp"

namespace uptake {
namespace {

TEST(Wording, APlaceHasItsArticleWithinASentence) {
  for (const char* name : {"East Midlands", "West Midlands", "North West Coast", "North East and North Cumbria", "East",
                           "West of England", "South West", "North", "Midlands"})
    EXPECT_EQ(in_sentence(name), std::string("the ") + name);
  for (const char* name : {"England", "Yorkshire and Humber", "Manchester", "Wessex", "Kent, Surrey and Sussex",
                           "Oxford and Thames Valley", "South London", "West Yorkshire", "North and West Yorkshire",
                           "Easton", "Northumbria"})
    EXPECT_EQ(in_sentence(name), name);
  for (const char* name : {"UCLPartners", "Imperial College Health Partners", "Health Innovation Network South London"})
    EXPECT_EQ(in_sentence(name), std::string("the area of ") + name);
}

TEST(Wording, OneIsSaidInTheSingular) {
  EXPECT_EQ(plural(0, "world"), "0 worlds");
  EXPECT_EQ(plural(1, "world"), "1 world");
  EXPECT_EQ(plural(1200, "world"), "1,200 worlds");
  EXPECT_EQ(chance_text(0, 1), "no world (of one)");
  EXPECT_EQ(chance_text(1, 1), "the one world");
  EXPECT_EQ(chance_text(0, 2), "none of 2 worlds");
  EXPECT_EQ(chance_text(0.5, 2), "50 %");
}

}  // namespace
}  // namespace uptake
