#include "outcome_sheet.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace uptake {

Shape shape_of(const OutcomeTables& tables, const SummaryLayout& layout) {
  Shape shape{};
  shape.n_places = layout.regions.size();
  shape.n_stock_places = layout.regions.size() + layout.boards.size();
  shape.n_stocks = tables.stock_boundaries.size();
  shape.n_months = layout.months.size();
  shape.n_periods = tables.cells_of_period.size();
  shape.n_reports = layout.reports.size();
  shape.n_boundaries = tables.cell_of_boundary.size();
  shape.patients = kNStocks * shape.n_stocks * shape.n_stock_places;
  shape.flows = shape.patients + shape.n_months * shape.n_places;
  shape.values = shape.flows + kNFlows * shape.n_periods * shape.n_places;
  shape.quintiles = shape.values + kNValues * shape.n_reports * shape.n_places;
  shape.ever = shape.quintiles + shape.n_reports * kNQuintileGroups;
  shape.size = shape.ever + shape.n_boundaries;
  return shape;
}

Prices prices_of(const Model& model, const Draw& draw, int programme) {
  const ProgrammeSpec& spec = model.scenario.programmes[static_cast<std::size_t>(programme)];
  const double benefit_left = spec.effect_already_shrunk ? 1.0 : 1 - draw(Parameter::optimism_benefit);
  const double cost_raised = 1 + draw(Parameter::optimism_cost);
  return {draw(Parameter::admission_price) * draw(Parameter::deflator) * benefit_left,
          draw(programme, Parameter::bed_days_per_event),
          draw(Parameter::cashable_share),
          draw(programme, Parameter::set_up_cost) * cost_raised,
          draw(programme, Parameter::running_cost) * cost_raised,
          draw(programme, Parameter::staff_day_price) * cost_raised,
          spec.delivery_funder != Funder::provider,
          spec.adoption_funder != Funder::provider};
}

