#include "outcomes/outcome_tables.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <numeric>
#include <string_view>
#include <utility>

namespace uptake {

using namespace std::chrono;

void relative_sizes(const Population& population, const ProgrammeModel& programme, std::vector<double>& sizes) {
  double sum = 0;
  std::size_t n_known = 0;
  for (const std::uint32_t organisation : programme.organisation)
    if (!std::isnan(population.size[organisation])) {
      sum += population.size[organisation];
      ++n_known;
    }
  sizes.assign(programme.n_records(), 1.0);
  if (sum <= 0) return;
  const double mean = sum / static_cast<double>(n_known);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double size = population.size[programme.organisation[i]];
    if (!std::isnan(size)) sizes[i] = size / mean;
  }
}

int available_day(const Calendar& calendar, const ProgrammeSpec& spec) {
  // What there is from a day on begins with the week that the plan begins it with.
  const Date available = std::max(calendar.start, spec.available_from.value_or(calendar.start));
  return 7 * std::clamp(calendar.nearest_boundary(available), 0, calendar.n_weeks);
}

int background_day(const Calendar& calendar, const ProgrammeSpec& spec) {
  return spec.background_from ? static_cast<int>((*spec.background_from - calendar.start).count())
                              : available_day(calendar, spec);
}

int latest_month_from(const Calendar& calendar, Date date) {
  const year_month_day day{date};
  const Date first{std::max(calendar.start, Date{sys_days{day.year() / day.month() / 1}})};
  return static_cast<int>((first - calendar.start).count());
}

double mean_over_days(const std::vector<float>& by_week, int from, int to) {
  double sum = 0;
  for (int day = from; day < to; ++day) sum += static_cast<double>(by_week[static_cast<std::size_t>(day / 7)]);
  return sum / (to - from);
}

double capacity_at(const std::vector<float>& by_week, int boundary) {
  return by_week.empty() ? 1.0 : static_cast<double>(by_week[static_cast<std::size_t>(std::max(boundary - 1, 0))]);
}

namespace {

double middle_of_month(const Calendar& calendar, int day) {
  const year_month_day date{calendar.start + days{day}};
  const year_month month{date.year(), date.month()};
  const auto from = std::max<long>(0, (sys_days{month / 1} - calendar.start).count());
  const auto to = (sys_days{(month + months{1}) / 1} - calendar.start).count();
  return static_cast<double>(from + to) / 2 / kDaysPerYear;
}

void cut_time(const Calendar& calendar, const SummaryLayout& layout, OutcomeTables& tables) {
  const int n_days = 7 * calendar.n_weeks;
  const auto day_of = [&](Date date) {
    return std::clamp(static_cast<int>((date - calendar.start).count()), 0, n_days);
  };
  std::vector<int> cuts{0, n_days};
  const std::vector<Period> months = calendar.months();
  for (const auto* periods : {&months, &layout.years, &layout.reports})
    for (const Period& period : *periods) {
      cuts.push_back(day_of(period.from));
      cuts.push_back(day_of(period.to + days{1}));
    }
  std::ranges::sort(cuts);
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    tables.cells.push_back({cuts[i], cuts[i + 1], middle_of_month(calendar, cuts[i])});
    tables.years.push_back((cuts[i + 1] - cuts[i]) / kDaysPerYear);
  }

  const auto index_of = [&](int day) { return static_cast<int>(std::ranges::lower_bound(cuts, day) - cuts.begin()); };
  const auto span_of = [&](const Period& period) {
    return OutcomeTables::Span{index_of(day_of(period.from)), index_of(day_of(period.to + days{1}))};
  };
  for (const Period& month : layout.months) tables.cells_of_month.push_back(span_of(month));
  for (const Period& year : layout.years) tables.cells_of_period.push_back(span_of(year));
  for (const Period& report : layout.reports) tables.cells_of_period.push_back(span_of(report));
  const auto latest = [&](const Period& period) {
    const Date first = calendar.start + days{latest_month_from(calendar, period.to)};
    return OutcomeTables::Span{index_of(day_of(first)), index_of(day_of(period.to + days{1}))};
  };
  for (const Period& month : layout.months) tables.latest_of_month.push_back(latest(month));
  for (const Period& report : layout.reports) tables.latest_of_report.push_back(latest(report));
  for (int boundary = 0; boundary <= calendar.n_weeks; ++boundary) {
    const auto after = std::ranges::upper_bound(cuts, 7 * boundary);
    tables.cell_of_boundary.push_back(static_cast<int>(after - cuts.begin()) - 1);
  }

