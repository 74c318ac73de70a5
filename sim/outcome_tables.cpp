#include "outcome_tables.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

namespace uptake {

namespace {

using namespace std::chrono;

/// Sizes relative to the mean of the programme's organisations; one without a size is taken as average.
std::vector<double> relative_sizes(const Population& population, const ProgrammeModel& programme) {
  double sum = 0;
  std::size_t n_known = 0;
  for (const std::uint32_t organisation : programme.organisation)
    if (!std::isnan(population.size[organisation])) {
      sum += population.size[organisation];
      ++n_known;
    }
  std::vector<double> sizes(programme.n_records(), 1.0);
  if (sum <= 0) return sizes;
  const double mean = sum / static_cast<double>(n_known);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double size = population.size[programme.organisation[i]];
    if (!std::isnan(size)) sizes[i] = size / mean;
  }
  return sizes;
}

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
  for (const auto* periods : {&layout.months, &layout.years, &layout.reports})
    for (const Period& period : *periods) {
      cuts.push_back(day_of(period.from));
      cuts.push_back(day_of(period.to + days{1}));
    }
  std::ranges::sort(cuts);
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i)
    tables.cells.push_back({cuts[i], cuts[i + 1], middle_of_month(calendar, cuts[i])});

  const auto index_of = [&](int day) { return static_cast<int>(std::ranges::lower_bound(cuts, day) - cuts.begin()); };
  const auto span_of = [&](const Period& period) {
    return OutcomeTables::Span{index_of(day_of(period.from)), index_of(day_of(period.to + days{1}))};
  };
  for (const Period& month : layout.months) tables.cells_of_month.push_back(span_of(month));
  for (const Period& year : layout.years) tables.cells_of_period.push_back(span_of(year));
  for (const Period& report : layout.reports) tables.cells_of_period.push_back(span_of(report));
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

}  // namespace

std::shared_ptr<const OutcomeTables> make_outcome_tables(const Model& model, const SummaryLayout& layout) {
  auto tables = std::make_shared<OutcomeTables>();
  cut_time(model.calendar(), layout, *tables);

  const Population& population = *model.population;
  const std::size_t n_regions = population.regions.size();
  for (const Board& board : population.boards) tables->region_of_board.push_back(board.region);

  std::vector<int> baselines(population.n_organisations(), 0);  // programmes that act on an organisation's admissions
  for (std::size_t j = 0; j < model.programmes.size(); ++j)
    if (model.scenario.programmes[j].outcome == OutcomeKind::events)
      for (const std::uint32_t organisation : model.programmes[j].organisation) ++baselines[organisation];

  for (std::size_t j = 0; j < model.programmes.size(); ++j) {
    const ProgrammeModel& programme = model.programmes[j];
    OutcomeTables::Programme facts;
    facts.n_eligible = static_cast<double>(programme.n_records());
    facts.scale = model.scenario.programmes[j].historic_denominator.value_or(facts.n_eligible) / facts.n_eligible;
    facts.eligible.assign(1 + n_regions, 0.0);
    const std::vector<double> sizes = relative_sizes(population, programme);
    for (std::size_t i = 0; i < programme.n_records(); ++i) {
      const std::uint32_t organisation = programme.organisation[i];
      const int region = population.region_of(organisation);
      tables->relative_size.push_back(sizes[i]);
      tables->records.push_back(
          {static_cast<std::uint16_t>(j), population.board[organisation], static_cast<std::uint8_t>(region),
           population.quintile[organisation],
           model.scenario.programmes[j].outcome == OutcomeKind::events && baselines[organisation] > 1});
      ++facts.eligible[1 + static_cast<std::size_t>(region)];
      ++facts.eligible_by_quintile[population.quintile[organisation]];
    }
    for (double& count : facts.eligible) count *= facts.scale;
    for (double& count : facts.eligible_by_quintile) count *= facts.scale;
    facts.eligible[0] = std::accumulate(facts.eligible.begin() + 1, facts.eligible.end(), 0.0);
    tables->programmes.push_back(std::move(facts));
  }

  for (const StrategyPlan& strategy : model.strategies)
    for (const ProgrammePlan& plan : strategy.programmes)
      tables->delivered.push_back(delivered_by_cell(*tables, plan, n_regions));
  return tables;
}

}  // namespace uptake
