/// Counts as people read them, in messages and in results alike.
#pragma once

#include <concepts>
#include <string>

namespace uptake {

/// `1234567` as `1,234,567`.
[[nodiscard]] std::string grouped(double whole);
[[nodiscard]] std::string grouped(std::integral auto whole) { return grouped(static_cast<double>(whole)); }

}  // namespace uptake