  for (const auto* periods : {&layout.months, &layout.reports})
    for (const Period& period : *periods) tables.stock_boundaries.push_back(calendar.boundary_at_end_of(period.to));
  std::ranges::sort(tables.stock_boundaries);
  tables.stock_boundaries.erase(std::unique(tables.stock_boundaries.begin(), tables.stock_boundaries.end()),
                                tables.stock_boundaries.end());
  const auto first_stock = [&](int boundary) {
    return static_cast<int>(std::ranges::lower_bound(tables.stock_boundaries, boundary) -
                            tables.stock_boundaries.begin());
  };
  for (int boundary = 0; boundary <= calendar.n_weeks; ++boundary)
    tables.first_stock_at.push_back(first_stock(boundary));
  for (const Period& month : layout.months)
    tables.stock_of_month.push_back(first_stock(calendar.boundary_at_end_of(month.to)));
  for (const Period& report : layout.reports)
    tables.stock_of_report.push_back(first_stock(calendar.boundary_at_end_of(report.to)));
  for (const Period& report : layout.reports)
    tables.report_boundaries.push_back(calendar.boundary_at_end_of(report.to));
  tables.reports_in_order.resize(layout.reports.size());
  std::iota(tables.reports_in_order.begin(), tables.reports_in_order.end(), 0);
  std::ranges::stable_sort(tables.reports_in_order, {},
                           [&](int report) { return tables.report_boundaries[static_cast<std::size_t>(report)]; });
  for (int boundary = 0; boundary <= calendar.n_weeks; ++boundary)
    tables.first_report_at.push_back(
        static_cast<int>(std::ranges::count_if(tables.report_boundaries, [&](int until) { return until < boundary; })));
}

/// Weekly staff-days by region, spread evenly over the days of each week, by cell.
std::vector<double> delivered_by_cell(const OutcomeTables& tables, const ProgrammePlan& plan, std::size_t n_regions) {
  std::vector<double> delivered(tables.cells.size() * n_regions, 0.0);
  for (std::size_t region = 0; region < plan.delivered_by_region.size(); ++region) {
    const std::vector<double>& by_week = plan.delivered_by_region[region];
    std::size_t cell = 0;
    for (std::size_t week = 0; week < by_week.size(); ++week)
      for (int day = 7 * static_cast<int>(week); day < 7 * static_cast<int>(week) + 7; ++day) {
        while (cell < tables.cells.size() && tables.cells[cell].to <= day) ++cell;
        if (cell == tables.cells.size()) break;
        delivered[cell * n_regions + region] += by_week[week] / 7;
      }
  }
  return delivered;
}

/// What levers do in each week, by cell and region, the mean over a cell's days; empty where it is `none` throughout.
std::vector<double> by_cell(const OutcomeTables& tables, const ProgrammePlan& plan,
                            const std::vector<std::uint8_t>& region_class, std::size_t n_regions,
                            std::vector<float> ProgrammePlan::WeekFactors::*series, float none) {
  const auto is_idle = [&](const ProgrammePlan::WeekFactors& factors) {
    return std::ranges::all_of(factors.*series, [none](float factor) { return factor == none; });
  };
  if (std::ranges::all_of(plan.classes, is_idle)) return {};
  std::vector<double> values(tables.cells.size() * n_regions, static_cast<double>(none));
  for (std::size_t region = 0; region < n_regions; ++region) {
    const std::vector<float>& by_week = plan.classes[region_class[region]].*series;
    if (by_week.empty()) continue;
    for (std::size_t cell = 0; cell < tables.cells.size(); ++cell) {
      const auto& [from, to, middle] = tables.cells[cell];
      values[cell * n_regions + region] = mean_over_days(by_week, from, to);
    }
  }
  return values;
}

/// Factors of capacity levers at the moments at which stocks are counted: that of the week before.
std::vector<double> capacity_at_stocks(const OutcomeTables& tables, const ProgrammePlan& plan,
                                       const std::vector<std::uint8_t>& region_class, std::size_t n_regions) {
  std::vector<double> capacity;
  for (const int boundary : tables.stock_boundaries)
    for (std::size_t region = 0; region < n_regions; ++region)
      capacity.push_back(capacity_at(plan.classes[region_class[region]].capacity, boundary));
  return capacity;
}

