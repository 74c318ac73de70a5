#include "results/wording.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace uptake {

std::string few_worlds_text(std::size_t n_worlds) {
  if (n_worlds >= kFewWorlds) return "";
  return fmt::format("Only {} simulated: too few for intervals and chances to mean much.",
                     n_worlds == 1 ? std::string("one world was") : fmt::format("{} worlds were", n_worlds));
}

namespace {
/// Text broken at blanks into lines of at most `width`, all but the first indented.
std::vector<std::string> wrapped(std::string_view text, std::size_t width, std::size_t indent) {
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    const bool fresh = line.find_first_not_of(' ') == std::string::npos;
    if (!fresh && line.size() + 1 + word.size() > width) {
      lines.push_back(std::move(line));
      line = std::string(indent, ' ') + std::string(word);
    } else {
      if (!fresh) line += ' ';
      line += word;
    }
  }
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}
}  // namespace

namespace {
std::vector<double> figures_of(std::initializer_list<std::optional<Statistics>> all) {
  std::vector<double> figures;
  for (const auto& s : all)
    if (s) figures.insert(figures.end(), {s->mean, s->p05, s->p95});
  return figures;
}
}  // namespace

void LargestMoney::add(Metric metric, std::span<const double> figures) {
  if (spec(metric).read_as != ReadAs::money) return;
  for (const double value : figures) value_ = std::max(value_, std::isnan(value) ? 0 : std::abs(value));
}
void LargestMoney::add(Metric metric, std::initializer_list<std::optional<Statistics>> figures) {
  add(metric, figures_of(figures));
}

namespace {
constexpr double kSmall = 0.095;  // what is below it has a digit at most in two decimals

/// Two digits of what is small, down to a thousandth.
std::string small_text(double value) {
  constexpr double kLeast = 0.00095, kThree = 0.0095;
  const double size = std::abs(value);
  if (size < kLeast) return value < 0 ? ">-0.001" : "<0.001";
  return fmt::format("{:.{}f}", value, size < kThree ? 4 : 3);
}
}  // namespace

RowUnit::RowUnit(Metric metric, Medium medium, std::initializer_list<std::optional<Statistics>> figures,
                 LargestMoney of_table)
    : RowUnit(metric, medium, figures_of(figures), of_table) {}

RowUnit::RowUnit(Metric metric, Medium medium, std::span<const double> figures, LargestMoney of_table)
    : metric_(metric), medium_(medium) {
  constexpr double kMillion = 1e6, kOnePerCent = 0.01;
  constexpr double kAsMillion = 999'500;  // from there on it is rounded to seven digits
  double largest = 0;
  for (const double value : figures) largest = std::max(largest, std::isnan(value) ? 0 : std::abs(value));
  if (spec(metric).read_as == ReadAs::money) largest = std::max(largest, of_table.value());
  const bool in_millions = largest >= kAsMillion;
  switch (spec(metric).read_as) {
    case ReadAs::number:
      // Seven digits do not fit a terminal's column.
      if (in_millions && medium == Medium::terminal) factor_ = kMillion, mark_ = "m";
      break;
    case ReadAs::money:
      factor_ = in_millions ? kMillion : 1;
      mark_ = !in_millions ? "GBP" : medium == Medium::page ? "GBP\u00a0m" : "GBP m";  // never broken
      break;
    case ReadAs::percent:
    case ReadAs::points: {
      const bool is_share = spec(metric).read_as == ReadAs::percent, huge = largest >= kOnePerCent * kAsMillion;
      factor_ = kOnePerCent * (huge ? kMillion : 1);  // the net share of next to nothing can be huge
      mark_ = is_share                 ? huge ? "m %" : "%"
              : huge                   ? "m % points"
              : medium == Medium::page ? "percentage points"
                                       : "% points";
      break;
    }
    case ReadAs::index:
      break;
  }
}

std::string RowUnit::label(int place) const {
  const MetricSpec& metric = spec(metric_);
  const std::string_view of_whole = medium_ == Medium::page ? metric.label_of_whole : metric.brief_of_whole;
  const bool is_whole = place == 0 && !of_whole.empty();
  std::string text(is_whole ? of_whole : medium_ == Medium::page ? metric.label : metric.brief);
  return mark_.empty() ? text : fmt::format("{}, {}", text, mark_);
}

std::string RowUnit::name() const {
  const std::string_view unit = spec(metric_).unit;
  return std::string(!mark_.empty() ? mark_ : unit == "1" ? std::string_view() : unit);
}

std::string RowUnit::text(double value) const {
  constexpr double kFine = 10;  // from there on three digits are enough of an index that is none, but a rate
  if (spec(metric_).read_as == ReadAs::index && std::abs(value) < kFine) {
    const std::string text = fmt::format("{:.3f}", value);
    return text == "-0.000" ? "0.000" : text;
  }
  const double written = value / factor_;
  if (keeps_digits() && std::abs(written) >= kNoise && std::abs(written) < kSmall) return small_text(written);
  return medium_ == Medium::page ? shown(written) : rounded(written);
}

bool RowUnit::keeps_digits() const {
  const MetricSpec& metric = spec(metric_);
  return metric.read_as == ReadAs::money || (metric.read_as == ReadAs::number && metric.unit == "1");
}

std::string RowUnit::mean(const std::optional<Statistics>& s) const {
  return s ? text(s->mean) : medium_ == Medium::page ? std::string("–") : std::string(kUndefined);
}

std::string RowUnit::range(const std::optional<Statistics>& s) const {
  if (!s) return "";
  if (metric_ == Metric::significantly_reduced) return std::string(kNoRangeOfChance);
  if (all_agree(*s) || !has_range(metric_, *s)) return "";
  if (medium_ == Medium::terminal || spec(metric_).read_as == ReadAs::index || keeps_digits())
    return fmt::format("{} to {}", text(s->p05), text(s->p95));
  return span_text(s->p05 / factor_, s->p95 / factor_);
}

std::string paragraph(std::string_view text, std::size_t width, std::size_t indent) {
  return fmt::format("{}\n", fmt::join(wrapped(text, width, indent), "\n"));
}

bool all_agree(const Statistics& s) {
  return s.p05 == s.p95 && !(s.sd > kNoise * std::max(std::abs(s.mean), std::abs(s.p05)));
}

bool has_range(Metric metric, const Statistics& s) {
  if (metric == Metric::significantly_reduced) return false;
  return metric != Metric::attributable_share || (s.p05 >= 0 && s.p95 <= 1);
}

std::string bias_text(double bias) {
  const std::string text = fmt::format("{:+.2f}", bias);
  return text == "-0.00" || text == "+0.00" ? "0.00" : text;
}

std::string_view bias_in_words(double bias) {
  constexpr double kNoBias = 0.05;  // [A]
  return std::abs(bias) < kNoBias ? "neither too high nor too low" : bias > 0 ? "too high" : "too low";
}

std::string as_many_tests(std::size_t n_programmes) {
  return fmt::format("{} as {}", plural(n_programmes, "programme"), plural(n_programmes, "independent test"));
}

std::string unit_behind(std::string_view unit) {
  return unit == "1" || unit == "share" || unit == "probability" ? std::string() : fmt::format(" {}", unit);
}

std::string interval_text(const Statistics& s) {
  if (all_agree(s)) return rounded(s.mean);
  return fmt::format("{} (90 %: {} to {})", rounded(s.mean), rounded(s.p05), rounded(s.p95));
}

}  // namespace uptake
