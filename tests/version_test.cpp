#include "uptake/version.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace uptake {
namespace {

std::string text_of(const char* file) {
  std::ifstream in(std::string(UPTAKE_SOURCE_FOLDER "/") + file);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Version, TheCitationAndTheChangelogNameTheVersionOfTheProgram) {
  EXPECT_NE(text_of("CITATION.cff").find(fmt::format("\nversion: {}\n", version())), std::string::npos);
  EXPECT_NE(text_of("CHANGELOG.md").find(fmt::format("\n## {} ", version())), std::string::npos);
}

}  // namespace
}  // namespace uptake
