/// compare.html: strategies and runs side by side, for a person to read.
#pragma once

#include <string>

#include "results/compare.hpp"

namespace uptake {

/// One page that loads nothing. @param command that makes it again
[[nodiscard]] std::string compare_page(const CompareReport& report, const std::string& command);

}  // namespace uptake
