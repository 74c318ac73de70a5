// The posterior that is shipped is of the record that is shipped. When this fails after a change of the record, make it again:
// ./uptake calibrate history --overwrite && cp results/history/posterior.h5 scenarios/
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "calibration/posterior_file.hpp"
#include "uptake/record.hpp"

namespace uptake {
namespace {

const std::filesystem::path kScenarios = std::filesystem::path(UPTAKE_SOURCE_FOLDER) / "scenarios";

TEST(ShippedPosterior, BelongsToTheShippedRecordAndIsSmall) {
  const HistoricRecord record = load_record(kScenarios / "history.toml", {}, kScenarios);
  const StoredPosterior posterior = read_posterior(kScenarios / "posterior.h5");
  EXPECT_EQ(posterior.digest, record.digest);
  EXPECT_LT(std::filesystem::file_size(kScenarios / "posterior.h5"), 2'000'000U);
  EXPECT_NE(posterior.command.find("uptake calibrate"), std::string::npos);
  ASSERT_EQ(posterior.fits.size(), record.programmes.size());
  for (const HistoricProgramme& programme : record.programmes) {
    const auto fit = std::ranges::find(posterior.fits, programme.spec.name, &StoredFit::programme);
    ASSERT_NE(fit, posterior.fits.end()) << programme.spec.name;
    EXPECT_EQ(fit->draws.n, 1000U) << programme.spec.name;
    ASSERT_EQ(fit->parameters.size(), programme.calibrated.size()) << programme.spec.name;
    for (std::size_t i = 0; i < fit->draws.n; ++i) {
      const std::vector<double> natural = to_natural(fit->parameters, fit->draws.row(i));
      for (std::size_t j = 0; j < natural.size(); ++j) {
        ASSERT_GE(natural[j], fit->parameters[j].lowest) << programme.spec.name << " " << fit->parameters[j].name;
        ASSERT_LE(natural[j], fit->parameters[j].highest) << programme.spec.name << " " << fit->parameters[j].name;
      }
    }
  }
  ASSERT_TRUE(posterior.pooled.has_value());
  EXPECT_LT(posterior.pooled->largest_r_hat, 1.1);
}

}  // namespace
}  // namespace uptake
