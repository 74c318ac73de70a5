// Where the values of a summary sit, and what a view shows of them.
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
    for (const MetricSpec& metric : metric_table()) {
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
    for (const MetricSpec& metric : metric_table())
      if (is_on(metric, axis)) add(metric, axis, Geography::region, metric.by_region ? layout.regions.size() : 1);
  for (const MetricSpec& metric : metric_table())
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
