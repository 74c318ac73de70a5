#include "results/numbers.hpp"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

namespace uptake {

namespace {
constexpr std::string_view kUndefined = "-";
}  // namespace

std::string percent_of_worlds(double share) {
  const double percent = 100 * share;
  const bool is_near_an_end = (percent > 0 && percent < 1) || (percent > 99 && percent < 100);
  return is_near_an_end ? fmt::format("{:.1f} %", percent) : fmt::format("{:.0f} %", percent);
}

std::string rounded(double value) {
  if (!std::isfinite(value)) return std::string(kUndefined);
  const double size = std::abs(value);
  if (size < kNoise) return "0";
  constexpr double kHundred = 99.95, kTen = 9.995;  // what is written as 100 and 10.0
  if (size >= kHundred) {
    const double unit = size >= 1000 ? std::pow(10.0, std::floor(std::log10(size)) - 2) : 1.0;
    return grouped(std::round(value / unit) * unit);
  }
  const std::string text = fmt::format("{:.{}f}", value, size >= kTen ? 1 : 2);
  // Zeros (nothing can differ) and what rounds to zero look different, but never "-0.00".
  return text == "-0.00" ? "0.00" : text;
}

std::string shown(double value) {
  constexpr double kLargest = 1000;
  return value == std::round(value) && std::abs(value) < kLargest ? grouped(value + 0.0) : rounded(value);
}

std::string parameter_text(double value) {
  constexpr double kThousand = 999.5;  // what is written as 1,000
  return std::abs(value) >= kThousand ? rounded(value) : fmt::format("{:.3g}", value);
}

std::string span_text(double low, double high) {
  const bool whole = low == std::round(low) && high == std::round(high);
  return fmt::format("{} to {}", whole ? shown(low) : rounded(low), whole ? shown(high) : rounded(high));
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of("\",\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace uptake
