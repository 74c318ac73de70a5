#include "uptake/sources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>

#include "uptake/error.hpp"

namespace uptake {

namespace {
bool is_blank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

std::string_view trimmed_text(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Takes what stands within the braces that `text` begins with, and leaves what comes after them.
std::string_view take_braced(std::string_view& text) {
  std::size_t depth = 0, at = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '{') {
      ++depth;
    } else if (text[at] == '}' && --depth == 0) {
      const std::string_view inside = text.substr(1, at - 1);
      text.remove_prefix(at + 1);
      return inside;
    }
  }
  text = {};
  return {};
}

/// `\%` is a percent sign, and braces only hold together.
std::string plain(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size())
      ++at;
    else if (text[at] == '{' || text[at] == '}')
      continue;
    result += text[at];
  }
  return result;
}

Source source_of(std::string_view fields) {
  Source source;
  while (!fields.empty()) {
    const std::size_t open = fields.find('{');
    if (open == std::string_view::npos) break;
    std::string_view name = fields.substr(0, open);
    name = trimmed_text(name.substr(0, std::min(name.find('='), name.size())));
    if (const auto comma = name.rfind(','); comma != std::string_view::npos)
      name = trimmed_text(name.substr(comma + 1));
    fields.remove_prefix(open);
    const std::string_view text = take_braced(fields);
    if (name == "note") source.note = plain(text);
    if (name == "url") source.url = text;
  }
  return source;
}

/// "nottingham.ac.uk" of an address.
std::string_view site_of(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  constexpr std::string_view kWww = "www.";
  if (url.starts_with(kWww)) url.remove_prefix(kWww.size());
  return url;
}

bool is_digit(char c) { return '0' <= c && c <= '9'; }
bool is_small_letter(char c) { return 'a' <= c && c <= 'z'; }
bool is_of_key(char c) { return is_digit(c) || is_small_letter(c) || ('A' <= c && c <= 'Z') || c == '-'; }

/// `S40`, `S99a` or `O-precept`.
bool is_code(std::string_view word) {
  if (word.starts_with("O-"))
    return word.size() > 2 &&
           std::ranges::all_of(word.substr(2), [](char c) { return is_digit(c) || is_small_letter(c) || c == '-'; });
  if (!word.starts_with('S')) return false;
  word.remove_prefix(1);
  if (word.size() > 1 && is_small_letter(word.back())) word.remove_suffix(1);
  return !word.empty() && std::ranges::all_of(word, is_digit);
}
}  // namespace

std::vector<std::string_view> codes_in(std::string_view text) {
  std::vector<std::string_view> codes;
  bool may_be_cited = true;
  while (!text.empty()) {
    const auto length = static_cast<std::size_t>(std::ranges::find_if_not(text, is_of_key) - text.begin());
    if (length == 0) {
      constexpr std::string_view kOpening = "([", kGoingOn = " ,;/&";
      may_be_cited = kOpening.find(text.front()) != std::string_view::npos ||
                     (may_be_cited && kGoingOn.find(text.front()) != std::string_view::npos);
      text.remove_prefix(1);
      continue;
    }
    const std::string_view word = text.substr(0, length);
    const bool is_cited = may_be_cited && is_code(word);
    if (is_cited) codes.push_back(word);
    may_be_cited = is_cited || (may_be_cited && word == "and");
    text.remove_prefix(length);
  }
  return codes;
}

bool share_a_code(std::string_view a, std::string_view b) {
  const std::vector<std::string_view> of_b = codes_in(b);
  return std::ranges::any_of(codes_in(a),
                             [&](std::string_view code) { return std::ranges::find(of_b, code) != of_b.end(); });
}

Sources::Sources(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(stream), {}};
  std::string_view rest = whole;
  for (auto at = rest.find('@'); at != std::string_view::npos; at = rest.find('@')) {
    rest.remove_prefix(at + 1);
    const std::size_t open = rest.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (open == std::string_view::npos || open == 0 || rest[open] != '{') continue;
    rest.remove_prefix(open);
    const std::string_view entry = take_braced(rest);
    const std::size_t comma = std::min(entry.find(','), entry.size());
    const std::string_view key = trimmed_text(entry.substr(0, comma));
    if (!key.empty()) by_key_.emplace(key, source_of(entry.substr(std::min(comma + 1, entry.size()))));
  }
}

void Sources::cite(std::string_view text, std::map<std::string, const Source*>& cited) const {
  while (!text.empty()) {
    const auto length = static_cast<std::size_t>(std::ranges::find_if_not(text, is_of_key) - text.begin());
    if (const auto found = by_key_.find(text.substr(0, length)); found != by_key_.end())
      cited.emplace(found->first, &found->second);
    text.remove_prefix(std::min(length + 1, text.size()));
  }
}

std::vector<std::string> Sources::unknown(std::string_view text) const {
  std::vector<std::string> codes;
  if (by_key_.empty()) return codes;
  for (const std::string_view code : codes_in(text))
    if (!by_key_.contains(code)) codes.emplace_back(code);
  return codes;
}

std::string Sources::nearest(std::string_view code) const {
  std::vector<std::string_view> keys;
  for (const auto& [key, source] : by_key_) keys.push_back(key);
  return nearest_name(code, keys);
}

std::string Sources::in_words(const std::string& source) const {
  const std::string key = source.substr(0, source.find(':'));
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return source;
  const auto& [note, url] = found->second;
  // What is on no page begins its note with who published it.
  const std::string_view who = url.empty() ? std::string_view(note).substr(0, note.find(':')) : site_of(url);
  return who.empty() ? source : fmt::format("{} ({}){}", who, key, source.substr(key.size()));
}

}  // namespace uptake
