#include "statistics/statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include "uptake/error.hpp"
#include "uptake/random.hpp"
#include "uptake/widest.hpp"

namespace uptake {

namespace {
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

constexpr std::array kProbabilities{0.05, 0.25, 0.50, 0.75, 0.95};

/// Order statistics that type 7 (Hyndman & Fan 1996) interpolates between, and how far.
struct Between {
  std::size_t low, high;
  double part;
};
Between between(std::size_t n, double probability) {
  const double place = static_cast<double>(n - 1) * probability;
  const auto low = static_cast<std::size_t>(place);
  return {low, std::min(low + 1, n - 1), place - std::floor(place)};
}

/// Quantiles at kProbabilities. Reorders `values`.
std::array<double, kProbabilities.size()> quantiles(std::span<double> values) {
  std::array<double, kProbabilities.size()> result{};
  auto rest = values.begin();  // what lies before is in place and no larger than what follows
  for (std::size_t i = 0; i < kProbabilities.size(); ++i) {
    const Between at = between(values.size(), kProbabilities[i]);
    const auto low = values.begin() + static_cast<std::ptrdiff_t>(at.low);
    std::nth_element(rest, low, values.end());
    const double high = at.high == at.low ? *low : *std::min_element(low + 1, values.end());
    result[i] = *low + at.part * (high - *low);
    rest = low;
  }
  return result;
}

/// Columns sorted side by side: a compare-exchange of all lanes is two vector instructions and no branch.
constexpr std::size_t kLanes = 8;
using Lanes = std::array<double, kLanes>;
/// Beyond this many rows selecting is less work than sorting.
constexpr std::size_t kLargestSorted = 2048;

/// Puts the smaller of each lane into a and the larger into b.
inline void exchange(Lanes& a, Lanes& b) {
  const Lanes x = a, y = b;
  for (std::size_t lane = 0; lane < kLanes; ++lane) a[lane] = std::min(x[lane], y[lane]);
  for (std::size_t lane = 0; lane < kLanes; ++lane) b[lane] = std::max(x[lane], y[lane]);
}

/// Batcher's odd-even merge sort (Knuth, The Art of Computer Programming 3, 5.2.2 M) of every lane; any size.
UPTAKE_WIDEST void sort_lanes(std::span<Lanes> rows) {
  const std::size_t n = rows.size();
  for (std::size_t p = 1; p < n; p *= 2) {
    for (std::size_t k = p; k >= 1; k /= 2) {
      for (std::size_t j = k % p; j + k < n; j += 2 * k) {
        if ((j + k) % (2 * p) == 0) continue;  // of two runs that are merged apart
        for (std::size_t i = j; i < std::min(j + k, n - k); ++i) exchange(rows[i], rows[i + k]);
      }
    }
  }
}

/// Of values that are all one.
Statistics constant(double value, std::size_t n) {
  const double spread = n > 1 ? 0 : kNaN;
  return {value, spread, value, value, value, value, value, spread};
}
bool is_constant(std::span<const double> values) {
  return std::ranges::all_of(values, [first = values.front()](double v) { return v == first; });
}

/// Sums of every lane in the order of the rows, and of the squares of their distances from the mean.
struct LaneSums {
  Lanes sum{}, squares{};
};
UPTAKE_WIDEST LaneSums sum_lanes(std::span<const Lanes> rows) {
  LaneSums s;
  for (const Lanes& row : rows)
    for (std::size_t lane = 0; lane < kLanes; ++lane) s.sum[lane] += row[lane];
  Lanes mean;
  for (std::size_t lane = 0; lane < kLanes; ++lane) mean[lane] = s.sum[lane] / static_cast<double>(rows.size());
  for (const Lanes& row : rows)
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      s.squares[lane] += (row[lane] - mean[lane]) * (row[lane] - mean[lane]);
  return s;
}

/// Mean, sd and mcse.
Statistics moments(double sum, double squares, std::size_t n_values) {
  const auto n = static_cast<double>(n_values);
  Statistics s;
  s.mean = sum / n;
  s.sd = std::sqrt(squares / (n - 1));
  s.mcse = s.sd / std::sqrt(n);
  return s;
}
void set_quantiles(Statistics& s, const std::array<double, kProbabilities.size()>& q) {
  s.p05 = q[0];
  s.p25 = q[1];
  s.p50 = q[2];
  s.p75 = q[3];
  s.p95 = q[4];
}
}  // namespace

Statistics statistics(std::span<double> values) {
  // Defined values first, in the order of the replicates, so that sums do not depend on anything else.
  const auto end = std::stable_partition(values.begin(), values.end(), [](double v) { return !std::isnan(v); });
  const std::span<double> defined(values.begin(), end);
  if (defined.empty()) return {kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN};
  if (is_constant(defined)) return constant(defined.front(), defined.size());
  double sum = 0, squares = 0;
  for (const double v : defined) sum += v;
  const double mean = sum / static_cast<double>(defined.size());
  for (const double v : defined) squares += (v - mean) * (v - mean);
  Statistics s = moments(sum, squares, defined.size());
  set_quantiles(s, quantiles(defined));
  return s;
}

MeanRatio mean_ratio(const RatioOfMeans& ratio, std::span<const double> over, std::span<const double> under) {
  UPTAKE_EXPECTS(over.size() == under.size());
  double sum_over = 0, sum_under = 0, n = 0;
  for (std::size_t r = 0; r < over.size(); ++r) {
    if (std::isnan(over[r] + under[r])) continue;
    sum_over += over[r];
    sum_under += under[r];
    n += 1;
  }
  MeanRatio result{kNaN, std::vector<double>(over.size(), kNaN)};
  result.value = ratio.value(sum_over, sum_under);
  if (std::isnan(result.value)) return result;
  for (std::size_t r = 0; r < over.size(); ++r)
    result.residual[r] = (over[r] - result.value * under[r]) / (sum_under / n);
  return result;
}

double standard_error(std::span<const double> values) {
  double sum = 0, squares = 0, n = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    n += 1;
  }
  if (n < 2) return kNaN;
  for (const double value : values)
    if (!std::isnan(value)) squares += (value - sum / n) * (value - sum / n);
  return std::sqrt(squares / (n - 1) / n);
}

