#include "uptake/version.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
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

// Citation File Format 1.2.0: no other key may stand at the top, and these four have to.
TEST(Citation, HasTheKeysThatItsFormatAsksForAndNoOther) {
  const std::set<std::string> required{"cff-version", "message", "title", "authors"};
  const std::set<std::string> optional{"abstract",
                                       "commit",
                                       "contact",
                                       "date-released",
                                       "doi",
                                       "keywords",
                                       "license",
                                       "license-url",
                                       "identifiers",
                                       "preferred-citation",
                                       "type",
                                       "url",
                                       "version",
                                       "repository-code",
                                       "repository",
                                       "references",
                                       "repository-artifact"};
  std::set<std::string> found;
  std::istringstream lines(text_of("CITATION.cff"));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == ' ' || line.front() == '#') continue;
    const std::string key = line.substr(0, line.find(':'));
    EXPECT_TRUE(found.insert(key).second) << key << " stands twice";
    EXPECT_TRUE(required.contains(key) || optional.contains(key)) << key;
  }
  for (const std::string& key : required) EXPECT_TRUE(found.contains(key)) << key;
}

}  // namespace
}  // namespace uptake
