/// A checksum behind the end of an HDF5 file, which readers of HDF5 do not pass. The library may crash on a file that is
/// damaged inside (the global heap of its texts, say), so a file whose seal does not hold is not shown to it.
#pragma once

#include <cstdint>
#include <filesystem>

#include "files/file.hpp"

namespace uptake {

/// Appends the seal: the 8 bytes `uptkseal`, then identity_of all bytes before, little-endian. @throws FileError
void seal(Replacement& file);

/// What the end of a file says: none where another program changed or made it, for HDF5 cuts the seal off then.
enum class Seal : std::uint8_t { none, holds, broken };
/// Reads the whole file once, in pieces. @throws FileError when it cannot be read
[[nodiscard]] Seal seal_of(const std::filesystem::path& file);

}  // namespace uptake
