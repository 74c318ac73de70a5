#include "uptake/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace uptake {

std::string Problem::text() const {
  return suggestion.empty() ? fmt::format("{}: {}", where, what) : fmt::format("{}: {}; {}", where, what, suggestion);
}

namespace {
std::string joined(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    if (!text.empty()) text += '\n';
    text += problem.text();
  }
  return text;
}

/// Edits between two words: letters left out, put in, replaced or swapped with their neighbour (the restricted distance
/// of Damerau and Levenshtein), by three rolling rows. Capitals are no difference.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto small = [](char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  const auto same = [&](std::size_t i, std::size_t j) { return small(a[i]) == small(b[j]); };
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      row[j + 1] = std::min({above[j + 1] + 1, row[j] + 1, above[j] + (same(i, j) ? 0 : 1)});
      const bool is_swapped = i > 0 && j > 0 && same(i, j - 1) && same(i - 1, j);
      if (is_swapped) row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);
    }
  }
  return row.back();
}
}  // namespace

InputError::InputError(std::vector<Problem> problems)
    : std::runtime_error(joined(problems)), problems_(std::move(problems)) {}

FileError::FileError(Problem problem) : std::runtime_error(problem.text()), problem_(std::move(problem)) {}

std::string nearest_name(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    // Whole words that a longer name begins with are nearer than other words of the same length.
    const bool is_begun =
        !word.empty() && candidate.starts_with(word) && candidate.substr(word.size()).starts_with(' ');
    const std::size_t distance = is_begun ? 0 : edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return std::string(best);
}

void detail::contract_failed(const char* expression, const char* file, int line) {
  throw ContractError(fmt::format("{}:{}: contract broken: {}", file, line, expression));
}

}  // namespace uptake
