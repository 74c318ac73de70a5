/// Words and places as public registers write them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace uptake {

[[nodiscard]] std::string_view trimmed_field(std::string_view text);
[[nodiscard]] inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
[[nodiscard]] inline char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

/// A postcode without blanks, in capitals: registers disagree about both.
[[nodiscard]] std::string postcode_key(std::string_view text);

/// The name of a local authority with the differences between CQC and ONS taken out: capitals, stops, "&", and the
/// words before and after ("Bristol, City of", "County Durham", "Bedford Borough").
[[nodiscard]] std::string authority_key(std::string_view text);

[[nodiscard]] bool is_yes(std::string_view text);

/// Registers write unknown coordinates as 0, as 99.999999 (ONS) or not at all; none of those is in England.
struct Coordinates {
  double latitude = 0, longitude = 0;
};
[[nodiscard]] std::optional<Coordinates> place_in_england(std::string_view latitude, std::string_view longitude);

}  // namespace uptake
