#include "uptake/arrays.hpp"

#include <sys/mman.h>

#include <cstdlib>

namespace uptake {

namespace {

constexpr std::size_t kPage = std::size_t{1} << 21, kMany = 2 * kPage;

}  // namespace

void* allocate_paged(std::size_t bytes) {
  if (bytes < kMany) return ::operator new(bytes);
  const std::size_t whole = (bytes + kPage - 1) / kPage * kPage;
  void* memory = whole < bytes ? nullptr : std::aligned_alloc(kPage, whole);
  if (memory == nullptr) throw std::bad_alloc();
  madvise(memory, whole, MADV_HUGEPAGE);  // a wish: where it is not granted, small pages do as well
  return memory;
}

void free_paged(void* memory, std::size_t bytes) noexcept {
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): aligned_alloc gave it, and the allocator owns it
  bytes < kMany ? ::operator delete(memory) : std::free(memory);
}

}  // namespace uptake
