#include <algorithm>
#include <array>
#include <cmath>

#include "uptake/outcomes.hpp"

namespace uptake {

namespace {
/// Long-run rates a year after year 30 and after year 75 (HM Treasury Green Book 2022, annex on discounting).
struct LongRun {
  double after_30, after_75;
};
constexpr LongRun kMoney{0.030, 0.025};
constexpr LongRun kHealth{0.0129, 0.0107};
}  // namespace

double discount_factor(double years, double rate, Discounting kind) {
  const LongRun& steps = kind == Discounting::money ? kMoney : kHealth;
  // A rate below a step stays: a study at 0 % is undiscounted however long it runs.
  const std::array<double, 3> rates{rate, std::min(rate, steps.after_30), std::min(rate, steps.after_75)};
  const std::array<double, 3> spent{std::min(years, 30.0), std::clamp(years - 30.0, 0.0, 45.0),
                                    std::max(years - 75.0, 0.0)};
  double log_factor = 0;
  for (std::size_t i = 0; i < 3; ++i) log_factor -= spent[i] * std::log1p(rates[i]);
  return std::exp(log_factor);
}

double annuity(int n_years, double rate, Discounting kind) {
  double value = 0;
  for (int year = 0; year < n_years; ++year) value += discount_factor(year, rate, kind);
  return value;
}

}  // namespace uptake
