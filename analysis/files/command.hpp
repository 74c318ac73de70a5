/// Commands as they are shown to people, who paste them into a shell.
#pragma once

#include <span>
#include <string>

namespace uptake {

/// A word as a POSIX shell reads it back: as it is where that is safe, else in single quotes.
[[nodiscard]] std::string quoted(const std::string& word);

/// The words of a command, each quoted where it must be.
[[nodiscard]] std::string command_text(std::span<const std::string> words);

}  // namespace uptake
