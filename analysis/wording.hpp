/// How tables write metrics and their numbers, and how the terminal breaks its lines. Words of metrics stand in the table
/// of metrics alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "numbers.hpp"
#include "uptake/results.hpp"

namespace uptake {

/// Metrics of the terminal's tables, in their order; kept with the headline.
[[nodiscard]] std::span<const Metric> shown_metrics();

/// What a table is read on: a page has room for whole labels and long numbers, a terminal has columns.
enum class Medium : std::uint8_t { page, terminal };

/// What the figures of a row are written in, by its metric: GBP in millions once one of them is a million, shares as
/// percentages, differences of shares in percentage points, indices to three decimals.
class RowUnit {
 public:
  /// @param figures all that the row shows, in the metric's unit; undefined ones count for nothing
  RowUnit(Metric metric, Medium medium, std::span<const double> figures);
  RowUnit(Metric metric, Medium medium, std::initializer_list<std::optional<Statistics>> figures);

  /// The metric in words with what its numbers are written in, such as "…, GBP m".
  [[nodiscard]] std::string label() const;
  /// What the numbers are written in alone: "GBP m", "%", "organisations"; empty for an index or a ratio.
  [[nodiscard]] std::string name() const;
  /// A figure is divided by it to be written.
  [[nodiscard]] double factor() const { return factor_; }
  [[nodiscard]] std::string text(double value) const;
  /// A dash where there is nothing.
  [[nodiscard]] std::string mean(const std::optional<Statistics>& s) const;
  /// `5 % to 95 % point`; empty when all replicates agree, and where there is nothing.
  [[nodiscard]] std::string range(const std::optional<Statistics>& s) const;

 private:
  Metric metric_;
  Medium medium_;
  double factor_ = 1;
  std::string_view mark_;  ///< after the label
};

/// What tables write where nothing is defined.
inline constexpr std::string_view kUndefined = "-";
/// What the terminal's brief name of the gap leaves out.
inline constexpr std::string_view kGapInWords =
    "Deprivation gap: share in use among the most deprived fifth less that among the rest.";
/// Narrowest table that is written, columns.
inline constexpr int kNarrowest = 80;

/// `mean (90 %: low to high)`, or the mean alone when all replicates agree.
[[nodiscard]] std::string interval_text(const Statistics& s);
/// Text broken at blanks into lines of at most `width`, all but the first indented.
[[nodiscard]] std::string paragraph(std::string_view text, std::size_t width, std::size_t indent = 0);

}  // namespace uptake
