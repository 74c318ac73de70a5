/// What one programme came to in one world, by place and period, and the metrics that are read off it.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "outcomes/outcome_tables.hpp"
#include "uptake/outcomes.hpp"

namespace uptake {

/// Stocks in the order of Metric.
enum Stock : int { stock_engaged, stock_implementing_ever, stock_adopters, stock_ever_adopted, stock_sustained };
inline constexpr int kNStocks = stock_sustained + 1;
static_assert(static_cast<int>(Metric::sustained_adopters) == stock_sustained);

/// Flows in the order of Metric.
enum Flow : int {
  flow_patients,
  flow_events,
  flow_admissions,
  flow_bed_days,
  flow_diagnosis,
  flow_home_years,
  flow_qalys,
  flow_savings,
  flow_cash,
  flow_capacity,
  flow_social,
  flow_cost,
  flow_cost_public,
  flow_carbon
};
inline constexpr int kNFlows = flow_carbon + 1;
[[nodiscard]] constexpr Flow flow_of(Metric metric) {
  return static_cast<Flow>(static_cast<int>(metric) - static_cast<int>(Metric::patients_in_year));
}
static_assert(flow_of(Metric::carbon_kg) == flow_carbon && flow_of(Metric::home_years) == flow_home_years);
/// Present values at the start, what the drift of a background brings and costs left out.
enum Value : int { value_savings, value_cash, value_social, value_cost, value_cost_public };
inline constexpr int kNValues = value_cost_public + 1;

/// Places of what is counted of one programme in one world, the same for all. Times have a place more than is read, for
/// what comes too late to count.
struct CountsShape {
  std::size_t n_boards, n_regions;
  std::size_t stock;                    ///< size of one stock: change, [stock boundary][board]
  std::size_t use, set_ups, first_use;  ///< change of organisations in use, set-ups, first uses, [boundary][region]
  std::size_t quintiles;                ///< change of adopters, [stock boundary][quintile]
  /// [report date in order of time][region]: first in use by then here, and not in the comparator's world
  std::size_t not_otherwise;
  std::size_t size;
};
[[nodiscard]] CountsShape counts_shape_of(const OutcomeTables& tables);

/// Sums over the organisations of one programme in one world.
struct Tally {
  std::vector<std::int32_t> counts;  ///< as CountsShape says
  // [group][cell], what they mean is the kind's affair until they are finished
  std::vector<double> effect, people;
  std::vector<double> beds;  ///< [stock boundary][region]
  // Finished: events avoided (stay: bed days) and people reached, by [region][cell] and [report][quintile].
  std::vector<double> events_by_region, people_by_region, events_by_quintile, people_by_quintile;
  /// What of the events and people by [region][cell] is the drift of the background alone; empty = none.
  std::vector<double> drift_events, drift_people;
  std::vector<double> uptake;  ///< share by course month, then report date, [time][place]

  void reset(const OutcomeTables& tables, const OutcomeTables::Programme& facts, const CountsShape& shape) {
    counts.assign(shape.size, 0);
    const bool has_effects = (facts.known & ~(bit(Needs::nothing) | bit(Needs::cost))) != 0;
    const std::size_t n_sums = has_effects ? facts.groups.size() * tables.cells.size() : 0;
    effect.assign(n_sums, 0.0);
    people.assign(n_sums, 0.0);
    const bool has_beds = (facts.known & bit(Needs::beds)) != 0;
    beds.assign(has_beds ? tables.stock_boundaries.size() * shape.n_regions : 0, 0.0);
  }
};

/// Additive results of one programme in one world, in the order they are written: every row is one row of places
/// (England, regions; stocks go on with boards).
struct Shape {
  std::size_t n_places, n_stock_places, n_stocks, n_months, n_periods, n_reports, n_boundaries;
  std::size_t patients, flows, values, sites, beds, distinct, not_otherwise, quintiles, flows_by_quintile, ever, size;
};

[[nodiscard]] Shape shape_of(const OutcomeTables& tables, const SummaryLayout& layout);

/// What unlike programmes have no total of: events of their kinds, and shares treated.
inline constexpr Known kOfOneAlone = bit(Needs::events) | bit(Needs::uptake);
/// What a total has only where each of its programmes has it: the social value of some over the cost of all says nothing.
inline constexpr Known kOfEachOrNone = bit(Needs::social_return);

struct Sheet {
  Shape shape{};
  Known known = 0;                     ///< what is known of it
  int n_added = 0;                     ///< sheets that it is the sum of
  std::optional<Metric> benefit;       ///< flow that its benefit is read off
  std::vector<double> eligible, size;  ///< by place: organisations, and organisations of mean size
  std::array<double, kNQuintileGroups> eligible_by_quintile{}, size_by_quintile{};
  std::vector<double> values;
  std::vector<std::int32_t> first_use, latest_use;  ///< boundary, [report][region]; -1 = nobody yet
  std::vector<double> uptake;                       ///< by course month, then report date, [time][place]

