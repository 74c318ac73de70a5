/// Files that are either whole or absent, and errors that say what to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "uptake/error.hpp"

namespace uptake {

/// The FileError of a failed system call on `path`, with advice that fits `error` (an errno value).
/// @param doing what failed, e.g. "cannot write"
[[nodiscard]] FileError file_error(const std::filesystem::path& path, std::string_view doing, int error);

/// Makes `folder` and what is above it. @throws FileError
void make_folder(const std::filesystem::path& folder);

/// Writes all of `bytes` to the open file `descriptor`; `path` is for the message. @throws FileError
void write_all(int descriptor, std::span<const char> bytes, const std::filesystem::path& path);

/// Reads up to bytes.size() bytes at `at`. @return number read, less only at the end of the file @throws FileError
std::size_t read_at(int descriptor, std::span<char> bytes, std::uint64_t at, const std::filesystem::path& path);

/// Bytes of the open file `descriptor`. @throws FileError
[[nodiscard]] std::size_t size_of(int descriptor, const std::filesystem::path& path);

/// A descriptor that is closed again.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();
  [[nodiscard]] int value() const { return value_; }

 private:
  int value_;
};

/// A file that takes the place of `path` when it is complete: written as `path`.tmp, synced and renamed, so that at any
/// moment there is the old file or the new one, never a part of it. Makes the folder.
class Replacement {
 public:
  explicit Replacement(std::filesystem::path path);  ///< @throws FileError
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;
  ~Replacement();  ///< removes the .tmp unless it was put in place
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  void put_in_place();  ///< @throws FileError

 private:
  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
};

/// Puts `bytes` at `path` by `path`.tmp, fsync and rename: at any moment the old file or the new one, never a part of
/// it. Makes the folder. On failure the .tmp is removed. @throws FileError
void replace_file(const std::filesystem::path& path, std::span<const char> bytes);

}  // namespace uptake
