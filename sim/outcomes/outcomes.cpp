#include "uptake/outcomes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "outcomes/courses.hpp"
#include "outcomes/growth.hpp"
#include "outcomes/outcome_effects.hpp"
#include "outcomes/outcome_sheet.hpp"
#include "outcomes/outcome_tables.hpp"
#include "uptake/error.hpp"

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
  // Of the history that is read
  std::vector<std::int32_t*> counts;  ///< by programme
  std::vector<std::uint32_t> in_use;  ///< records, at the horizon
  // By record, in the comparator's world
  std::vector<std::uint8_t> set_up_before;        ///< in use when the programme begins
  std::vector<std::int16_t> first_use_otherwise;  ///< boundary
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

bool is_same_move(const Event& a, const Event& b) {
  return a.boundary == b.boundary && a.stage == b.stage && a.from == b.from;
}

/// Whose history is read: the comparator's comes first, for the others are compared with it.
enum class Side : std::uint8_t { comparator, other };

/// Reads one history: everything that is a whole number into the tallies, time in use into spells.
void read_history(const OutcomeTables& tables, const CountsShape& shape, int n_weeks, const History& history, Side side,
                  Workspace& work, std::vector<Spell>& spells, std::vector<Tally>& tallies) {
  spells.clear();
  work.courses.assign(tables.records.size(), Course{});
  work.counts.clear();
  for (Tally& tally : tallies) work.counts.push_back(tally.counts.data());
  // Plain pointers and sizes, which nothing that is counted can change.
  const std::size_t n_boards = shape.n_boards, n_regions = shape.n_regions, stock_size = shape.stock, use = shape.use,
                    set_ups = shape.set_ups, first_use = shape.first_use, quintiles = shape.quintiles,
                    not_otherwise = shape.not_otherwise;
  std::int32_t* const* const counts_of = work.counts.data();
  const OutcomeTables::Record* const records = tables.records.data();
  Course* const courses = work.courses.data();
  std::uint8_t* const set_up_before = work.set_up_before.data();
  std::int16_t* const first_use_otherwise = work.first_use_otherwise.data();

  const auto stock_at = [&](int t) {
    return t > n_weeks ? tables.stock_boundaries.size()
                       : static_cast<std::size_t>(tables.first_stock_at[static_cast<std::size_t>(t)]);
  };
  const auto report_at = [&](int t) {
    return t > n_weeks ? tables.report_boundaries.size()
                       : static_cast<std::size_t>(tables.first_report_at[static_cast<std::size_t>(t)]);
  };
  // Of an organisation that was in use for so long without break.
  const auto sustained = [&](std::int32_t* counts, std::uint16_t board, int since) -> std::int32_t& {
    return counts[stock_sustained * stock_size + stock_at(since + kWeeksSustained) * n_boards + board];
  };

  // Events come in the order of their boundaries, and those of a boundary mostly in runs of one move: where things are
  // counted is found once a boundary, and the loop over a run knows what its move is.
  const Event* event = history.events.data();
  const Event* const end = event + history.events.size();
  int boundary = -1;
  std::size_t of_stocks = 0, of_quintiles = 0, of_weeks = 0, of_reports = 0;
  while (event != end) {
    const Event& first = *event;
    if (first.boundary != boundary) {
      boundary = first.boundary;
      of_stocks = stock_at(boundary) * n_boards;
      of_quintiles = quintiles + stock_at(boundary) * kNQuintileGroups;
      of_weeks = static_cast<std::size_t>(boundary) * n_regions;
      of_reports = not_otherwise + report_at(boundary) * n_regions;
    }
    const auto read_run = [&](auto from, auto to) {
      const Event* at = event;
      do {
        const std::uint32_t i = at->record;
        const OutcomeTables::Record& record = records[i];
        std::int32_t* const counts = counts_of[record.programme];
        const auto stock = [&](Stock kind) -> std::int32_t& {
          return counts[of_stocks + static_cast<std::size_t>(kind) * stock_size + record.board];
        };
        const auto this_week = [&](std::size_t what) -> std::int32_t& {
          return counts[what + of_weeks + record.region];
        };
        const auto change_use = [&](int change) {
          stock(stock_adopters) += change;
          counts[of_quintiles + record.quintile] += change;
          this_week(use) += change;
        };
        follow({i, first.boundary, to, from}, courses[i], [&](Moment moment, const Course& course) {
          switch (moment) {
            case Moment::engages:
              ++stock(stock_engaged);
              break;
            case Moment::begins:
              ++stock(stock_implementing_ever);
              break;
            case Moment::sets_up:
              if (boundary == tables.programmes[record.programme].begins) {
                if (side == Side::comparator) set_up_before[i] = 1;
                if (set_up_before[i] != 0) break;
              }
              ++this_week(set_ups);
              break;
            case Moment::adopts: {
              ++stock(stock_ever_adopted);
              ++this_week(first_use);
              if (side == Side::comparator) first_use_otherwise[i] = static_cast<std::int16_t>(boundary);
              const int otherwise = first_use_otherwise[i];
              if (otherwise <= boundary) break;
              // Kept where it begins and ceases to hold, in the order of report dates; added up afterwards.
              ++counts[of_reports + record.region];
              --counts[not_otherwise + report_at(otherwise) * n_regions + record.region];
              break;
            }
            case Moment::enters_use:
              change_use(1);
              break;
            case Moment::leaves_use:
              change_use(-1);
              if (boundary - course.in_use_since > kWeeksSustained) {
                ++sustained(counts, record.board, course.in_use_since);
                --stock(stock_sustained);
              }
              spells.push_back({i, course.in_use_since, static_cast<std::int16_t>(boundary), away(course), false});
              break;
          }
        });
      } while (++at != end && is_same_move(*at, first));
      event = at;
    };
    using enum Stage;
    const auto is = [&](Stage from, Stage to) { return first.from == from && first.stage == to; };
    if (is(unaware, engaged))
      read_run(std::integral_constant<Stage, unaware>(), std::integral_constant<Stage, engaged>());
    else if (is(engaged, implementing))
      read_run(std::integral_constant<Stage, engaged>(), std::integral_constant<Stage, implementing>());
    else if (is(implementing, in_use))
      read_run(std::integral_constant<Stage, implementing>(), std::integral_constant<Stage, in_use>());
    else
      read_run(first.from, first.stage);
  }
  // Who is still in use is listed first: nobody foretells a branch on that.
  work.in_use.resize(tables.records.size());
  std::size_t n_in_use = 0;
  for (std::uint32_t i = 0; i < work.in_use.size(); ++i) {
    work.in_use[n_in_use] = i;
    n_in_use += courses[i].in_use_since >= 0 ? 1 : 0;
  }
  for (const std::uint32_t i : std::span(work.in_use).first(n_in_use)) {
    const Course& course = courses[i];
    const OutcomeTables::Record& record = records[i];
    ++sustained(counts_of[record.programme], record.board, course.in_use_since);
    spells.push_back({i, course.in_use_since, static_cast<std::int16_t>(n_weeks), away(course), true});
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
  const int n_weeks = model.calendar().n_weeks;
  const auto comparator = static_cast<std::size_t>(layout.comparator);
  const Shape shape = shape_of(tables, layout);
  const CountsShape counts = counts_shape_of(tables);
  thread_local Workspace work;

  work.set_up_before.assign(tables.records.size(), 0);
  work.first_use_otherwise.assign(tables.records.size(), kNeverUsed);
  work.spells.resize(n_strategies);
  work.tallies.resize(n_strategies);
  const auto read = [&](std::size_t s, Side side) {
    work.tallies[s].resize(n_programmes);
    for (std::size_t j = 0; j < n_programmes; ++j) work.tallies[s][j].reset(tables, tables.programmes[j], counts);
    read_history(tables, counts, n_weeks, histories[s], side, work, work.spells[s], work.tallies[s]);
  };
  read(comparator, Side::comparator);
  for (std::size_t s = 0; s < n_strategies; ++s)
    if (s != comparator) read(s, Side::other);
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
      fill_sheet(tables, counts, static_cast<int>(j), work.tallies[s][j], tables.delivered[plan], tables.subsidy[plan],
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
