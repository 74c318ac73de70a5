#include "statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

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

/// Batcher's odd-even merge sort (Knuth, The Art of Computer Programming 3, 5.2.2 M) of every lane; any size.
void sort_lanes(std::span<Lanes> rows) {
  const std::size_t n = rows.size();
  for (std::size_t p = 1; p < n; p *= 2) {
    for (std::size_t k = p; k >= 1; k /= 2) {
      for (std::size_t j = k % p; j + k < n; j += 2 * k) {
        for (std::size_t i = 0; i < std::min(k, n - j - k); ++i) {
          if ((i + j) / (2 * p) != (i + j + k) / (2 * p)) continue;
          Lanes &a = rows[i + j], &b = rows[i + j + k];
          for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const double low = std::min(a[lane], b[lane]), high = std::max(a[lane], b[lane]);
            a[lane] = low;
            b[lane] = high;
          }
        }
      }
    }
  }
}

/// mean(a) / mean(b) and its standard error, over replicates in which both are defined.
struct Ratio {
  double value = kNaN, error = kNaN;
};
Ratio ratio_of_means(std::span<const double> a, std::span<const double> b) {
  double sum_a = 0, sum_b = 0, n = 0;
  for (std::size_t r = 0; r < a.size(); ++r) {
    if (std::isnan(a[r]) || std::isnan(b[r])) continue;
    sum_a += a[r];
    sum_b += b[r];
    n += 1;
  }
  if (n == 0 || sum_b == 0) return {};
  const double ratio = sum_a / sum_b;
  double squares = 0;
  for (std::size_t r = 0; r < a.size(); ++r) {
    if (std::isnan(a[r]) || std::isnan(b[r])) continue;
    const double residual = a[r] - ratio * b[r];
    squares += residual * residual;
  }
  if (n < 2) return {ratio, kNaN};
  return {ratio, std::sqrt(squares / (n - 1) / n) / std::abs(sum_b / n)};
}

}  // namespace

namespace {
/// Mean, sd and mcse, in the order of the replicates; quantiles when all values are one.
Statistics moments(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  double sum = 0, lowest = values[0], highest = values[0];
  for (const double v : values) {
    sum += v;
    lowest = std::min(lowest, v);
    highest = std::max(highest, v);
  }
  Statistics s;
  if (lowest == highest) {
    s.mean = s.p05 = s.p25 = s.p50 = s.p75 = s.p95 = lowest;
    s.sd = s.mcse = n > 1 ? 0 : kNaN;
    return s;
  }
  s.mean = sum / n;
  double squares = 0;
  for (const double v : values) squares += (v - s.mean) * (v - s.mean);
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
  Statistics s = moments(defined);
  if (s.sd > 0) set_quantiles(s, quantiles(defined));
  return s;
}

std::vector<double> cell_values(const SummaryLayout& layout, const Ensemble& ensemble, const CellRow& row, int place,
                                View view) {
  std::vector<double> values(ensemble.n_replicates);
  for (std::size_t r = 0; r < values.size(); ++r)
    values[r] = value_in_view(layout, ensemble.row(r), *row.block, row.strategy, row.programme, row.time, place, view);
  return values;
}

std::vector<Statistics> place_statistics(const SummaryLayout& layout, const Ensemble& ensemble, const CellRow& row,
                                         View view) {
  const auto n_places = static_cast<std::size_t>(row.block->n_places);
  const std::size_t n = ensemble.n_replicates;
  // Places of a replicate are neighbours in memory: read them together, then take each place's replicates.
  std::vector<double> values(n_places * n), of_replicate(n_places);
  for (std::size_t r = 0; r < n; ++r) {
    values_in_view(layout, ensemble.row(r), *row.block, row.strategy, row.programme, row.time, view, of_replicate);
    for (std::size_t place = 0; place < n_places; ++place) values[place * n + r] = of_replicate[place];
  }
  const auto column = [&](std::size_t place) { return std::span(values).subspan(place * n, n); };
  std::vector<Statistics> result(n_places);
  std::vector<std::size_t> together;  // places whose quantiles are found side by side
  std::vector<Lanes> lanes;
  const auto sort_together = [&] {
    lanes.assign(n, Lanes{});
    for (std::size_t lane = 0; lane < together.size(); ++lane) {
      const auto of = column(together[lane]);
      for (std::size_t r = 0; r < n; ++r) lanes[r][lane] = of[r];
    }
    sort_lanes(lanes);
    for (std::size_t lane = 0; lane < together.size(); ++lane) {
      std::array<double, kProbabilities.size()> q{};
      for (std::size_t i = 0; i < q.size(); ++i) {
        const Between at = between(n, kProbabilities[i]);
        q[i] = lanes[at.low][lane] + at.part * (lanes[at.high][lane] - lanes[at.low][lane]);
      }
      set_quantiles(result[together[lane]], q);
    }
    together.clear();
  };
  for (std::size_t place = 0; place < n_places; ++place) {
    const auto of = column(place);
    if (n > kLargestSorted || std::ranges::any_of(of, [](double v) { return std::isnan(v); })) {
      result[place] = statistics(of);
      continue;
    }
    result[place] = moments(of);
    if (result[place].sd > 0) together.push_back(place);
    if (together.size() == kLanes) sort_together();
  }
  if (!together.empty()) sort_together();
  for (std::size_t place = 0; place < n_places; ++place) {
    Statistics& s = result[place];
    if (row.block->metric != Metric::attributable_share || std::isnan(s.mean)) continue;
    const auto& benefit = layout.benefit[static_cast<std::size_t>(row.programme)];
    const Block* avoided = benefit ? layout.find(*benefit, row.block->axis, row.block->geography) : nullptr;
    if (avoided == nullptr) continue;
    const CellRow same{avoided, row.strategy, row.programme, row.time};
    const auto at = static_cast<int>(place);
    const Ratio ratio = ratio_of_means(cell_values(layout, ensemble, same, at, View::net),
                                       cell_values(layout, ensemble, same, at, View::gross));
    s.mean = ratio.value;
    s.mcse = ratio.error;
  }
  return result;
}

}  // namespace uptake
