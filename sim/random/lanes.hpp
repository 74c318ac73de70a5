/// Arithmetic for many organisations at once: of random numbers (Philox words to uniforms, log, exp, the normal quantile)
/// and of what waiting organisations lose. Each is one fixed sequence of operations, of integers or by IEEE 754, written
/// once (lanes.cpp) for one number or for a vector of them, so that every set of instructions gives the same bits, and
/// none depends on the C library.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "uptake/random.hpp"

namespace uptake::lanes {

/// Natural logarithm. @pre x is positive, finite and not subnormal. Error below 1 ulp.
[[nodiscard]] double log(double x) noexcept;
/// Exponential; x is clamped to [-708, 709], so that the result is a normal number. Error below 1 ulp.
[[nodiscard]] double exp(double x) noexcept;

/// A level that never falls with the boundary: a table and some more, each times its weight.
struct Climb {
  const std::int64_t* tables = nullptr;  ///< one after the other, by boundary
  const std::int64_t* apart = nullptr;   ///< a table of another place
  std::int64_t goal = 0;
  std::array<std::uint32_t, 5> weights{};  ///< of tables 1 to 4 and of that apart, at most 2^31
};
/// Tables past the first that a climb has: 1; 1 and 2; 1, 3 and 4; 1 to 4; and the one apart as well.
inline constexpr std::size_t kClimbs = 5;
/// Numbers beyond the end of a table that may be read.
inline constexpr std::size_t kBeyond = 8;

/// The same over arrays.
struct Functions {
  std::string_view name;
  /// The uniforms of one block for each organisation, as uptake::uniforms gives them: first[i] and, where not null,
  /// second[i] of {organisations[i], id.programme, id.stream, id.occurrence}.
  void (*uniforms)(Key key, const DrawId& id, const std::uint64_t* organisations, std::size_t n, double* first,
                   double* second);
  void (*log)(double* x, std::size_t n);              ///< in place, as log
  void (*exp)(double* x, std::size_t n);              ///< in place, as exp
  void (*normal_quantile)(double* x, std::size_t n);  ///< in place, as uptake::normal_quantile
  /// Lists in `listed` first + i of each word i that has none of some bits. @pre the highest is not among them; `listed`
  /// has room for n. @returns how many
  std::size_t (*without)(const std::uint64_t* words, std::size_t n, std::uint64_t bits, std::uint32_t first,
                         std::uint32_t* listed);
  /// Takes (`always` + `each` * (word & mask)) << shift from every word, modulo 2^64, and lists in the same way those whose
  /// highest bit is then set. @pre each, mask < 2^32
  std::size_t (*spend)(std::uint64_t* words, std::size_t n, std::uint64_t always, std::uint64_t each,
                       std::uint64_t mask, int shift, std::uint32_t first, std::uint32_t* spent);
  /// For each climb at how many boundaries of (from, to] it is still below its goal. Tables have `stride` boundaries.
  /// @pre level - goal is within 63 bits there, and kBeyond more numbers can be read
  std::array<void (*)(const Climb* climbs, std::size_t n, std::size_t stride, std::size_t from, std::size_t to,
                      std::uint16_t* below),
             kClimbs>
      climb;
};

/// Instructions that there are versions for; `one` works number by number.
enum class Set : std::uint8_t { one, base, avx2, avx512 };
inline constexpr std::array kSets{Set::one, Set::base, Set::avx2, Set::avx512};
/// Null where this processor, or this build, has no such instructions.
[[nodiscard]] const Functions* functions(Set set) noexcept;
/// The widest that this processor has.
[[nodiscard]] const Functions& best() noexcept;

}  // namespace uptake::lanes
