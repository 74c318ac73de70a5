#include "outcomes/outcome_sheet.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace uptake {

Shape shape_of(const OutcomeTables& tables, const SummaryLayout& layout) {
  Shape shape{};
  const bool by_board = layout.find(Metric::adopters, Axis::month, Geography::board) != nullptr;
  const bool has_beds = layout.find(Metric::capacity_beds, Axis::month) != nullptr;
  shape.n_places = layout.regions.size();
  shape.n_stock_places = layout.regions.size() + (by_board ? layout.boards.size() : 0);
  shape.n_stocks = tables.stock_boundaries.size();
  shape.n_months = layout.months.size();
  shape.n_periods = tables.cells_of_period.size();
  shape.n_reports = layout.reports.size();
  shape.n_boundaries = tables.cell_of_boundary.size();
  std::size_t next = kNStocks * shape.n_stocks * shape.n_stock_places;
  const auto section = [&](std::size_t n) {
    const std::size_t at = next;
    next += n;
    return at;
  };
  shape.patients = section(shape.n_months * shape.n_places);
  shape.flows = section(kNFlows * shape.n_periods * shape.n_places);
  shape.values = section(kNValues * shape.n_reports * shape.n_places);
  const bool has_sites = layout.find(Metric::sites, Axis::month) != nullptr;
  shape.sites = section(has_sites ? shape.n_stocks * shape.n_places : 0);
  shape.beds = section(has_beds ? shape.n_stocks * shape.n_places : 0);
  shape.distinct = section(shape.n_reports * shape.n_places);
  shape.not_otherwise = section(shape.n_reports * shape.n_places);
  shape.quintiles = section(shape.n_reports * kNQuintileGroups);
  shape.flows_by_quintile = section(kNFlows * shape.n_reports * kNQuintileGroups);
  shape.ever = section(shape.n_boundaries);
  shape.size = next;
  return shape;
}

void Sheet::add(const Sheet& other) {
  // A programme alone is its own total.
  const Known of_both = (known & other.known) | ~kOfEachOrNone;
  known = n_added == 0 ? other.known : (known | other.known) & ~kOfOneAlone & of_both;
  uptake = n_added == 0 ? other.uptake : std::vector<double>{};
  ++n_added;
  for (std::size_t i = 0; i < eligible.size(); ++i) {
    eligible[i] += other.eligible[i];
    size[i] += other.size[i];
  }
  for (std::size_t i = 0; i < kNQuintileGroups; ++i) {
    eligible_by_quintile[i] += other.eligible_by_quintile[i];
    size_by_quintile[i] += other.size_by_quintile[i];
  }
  // People who are reached by two programmes of a region are at least those of the larger one.
  std::vector<double> largest(shape.n_reports * shape.n_places);
  for (std::size_t report = 0; report < shape.n_reports; ++report) {
    double* places = largest.data() + report * shape.n_places;
    for (std::size_t place = 1; place < shape.n_places; ++place)
      places[0] += places[place] = std::max(distinct(report)[place], other.distinct(report)[place]);
  }
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += other.values[i];
  std::ranges::copy(largest, distinct(0));
  for (std::size_t i = 0; i < first_use.size(); ++i) {
    if (other.first_use[i] < 0) continue;
    first_use[i] = first_use[i] < 0 ? other.first_use[i] : std::min(first_use[i], other.first_use[i]);
    latest_use[i] = std::max(latest_use[i], other.latest_use[i]);
  }
}

CountsShape counts_shape_of(const OutcomeTables& tables) {
  CountsShape shape{};
  shape.n_boards = tables.region_of_board.size();
  shape.n_regions = tables.programmes.front().eligible.size() - 1;
  const std::size_t n_stocks = tables.stock_boundaries.size() + 1, n_reports = tables.report_boundaries.size() + 1;
  const std::size_t by_week = tables.cell_of_boundary.size() * shape.n_regions;
  shape.stock = n_stocks * shape.n_boards;
  shape.use = kNStocks * shape.stock;
  shape.set_ups = shape.use + by_week;
  shape.first_use = shape.set_ups + by_week;
  shape.quintiles = shape.first_use + by_week;
  shape.not_otherwise = shape.quintiles + n_stocks * kNQuintileGroups;
  shape.size = shape.not_otherwise + n_reports * shape.n_regions;
  return shape;
}

