/// What one programme came to in one world, by place and period, and the metrics that are read off it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "outcome_tables.hpp"
#include "uptake/outcomes.hpp"

namespace uptake {

/// Stocks in the order of Metric.
enum Stock : int { stock_engaged, stock_implementing_ever, stock_adopters, stock_ever_adopted, stock_sustained };
inline constexpr int kNStocks = stock_sustained + 1;
static_assert(static_cast<int>(Metric::sustained_adopters) == stock_sustained);

/// Flows in the order of Metric.
enum Flow : int {
  flow_patients,
  flow_admissions,
  flow_bed_days,
  flow_home_years,
  flow_savings,
  flow_cash,
  flow_capacity,
  flow_cost,
  flow_cost_public
};
inline constexpr int kNFlows = flow_cost_public + 1;
static_assert(static_cast<int>(Metric::cost_public_gbp) - static_cast<int>(Metric::patients_in_year) ==
              flow_cost_public);
/// Present values at the start.
enum Value : int { value_savings, value_cash, value_cost, value_cost_public };
inline constexpr int kNValues = value_cost_public + 1;

/// Sums over the organisations of one programme that need no drawn value, and flows that do.
struct Tally {
  std::vector<std::int32_t> stocks;     ///< change, [stock][stock boundary][board]
  std::vector<std::int32_t> quintiles;  ///< change of adopters, [stock boundary][quintile]
  std::vector<std::int32_t> ever;       ///< organisations first in use, [boundary]
  // [region][cell]
  std::vector<std::int32_t> set_ups;
  std::vector<std::int64_t> days;     ///< in use, in the cell of a start or stop itself
  std::vector<std::int32_t> started;  ///< change of organisations in use all through this cell and the later ones
  std::vector<double> admissions, patients;

  void reset(const OutcomeTables& tables, int n_weeks, std::size_t n_regions) {
    const std::size_t n_cells = tables.cells.size();
    stocks.assign(kNStocks * tables.stock_boundaries.size() * tables.region_of_board.size(), 0);
    quintiles.assign(tables.stock_boundaries.size() * kNQuintileGroups, 0);
    ever.assign(static_cast<std::size_t>(n_weeks) + 1, 0);
    set_ups.assign(n_regions * n_cells, 0);
    days.assign(n_regions * n_cells, 0);
    started.assign(n_regions * n_cells, 0);
    admissions.assign(n_regions * n_cells, 0.0);
    patients.assign(n_regions * n_cells, 0.0);
  }
};

/// Additive results of one programme in one world, in the order they are written: every row is one row of places
/// (England, regions; stocks go on with boards).
struct Shape {
  std::size_t n_places, n_stock_places, n_stocks, n_months, n_periods, n_reports, n_boundaries;
  std::size_t patients, flows, values, quintiles, ever, size;
};

[[nodiscard]] Shape shape_of(const OutcomeTables& tables, const SummaryLayout& layout);

struct Sheet {
  Shape shape{};
  bool has_outcome = false;      ///< its use is known to avoid, or cause, something
  bool has_people = false;       ///< the number of people in an organisation is known
  std::vector<double> eligible;  ///< by place
  std::array<double, kNQuintileGroups> eligible_by_quintile{};
  std::vector<double> values;

  void reset(const Shape& s) {
    shape = s;
    has_outcome = has_people = false;
    eligible.assign(s.n_places, 0.0);
    eligible_by_quintile.fill(0.0);
    values.assign(s.size, 0.0);
  }
  void add(const Sheet& other) {
    has_outcome = has_outcome || other.has_outcome;
    has_people = has_people || other.has_people;
    for (std::size_t i = 0; i < eligible.size(); ++i) eligible[i] += other.eligible[i];
    for (std::size_t i = 0; i < eligible_by_quintile.size(); ++i)
      eligible_by_quintile[i] += other.eligible_by_quintile[i];
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += other.values[i];
  }
  [[nodiscard]] const double* stock(int kind, int at) const { return values.data() + stock_offset(kind, at); }
  [[nodiscard]] double* stock(int kind, int at) { return values.data() + stock_offset(kind, at); }
  [[nodiscard]] const double* patients(std::size_t month) const {
    return values.data() + shape.patients + month * shape.n_places;
  }
  [[nodiscard]] double* patients(std::size_t month) { return values.data() + shape.patients + month * shape.n_places; }
  [[nodiscard]] const double* flow(int kind, std::size_t period) const {
    return values.data() + flow_offset(kind, period);
  }
  [[nodiscard]] double* flow(int kind, std::size_t period) { return values.data() + flow_offset(kind, period); }
  [[nodiscard]] const double* present(int kind, std::size_t report) const {
    return values.data() + present_offset(kind, report);
  }
  [[nodiscard]] double* present(int kind, std::size_t report) { return values.data() + present_offset(kind, report); }
  [[nodiscard]] const double* quintiles(std::size_t report) const {
    return values.data() + shape.quintiles + report * kNQuintileGroups;
  }
  [[nodiscard]] double* quintiles(std::size_t report) {
    return values.data() + shape.quintiles + report * kNQuintileGroups;
  }
  [[nodiscard]] std::span<const double> ever() const { return {values.data() + shape.ever, shape.n_boundaries}; }
  [[nodiscard]] std::span<double> ever() { return {values.data() + shape.ever, shape.n_boundaries}; }

 private:
  [[nodiscard]] std::size_t stock_offset(int kind, int at) const {
    return (static_cast<std::size_t>(kind) * shape.n_stocks + static_cast<std::size_t>(at)) * shape.n_stock_places;
  }
  [[nodiscard]] std::size_t flow_offset(int kind, std::size_t period) const {
    return shape.flows + (static_cast<std::size_t>(kind) * shape.n_periods + period) * shape.n_places;
  }
  [[nodiscard]] std::size_t present_offset(int kind, std::size_t report) const {
    return shape.values + (static_cast<std::size_t>(kind) * shape.n_reports + report) * shape.n_places;
  }
};

/// What a draw makes of a pound and a day.
struct Prices {
  double per_admission, bed_days_per_admission, cashable, set_up, running, staff_day;
  bool delivery_is_public, adoption_is_public;
};
[[nodiscard]] Prices prices_of(const Model& model, const Draw& draw, int programme);

/// Fills a sheet from a tally. @param delivered staff-days by cell and region @param discounts factor by cell
void fill_sheet(const OutcomeTables& tables, int programme, const Tally& tally, std::span<const double> delivered,
                std::span<const double> discounts, const Prices& prices, Sheet& sheet);

/// Values of a block's metric at one time: a row of places. @param otherwise the comparator's sheet
void write_row(const OutcomeTables& tables, const Block& block, const Sheet& sheet, const Sheet& otherwise, int time,
               double* row);

}  // namespace uptake
