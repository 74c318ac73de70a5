#include "reading/quantity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "uptake/calendar.hpp"

namespace uptake {

namespace {
struct Span {
  std::string_view name;
  double years;
};
constexpr std::array kSpans{Span{"year", 1}, Span{"month", 1.0 / 12}, Span{"week", 1 / kWeeksPerYear},
                            Span{"day", 1 / kDaysPerYear}};

/// `per year` and ` / year` become `/year`.
std::string canonical(std::string_view unit) {
  std::string text;
  while (!(unit = trimmed(unit)).empty()) {
    const std::string_view word = unit.substr(0, unit.find(' '));
    text += word == "per" ? "/" : word;
    unit.remove_prefix(word.size());
  }
  return text;
}

std::optional<double> years_of(std::string_view name) {
  const auto span = std::ranges::find_if(kSpans, [&](const Span& s) {
    return name == s.name || (name.ends_with('s') && name.substr(0, name.size() - 1) == s.name);
  });
  return span == kSpans.end() ? std::nullopt : std::optional(span->years);
}

bool same_count(std::string_view stated, std::string_view wanted) {
  return stated == wanted || (wanted == "1" && stated.empty()) || (wanted == "events" && stated == "admissions") ||
         (wanted == "persons" && stated == "residents");
}
}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<Quantity> parse_quantity(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
  return Quantity{value, std::string(trimmed({end, text.data() + text.size()}))};
}

std::optional<double> conversion_factor(std::string_view stated_text, std::string_view wanted) {
  const std::string stated = canonical(stated_text);
  if (const auto unit = years_of(wanted)) {
    const auto years = years_of(stated);
    return years ? std::optional(*years / *unit) : std::nullopt;
  }
  if (wanted.ends_with("/year")) {
    const auto slash = stated.rfind('/');
    if (slash == std::string::npos) return std::nullopt;
    const auto years = years_of(std::string_view(stated).substr(slash + 1));
    if (!years || !same_count(stated.substr(0, slash), wanted.substr(0, wanted.size() - 5))) return std::nullopt;
    return 1 / *years;
  }
  if (wanted == "share" || wanted == "probability") {
    if (stated == "%") return 0.01;
    return stated.empty() || stated == "1" || stated == wanted ? std::optional(1.0) : std::nullopt;
  }
  return same_count(stated, wanted) ? std::optional(1.0) : std::nullopt;
}

bool goes_without_unit(std::string_view wanted) { return conversion_factor("", wanted).has_value(); }

std::string accepted_units(std::string_view wanted) {
  if (years_of(wanted)) return R"("years", "months", "weeks" or "days")";
  if (wanted.ends_with("/year")) {
    const auto count = wanted == "1/year" ? std::string_view{} : wanted.substr(0, wanted.size() - 5);
    return fmt::format(R"("{0}/year", "{0}/month", "{0}/week" or "{0}/day")", count);
  }
  if (wanted == "share" || wanted == "probability") return R"("1" or "%")";
  return fmt::format("\"{}\"", wanted);
}

std::string after_range(std::string_view wanted) {
  if (goes_without_unit(wanted)) return "";
  return fmt::format(" {}{}", wanted, years_of(wanted) ? "s" : "");
}

std::string shown(const Quantity& quantity) {
  const std::string_view unit = quantity.unit;
  if (unit.empty()) return fmt::format("{}", quantity.value);
  return fmt::format("{} {}", quantity.value, unit.starts_with("1/") ? unit.substr(1) : unit);
}

}  // namespace uptake