namespace {
/// Cells read together where memory allows: few enough for columns that stay in the cache.
constexpr std::size_t kCellsAtOnce = 256;

/// Finds the statistics of columns one after another; those of short ones side by side.
class Columns {
 public:
  explicit Columns(std::size_t n) : n_(n), values_((n > kLargestSorted ? 1 : kLanes) * n) {}

  /// Room for a column of n values; add() takes it.
  [[nodiscard]] std::span<double> next() { return std::span(values_).subspan(waiting_.size() * n_, n_); }
  /// The column in next() belongs to `result`, which is complete after finish().
  void add(CellStatistics& result) {
    const std::span<double> column = next();
    const auto undefined = std::ranges::count_if(column, [](double v) { return std::isnan(v); });
    result.n_defined = static_cast<std::int32_t>(column.size()) - static_cast<std::int32_t>(undefined);
    if (n_ > kLargestSorted || undefined > 0) {
      result.value = statistics(column);
      return;
    }
    if (is_constant(column)) {
      result.value = constant(column.front(), n_);
      return;
    }
    waiting_.push_back(&result.value);
    if (waiting_.size() == kLanes) finish();
  }
  void finish() {
    if (waiting_.empty()) return;
    lanes_.resize(n_);  // what lies in lanes that nobody waits for does not matter
    for (std::size_t lane = 0; lane < waiting_.size(); ++lane)
      for (std::size_t r = 0; r < n_; ++r) lanes_[r][lane] = values_[lane * n_ + r];
    const LaneSums sums = sum_lanes(lanes_);
    sort_lanes(lanes_);
    for (std::size_t lane = 0; lane < waiting_.size(); ++lane) {
      *waiting_[lane] = moments(sums.sum[lane], sums.squares[lane], n_);
      std::array<double, kProbabilities.size()> q{};
      for (std::size_t i = 0; i < q.size(); ++i) {
        const Between at = between(n_, kProbabilities[i]);
        q[i] = lanes_[at.low][lane] + at.part * (lanes_[at.high][lane] - lanes_[at.low][lane]);
      }
      set_quantiles(*waiting_[lane], q);
    }
    waiting_.clear();
  }

 private:
  std::size_t n_;
  std::vector<double> values_;
  std::vector<Statistics*> waiting_;
  std::vector<Lanes> lanes_;
};

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
  Columns columns(n);
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
        columns.add(result[v][begin + cell]);
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
  Columns columns(n_replicates);
  std::array<CellStatistics, kLanes> results;
  const double begin = thread_seconds();
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const std::span<double> column = columns.next();
    for (std::size_t r = 0; r < n_replicates; ++r) column[r] = static_cast<double>(mix64(mix64(lane) ^ r) >> 11);
    columns.add(results[lane]);
  }
  columns.finish();
  return (thread_seconds() - begin) / kLanes;
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
      [](std::size_t, std::vector<double>&&) {}, {control.body, control.n_threads, {}, {}});
  return report;
}

std::shared_ptr<const ReportStatistics> report_of(const RunRecord& record) {
  if (record.report) return record.report;
  return report_statistics(record, {Body::serial, 1, {}, {}});
}

}  // namespace uptake
