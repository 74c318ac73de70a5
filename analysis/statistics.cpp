#include "statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace uptake {

namespace {
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Puts the order statistics of these ranks (increasing) in their places of `values`, splitting at the middle rank.
void select(std::span<double> values, std::size_t first_rank, std::span<const std::size_t> ranks) {
  if (ranks.empty() || values.size() < 2) return;
  const std::size_t middle = ranks.size() / 2;
  const std::size_t split = ranks[middle] - first_rank;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(split), values.end());
  select(values.first(split), first_rank, ranks.first(middle));
  select(values.subspan(split + 1), ranks[middle] + 1, ranks.subspan(middle + 1));
}

constexpr std::array kProbabilities{0.05, 0.25, 0.50, 0.75, 0.95};

/// Quantiles at kProbabilities: Hyndman & Fan (1996), type 7.
std::array<double, kProbabilities.size()> quantiles(std::span<double> values) {
  std::array<double, kProbabilities.size()> result{};
  std::array<std::size_t, 2 * kProbabilities.size()> ranks{};
  for (std::size_t i = 0; i < kProbabilities.size(); ++i) {
    const auto low = static_cast<std::size_t>(static_cast<double>(values.size() - 1) * kProbabilities[i]);
    ranks[2 * i] = low;
    ranks[2 * i + 1] = std::min(low + 1, values.size() - 1);
  }
  std::array<std::size_t, ranks.size()> distinct = ranks;
  std::sort(distinct.begin(), distinct.end());
  const auto n = static_cast<std::size_t>(std::unique(distinct.begin(), distinct.end()) - distinct.begin());
  select(values, 0, std::span(distinct).first(n));
  for (std::size_t i = 0; i < kProbabilities.size(); ++i) {
    const double place = static_cast<double>(values.size() - 1) * kProbabilities[i];
    const double low = values[ranks[2 * i]], high = values[ranks[2 * i + 1]];
    result[i] = low + (place - std::floor(place)) * (high - low);
  }
  return result;
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

Statistics statistics(std::span<double> values) {
  // Defined values first, in the order of the replicates, so that sums do not depend on anything else.
  std::size_t n_defined = 0;
  for (double& value : values)
    if (!std::isnan(value)) std::swap(values[n_defined++], value);
  const std::span<double> defined = values.first(n_defined);
  if (defined.empty()) return {kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN};
  const auto n = static_cast<double>(defined.size());
  double sum = 0, lowest = defined[0], highest = defined[0];
  for (const double v : defined) {
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
  for (const double v : defined) squares += (v - s.mean) * (v - s.mean);
  s.sd = std::sqrt(squares / (n - 1));
  s.mcse = s.sd / std::sqrt(n);
  const auto q = quantiles(defined);
  s.p05 = q[0];
  s.p25 = q[1];
  s.p50 = q[2];
  s.p75 = q[3];
  s.p95 = q[4];
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
  std::vector<double> values(n_places * n);
  for (std::size_t r = 0; r < n; ++r)
    for (std::size_t place = 0; place < n_places; ++place)
      values[place * n + r] = value_in_view(layout, ensemble.row(r), *row.block, row.strategy, row.programme, row.time,
                                            static_cast<int>(place), view);
  std::vector<Statistics> result(n_places);
  for (std::size_t place = 0; place < n_places; ++place) {
    Statistics& s = result[place] = statistics({values.data() + place * n, n});
    if (row.block->metric != Metric::attributable_share || std::isnan(s.mean)) continue;
    const Block* avoided = layout.find(Metric::admissions_avoided, row.block->axis, row.block->geography);
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
