#include "uptake/parameters.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <regex>
#include <set>

#include "uptake/scenario.hpp"

namespace uptake {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double q_of(const Prior& prior, double u) { return quantile(prior, u, -kInfinity, kInfinity); }

// ---- The table ----------------------------------------------------------------------------------------------------

TEST(Parameters, EveryRowStandsAtItsIndexWithAKeyAndAnIdentityOfItsOwn) {
  std::set<std::string_view> keys;
  std::set<std::uint64_t> identities;
  ASSERT_EQ(parameter_table().size(), static_cast<std::size_t>(kNParameters));
  for (const ParameterSpec& row : parameter_table()) {
    EXPECT_EQ(&spec(row.id), &row);
    EXPECT_EQ(find_parameter(row.key), &row);
    EXPECT_TRUE(keys.insert(row.key).second) << row.key;
    EXPECT_TRUE(identities.insert(identity_of("parameter:" + std::string(row.key))).second) << row.key;
    EXPECT_EQ(std::ranges::count(row.key, '.'), 1) << row.key;
    EXPECT_FALSE(row.meaning.empty() || row.unit.empty() || row.symbol.empty()) << row.key;
    EXPECT_TRUE(!row.source.empty() || row.grade == Grade::assumption) << row.key;
    // The grade says so beside it.
    EXPECT_FALSE(row.source.starts_with("Assumption")) << row.key;
  }
  EXPECT_EQ(find_parameter("bass.z"), nullptr);
}

TEST(Parameters, EveryDefaultAndTheMiddleOfEveryPriorLieInTheRange) {
  for (const ParameterSpec& row : parameter_table()) {
    for (std::size_t c = 0; c < 3; ++c) {
      EXPECT_GE(row.value[c], row.lowest) << row.key;
      EXPECT_LE(row.value[c], row.highest) << row.key;
      if (row.prior[c].family == Family::gamma_share) continue;  // normalised over its group
      EXPECT_GE(q_of(row.prior[c], 0.5), row.lowest) << row.key;
      EXPECT_LE(q_of(row.prior[c], 0.5), row.highest) << row.key;
    }
  }
}

TEST(Parameters, RangesCutLessThanOneInAThousandOffAnyPrior) {
  for (const ParameterSpec& row : parameter_table()) {
    for (const Prior& prior : row.prior) {
      if (prior.family == Family::gamma_share) continue;
      EXPECT_GE(q_of(prior, 0.001), row.lowest) << row.key;
      EXPECT_LE(q_of(prior, 0.999), row.highest) << row.key;
    }
  }
}

TEST(Parameters, DefaultsAreTheMiddleOfTheirPriors) {
  for (const ParameterSpec& row : parameter_table()) {
    for (std::size_t c = 0; c < 3; ++c) {
      const Prior& prior = row.prior[c];
      double middle = prior.a;  // of fixed, normal; median of log-normal; sd of half-normal
      double tolerance = 0;
      if (prior.family == Family::beta) middle = prior.a / (prior.a + prior.b), tolerance = 0.001;
      // 0.37 of the jobs is set to the published return; Beta(4, 7) is the nearest round prior, with mean 0.364.
      if (row.id == Parameter::growth_job_additionality || row.id == Parameter::growth_deadweight) tolerance = 0.007;
      if (prior.family == Family::gamma_share) middle = prior.a / 10;
      if (prior.family == Family::uniform) middle = (prior.a + prior.b) / 2, tolerance = 0.1 * middle + 0.05;
      EXPECT_NEAR(row.value[c], middle, tolerance + 1e-12 * middle) << row.key;
    }
  }
}

TEST(Parameters, EverySourceNamedIsInTheBibliography) {
  std::ifstream file(UPTAKE_SOURCE_FOLDER "/scenarios/sources.bib");
  const std::string bibliography{std::istreambuf_iterator<char>(file), {}};
  std::string texts;
  for (const ParameterSpec& row : parameter_table()) texts += std::string(row.source) + "\n";
  std::ifstream programme(UPTAKE_SOURCE_FOLDER "/scenarios/programmes/care-home-deterioration.toml");
  texts.append(std::istreambuf_iterator<char>(programme), {});
  const std::regex key(R"(\bS\d+[a-z]?\b)");
  int n_named = 0;
  for (std::sregex_iterator at(texts.begin(), texts.end(), key), end; at != end; ++at, ++n_named) {
    EXPECT_NE(bibliography.find("{" + at->str() + ","), std::string::npos) << at->str();
  }
  EXPECT_GT(n_named, 50);
}

// ---- Priors as text -----------------------------------------------------------------------------------------------

TEST(Parameters, APriorShownAsTextReadsBackAsItself) {
  for (const ParameterSpec& row : parameter_table()) {
    for (const Prior& prior : row.prior) EXPECT_EQ(parse_prior(to_text(prior)), prior) << to_text(prior);
  }
  EXPECT_EQ(to_text({Family::lognormal, 0.35, 0.5}), "LN(0.35, 0.5)");
  EXPECT_EQ(to_text({Family::one_or_uniform, 1, 4}), "1 or U(1, 4)");
  EXPECT_EQ(to_text({Family::log_uniform, 0.5, 4}), "LU(0.5, 4)");
  EXPECT_EQ(parse_prior("LU(0.5, 4)"), (Prior{Family::log_uniform, 0.5, 4}));
  EXPECT_EQ(parse_prior("  Beta( 17 ,3 ) "), (Prior{Family::beta, 17, 3}));
}

TEST(Parameters, WhatIsNoPriorIsRefused) {
  for (const char* text : {"",
                           "LN",
                           "LN(",
                           "LN()",
                           "LN(1)",
                           "LN(1, 2, 3)",
                           "LN(-1, 0.5)",
                           "LN(1, 0)",
                           "LN(1, -1)",
                           "LN(nan, 1)",
                           "LN(inf, 1)",
                           "N(0, 0)",
                           "HalfN(0)",
                           "HalfN(1, 2)",
                           "Beta(0, 1)",
                           "Beta(1, 1e9)",
                           "U(2, 1)",
                           "U(1, 1)",
                           "LU(0, 1)",
                           "LU(2, 1)",
                           "Dirichlet(0)",
                           "1 or U(0.5, 4)",
                           "ln(1, 2)",
                           "Normal(1, 2)",
                           "U(0, 1) ",
                           "U(0 1)",
                           "fixed()",
                           "fixed(1)x"}) {
    const bool is_one = std::string_view(text) == "U(0, 1) ";  // spaces around are no harm
    EXPECT_EQ(parse_prior(text).has_value(), is_one) << text;
  }
}

// ---- Quantiles ----------------------------------------------------------------------------------------------------

TEST(Parameters, QuantilesWithClosedFormsAreExact) {
  for (const double u : {1e-12, 0.001, 0.05, 0.3, 0.5, 0.77, 0.999, 1 - 1e-12}) {
    EXPECT_NEAR(q_of({Family::uniform, 2, 4}, u), 2 + 2 * u, 1e-15);
    EXPECT_NEAR(q_of({Family::log_uniform, 0.01, 100}, u), std::pow(10, 4 * u - 2), 1e-11);
    EXPECT_NEAR(q_of({Family::lognormal, 0.35, 0.5}, u) / (0.35 * std::exp(0.5 * normal_quantile(u))), 1, 1e-15);
    EXPECT_NEAR(q_of({Family::beta, 3, 1}, u) / std::cbrt(u), 1, 1e-13);  // I_x(a, 1) = x^a
    EXPECT_NEAR(q_of({Family::beta, 1, 3}, u) / -std::expm1(std::log1p(-u) / 3), 1, 1e-11) << u;
    EXPECT_NEAR(q_of({Family::gamma_share, 1, 0}, u) / -std::log1p(-u), 1, 1e-11) << u;  // exponential
    const double arcsine = std::pow(std::sin(std::acos(-1.0) * u / 2), 2);               // Beta(1/2, 1/2)
    EXPECT_NEAR(q_of({Family::beta, 0.5, 0.5}, u) / arcsine, 1, 1e-11) << u;
    const double x = q_of({Family::gamma_share, 2, 0}, u);  // P(2, x) = 1 - (1 + x) e^-x
    EXPECT_NEAR((1 + x) * std::exp(-x) / (1 - u), 1, 1e-9) << u;
  }
  EXPECT_EQ(q_of({Family::fixed, 7, 0}, 0.9), 7);
  EXPECT_NEAR(q_of({Family::half_normal, 0.3, 0}, 0.5), 0.3 * 0.6744897501960817, 1e-15);
}

TEST(Parameters, BetaQuantilesAgreeWithTheBinomialTail) {
  // Beta(3, 4) = posterior of a binomial: I_x(3, 4) = P(Bin(6, x) >= 3), solved to 12 digits.
  const Prior prior{Family::beta, 3, 4};
  EXPECT_NEAR(q_of(prior, 0.05), 0.153161117975, 1e-12);
  EXPECT_NEAR(q_of(prior, 0.25), 0.296916548307, 1e-12);
  EXPECT_NEAR(q_of(prior, 0.50), 0.421407190691, 1e-12);
  EXPECT_NEAR(q_of(prior, 0.75), 0.553198251744, 1e-12);
  EXPECT_NEAR(q_of(prior, 0.95), 0.72866162748, 1e-11);
}

/// Mean of a distribution on [0, inf): the integral of its quantiles, midpoint rule.
double mean_of(const Prior& prior) {
  constexpr int kN = 20000;
  double sum = 0;
  for (int i = 0; i < kN; ++i) sum += q_of(prior, (i + 0.5) / kN);
  return sum / kN;
}

TEST(Parameters, QuantilesIntegrateToTheMean) {
  EXPECT_NEAR(mean_of({Family::beta, 14.1, 7.9}), 14.1 / 22, 1e-5);
  EXPECT_NEAR(mean_of({Family::beta, 17, 3}), 0.85, 1e-5);
  EXPECT_NEAR(mean_of({Family::beta, 0.3, 5}), 0.3 / 5.3, 1e-5);
  EXPECT_NEAR(mean_of({Family::beta, 400, 600}), 0.4, 1e-5);
  EXPECT_NEAR(mean_of({Family::gamma_share, 3, 0}), 3, 1e-3);
  EXPECT_NEAR(mean_of({Family::gamma_share, 0.2, 0}), 0.2, 1e-3);
  EXPECT_NEAR(mean_of({Family::gamma_share, 1000, 0}), 1000, 0.1);
  EXPECT_NEAR(mean_of({Family::log_uniform, 1, 4}), 3 / std::log(4.0), 1e-8);
  EXPECT_NEAR(mean_of({Family::one_or_uniform, 1, 4}), (1 + 2.5) / 2, 1e-9);
}

TEST(Parameters, QuantilesRiseWithUAndStayFiniteAtTheEnds) {
  for (const Prior& prior :
       {Prior{Family::normal, 0, 1}, Prior{Family::half_normal, 0.3, 0}, Prior{Family::lognormal, 20, 0.7},
        Prior{Family::beta, 17, 3}, Prior{Family::beta, 0.1, 0.1}, Prior{Family::beta, 0.1, 10000},
        Prior{Family::beta, 10000, 10000}, Prior{Family::uniform, 0, 0.4}, Prior{Family::log_uniform, 1e-9, 1e9},
        Prior{Family::gamma_share, 0.1, 0}, Prior{Family::gamma_share, 3, 0}, Prior{Family::gamma_share, 10000, 0},
        Prior{Family::one_or_uniform, 1, 4}}) {
    double before = -kInfinity;
    const auto expect_rise = [&](double u) {
      const double x = q_of(prior, u);
      EXPECT_TRUE(std::isfinite(x)) << to_text(prior) << " at " << u;
      EXPECT_GE(x, before) << to_text(prior) << " at " << u;
      before = x;
    };
    for (int i = 0; i < 23; ++i) expect_rise(std::ldexp(1.0, 2 * i - 54));
    for (int i = 1; i < 999; ++i) expect_rise(i * 0.001);
    for (int i = 0; i < 22; ++i) expect_rise(1 - std::ldexp(0.001, -2 * i));
    expect_rise(1 - 0x1p-53);
  }
}

TEST(Parameters, QuantilesAreClippedToTheRange) {
  EXPECT_EQ(quantile({Family::normal, 0, 1}, 0.999, -1, 1), 1);
  EXPECT_EQ(quantile({Family::normal, 0, 1}, 0.001, -1, 1), -1);
}

// ---- Draws --------------------------------------------------------------------------------------------------------

Scenario one_programme() {
  Scenario scenario;
  scenario.programmes.push_back(ProgrammeSpec::with_table_defaults("tool", OrganisationType::care_home));
  scenario.economy = default_economy();
  return scenario;
}

TEST(Parameters, DefaultsGiveEveryDrawTheDefaultValues) {
  Scenario scenario = one_programme();
  scenario.mode = ParameterMode::defaults;
  const Draw draw = draw_parameters(scenario, make_key(1, 2));
  for (const ParameterSpec& row : parameter_table()) {
    const double expected = row.value[static_cast<std::size_t>(AdopterClass::home)];
    EXPECT_DOUBLE_EQ(row.home == Home::programme ? draw(0, row.id) : draw(row.id), expected) << row.key;
  }
}

TEST(Parameters, ADrawIsAFunctionOfIdentityNotOfPlace) {
  Scenario alone = one_programme(), portfolio = one_programme();
  portfolio.programmes.insert(portfolio.programmes.begin(),
                              ProgrammeSpec::with_table_defaults("other", OrganisationType::practice));
  const Draw a = draw_parameters(alone, make_key(1, 2)), b = draw_parameters(portfolio, make_key(1, 2));
  for (const ParameterSpec& row : parameter_table()) {
    const bool of_programme = row.home == Home::programme;
    EXPECT_EQ(of_programme ? a(0, row.id) : a(row.id), of_programme ? b(1, row.id) : b(row.id)) << row.key;
  }
  EXPECT_NE(b(0, Parameter::q), b(1, Parameter::q));
}

TEST(Parameters, ChangingOnePriorChangesNoOtherParameter) {
  Scenario scenario = one_programme();
  const Draw before = draw_parameters(scenario, make_key(1, 3));
  scenario.programmes[0].fix(Parameter::p, 2);
  const Draw after = draw_parameters(scenario, make_key(1, 3));
  EXPECT_EQ(after(0, Parameter::p), 2);
  for (const ParameterSpec& row : parameter_table().first(kNProgrammeParameters)) {
    EXPECT_EQ(before(0, row.id) == after(0, row.id), row.id != Parameter::p) << row.key;
  }
}

/// z of a mean over many replicates against its exact value.
struct Means {
  double sum = 0, squares = 0;
  int n = 0;
  void add(double x) { sum += x, squares += x * x, ++n; }
  [[nodiscard]] double z(double expected, double variance) const {
    return (sum / n - expected) / std::sqrt(variance / n);
  }
};

TEST(Parameters, DrawsFollowTheirExactLaws) {
  const Scenario scenario = one_programme();
  Means log_q, log_q_mutant, phi, phi_mutant, geography, geography_mutant, ownership, sd, kappa_is_one;
  for (std::uint64_t r = 0; r < 10000; ++r) {
    const Draw draw = draw_parameters(scenario, make_key(20180401, r));
    log_q.add(std::log(draw(0, Parameter::q)));
    log_q_mutant.add(std::log(draw(0, Parameter::q) * 1.05));
    phi.add(draw(0, Parameter::phi));
    phi_mutant.add(draw(0, Parameter::phi) * 1.02);
    const double total = draw(0, Parameter::share_geography) + draw(0, Parameter::share_community) +
                         draw(0, Parameter::share_ownership) + draw(0, Parameter::share_pathway);
    EXPECT_NEAR(total, 1, 1e-15);
    geography.add(draw(0, Parameter::share_geography));
    geography_mutant.add(draw(0, Parameter::share_geography) * 1.05);
    ownership.add(draw(0, Parameter::share_ownership));
    sd.add(draw(0, Parameter::sd_region));
    kappa_is_one.add(draw(0, Parameter::kappa) == 1 ? 1 : 0);
  }
  EXPECT_LT(std::abs(log_q.z(std::log(0.35), 0.25)), 4);  // ln LN(m, s) ~ N(ln m, s^2)
  EXPECT_GT(std::abs(log_q_mutant.z(std::log(0.35), 0.25)), 4);
  const double mean = 14.1 / 22, beta_variance = mean * (1 - mean) / 23;
  EXPECT_LT(std::abs(phi.z(mean, beta_variance)), 4);
  EXPECT_GT(std::abs(phi_mutant.z(mean, beta_variance)), 4);
  EXPECT_LT(std::abs(geography.z(0.3, 0.3 * 0.7 / 11)), 4);  // Dirichlet(3, 3, 2, 2)
  EXPECT_GT(std::abs(geography_mutant.z(0.3, 0.3 * 0.7 / 11)), 4);
  EXPECT_LT(std::abs(ownership.z(0.2, 0.2 * 0.8 / 11)), 4);
  const double half_normal_mean = 0.3 * std::sqrt(2 / std::acos(-1.0));
  EXPECT_LT(std::abs(sd.z(half_normal_mean, 0.09 - half_normal_mean * half_normal_mean)), 4);
  EXPECT_LT(std::abs(kappa_is_one.z(0.5, 0.25)), 4);
}

TEST(Parameters, SharesOfADirichletHaveItsVariance) {
  const Scenario scenario = one_programme();
  Means squares, mutant;
  const double variance = 0.3 * 0.7 / 11;
  for (std::uint64_t r = 0; r < 4000; ++r) {
    const double d = draw_parameters(scenario, make_key(7, r))(0, Parameter::share_community) - 0.3;
    squares.add(d * d);
    mutant.add(d * d * 1.21);  // ten per cent more spread
  }
  // the standard error from the sample itself: the fourth moment has no short form
  const auto z = [&](const Means& m) { return m.z(variance, m.squares / m.n - std::pow(m.sum / m.n, 2)); };
  EXPECT_LT(std::abs(z(squares)), 4);
  EXPECT_GT(std::abs(z(mutant)), 4);
}

// ---- What a setting says -------------------------------------------------------------------------------------------

TEST(Setting, IsStatedWhereAFileSaysItAndKnownWhereItCanBeOtherThanNought) {
  const Setting default_of_table{1, {Family::fixed, 1, 0}, Grade::assumption, "", std::string(kOfTheTable)};
  const Setting nought{0, {Family::fixed, 0, 0}, Grade::read, "", "a.toml:1:1"};
  const Setting drawn{0, {Family::uniform, 0, 1}, Grade::read, "", "a.toml:1:1"};
  EXPECT_FALSE(default_of_table.is_stated());
  EXPECT_TRUE(nought.is_stated());
  for (const ParameterMode mode : {ParameterMode::prior, ParameterMode::defaults, ParameterMode::posterior}) {
    EXPECT_TRUE(default_of_table.is_known(mode));
    EXPECT_FALSE(nought.is_known(mode));
    EXPECT_EQ(drawn.is_known(mode), mode != ParameterMode::defaults);
  }
}

}  // namespace
}  // namespace uptake
