#include "reading/toml.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <fstream>
#include <system_error>
#include <tuple>

#include "reading/quantity.hpp"

namespace uptake {

// ---- Places and problems ------------------------------------------------------------------------------------------

std::string Location::text() const { return line == 0 ? file : fmt::format("{}:{}:{}", file, line, column); }

void Problems::add(const Location& place, std::string what, std::string suggestion) {
  found_.push_back({place, std::move(what), std::move(suggestion)});
}

void Problems::throw_if_any() {
  if (found_.empty()) return;
  std::map<std::string, std::size_t> rank;
  for (const Found& found : found_) rank.try_emplace(found.place.file, rank.size());
  std::ranges::stable_sort(found_, {}, [&](const Found& found) {
    const bool is_option = found.place.file.starts_with("--");
    return std::tuple{is_option, rank[found.place.file], found.place.line, found.place.column};
  });
  std::vector<Problem> problems;
  for (Found& found : found_) {
    problems.push_back({found.place.text(), std::move(found.what), std::move(found.suggestion)});
  }
  throw InputError(std::move(problems));
}

// ---- Files and values ---------------------------------------------------------------------------------------------

std::string_view TomlValue::kind() const {
  static constexpr std::array<std::string_view, 8> kKinds{"a time", "true or false", "a whole number", "a number",
                                                          "a text", "a date",        "an array",       "a table"};
  return kKinds[data.index()];
}

std::string read_text(const std::filesystem::path& file) {
  const auto cannot_read = [&](const std::string& why, std::string suggestion) {
    return FileError({file.string(), "cannot read: " + why, std::move(suggestion)});
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) throw cannot_read("it is a folder", "name a file in it");
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw cannot_read(std::generic_category().message(errno), {});
  std::string text(kMostFileBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) throw cannot_read(std::generic_category().message(errno), {});
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > kMostFileBytes) {
    throw InputError({{file.string(), "is larger than 1 MiB", "is it a scenario at all?"}});
  }
  return text;
}

namespace {
Location location_of(const toml::source_region& source, const std::string& file) {
  return {file, static_cast<int>(source.begin.line), static_cast<int>(source.begin.column)};
}

Date to_date(const toml::date& d) {
  return std::chrono::year{d.year} / std::chrono::month{d.month} / std::chrono::day{d.day};
}

/// toml++ keeps tables sorted by key; the order of the file is that of the keys' places.
TomlValue to_value(const toml::node& node, const std::string& file) {
  TomlValue value{location_of(node.source(), file), {}};
  if (const auto* table = node.as_table()) {
    TomlTable entries;
    for (const auto& [key, child] : *table) {
      entries.push_back({std::string(key.str()), location_of(key.source(), file), to_value(child, file)});
    }
    std::ranges::stable_sort(entries, {}, [](const TomlEntry& e) { return std::pair{e.place.line, e.place.column}; });
    value.data = std::move(entries);
  } else if (const auto* array = node.as_array()) {
    TomlValue::Array items;
    for (const auto& child : *array) items.push_back(to_value(child, file));
    value.data = std::move(items);
  } else if (const auto* flag = node.as_boolean()) {
    value.data = flag->get();
  } else if (const auto* whole = node.as_integer()) {
    value.data = whole->get();
  } else if (const auto* number = node.as_floating_point()) {
    value.data = number->get();
  } else if (const auto* text = node.as_string()) {
    value.data = text->get();
  } else if (const auto* date = node.as_date()) {
    value.data = to_date(date->get());
  }
  return value;
}

void set_location(TomlValue& value, const Location& place) {
  value.place = place;
  if (auto* items = std::get_if<TomlValue::Array>(&value.data)) {
    for (TomlValue& item : *items) set_location(item, place);
  } else if (auto* entries = std::get_if<TomlTable>(&value.data)) {
    for (TomlEntry& entry : *entries) {
      entry.place = place;
      set_location(entry.value, place);
    }
  }
}
}  // namespace

std::optional<TomlTable> parse_toml(const std::string& text, const std::string& file, Problems& problems) {
  try {
    TomlValue value = to_value(toml::parse(text, file), file);
    return std::get<TomlTable>(std::move(value.data));
  } catch (const toml::parse_error& error) {
    problems.add(location_of(error.source(), file), fmt::format("is not TOML: {}", error.description()));
    return std::nullopt;
  }
}

