/// Whether bytes are text.
#pragma once

#include <cstddef>
#include <string_view>

namespace uptake {

/// Offset of the first byte that is not well-formed UTF-8 (Unicode 15, table 3-7) or is 0, or npos.
[[nodiscard]] std::size_t first_invalid_utf8(std::string_view text);
[[nodiscard]] inline bool is_utf8(std::string_view text) { return first_invalid_utf8(text) == std::string_view::npos; }

}  // namespace uptake