Prices prices_of(const Model& model, const Draw& draw, int programme) {
  const ProgrammeSpec& spec = model.scenario.programmes[static_cast<std::size_t>(programme)];
  const double benefit_left = spec.effect_already_shrunk ? 1.0 : 1 - draw(Parameter::optimism_benefit);
  const double cost_raised = 1 + draw(Parameter::optimism_cost);
  const auto value = [&](Parameter id) { return draw(programme, id); };
  Prices prices{};
  prices.events_are_admissions = spec.event.ends_with("admission");
  prices.effect_is_bed_days = spec.outcome == OutcomeKind::stay;
  if (value(Parameter::value_per_event) != 0)
    prices.per_event = value(Parameter::value_per_event) * benefit_left;
  else if (prices.events_are_admissions)
    prices.per_event = draw(Parameter::admission_price) * draw(Parameter::deflator) * benefit_left;
  prices.per_bed_day = draw(Parameter::bed_day_price) * benefit_left;
  prices.per_person = value(Parameter::value_per_person) * benefit_left;
  prices.social_per_event = value(Parameter::social_value_per_event) * benefit_left;
  prices.per_qaly = draw(Parameter::qaly_value) * benefit_left;
  prices.qalys_per_event = value(Parameter::qalys_per_event);
  prices.qalys_per_person = value(Parameter::qalys_per_person);
  prices.bed_days_per_admission = value(Parameter::bed_days_per_event);
  prices.days_sooner = value(Parameter::days_sooner);
  prices.carbon_per_admission = draw(Parameter::carbon_per_admission);
  prices.carbon_per_bed_day = draw(Parameter::carbon_per_bed_day);
  prices.carbon_per_person = value(Parameter::journeys_per_person) * draw(Parameter::carbon_per_journey);
  prices.cashable = draw(Parameter::cashable_share);
  prices.set_up = value(Parameter::set_up_cost) * cost_raised;
  prices.running = value(Parameter::running_cost) * cost_raised;
  prices.cost_per_person = value(Parameter::cost_per_person) * cost_raised;
  prices.staff_day = value(Parameter::staff_day_price) * cost_raised;
  prices.delivery_is_public = spec.delivery_funder != Funder::provider;
  prices.adoption_is_public = spec.adoption_funder != Funder::provider;
  return prices;
}

namespace {

/// England is the sum of the regions, in their order.
void add_up_england(double* places, std::size_t n_regions) {
  places[0] = 0;
  for (std::size_t r = 0; r < n_regions; ++r) places[0] += places[1 + r];
}

void fill_stocks(const OutcomeTables& tables, const CountsShape& shape, const OutcomeTables::Programme& facts,
                 const Tally& tally, Sheet& sheet) {
  const std::size_t n_regions = shape.n_regions, n_boards = shape.n_boards;
  std::vector<std::int32_t> now;  // by board, then by region
  const std::size_t n_stocks = tables.stock_boundaries.size();
  const bool by_board = sheet.shape.n_stock_places > sheet.shape.n_places;
  for (int kind = 0; kind < kNStocks; ++kind) {
    now.assign(n_boards + n_regions, 0);
    for (std::size_t at = 0; at < n_stocks; ++at) {
      const std::int32_t* change = tally.counts.data() + static_cast<std::size_t>(kind) * shape.stock + at * n_boards;
      std::fill_n(now.begin() + static_cast<std::ptrdiff_t>(n_boards), n_regions, 0);
      double* places = sheet.stock(kind, static_cast<int>(at));
      for (std::size_t b = 0; b < n_boards; ++b) now[b] += change[b];
      for (std::size_t b = 0; b < n_boards; ++b)
        now[n_boards + static_cast<std::size_t>(tables.region_of_board[b])] += now[b];
      for (std::size_t r = 0; r < n_regions; ++r) places[1 + r] = facts.scale * now[n_boards + r];
      add_up_england(places, n_regions);
      if (!by_board) continue;
      for (std::size_t b = 0; b < n_boards; ++b) places[1 + n_regions + b] = facts.scale * now[b];
    }
  }
  double ever = 0;
  const std::int32_t* first_use = tally.counts.data() + shape.first_use;
  for (double& here : sheet.ever()) {
    here = facts.scale * (ever += std::accumulate(first_use, first_use + n_regions, 0));
    first_use += n_regions;
  }

  for (std::size_t report = 0; report < tables.stock_of_report.size(); ++report) {  // in any order of dates
    std::array<std::int32_t, kNQuintileGroups> quintiles{};
    const std::int32_t* change = tally.counts.data() + shape.quintiles;
    for (std::size_t at = 0; at <= static_cast<std::size_t>(tables.stock_of_report[report]); ++at)
      for (std::int32_t& quintile : quintiles) quintile += *change++;
    for (std::size_t q = 0; q < kNQuintileGroups; ++q) sheet.quintiles(report)[q] = facts.scale * quintiles[q];
  }
}

/// Sums over cells of what some organisations do.
struct Sums {
  double people = 0, effect = 0, home_years = 0, set_ups = 0, staff_days = 0;
  double people_paid = 0, home_years_paid = 0, set_ups_paid = 0;  ///< in so far as a tariff pays for them
};

/// What sums come to at the programme's prices, with the flows that are not of its kind 0.
class Account {
 public:
  Account(const Sums& sums, const Prices& prices, Known known)
      : s_(sums),
        p_(prices),
        has_social_((known & bit(Needs::social)) != 0),
        has_cost_((known & bit(Needs::cost)) != 0) {}
  [[nodiscard]] double people() const { return s_.people; }
  [[nodiscard]] double events() const { return p_.effect_is_bed_days ? 0.0 : s_.effect; }
  [[nodiscard]] double admissions() const { return p_.events_are_admissions ? events() : 0.0; }
  [[nodiscard]] double bed_days() const {
    return p_.effect_is_bed_days ? s_.effect : admissions() * p_.bed_days_per_admission;
  }
  [[nodiscard]] double diagnosis() const { return s_.people * p_.days_sooner; }
  [[nodiscard]] double qalys() const { return events() * p_.qalys_per_event + s_.people * p_.qalys_per_person; }
  [[nodiscard]] double savings() const {
    return (p_.effect_is_bed_days ? s_.effect * p_.per_bed_day : s_.effect * p_.per_event) + s_.people * p_.per_person;
  }
  [[nodiscard]] double cash() const { return p_.cashable * savings(); }
  /// 0 where neither QALYs nor a value to others is known, though there be savings: a total is the sum of what its
  /// programmes are given. @param of_qalys those that count, for they have a discount rate of their own
  [[nodiscard]] double social(double of_qalys) const {
    return has_social_ ? savings() + p_.per_qaly * of_qalys + events() * p_.social_per_event : 0.0;
  }
  [[nodiscard]] double delivery() const { return s_.staff_days * p_.staff_day; }
  [[nodiscard]] double adoption() const {
    return s_.set_ups * p_.set_up + s_.home_years * p_.running + s_.people * p_.cost_per_person;
  }
  [[nodiscard]] double tariff() const {
    return s_.set_ups_paid * p_.set_up + s_.home_years_paid * p_.running + s_.people_paid * p_.cost_per_person;
  }
  [[nodiscard]] double cost() const { return has_cost_ ? delivery() + adoption() : 0.0; }
  [[nodiscard]] double cost_public() const {
    if (!has_cost_) return 0.0;
    return (p_.delivery_is_public ? delivery() : 0.0) + (p_.adoption_is_public ? adoption() : tariff());
  }
  [[nodiscard]] double carbon() const {
    return admissions() * p_.carbon_per_admission + bed_days() * p_.carbon_per_bed_day +
           s_.people * p_.carbon_per_person;
  }

