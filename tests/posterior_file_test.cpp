// posterior.h5: what is written is read, by name; what is broken is refused.
#include "calibration/posterior_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>

#include "files/results_file.hpp"
#include "folder.hpp"
#include "posterior_fixture.hpp"
#include "results_fixture.hpp"
#include "uptake/error.hpp"

namespace uptake {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_bytes(const fs::path& file, std::string_view bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// Two programmes and the hierarchy over them.
MadeUpPosterior whole_posterior() {
  MadeUpPosterior all = made_up_posterior({"example-tool", "pooled"});  // a programme may be called that
  all.posterior.pooled = made_up_pooled(50, -1, 0.3, 0.25);
  for (std::size_t i = 0; i < 50; ++i) all.posterior.pooled->mu[i * 7] = -1 + 0.01 * static_cast<double>(i);
  all.posterior.pooled->effective_share = {0.5, 0.25};
  all.posterior.left_out = {{{"example-tool", {0, 1}, {0.1, 0.9}}, {"pooled", {0, 1}, {0.5, 0.4}}}, 0.5, 1};
  return all;
}

/// What a programme in a scenario draws, from a hierarchy.
Posterior drawn_from_past(const Pooled& pooled, const ProgrammeSpec& programme) {
  StoredPosterior stored;
  stored.file = "made-up.h5";
  stored.pooled = pooled;
  for (const std::string_view name : covariate_names()) stored.covariates.emplace_back(name);
  Scenario scenario;
  scenario.programmes = {programme};
  return posterior_for(stored, scenario);
}

ProgrammeSpec new_innovation() {
  auto programme = ProgrammeSpec::with_table_defaults("new-innovation", OrganisationType::practice);
  programme.starts_from = StartsFrom::past_programmes;
  return programme;
}

TEST(PosteriorFile, ReadsBackWhatWasWritten) {
  const TestFolder folder;
  MadeUpPosterior all = whole_posterior();
  write_posterior(wired(all), folder.path() / "posterior.h5");
  const StoredPosterior stored = read_posterior(folder.path() / "posterior.h5");
  EXPECT_EQ(stored.title, all.record.title);
  EXPECT_EQ(stored.digest, all.record.digest);
  EXPECT_EQ(stored.command, all.posterior.command);
  ASSERT_EQ(stored.fits.size(), 2U);
  EXPECT_EQ(stored.find("nobody"), nullptr);
  const StoredFit& fit = *stored.find("example-tool");
  ASSERT_EQ(fit.parameters.size(), 2U);
  for (std::size_t j = 0; j < 2; ++j) {
    const CalibratedParameter& written = all.fits[0].parameters[j];
    EXPECT_EQ(fit.parameters[j].name, written.name);
    EXPECT_EQ(fit.parameters[j].unit, written.unit);
    EXPECT_EQ(fit.parameters[j].prior, written.prior);
    EXPECT_EQ(fit.parameters[j].lowest, written.lowest);
    EXPECT_EQ(fit.parameters[j].highest, written.highest);
    EXPECT_EQ(fit.contraction[j], all.fits[0].contraction[j]);
  }
  ASSERT_EQ(fit.draws.n, 200U);
  for (std::size_t i = 0; i < fit.draws.values.size(); ++i)
    EXPECT_NEAR(fit.draws.values[i], all.fits[0].draws.values[i], 0x1p-23);  // a rounded logarithm
  ASSERT_TRUE(stored.pooled);
  EXPECT_EQ(stored.pooled->model.parameters, all.posterior.pooled->model.parameters);
  EXPECT_EQ(stored.pooled->model.sd, all.posterior.pooled->model.sd);
  EXPECT_TRUE(std::ranges::equal(stored.covariates, covariate_names()));
  for (std::size_t i = 0; i < stored.pooled->mu.size(); ++i)
    EXPECT_NEAR(stored.pooled->mu[i], all.posterior.pooled->mu[i], 0x1p-23);
  EXPECT_EQ(stored.pooled->slopes, all.posterior.pooled->slopes);
  EXPECT_EQ(stored.pooled_programmes, (std::vector<std::string>{"example-tool", "pooled"}));
  EXPECT_EQ(fit.account.method, "abc");
  EXPECT_TRUE(fit.account.is_complete);
  EXPECT_EQ(fit.account.n_simulations, 100'000U);
  EXPECT_EQ(fit.account.n_fitted, 1U);
  EXPECT_EQ(fit.account.warnings, all.fits[0].warnings);
  ASSERT_EQ(fit.account.points.size(), 1U);
  const CalibratedPoint& point = fit.account.points[0];
  EXPECT_EQ(point.measure + "/" + point.region + "/" + point.unit + "/" + point.date, "adopters/England/homes/2021-03");
  EXPECT_EQ((std::vector{point.observed, point.p05, point.p25, point.p50, point.p75, point.p95, point.pit}),
            (std::vector<double>{40, 30, 35, 38, 42, 47, 0.6}));
  EXPECT_TRUE(point.was_fitted);
}

TEST(PosteriorFile, TheDigestCoversWhatIsToldOfACalibration) {
  const TestFolder folder;
  const auto digest = [&](const auto& change) {
    MadeUpPosterior all = made_up_posterior({"example-tool"});
    change(all);
    write_posterior(wired(all), folder.path() / "posterior.h5");
    Scenario scenario;
    scenario.programmes = {ProgrammeSpec::with_table_defaults("example-tool", OrganisationType::care_home)};
    return posterior_for(read_posterior(folder.path() / "posterior.h5"), scenario).digest;
  };
  const std::string plain = digest([](MadeUpPosterior&) {});
  EXPECT_EQ(digest([](MadeUpPosterior&) {}), plain);
  EXPECT_NE(digest([](MadeUpPosterior& all) { all.fits[0].points[0].p50 = 39; }), plain);
  EXPECT_NE(digest([](MadeUpPosterior& all) { all.fits[0].warnings.emplace_back("another"); }), plain);
  EXPECT_NE(digest([](MadeUpPosterior& all) { all.posterior.command = "another"; }), plain);
  EXPECT_NE(digest([](MadeUpPosterior& all) { all.record.title = "another"; }), plain);
}

TEST(PosteriorFile, TwoWritesHaveTheSameBytesWhateverTheTimeTheyTook) {
  const TestFolder folder;
  MadeUpPosterior all = whole_posterior();
  write_posterior(wired(all), folder.path() / "a.h5");
  for (ProgrammeFit& fit : all.fits) fit.seconds *= 7;
  write_posterior(wired(all), folder.path() / "b.h5");
  EXPECT_TRUE(bytes_of(folder.path() / "a.h5") == bytes_of(folder.path() / "b.h5"));
  EXPECT_FALSE(fs::exists(folder.path() / "a.h5.tmp"));
  all.fits[0].draws.values[17] += 0.01;
  write_posterior(wired(all), folder.path() / "b.h5");
  EXPECT_FALSE(bytes_of(folder.path() / "a.h5") == bytes_of(folder.path() / "b.h5"));
}

TEST(PosteriorFile, AFullHistoryIsBelowTwoMegabytes) {
  const TestFolder folder;
  std::vector<std::string> names;
  for (int i = 0; i < 18; ++i) names.push_back("programme-" + std::to_string(i));
  MadeUpPosterior all = made_up_posterior(names, {.n_draws = 1000});
  for (ProgrammeFit& fit : all.fits) {
    for (int i = 2; i < 14; ++i) {
      fit.parameters.push_back(fit.parameters[0]);
      fit.parameters.back().name += std::to_string(i);  // not what a file holds, but as many
      fit.contraction.push_back(0.5);
    }
    fit.correlation.assign(std::size_t{14} * 14, 0.1234567);
    fit.draws.n_parameters = 14;
    fit.draws.values.clear();
    for (std::size_t i = 0; i < 14'000; ++i)
      fit.draws.values.push_back(normal_number(make_key(identity_of(fit.programme), 9), i));
    fit.points.assign(30, fit.points[0]);
  }
  write_posterior(wired(all), folder.path() / "posterior.h5");
  EXPECT_LT(fs::file_size(folder.path() / "posterior.h5"), 2'000'000U);
}

TEST(PosteriorFile, DrawsAtTheEndsOfTheirRangesStayInside) {
  const TestFolder folder;
  MadeUpPosterior all = made_up_posterior({"tool"}, {.n_draws = 4});
  ProgrammeFit& fit = all.fits[0];
  fit.parameters[0].name = "differences.susceptible_share";
  fit.parameters[0].prior = {Family::beta, 2, 2};
  fit.parameters[0].lowest = 0;
  fit.parameters[0].highest = 1;
  fit.draws.values = {-0.5, 0, 18, std::log(4.999999999), 40, 1.0, 800, 2.0};  // 1 - 1e-8, 1 - 4e-18, 1; q beyond 5
  write_posterior(wired(all), folder.path() / "posterior.h5");
  Scenario scenario;
  scenario.programmes.push_back(ProgrammeSpec::with_table_defaults("tool", OrganisationType::care_home));
  const Posterior posterior = posterior_for(read_posterior(folder.path() / "posterior.h5"), scenario);
  EXPECT_NO_THROW(use_posterior(scenario, std::make_shared<const Posterior>(posterior)));
  EXPECT_NEAR(posterior.programmes[0].values[3], 5, 1e-6);
  EXPECT_DOUBLE_EQ(posterior.programmes[0].values[7], 5);
  EXPECT_LT(posterior.programmes[0].values[2], 1);
  EXPECT_NEAR(posterior.programmes[0].values[2], 1 - std::exp(-18.0), 1e-9);
}

TEST(PosteriorFile, TruncatedAndForeignFilesAreFileErrors) {
  const TestFolder folder;
  MadeUpPosterior all = whole_posterior();
  const fs::path file = folder.path() / "posterior.h5", torn = folder.path() / "torn.h5";
  write_posterior(wired(all), file);
  const std::string bytes = bytes_of(file);
  for (std::size_t k = 0; k < 40; ++k) {
    write_bytes(torn, std::string_view(bytes).substr(0, bytes.size() * k / 40));
    EXPECT_THROW(static_cast<void>(read_posterior(torn)), FileError) << k;
  }
  EXPECT_THROW(static_cast<void>(read_posterior(folder.path() / "none.h5")), FileError);
  EXPECT_THROW(static_cast<void>(read_posterior(folder.path())), FileError);
  const auto run = made_up_run({.n_programmes = 1, .n_regions = 2, .n_boards = 2, .n_weeks = 60, .n_replicates = 2});
  write_results(run->record, folder.path(), {Body::serial, 1, {}, {}});
  EXPECT_THROW(static_cast<void>(read_posterior(folder.path() / "results.h5")), FileError);  // a result is no posterior
  EXPECT_THROW(ResultsFile{file}, FileError);                                                // nor the other way round
}

TEST(PosteriorFile, ADamagedFileIsRefused) {
  const TestFolder folder;
  MadeUpPosterior all = whole_posterior();
  const fs::path file = folder.path() / "posterior.h5";
  write_posterior(wired(all), file);
  const std::string whole = bytes_of(file);
  int n_refused = 0;
  for (std::uint64_t i = 0; i < 300; ++i) {
    std::string damaged = whole;
    for (std::uint64_t k = 0; k < 8; ++k) {
      const std::uint64_t word = mix64(i * 8 + k);
      damaged[word % damaged.size()] = static_cast<char>(word >> 56);
    }
    write_bytes(file, damaged);
    try {
      static_cast<void>(read_posterior(file));
    } catch (const FileError&) {
      ++n_refused;
    }
  }
  EXPECT_EQ(n_refused, 300);
}

TEST(PosteriorFile, ValuesThatCannotBeAreRefused) {
  const TestFolder folder;
  const fs::path file = folder.path() / "posterior.h5";
  const auto refused = [&](auto&& break_it) {
    MadeUpPosterior all = whole_posterior();
    break_it(all);
    write_posterior(wired(all), file);
    EXPECT_THROW(static_cast<void>(read_posterior(file)), FileError);
  };
  refused([](MadeUpPosterior& all) { all.fits[0].draws.values[3] = std::nan(""); });
  refused([](MadeUpPosterior& all) { all.posterior.pooled->tau[3] = -1; });
  refused([](MadeUpPosterior& all) { all.posterior.pooled->mu[3] = std::nan(""); });
}

TEST(PosteriorFile, AScenarioDrawsItsOwnCalibrationAndNothingOfOthers) {
  const TestFolder folder;
  MadeUpPosterior all = whole_posterior();
  write_posterior(wired(all), folder.path() / "posterior.h5");
  const StoredPosterior stored = read_posterior(folder.path() / "posterior.h5");
  Scenario scenario;
  scenario.programmes.push_back(ProgrammeSpec::with_table_defaults("example-tool", OrganisationType::care_home));
  scenario.programmes.push_back(ProgrammeSpec::with_table_defaults("unheard-of", OrganisationType::care_home));
  const Posterior posterior = posterior_for(stored, scenario);
  ASSERT_EQ(posterior.programmes.size(), 1U);
  EXPECT_EQ(posterior.programmes[0].kind, PosteriorKind::calibrated);
  EXPECT_TRUE(posterior.programmes[0].parameters[0].is_informed());
  EXPECT_FALSE(posterior.programmes[0].parameters[1].is_informed());
  EXPECT_NEAR(posterior.programmes[0].quantile(0, 0.5), 0.6, 0.05);
  EXPECT_EQ(posterior_for(stored, scenario).digest, posterior.digest);

  all.fits[0].draws.values[0] += 0.5;
  write_posterior(wired(all), folder.path() / "other.h5");
  EXPECT_NE(posterior_for(read_posterior(folder.path() / "other.h5"), scenario).digest, posterior.digest);

  StoredPosterior unknown = stored;
  unknown.fits[0].parameters[0].name = "bass.r";
  EXPECT_THROW(static_cast<void>(posterior_for(unknown, scenario)), InputError);
}

/// z of the mean of log bass.p over the draws of a new innovation: 0.8 N(-1 + the covariate's 0.25, 0.3^2) and 0.2 of what the
/// hierarchy says before any programme is seen, N(0, 0.4^2 + 0.5^2); so narrow that the table's ranges cut nothing off.
double z_of_new_innovation(Pooled pooled) {
  std::ranges::fill(pooled.model.sd, 0.4);
  const Posterior posterior = drawn_from_past(pooled, new_innovation());
  const PosteriorProgramme& drawn = posterior.programmes.at(0);
  const std::size_t n = drawn.n_draws, k = drawn.parameters.size();
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += std::log(drawn.values[i * k + *drawn.column(Parameter::p)]);
  const double past = -1 + 0.25, vague = 0.0, mean = 0.8 * past + 0.2 * vague;
  const double variance = 0.8 * (0.09 + (past - mean) * (past - mean)) + 0.2 * (0.41 + (vague - mean) * (vague - mean));
  return (sum / static_cast<double>(n) - mean) / std::sqrt(variance / static_cast<double>(n));
}

TEST(PosteriorFile, ANewInnovationDrawsWhatPastProgrammesSay) {
  EXPECT_LT(std::abs(z_of_new_innovation(made_up_pooled(50, -1, 0.3, 0.25))), 4);
  EXPECT_GT(std::abs(z_of_new_innovation(made_up_pooled(50, -1, 0.3, 0))), 4) << "covariates must count";
  EXPECT_GT(std::abs(z_of_new_innovation(made_up_pooled(50, -0.9, 0.3, 0.25))), 4);

  const Posterior posterior = drawn_from_past(made_up_pooled(50, -1, 0.3, 0.25), new_innovation());
  const PosteriorProgramme& drawn = posterior.programmes.at(0);
  EXPECT_EQ(drawn.kind, PosteriorKind::pooled);
  EXPECT_TRUE(drawn.column(Parameter::susceptible_share)) << "fixed in the programme, but past ones had a ceiling";
  EXPECT_TRUE(drawn.column(Parameter::mu2));
  EXPECT_GT(drawn.parameters[0].contraction, 0.5);
  Scenario scenario;
  scenario.programmes = {new_innovation()};
  EXPECT_NO_THROW(use_posterior(scenario, std::make_shared<const Posterior>(posterior)));

  ProgrammeSpec own = new_innovation();
  own.starts_from = StartsFrom::own_priors;
  EXPECT_TRUE(drawn_from_past(made_up_pooled(50, -1, 0.3, 0.25), own).programmes.empty());
  Pooled other = made_up_pooled(50, -1, 0.3, 0.25);
  other.model.parameters[0] = "p";
  EXPECT_THROW(static_cast<void>(drawn_from_past(other, new_innovation())), InputError);
}

TEST(PosteriorFile, AFullDiskIsAFileErrorAndLeavesNothing) {
  const TestFolder folder;
  MadeUpPosterior all = whole_posterior();
  {
    const FileSizeLimit limit(10'000);
    EXPECT_THROW(write_posterior(wired(all), folder.path() / "posterior.h5"), FileError);
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

/// For other programs: into the folder that the environment names (tests/readers_test.py, tests/posterior_test.py).
TEST(PosteriorFile, WritesAFileForOtherReaders) {
  const TestFolder folder;
  const char* const named = std::getenv("UPTAKE_READERS_FOLDER");
  MadeUpPosterior all = whole_posterior();
  const fs::path file = (named ? fs::path(named) : folder.path()) / "posterior.h5";
  write_posterior(wired(all), file);
  EXPECT_GT(fs::file_size(file), 0U);
}

}  // namespace
}  // namespace uptake
