/// Memory for arrays of millions that are read in no order.
#pragma once

#include <cstddef>
#include <limits>
#include <new>
#include <vector>

namespace uptake {

/// Bytes of memory, asked for in pages of two megabytes where there are many: fewer pages are entered for the first time,
/// and a processor that remembers a thousand of them knows two gigabytes. Throws std::bad_alloc.
[[nodiscard]] void* allocate_paged(std::size_t bytes);
void free_paged(void* memory, std::size_t bytes) noexcept;

/// The allocator of such memory, for any container.
template <class T>
struct LargePages {
  using value_type = T;
  LargePages() = default;
  template <class U>
  // NOLINTNEXTLINE(google-explicit-constructor): an allocator is made from that of any other type
  LargePages(const LargePages<U>&) noexcept {}
  [[nodiscard]] T* allocate(std::size_t n) {
    if (n > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(allocate_paged(n * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t n) noexcept { free_paged(memory, n * sizeof(T)); }
  friend bool operator==(const LargePages&, const LargePages&) { return true; }
};

/// A vector on large pages once it takes four megabytes; a shorter one is where any vector is.
template <class T>
using Paged = std::vector<T, LargePages<T>>;

}  // namespace uptake