  /// Calls set(flow, value) for every flow.
  template <typename Set>
  void give(Set set) const {
    set(flow_patients, people());
    set(flow_events, events());
    set(flow_admissions, admissions());
    set(flow_bed_days, bed_days());
    set(flow_diagnosis, diagnosis());
    set(flow_home_years, s_.home_years);
    set(flow_qalys, qalys());
    set(flow_savings, savings());
    set(flow_cash, cash());
    set(flow_capacity, savings() - cash());
    set(flow_social, social(qalys()));
    set(flow_cost, cost());
    set(flow_cost_public, cost_public());
    set(flow_carbon, carbon());
  }

 private:
  const Sums& s_;
  const Prices& p_;
  bool has_social_, has_cost_;
};

/// What equity is measured of.
enum class Of : std::uint8_t { adoption, reach, benefit };
constexpr int kNEquityMeasures = 6;
static_assert(static_cast<int>(Metric::reach_regional_cv) == static_cast<int>(Metric::regional_cv) + kNEquityMeasures);
static_assert(static_cast<int>(Metric::benefit_regional_cv) ==
              static_cast<int>(Metric::reach_regional_cv) + kNEquityMeasures);
struct Equity {
  Of of;
  int measure;  ///< 0 .. kNEquityMeasures - 1
};
/// None of what measures no equity.
std::optional<Equity> equity_of(Metric metric) {
  if (metric < Metric::regional_cv || metric > Metric::benefit_concentration_index) return std::nullopt;
  const int at = static_cast<int>(metric) - static_cast<int>(Metric::regional_cv);
  return Equity{static_cast<Of>(at / kNEquityMeasures), at % kNEquityMeasures};
}

}  // namespace

std::optional<Flow> flow_behind(Metric metric, std::optional<Metric> benefit) {
  const std::optional<Flow> of_benefit = benefit ? std::optional(flow_of(*benefit)) : std::nullopt;
  switch (metric) {
    case Metric::patients_benefited:
    case Metric::patients_distinct_least:
      return flow_patients;
    case Metric::net_present_value_gbp:
      return flow_savings;
    case Metric::present_value_cash_gbp:
    case Metric::roi_fiscal:
    case Metric::roi_net:
      return flow_cash;
    case Metric::present_value_social_gbp:
    case Metric::roi_social:
      return flow_social;
    case Metric::present_value_cost_gbp:
      return flow_cost;
    case Metric::present_value_cost_public_gbp:
      return flow_cost_public;
    case Metric::attributable_share:
    case Metric::significantly_reduced:
      return of_benefit;
    default:
      if (const auto measured = equity_of(metric)) {
        if (measured->of == Of::adoption) return std::nullopt;
        return measured->of == Of::reach ? flow_patients : of_benefit;
      }
      if (metric < Metric::patients_in_year || metric > Metric::carbon_kg) return std::nullopt;
      return flow_of(metric);
  }
}

