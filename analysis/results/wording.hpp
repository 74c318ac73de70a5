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

#include "results/numbers.hpp"
#include "statistics/statistics.hpp"
#include "uptake/results.hpp"

namespace uptake {

/// Metrics of the terminal's tables, in their order; kept with the headline.
[[nodiscard]] std::span<const Metric> shown_metrics();

/// Said where a programme brings the uptake of a treatment.
inline constexpr std::string_view kBackgroundRise =
    "Gross holds the background's own rise in the uptake of treatments, which is in every world; net does not, and "
    "present values and returns leave it out.";

/// Fewer replicates than this are too few: one of them is more than 5 %.
inline constexpr int kFewWorlds = 20;
/// That so many are; empty where they are enough.
[[nodiscard]] std::string few_worlds_text(std::size_t n_worlds);

/// What a table is read on: a page has room for whole labels and long numbers, a terminal has columns.
enum class Medium : std::uint8_t { page, terminal };

/// The largest sum of money in a table, so that all its rows of money can be written in one unit.
class LargestMoney {
 public:
  /// @param figures of a row, in the metric's unit; those that are no money and undefined ones count for nothing
  void add(Metric metric, std::span<const double> figures);
  void add(Metric metric, std::initializer_list<std::optional<Statistics>> figures);
  [[nodiscard]] double value() const { return value_; }

 private:
  double value_ = 0;
};

/// What the figures of a row are written in, by its metric: GBP in millions once one sum of the table is a million, shares
/// as percentages, differences of shares in percentage points, indices to three decimals. Money and ratios that two
/// decimals would make nought keep two digits.
class RowUnit {
 public:
  static constexpr int kARegion = 1;
  /// @param figures all that the row shows, in the metric's unit; undefined ones count for nothing
  RowUnit(Metric metric, Medium medium, std::span<const double> figures, LargestMoney of_table = {});
  RowUnit(Metric metric, Medium medium, std::initializer_list<std::optional<Statistics>> figures,
          LargestMoney of_table = {});

  /// The metric in words with what its numbers are written in, such as "…, GBP m".
  /// @param place whose figures they are, 0 = the whole population: a few metrics are another thing there, and have other
  /// words
  [[nodiscard]] std::string label(int place = kARegion) const;
  /// What the numbers are written in alone: "GBP m", "%", "organisations"; empty for an index or a ratio.
  [[nodiscard]] std::string name() const;
  /// A figure is divided by it to be written.
  [[nodiscard]] double factor() const { return factor_; }
  [[nodiscard]] std::string text(double value) const;
  /// A dash where there is nothing.
  [[nodiscard]] std::string mean(const std::optional<Statistics>& s) const;
  /// `5 % to 95 % point`; empty when all replicates agree, where there is nothing, and of what has no range. Of a chance,
  /// which is one number over all worlds, in words that it has none.
  [[nodiscard]] std::string range(const std::optional<Statistics>& s) const;

 private:
  [[nodiscard]] bool keeps_digits() const;

  Metric metric_;
  Medium medium_;
  double factor_ = 1;
  std::string_view mark_;  ///< after the label
};

/// What tables write where nothing is defined.
inline constexpr std::string_view kUndefined = "-";
/// Why a one-way study begins elsewhere than the finding of a run.
inline constexpr std::string_view kNotTheMean =
    "The mean of a run can differ from the result at the defaults: it is over draws from the whole range of every "
    "assumption, and most ranges reach further up than down.";
/// What the terminal's brief name of the gap leaves out.
inline constexpr std::string_view kGapInWords =
    "Deprivation gap: share in use among the most deprived fifth less that among the rest.";
/// Narrowest table that is written, columns.
inline constexpr int kNarrowest = 80;

/// Whether all replicates agree on a figure, so that it has no interval. Nine in ten of them may do while the rest make its
/// mean another: then the interval is told, "0 to 0".
[[nodiscard]] bool all_agree(const Statistics& s);
/// Whether the replicates' own values are a range that says how far the figure may be off: not of what is 0 or 1 in each of
/// them, nor of a share of the whole where some lie outside it, from none to all.
[[nodiscard]] bool has_range(Metric metric, const Statistics& s);
/// What is said where a share has no range for that reason.
inline constexpr std::string_view kNoRangeOfShare =
    "The net share of effect is given without a 90 % range where some worlds do worse than their comparator, or than "
    "nothing at all: their own share is below 0 or above 100 %, which means nothing.";
/// What is said where strategies are compared for a part of the population.
inline constexpr std::string_view kGapIsOfTheWhole =
    "the gap between the most deprived places and the rest is measured of the whole population alone, so it is not "
    "compared here: leave out the focus to compare it";
/// What stands in place of a range where a figure is a share of the worlds.
inline constexpr std::string_view kNoRangeOfChance = "none: a chance";
/// A unit of parameters as it stands behind a number: " GBP/staff-day"; nothing for a share, a probability or a ratio.
[[nodiscard]] std::string unit_behind(std::string_view unit);
/// `mean (90 %: low to high)`, or the mean alone when all replicates agree.
[[nodiscard]] std::string interval_text(const Statistics& s);
/// A bias with its sign, in two decimals: never "-0.00".
[[nodiscard]] std::string bias_text(double bias);
/// What the mean bias of forecasts says: "too high", "too low", "neither too high nor too low".
[[nodiscard]] std::string_view bias_in_words(double bias);
/// "9 programmes as 9 independent tests": how many of the forecasts of a back-test can be held or missed each by itself.
[[nodiscard]] std::string as_many_tests(std::size_t n_programmes);

/// Text broken at blanks into lines of at most `width`, all but the first indented.
[[nodiscard]] std::string paragraph(std::string_view text, std::size_t width, std::size_t indent = 0);

}  // namespace uptake