  void reset(const Shape& s, std::optional<Metric> read_off) {
    shape = s;
    known = 0;
    n_added = 0;
    benefit = read_off;
    eligible.assign(s.n_places, 0.0);
    size.assign(s.n_places, 0.0);
    eligible_by_quintile.fill(0.0);
    size_by_quintile.fill(0.0);
    values.assign(s.size, 0.0);
    first_use.assign(s.n_reports * (s.n_places - 1), -1);
    latest_use.assign(s.n_reports * (s.n_places - 1), -1);
    uptake.clear();
  }
  void add(const Sheet& other);
  [[nodiscard]] bool knows(Needs needs) const { return (known & bit(needs)) != 0; }
  [[nodiscard]] const double* stock(int kind, int at) const { return values.data() + stock_offset(kind, at); }
  [[nodiscard]] double* stock(int kind, int at) { return values.data() + stock_offset(kind, at); }
  [[nodiscard]] const double* patients(std::size_t month) const { return row(shape.patients, month); }
  [[nodiscard]] double* patients(std::size_t month) { return row(shape.patients, month); }
  [[nodiscard]] const double* flow(int kind, std::size_t period) const {
    return row(shape.flows, static_cast<std::size_t>(kind) * shape.n_periods + period);
  }
  [[nodiscard]] double* flow(int kind, std::size_t period) {
    return row(shape.flows, static_cast<std::size_t>(kind) * shape.n_periods + period);
  }
  [[nodiscard]] const double* present(int kind, std::size_t report) const {
    return row(shape.values, static_cast<std::size_t>(kind) * shape.n_reports + report);
  }
  [[nodiscard]] double* present(int kind, std::size_t report) {
    return row(shape.values, static_cast<std::size_t>(kind) * shape.n_reports + report);
  }
  [[nodiscard]] const double* sites(int at) const { return row(shape.sites, static_cast<std::size_t>(at)); }
  [[nodiscard]] double* sites(int at) { return row(shape.sites, static_cast<std::size_t>(at)); }
  [[nodiscard]] const double* beds(int at) const { return row(shape.beds, static_cast<std::size_t>(at)); }
  [[nodiscard]] double* beds(int at) { return row(shape.beds, static_cast<std::size_t>(at)); }
  [[nodiscard]] const double* distinct(std::size_t report) const { return row(shape.distinct, report); }
  [[nodiscard]] double* distinct(std::size_t report) { return row(shape.distinct, report); }
  [[nodiscard]] const double* not_otherwise(std::size_t report) const { return row(shape.not_otherwise, report); }
  [[nodiscard]] double* not_otherwise(std::size_t report) { return row(shape.not_otherwise, report); }
  /// Adopters by fifth of deprivation.
  [[nodiscard]] const double* quintiles(std::size_t report) const {
    return values.data() + shape.quintiles + report * kNQuintileGroups;
  }
  [[nodiscard]] double* quintiles(std::size_t report) {
    return values.data() + shape.quintiles + report * kNQuintileGroups;
  }
  /// A flow from the start to the report date by fifth; only what follows from people and events.
  [[nodiscard]] const double* flow_by_quintile(int kind, std::size_t report) const {
    return values.data() + fifths_offset(kind, report);
  }
  [[nodiscard]] double* flow_by_quintile(int kind, std::size_t report) {
    return values.data() + fifths_offset(kind, report);
  }
  [[nodiscard]] std::span<const double> ever() const { return {values.data() + shape.ever, shape.n_boundaries}; }
  [[nodiscard]] std::span<double> ever() { return {values.data() + shape.ever, shape.n_boundaries}; }

 private:
  [[nodiscard]] const double* row(std::size_t section, std::size_t at) const {
    return values.data() + section + at * shape.n_places;
  }
  [[nodiscard]] double* row(std::size_t section, std::size_t at) {
    return values.data() + section + at * shape.n_places;
  }
  [[nodiscard]] std::size_t stock_offset(int kind, int at) const {
    return (static_cast<std::size_t>(kind) * shape.n_stocks + static_cast<std::size_t>(at)) * shape.n_stock_places;
  }
  [[nodiscard]] std::size_t fifths_offset(int kind, std::size_t report) const {
    return shape.flows_by_quintile + (static_cast<std::size_t>(kind) * shape.n_reports + report) * kNQuintileGroups;
  }
};

/// What a draw makes of a pound, an event and a day.
struct Prices {
  bool events_are_admissions, effect_is_bed_days;
  double per_event, per_bed_day, per_person;  ///< GBP to the NHS; 0 = not priced
  double social_per_event, per_qaly;          ///< GBP
  double qalys_per_event, qalys_per_person;
  double bed_days_per_admission, days_sooner;
  double carbon_per_admission, carbon_per_bed_day, carbon_per_person;
  double cashable, set_up, running, cost_per_person, staff_day;
  bool delivery_is_public, adoption_is_public;
};
[[nodiscard]] Prices prices_of(const Model& model, const Draw& draw, int programme);

/// The flow that a metric is, or whose worth or share it is; none of what is no flow. @param benefit flow that the
/// sheet's benefit is read off
[[nodiscard]] std::optional<Flow> flow_behind(Metric metric, std::optional<Metric> benefit);

/// A set of flows: bit n = Flow n.
using Flows = std::bitset<kNFlows>;
/// The flows of a programme that can be other than 0, by the account that makes every replicate's.
/// @param stated 0 for every parameter that is 0 in all replicates, one half for the others
[[nodiscard]] Flows flows_of(const Model& model, const Draw& stated, int programme, Known known);

/// Discount factors by cell.
struct Discounts {
  std::vector<double> money, health;
};

/// Fills a sheet from a finished tally. @param delivered staff-days by cell and region @param subsidy share of the
/// adopters' costs that is paid for them, likewise; empty = none
void fill_sheet(const OutcomeTables& tables, const CountsShape& counts, int programme, const Tally& tally,
                std::span<const double> delivered, std::span<const double> subsidy, const Discounts& discounts,
                const Prices& prices, Sheet& sheet);

/// Values of a block's metric at one time: a row of places. @param otherwise the comparator's sheet
void write_row(const OutcomeTables& tables, const Block& block, const Sheet& sheet, const Sheet& otherwise, int time,
               double* row);

}  // namespace uptake
