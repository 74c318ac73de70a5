#include "uptake/error.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace uptake {
namespace {

constexpr std::array<std::string_view, 5> kNames{"seed", "start", "horizon", "replicates", "programmes"};

TEST(Error, NearestNameForgivesOneEditInThreeLetters) {
  EXPECT_EQ(nearest_name("sed", kNames), "seed");
  EXPECT_EQ(nearest_name("seeds", kNames), "seed");
  EXPECT_EQ(nearest_name("replicate", kNames), "replicates");
  EXPECT_EQ(nearest_name("replcats", kNames), "replicates");
  EXPECT_EQ(nearest_name("program", kNames), "");             // three edits in seven letters
  EXPECT_EQ(nearest_name("programs", kNames), "programmes");  // two edits in eight letters
  EXPECT_EQ(nearest_name("xyz", kNames), "");
  EXPECT_EQ(nearest_name("", kNames), "");
  constexpr std::array<std::string_view, 3> kRegions{"South West", "North West Coast", "North Wessex"};
  EXPECT_EQ(nearest_name("North West", kRegions), "North West Coast");
  EXPECT_EQ(nearest_name("seed", {}), "");
}

TEST(Error, NearestNameTakesSwappedLettersForOneEditAndCapitalsForNone) {
  EXPECT_EQ(nearest_name("sede", kNames), "seed");
  EXPECT_EQ(nearest_name("edes", kNames), "");  // swapped over a distance
  EXPECT_EQ(nearest_name("SEED", kNames), "seed");
  EXPECT_EQ(nearest_name("START ", kNames), "start");
}

TEST(Error, NearestNameTakesTheFirstOfEqualsAndTheNearestOfSeveral) {
  constexpr std::array<std::string_view, 3> kTwins{"mu1", "mu2", "rho"};
  EXPECT_EQ(nearest_name("mu", kTwins), "mu1");
  EXPECT_EQ(nearest_name("mu2", kTwins), "mu2");
}

TEST(Error, AProblemIsShownAsWhereWhatAndSuggestion) {
  EXPECT_EQ((Problem{"a.toml:1:2", "seed is missing", "add seed = 1"}.text()),
            "a.toml:1:2: seed is missing; add seed = 1");
  EXPECT_EQ((Problem{"a.toml", "is empty", ""}.text()), "a.toml: is empty");
}

TEST(Error, AnInputErrorShowsEveryProblemOnALine) {
  const InputError error({{"a", "one", ""}, {"b", "two", "mend it"}});
  EXPECT_STREQ(error.what(), "a: one\nb: two; mend it");
  EXPECT_EQ(error.problems().size(), 2U);
}

TEST(Error, ExitCodesAreUniqueAndSmall) {
  std::set<int> codes;
  for (const ExitCodeMeaning& row : kExitCodes) {
    EXPECT_TRUE(codes.insert(static_cast<int>(row.code)).second);
    EXPECT_FALSE(row.meaning.empty());
  }
  EXPECT_EQ(codes, (std::set{0, 1, 2, 3, 4}));
}

TEST(Error, ABrokenContractNamesItsPlaceAndExpression) {
  try {
    detail::contract_failed("n > 0", "sim/x.cpp", 12);
    FAIL();
  } catch (const ContractError& error) {
    EXPECT_STREQ(error.what(), "sim/x.cpp:12: contract broken: n > 0");
  }
}

}  // namespace
}  // namespace uptake
