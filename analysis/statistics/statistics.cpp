#include "statistics/statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "uptake/arrays.hpp"
#include "uptake/error.hpp"

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

/// Columns are sorted side by side: a compare-exchange of all lanes is two vector instructions and no branch.
using Lanes = ColumnStatistics::Lanes;
constexpr std::size_t kLanes = ColumnStatistics::kLanes;
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

ColumnStatistics::ColumnStatistics(std::size_t n) : n_(n), values_((n > kLargestSorted ? 1 : kLanes) * n) {}

std::span<double> ColumnStatistics::next() { return std::span(values_).subspan(waiting_.size() * n_, n_); }

std::int32_t ColumnStatistics::add(Statistics& result) {
  const std::span<double> column = next();
  const auto undefined = std::ranges::count_if(column, [](double v) { return std::isnan(v); });
  const auto n_defined = static_cast<std::int32_t>(column.size()) - static_cast<std::int32_t>(undefined);
  if (n_ > kLargestSorted || undefined > 0) {
    result = statistics(column);
  } else if (is_constant(column)) {
    result = constant(column.front(), n_);
  } else {
    waiting_.push_back(&result);
    if (waiting_.size() == kLanes) finish();
  }
  return n_defined;
}

void ColumnStatistics::finish() {
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

}  // namespace uptake
