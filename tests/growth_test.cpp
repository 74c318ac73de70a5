#include "outcomes/growth.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "folder.hpp"
#include "uptake/error.hpp"

namespace uptake {
namespace {

const std::filesystem::path kScenarios = std::filesystem::path(UPTAKE_SOURCE_FOLDER) / "scenarios";

double table(Parameter id) { return spec(id).value[0]; }

CompanyLaw table_law() {
  CompanyLaw law;
  law.investing_share = table(Parameter::growth_investing_share);
  law.investment_per_company = table(Parameter::growth_investment_per_company);
  law.investment_spread = table(Parameter::growth_investment_spread);
  law.jobs_per_company = table(Parameter::growth_jobs_per_company);
  law.job_dispersion = table(Parameter::growth_job_dispersion);
  law.supported = table(Parameter::growth_supported);
  law.evaluated = table(Parameter::growth_evaluated);
  law.in_new_setting = table(Parameter::growth_in_new_setting);
  return law;
}

// ---- functions ----------------------------------------------------------------------------------------------------

TEST(Growth, AdditionalImpactHasItsKnownAnswer) {
  const auto of = [](double amount) { return Intervention{amount, 0.1, 0.2, 0.05, 1}; };
  const double right = additional_impact(of(1000), of(300));
  EXPECT_NEAR(right, 478.8, 1e-9);  // 700 x 0.9 x 0.8 x 0.95
  // Each part matters, on either side.
  for (const auto& [with, reference] : {
           std::pair{of(1000), of(0)},
           std::pair{Intervention{1000, 0, 0.2, 0.05, 1}, of(300)},
           std::pair{Intervention{1000, 0.1, 0, 0.05, 1}, of(300)},
           std::pair{Intervention{1000, 0.1, 0.2, 0, 1}, of(300)},
           std::pair{Intervention{1000, 0.1, 0.2, 0.05, 1.1}, of(300)},
           std::pair{of(1000), Intervention{300, 0, 0, 0, 1}},
           std::pair{of(1000), Intervention{300, 0.1, 0.2, 0.05, 2}},
           // Losses added up instead of one after another.
           std::pair{Intervention{1000, 0.35, 0, 0, 1}, Intervention{300, 0.35, 0, 0, 1}},
       })
    EXPECT_GT(std::abs(additional_impact(with, reference) - 478.8), 1);
}

TEST(Growth, ReturnIsThePublishedIdentityAtTheDefaults) {
  // 5,400 jobs in four years (1,350 a year) and GBP 13 million a year; published: 3.96.
  const auto identity = [](double jobs) {
    return growth_return({table(Parameter::growth_job_additionality) * jobs, table(Parameter::growth_value_per_job),
                          table(Parameter::growth_job_years), 462e6, table(Parameter::growth_value_of_investment),
                          table(Parameter::growth_network_cost)});
  };
  EXPECT_NEAR(identity(1350), 3.96, 0.0005);
  EXPECT_GT(std::abs(identity(1329) - 3.96), 0.0005);
  EXPECT_NEAR(growth_return({10, 100, 2, 50, 0.5, 250}), 8.1, 1e-12);
}

TEST(Growth, JobsAreTheInverseOfTheNegativeBinomialDistribution) {
  const auto distribution = [](int jobs, double mean, double k) {  // closed form, summed
    double below = 0;
    for (int j = 0; j <= jobs; ++j)
      below += std::exp(std::lgamma(k + j) - std::lgamma(k) - std::lgamma(j + 1.0) + k * std::log(k / (k + mean)) +
                        j * std::log(mean / (k + mean)));
    return below;
  };
  int n_mutant_wrong = 0, largest = 0;
  for (int i = 1; i < 4000; ++i) {
    const double u = 1 - std::pow(1 - i / 4000.0, 2);  // close to 1 too, where the jobs are
    const int jobs = negative_binomial_quantile(u, 0.469, 0.05);
    largest = std::max(largest, jobs);
    EXPECT_GE(distribution(jobs, 0.469, 0.05), u - 1e-13);
    if (jobs > 0) {
      EXPECT_LT(distribution(jobs - 1, 0.469, 0.05), u + 1e-13);
    }
    n_mutant_wrong += distribution(jobs, 0.469, 0.055) < u - 1e-13;
  }
  EXPECT_GT(largest, 50);
  EXPECT_GT(n_mutant_wrong, 50);
  EXPECT_EQ(negative_binomial_quantile(0.999, 0, 0.05), 0);
  EXPECT_LT(negative_binomial_quantile(1 - 0x1p-53, 0.469, 0.05), 1000);  // ends
}

// ---- companies ----------------------------------------------------------------------------------------------------

/// Sample mean against the law: (mean - expected) / standard error of n.
double z_score(double sum, double n, double mean, double variance) {
  return (sum / n - mean) / std::sqrt(variance / n);
}

TEST(Growth, CompaniesFollowTheirLaw) {
  const CompanyLaw law = table_law();
  constexpr double kExpected = 189;  // 2,831 over 15 regions
  constexpr int kYears = 4000;
  const double mean_log =
      std::log(law.investment_per_company / law.investing_share) - std::pow(law.investment_spread, 2) / 2;
  double number = 0, squares = 0, arrival = 0, n = 0, invests = 0, logs = 0, log_squares = 0, no_jobs = 0, jobs = 0;
  std::array<double, 4> reached{};
  for (int year = 0; year < kYears; ++year) {
    const auto companies = companies_of_year(make_key(11, 0), identity_of("region:X"), year, kExpected, law);
    const auto count = static_cast<double>(companies.size());
    number += count;
    squares += (count - kExpected) * (count - kExpected);
    for (const Company& company : companies) {
      ++n;
      arrival += company.arrival;
      for (std::size_t stage = 0; stage <= static_cast<std::size_t>(company.furthest); ++stage) ++reached[stage];
      jobs += company.jobs;
      no_jobs += company.jobs == 0;
      if (company.investment == 0) continue;
      ++invests;
      logs += std::log(company.investment);
      log_squares += std::pow((std::log(company.investment) - mean_log) / law.investment_spread, 2);
    }
  }
  const auto expect_law = [](double sum, double of, double mean, double variance, double mutant, const char* what) {
    EXPECT_LT(std::abs(z_score(sum, of, mean, variance)), 4) << what;
    EXPECT_GT(std::abs(z_score(sum, of, mutant, variance)), 4) << what << ", mutant";
  };
  expect_law(number, kYears, kExpected, kExpected, kExpected * 1.05, "Poisson: mean");
  // Variance of the square of a Poisson deviation is 2 mu^2 + mu; a number without chance is the mutant.
  expect_law(squares, kYears, kExpected, 2 * kExpected * kExpected + kExpected, 0, "Poisson: variance");
  expect_law(squares, kYears, kExpected, 2 * kExpected * kExpected + kExpected, 1.15 * kExpected, "Poisson: variance");
  expect_law(arrival, n, 0.5, 1.0 / 12, 0.505, "uniform arrival");
  expect_law(invests, n, law.investing_share, 0.2 * 0.8, 0.2 * 1.02, "share that invests");
  const double spread2 = law.investment_spread * law.investment_spread;
  expect_law(logs, invests, mean_log, spread2, mean_log + spread2 / 2, "lognormal: mean of the log");
  expect_law(log_squares, invests, 1, 2, 1.05, "lognormal: variance of the log");
  const double k = law.job_dispersion, mean = law.jobs_per_company;
  expect_law(jobs, n, mean, mean + mean * mean / k, mean * 1.05, "jobs: mean");
  const double none = std::pow(k / (k + mean), k);
  expect_law(no_jobs, n, none, none * (1 - none), std::exp(-mean), "jobs: none, against Poisson");
  EXPECT_EQ(reached[0], n);
  const std::array<double, 3> shares{0.221, 0.065, 0.048};
  for (std::size_t stage = 0; stage < 3; ++stage)
    expect_law(reached[stage + 1], n, shares[stage], shares[stage] * (1 - shares[stage]), shares[stage] * 1.05,
               "pipeline");
}

/// Coefficient of variation of a year's investment by `companies` expected: the sum over a Poisson number of companies
/// has variance companies x E[I^2] (docs/odd.md 8).
double investment_variation(const CompanyLaw& law, double companies) {
  return std::sqrt(std::exp(law.investment_spread * law.investment_spread) / (companies * law.investing_share));
}

TEST(Growth, AYearsInvestmentHasTheVariationOfACompoundPoissonSum) {
  const CompanyLaw law = table_law();
  const double companies = table(Parameter::growth_companies);
  const double variation = investment_variation(law, companies);
  // exp(1.44) / (2,831 x 0.2); a fixed number of companies would have 8.43 %.
  EXPECT_NEAR(variation, 0.086340, 1e-6);
  EXPECT_NEAR(std::sqrt((std::exp(1.44) / 0.2 - 1) / companies), 0.08427, 1e-5);

  constexpr int kYears = 1500;
  const double mean = companies * law.investment_per_company;
  EXPECT_NEAR(mean, 428e6, 0.1e6);
  double sum = 0, squares = 0;
  for (int year = 0; year < kYears; ++year) {
    double investment = 0;
    for (const Company& company : companies_of_year(make_key(12, 0), identity_of("region:X"), year, companies, law))
      investment += company.investment;
    sum += investment / mean - 1;
    squares += std::pow(investment / mean - 1, 2);
  }
  const auto z_of_mean = [&](double expected) { return z_score(sum, kYears, expected, variation * variation); };
  EXPECT_LT(std::abs(z_of_mean(0)), 4);
  EXPECT_GT(std::abs(z_of_mean(0.02)), 4);
  // Fourth cumulant of the sum over its squared variance: E[I^4] / (companies E[I^2]^2).
  const double kurtosis =
      std::exp(4 * law.investment_spread * law.investment_spread) / (companies * law.investing_share);
  const auto z_of_variance = [&](double cv) {
    return z_score(squares, kYears, cv * cv, (2 + kurtosis) * std::pow(cv, 4));
  };
  EXPECT_LT(std::abs(z_of_variance(variation)), 4);
  CompanyLaw mutant = law;
  mutant.investment_spread = 1.35;
  EXPECT_GT(std::abs(z_of_variance(investment_variation(mutant, companies))), 4);
}

TEST(Growth, CompaniesAreKeyedByRegionYearAndNumber) {
  const CompanyLaw law = table_law();
  const auto companies = [&](const char* region, int year, double expected) {
    return companies_of_year(make_key(1, 2), identity_of(region), year, expected, law);
  };
  const auto few = companies("region:A", 2022, 50), more = companies("region:A", 2022, 80);
  ASSERT_LT(few.size(), more.size());
  for (std::size_t i = 0; i < few.size(); ++i) {  // a higher rate changes nobody, they only come sooner
    EXPECT_EQ(few[i].investment, more[i].investment);
    EXPECT_EQ(few[i].jobs, more[i].jobs);
    EXPECT_EQ(few[i].furthest, more[i].furthest);
    EXPECT_NEAR(few[i].arrival * 50, more[i].arrival * 80, 1e-9);
  }
  EXPECT_NE(companies("region:A", 2023, 50)[0].arrival, few[0].arrival);
  EXPECT_NE(companies("region:B", 2022, 50)[0].arrival, few[0].arrival);
  EXPECT_TRUE(companies("region:A", 2022, 0).empty());
  EXPECT_NE(fellows_of_year(make_key(1, 2), identity_of("region:A"), 2022, 50)[0], few[0].arrival);
}

TEST(Growth, RegionsShareByRegisteredPatients) {
  PopulationOptions options;
  options.n_nearest = 0;
  const auto shares = growth_shares(build_england(kScenarios / "england", options));
  double sum = 0;
  for (const double share : shares) sum += share;
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_NEAR(shares[0], 3124757.0 / 60606345, 1e-12);  // North East and North Cumbria is one board (boards.csv)
  // Without lists: by organisations.
  const auto minimal = read_population(kScenarios / "minimal", options);
  const auto small = growth_shares(minimal);
  double first = 0;
  for (std::size_t i = 0; i < minimal.n_organisations(); ++i) first += minimal.region_of(i) == 0;
  EXPECT_NEAR(small[0], first / 12, 1e-12);
}

// ---- ledger -------------------------------------------------------------------------------------------------------

struct Ledger {
  std::shared_ptr<const Model> model;
  SummaryLayout layout;
  Draw draw;
  Summary summary;

