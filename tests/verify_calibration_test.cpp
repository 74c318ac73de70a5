// `uptake verify --calibration`: every case is asked, answered and right.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <stop_token>
#include <string>

#include "uptake/verify.hpp"

namespace uptake {
namespace {

TEST(VerifyCalibration, AnswersEveryCaseWithinItsTolerance) {
  std::size_t n_heard = 0;
  const auto cases = verify_calibration(Control{}, [&](const VerificationCase&) { ++n_heard; });
  EXPECT_EQ(n_heard, cases.size());
  std::set<std::string> ids, numbers;
  for (const VerificationCase& entry : cases) {
    EXPECT_TRUE(entry.pass) << entry.id << " " << entry.name << ": expected " << entry.expected << ", got " << entry.got
                            << ", tolerance " << entry.tolerance << " (" << entry.detail << ")";
    EXPECT_TRUE(ids.insert(entry.id).second) << entry.id << " is used twice";
    EXPECT_FALSE(entry.detail.empty());
    numbers.insert(entry.id.substr(0, entry.id.size() - 1));
    if (!std::isnan(entry.z)) {
      EXPECT_NEAR(4 * std::abs(entry.got - entry.expected) / entry.tolerance, std::abs(entry.z), 1e-6) << entry.id;
    }
  }
  for (int number = 1; number <= 14; ++number) {
    EXPECT_TRUE(numbers.contains(fmt::format("P{}", number))) << "P" << number << " is missing";
  }
  for (const char* other : {"K1", "K2", "N1", "N2", "N3", "N4", "N5", "S1", "F1", "F2"}) {
    EXPECT_TRUE(numbers.contains(other)) << other << " is missing";
  }
}

TEST(VerifyCalibration, AStopIsHeardBeforeTheFirstCase) {
  std::stop_source source;
  source.request_stop();
  Control control;
  control.stop = source.get_token();
  EXPECT_TRUE(verify_calibration(control).empty());
}

}  // namespace
}  // namespace uptake
