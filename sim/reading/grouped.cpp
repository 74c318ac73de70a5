#include "uptake/grouped.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>

namespace uptake {

std::string grouped(double whole) {
  std::string digits = fmt::format("{:.0f}", std::abs(whole));
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return fmt::format("{}{}", whole < 0 ? "-" : "", digits);
}

std::string plural(double whole, std::string_view one) {
  return fmt::format("{} {}{}", grouped(whole), one, whole == 1 ? "" : "s");
}

}  // namespace uptake
