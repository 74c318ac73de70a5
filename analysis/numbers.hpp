/// Numbers as people read them.
#pragma once

#include <string>

namespace uptake {

/// `1234567` as `1,234,567`.
[[nodiscard]] std::string grouped(double whole);
/// Three significant digits, with separators of thousands; the results file has them all. Undefined is "-".
[[nodiscard]] std::string rounded(double value);

}  // namespace uptake
