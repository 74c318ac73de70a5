#include "results/cell_statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "statistics/statistics.hpp"
#include "uptake/error.hpp"
#include "uptake/random.hpp"

namespace uptake {

namespace {
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Cells read together where memory allows: few enough for columns that stay in the cache.
constexpr std::size_t kCellsAtOnce = 256;

/// Columns of some cells, and those of the comparator's where they are another strategy's.
struct Slab {
  std::size_t n_replicates = 0;
  std::vector<double> own, comparator;
  enum class With : std::uint8_t { own, comparator };

  Slab(const SummaryLayout& layout, const Ensemble& ensemble, const Cells& cells, With with)
      : n_replicates(ensemble.n_replicates) {
    const auto columns = [&](int strategy) {
      std::vector<double> values(cells.n * n_replicates);
      ensemble.read_columns(0, n_replicates, cells.block->at(strategy, cells.programme, 0, 0) + cells.first, cells.n,
                            values);
      return values;
    };
    own = columns(cells.strategy);
    if (with == With::comparator && cells.strategy != layout.comparator) comparator = columns(layout.comparator);
  }
  /// What is seen of a cell, by replicate.
  void take(Seen seen, std::size_t cell, std::span<double> out) const {
    const auto column = [&](const std::vector<double>& of) {
      return std::span(of).subspan(cell * n_replicates, n_replicates);
    };
    const auto mine = column(own), without = comparator.empty() ? mine : column(comparator);
    switch (seen) {
      case Seen::nothing:
        std::ranges::fill(out, kNaN);
        break;
      case Seen::own:
        std::ranges::copy(mine, out.begin());
        break;
      case Seen::comparator:
        std::ranges::copy(without, out.begin());
        break;
      case Seen::difference:
        std::ranges::transform(mine, without, out.begin(), std::minus<>{});
        break;
    }
  }
};

Slab::With needed_for(Seen seen) {
  return seen == Seen::own || seen == Seen::nothing ? Slab::With::own : Slab::With::comparator;
}
/// Cells whose columns fit into the memory, at least one.
std::size_t cells_at_once(std::size_t n_replicates, std::size_t n_columns, std::size_t memory) {
  const std::size_t of_a_cell = n_columns * sizeof(double) * std::max<std::size_t>(n_replicates, 1);
  return std::clamp<std::size_t>(memory / of_a_cell, 1, kCellsAtOnce);
}
constexpr CellStatistics kUndefined{{kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN}, 0};
}  // namespace

int threads_of(const Control& control) { return control.n_threads > 0 ? control.n_threads : available_threads(); }
std::size_t slab_memory(const Control& control) {
  return std::min(kSlabMemory / static_cast<std::size_t>(threads_of(control)), kSlabMemoryOfThread);
}

std::vector<std::vector<CellStatistics>> cell_statistics(const SummaryLayout& layout, const Ensemble& ensemble,
                                                         const Cells& cells, std::span<const View> views,
                                                         std::size_t memory) {
  const Block& block = *cells.block;
  const std::size_t n = ensemble.n_replicates;
  const auto ratio = ratio_of_means(block.metric, layout.benefit[static_cast<std::size_t>(cells.programme)]);
  auto with = Slab::With::own;
  for (const View view : views)
    if (needed_for(seen(block.metric, view)) == Slab::With::comparator) with = Slab::With::comparator;
  const std::size_t n_columns = (with == Slab::With::comparator ? 2u : 1u) + (ratio ? 4u : 0u);
  const std::size_t at_once = cells_at_once(n, n_columns, memory);

  std::vector<std::vector<CellStatistics>> result(views.size(), std::vector<CellStatistics>(cells.n, kUndefined));
  ColumnStatistics columns(n);
  std::vector<double> over(ratio ? n : 0), under(ratio ? n : 0);
  for (std::size_t begin = 0; begin < cells.n; begin += at_once) {
    Cells some = cells;
    some.first = cells.first + begin;
    some.n = std::min(at_once, cells.n - begin);
    const Slab slab(layout, ensemble, some, with);
    for (std::size_t v = 0; v < views.size(); ++v) {
      const Seen what = seen(block.metric, views[v]);
      if (what == Seen::nothing) continue;
      for (std::size_t cell = 0; cell < some.n; ++cell) {
        slab.take(what, cell, columns.next());
        CellStatistics& found = result[v][begin + cell];
        found.n_defined = columns.add(found.value);
      }
      columns.finish();
      if (!ratio) continue;
      const auto part = [&](Metric metric) {
        Cells of = some;
        of.block = layout.find(metric, block.axis, block.geography);
        return Slab(layout, ensemble, of, Slab::With::comparator);
      };
      const auto in = [&](Metric metric, View view) {
        return seen(metric, spec(block.metric).own_world ? views[v] : view);
      };
      const Slab overs = part(ratio->over), unders = part(ratio->under);
      for (std::size_t cell = 0; cell < some.n; ++cell) {
        Statistics& s = result[v][begin + cell].value;
        if (std::isnan(s.mean)) continue;
        overs.take(in(ratio->over, ratio->over_in), cell, over);
        unders.take(in(ratio->under, ratio->under_in), cell, under);
        const MeanRatio found = mean_ratio(*ratio, over, under);
        if (std::isnan(found.value)) {
          s = kUndefined.value;
          continue;
        }
        s.mean = found.value;
        s.mcse = standard_error(found.residual);
      }
    }
  }
  return result;
}

std::size_t memory_of_slab(std::size_t n_replicates, std::size_t memory) {
  const std::size_t column = n_replicates * sizeof(double);
  // Own columns and the comparator's, the one that is being sorted, and rows on their way into columns.
  return std::max(std::min(memory, 2 * kCellsAtOnce * column), 2 * column) + column;
}

double columns_of_statistics(const SummaryLayout& layout) {
  // Almost every cell is compared with the comparator's; what is split or kept by replicate is little beside that.
  double n = 0;
  for (const Block& block : layout.blocks)
    n += static_cast<double>(all_cells(block, 0, 0).n) * block.n_programmes * (2 * block.n_strategies - 1);
  return n;
}

double seconds_of_column(std::size_t n_replicates) {
  ColumnStatistics columns(n_replicates);
  std::array<Statistics, ColumnStatistics::kLanes> results;
  const double begin = thread_seconds();
  for (std::size_t lane = 0; lane < results.size(); ++lane) {
    const std::span<double> column = columns.next();
    for (std::size_t r = 0; r < n_replicates; ++r) column[r] = static_cast<double>(mix64(mix64(lane) ^ r) >> 11);
    columns.add(results[lane]);
  }
  columns.finish();
  return (thread_seconds() - begin) / static_cast<double>(results.size());
}

std::vector<double> cell_values(const SummaryLayout& layout, const Ensemble& ensemble, const Block& block, int strategy,
                                int programme, int time, int place, View view) {
  const Seen what = seen(block.metric, view);
  const Cells cell{&block, strategy, programme, static_cast<std::size_t>(time * block.n_places + place), 1};
  std::vector<double> values(ensemble.n_replicates);
  Slab(layout, ensemble, cell, needed_for(what)).take(what, 0, values);
  return values;
}

namespace {
constexpr std::array kGrossAndNet{View::gross, View::net};

/// Place of a chunk in ReportStatistics.
std::size_t place_of(const ReportStatistics& report, std::size_t block, int strategy, int programme, View view) {
  const auto n_strategies = static_cast<std::size_t>(report.n_strategies);
  const auto n_programmes = static_cast<std::size_t>(report.n_programmes);
  return ((block * n_strategies + static_cast<std::size_t>(strategy)) * n_programmes +
          static_cast<std::size_t>(programme)) *
             kGrossAndNet.size() +
         (view == View::net ? 1 : 0);
}
}  // namespace

const std::vector<CellStatistics>& ReportStatistics::chunk(const Block& block, int strategy, int programme,
                                                           View view) const {
  UPTAKE_EXPECTS(view != View::counterfactual);
  // Blocks are few, and those of a copied layout are equal to those of its origin.
  const auto found = std::ranges::find(blocks, block.metric, &Block::metric);
  UPTAKE_EXPECTS(found != blocks.end());
  return chunks[place_of(*this, static_cast<std::size_t>(found - blocks.begin()), strategy, programme, view)];
}

CellStatistics ReportStatistics::at(const Block& block, int strategy, int programme, int time, int place,
                                    View view) const {
  switch (seen(block.metric, view)) {
    case Seen::nothing:
      return kUndefined;
    case Seen::comparator:
      strategy = comparator;
      view = View::gross;
      break;
    case Seen::own:
    case Seen::difference:
      break;
  }
  return chunk(block, strategy, programme, view)[static_cast<std::size_t>(time * block.n_places + place)];
}

std::shared_ptr<const ReportStatistics> report_statistics(const RunRecord& record, const Control& control) {
  const SummaryLayout& layout = record.layout;
  auto report = std::make_shared<ReportStatistics>();
  report->n_strategies = static_cast<int>(layout.strategies.size());
  report->n_programmes = static_cast<int>(layout.programmes.size());
  report->comparator = layout.comparator;
  for (const Block& block : layout.blocks)
    if (block.axis == Axis::report && block.geography == Geography::region) report->blocks.push_back(block);
  const std::size_t n_rows = layout.strategies.size() * layout.programmes.size();
  report->chunks.resize(report->blocks.size() * n_rows * kGrossAndNet.size());
  run_tasks(
      report->blocks.size() * n_rows,
      [&](std::size_t i) {
        const std::size_t row = i % n_rows;
        const Cells cells = all_cells(report->blocks[i / n_rows], static_cast<int>(row / layout.programmes.size()),
                                      static_cast<int>(row % layout.programmes.size()));
        auto of_views = cell_statistics(layout, *record.ensemble, cells, kGrossAndNet, slab_memory(control));
        for (std::size_t v = 0; v < kGrossAndNet.size(); ++v)
          report->chunks[i * kGrossAndNet.size() + v] = std::move(of_views[v]);
        return std::vector<double>{};
      },
      [](std::size_t, std::vector<double>&&) {}, {control.body, control.n_threads, {}, control.progress});
  return report;
}

std::shared_ptr<const ReportStatistics> report_of(const RunRecord& record) {
  if (record.report) return record.report;
  return report_statistics(record, {Body::serial, 1, {}, {}});
}

std::vector<double> eligible_organisations(const RunRecord& record, Geography geography) {
  const Model& model = *record.model;
  const Population& population = *model.population;
  const bool by_region = geography == Geography::region;
  const std::size_t n_places = by_region ? record.layout.regions.size() : record.layout.boards.size();
  std::vector<double> eligible(record.layout.programmes.size() * n_places, 0.0);
  for (std::size_t j = 0; j < model.programmes.size(); ++j) {
    const ProgrammeModel& programme = model.programmes[j];
    const auto n = static_cast<double>(programme.n_records());
    const double scale = model.scenario.programmes[j].historic_denominator.value_or(n) / n;
    for (const std::uint32_t organisation : programme.organisation) {
      const auto place = by_region ? 1 + static_cast<std::size_t>(population.region_of(organisation))
                                   : std::size_t{population.board[organisation]};
      eligible[j * n_places + place] += 1;
      if (by_region) eligible[j * n_places] += 1;
    }
    for (std::size_t place = 0; place < n_places; ++place) eligible[j * n_places + place] *= scale;
  }
  if (record.layout.programmes.size() > model.programmes.size()) {  // "all"
    const std::size_t last = model.programmes.size() * n_places;
    for (std::size_t i = 0; i < last; ++i) eligible[last + i % n_places] += eligible[i];
  }
  return eligible;
}

}  // namespace uptake