TomlValue parse_override(const std::string& text, const Location& place) {
  Problems not_toml;
  TomlValue value{place, text};
  if (text.find_first_of("\r\n") != std::string::npos) return value;
  if (auto table = parse_toml("value = " + text, place.file, not_toml); table && table->size() == 1) {
    value = std::move(table->front().value);
    set_location(value, place);
  }
  return value;
}

namespace {
std::string quoted_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f')
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      quoted += c;
  }
  return quoted + '"';
}

bool is_bare_key(std::string_view key) {
  constexpr std::string_view kOfKeys = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return !key.empty() && key.find_first_not_of(kOfKeys) == std::string_view::npos;
}

std::string toml_text(const TomlValue& value) {
  if (const auto* text = value.as<std::string>()) return quoted_text(*text);
  if (const auto* flag = value.as<bool>()) return *flag ? "true" : "false";
  if (const auto* whole = value.as<std::int64_t>()) return fmt::format("{}", *whole);
  if (const auto* date = value.as<Date>()) return iso(*date);
  if (const auto* number = value.as<double>()) {
    const std::string digits = fmt::format("{}", *number);
    return digits.find_first_not_of("-0123456789") == std::string::npos ? digits + ".0" : digits;
  }
  std::string inside;
  if (const auto* items = value.as<TomlValue::Array>()) {
    for (const TomlValue& item : *items) inside += (inside.empty() ? "" : ", ") + toml_text(item);
    return fmt::format("[{}]", inside);
  }
  if (const auto* table = value.as<TomlTable>()) {
    for (const TomlEntry& entry : *table)
      inside += fmt::format("{}{} = {}", inside.empty() ? "" : ", ",
                            is_bare_key(entry.key) ? entry.key : quoted_text(entry.key), toml_text(entry.value));
    return fmt::format("{{ {} }}", inside);
  }
  return "00:00:00";  // a time of day, which nothing takes
}
}  // namespace

std::string override_text(const TomlValue& value) {
  const auto* text = value.as<std::string>();
  if (!text) return toml_text(value);
  const TomlValue plain = parse_override(*text, {});
  const auto* again = plain.as<std::string>();
  return again && *again == *text && trimmed(*text) == *text ? *text : quoted_text(*text);
}

const TomlEntry* find_entry(const TomlTable& table, std::string_view key) {
  const auto entry = std::ranges::find(table, key, &TomlEntry::key);
  return entry == table.end() ? nullptr : &*entry;
}

// ---- Words of messages --------------------------------------------------------------------------------------------

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string name = nearest_name(word, candidates);
  return name.empty() ? name : fmt::format("did you mean \"{}\"?", name);
}

std::string one_of(std::span<const std::string_view> names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += fmt::format("{}\"{}\"", i == 0 ? "" : i + 1 == names.size() ? " or " : ", ", names[i]);
  }
  return text;
}

// ---- Tables -------------------------------------------------------------------------------------------------------

const TomlValue* TableReader::find(std::string_view key) {
  asked_.emplace(key);
  const TomlEntry* entry = find_entry(table_, key);
  return entry ? &entry->value : nullptr;
}

const TomlValue* TableReader::require(std::string_view key, std::string_view example) {
  const TomlValue* value = find(key);
  if (!value) report(place_, fmt::format("{} is missing", label(key)), fmt::format("add {} = {}", key, example));
  return value;
}

template <typename T>
const T* TableReader::expect(std::string_view key, std::string_view wanted) {
  const TomlValue* value = find(key);
  if (!value) return nullptr;
  if (const T* found = value->as<T>()) return found;
  report(value->place, fmt::format("{} is {}, must be {}", label(key), value->kind(), wanted));
  return nullptr;
}

std::optional<std::string> TableReader::text(std::string_view key) {
  const auto* found = expect<std::string>(key, "a text");
  if (!found) return std::nullopt;
  if (found->find_first_not_of(" \t\r\n") == std::string::npos) {
    report(find(key)->place, fmt::format("{} is empty", label(key)));
    return std::nullopt;
  }
  if (found->find('\0') != std::string::npos) {
    report(find(key)->place, fmt::format("{} holds a zero byte", label(key)));
    return std::nullopt;
  }
  return *found;
}

