#include "outcomes/growth.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>

#include "uptake/error.hpp"

namespace uptake {

namespace {
/// Most companies that one region and year may expect: the number of a company has 16 bits, and a Poisson number does
/// not pass it from here (68 standard deviations).
constexpr double kMostCompanies = 50000;

std::array<double, 2> draw_of(Key key, std::uint64_t region, int year, Stream stream, std::size_t number) {
  return uniforms(key, {region, static_cast<std::uint32_t>(year), static_cast<std::uint16_t>(stream),
                        static_cast<std::uint16_t>(number)});
}

/// Calls use(number, arrival, second uniform of its block) for every point of a Poisson process over a year.
template <typename Use>
void for_each_arrival(Key key, std::uint64_t region, int year, Stream stream, double expected, const Use& use) {
  UPTAKE_EXPECTS(expected >= 0 && expected <= kMostCompanies);
  if (expected == 0) return;
  double passed = 0;
  for (std::size_t number = 0;; ++number) {
    const auto [gap, second] = draw_of(key, region, year, stream, number);
    passed -= std::log(gap);
    if (passed >= expected) return;
    use(number, passed / expected, second);
  }
}

/// Year in which the financial year of a date begins, 1 April.
int financial_year(Date date) {
  const std::chrono::year_month_day day{date};
  return static_cast<int>(day.year()) - (day.month() < std::chrono::April ? 1 : 0);
}
Date first_day(int year) { return std::chrono::year{year} / std::chrono::April / 1; }

enum Count : std::size_t {
  count_investment,
  count_jobs,
  count_companies,
  count_needs_assessment,
  count_fellows,
  count_supported,
  count_evaluated,
  count_in_new_setting
};
constexpr std::size_t kNCounts = count_in_new_setting + 1;
static_assert(static_cast<std::size_t>(Metric::pipeline_in_new_setting) -
                  static_cast<std::size_t>(Metric::investment_gbp) ==
              count_in_new_setting);

using Counts = std::array<double, kNCounts>;

void add(const Company& company, Counts& counts) {
  counts[count_investment] += company.investment;
  counts[count_jobs] += company.jobs;
  counts[count_companies] += 1;
  counts[count_needs_assessment] += 1;
  counts[count_supported] += company.furthest >= PipelineStage::supported ? 1 : 0;
  counts[count_evaluated] += company.furthest >= PipelineStage::evaluated ? 1 : 0;
  counts[count_in_new_setting] += company.furthest >= PipelineStage::in_new_setting ? 1 : 0;
}

CompanyLaw law_of(const Draw& draw) {
  CompanyLaw law;
  law.investing_share = draw(Parameter::growth_investing_share);
  law.investment_per_company = draw(Parameter::growth_investment_per_company);
  law.investment_spread = draw(Parameter::growth_investment_spread);
  law.jobs_per_company = draw(Parameter::growth_jobs_per_company);
  law.job_dispersion = draw(Parameter::growth_job_dispersion);
  law.supported = draw(Parameter::growth_supported);
  law.evaluated = std::min(law.supported, draw(Parameter::growth_evaluated));
  law.in_new_setting = std::min(law.evaluated, draw(Parameter::growth_in_new_setting));
  return law;
}

/// A year or report period by place (England, then the regions), as reported.
struct Sums {
  Period period;
  std::vector<Counts> by_place;
};

/// A strategy in whose world companies are supported: the network works there.
bool has_network(const Strategy& strategy) {
  return strategy.delivery == Delivery::as_delivered &&
         std::ranges::find(strategy.without, Driver::effort) == strategy.without.end();
}

/// Companies and fellows of all regions over the run, in the years and up to the report dates.
std::vector<Sums> reported_sums(const Model& model, const SummaryLayout& layout, const Draw& draw, Key key) {
  std::vector<Sums> sums;
  for (const Axis axis : {Axis::year, Axis::report})
    for (const Period& period : layout.times(axis))
      sums.push_back({period, std::vector<Counts>(layout.regions.size(), Counts{})});
  const Calendar& calendar = model.calendar();
  const CompanyLaw law = law_of(draw);
  const std::vector<double> shares = growth_shares(*model.population);
  for (std::size_t r = 0; r < shares.size(); ++r) {
    const std::uint64_t region = identity_of(fmt::format("region:{}", model.population->regions[r].code));
    for (int year = financial_year(calendar.start); year <= financial_year(calendar.last_day()); ++year) {
      const auto days = static_cast<double>((first_day(year + 1) - first_day(year)).count());
      const auto on_its_day = [&](double arrival, const auto& count) {
        const Date day = first_day(year) + std::chrono::days{static_cast<int>(arrival * days)};
        for (Sums& sum : sums)
          if (sum.period.from <= day && day <= sum.period.to) count(sum.by_place[1 + r]);
      };
      for (const Company& company :
           companies_of_year(key, region, year, draw(Parameter::growth_companies) * shares[r], law))
        on_its_day(company.arrival, [&](Counts& counts) { add(company, counts); });
      for (const double arrival : fellows_of_year(key, region, year, draw(Parameter::growth_fellows) * shares[r]))
        on_its_day(arrival, [](Counts& counts) { counts[count_fellows] += 1; });
    }
  }
  // What respondents report, raised to those who do not answer only as far as the scenario asks.
  const double raised = 1 + draw(Parameter::growth_extrapolation) * (1 / draw(Parameter::growth_response) - 1);
  for (Sums& sum : sums)
    for (std::size_t place = 1; place < sum.by_place.size(); ++place) {
      sum.by_place[place][count_investment] *= raised;
      sum.by_place[place][count_jobs] *= raised;
      for (std::size_t k = 0; k < kNCounts; ++k) sum.by_place[0][k] += sum.by_place[place][k];
    }
  return sums;
}

/// Additional investment and jobs of what is reported.
struct Additional {
  double investment = 0, jobs = 0;
};
Additional additional(const Draw& draw, const Counts& reported) {
  const auto amount = [&](double gross) {
    return Intervention{gross, draw(Parameter::growth_leakage), draw(Parameter::growth_displacement),
                        draw(Parameter::growth_substitution), draw(Parameter::growth_multiplier)};
  };
  const double gross = reported[count_investment];
  return {additional_impact(amount(gross), amount(draw(Parameter::growth_deadweight) * gross)),
          draw(Parameter::growth_job_additionality) * reported[count_jobs]};
}

/// What a world without the network has of a metric.
double without_network(std::size_t count, const Counts& reported, const Additional& net) {
  switch (count) {
    case count_investment:
      return reported[count_investment] - net.investment;
    case count_jobs:
      return reported[count_jobs] - net.jobs;
    default:
      return 0;  // the network's own activity
  }
}
}  // namespace

double additional_impact(const Intervention& with, const Intervention& reference) {
  const auto left = [](const Intervention& x) {
    return x.amount * (1 - x.leakage) * (1 - x.displacement) * (1 - x.substitution) * x.multiplier;
  };
  return left(with) - left(reference);
}

double growth_return(const GrowthReturn& terms) {
  return (terms.jobs_net * terms.value_per_job * terms.job_years + terms.investment_net * terms.value_of_investment) /
         terms.cost;
}

int negative_binomial_quantile(double u, double mean, double dispersion) {
  UPTAKE_EXPECTS(u > 0 && u < 1 && mean >= 0 && dispersion > 0);
  const double ratio = mean / (mean + dispersion);
  double probability = std::exp(dispersion * std::log1p(-ratio));  // P(J = 0)
  double below = 0;
  int jobs = 0;
  // From where a term no longer adds to the sum nothing more can come: u beyond the sum's rounding ends there.
  while (below + probability < u && below + probability > below) {
    below += probability;
    probability *= ratio * (dispersion + jobs) / (jobs + 1);
    ++jobs;
  }
  return jobs;
}

std::vector<Company> companies_of_year(Key key, std::uint64_t region, int year, double companies,
                                       const CompanyLaw& law) {
  std::vector<Company> all;
  const bool invests = law.investing_share > 0 && law.investment_per_company > 0;
  const double spread = law.investment_spread;
  // The mean over all companies is pi exp(m_L + s_L^2 / 2).
  const double mean_log =
      invests ? std::log(law.investment_per_company / law.investing_share) - spread * spread / 2 : 0;
  for_each_arrival(key, region, year, Stream::company, companies,
                   [&](std::size_t number, double arrival, double stage) {
                     Company company;
                     company.arrival = arrival;
                     company.furthest = stage < law.in_new_setting ? PipelineStage::in_new_setting
                                        : stage < law.evaluated    ? PipelineStage::evaluated
                                        : stage < law.supported    ? PipelineStage::supported
                                                                   : PipelineStage::needs_assessment;
                     const auto [raises, amount] = draw_of(key, region, year, Stream::investment, number);
                     if (invests && raises < law.investing_share)
                       company.investment = std::exp(mean_log + spread * normal_quantile(amount));
                     company.jobs = negative_binomial_quantile(draw_of(key, region, year, Stream::jobs, number)[0],
                                                               law.jobs_per_company, law.job_dispersion);
                     all.push_back(company);
                   });
  return all;
}

std::vector<double> fellows_of_year(Key key, std::uint64_t region, int year, double fellows) {
  std::vector<double> arrivals;
  for_each_arrival(key, region, year, Stream::fellow, fellows,
                   [&](std::size_t, double arrival, double) { arrivals.push_back(arrival); });
  return arrivals;
}

std::vector<double> growth_shares(const Population& population) {
  std::vector<double> shares(population.regions.size());
  const auto add_up = [&](const auto& weight) {
    double sum = 0;
    for (std::size_t i = 0; i < population.n_organisations(); ++i) {
      const double of_one = weight(i);
      shares[static_cast<std::size_t>(population.region_of(i))] += of_one;
      sum += of_one;
    }
    return sum;
  };
  const auto patients_of = [&](OrganisationType type) {
    return [&population, type](std::size_t i) {
      return population.type[i] == type && !std::isnan(population.size[i]) ? population.size[i] : 0.0;
    };
  };
  double sum = add_up(patients_of(OrganisationType::care_board));
  if (sum == 0) sum = add_up(patients_of(OrganisationType::practice));
  if (sum == 0) sum = add_up([](std::size_t) { return 1.0; });
  for (double& share : shares) share /= sum;
  return shares;
}

void growth_ledger(const Model& model, const SummaryLayout& layout, const Draw& draw, Key key, std::span<double> out) {
  UPTAKE_EXPECTS(out.size() == layout.size);
  if (!model.scenario.growth) return;
  const std::vector<Sums> sums = reported_sums(model, layout, draw, key);
  const double job_value = draw(Parameter::growth_value_per_job);
  for (const Block& block : layout.blocks) {
    if (!is_growth(block.metric)) continue;
    const std::size_t first = block.axis == Axis::year ? 0 : layout.years.size();
    const auto count = static_cast<std::size_t>(block.metric) - static_cast<std::size_t>(Metric::investment_gbp);
    std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(block.offset), block.size(),
                std::numeric_limits<double>::quiet_NaN());
    for (int strategy = 0; strategy < block.n_strategies; ++strategy) {
      const bool supported = has_network(model.scenario.strategies[static_cast<std::size_t>(strategy)]);
      for (int time = 0; time < block.n_times; ++time) {
        const Sums& sum = sums[first + static_cast<std::size_t>(time)];
        double* row = out.data() + block.at(strategy, block.n_programmes - 1, time, 0);
        if (block.metric == Metric::growth_roi) {
          const Counts& reported = sum.by_place[0];
          const Additional net = additional(draw, reported);
          const double years = static_cast<double>((sum.period.to - sum.period.from).count() + 1) / kDaysPerYear;
          const double cost = draw(Parameter::growth_network_cost) * years;
          if (supported && cost > 0)
            row[0] = growth_return({net.jobs, job_value, draw(Parameter::growth_job_years), net.investment,
                                    draw(Parameter::growth_value_of_investment), cost});
          continue;
        }
        for (std::size_t place = 0; place < sum.by_place.size(); ++place) {
          const Counts& reported = sum.by_place[place];
          row[place] = supported ? reported[count] : without_network(count, reported, additional(draw, reported));
        }
      }
    }
  }
}

}  // namespace uptake