Flows flows_of(const Model& model, const Draw& stated, int programme, Known known) {
  const Prices prices = prices_of(model, stated, programme);
  const auto has = [&](Needs needs) { return (known & bit(needs)) != 0; };
  Sums sums;
  sums.people = has(Needs::people) ? 1 : 0;
  sums.effect = has(prices.effect_is_bed_days ? Needs::bed_days : Needs::events) ? 1 : 0;
  sums.home_years = sums.set_ups = 1;
  const auto in_some_world = [&](auto&& is_so) {
    return std::ranges::any_of(model.strategies, [&](const StrategyPlan& strategy) {
      return is_so(strategy.programmes[static_cast<std::size_t>(programme)]);
    });
  };
  const auto is_some = [](auto x) { return x > 0; };
  if (in_some_world([&](const ProgrammePlan& plan) {
        return std::ranges::any_of(plan.delivered_by_region,
                                   [&](const auto& days) { return std::ranges::any_of(days, is_some); });
      }))
    sums.staff_days = 1;
  if (in_some_world([&](const ProgrammePlan& plan) {
        return std::ranges::any_of(plan.classes,
                                   [&](const auto& weeks) { return std::ranges::any_of(weeks.subsidy, is_some); });
      })) {
    sums.people_paid = sums.people;
    sums.home_years_paid = sums.set_ups_paid = 1;
  }
  Flows flows;
  Account(sums, prices, known).give([&](Flow flow, double value) {
    flows.set(static_cast<std::size_t>(flow), value != 0);
  });
  return flows;
}

