// Calibration on the real kernel, at length: ctest -L long, or build/release/historic_long_test. Prints the figures of
// docs/calibration-evidence.md.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "historic_fixture.hpp"
#include "uptake/record.hpp"

namespace uptake {
namespace {

using namespace std::chrono_literals;

// Two methods that share no step but the model: distances between summaries, and likelihoods of a particle filter.
TEST(HistoricLong, TheTwoMethodsFindTheSamePosterior) {
  const HistoricModel model =
      made_up::model(made_up::with_reports(made_up::programme(), {0.5, 0.6, 0.7}, make_key(11, 0)));
  FitOptions options;
  options.abc.seed = 5;
  options.abc.budget = 100'000;
  const ProgrammeFit distances = fit_programme(model, options, {});
  options.method = Method::tempered;
  options.n_tempered = 500;
  options.n_states = 30;
  const ProgrammeFit likelihoods = fit_programme(model, options, {});
  const std::vector<double> a = means_of(distances.draws), b = means_of(likelihoods.draws);
  const std::vector<double> sa = sds_of(distances.draws), sb = sds_of(likelihoods.draws);
  for (std::size_t j = 0; j < a.size(); ++j) {
    fmt::print("{:<30} abc {:.3f} ({:.3f}), tempered {:.3f} ({:.3f})\n", distances.parameters[j].name, a[j], sa[j],
               b[j], sb[j]);
    EXPECT_LT(std::abs(a[j] - b[j]) / sb[j], 0.3) << distances.parameters[j].name;
    EXPECT_GT(sa[j] / sb[j], 0.8) << distances.parameters[j].name;
    EXPECT_LT(sa[j] / sb[j], 1.25) << distances.parameters[j].name;
  }
  fmt::print("{} and {} simulations, {:.0f} and {:.0f} s, ln evidence {:.2f}\n", distances.n_simulations,
             likelihoods.n_simulations, distances.seconds, likelihoods.seconds, *likelihoods.log_evidence);
}

std::size_t n_fits() {
  const char* asked = std::getenv("UPTAKE_SBC_FITS");
  return asked != nullptr ? std::strtoul(asked, nullptr, 10) : 100;
}

/// Truth from the prior, reports from the model, fit, ranks. @return whether all columns look uniform
void expect_uniform_ranks(const HistoricModel& model, std::size_t n_particles, std::size_t budget) {
  const std::vector<Asked> asked = model.fitted(std::nullopt);
  const CalibrationProblem problem = model.problem(asked);
  const Fit fit = [&](const std::vector<Observed>& observed, std::uint64_t seed) {
    CalibrationProblem again = problem;
    again.observed = observed;
    AbcOptions options;
    options.seed = seed;
    options.n_particles = n_particles;
    options.budget = budget;
    options.n_predictive = 1;
    Control control;
    control.body = Body::serial;
    return calibrate_abc(again, options, control).posterior;
  };
  SbcOptions options;
  options.seed = 2026;
  options.n_fits = n_fits();
  // A number of the future, and how far the draw is from the data: parameters alone cannot see a likelihood that is ignored.
  Asked last = asked.back();
  last.point.from = last.point.to = model.last_day();
  last.point.date = iso(last.point.to);
  options.quantities.push_back(
      {"forecast", [&, last](std::span<const double> parameters, std::span<const double>, Key key) {
         return model.reported(parameters, {&last, 1}, key).front();
       }});
  options.quantities.push_back(
      {"distance", [&](std::span<const double> parameters, std::span<const double> observed, Key key) {
         const std::vector<double> s = problem.simulate(parameters, key);
         double sum = 0;
         for (std::size_t k = 0; k < s.size(); ++k) sum += std::abs(s[k] - observed[k]);
         return sum;
       }});
  const Sbc sbc = simulation_based_calibration(problem, fit, options, {});
  // 10 bins: chi-squared with 9 degrees of freedom, 99.9 % point 27.88; coverage within 99.9 % of a binomial.
  const auto n = static_cast<double>(sbc.n_fits);
  for (std::size_t column = 0; column < sbc.names.size(); ++column) {
    const double chi = sbc.chi_squared(column, 10), c50 = sbc.coverage(column, 0.5), c90 = sbc.coverage(column, 0.9);
    fmt::print("{:<34} chi-squared {:5.1f}, coverage of 50 % {:.2f}, of 90 % {:.2f} ({} fits)\n", sbc.names[column],
               chi, c50, c90, sbc.n_fits);
    EXPECT_LT(chi, 27.88) << sbc.names[column];
    EXPECT_NEAR(c50, 0.5, 3.3 * std::sqrt(0.25 / n)) << sbc.names[column];
    EXPECT_NEAR(c90, 0.9, 3.3 * std::sqrt(0.09 / n) + 1 / n) << sbc.names[column];
  }
}

TEST(HistoricLong, RanksAreUniformForASmallMadeUpProgramme) { expect_uniform_ranks(made_up::model(), 1000, 20'000); }

// The shipped record's smallest programme with several counts, on England as it is built, as many fits as asked for
// (UPTAKE_SBC_FITS, 100).
TEST(HistoricLong, RanksAreUniformForFocusAdhdInEngland) {
  const std::filesystem::path data = std::filesystem::path(UPTAKE_SOURCE_FOLDER) / "scenarios";
  const HistoricRecord record = load_record(data / "history.toml", {}, data);
  const auto at = std::ranges::find(record.programmes, std::string("focus-adhd"),
                                    [](const HistoricProgramme& one) { return one.spec.name; });
  ASSERT_NE(at, record.programmes.end());
  Scenario where;
  where.population_options = record.population_options;
  where.population_options.types = at->spec.eligible;
  const HistoricModel model(*at, record, std::make_shared<const Population>(build_population(where, data)),
                            Date{2023y / 3 / 31});
  expect_uniform_ranks(model, 1000, 20'000);
}

}  // namespace
}  // namespace uptake
