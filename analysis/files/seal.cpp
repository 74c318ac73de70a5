#include "files/seal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "uptake/random.hpp"

namespace uptake {

namespace {
static_assert(std::endian::native == std::endian::little, "the checksum is written as it lies in memory");
constexpr std::string_view kMark = "uptkseal";
constexpr std::size_t kSize = kMark.size() + sizeof(std::uint64_t);
constexpr std::size_t kPiece = std::size_t{1} << 20;  ///< bytes read at a time

void read_all(int descriptor, std::size_t at, std::span<char> into, const std::filesystem::path& path) {
  if (read_at(descriptor, into, at, path) != into.size()) throw file_error(path, "cannot read", EIO);
}

/// The seal of the first `size` bytes.
std::array<char, kSize> made_seal(int descriptor, std::size_t size, const std::filesystem::path& path) {
  Identity identity;
  std::vector<char> piece(std::min(size, kPiece));
  for (std::size_t at = 0; at < size; at += piece.size()) {
    piece.resize(std::min(piece.size(), size - at));
    read_all(descriptor, at, piece, path);
    identity.add({piece.data(), piece.size()});
  }
  std::array<char, kSize> made{};
  const auto sum = std::bit_cast<std::array<char, sizeof(std::uint64_t)>>(identity.value());
  std::ranges::copy(sum, std::ranges::copy(kMark, made.begin()).out);
  return made;
}
}  // namespace

void seal(Replacement& file) {
  const int descriptor = file.descriptor();
  const auto made = made_seal(descriptor, size_of(descriptor, file.path()), file.path());
  if (::lseek(descriptor, 0, SEEK_END) < 0) throw file_error(file.path(), "cannot write", errno);
  write_all(descriptor, made, file.path());
}

Seal seal_of(const std::filesystem::path& file) {
  const Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (opened.value() < 0) throw file_error(file, "cannot read", errno);
  const std::size_t size = size_of(opened.value(), file);
  if (size < kSize) return Seal::none;
  std::array<char, kSize> found{};
  read_all(opened.value(), size - kSize, found, file);
  const auto mark = std::string_view(found.data(), found.size()).find(kMark);
  if (mark == std::string_view::npos) return Seal::none;
  if (mark != 0) return Seal::broken;  // torn
  return found == made_seal(opened.value(), size - kSize, file) ? Seal::holds : Seal::broken;
}

}  // namespace uptake
