#include "text_file.hpp"

#include <fstream>
#include <iterator>
#include <vector>

#include "files/file.hpp"
#include "uptake/error.hpp"

namespace uptake::cli {

namespace fs = std::filesystem;

std::string read_text(const fs::path& file) {
  // A folder opens as a stream and fails only, by an exception of the library, when it is read.
  std::error_code error;
  if (fs::is_directory(file, error)) throw FileError({file.string(), "cannot be read: it is a folder", ""});
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) throw FileError({file.string(), "cannot be read", ""});
  return text;
}

void must_exist(std::span<const fs::path> named, const std::string& suggestion) {
  std::vector<std::string> missing;
  std::error_code ignored;
  for (const fs::path& path : named)
    if (!fs::exists(path, ignored)) missing.push_back(path.string());
  if (missing.empty()) return;
  std::string what = "does not exist";
  for (std::size_t i = 1; i < missing.size(); ++i) what += (i == 1 ? ", nor does " : ", ") + missing[i];
  throw FileError({missing.front(), what, suggestion});
}

void write_text(const fs::path& file, const std::string& text) { replace_file(file, text); }

}  // namespace uptake::cli
