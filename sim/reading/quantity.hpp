/// Numbers with units, as a person writes them in a file: `12 weeks`, `0.4 /year`, `13200 staff-days per year`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace uptake {

/// Text without the blanks and tabs around it.
[[nodiscard]] std::string_view trimmed(std::string_view text);

struct Quantity {
  double value = 0;
  std::string unit;  ///< as written; empty when none is stated
};

/// A finite number and what follows it; no value when the text does not begin with a number.
[[nodiscard]] std::optional<Quantity> parse_quantity(std::string_view text);

/// What a value in the unit `stated` is multiplied by to be in `wanted` (a unit of the parameter table, or "week");
/// no value when the two measure different things. A year has 365.25 days, a month is a twelfth of it.
[[nodiscard]] std::optional<double> conversion_factor(std::string_view stated, std::string_view wanted);

/// True for units that go without saying: pure numbers, shares and probabilities.
[[nodiscard]] bool goes_without_unit(std::string_view wanted);

/// The spellings that `conversion_factor` takes for `wanted`, quoted, for a message.
[[nodiscard]] std::string accepted_units(std::string_view wanted);

/// How the unit of a range is shown: ` 1/year`, ` weeks`, nothing where it goes without saying.
[[nodiscard]] std::string after_range(std::string_view wanted);

/// How a value and its unit are shown in a message: `7 /week`, `0.5`.
[[nodiscard]] std::string shown(const Quantity& quantity);

}  // namespace uptake
