#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <utility>

#include "outcomes/outcome_sheet.hpp"
#include "outcomes/outcome_tables.hpp"
#include "uptake/outcomes.hpp"

namespace uptake {

namespace {
using enum MetricKind;
// Where a metric is given, and what it is.
constexpr unsigned kMonth = 1, kYear = 2, kReport = 4, kRegion = 8, kBoard = 16, kPaired = 32, kMoney = 64,
                   kOwnWorld = 128;
// Which way it is better, unless the more the better; how it is read, unless as a number or as money.
constexpr unsigned kLower = 256, kNearerZero = 512, kPercent = 1024, kPoints = 2048, kIndex = 4096;

// What a metric speaks to.
constexpr Dimensions kPatients = bit(ImpactDimension::patient_outcome), kPractice = bit(ImpactDimension::practice),
                     kCommissioning = bit(ImpactDimension::commissioning), kHarm = bit(ImpactDimension::harm),
                     kAwareness = bit(ImpactDimension::awareness), kEfficiency = bit(ImpactDimension::efficiency),
                     kSociety = bit(ImpactDimension::society), kSpread = bit(ImpactDimension::spread),
                     kGrowth = bit(ImpactDimension::company_growth);

constexpr MetricSpec row(Metric id, std::string_view name, std::string_view unit, std::string_view long_name,
                         std::string_view label, std::string_view brief, MetricKind kind, unsigned flags, Needs needs,
                         unsigned dimensions) {
  const auto has = [flags](unsigned flag) { return (flags & flag) != 0; };
  return {.id = id,
          .name = name,
          .unit = unit,
          .long_name = long_name,
          .label = label,
          .brief = brief,
          .read_as = has(kPercent)   ? ReadAs::percent
                     : has(kPoints)  ? ReadAs::points
                     : has(kIndex)   ? ReadAs::index
                     : unit == "GBP" ? ReadAs::money
                                     : ReadAs::number,
          .better = has(kLower)        ? Better::lower
                    : has(kNearerZero) ? Better::nearer_zero
                                       : Better::higher,
          .kind = kind,
          .on_month = has(kMonth),
          .on_year = has(kYear),
          .on_report = has(kReport),
          .by_region = has(kRegion),
          .by_board = has(kBoard),
          .paired = has(kPaired),
          .money = has(kMoney),
          .own_world = has(kOwnWorld),
          .needs = needs,
          .dimensions = static_cast<Dimensions>(dimensions)};
}

constexpr std::array<MetricSpec, kNMetrics> kMetrics{{
    row(Metric::engaged, "engaged", "organisations", "Organisations that ever engaged: no longer unaware",
        "Organisations ever engaged", "ever engaged", stock, kMonth | kReport | kRegion | kBoard, Needs::nothing,
        kAwareness),
    row(Metric::implementing_ever, "implementing_ever", "organisations", "Organisations that ever began to implement",
        "Organisations that ever began to implement", "ever began to implement", stock, kMonth | kReport | kRegion,
        Needs::nothing, kPractice),
    row(Metric::adopters, "adopters", "organisations", "Organisations in use", "Organisations in use",
        "in use at the end", stock, kMonth | kReport | kRegion | kBoard, Needs::nothing, kPractice | kSpread),
    row(Metric::ever_adopted, "ever_adopted", "organisations", "Organisations that were ever in use",
        "Organisations ever in use", "ever in use", stock, kMonth | kReport | kRegion | kBoard, Needs::nothing,
        kPractice | kSpread),
    row(Metric::sustained_adopters, "sustained_adopters", "organisations",
        "Organisations in use without break for 52 weeks", "Organisations in use for 52 weeks without break",
        "in use for 52 weeks", stock, kMonth | kReport | kRegion, Needs::nothing, kPractice | kSpread),
    row(Metric::sites, "sites", "sites", "Sites in the community in use", "Sites in use", "sites in use", stock,
        kMonth | kReport | kRegion, Needs::sites, kCommissioning | kSpread),
    row(Metric::capacity_beds, "capacity_beds", "beds", "Beds opened", "Beds opened", "beds opened", stock,
        kMonth | kReport | kRegion, Needs::beds, kCommissioning | kEfficiency),
    row(Metric::adoption_share, "adoption_share", "1", "Share of eligible organisations in use",
        "Share of eligible organisations in use", "share in use", ratio, kReport | kRegion | kPercent, Needs::nothing,
        kPractice | kSpread),
    row(Metric::uptake_share, "uptake_share", "1",
        "Share of eligible people who are treated, mean over the month up to the date",
        "Share of eligible people who are treated", "share of people treated", ratio,
        kMonth | kReport | kRegion | kPercent, Needs::uptake, kPatients | kPractice),
    row(Metric::patients_benefited, "patients_benefited", "persons",
        "People reached since the start, each counted once per programme",
        "People reached, each counted once per programme", "people reached", stock, kMonth | kReport | kRegion,
        Needs::people, kPatients),
    row(Metric::patients_distinct_least, "patients_distinct_least", "persons",
        "Fewest different people reached: those of the largest programme of each region; with several programmes only",
        "Fewest different people reached", "fewest different people", stock, kReport | kRegion, Needs::several,
        kPatients),
    row(Metric::patients_in_year, "patients_in_year", "persons", "People first reached in the period",
        "People first reached in the period", "people first reached", flow, kYear | kReport | kRegion, Needs::people,
        kPatients),
    row(Metric::events_avoided, "events_avoided", "events",
        "Events of the programme's kind avoided, admissions or others; unlike events have no total", "Events avoided",
        "events avoided", flow, kYear | kReport | kRegion, Needs::events, kPatients | kHarm),
    row(Metric::admissions_avoided, "admissions_avoided", "admissions",
        "Emergency admissions avoided; negative = added", "Emergency admissions avoided", "admissions avoided", flow,
        kYear | kReport | kRegion, Needs::admissions, kPatients | kHarm | kEfficiency),
    row(Metric::bed_days_avoided, "bed_days_avoided", "bed-days", "Hospital bed days avoided", "Bed days released",
        "bed days released", flow, kYear | kReport | kRegion, Needs::bed_days, kPatients | kEfficiency),
    row(Metric::diagnosis_days_sooner, "diagnosis_days_sooner", "person-days",
        "Days by which people are diagnosed or treated sooner", "Days sooner to diagnosis or treatment, all people",
        "person-days sooner", flow, kYear | kReport | kRegion, Needs::diagnosis, kPatients | kEfficiency),
    row(Metric::home_years, "home_years", "organisation-years", "Time in use over all organisations",
        "Organisation-years in use", "organisation-years", flow, kYear | kReport | kRegion, Needs::nothing,
        kPractice | kSpread),
    row(Metric::qalys, "qalys", "QALYs", "Quality-adjusted life years gained",
        "Quality-adjusted life years (QALYs) gained", "QALYs gained", flow, kYear | kReport | kRegion, Needs::qalys,
        kPatients | kSociety),
    row(Metric::savings_gross_gbp, "savings_gross_gbp", "GBP", "Value of what is avoided, cash and capacity together",
        "Value of what is avoided, cash and capacity", "value avoided", flow, kYear | kReport | kRegion | kMoney,
        Needs::value, kEfficiency),
    row(Metric::savings_cash_gbp, "savings_cash_gbp", "GBP", "Cashable part of the value", "Cash savings",
        "cash savings", flow, kYear | kReport | kRegion | kMoney, Needs::value, kEfficiency),
    row(Metric::capacity_released_gbp, "capacity_released_gbp", "GBP",
        "Part of the value that is capacity released, not cash", "Capacity released", "capacity released", flow,
        kYear | kReport | kRegion | kMoney, Needs::value, kEfficiency),
    row(Metric::social_value_gbp, "social_value_gbp", "GBP",
        "Value to the NHS, of QALYs, and of events to others than the NHS", "Social value", "social value", flow,
        kYear | kReport | kRegion | kMoney, Needs::social, kSociety),
    row(Metric::cost_gbp, "cost_gbp", "GBP", "Cost of delivery, set-up, running and people reached, all funders",
        "Cost, all funders", "cost, all funders", flow, kYear | kReport | kRegion | kMoney | kLower, Needs::cost,
        kEfficiency),
    row(Metric::cost_public_gbp, "cost_public_gbp", "GBP", "Cost that no provider bears", "Cost, public funders",
        "cost, public funds", flow, kYear | kReport | kRegion | kMoney | kLower, Needs::cost, kEfficiency),
    row(Metric::carbon_kg, "carbon_kg", "kgCO2e", "Carbon of admissions, bed days and journeys avoided",
        "Carbon avoided, kg CO2e", "carbon avoided, kg CO2e", flow, kYear | kReport | kRegion, Needs::carbon, kSociety),
    row(Metric::net_present_value_gbp, "net_present_value_gbp", "GBP",
        "Present value at the start of gross savings, cash and capacity, less cost; health is not counted",
        "Net present value of cash and capacity, health not counted", "net present value", flow,
        kReport | kRegion | kMoney, Needs::value, kEfficiency),
    row(Metric::present_value_cash_gbp, "present_value_cash_gbp", "GBP", "Present value at the start of cash savings",
        "Present value of cash savings", "PV of cash savings", flow, kReport | kRegion | kMoney, Needs::value,
        kEfficiency),
    row(Metric::present_value_social_gbp, "present_value_social_gbp", "GBP",
        "Present value at the start of social value, QALYs discounted at the rate of health",
        "Present value of social value", "PV of social value", flow, kReport | kRegion | kMoney, Needs::social,
        kSociety),
    row(Metric::present_value_cost_gbp, "present_value_cost_gbp", "GBP",
        "Present value at the start of cost, all funders", "Present value of cost, all funders", "PV of cost", flow,
        kReport | kRegion | kMoney | kLower, Needs::cost, kEfficiency),
    row(Metric::present_value_cost_public_gbp, "present_value_cost_public_gbp", "GBP",
        "Present value at the start of the cost that no provider bears", "Present value of cost, public funders",
        "PV of public cost", flow, kReport | kRegion | kMoney | kLower, Needs::cost, kEfficiency),
    row(Metric::roi_fiscal, "roi_fiscal", "1", "Present value of cash savings per pound of public cost",
        "Cash per public pound", "cash per public pound", ratio, kReport | kRegion | kOwnWorld, Needs::value,
        kEfficiency),
    row(Metric::roi_social, "roi_social", "1", "Present value of social value per pound of public cost",
        "Social value per public pound", "social per public pound", ratio, kReport | kRegion | kOwnWorld,
        Needs::social_return, kSociety),
    row(Metric::roi_net, "roi_net", "1", "Present value of additional cash savings per pound of additional cost",
        "Added cash per added pound", "added cash per added GBP", ratio, kReport | kRegion | kPaired, Needs::value,
        kEfficiency),
    row(Metric::acceleration_months, "acceleration_months", "months",
        "Mean time by which equal levels of ever adopted come sooner", "Months sooner", "months sooner", ratio,
        kReport | kPaired, Needs::nothing, kSpread),
    row(Metric::levels_never_reached_share, "levels_never_reached_share", "1",
        "Share of the levels reached that the comparator does not reach",
        "Share of the levels reached that the comparator has not reached by then", "levels only by support", ratio,
        kReport | kPaired | kPercent, Needs::nothing, kSpread),
    row(Metric::attributable_share, "attributable_share", "1",
        "Net over gross benefit: admissions or other events avoided, else value, days sooner, people reached; 0 to 1 "
        "as "
        "a mean, while a replicate's own may lie outside",
        "Net share of effect", "net share of effect", ratio, kReport | kRegion | kPaired | kPercent, Needs::benefit,
        kPatients),
    row(Metric::not_otherwise_adopted, "not_otherwise_adopted", "organisations",
        "Organisations ever in use that never are in the comparator's world by the date",
        "Organisations ever in use that otherwise would not be by then", "not in use otherwise", ratio,
        kReport | kRegion | kPaired, Needs::nothing, kPractice | kSpread),
    row(Metric::significantly_reduced, "significantly_reduced", "1",
        "1 where the benefit would have been smaller by a fifth or more, else 0; its mean is a probability",
        "Chance that the benefit would be smaller by a fifth or more", "chance of a fifth less", ratio,
        kReport | kRegion | kPaired | kPercent, Needs::benefit, kPatients),
    row(Metric::first_use_months, "first_use_months", "months",
        "Months from the start to the first use in a region; of the whole country: from the earliest region's to "
        "the latest's",
        "Months to the first use (of all regions: from the first to the last)", "months to first use", ratio,
        kReport | kRegion | kLower, Needs::nothing, kSpread),
    row(Metric::latest_first_use_months, "latest_first_use_months", "months",
        "Months from the start to the latest first use in a region; of the whole country: from the earliest region's "
        "to the latest's",
        "Months to the latest first use (of all regions: from the first to the last)", "months to last first use",
        ratio, kReport | kRegion | kLower, Needs::nothing, kSpread),
    row(Metric::regional_cv, "regional_cv", "1", "Coefficient of variation of adoption share over regions",
        "Variation of adoption between regions (coefficient of variation)", "variation over regions", ratio,
        kReport | kLower | kIndex, Needs::nothing, kSpread),
    row(Metric::regional_gini, "regional_gini", "1", "Gini index of adoption share over regions",
        "Inequality of adoption between regions (Gini index)", "Gini index over regions", ratio,
        kReport | kLower | kIndex, Needs::nothing, kSpread),
    row(Metric::deprivation_gap, "deprivation_gap", "1",
        "Adoption share of the most deprived fifth less that of the rest",
        "Share in use: most deprived fifth less the rest", "deprivation gap", ratio, kReport | kNearerZero | kPoints,
        Needs::nothing, kSpread | kSociety),
    row(Metric::slope_index, "slope_index", "1", "Slope of adoption share from the most to the least deprived",
        "Slope index of inequality, adoption", "slope index", ratio, kReport | kNearerZero | kPoints, Needs::nothing,
        kSpread | kSociety),
    row(Metric::relative_index, "relative_index", "1", "Slope index over mean adoption share",
        "Relative index of inequality, adoption", "relative index", ratio, kReport | kNearerZero | kIndex,
        Needs::nothing, kSpread | kSociety),
    row(Metric::concentration_index, "concentration_index", "1", "Concentration of adoption towards the least deprived",
        "Concentration index, adoption", "concentration index", ratio, kReport | kNearerZero | kIndex, Needs::nothing,
        kSpread | kSociety),
    row(Metric::reach_regional_cv, "reach_regional_cv", "1", "Coefficient of variation of reach over regions",
        "Variation of reach between regions (coefficient of variation)", "reach: variation", ratio,
        kReport | kLower | kIndex, Needs::people, kPatients),
    row(Metric::reach_regional_gini, "reach_regional_gini", "1", "Gini index of reach over regions",
        "Inequality of reach between regions (Gini index)", "reach: Gini index", ratio, kReport | kLower | kIndex,
        Needs::people, kPatients),
    row(Metric::reach_deprivation_gap, "reach_deprivation_gap", "persons",
        "People reached per eligible organisation of mean size: most deprived fifth less the rest",
        "People reached per organisation: most deprived fifth less the rest", "reach: deprivation gap", ratio,
        kReport | kNearerZero | kIndex, Needs::people, kPatients | kSociety),
    row(Metric::reach_slope_index, "reach_slope_index", "persons",
        "Slope of people reached per eligible organisation from the most to the least deprived",
        "Slope index of inequality, people reached per organisation", "reach: slope index", ratio,
        kReport | kNearerZero | kIndex, Needs::people, kPatients | kSociety),
    row(Metric::reach_relative_index, "reach_relative_index", "1", "Slope index of reach over its mean",
        "Relative index of inequality, reach", "reach: relative index", ratio, kReport | kNearerZero | kIndex,
        Needs::people, kPatients | kSociety),
    row(Metric::reach_concentration_index, "reach_concentration_index", "1",
        "Concentration of reach towards the least deprived", "Concentration index, reach", "reach: concentration",
        ratio, kReport | kNearerZero | kIndex, Needs::people, kPatients | kSociety),
    row(Metric::benefit_regional_cv, "benefit_regional_cv", "1", "Coefficient of variation of benefit over regions",
        "Variation of benefit between regions (coefficient of variation)", "benefit: variation", ratio,
        kReport | kLower | kIndex, Needs::benefit, kPatients),
    row(Metric::benefit_regional_gini, "benefit_regional_gini", "1", "Gini index of benefit over regions",
        "Inequality of benefit between regions (Gini index)", "benefit: Gini index", ratio, kReport | kLower | kIndex,
        Needs::benefit, kPatients),
    row(Metric::benefit_deprivation_gap, "benefit_deprivation_gap", "1",
        "Benefit per eligible organisation of mean size: most deprived fifth less the rest, in the benefit's unit",
        "Benefit per organisation: most deprived fifth less the rest", "benefit: deprivation gap", ratio,
        kReport | kNearerZero | kIndex, Needs::benefit, kPatients | kSociety),
    row(Metric::benefit_slope_index, "benefit_slope_index", "1",
        "Slope of benefit per eligible organisation from the most to the least deprived, in the benefit's unit",
        "Slope index of inequality, benefit per organisation", "benefit: slope index", ratio,
        kReport | kNearerZero | kIndex, Needs::benefit, kPatients | kSociety),
    row(Metric::benefit_relative_index, "benefit_relative_index", "1", "Slope index of benefit over its mean",
        "Relative index of inequality, benefit", "benefit: relative index", ratio, kReport | kNearerZero | kIndex,
        Needs::benefit, kPatients | kSociety),
    row(Metric::benefit_concentration_index, "benefit_concentration_index", "1",
        "Concentration of benefit towards the least deprived", "Concentration index, benefit", "benefit: concentration",
        ratio, kReport | kNearerZero | kIndex, Needs::benefit, kPatients | kSociety),
    // Prices of each year, as companies report them: no price year.
    row(Metric::investment_gbp, "investment_gbp", "GBP",
        "Investment that supported companies report: self-reported survey, prices of each year",
        "Investment reported, prices of each year", "investment reported", flow, kYear | kReport | kRegion,
        Needs::growth, kGrowth),
    row(Metric::jobs, "jobs", "jobs",
        "Jobs created or safeguarded that supported companies report: self-reported survey",
        "Jobs created or safeguarded, as reported", "jobs reported", flow, kYear | kReport | kRegion, Needs::growth,
        kGrowth),
    row(Metric::companies_supported, "companies_supported", "companies", "Companies supported", "Companies supported",
        "companies supported", flow, kYear | kReport | kRegion, Needs::growth, kGrowth),
    row(Metric::pipeline_needs_assessment, "pipeline_needs_assessment", "companies",
        "Companies whose needs are assessed", "Companies whose needs are assessed", "needs assessed", flow,
        kYear | kReport | kRegion, Needs::growth, kGrowth),
    row(Metric::pipeline_fellows, "pipeline_fellows", "fellows", "Fellows who join the accelerator",
        "Fellows who join the accelerator", "accelerator fellows", flow, kYear | kReport | kRegion, Needs::growth,
        kGrowth),
    row(Metric::pipeline_supported, "pipeline_supported", "companies", "Companies that come to the highest support",
        "Companies at the highest support", "at the highest support", flow, kYear | kReport | kRegion, Needs::growth,
        kGrowth),
    row(Metric::pipeline_evaluated, "pipeline_evaluated", "companies", "Companies whose innovation is evaluated",
        "Companies whose innovation is evaluated", "innovation evaluated", flow, kYear | kReport | kRegion,
        Needs::growth, kGrowth),
    row(Metric::pipeline_in_new_setting, "pipeline_in_new_setting", "companies",
        "Companies whose innovation comes into a new setting", "Companies with an innovation in a new setting",
        "innov. in a new setting", flow, kYear | kReport | kRegion, Needs::growth, kGrowth),
    row(Metric::growth_roi, "growth_roi", "1",
        "Value of additional jobs per pound of growth funding: an identity set to the published 3.96, no validation",
        "Value of additional jobs per pound of growth funding", "value per growth pound", ratio, kReport | kPaired,
        Needs::growth, kGrowth),
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kMetrics.size(); ++i)
    if (static_cast<std::size_t>(kMetrics[i].id) != i) return false;
  return true;
}
static_assert(in_order(), "spec(id) indexes the table");

bool is_on(const MetricSpec& metric, Axis axis) {
  switch (axis) {
    case Axis::month:
      return metric.on_month;
    case Axis::year:
      return metric.on_year;
    case Axis::report:
      return metric.on_report;
  }
  return false;
}
}  // namespace

std::span<const MetricSpec> metric_table() { return kMetrics; }

std::optional<Metric> find_metric(std::string_view name) {
  const auto at = std::ranges::find(kMetrics, name, &MetricSpec::name);
  if (at == kMetrics.end()) return std::nullopt;
  return at->id;
}

std::span<const Period> SummaryLayout::times(Axis axis) const {
  switch (axis) {
    case Axis::month:
      return months;
    case Axis::year:
      return years;
    case Axis::report:
      return reports;
  }
  return {};
}

const Block* SummaryLayout::find(Metric metric, Axis axis, Geography geography) const {
  for (const Block& block : blocks)
    if (block.metric == metric && block.axis == axis && block.geography == geography) return &block;
  return nullptr;
}

namespace {
/// Every `step`-th month, counted so that the end of the financial year is always kept, and the last.
std::vector<Period> course_of(std::vector<Period> months, int step) {
  std::vector<Period> kept;
  Date from = months.front().from;
  for (std::size_t i = 0; i < months.size(); ++i) {
    const auto month = static_cast<unsigned>(std::chrono::year_month_day{months[i].to}.month());
    if ((month + 9) % static_cast<unsigned>(step) != 0 && i + 1 < months.size()) continue;  // March is 0
    kept.push_back({from, months[i].to, months[i].label});
    from = months[i].to + std::chrono::days{1};
  }
  return kept;
}

/// The flow that a programme's benefit is read off. Unlike events are not added, so all together have none.
std::optional<Metric> benefit_of(Known known) {
  for (const auto& [needs, flow] :
       {std::pair{Needs::admissions, Metric::admissions_avoided}, std::pair{Needs::events, Metric::events_avoided},
        std::pair{Needs::value, Metric::savings_gross_gbp}, std::pair{Needs::diagnosis, Metric::diagnosis_days_sooner},
        std::pair{Needs::people, Metric::patients_in_year}})
    if ((known & bit(needs)) != 0) return flow;
  return std::nullopt;
}

/// Setting::is_known of a parameter of a programme, or of the economy.
bool is_known(const Scenario& scenario, const ProgrammeSpec& programme, Parameter id) {
  const auto i = static_cast<std::size_t>(id);
  const Setting& setting =
      i < kNProgrammeParameters ? programme.settings[i] : scenario.economy[i - kNProgrammeParameters];
  return setting.is_known(scenario.mode);
}

/// @param layout with its benefits and tables
std::array<int, kNMetrics> count_in_total(const Model& model, const SummaryLayout& layout) {
  const Scenario& scenario = model.scenario;
  const auto n = scenario.programmes.size();
  std::vector<double> values;
  const auto add = [&](const ProgrammeSpec& programme, std::size_t first, std::size_t end) {
    for (std::size_t id = first; id < end; ++id)
      values.push_back(is_known(scenario, programme, static_cast<Parameter>(id)) ? 0.5 : 0.0);
  };
  for (const ProgrammeSpec& programme : scenario.programmes) add(programme, 0, kNProgrammeParameters);
  add(scenario.programmes.front(), kNProgrammeParameters, kNParameters);
  const Draw draw(std::move(values), static_cast<int>(n));
  std::array<int, kNMetrics> n_in_total{};
  Known known_of_each = ~Known{};
  for (std::size_t j = 0; j < n; ++j) known_of_each &= layout.tables->programmes[j].known;
  for (std::size_t j = 0; j < n; ++j) {
    const Known known = layout.tables->programmes[j].known;
    const Flows flows = flows_of(model, draw, static_cast<int>(j), known);
    for (const MetricSpec& metric : kMetrics) {
      if (n > 1 && (kOfOneAlone & bit(metric.needs)) != 0) continue;
      if ((kOfEachOrNone & bit(metric.needs) & ~known_of_each) != 0) continue;
      const auto flow = flow_behind(metric.id, layout.benefit.back());
      const bool enters = flow ? flows.test(static_cast<std::size_t>(*flow)) : (known & bit(metric.needs)) != 0;
      n_in_total[static_cast<std::size_t>(metric.id)] += enters ? 1 : 0;
    }
  }
  return n_in_total;
}
}  // namespace

namespace {
/// Whether anything is said of what a programme costs. A process without outcomes for which nobody states a cost is about
/// adoption alone: at the table's prices it would come to millions that nobody asked about.
bool has_stated_cost(const Scenario& scenario, const ProgrammeSpec& programme) {
  if (programme.outcome != OutcomeKind::none) return true;
  if (programme.settings[static_cast<std::size_t>(Parameter::delivery_staff_days)].value != 0) return true;
  constexpr std::array kPrices{Parameter::set_up_cost, Parameter::running_cost, Parameter::cost_per_person};
  const auto is_stated = [&](Parameter id) { return programme.settings[static_cast<std::size_t>(id)].is_stated(); };
  const auto pays = [](const Lever& lever) {
    return lever.kind == LeverKind::facilitation || lever.kind == LeverKind::outreach ||
           lever.kind == LeverKind::tariff;
  };
  return std::ranges::any_of(kPrices, is_stated) || std::ranges::any_of(scenario.levers, pays) ||
         std::ranges::any_of(scenario.strategies,
                             [&](const Strategy& one) { return std::ranges::any_of(one.levers, pays); });
}
}  // namespace

Known known_of(const Scenario& scenario, const ProgrammeSpec& programme) {
  Known known = bit(Needs::nothing);
  const auto learn = [&](Needs needs, bool is_known) {
    if (is_known) known |= bit(needs);
    return is_known;
  };
  const auto has = [&](Parameter id) { return is_known(scenario, programme, id); };
  learn(Needs::cost, has_stated_cost(scenario, programme));
  const auto is_site = [](OrganisationType type) { return type == OrganisationType::community_site; };
  learn(Needs::sites, !programme.eligible.empty() && std::ranges::all_of(programme.eligible, is_site));
  if (programme.outcome == OutcomeKind::none) return known;

  const bool is_capacity = programme.outcome == OutcomeKind::capacity;
  const bool beds = learn(Needs::beds, is_capacity && has(Parameter::beds));
  const bool uptake = learn(Needs::uptake, programme.outcome == OutcomeKind::uptake);
  const bool counted = has(Parameter::persons_a_year) || has(Parameter::persons_per_organisation);
  const bool people = learn(Needs::people, is_capacity ? beds : counted);
  const bool from_risk = counted && has(Parameter::baseline_risk);
  const bool baseline = has(Parameter::baseline_events);
  const bool events = learn(Needs::events, programme.outcome == OutcomeKind::events ? baseline || from_risk
                                           : uptake                                 ? from_risk
                                                                                    : beds);
  const bool admissions = learn(Needs::admissions, events && programme.event.ends_with("admission"));
  const bool stay = programme.outcome == OutcomeKind::stay && baseline;
  const bool bed_days = learn(Needs::bed_days, stay || (admissions && has(Parameter::bed_days_per_event)));
  const bool sooner =
      learn(Needs::diagnosis, programme.outcome == OutcomeKind::diagnosis && people && has(Parameter::days_sooner));
  const bool value = learn(Needs::value, admissions || stay || (events && has(Parameter::value_per_event)) ||
                                             (people && has(Parameter::value_per_person)));
  const bool qalys =
      learn(Needs::qalys, (events && has(Parameter::qalys_per_event)) || (people && has(Parameter::qalys_per_person)));
  const bool social = learn(Needs::social, qalys || (events && has(Parameter::social_value_per_event)));
  learn(Needs::social_return, social);
  learn(Needs::carbon, (admissions && has(Parameter::carbon_per_admission)) ||
                           (bed_days && has(Parameter::carbon_per_bed_day)) ||
                           (people && has(Parameter::journeys_per_person) && has(Parameter::carbon_per_journey)));
  learn(Needs::benefit, events || value || sooner || people);
  return known;
}

SummaryLayout make_layout(const Model& model) {
  SummaryLayout layout;
  const Scenario& scenario = model.scenario;
  for (const Strategy& strategy : scenario.strategies) layout.strategies.push_back(strategy.name);
  const bool several = scenario.programmes.size() > 1;
  Known any = bit(Needs::nothing);
  for (const ProgrammeSpec& programme : scenario.programmes) {
    layout.programmes.push_back(programme.name);
    const Known known = known_of(scenario, programme);
    layout.benefit.push_back(benefit_of(known));
    any |= known;
  }
  if (several || scenario.growth) {
    layout.programmes.emplace_back("all");
    layout.benefit.push_back(several ? benefit_of(any & ~bit(Needs::events)) : layout.benefit.front());
  }
  if (several && (any & bit(Needs::people)) != 0) any |= bit(Needs::several);
  if (scenario.growth) any |= bit(Needs::growth);
  layout.regions.emplace_back("England");
  for (const Region& region : model.population->regions) layout.regions.push_back(region.name);
  for (const Board& board : model.population->boards) layout.boards.push_back(board.short_name);
  layout.months = course_of(model.calendar().months(), scenario.path_months);
  layout.years = model.calendar().financial_years();
  layout.reports = model.calendar().report_periods();
  layout.comparator = scenario.comparator;

  const auto add = [&](const MetricSpec& metric, Axis axis, Geography geography, std::size_t n_places) {
    if ((any & bit(metric.needs)) == 0) return;
    const Block block{metric.id,
                      axis,
                      geography,
                      layout.size,
                      static_cast<int>(layout.strategies.size()),
                      static_cast<int>(layout.programmes.size()),
                      static_cast<int>(layout.times(axis).size()),
                      static_cast<int>(n_places)};
    layout.size += block.size();
    layout.blocks.push_back(block);
  };
  for (const Axis axis : {Axis::month, Axis::year, Axis::report})
    for (const MetricSpec& metric : kMetrics)
      if (is_on(metric, axis)) add(metric, axis, Geography::region, metric.by_region ? layout.regions.size() : 1);
  for (const MetricSpec& metric : kMetrics)
    if (metric.by_board && scenario.by_board) add(metric, Axis::month, Geography::board, layout.boards.size());

  layout.tables = make_outcome_tables(model, layout);
  layout.n_in_total = count_in_total(model, layout);
  return layout;
}

std::optional<RatioOfMeans> ratio_of_means(Metric metric, std::optional<Metric> benefit) {
  using enum Metric;
  const auto of_a_world = [](Metric gain, Metric cost) {
    return RatioOfMeans{gain, cost, View::gross, View::gross, true};
  };
  switch (metric) {
    case roi_fiscal:
      return of_a_world(present_value_cash_gbp, present_value_cost_public_gbp);
    case roi_social:
      return of_a_world(present_value_social_gbp, present_value_cost_public_gbp);
    case roi_net:
      return RatioOfMeans{present_value_cash_gbp, present_value_cost_gbp, View::net, View::net, true};
    case attributable_share:
      if (benefit) return RatioOfMeans{*benefit, *benefit, View::net, View::gross, false};
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

double RatioOfMeans::value(double of_over, double of_under) const {
  const double ratio = of_over / of_under;
  const bool is_defined = is_return ? of_under > 0 : ratio >= 0 && ratio <= 1;  // 0 / 0 is neither
  return is_defined ? ratio : std::numeric_limits<double>::quiet_NaN();
}

Seen seen(Metric metric, View view) {
  if (spec(metric).paired) return view == View::net ? Seen::own : Seen::nothing;
  switch (view) {
    case View::gross:
      return Seen::own;
    case View::counterfactual:
      return Seen::comparator;
    case View::net:
      return spec(metric).own_world ? Seen::nothing : Seen::difference;
  }
  return Seen::nothing;
}

double value_in_view(const SummaryLayout& layout, std::span<const double> summary, const Block& block, int strategy,
                     int programme, int time, int place, View view) {
  const double own = summary[block.at(strategy, programme, time, place)];
  const double without = summary[block.at(layout.comparator, programme, time, place)];
  switch (seen(block.metric, view)) {
    case Seen::own:
      return own;
    case Seen::comparator:
      return without;
    case Seen::difference:
      return own - without;
    case Seen::nothing:
      break;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace uptake
