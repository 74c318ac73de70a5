#include "uptake/calendar.hpp"

#include <gtest/gtest.h>

namespace uptake {
namespace {

Date day(int year, unsigned month, unsigned d) {
  return std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{d};
}

Calendar calendar(Date start, int n_weeks) { return {start, n_weeks, 7 / kDaysPerYear, {}}; }

TEST(Calendar, DatesAreWrittenAsIso8601) {
  EXPECT_EQ(iso(day(2021, 1, 31)), "2021-01-31");
  EXPECT_EQ(iso(day(2024, 2, 29)), "2024-02-29");
}

TEST(Calendar, AStockIsTakenAfterTheLastWholeWeekByTheEndOfTheDay) {
  const Calendar c = calendar(day(2021, 1, 1), 274);
  EXPECT_EQ(c.boundary_at_end_of(day(2020, 12, 31)), 0);
  EXPECT_EQ(c.boundary_at_end_of(day(2021, 1, 6)), 0);
  EXPECT_EQ(c.boundary_at_end_of(day(2021, 1, 7)), 1);
  EXPECT_EQ(c.boundary_at_end_of(day(2021, 1, 8)), 1);
  EXPECT_EQ(c.boundary_at_end_of(day(2023, 3, 31)), 117);  // 820 days
  EXPECT_EQ(c.boundary_at_end_of(day(1990, 1, 1)), 0);
  EXPECT_EQ(c.boundary_at_end_of(day(2099, 1, 1)), 274);
}

TEST(Calendar, AWindowBeginsAtTheNearestBoundary) {
  const Calendar c = calendar(day(2021, 1, 1), 10);
  EXPECT_EQ(c.nearest_boundary(day(2021, 1, 1)), 0);
  EXPECT_EQ(c.nearest_boundary(day(2021, 1, 4)), 0);
  EXPECT_EQ(c.nearest_boundary(day(2021, 1, 5)), 1);
  EXPECT_EQ(c.nearest_boundary(day(2020, 12, 25)), -1);
  EXPECT_EQ(c.nearest_boundary(day(2022, 1, 1)), 52);  // 365 / 7 = 52.14, not clamped
}

TEST(Calendar, TheLastDayIsTheLastOfTheLastWeek) {
  const Calendar c = calendar(day(2021, 1, 1), 274);
  EXPECT_EQ(iso(c.last_day()), "2026-04-02");
  EXPECT_EQ(c.boundary_at_end_of(c.last_day()), 274);
  EXPECT_EQ(c.day_of(274), c.last_day() + std::chrono::days{1});
}

TEST(Calendar, MonthsCoverTheHorizonUpToItsLastWholeMonth) {
  const Calendar c = calendar(day(2020, 1, 15), 10);  // to 2020-03-24
  const auto months = c.months();
  ASSERT_EQ(months.size(), 2U);
  EXPECT_EQ(months[0].label, "2020-01");
  EXPECT_EQ(iso(months[0].from), "2020-01-15");
  EXPECT_EQ(iso(months[0].to), "2020-01-31");
  EXPECT_EQ(months[1].label, "2020-02");
  EXPECT_EQ(iso(months[1].to), "2020-02-29");
}

TEST(Calendar, AHorizonWithinOneMonthKeepsThatMonth) {
  const auto months = calendar(day(2020, 1, 15), 1).months();
  ASSERT_EQ(months.size(), 1U);
  EXPECT_EQ(iso(months[0].to), "2020-01-21");
}

TEST(Calendar, FinancialYearsRunFromAprilAndAreCutAtBothEnds) {
  const auto years = calendar(day(2021, 1, 1), 274).financial_years();
  ASSERT_EQ(years.size(), 7U);
  EXPECT_EQ(years.front().label, "2020/21");
  EXPECT_EQ(iso(years.front().from), "2021-01-01");
  EXPECT_EQ(iso(years.front().to), "2021-03-31");
  EXPECT_EQ(years[1].label, "2021/22");
  EXPECT_EQ(iso(years[1].from), "2021-04-01");
  EXPECT_EQ(years.back().label, "2026/27");
  EXPECT_EQ(iso(years.back().to), "2026-04-02");
  EXPECT_EQ(calendar(day(2099, 4, 1), 1).financial_years().front().label, "2099/00");
}

TEST(Calendar, PeriodsOfAnAxisNeitherOverlapNorLeaveGaps) {
  const Calendar c = calendar(day(2021, 1, 1), 274);
  for (const auto& periods : {c.months(), c.financial_years()}) {
    EXPECT_EQ(periods.front().from, c.start);
    for (std::size_t i = 1; i < periods.size(); ++i) {
      EXPECT_EQ(periods[i].from, periods[i - 1].to + std::chrono::days{1});
    }
  }
  EXPECT_EQ(c.financial_years().back().to, c.last_day());
}

TEST(Calendar, ReportPeriodsRunFromTheStart) {
  Calendar c = calendar(day(2021, 1, 1), 274);
  c.report_at = {day(2023, 3, 31), day(2026, 3, 31)};
  const auto periods = c.report_periods();
  ASSERT_EQ(periods.size(), 2U);
  EXPECT_EQ(periods[1].from, c.start);
  EXPECT_EQ(periods[1].to, c.report_at[1]);
  EXPECT_EQ(periods[1].label, "2026-03-31");
}

}  // namespace
}  // namespace uptake
