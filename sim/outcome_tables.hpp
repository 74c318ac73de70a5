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
  std::vector<int> cell_of_boundary;  ///< 0..n_weeks; cells.size() at the horizon
  struct Span {
    int first = 0, last = 0;  ///< cells first..last - 1
  };
  std::vector<Span> cells_of_month;
  std::vector<Span> cells_of_period;  ///< financial years, then report periods

  /// Stocks are counted at these boundaries only (month ends, report dates), increasing.
  std::vector<int> stock_boundaries;
  std::vector<int> first_stock_at;  ///< 0..n_weeks: index of the first stock boundary not before it
  std::vector<int> stock_of_month, stock_of_report;

  struct Record {  // small, for events meet records in random order
    std::uint16_t programme = 0;
    std::uint16_t board = 0;
    std::uint8_t region = 0;
    std::uint8_t quintile = 0;
    bool shares_baseline = false;  ///< another programme with the outcome admissions may reach the organisation
  };
  std::vector<Record> records;        ///< over all programmes, as in events
  std::vector<double> relative_size;  ///< by record: size / mean size of the programme's eligible organisations
  std::vector<int> region_of_board;

  struct Programme {
    double scale = 1;  ///< historic denominator / eligible organisations
    double n_eligible = 0;
    std::vector<double> eligible;                                 ///< scaled, by place: England, regions
    std::array<double, kNQuintileGroups> eligible_by_quintile{};  ///< scaled
  };
  std::vector<Programme> programmes;

  /// Network staff-days by cell and region, [strategy * n_programmes + programme][cell * n_regions + region].
  std::vector<std::vector<double>> delivered;
};

[[nodiscard]] std::shared_ptr<const OutcomeTables> make_outcome_tables(const Model& model, const SummaryLayout& layout);

}  // namespace uptake
