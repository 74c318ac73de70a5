#include "wording.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace uptake {

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

std::string_view label_of(Metric metric) {
  const auto shown = shown_metrics();
  const auto at = std::ranges::find(shown, metric, &Shown::metric);
  return at == shown.end() ? spec(metric).name : at->label;
}

std::string paragraph(std::string_view text, std::size_t width, std::size_t indent) {
  return fmt::format("{}\n", fmt::join(wrapped(text, width, indent), "\n"));
}

std::string interval_text(const Statistics& s) {
  if (s.p05 == s.p95) return rounded(s.mean);
  return fmt::format("{} (90 %: {} to {})", rounded(s.mean), rounded(s.p05), rounded(s.p95));
}

}  // namespace uptake
