/// Counts as people read them, in messages and in results alike.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace uptake {

/// `1234567` as `1,234,567`.
[[nodiscard]] std::string grouped(double whole);
[[nodiscard]] std::string grouped(std::integral auto whole) { return grouped(static_cast<double>(whole)); }

/// A count of things with its noun: `1 world`, `1,200 worlds`.
[[nodiscard]] std::string plural(double whole, std::string_view one);
[[nodiscard]] std::string plural(std::integral auto whole, std::string_view one) {
  return plural(static_cast<double>(whole), one);
}

}  // namespace uptake
