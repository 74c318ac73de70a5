#include "files/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace uptake {

namespace {
std::string advice(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "make room on the disk or choose another folder with -o; finished replicates are kept";
    case EFBIG:
      return "raise the limit on file sizes (ulimit -f) or choose another folder with -o; finished replicates are kept";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a folder that you may write to with -o";
    case ENOTDIR:
    case EEXIST:
      return "a file is in the way of a folder; choose another folder with -o";
    case EISDIR:
    case ENOTEMPTY:
      return "a folder is in the way of a file; choose another folder with -o";
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

std::size_t read_at(int descriptor, std::span<char> bytes, std::uint64_t at, const std::filesystem::path& path) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::pread(descriptor, bytes.data() + done, bytes.size() - done, static_cast<off_t>(at + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw file_error(path, "cannot read", errno);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

std::size_t size_of(int descriptor, const std::filesystem::path& path) {
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0) throw file_error(path, "cannot read", errno);
  return static_cast<std::size_t>(facts.st_size);
}

Descriptor::~Descriptor() {
  if (value_ >= 0) ::close(value_);
}

namespace {
/// What a file that takes the place of `path` is put over. A link stays, and what it leads to is replaced; a device or a
/// pipe cannot be replaced by a file without harm. @throws FileError
std::filesystem::path replaced(std::filesystem::path path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status))
    throw FileError({path.string(), "is a device or a pipe, and no file that could be replaced", "name a file"});
  if (!fs::is_symlink(fs::symlink_status(path, error))) return path;
  fs::path target = fs::weakly_canonical(path, error);
  return error ? path : target;
}
}  // namespace

Replacement::Replacement(std::filesystem::path path) : path_(replaced(std::move(path))), temporary_(path_) {
  make_folder(path_.parent_path());
  temporary_ += ".tmp";
  descriptor_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw file_error(temporary_, "cannot create", errno);
}

Replacement::~Replacement() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void Replacement::put_in_place() {
  if (::fsync(descriptor_) != 0) throw file_error(path_, "cannot write", errno);
  // Network file systems report a full disk only here.
  if (::close(std::exchange(descriptor_, -1)) != 0) throw file_error(path_, "cannot write", errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) throw file_error(path_, "cannot put in place", errno);
  temporary_.clear();
  sync_folder(path_.parent_path());
}

void replace_file(const std::filesystem::path& path, std::span<const char> bytes) {
  Replacement file(path);
  write_all(file.descriptor(), bytes, path);
  file.put_in_place();
}

}  // namespace uptake