namespace {

/// Time in use and set-ups, [region][cell].
struct Use {
  std::vector<double> home_years, set_ups;
};
Use use_of(const OutcomeTables& tables, const CountsShape& shape, double scale, const Tally& tally) {
  const std::size_t n_regions = shape.n_regions, n_cells = tables.cells.size();
  Use use{std::vector<double>(n_regions * n_cells), std::vector<double>(n_regions * n_cells)};
  std::vector<std::int64_t> in_use(n_regions), days(n_regions);
  std::vector<std::int32_t> set_ups(n_regions);
  std::size_t boundary = 0;
  for (std::size_t c = 0; c < n_cells; ++c) {
    const OutcomeTables::Cell& cell = tables.cells[c];
    for (std::size_t r = 0; r < n_regions; ++r) days[r] = in_use[r] * (cell.to - cell.from);
    std::ranges::fill(set_ups, 0);
    for (; tables.cell_of_boundary[boundary] == static_cast<int>(c); ++boundary) {
      const std::int32_t* counts = tally.counts.data() + boundary * n_regions;
      const int days_left = cell.to - 7 * static_cast<int>(boundary);
      for (std::size_t r = 0; r < n_regions; ++r) {
        const std::int64_t change = counts[shape.use + r];
        in_use[r] += change;
        days[r] += change * days_left;
        set_ups[r] += counts[shape.set_ups + r];
      }
    }
    for (std::size_t r = 0; r < n_regions; ++r) {
      use.home_years[r * n_cells + c] = scale * static_cast<double>(days[r]) / kDaysPerYear;
      use.set_ups[r * n_cells + c] = set_ups[r];
    }
  }
  return use;
}

void fill_flows(const OutcomeTables& tables, const CountsShape& shape, const OutcomeTables::Programme& facts,
                const Tally& tally, std::span<const double> delivered, std::span<const double> subsidy,
                const Discounts& discounts, const Prices& prices, Sheet& sheet) {
  const std::size_t n_regions = shape.n_regions;
  const std::size_t n_cells = tables.cells.size();
  const Use use = use_of(tables, shape, facts.scale, tally);
  const std::size_t n_reports = sheet.shape.n_reports;
  const std::size_t n_years = sheet.shape.n_periods - n_reports;
  const bool has_qalys = sheet.knows(Needs::qalys);
  for (std::size_t r = 0; r < n_regions; ++r) {
    const double* effect = tally.events_by_region.data() + r * n_cells;
    const double* people = tally.people_by_region.data() + r * n_cells;
    const double* home_years = use.home_years.data() + r * n_cells;
    const double* set_ups = use.set_ups.data() + r * n_cells;
    // Sums over a span of cells, each weighted (1, or the discount factor of its month).
    const auto sum = [&](OutcomeTables::Span span, auto weight) {
      Sums sums;
      for (auto c = static_cast<std::size_t>(span.first); c < static_cast<std::size_t>(span.last); ++c) {
        const double w = weight(c);
        sums.people += w * people[c];
        sums.effect += w * effect[c];
        sums.home_years += w * home_years[c];
        sums.set_ups += w * facts.scale * set_ups[c];
        sums.staff_days += w * delivered[c * n_regions + r];
        if (subsidy.empty()) continue;
        const double paid = w * subsidy[c * n_regions + r];
        sums.people_paid += paid * people[c];
        sums.home_years_paid += paid * home_years[c];
        sums.set_ups_paid += paid * facts.scale * set_ups[c];
      }
      return sums;
    };
    double reached = 0;
    for (std::size_t month = 0; month < tables.cells_of_month.size(); ++month) {
      const OutcomeTables::Span span = tables.cells_of_month[month];
      for (auto c = static_cast<std::size_t>(span.first); c < static_cast<std::size_t>(span.last); ++c)
        reached += people[c];
      sheet.patients(month)[1 + r] = reached;
    }
    for (std::size_t period = 0; period < n_years + n_reports; ++period) {
      const Sums sums = sum(tables.cells_of_period[period], [](std::size_t) { return 1.0; });
      Account(sums, prices, sheet.known).give([&](Flow flow, double value) {
        sheet.flow(flow, period)[1 + r] = value;
      });
    }
    for (std::size_t report = 0; report < n_reports; ++report) {
      const OutcomeTables::Span span = tables.cells_of_period[n_years + report];
      const auto credited = [&](auto weight) {
        Sums sums = sum(span, weight);
        if (tally.drift_people.empty()) return sums;
        for (auto c = static_cast<std::size_t>(span.first); c < static_cast<std::size_t>(span.last); ++c) {
          const double w = weight(c), people_too = tally.drift_people[r * n_cells + c];
          sums.people -= w * people_too;
          sums.effect -= w * tally.drift_events[r * n_cells + c];
          if (!subsidy.empty()) sums.people_paid -= w * subsidy[c * n_regions + r] * people_too;
        }
        return sums;
      };
      const Sums sums = credited([&](std::size_t c) { return discounts.money[c]; });
      const Account account(sums, prices, sheet.known);
      const auto set = [&](Value value, double gbp) { sheet.present(value, report)[1 + r] = gbp; };
      double qalys = 0;
      if (has_qalys)
        qalys = Account(credited([&](std::size_t c) { return discounts.health[c]; }), prices, sheet.known).qalys();
      set(value_savings, account.savings());
      set(value_cash, account.cash());
      set(value_social, account.social(qalys));
      set(value_cost, account.cost());
      set(value_cost_public, account.cost_public());
    }
  }
  for (std::size_t month = 0; month < tables.cells_of_month.size(); ++month)
    add_up_england(sheet.patients(month), n_regions);
  for (int flow = 0; flow < kNFlows; ++flow)
    for (std::size_t period = 0; period < n_years + n_reports; ++period)
      add_up_england(sheet.flow(flow, period), n_regions);
  for (int value = 0; value < kNValues; ++value)
    for (std::size_t report = 0; report < n_reports; ++report) add_up_england(sheet.present(value, report), n_regions);

  for (std::size_t report = 0; report < n_reports; ++report) {
    std::copy_n(sheet.flow(flow_patients, n_years + report), 1 + n_regions, sheet.distinct(report));
    for (std::size_t q = 0; q < kNQuintileGroups; ++q) {
      Sums sums;
      sums.effect = tally.events_by_quintile[report * kNQuintileGroups + q];
      sums.people = tally.people_by_quintile[report * kNQuintileGroups + q];
      Account(sums, prices, sheet.known).give([&](Flow flow, double value) {
        sheet.flow_by_quintile(flow, report)[q] = value;
      });
    }
  }
}

void fill_spread(const OutcomeTables& tables, const CountsShape& shape, const OutcomeTables::Programme& facts,
                 const Tally& tally, Sheet& sheet) {
  const std::size_t n_regions = shape.n_regions;
  for (std::size_t r = 0; r < n_regions; ++r) {
    std::int32_t not_otherwise = 0, first = -1, latest = -1;
    int boundary = 0;
    for (std::size_t i = 0; i < sheet.shape.n_reports; ++i) {
      const auto report = static_cast<std::size_t>(tables.reports_in_order[i]);
      for (; boundary <= tables.report_boundaries[report]; ++boundary) {
        if (tally.counts[shape.first_use + static_cast<std::size_t>(boundary) * n_regions + r] == 0) continue;
        if (first < 0) first = boundary;
        latest = boundary;
      }
      not_otherwise += tally.counts[shape.not_otherwise + i * n_regions + r];
      sheet.not_otherwise(report)[1 + r] = facts.scale * not_otherwise;
      sheet.first_use[report * n_regions + r] = first;
      sheet.latest_use[report * n_regions + r] = latest;
    }
  }
  for (std::size_t report = 0; report < sheet.shape.n_reports; ++report)
    add_up_england(sheet.not_otherwise(report), n_regions);
  if (sheet.knows(Needs::sites))
    for (int at = 0; at < static_cast<int>(sheet.shape.n_stocks); ++at)
      std::copy_n(sheet.stock(stock_adopters, at), sheet.shape.n_places, sheet.sites(at));
  sheet.uptake = tally.uptake;
  if (tally.beds.empty()) return;
  for (std::size_t at = 0; at < tables.stock_boundaries.size(); ++at) {
    double* places = sheet.beds(static_cast<int>(at));
    std::copy_n(tally.beds.begin() + static_cast<std::ptrdiff_t>(at * n_regions), n_regions, places + 1);
    add_up_england(places, n_regions);
  }
}

// ---- Ratios -------------------------------------------------------------------------------------------------------

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

constexpr double kMonthsPerWeek = 7.0 * 12.0 / kDaysPerYear;
/// Without the network the benefit is smaller by this share or more: "significantly reduced" [A].
constexpr double kSignificantReduction = 0.2;

/// Nothing over a loss is nothing: 0, not -0.
double ratio_of(double numerator, double denominator) {
  return denominator == 0 ? kNone : numerator / denominator + 0.0;
}

struct Acceleration {
  double months = kNone, never_reached = kNone;
};
/// Over the levels 5, 10, ... % of the eligible that the first curve reaches up to a boundary.
Acceleration acceleration(std::span<const double> ever, std::span<const double> ever_otherwise, double n_eligible,
                          int until) {
  std::size_t here = 0, otherwise = 0;
  const auto end = static_cast<std::size_t>(until) + 1;
  int n_reached = 0, n_both = 0;
  double weeks = 0;
  for (int step = 1; step <= 20; ++step) {
    const double level =
        n_eligible * step / 20 * (1 - 1e-12);  // a count at the level reaches it, whatever the rounding
    while (here < end && ever[here] < level) ++here;
    while (otherwise < end && ever_otherwise[otherwise] < level) ++otherwise;
    if (here == end) break;
    if (here == 0 && otherwise == 0) continue;  // reached at the start whatever is done
    ++n_reached;
    if (otherwise == end) continue;
    ++n_both;
    weeks += static_cast<double>(otherwise) - static_cast<double>(here);
  }
  Acceleration result;
  if (n_both > 0) result.months = weeks / n_both * kMonthsPerWeek;
  if (n_reached > 0) result.never_reached = static_cast<double>(n_reached - n_both) / n_reached;
  return result;
}

/// A quantity by place and by fifth of deprivation, and those eligible for it.
struct Coverage {
  const double *places, *eligible, *fifths, *eligible_fifths;
};
Coverage coverage_of(const OutcomeTables& tables, const Sheet& sheet, Of of, std::size_t report) {
  if (of == Of::adoption)
    return {sheet.stock(stock_adopters, tables.stock_of_report[report]), sheet.eligible.data(), sheet.quintiles(report),
            sheet.eligible_by_quintile.data()};
  const Flow flow = of == Of::reach ? flow_patients : flow_of(*sheet.benefit);
  const std::size_t period = sheet.shape.n_periods - sheet.shape.n_reports + report;
  return {sheet.flow(flow, period), sheet.size.data(), sheet.flow_by_quintile(flow, report),
          sheet.size_by_quintile.data()};
}

/// Coverage over regions, every region one, those without eligible organisations left out.
Inequality over_regions(const Coverage& of, std::size_t n_places) {
  std::vector<double> coverage;
  for (std::size_t r = 1; r < n_places; ++r)
    if (of.eligible[r] > 0) coverage.push_back(of.places[r] / of.eligible[r]);
  if (coverage.size() < 2) return {kNone, kNone, kNone, kNone, kNone};
  const std::vector<double> weight(coverage.size(), 1.0);
  return inequality(coverage, weight);
}

/// Coverage over the fifths of deprivation, weighted by those eligible; the unknown left out.
Inequality over_quintiles(const Coverage& of) {
  std::vector<double> coverage, weight;
  for (std::size_t q = 1; q < kNQuintileGroups; ++q) {
    if (of.eligible_fifths[q] == 0) continue;
    coverage.push_back(of.fifths[q] / of.eligible_fifths[q]);
    weight.push_back(of.eligible_fifths[q]);
  }
  if (coverage.size() < 2) return {kNone, kNone, kNone, kNone, kNone};
  return inequality(coverage, weight);
}

/// Most deprived fifth less the rest.
double gap_of(const Coverage& of) {
  double rest = 0, eligible_rest = 0;
  for (std::size_t q = 2; q < kNQuintileGroups; ++q) {
    rest += of.fifths[q];
    eligible_rest += of.eligible_fifths[q];
  }
  if (of.eligible_fifths[1] <= 0 || eligible_rest <= 0) return kNone;
  return of.fifths[1] / of.eligible_fifths[1] - rest / eligible_rest;
}

/// Measures that are shares of a mean mean nothing of a quantity that can be below 0: where some gain and others lose the
/// mean comes near 0 and they grow without limit (Chen, Tsaur & Rhai 1982 on the Gini index of negative incomes). They
/// are then undefined; the differences (gap and slope) stay.
bool has_losers(const double* values, std::size_t n) {
  return std::any_of(values, values + n, [](double value) { return value < 0; });
}

/// Measures of equity in the order in which the metrics of each of adoption, reach and benefit stand.
double equity(const Coverage& of, std::size_t n_places, int measure) {
  switch (measure) {
    case 0:
    case 1: {
      if (has_losers(of.places + 1, n_places - 1)) return kNone;
      const Inequality found = over_regions(of, n_places);
      return measure == 0 ? found.coefficient_of_variation : found.gini;
    }
    case 2:
      return gap_of(of);
    case 3:
      return over_quintiles(of).slope_index;
    default: {
      if (has_losers(of.fifths + 1, kNQuintileGroups - 1)) return kNone;
      const Inequality found = over_quintiles(of);
      return measure == 4 ? found.relative_index : found.concentration_index;
    }
  }
}

/// Months from the start to each region's boundary; England: the range over the regions that have one.
void write_months(const std::int32_t* boundaries, std::size_t n_places, double* row) {
  // Weeks are subtracted before they become months: as many weeks are then the same number, wherever they begin.
  std::int32_t least = -1, most = -1;
  for (std::size_t place = 1; place < n_places; ++place) {
    const std::int32_t boundary = boundaries[place - 1];
    row[place] = boundary < 0 ? kNone : boundary * kMonthsPerWeek;
    if (boundary < 0) continue;
    least = least < 0 ? boundary : std::min(least, boundary);
    most = std::max(most, boundary);
  }
  row[0] = most < 0 ? kNone : (most - least) * kMonthsPerWeek;
}

}  // namespace

