/// Small text files beside the results.
#pragma once

#include <filesystem>
#include <string>

namespace uptake::cli {

/// @throws FileError when it is no file or cannot be read
[[nodiscard]] std::string read_text(const std::filesystem::path& file);

/// Writes beside the place and renames: the file is whole or as it was. @throws FileError
void write_text(const std::filesystem::path& file, const std::string& text);

}  // namespace uptake::cli
