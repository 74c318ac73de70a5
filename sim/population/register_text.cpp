#include "population/register_text.hpp"

#include <charconv>
#include <system_error>

namespace uptake {

std::string_view trimmed_field(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string postcode_key(std::string_view text) {
  std::string key;
  for (const char c : text)
    if (c != ' ') key.push_back(upper(c));
  return key;
}

std::string authority_key(std::string_view text) {
  std::string plain;
  for (const char c : text)
    if (c == '&') {
      plain += "and";
    } else if (c != '.' && c != ',' && c != '-' && c != '\'') {
      plain.push_back(lower(c));
    } else {
      plain.push_back(' ');
    }
  std::string key;
  for (const char c : trimmed_field(plain))
    if (c != ' ' || (!key.empty() && key.back() != ' ')) key.push_back(c);
  for (const std::string_view end : {" city of", " county of", " borough"})
    if (key.ends_with(end)) key.resize(key.size() - end.size());
  if (key.starts_with("county ")) key.erase(0, 7);
  return key;
}

bool is_yes(std::string_view text) {
  return !trimmed_field(text).empty() && (trimmed_field(text).front() == 'Y' || trimmed_field(text).front() == 'y');
}

namespace {
std::optional<double> number_in(std::string_view text, double low, double high) {
  text = trimmed_field(text);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= low && value <= high)) return std::nullopt;
  return value;
}
}  // namespace

std::optional<Coordinates> place_in_england(std::string_view latitude, std::string_view longitude) {
  const auto north = number_in(latitude, 49.8, 55.9);  // the Isles of Scilly to Berwick-upon-Tweed
  const auto east = number_in(longitude, -6.5, 1.8);   // the Isles of Scilly to Lowestoft
  if (!north || !east) return std::nullopt;
  return Coordinates{*north, *east};
}

}  // namespace uptake