std::optional<bool> TableReader::flag(std::string_view key) {
  const auto* found = expect<bool>(key, "true or false");
  return found ? std::optional(*found) : std::nullopt;
}

std::string_view impossible_day(const TomlValue& value) {
  const auto* text = value.as<std::string>();
  if (!text || value.place.line > 0) return {};
  constexpr std::string_view kForm = "dddd-dd-dd";
  const auto is_formed = [&](std::string_view day) {
    return std::ranges::equal(day, kForm,
                              [](char c, char form) { return form == 'd' ? '0' <= c && c <= '9' : c == form; });
  };
  const auto number = [](std::string_view digits) {
    int n = 0;
    for (const char c : digits) n = 10 * n + (c - '0');
    return n;
  };
  for (std::size_t at = 0; at + kForm.size() <= text->size(); ++at) {
    const std::string_view day = std::string_view(*text).substr(at, kForm.size());
    if (!is_formed(day)) continue;
    const std::chrono::year_month_day of(std::chrono::year(number(day.substr(0, 4))),
                                         std::chrono::month(static_cast<unsigned>(number(day.substr(5, 2)))),
                                         std::chrono::day(static_cast<unsigned>(number(day.substr(8, 2)))));
    if (!of.ok()) return day;
  }
  return {};
}

std::optional<Date> TableReader::date(std::string_view key) {
  const TomlValue* value = find(key);
  if (const std::string_view day = value ? impossible_day(*value) : std::string_view(); !day.empty()) {
    report(value->place, fmt::format("{} = {} is no day of the calendar", label(key), day),
           "write year-month-day, such as 2021-01-31");
    return std::nullopt;
  }
  const auto* found = expect<Date>(key, "a date such as 2021-01-31, without quotes");
  return found ? std::optional(*found) : std::nullopt;
}

namespace {
/// A whole number with more digits than one holds: an option's value that TOML refuses, and that stays a text.
bool is_huge(std::string_view text) {
  constexpr std::size_t kDigits = 19;  // of 2^63 - 1
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return text.size() >= kDigits && text.find_first_not_of("0123456789") == std::string_view::npos;
}
}  // namespace

std::optional<std::int64_t> TableReader::whole(std::string_view key, std::int64_t lowest, std::int64_t highest) {
  const TomlValue* value = find(key);
  if (!value) return std::nullopt;
  const auto refuse = [&](const auto& number) {
    report(value->place,
           fmt::format("{} = {} is out of range (must be in [{}, {}])", label(key), number, lowest, highest));
    return std::nullopt;
  };
  if (const auto* text = value->as<std::string>(); text && is_huge(*text)) return refuse(*text);
  const auto* found = expect<std::int64_t>(key, "a whole number");
  if (!found) return std::nullopt;
  if (*found < lowest || *found > highest) return refuse(*found);
  return *found;
}

std::optional<double> TableReader::quantity(std::string_view key, std::string_view unit, double lowest,
                                            double highest) {
  const TomlValue* value = find(key);
  if (!value) return std::nullopt;
  const auto measured = read_quantity(*value, nullptr, label(key), unit, lowest, highest, problems_);
  return measured ? std::optional(measured->value) : std::nullopt;
}

std::optional<std::size_t> TableReader::choice(std::string_view key, std::span<const std::string_view> names) {
  const auto* found = expect<std::string>(key, one_of(names));
  if (!found) return std::nullopt;
  const auto name = std::ranges::find(names, *found);
  if (name == names.end()) {
    report(find(key)->place, fmt::format("{} = \"{}\" is unknown (must be {})", label(key), *found, one_of(names)),
           did_you_mean(*found, names));
    return std::nullopt;
  }
  return static_cast<std::size_t>(name - names.begin());
}

std::vector<LocatedText> TableReader::texts(std::string_view key) {
  std::vector<LocatedText> all;
  const auto* found = expect<TomlValue::Array>(key, "an array of texts");
  if (!found) return all;
  for (const TomlValue& item : *found) {
    const auto* word = item.as<std::string>();
    if (!word || word->empty()) {
      report(item.place, fmt::format("{} holds {}, must hold texts", label(key), word ? "an empty text" : item.kind()));
    } else if (std::ranges::find(all, *word, &LocatedText::text) != all.end()) {
      report(item.place, fmt::format("{} names \"{}\" twice", label(key), *word));
    } else {
      all.push_back({*word, item.place});
    }
  }
  return all;
}