void fill_sheet(const OutcomeTables& tables, const CountsShape& counts, int programme, const Tally& tally,
                std::span<const double> delivered, std::span<const double> subsidy, const Discounts& discounts,
                const Prices& prices, Sheet& sheet) {
  const OutcomeTables::Programme& facts = tables.programmes[static_cast<std::size_t>(programme)];
  sheet.known = facts.known;
  sheet.eligible = facts.eligible;
  sheet.size = facts.size;
  sheet.eligible_by_quintile = facts.eligible_by_quintile;
  sheet.size_by_quintile = facts.size_by_quintile;
  fill_stocks(tables, counts, facts, tally, sheet);
  fill_flows(tables, counts, facts, tally, delivered, subsidy, discounts, prices, sheet);
  fill_spread(tables, counts, facts, tally, sheet);
}

void write_row(const OutcomeTables& tables, const Block& block, const Sheet& sheet, const Sheet& otherwise, int time,
               double* row) {
  const auto n_places = static_cast<std::size_t>(block.n_places);
  const auto t = static_cast<std::size_t>(time);
  if (!sheet.knows(spec(block.metric).needs)) {
    std::fill_n(row, n_places, kNone);
    return;
  }
  const std::size_t report = t;
  const std::size_t n_years = sheet.shape.n_periods - sheet.shape.n_reports;
  const std::size_t period = block.axis == Axis::report ? n_years + t : t;
  const std::optional<Flow> flow = flow_behind(block.metric, sheet.benefit);
  const auto stock_at = [&] {
    return block.axis == Axis::month ? tables.stock_of_month[t] : tables.stock_of_report[t];
  };
  const auto copy = [&](const double* places) { std::copy_n(places, n_places, row); };
  const auto by_place = [&](auto value) {
    for (std::size_t place = 0; place < n_places; ++place) row[place] = value(place);
  };
  switch (block.metric) {
    case Metric::engaged:
    case Metric::implementing_ever:
    case Metric::adopters:
    case Metric::ever_adopted:
    case Metric::sustained_adopters: {
      const double* places = sheet.stock(static_cast<int>(block.metric), stock_at());
      return copy(places + (block.geography == Geography::board ? sheet.shape.n_places : 0));
    }
    case Metric::sites:
      return copy(sheet.sites(stock_at()));
    case Metric::capacity_beds:
      return copy(sheet.beds(stock_at()));
    case Metric::adoption_share: {
      const double* adopters = sheet.stock(stock_adopters, tables.stock_of_report[report]);
      by_place([&](std::size_t p) { return ratio_of(adopters[p], sheet.eligible[p]); });
      return;
    }
    case Metric::uptake_share:
      std::copy_n(sheet.uptake.data() + (block.axis == Axis::month ? t : sheet.shape.n_months + t) * n_places, n_places,
                  row);
      return;
    case Metric::patients_benefited:
      return copy(block.axis == Axis::month ? sheet.patients(t) : sheet.flow(*flow, period));
    case Metric::patients_distinct_least:
      return copy(sheet.distinct(report));
    case Metric::patients_in_year:
    case Metric::events_avoided:
    case Metric::admissions_avoided:
    case Metric::bed_days_avoided:
    case Metric::diagnosis_days_sooner:
    case Metric::home_years:
    case Metric::qalys:
    case Metric::savings_gross_gbp:
    case Metric::savings_cash_gbp:
    case Metric::capacity_released_gbp:
    case Metric::social_value_gbp:
    case Metric::cost_gbp:
    case Metric::cost_public_gbp:
    case Metric::carbon_kg:
      return copy(sheet.flow(*flow, period));
    case Metric::net_present_value_gbp:
      by_place([&](std::size_t p) {
        return sheet.present(value_savings, report)[p] - sheet.present(value_cost, report)[p];
      });
      return;
    case Metric::present_value_cash_gbp:
      return copy(sheet.present(value_cash, report));
    case Metric::present_value_social_gbp:
      return copy(sheet.present(value_social, report));
    case Metric::present_value_cost_gbp:
      return copy(sheet.present(value_cost, report));
    case Metric::present_value_cost_public_gbp:
      return copy(sheet.present(value_cost_public, report));
    case Metric::roi_fiscal:
    case Metric::roi_social: {
      const double* gain = sheet.present(block.metric == Metric::roi_fiscal ? value_cash : value_social, report);
      by_place([&](std::size_t p) { return ratio_of(gain[p], sheet.present(value_cost_public, report)[p]); });
      return;
    }
    case Metric::roi_net:
      by_place([&](std::size_t p) {
        const double added_cost = sheet.present(value_cost, report)[p] - otherwise.present(value_cost, report)[p];
        if (added_cost <= 0) return kNone;  // a return on what was not spent says nothing
        return ratio_of(sheet.present(value_cash, report)[p] - otherwise.present(value_cash, report)[p], added_cost);
      });
      return;
    case Metric::attributable_share:
    case Metric::significantly_reduced: {
      const double* gross = sheet.flow(*flow, period);
      const double* without = otherwise.flow(*flow, period);
      if (block.metric == Metric::attributable_share)
        by_place([&](std::size_t p) { return ratio_of(gross[p] - without[p], gross[p]); });
      else
        by_place([&](std::size_t p) {
          return gross[p] > 0 && without[p] <= (1 - kSignificantReduction) * gross[p] ? 1.0 : 0.0;
        });
      return;
    }
    case Metric::acceleration_months:
    case Metric::levels_never_reached_share: {
      const Acceleration found =
          acceleration(sheet.ever(), otherwise.ever(), sheet.eligible[0], tables.report_boundaries[report]);
      row[0] = block.metric == Metric::acceleration_months ? found.months : found.never_reached;
      return;
    }
    case Metric::not_otherwise_adopted:
      return copy(sheet.not_otherwise(report));
    case Metric::first_use_months:
    case Metric::latest_first_use_months: {
      const auto& boundaries = block.metric == Metric::first_use_months ? sheet.first_use : sheet.latest_use;
      write_months(boundaries.data() + report * (n_places - 1), n_places, row);
      return;
    }
    case Metric::regional_cv:
    case Metric::regional_gini:
    case Metric::deprivation_gap:
    case Metric::slope_index:
    case Metric::relative_index:
    case Metric::concentration_index:
    case Metric::reach_regional_cv:
    case Metric::reach_regional_gini:
    case Metric::reach_deprivation_gap:
    case Metric::reach_slope_index:
    case Metric::reach_relative_index:
    case Metric::reach_concentration_index:
    case Metric::benefit_regional_cv:
    case Metric::benefit_regional_gini:
    case Metric::benefit_deprivation_gap:
    case Metric::benefit_slope_index:
    case Metric::benefit_relative_index:
    case Metric::benefit_concentration_index: {
      const auto [of, measure] = *equity_of(block.metric);
      row[0] = equity(coverage_of(tables, sheet, of, report), sheet.shape.n_places, measure);
      return;
    }
    case Metric::investment_gbp:
    case Metric::jobs:
    case Metric::companies_supported:
    case Metric::pipeline_needs_assessment:
    case Metric::pipeline_fellows:
    case Metric::pipeline_supported:
    case Metric::pipeline_evaluated:
    case Metric::pipeline_in_new_setting:
    case Metric::growth_roi:  // growth_ledger() writes these
    case Metric::count_:
      break;
  }
}

}  // namespace uptake
