#include "uptake/outcomes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "courses.hpp"
#include "outcome_effects.hpp"
#include "outcome_sheet.hpp"
#include "outcome_tables.hpp"
#include "uptake/error.hpp"
#include "uptake/growth.hpp"

namespace uptake {

// ---- Functions that `verify` shows on their own -------------------------------------------------------------------

void combine_effects(std::span<const double> avoided_alone, std::span<double> share_of_baseline) {
  UPTAKE_EXPECTS(avoided_alone.size() == share_of_baseline.size());
  double sum = 0;
  for (std::size_t j = 0; j < avoided_alone.size(); ++j) {
    share_of_baseline[j] = std::log1p(-avoided_alone[j]);
    sum += share_of_baseline[j];
  }
  const double ratio = sum == 0 ? 1.0 : std::expm1(sum) / sum;
  for (double& share : share_of_baseline) share *= -ratio;
}

double final_size(double reproduction_number) {
  if (reproduction_number <= 1) return 0;
  // z - 1 + exp(-R0 z) is convex with roots 0 and z: from z = 1 Newton's steps come down to z and stay above it.
  double z = 1;
  for (int i = 0; i < 100; ++i) {
    const double decay = std::exp(-reproduction_number * z);
    const double next = z - (z - 1 + decay) / (1 - reproduction_number * decay);
    if (!(next < z)) break;
    z = next;
  }
  return z;
}

// ---- One replicate ------------------------------------------------------------------------------------------------

namespace {

constexpr std::int16_t kNeverUsed = std::numeric_limits<std::int16_t>::max();

/// Memory of a replicate, kept by its thread so that nothing is allocated on the hot path.
struct Workspace {
  std::vector<Course> courses;
  std::vector<std::uint8_t>
      set_up_before;  ///< by record: in use when the programme begins, in the comparator's world too
  std::vector<std::int16_t> first_use_otherwise;  ///< by record: boundary in the comparator's world
  std::vector<std::vector<Spell>> spells;         ///< by strategy
  std::vector<std::vector<Tally>> tallies;        ///< by strategy and programme
  EffectWorkspace effects;
  Discounts discounts;
  std::vector<std::vector<Sheet>> sheets;  ///< by strategy and programme, "all" last when there are several
};

/// Weeks between two spells, -1 before the first.
std::int16_t away(const Course& course) {
  return static_cast<std::int16_t>(course.stopped_at < 0 ? -1 : course.in_use_since - course.stopped_at);
}

/// Reads one history: everything that is a whole number into the tallies, time in use into spells.
void read_history(const OutcomeTables& tables, int n_weeks, const History& history, Workspace& work,
                  std::vector<Spell>& spells, std::vector<Tally>& tallies) {
  const std::size_t n_regions = tables.programmes.front().eligible.size() - 1;
  const std::size_t n_stocks = tables.stock_boundaries.size();
  const std::size_t n_boards = tables.region_of_board.size();
  const std::size_t n_cells = tables.cells.size();
  spells.clear();
  work.courses.assign(tables.records.size(), Course{});

  // What follows from the boundary alone: events come in its order, so it seldom changes.
  int boundary = -1;
  std::size_t stock = 0, cell = 0;
  int days_left = 0;
  const auto stock_at = [&](int t) {
    return t > n_weeks ? n_stocks : static_cast<std::size_t>(tables.first_stock_at[static_cast<std::size_t>(t)]);
  };
  const auto count = [&](Tally& tally, Stock kind, std::size_t at, std::uint16_t board, int change) {
    if (at < n_stocks) tally.stocks[(static_cast<std::size_t>(kind) * n_stocks + at) * n_boards + board] += change;
  };
  const auto change_use = [&](Tally& tally, const OutcomeTables::Record& record, int change) {
    count(tally, stock_adopters, stock, record.board, change);
    if (stock < n_stocks) tally.quintiles[stock * kNQuintileGroups + record.quintile] += change;
    if (cell == n_cells) return;
    tally.days[record.region * n_cells + cell] += std::int64_t{change} * days_left;
    if (cell + 1 < n_cells) tally.started[record.region * n_cells + cell + 1] += change;
  };
  const auto set_up = [&](Tally& tally, const OutcomeTables::Record& record, std::uint32_t i) {
    if (cell == n_cells || (work.set_up_before[i] != 0 && boundary == tables.programmes[record.programme].begins))
      return;
    ++tally.set_ups[record.region * n_cells + cell];
  };
  // Kept where they begin to hold, in the order of report dates; added up afterwards.
  const std::size_t n_reports = tables.report_boundaries.size();
  std::size_t report = 0;
  const auto first_use = [&](Tally& tally, const OutcomeTables::Record& record, std::uint32_t i) {
    if (report == n_reports) return;
    const std::size_t at = report * n_regions + record.region;
    if (tally.first_use[at] < 0) tally.first_use[at] = boundary;
    tally.latest_use[at] = boundary;
    const std::int16_t otherwise = work.first_use_otherwise[i];
    if (otherwise <= boundary) return;
    ++tally.not_otherwise[at];
    if (otherwise > n_weeks) return;
    const auto until = static_cast<std::size_t>(tables.first_report_at[static_cast<std::size_t>(otherwise)]);
    if (until < n_reports) --tally.not_otherwise[until * n_regions + record.region];
  };

  for (const Event& event : history.events) {
    if (event.boundary != boundary) {
      boundary = event.boundary;
      stock = stock_at(boundary);
      report = static_cast<std::size_t>(tables.first_report_at[event.boundary]);
      cell = static_cast<std::size_t>(tables.cell_of_boundary[event.boundary]);
      days_left = cell < n_cells ? tables.cells[cell].to - 7 * boundary : 0;
    }
    const OutcomeTables::Record& record = tables.records[event.record];
    Tally& tally = tallies[record.programme];
    follow(event, work.courses, [&](Moment moment, const Course& course) {
      switch (moment) {
        case Moment::engages:
          count(tally, stock_engaged, stock, record.board, 1);
          break;
        case Moment::begins:
          count(tally, stock_implementing_ever, stock, record.board, 1);
          break;
        case Moment::sets_up:
          set_up(tally, record, event.record);
          break;
        case Moment::adopts:
          count(tally, stock_ever_adopted, stock, record.board, 1);
          ++tally.ever[event.boundary];
          first_use(tally, record, event.record);
          break;
        case Moment::enters_use:
          change_use(tally, record, 1);
          break;
        case Moment::leaves_use:
          change_use(tally, record, -1);
          if (boundary - course.in_use_since > kWeeksSustained) {
            count(tally, stock_sustained, stock_at(course.in_use_since + kWeeksSustained), record.board, 1);
            count(tally, stock_sustained, stock, record.board, -1);
          }
          spells.push_back(
              {event.record, course.in_use_since, static_cast<std::int16_t>(boundary), away(course), false});
          break;
      }
    });
  }
  for (std::uint32_t i = 0; i < work.courses.size(); ++i) {
    const Course& course = work.courses[i];
    if (course.in_use_since < 0) continue;
    const OutcomeTables::Record& record = tables.records[i];
    count(tallies[record.programme], stock_sustained, stock_at(course.in_use_since + kWeeksSustained), record.board, 1);
    spells.push_back({i, course.in_use_since, static_cast<std::int16_t>(n_weeks), away(course), true});
  }
  for (Tally& tally : tallies)
    for (std::size_t at = n_regions; at < n_reports * n_regions; ++at) {
      const std::size_t before = at - n_regions;
      tally.not_otherwise[at] += tally.not_otherwise[before];
      if (tally.first_use[before] >= 0) tally.first_use[at] = tally.first_use[before];
      tally.latest_use[at] = std::max(tally.latest_use[at], tally.latest_use[before]);
    }
}

}  // namespace

void outcomes(const Model& model, const SummaryLayout& layout, const Draw& draw, Key key,
              std::span<const History> histories, std::span<double> out) {
  UPTAKE_EXPECTS(histories.size() == model.strategies.size());
  UPTAKE_EXPECTS(out.size() == layout.size);
  const OutcomeTables& tables = *layout.tables;
  const std::size_t n_strategies = histories.size();
  const std::size_t n_programmes = model.programmes.size();
  const std::size_t n_regions = model.population->regions.size();
  const int n_weeks = model.calendar().n_weeks;
  const auto comparator = static_cast<std::size_t>(layout.comparator);
  const Shape shape = shape_of(tables, layout);
  thread_local Workspace work;

  work.set_up_before.assign(tables.records.size(), 0);
  work.first_use_otherwise.assign(tables.records.size(), kNeverUsed);
  for (const Event& event : histories[comparator].events) {
    const int begins = tables.programmes[tables.records[event.record].programme].begins;
    if (event.boundary == begins && enters_set_up(event)) work.set_up_before[event.record] = 1;
    std::int16_t& first = work.first_use_otherwise[event.record];
    if (event.stage == Stage::in_use && first == kNeverUsed) first = static_cast<std::int16_t>(event.boundary);
  }
  work.spells.resize(n_strategies);
  work.tallies.resize(n_strategies);
  for (std::size_t s = 0; s < n_strategies; ++s) {
    work.tallies[s].resize(n_programmes);
    for (std::size_t j = 0; j < n_programmes; ++j)
      work.tallies[s][j].reset(tables, tables.programmes[j], n_weeks, n_regions);
    read_history(tables, n_weeks, histories[s], work, work.spells[s], work.tallies[s]);
  }
  make_effects(model, tables, draw, key, work.spells, work.effects);
  for (std::size_t s = 0; s < n_strategies; ++s) add_effects(tables, work.spells[s], work.effects, work.tallies[s]);

  work.discounts.money.clear();
  work.discounts.health.clear();
  for (const OutcomeTables::Cell& cell : tables.cells) {
    work.discounts.money.push_back(
        discount_factor(cell.middle_years, draw(Parameter::discount_money), Discounting::money));
    work.discounts.health.push_back(
        discount_factor(cell.middle_years, draw(Parameter::discount_health), Discounting::health));
  }
  work.sheets.resize(n_strategies);
  for (std::size_t s = 0; s < n_strategies; ++s) {
    std::vector<Sheet>& sheets = work.sheets[s];
    sheets.resize(layout.programmes.size());
    for (std::size_t j = 0; j < n_programmes; ++j) {
      const std::size_t plan = s * n_programmes + j;
      finish(tables, work.effects.effects[j], static_cast<int>(j), plan, work.tallies[s][j]);
      sheets[j].reset(shape, layout.benefit[j]);
      fill_sheet(tables, static_cast<int>(j), work.tallies[s][j], tables.delivered[plan], tables.subsidy[plan],
                 work.discounts, prices_of(model, draw, static_cast<int>(j)), sheets[j]);
    }
    if (sheets.size() > n_programmes) {
      sheets.back().reset(shape, layout.benefit.back());
      for (std::size_t j = 0; j < n_programmes; ++j) sheets.back().add(sheets[j]);
    }
  }

  growth_ledger(model, layout, draw, key, out);
  for (const Block& block : layout.blocks) {
    if (is_growth(block.metric)) continue;
    for (int s = 0; s < block.n_strategies; ++s)
      for (int j = 0; j < block.n_programmes; ++j) {
        const auto programme = static_cast<std::size_t>(j);
        for (int time = 0; time < block.n_times; ++time)
          write_row(tables, block, work.sheets[static_cast<std::size_t>(s)][programme],
                    work.sheets[comparator][programme], time, out.data() + block.at(s, j, time, 0));
      }
  }
}

Summary simulate_replicate(const std::shared_ptr<const Model>& model, const SummaryLayout& layout,
                           std::uint64_t number) {
  const Key key = make_key(model->scenario.seed, number);
  const Draw draw = draw_parameters(model->scenario, key);
  const std::vector<History> histories = simulate(model, draw, key);
  Summary summary(layout.size);
  outcomes(*model, layout, draw, key, histories, summary);
  return summary;
}

}  // namespace uptake