namespace {

/// England is the sum of the regions, in their order.
void add_up_england(double* places, std::size_t n_regions) {
  places[0] = 0;
  for (std::size_t r = 0; r < n_regions; ++r) places[0] += places[1 + r];
}

void fill_stocks(const OutcomeTables& tables, const OutcomeTables::Programme& facts, const Tally& tally, Sheet& sheet) {
  const std::size_t n_regions = facts.eligible.size() - 1;
  std::vector<std::int32_t> now;  // by board, then by region
  const std::size_t n_stocks = tables.stock_boundaries.size();
  const std::size_t n_boards = tables.region_of_board.size();
  for (int kind = 0; kind < kNStocks; ++kind) {
    now.assign(n_boards + n_regions, 0);
    for (std::size_t at = 0; at < n_stocks; ++at) {
      const std::int32_t* change = tally.stocks.data() + (static_cast<std::size_t>(kind) * n_stocks + at) * n_boards;
      std::fill_n(now.begin() + static_cast<std::ptrdiff_t>(n_boards), n_regions, 0);
      double* places = sheet.stock(kind, static_cast<int>(at));
      for (std::size_t b = 0; b < n_boards; ++b) {
        now[b] += change[b];
        now[n_boards + static_cast<std::size_t>(tables.region_of_board[b])] += now[b];
        places[1 + n_regions + b] = facts.scale * now[b];
      }
      for (std::size_t r = 0; r < n_regions; ++r) places[1 + r] = facts.scale * now[n_boards + r];
      add_up_england(places, n_regions);
    }
  }
  double ever = 0;
  for (std::size_t boundary = 0; boundary < tally.ever.size(); ++boundary)
    sheet.ever()[boundary] = facts.scale * (ever += tally.ever[boundary]);

  for (std::size_t report = 0; report < tables.stock_of_report.size(); ++report) {  // in any order of dates
    std::array<std::int32_t, kNQuintileGroups> quintiles{};
    for (std::size_t at = 0; at <= static_cast<std::size_t>(tables.stock_of_report[report]); ++at)
      for (std::size_t q = 0; q < kNQuintileGroups; ++q) quintiles[q] += tally.quintiles[at * kNQuintileGroups + q];
    for (std::size_t q = 0; q < kNQuintileGroups; ++q) sheet.quintiles(report)[q] = facts.scale * quintiles[q];
  }
}

/// Sums over cells of what one region's organisations do.
struct Sums {
  double patients = 0, admissions = 0, home_years = 0, set_ups = 0, staff_days = 0;
};

void fill_flows(const OutcomeTables& tables, const OutcomeTables::Programme& facts, const Tally& tally,
                std::span<const double> delivered, std::span<const double> discounts, const Prices& prices,
                Sheet& sheet) {
  const std::size_t n_regions = facts.eligible.size() - 1;
  const std::size_t n_cells = tables.cells.size();
  std::vector<double> home_years(n_cells);
  const std::size_t n_reports = sheet.shape.n_reports;
  const std::size_t n_years = sheet.shape.n_periods - n_reports;
  for (std::size_t r = 0; r < n_regions; ++r) {
    const double* admissions = tally.admissions.data() + r * n_cells;
    const double* patients = tally.patients.data() + r * n_cells;
    std::int64_t in_use = 0;
    for (std::size_t c = 0; c < n_cells; ++c) {
      in_use += tally.started[r * n_cells + c];
      const std::int64_t days = tally.days[r * n_cells + c] + in_use * (tables.cells[c].to - tables.cells[c].from);
      home_years[c] = facts.scale * static_cast<double>(days) / kDaysPerYear;
    }
    // Sums over a span of cells, each weighted (1, or the discount factor of its month).
    const auto sum = [&](OutcomeTables::Span span, auto weight) {
      Sums sums;
      for (auto c = static_cast<std::size_t>(span.first); c < static_cast<std::size_t>(span.last); ++c) {
        const double w = weight(c);
        sums.patients += w * patients[c];
        sums.admissions += w * admissions[c];
        sums.home_years += w * home_years[c];
        sums.set_ups += w * facts.scale * tally.set_ups[r * n_cells + c];
        sums.staff_days += w * delivered[c * n_regions + r];
      }
      return sums;
    };
    const auto delivery = [&](const Sums& s) { return s.staff_days * prices.staff_day; };
    const auto adoption = [&](const Sums& s) { return s.set_ups * prices.set_up + s.home_years * prices.running; };
    const auto cost_public = [&](const Sums& s) {
      return (prices.delivery_is_public ? delivery(s) : 0.0) + (prices.adoption_is_public ? adoption(s) : 0.0);
    };

    double reached = 0;
    for (std::size_t month = 0; month < tables.cells_of_month.size(); ++month) {
      const OutcomeTables::Span span = tables.cells_of_month[month];
      for (auto c = static_cast<std::size_t>(span.first); c < static_cast<std::size_t>(span.last); ++c)
        reached += patients[c];
      sheet.patients(month)[1 + r] = reached;
    }
    for (std::size_t period = 0; period < n_years + n_reports; ++period) {
      const Sums s = sum(tables.cells_of_period[period], [](std::size_t) { return 1.0; });
      const auto set = [&](Flow flow, double value) { sheet.flow(flow, period)[1 + r] = value; };
      const double savings = s.admissions * prices.per_admission;
      set(flow_patients, s.patients);
      set(flow_admissions, s.admissions);
      set(flow_bed_days, s.admissions * prices.bed_days_per_admission);
      set(flow_home_years, s.home_years);
      set(flow_savings, savings);
      set(flow_cash, prices.cashable * savings);
      set(flow_capacity, savings - prices.cashable * savings);
      set(flow_cost, delivery(s) + adoption(s));
      set(flow_cost_public, cost_public(s));
    }
    for (std::size_t report = 0; report < n_reports; ++report) {
      const Sums s = sum(tables.cells_of_period[n_years + report], [&](std::size_t c) { return discounts[c]; });
      const auto set = [&](Value value, double gbp) { sheet.present(value, report)[1 + r] = gbp; };
      const double savings = s.admissions * prices.per_admission;
      set(value_savings, savings);
      set(value_cash, prices.cashable * savings);
      set(value_cost, delivery(s) + adoption(s));
      set(value_cost_public, cost_public(s));
    }
  }
  for (std::size_t month = 0; month < tables.cells_of_month.size(); ++month)
    add_up_england(sheet.patients(month), n_regions);
  for (int flow = 0; flow < kNFlows; ++flow)
    for (std::size_t period = 0; period < n_years + n_reports; ++period)
      add_up_england(sheet.flow(flow, period), n_regions);
  for (int value = 0; value < kNValues; ++value)
    for (std::size_t report = 0; report < n_reports; ++report) add_up_england(sheet.present(value, report), n_regions);
}

// ---- Ratios -------------------------------------------------------------------------------------------------------

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

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
  constexpr double kMonthsPerWeek = 7.0 * 12.0 / kDaysPerYear;
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

/// Adoption share over regions, every region one, those without eligible organisations left out.
Inequality over_regions(const Sheet& sheet, int at) {
  std::vector<double> coverage;
  for (std::size_t r = 1; r < sheet.eligible.size(); ++r)
    if (sheet.eligible[r] > 0) coverage.push_back(sheet.stock(stock_adopters, at)[r] / sheet.eligible[r]);
  if (coverage.size() < 2) return {kNone, kNone, kNone, kNone, kNone};
  const std::vector<double> weight(coverage.size(), 1.0);
  return inequality(coverage, weight);
}

struct Deprivation {
  double gap = kNone;
  Inequality inequality{kNone, kNone, kNone, kNone, kNone};
};
/// Adoption share over the fifths of deprivation, weighted by eligible organisations; the unknown left out.
Deprivation over_quintiles(const Sheet& sheet, std::size_t report) {
  std::vector<double> coverage, weight;
  double rest = 0, eligible_rest = 0;
  const double* adopters = sheet.quintiles(report);
  for (std::size_t q = 1; q < kNQuintileGroups; ++q) {
    const double eligible = sheet.eligible_by_quintile[q];
    if (eligible == 0) continue;
    coverage.push_back(adopters[q] / eligible);
    weight.push_back(eligible);
    if (q > 1) {
      rest += adopters[q];
      eligible_rest += eligible;
    }
  }
  Deprivation result;
  if (coverage.size() >= 2) result.inequality = inequality(coverage, weight);
  if (sheet.eligible_by_quintile[1] > 0 && eligible_rest > 0)
    result.gap = adopters[1] / sheet.eligible_by_quintile[1] - rest / eligible_rest;
  return result;
}

}  // namespace

