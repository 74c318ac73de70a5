#include "uptake/calendar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace uptake {

using namespace std::chrono;

std::string iso(Date date) {
  const year_month_day ymd{date};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(ymd.year()), static_cast<unsigned>(ymd.month()),
                     static_cast<unsigned>(ymd.day()));
}

int Calendar::boundary_at_end_of(Date date) const {
  const auto whole_days = (date - start).count() + 1;
  return static_cast<int>(std::clamp<long>(whole_days < 0 ? 0 : whole_days / 7, 0, n_weeks));
}

int Calendar::nearest_boundary(Date date) const {
  return static_cast<int>(std::lround(static_cast<double>((date - start).count()) / 7.0));
}

namespace {
/// Periods that begin on the first of `first_month`, every `step` months, cut at [from, to].
std::vector<Period> cut_periods(Date from, Date to, year_month first, months step, auto label) {
  std::vector<Period> periods;
  for (year_month ym = first; sys_days{ym / 1} <= to; ym += step) {
    const Date begin = sys_days{ym / 1};
    const Date end = sys_days{(ym + step) / 1} - days{1};
    periods.push_back({std::max(begin, from), std::min(end, to), label(ym)});
  }
  return periods;
}
}  // namespace

std::vector<Period> Calendar::months() const {
  const year_month_day first{start};
  auto periods =
      cut_periods(start, last_day(), first.year() / first.month(), std::chrono::months{1}, [](year_month ym) {
        return fmt::format("{:04}-{:02}", static_cast<int>(ym.year()), static_cast<unsigned>(ym.month()));
      });
  // A month that the horizon cuts has no month end to give a stock at.
  if (periods.size() > 1) {
    const year_month_day last{periods.back().to};
    if (periods.back().to != sys_days{last.year() / last.month() / std::chrono::last}) periods.pop_back();
  }
  return periods;
}

std::vector<Period> Calendar::financial_years() const {
  const year_month_day first{start};
  const year begins = first.month() >= April ? first.year() : first.year() - years{1};
  return cut_periods(start, last_day(), begins / April, std::chrono::months{12}, [](year_month ym) {
    const int y = static_cast<int>(ym.year());
    return fmt::format("{:04}/{:02}", y, (y + 1) % 100);
  });
}

std::vector<Period> Calendar::report_periods() const {
  std::vector<Period> periods;
  for (const Date date : report_at) periods.push_back({start, date, iso(date)});
  return periods;
}

}  // namespace uptake
