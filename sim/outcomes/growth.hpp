/// The growth ledger: companies that a network supports, what they report to have raised and whom they employ, and what
/// of it would not have come about anyway. A ledger of its own, never summed with the health ledger.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "uptake/outcomes.hpp"

namespace uptake {

/// What a supported company comes to in its year.
struct CompanyLaw {
  double investing_share = 0;                               ///< pi: share of companies that report an investment
  double investment_per_company = 0;                        ///< mean over all companies, GBP
  double investment_spread = 0;                             ///< s_L: sd of the log of an investment
  double jobs_per_company = 0;                              ///< mean
  double job_dispersion = 0;                                ///< k: variance = mean + mean^2 / k
  double supported = 0, evaluated = 0, in_new_setting = 0;  ///< shares that come so far, each at most the one before
};

/// How far a company comes along the pipeline; each stage holds those that come further.
enum class PipelineStage : std::uint8_t { needs_assessment, supported, evaluated, in_new_setting };

struct Company {
  double arrival = 0;     ///< part of the financial year that has passed, in [0, 1)
  double investment = 0;  ///< GBP as reported
  int jobs = 0;           ///< created or safeguarded
  PipelineStage furthest = PipelineStage::needs_assessment;
};

/// Companies of one region in the financial year that begins in `year`, by arrival. They come as a Poisson process, so
/// their number is Poisson(companies). Keyed by region, year and the number of the company: another region, year or
/// rate changes nobody before.
/// @param companies expected in the year, at most 50,000
[[nodiscard]] std::vector<Company> companies_of_year(Key key, std::uint64_t region, int year, double companies,
                                                     const CompanyLaw& law);
/// Arrivals of accelerator fellows in the same way.
[[nodiscard]] std::vector<double> fellows_of_year(Key key, std::uint64_t region, int year, double fellows);

/// Smallest j with P(J <= j) >= u for a negative binomial J of this mean and dispersion k (gamma-mixed Poisson), u in
/// (0, 1).
[[nodiscard]] int negative_binomial_quantile(double u, double mean, double dispersion);

/// Share of each region in companies and fellows: registered patients of its boards, or practices, or else its
/// organisations (a population without lists) [A]. Sums to 1.
[[nodiscard]] std::vector<double> growth_shares(const Population& population);

/// Whether a metric belongs to the growth ledger.
[[nodiscard]] constexpr bool is_growth(Metric metric) noexcept { return metric >= Metric::investment_gbp; }

/// Fills the blocks of the growth ledger: the programme `all` alone, missing for each programme. Worlds that a network
/// works in have the gross figures; those without have what would have come anyway (investment and jobs) and none of
/// the network's own activity. @param out layout.size values
void growth_ledger(const Model& model, const SummaryLayout& layout, const Draw& draw, Key key, std::span<double> out);

}  // namespace uptake
