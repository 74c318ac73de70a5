#include "population/regions.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "folder.hpp"
#include "uptake/model.hpp"
#include "uptake/scenario.hpp"

namespace uptake {
namespace {

namespace fs = std::filesystem;

const fs::path kShipped = fs::path(UPTAKE_SOURCE_FOLDER) / "scenarios";

TEST(Regions, OfEnglandGoByNameShortNameCodeAndTheNameThatPagesShow) {
  const std::vector<Region> england = regions_of_tables(kShipped / "england");
  ASSERT_EQ(england.size(), 15U);
  for (const std::string_view name :
       {"Health Innovation North East and North Cumbria", "NENC", "North East and North Cumbria"})
    EXPECT_EQ(find_region(england, name), 0U) << name;
  for (const std::string_view name : {"Health Innovation Manchester", "MCR", "HInM", "Manchester"})
    EXPECT_EQ(find_region(england, name), 3U) << name;
  for (const std::string_view name : {"UCLPartners", "UCLP"}) EXPECT_EQ(find_region(england, name), 7U) << name;
  // No two names of any kind are the same, so that none is guessed.
  for (std::size_t r = 0; r < england.size(); ++r)
    for (const std::string& name : {england[r].name, england[r].short_name, england[r].code})
      EXPECT_EQ(find_region(england, name), r) << name;
  for (const std::string_view name : {"", "England", "nenc", "Health Innovation", "Sooth West", "Midlands"})
    EXPECT_EQ(find_region(england, name), std::nullopt) << name;
}

TEST(Regions, WhatATableStatesGoesBeforeWhatIsLeftOutOfAName) {
  const std::vector<Region> regions{{"A", "Health Innovation West", "A"}, {"B", "West", "B"}};
  EXPECT_EQ(find_region(regions, "West"), 1U);
  EXPECT_EQ(find_region({regions.data(), 1}, "West"), 0U);
  EXPECT_TRUE(same_region(regions, "West", "B"));
  EXPECT_FALSE(same_region(regions, "West", "A"));
  EXPECT_TRUE(same_region(regions, "Wales", "Wales")) << "the same, whatever it is";
}

TEST(Regions, AMisspeltNameIsToldTheNearestOrAll) {
  const std::vector<Region> england = regions_of_tables(kShipped / "england");
  EXPECT_EQ(known_regions(england, "Sooth West"), "did you mean \"South West\"?");
  EXPECT_EQ(known_regions(england, "nenc"), "did you mean \"NENC\"?");
  EXPECT_EQ(known_regions(england, "Kent, Surrey & Sussex"), "did you mean \"Kent, Surrey and Sussex\"?");
  EXPECT_EQ(known_regions(england, "Atlantis"),
            "known are NENC, YHAHSN, NWC, HInM, EMAHSN, WMAHSN, EAST, UCLP, ICHP, HIN, KSS, Wessex, Oxford, WEAHSN, "
            "SWAHSN");
  EXPECT_EQ(known_regions(england, "Egland", {&kEngland, 1}), "did you mean \"England\"?");
  EXPECT_EQ(known_regions(synthetic_regions(21), "Atlantis"), "");
}

TEST(Regions, OfTablesWithoutNamesAreTheirCodesAndBrokenTablesSayNothing) {
  const TestFolder folder;
  const auto write = [&](const char* name, std::string_view text) {
    std::ofstream(folder.path() / name, std::ios::binary) << text;
  };
  EXPECT_TRUE(regions_of_tables(folder.path()).empty());
  write("organisations.csv", "code,region\nA,N\nB,S\nC,N\n");
  std::vector<Region> regions = regions_of_tables(folder.path());
  ASSERT_EQ(regions.size(), 2U);
  EXPECT_EQ(regions[0].code + regions[1].name + regions[1].short_name, "NSS");
  write("regions.csv", "code,name\nS,The South\n");
  regions = regions_of_tables(folder.path());
  ASSERT_EQ(regions.size(), 2U);
  EXPECT_EQ(regions[0].name + regions[0].short_name + regions[1].code, "The SouthThe SouthN");
  write("regions.csv", "title\nS\n");
  EXPECT_TRUE(regions_of_tables(folder.path()).empty());
}

TEST(Regions, ALeverMeansTheSameUnderEveryNameOfItsRegion) {
  std::shared_ptr<const Population> who;
  const auto delivered = [&](const std::string& name) {
    const std::string lever =
        "strategy=[{ name = \"as-delivered\", lever = [{ kind = \"facilitation\", factor = 2, regions = [\"" + name +
        "\"] }] }]";
    Scenario scenario = load_scenario(kShipped / "care-homes.toml", std::vector{lever, "focus=" + name}, kShipped);
    if (!who) who = std::make_shared<const Population>(build_population(scenario, kShipped));
    const auto model = make_model(std::move(scenario), who);
    EXPECT_EQ(model->scenario.focus, "Health Innovation Yorkshire and Humber");
    return model->strategies[0].programmes[0].delivered_by_region;
  };
  const auto full = delivered("Health Innovation Yorkshire and Humber");
  EXPECT_GT(full[1][52], full[0][52]);
  for (const char* name : {"Yorkshire and Humber", "Y&H", "YHAHSN"}) EXPECT_EQ(delivered(name), full) << name;
}

}  // namespace
}  // namespace uptake
