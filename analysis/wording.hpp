/// How tables for the terminal write numbers, labels and paragraphs.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "numbers.hpp"
#include "uptake/results.hpp"

namespace uptake {

/// A metric that tables show, with a label short enough for one line in 80 columns.
struct Shown {
  Metric metric;
  std::string_view label;
};
/// In the order of the tables; kept with the headline.
[[nodiscard]] std::span<const Shown> shown_metrics();
/// The label of a metric, or its name when tables do not show it.
[[nodiscard]] std::string_view label_of(Metric metric);

/// What tables write where nothing is defined.
inline constexpr std::string_view kUndefined = "-";
/// Narrowest table that is written, columns.
inline constexpr int kNarrowest = 80;

/// `mean (90 %: low to high)`, or the mean alone when all replicates agree.
[[nodiscard]] std::string interval_text(const Statistics& s);
/// Text broken at blanks into lines of at most `width`, all but the first indented.
[[nodiscard]] std::string paragraph(std::string_view text, std::size_t width, std::size_t indent = 0);

}  // namespace uptake
