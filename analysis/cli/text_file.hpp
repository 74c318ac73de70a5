/// Small text files beside the results.
#pragma once

#include <filesystem>
#include <span>
#include <string>

namespace uptake::cli {

/// @throws FileError when it is no file or cannot be read
[[nodiscard]] std::string read_text(const std::filesystem::path& file);

/// For files and folders that a command is given. @param suggestion what to name
/// @throws FileError that names all of those that do not exist
void must_exist(std::span<const std::filesystem::path> named, const std::string& suggestion);

/// Writes beside the place and renames: the file is whole or as it was. @throws FileError
void write_text(const std::filesystem::path& file, const std::string& text);

}  // namespace uptake::cli