  [[nodiscard]] double value(Metric metric, Axis axis, int strategy, int programme, int time, int place,
                             View view) const {
    return value_in_view(layout, summary, *layout.find(metric, axis), strategy, programme, time, place, view);
  }
  [[nodiscard]] int all() const { return static_cast<int>(layout.programmes.size()) - 1; }
};

Ledger run(std::vector<std::string> overrides) {
  overrides.emplace_back("parameters=defaults");
  Ledger result;
  Scenario scenario = load_scenario(kScenarios / "minimal.toml", overrides, kScenarios);
  auto population = std::make_shared<const Population>(build_population(scenario, kScenarios));
  result.model = make_model(std::move(scenario), population);
  result.layout = make_layout(*result.model);
  const Key key = make_key(result.model->scenario.seed, 3);
  result.draw = draw_parameters(result.model->scenario, key);
  result.summary.assign(result.layout.size, -1);
  outcomes(*result.model, result.layout, result.draw, key, simulate(result.model, result.draw, key), result.summary);
  return result;
}

constexpr std::array kCounts{Metric::investment_gbp,      Metric::jobs,
                             Metric::companies_supported, Metric::pipeline_needs_assessment,
                             Metric::pipeline_fellows,    Metric::pipeline_supported,
                             Metric::pipeline_evaluated,  Metric::pipeline_in_new_setting};

TEST(GrowthLedger, IsOffUnlessAskedForAndThenChangesNoOtherFigure) {
  const Ledger without = run({}), with = run({"growth=true"});
  EXPECT_EQ(without.layout.programmes, std::vector<std::string>{"example-tool"});
  EXPECT_EQ(with.layout.programmes, (std::vector<std::string>{"example-tool", "all"}));
  std::size_t n_compared = 0, n_totals = 0;
  for (const Block& block : without.layout.blocks) {
    EXPECT_FALSE(is_growth(block.metric));
    const Block* other = with.layout.find(block.metric, block.axis, block.geography);
    ASSERT_NE(other, nullptr);
    for (int s = 0; s < block.n_strategies; ++s)
      for (int t = 0; t < block.n_times; ++t)
        for (int place = 0; place < block.n_places; ++place) {
          const double plain = without.summary[block.at(s, 0, t, place)];
          const double beside = with.summary[other->at(s, 0, t, place)];
          EXPECT_TRUE(plain == beside || (std::isnan(plain) && std::isnan(beside))) << spec(block.metric).name;
          // What is known of the one programme is known of all together.
          if (spec(block.metric).kind != MetricKind::ratio) {
            EXPECT_EQ(std::isnan(with.summary[other->at(s, 1, t, place)]), std::isnan(plain))
                << spec(block.metric).name;
          }
          // All together, which is the one programme here: no growth in any total.
          const double total = with.summary[other->at(s, 1, t, place)];
          if (spec(block.metric).kind != MetricKind::ratio && !std::isnan(total)) {
            EXPECT_EQ(total, plain) << spec(block.metric).name;
            n_totals += spec(block.metric).money;
          }
          ++n_compared;
        }
  }
  EXPECT_GT(n_compared, 1000U);
  EXPECT_GT(n_totals, 100U);
  EXPECT_EQ(without.model->scenario.digest,
            run({"growth=false", "growth.companies=5 companies/year"}).model->scenario.digest);
  EXPECT_NE(without.model->scenario.digest, with.model->scenario.digest);
  EXPECT_NE(run({"growth=true", "growth.companies=5 companies/year"}).model->scenario.digest,
            with.model->scenario.digest);
}

TEST(GrowthLedger, AddsUpOverRegionsAndYearsAndIsTheSameUnderEveryStrategyWithANetwork) {
  const Ledger r = run({"growth=true"});
  const int all = r.all();
  const auto n_regions = static_cast<int>(r.layout.regions.size()) - 1;
  const int as_delivered = 0, doubled = 1;
  ASSERT_EQ(r.layout.strategies[doubled], "double-facilitation");
  ASSERT_EQ(r.layout.years.size(), 3U);  // 2021-04-01 and 105 weeks: 2021/22, 2022/23 and five days
  for (const Metric metric : kCounts) {
    for (const View view : {View::gross, View::counterfactual, View::net}) {
      double sum = 0;
      for (int place = 1; place <= n_regions; ++place)
        sum += r.value(metric, Axis::report, as_delivered, all, 1, place, view);
      const double england = r.value(metric, Axis::report, as_delivered, all, 1, 0, view);
      EXPECT_NEAR(sum, england, 1e-9 * std::abs(england)) << spec(metric).name;
      EXPECT_EQ(r.value(metric, Axis::report, doubled, all, 1, 0, view), england);
      const double years = r.value(metric, Axis::year, as_delivered, all, 0, 0, view) +
                           r.value(metric, Axis::year, as_delivered, all, 1, 0, view);
      EXPECT_NEAR(years, england, 1e-9 * std::abs(england)) << spec(metric).name;  // reported on 31 March 2023
      EXPECT_EQ(r.value(metric, Axis::year, as_delivered, all, 0, 0, view),
                r.value(metric, Axis::report, as_delivered, all, 0, 0, view));  // and on 31 March 2022
    }
    EXPECT_TRUE(std::isnan(r.value(metric, Axis::report, as_delivered, 0, 1, 0, View::gross)));  // of no programme
    EXPECT_GT(r.value(metric, Axis::report, as_delivered, all, 1, 0, View::gross), 0);
  }
  const double companies = r.value(Metric::companies_supported, Axis::report, as_delivered, all, 1, 0, View::gross);
  EXPECT_LT(std::abs(companies - 2 * 2831) / std::sqrt(2 * 2831), 4);
  EXPECT_EQ(companies, r.value(Metric::pipeline_needs_assessment, Axis::report, 0, all, 1, 0, View::gross));
}

TEST(GrowthLedger, NetIsWhatIsAdditional) {
  const Ledger r = run({"growth=true", "growth.deadweight=0.3", "growth.leakage=0.1", "growth.displacement=0.2",
                        "growth.substitution=0.05"});
  const int all = r.all();
  const auto at = [&](Metric metric, int strategy, View view) {
    return r.value(metric, Axis::report, strategy, all, 0, 0, view);
  };
  const double investment = at(Metric::investment_gbp, 0, View::gross);
  EXPECT_NEAR(at(Metric::investment_gbp, 0, View::net), 0.4788 * investment, 1e-9 * investment);
  const double jobs = at(Metric::jobs, 0, View::gross);
  EXPECT_NEAR(at(Metric::jobs, 0, View::net), 0.37 * jobs, 1e-9 * jobs);
  const double roi = at(Metric::growth_roi, 0, View::net);
  const double years = 365 / kDaysPerYear;
  EXPECT_NEAR(roi, 0.37 * jobs * 103063 / (13e6 * years), 1e-9 * roi);
  EXPECT_TRUE(std::isnan(at(Metric::growth_roi, 0, View::gross)));
  for (int strategy = 0; strategy < static_cast<int>(r.layout.strategies.size()); ++strategy) {
    for (const Metric metric : kCounts)
      EXPECT_NEAR(at(metric, strategy, View::gross) - at(metric, strategy, View::counterfactual),
                  at(metric, strategy, View::net), 1e-9 * investment);
    if (r.layout.strategies[static_cast<std::size_t>(strategy)].starts_with("no-")) {  // the deadweight reference
      EXPECT_NEAR(at(Metric::investment_gbp, strategy, View::gross), (1 - 0.4788) * investment, 1e-9 * investment);
      EXPECT_EQ(at(Metric::investment_gbp, strategy, View::net), 0);
      EXPECT_EQ(at(Metric::companies_supported, strategy, View::gross), 0);
      EXPECT_TRUE(std::isnan(at(Metric::growth_roi, strategy, View::net)));
    }
  }
}

TEST(GrowthLedger, OnlyExtrapolationRaisesWhatIsReported) {
  const auto investment = [](const Ledger& r) {
    return r.value(Metric::investment_gbp, Axis::report, 0, r.all(), 0, 0, View::gross);
  };
  const Ledger reported = run({"growth=true", "growth.response=0.5"});
  const Ledger raised = run({"growth=true", "growth.response=0.5", "growth.extrapolation=1"});
  EXPECT_EQ(investment(reported), investment(run({"growth=true", "growth.response=0.4"})));
  EXPECT_NEAR(investment(raised), 2 * investment(reported), 1e-6);
}

TEST(GrowthLedger, ASectionWithParametersAsksForItToo) {
  const TestFolder folder;
  const auto load = [&](const std::string& growth, std::vector<std::string> overrides = {}) {
    std::ofstream(folder.path() / "s.toml")
        << ("schema = 1\ntitle = \"T\"\npopulation = \"england\"\n"
            "programmes = [\"care-home-deterioration\"]\nstart = 2021-01-01\nhorizon = \"52 weeks\"\n" +
            growth);
    return load_scenario(folder.path() / "s.toml", overrides, kScenarios);
  };
  EXPECT_FALSE(load("").growth);
  EXPECT_FALSE(load("growth = false\n").growth);
  EXPECT_TRUE(load("growth = true\n").growth);
  const Scenario section =
      load("[growth]\ncompanies = { value = 100, unit = \"companies/year\", source = \"a count\" }\n");
  EXPECT_TRUE(section.growth);
  EXPECT_EQ(section.economy[static_cast<std::size_t>(Parameter::growth_companies) - kNProgrammeParameters].value, 100);
  EXPECT_FALSE(load("growth = true\n", {"growth=false"}).growth);
  const auto problem = [&](const std::string& growth) -> std::string {
    try {
      static_cast<void>(load(growth));
    } catch (const InputError& error) {
      return error.problems().front().text();
    }
    return "";
  };
  EXPECT_TRUE(problem("growth = \"yes\"\n").find("growth") != std::string::npos);
  EXPECT_TRUE(problem("[growth]\ncompanys = 3\n").find("companies") != std::string::npos);
}

}  // namespace
}  // namespace uptake
