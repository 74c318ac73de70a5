/// Arrays as long as a population: one value while all are the same, memory in large pages, and plain loops compiled for the
/// widest instructions of a processor.
#pragma once

#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

/// Before a function of plain loops: it is compiled for each set of instructions that x86 processors have, and the program
/// takes the widest of its machine. The same operations in the same order, so the bits are the same. Sanitizers are not
/// ready yet when that is decided, so with them there is one version.
#if defined __x86_64__ && defined __GNUC__ && !defined __clang__ && !defined __SANITIZE_ADDRESS__ && \
    !defined __SANITIZE_THREAD__
#define UPTAKE_WIDEST __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define UPTAKE_WIDEST
#endif

namespace uptake {

/// A vector that is held as one value while all are the same, so that what a population does not know, or does not tell
/// apart, takes no memory. Read like a vector.
template <class T>
class Column {
 public:
  Column() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a column is made wherever a vector is given
  Column(std::vector<T> values) : n_(values.size()), each_(std::move(values)) {}
  Column(std::initializer_list<T> values) : Column(std::vector<T>(values)) {}

  [[nodiscard]] std::size_t size() const noexcept { return n_; }
  [[nodiscard]] bool empty() const noexcept { return n_ == 0; }
  /// Whether it is held as one value, `same()`.
  [[nodiscard]] bool is_same() const noexcept { return each_.empty(); }
  [[nodiscard]] const T& same() const noexcept { return same_; }
  [[nodiscard]] const T& operator[](std::size_t i) const { return each_.empty() ? same_ : each_[i]; }
  [[nodiscard]] const T& back() const { return (*this)[n_ - 1]; }
  /// All values one after the other. @pre not is_same()
  [[nodiscard]] const T* data() const noexcept { return each_.data(); }

  void set(std::size_t i, T value) {
    if (is_same() && alike(same_, value)) return;
    spread();
    each_[i] = std::move(value);
  }
  void assign(std::size_t n, const T& value) {
    each_.clear();
    each_.shrink_to_fit();
    same_ = value;
    n_ = n;
  }
  void clear() { assign(0, T()); }
  void push_back(T value) {
    if (n_ == 0) same_ = value;
    if (is_same() && alike(same_, value)) {
      ++n_;
      return;
    }
    spread();
    each_.push_back(std::move(value));
    ++n_;
  }
  /// Reads it in order.
  class Iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using reference = const T&;
    using pointer = const T*;
    using iterator_category = std::forward_iterator_tag;
    Iterator() = default;
    Iterator(const Column* of, std::size_t i) : of_(of), i_(i) {}
    reference operator*() const { return (*of_)[i_]; }
    Iterator& operator++() {
      ++i_;
      return *this;
    }
    // NOLINTNEXTLINE(cert-dcl21-cpp): iterators of the standard library give a value that may be changed, too
    Iterator operator++(int) { return std::exchange(*this, Iterator(of_, i_ + 1)); }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const Column* of_ = nullptr;
    std::size_t i_ = 0;
  };
  using const_iterator = Iterator;
  [[nodiscard]] Iterator begin() const { return {this, 0}; }
  [[nodiscard]] Iterator end() const { return {this, n_}; }

  friend bool operator==(const Column& a, const Column& b) {
    if (a.n_ != b.n_) return false;
    for (std::size_t i = 0; i < a.n_; ++i)
      if (!(a[i] == b[i])) return false;
    return true;
  }

 private:
  /// Equal, or both not a number.
  static bool alike(const T& a, const T& b) {
    if constexpr (std::is_floating_point_v<T>) return a == b || (std::isnan(a) && std::isnan(b));
    return a == b;
  }
  void spread() {
    if (each_.empty()) each_.assign(n_, same_);
  }
  std::size_t n_ = 0;
  T same_{};
  std::vector<T> each_;
};

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