void fill_sheet(const OutcomeTables& tables, int programme, const Tally& tally, std::span<const double> delivered,
                std::span<const double> discounts, const Prices& prices, Sheet& sheet) {
  const OutcomeTables::Programme& facts = tables.programmes[static_cast<std::size_t>(programme)];
  sheet.eligible = facts.eligible;
  sheet.eligible_by_quintile = facts.eligible_by_quintile;
  fill_stocks(tables, facts, tally, sheet);
  fill_flows(tables, facts, tally, delivered, discounts, prices, sheet);
}

void write_row(const OutcomeTables& tables, const Block& block, const Sheet& sheet, const Sheet& otherwise, int time,
               double* row) {
  const auto n_places = static_cast<std::size_t>(block.n_places);
  const auto t = static_cast<std::size_t>(time);
  const bool counts_people = block.metric == Metric::patients_benefited || block.metric == Metric::patients_in_year;
  if ((spec(block.metric).needs_outcome && !sheet.has_outcome) || (counts_people && !sheet.has_people)) {
    std::fill_n(row, n_places, kNone);
    return;
  }
  const std::size_t report = t;
  const std::size_t n_years = sheet.shape.n_periods - sheet.shape.n_reports;
  const std::size_t period = block.axis == Axis::report ? n_years + t : t;
  const auto by_place = [&](auto value) {
    for (std::size_t place = 0; place < n_places; ++place) row[place] = value(place);
  };
  switch (block.metric) {
    case Metric::engaged:
    case Metric::implementing_ever:
    case Metric::adopters:
    case Metric::ever_adopted:
    case Metric::sustained_adopters: {
      const int at = block.axis == Axis::month ? tables.stock_of_month[t] : tables.stock_of_report[t];
      const double* places = sheet.stock(static_cast<int>(block.metric), at);
      std::copy_n(places + (block.geography == Geography::board ? sheet.shape.n_places : 0), n_places, row);
      return;
    }
    case Metric::adoption_share: {
      const double* adopters = sheet.stock(stock_adopters, tables.stock_of_report[report]);
      by_place([&](std::size_t p) { return ratio_of(adopters[p], sheet.eligible[p]); });
      return;
    }
    case Metric::patients_benefited:
      std::copy_n(block.axis == Axis::month ? sheet.patients(t) : sheet.flow(flow_patients, period), n_places, row);
      return;
    case Metric::patients_in_year:
    case Metric::admissions_avoided:
    case Metric::bed_days_avoided:
    case Metric::home_years:
    case Metric::savings_gross_gbp:
    case Metric::savings_cash_gbp:
    case Metric::capacity_released_gbp:
    case Metric::cost_gbp:
    case Metric::cost_public_gbp:
      std::copy_n(sheet.flow(static_cast<int>(block.metric) - static_cast<int>(Metric::patients_in_year), period),
                  n_places, row);
      return;
    case Metric::net_present_value_gbp:
      by_place([&](std::size_t p) {
        return sheet.present(value_savings, report)[p] - sheet.present(value_cost, report)[p];
      });
      return;
    case Metric::roi_fiscal:
      by_place([&](std::size_t p) {
        return ratio_of(sheet.present(value_cash, report)[p], sheet.present(value_cost_public, report)[p]);
      });
      return;
    case Metric::roi_net:
      by_place([&](std::size_t p) {
        const double added_cost = sheet.present(value_cost, report)[p] - otherwise.present(value_cost, report)[p];
        if (added_cost <= 0) return kNone;  // a return on what was not spent says nothing
        return ratio_of(sheet.present(value_cash, report)[p] - otherwise.present(value_cash, report)[p], added_cost);
      });
      return;
    case Metric::attributable_share:
      by_place([&](std::size_t p) {
        const double gross = sheet.flow(flow_admissions, period)[p];
        return ratio_of(gross - otherwise.flow(flow_admissions, period)[p], gross);
      });
      return;
    case Metric::acceleration_months:
    case Metric::levels_never_reached_share: {
      const int until = tables.stock_boundaries[static_cast<std::size_t>(tables.stock_of_report[report])];
      const Acceleration found = acceleration(sheet.ever(), otherwise.ever(), sheet.eligible[0], until);
      row[0] = block.metric == Metric::acceleration_months ? found.months : found.never_reached;
      return;
    }
    case Metric::regional_cv:
      row[0] = over_regions(sheet, tables.stock_of_report[report]).coefficient_of_variation;
      return;
    case Metric::regional_gini:
      row[0] = over_regions(sheet, tables.stock_of_report[report]).gini;
      return;
    case Metric::deprivation_gap:
      row[0] = over_quintiles(sheet, report).gap;
      return;
    case Metric::slope_index:
      row[0] = over_quintiles(sheet, report).inequality.slope_index;
      return;
    case Metric::relative_index:
      row[0] = over_quintiles(sheet, report).inequality.relative_index;
      return;
    case Metric::concentration_index:
      row[0] = over_quintiles(sheet, report).inequality.concentration_index;
      return;
    case Metric::count_:
      break;
  }
}

}  // namespace uptake
