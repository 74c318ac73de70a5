#include <limits>
#include <utility>

#include "uptake/error.hpp"
#include "world/kernel.hpp"

namespace uptake {

void Diary::begin(int n_weeks, std::size_t n_records) {
  next_.assign(static_cast<std::size_t>(n_weeks), 0);
  words_.clear();
  words_.reserve((static_cast<std::size_t>(n_weeks) + n_records / kChunk * 2 + 16) * kChunk);
  words_.resize(kChunk);
  free_ = 0;
}

/// @returns the first free word of another chunk, behind what is full
std::uint32_t Diary::open(std::uint32_t full) {
  std::uint32_t chunk = free_;
  if (chunk == 0) {
    UPTAKE_EXPECTS(words_.size() <= std::numeric_limits<std::uint32_t>::max() - kChunk);
    chunk = static_cast<std::uint32_t>(words_.size());
    words_.resize(words_.size() + kChunk);
  } else {
    free_ = words_[chunk];
  }
  words_[chunk] = full;
  return chunk + 1;
}

void Diary::take(int week, std::vector<std::uint32_t>& out) {
  for (std::uint32_t end = std::exchange(next_[static_cast<std::size_t>(week)], 0); end != 0;) {
    const std::uint32_t chunk = (end - 1) / kChunk * kChunk;
    out.insert(out.end(), words_.begin() + chunk + 1, words_.begin() + end);
    end = std::exchange(words_[chunk], free_);
    free_ = chunk;
  }
}

}  // namespace uptake
