/// Numbers as people read them, and fields as tables hold them.
#pragma once

#include <string>
#include <string_view>

#include "uptake/grouped.hpp"

namespace uptake {

/// Below it a figure is a 0 that sums of terms which cancel have missed.
inline constexpr double kNoise = 1e-9;
/// Three significant digits, with separators of thousands; the results file has them all. Undefined is "-".
[[nodiscard]] std::string rounded(double value);
/// The same with whole numbers below 1,000 as they are: 46 and not 46.0.
[[nodiscard]] std::string shown(double value);
/// A parameter's value, however small: three significant digits, thousands with separators.
[[nodiscard]] std::string parameter_text(double value);
/// A share of worlds as a percentage: with a decimal where it is nearly none or nearly all, for a share of few is no
/// certainty.
[[nodiscard]] std::string percent_of_worlds(double share);
/// `low to high`, both as whole numbers or neither.
[[nodiscard]] std::string span_text(double low, double high);

/// A field of RFC 4180: quoted when it must be.
[[nodiscard]] std::string csv_field(std::string_view text);

}  // namespace uptake
