#include "file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace uptake {

namespace {
std::string advice(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "make room on the disk or choose another folder with -o; finished replicates are kept";
    case EFBIG:
      return "raise the limit on file sizes (ulimit -f) or choose another folder with -o";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a folder that you may write to with -o";
    case ENOTDIR:
    case EEXIST:
      return "a file is in the way of a folder; choose another folder with -o";
    case EMFILE:
    case ENFILE:
      return "raise the limit on open files (ulimit -n)";
    default:
      return "check the disk and the folder, or choose another one with -o";
  }
}

/// fsync of a folder makes a rename durable; file systems without it say EINVAL, which is no loss.
void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}
}  // namespace

FileError file_error(const std::filesystem::path& path, std::string_view doing, int error) {
  return FileError(
      {path.string(), fmt::format("{}: {}", doing, std::generic_category().message(error)), advice(error)});
}

void make_folder(const std::filesystem::path& folder) {
  if (folder.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw file_error(folder, "cannot make the folder", error.value());
}

void write_all(int descriptor, std::span<const char> bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      throw file_error(path, "cannot write", errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void replace_file(const std::filesystem::path& path, std::span<const char> bytes) {
  make_folder(path.parent_path());
  std::filesystem::path temporary = path;
  temporary += ".tmp";
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) throw file_error(temporary, "cannot create", errno);
  const auto failed = [&](std::string_view doing, int error) {
    ::unlink(temporary.c_str());
    return file_error(path, doing, error);
  };
  try {
    write_all(descriptor, bytes, path);
  } catch (...) {
    ::close(descriptor);
    ::unlink(temporary.c_str());
    throw;
  }
  const int sync_error = ::fsync(descriptor) == 0 ? 0 : errno;
  // Network file systems report a full disk only here.
  const int close_error = ::close(descriptor) == 0 ? 0 : errno;
  if (sync_error != 0) throw failed("cannot write", sync_error);
  if (close_error != 0) throw failed("cannot write", close_error);
  if (::rename(temporary.c_str(), path.c_str()) != 0) throw failed("cannot put in place", errno);
  sync_folder(path.parent_path());
}

}  // namespace uptake
