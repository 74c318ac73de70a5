/// What outcomes need of a model beside its draw, computed once and shared by all replicates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "uptake/outcomes.hpp"

namespace uptake {

/// Groups of deprivation: index 1..5 = quintile, 0 = unknown.
inline constexpr int kNQuintileGroups = 6;

struct OutcomeTables {
  /// The span in which flows are kept apart: a calendar month, cut where a financial year or report date cuts it.
  /// Whole days since the start, `to` excluded.
  struct Cell {
    int from = 0, to = 0;
    double middle_years = 0;  ///< of its calendar month (from the start on): when its flows are paid
  };
  std::vector<Cell> cells;            ///< without gaps from the start to the horizon
  std::vector<double> years;          ///< length of each cell
  std::vector<int> cell_of_boundary;  ///< 0..n_weeks; cells.size() at the horizon
  struct Span {
    int first = 0, last = 0;  ///< cells first..last - 1
  };
  std::vector<Span> cells_of_month;   ///< of each period of the course axis
  std::vector<Span> cells_of_period;  ///< financial years, then report periods

  /// Stocks are counted at these boundaries only (month ends, report dates), increasing.
  std::vector<int> stock_boundaries;
  std::vector<int> first_stock_at;  ///< 0..n_weeks: index of the first stock boundary not before it
  std::vector<int> stock_of_month, stock_of_report;
  /// Cells of the calendar month of a month end or report date, up to the date.
  std::vector<Span> latest_of_month, latest_of_report;
  std::vector<int> report_boundaries;  ///< by report date
  /// Report dates in order of time; and by boundary, how many of them come before it.
  std::vector<int> reports_in_order, first_report_at;

  struct Record {  // small, for events meet records in random order
    std::uint16_t programme = 0;
    std::uint16_t board = 0;
    std::uint8_t region = 0;
    std::uint8_t quintile = 0;
    std::uint8_t group = 0;  ///< of its programme: region and fifth
  };
  std::vector<Record> records;        ///< over all programmes, as in events
  std::vector<double> relative_size;  ///< by record: size / mean size of the programme's eligible organisations
  std::vector<int> region_of_board;
  /// By record: the baseline of an organisation that several programmes act on, 0..n_shared; -1 = none.
  std::vector<std::int32_t> shared;
  int n_shared = 0;

  struct Group {
    std::uint8_t region = 0, quintile = 0;
  };
  struct Programme {
    double scale = 1;  ///< historic denominator / eligible organisations
    double n_eligible = 0;
    std::uint32_t first_record = 0;
    Known known = 0;
    std::vector<Group> groups;                                    ///< that have an eligible organisation
    std::vector<double> eligible;                                 ///< scaled, by place: England, regions
    std::array<double, kNQuintileGroups> eligible_by_quintile{};  ///< scaled
    /// The same in organisations of mean size.
    std::vector<double> size;
    std::array<double, kNQuintileGroups> size_by_quintile{};
    int begins = 0;          ///< boundary from which there is the innovation
    int available_day = 0;   ///< days since the start from which there is the innovation
    int background_day = 0;  ///< at which the drifting background has its stated level; may be negative
  };
  std::vector<Programme> programmes;

  /// Network staff-days by cell and region, [strategy * n_programmes + programme][cell * n_regions + region].
  std::vector<std::vector<double>> delivered;
  /// Mean factor on beds and reach by cell and region, likewise; empty = 1 throughout.
  std::vector<std::vector<double>> capacity, capacity_at_stock;  ///< the second by stock boundary and region
  /// Share of the adopters' costs that a tariff pays, by cell and region, likewise; empty = none.
  std::vector<std::vector<double>> subsidy;
};

/// Sizes of a programme's organisations relative to their mean, by record; one without a size is taken as average.
void relative_sizes(const Population& population, const ProgrammeModel& programme, std::vector<double>& sizes);
/// First day since the start on which a programme is available, and the one at which its drifting background has its
/// stated level.
[[nodiscard]] int available_day(const Calendar& calendar, const ProgrammeSpec& spec);
[[nodiscard]] int background_day(const Calendar& calendar, const ProgrammeSpec& spec);
/// First day since the start of what is given for a date as "the latest month": its calendar month, up to the date.
[[nodiscard]] int latest_month_from(const Calendar& calendar, Date date);
/// Mean of a weekly series over the days from..to - 1, and what of a series of capacity holds at a boundary: that of the
/// week before.
[[nodiscard]] double mean_over_days(const std::vector<float>& by_week, int from, int to);
[[nodiscard]] double capacity_at(const std::vector<float>& by_week, int boundary);

[[nodiscard]] std::shared_ptr<const OutcomeTables> make_outcome_tables(const Model& model, const SummaryLayout& layout);

}  // namespace uptake