/// Organisations that several programmes of one baseline may reach share it; numbered in the order of records.
void share_baselines(const Model& model, OutcomeTables& tables) {
  tables.shared.assign(tables.records.size(), -1);
  std::map<std::pair<OutcomeKind, std::string_view>, std::vector<std::size_t>> together;
  for (std::size_t j = 0; j < model.programmes.size(); ++j) {
    const ProgrammeSpec& programme = model.scenario.programmes[j];
    const bool acts = programme.outcome == OutcomeKind::events || programme.outcome == OutcomeKind::stay;
    if (acts && !programme.baseline.empty()) together[{programme.outcome, programme.baseline}].push_back(j);
  }
  std::vector<int> n_programmes, number;
  for (const auto& [baseline, programmes] : together) {
    if (programmes.size() < 2) continue;
    n_programmes.assign(model.population->n_organisations(), 0);
    number.assign(model.population->n_organisations(), -1);
    for (const std::size_t j : programmes)
      for (const std::uint32_t organisation : model.programmes[j].organisation) ++n_programmes[organisation];
    for (const std::size_t j : programmes)
      for (std::size_t i = 0; i < model.programmes[j].n_records(); ++i) {
        const std::uint32_t organisation = model.programmes[j].organisation[i];
        if (n_programmes[organisation] < 2) continue;
        if (number[organisation] < 0) number[organisation] = tables.n_shared++;
        tables.shared[model.first_record[j] + i] = number[organisation];
      }
  }
}

}  // namespace

std::shared_ptr<const OutcomeTables> make_outcome_tables(const Model& model, const SummaryLayout& layout) {
  auto tables = std::make_shared<OutcomeTables>();
  cut_time(model.calendar(), layout, *tables);

  const Population& population = *model.population;
  const std::size_t n_regions = population.regions.size();
  for (const Board& board : population.boards) tables->region_of_board.push_back(board.region);

  const Calendar& calendar = model.calendar();
  std::vector<double> sizes;
  for (std::size_t j = 0; j < model.programmes.size(); ++j) {
    const ProgrammeModel& programme = model.programmes[j];
    const ProgrammeSpec& spec = model.scenario.programmes[j];
    OutcomeTables::Programme facts;
    facts.n_eligible = static_cast<double>(programme.n_records());
    facts.scale = spec.historic_denominator.value_or(facts.n_eligible) / facts.n_eligible;
    facts.first_record = model.first_record[j];
    facts.known = known_of(model.scenario, spec);
    if (model.programmes.size() > 1 && (facts.known & bit(Needs::people)) != 0) facts.known |= bit(Needs::several);
    facts.eligible.assign(1 + n_regions, 0.0);
    facts.size.assign(1 + n_regions, 0.0);
    facts.available_day = available_day(calendar, spec);
    facts.begins = programme.begins;
    facts.background_day = background_day(calendar, spec);
    relative_sizes(population, programme, sizes);
    std::vector<int> group_of(n_regions * kNQuintileGroups, -1);
    for (std::size_t i = 0; i < programme.n_records(); ++i) {
      const std::uint32_t organisation = programme.organisation[i];
      const auto region = static_cast<std::size_t>(population.region_of(organisation));
      const std::uint8_t quintile = population.quintile[organisation];
      int& group = group_of[region * kNQuintileGroups + quintile];
      if (group < 0) {
        group = static_cast<int>(facts.groups.size());
        facts.groups.push_back({static_cast<std::uint8_t>(region), quintile});
      }
      tables->relative_size.push_back(sizes[i]);
      tables->records.push_back({static_cast<std::uint16_t>(j), population.board[organisation],
                                 static_cast<std::uint8_t>(region), quintile, static_cast<std::uint8_t>(group)});
      ++facts.eligible[1 + region];
      ++facts.eligible_by_quintile[quintile];
      facts.size[1 + region] += sizes[i];
      facts.size_by_quintile[quintile] += sizes[i];
    }
    for (std::vector<double>* places : {&facts.eligible, &facts.size}) {
      for (double& count : *places) count *= facts.scale;
      places->front() = std::accumulate(places->begin() + 1, places->end(), 0.0);
    }
    for (auto* fifths : {&facts.eligible_by_quintile, &facts.size_by_quintile})
      for (double& count : *fifths) count *= facts.scale;
    tables->programmes.push_back(std::move(facts));
  }
  share_baselines(model, *tables);

  for (const StrategyPlan& strategy : model.strategies)
    for (std::size_t j = 0; j < strategy.programmes.size(); ++j) {
      const ProgrammePlan& plan = strategy.programmes[j];
      tables->delivered.push_back(delivered_by_cell(*tables, plan, n_regions));
      const std::vector<std::uint8_t>& classes = model.programmes[j].region_class;
      using Factors = ProgrammePlan::WeekFactors;
      tables->capacity.push_back(by_cell(*tables, plan, classes, n_regions, &Factors::capacity, 1.0F));
      tables->subsidy.push_back(by_cell(*tables, plan, classes, n_regions, &Factors::subsidy, 0.0F));
      tables->capacity_at_stock.emplace_back();
      if (!tables->capacity.back().empty())
        tables->capacity_at_stock.back() = capacity_at_stocks(*tables, plan, classes, n_regions);
    }
  return tables;
}

}  // namespace uptake