void TableReader::tables(std::string_view key, const std::function<void(TableReader&)>& read) {
  const auto* found = expect<TomlValue::Array>(key, fmt::format("written [[{}]]", label(key)));
  if (!found) return;
  for (const TomlValue& item : *found) {
    if (const auto* table = item.as<TomlTable>()) {
      TableReader reader(*table, item.place, fmt::format("{}.", label(key)), problems_);
      read(reader);
      reader.finish();
    } else {
      report(item.place, fmt::format("{} holds {}, must hold tables", label(key), item.kind()));
    }
  }
}

void TableReader::finish() {
  const std::vector<std::string_view> known(asked_.begin(), asked_.end());
  for (const TomlEntry& entry : table_) {
    if (asked_.contains(entry.key)) continue;
    report(entry.place, fmt::format("unknown key \"{}\"", label(entry.key)), did_you_mean(entry.key, known));
  }
}

// ---- Numbers with units -------------------------------------------------------------------------------------------

namespace {
/// The number and unit of a value, given as a number, a text (`"12 weeks"`), or a number beside a `unit` key.
std::optional<Quantity> stated_quantity(const TomlValue& value, const TomlValue* unit_stated, std::string_view label,
                                        Problems& problems) {
  std::optional<Quantity> stated;
  if (const auto* whole = value.as<std::int64_t>()) stated = Quantity{static_cast<double>(*whole), {}};
  if (const auto* number = value.as<double>()) stated = Quantity{*number, {}};
  if (const auto* text = value.as<std::string>()) {
    stated = parse_quantity(*text);
    if (!stated) {
      problems.add(value.place, fmt::format("{} = \"{}\" does not begin with a finite number", label, *text));
      return std::nullopt;
    }
  }
  if (!stated) {
    problems.add(value.place, fmt::format("{} is {}, must be a number with its unit", label, value.kind()));
    return std::nullopt;
  }
  if (!std::isfinite(stated->value)) {
    problems.add(value.place, fmt::format("{} = {} is not a finite number", label, stated->value));
    return std::nullopt;
  }
  if (!unit_stated) return stated;
  const auto* unit = unit_stated->as<std::string>();
  if (!unit) {
    problems.add(unit_stated->place, fmt::format("{}.unit is {}, must be a text", label, unit_stated->kind()));
    return std::nullopt;
  }
  if (!stated->unit.empty()) {
    problems.add(unit_stated->place, fmt::format("{} states its unit twice", label));
    return std::nullopt;
  }
  stated->unit = *unit;
  return stated;
}
}  // namespace

std::optional<Measured> read_quantity(const TomlValue& value, const TomlValue* unit_stated, std::string_view label,
                                      std::string_view unit, double lowest, double highest, Problems& problems) {
  const auto stated = stated_quantity(value, unit_stated, label, problems);
  if (!stated) return std::nullopt;
  const auto factor = conversion_factor(stated->unit, unit);
  if (!factor && stated->unit.empty()) {
    problems.add(value.place, fmt::format("{} = {} states no unit", label, stated->value),
                 fmt::format("write {}", accepted_units(unit)));
    return std::nullopt;
  }
  if (!factor) {
    problems.add(unit_stated ? unit_stated->place : value.place,
                 fmt::format("{} = {} has a wrong unit", label, shown(*stated)),
                 fmt::format("write {}", accepted_units(unit)));
    return std::nullopt;
  }
  const double converted = stated->value * *factor;
  if (!(converted >= lowest && converted <= highest)) {
    const bool is_plain = goes_without_unit(unit);
    std::string_view meant;
    if (!is_plain && *factor != 1) meant = unit.starts_with("1/") ? unit.substr(1) : unit;
    constexpr double kPercent = 5;  // a share of 2 is rather a slip than 2 % [A]
    if (unit != "1" && is_plain && stated->unit.empty() && converted >= kPercent && converted / 100 >= lowest &&
        converted / 100 <= highest)
      meant = "%";
    problems.add(value.place,
                 fmt::format("{} = {} is out of range (must be in [{}, {}]{})", label, shown(*stated), lowest, highest,
                             after_range(unit)),
                 meant.empty() ? "" : fmt::format("did you mean \"{}\"?", meant));
    return std::nullopt;
  }
  return Measured{converted, *factor};
}

}  // namespace uptake
