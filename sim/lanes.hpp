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
  /// Records of two words each, a slack and what is seen: takes `always` + `each` * (seen & mask) from every slack, all
  /// modulo 2^64, and lists in `spent` first + i of each record i whose slack is then at most 0. @pre mask < 2^32; `spent`
  /// has room for n. @returns how many are listed
  std::size_t (*spend)(std::uint64_t* records, std::size_t n, std::uint64_t always, std::uint64_t each,
                       std::uint64_t mask, std::uint32_t first, std::uint32_t* spent);
};

/// Instructions that there are versions for; `one` works number by number.
enum class Set : std::uint8_t { one, base, avx2, avx512 };
inline constexpr std::array kSets{Set::one, Set::base, Set::avx2, Set::avx512};
/// Null where this processor, or this build, has no such instructions.
[[nodiscard]] const Functions* functions(Set set) noexcept;
/// The widest that this processor has.
[[nodiscard]] const Functions& best() noexcept;

}  // namespace uptake::lanes
