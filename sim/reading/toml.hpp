/// The one door to toml++: a file as plain values that know where they stand, and a reader of tables that collects
/// problems and notices keys that nobody asked for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "uptake/calendar.hpp"
#include "uptake/error.hpp"

namespace uptake {

/// Where something stands: in a file at a line and column (code points, from 1), or in an option.
struct Location {
  std::string file;
  int line = 0, column = 0;  ///< 0 = the whole file, or an option
  [[nodiscard]] std::string text() const;
};

/// Everything that is wrong, in the order of files (first met first), lines and columns; options come last.
class Problems {
 public:
  void add(const Location& place, std::string what, std::string suggestion = {});
  [[nodiscard]] bool empty() const { return found_.empty(); }
  [[nodiscard]] std::size_t count() const { return found_.size(); }
  /// @throws InputError with all of them, when there are any
  void throw_if_any();

 private:
  struct Found {
    Location place;
    std::string what, suggestion;
  };
  std::vector<Found> found_;
};

struct TomlEntry;
/// A table in the order of its file.
using TomlTable = std::vector<TomlEntry>;

struct TomlValue {
  struct Unsupported {};  ///< a time of day or a date with one
  using Array = std::vector<TomlValue>;
  Location place;
  std::variant<Unsupported, bool, std::int64_t, double, std::string, Date, Array, TomlTable> data;

  template <typename T>
  [[nodiscard]] const T* as() const {
    return std::get_if<T>(&data);
  }
  /// "text", "whole number", ...: what it is, with its article.
  [[nodiscard]] std::string_view kind() const;
};
struct TomlEntry {
  std::string key;
  Location place;
  TomlValue value;
};

/// Largest scenario or programme file, bytes [A]: a hundred times the largest shipped one.
inline constexpr std::size_t kMostFileBytes = 1 << 20;

/// Text of a file. @throws FileError when it is missing, a folder or unreadable; InputError when it is too large
[[nodiscard]] std::string read_text(const std::filesystem::path& file);
/// The table that `text` holds; problems of syntax and encoding are added and give no value.
[[nodiscard]] std::optional<TomlTable> parse_toml(const std::string& text, const std::string& file, Problems& problems);
/// The value of a `--set`: TOML where it is TOML (`5`, `"x"`, `[1, 2]`, `{ value = 1 }`), else the text itself.
[[nodiscard]] TomlValue parse_override(const std::string& text, const Location& place);
/// A text that `parse_override` reads as this value.
[[nodiscard]] std::string override_text(const TomlValue& value);
/// The first date in an option that TOML refused because there is no such day (`2021-02-30`, `[2021-13-01]`); empty when
/// there is none, and for values of a file.
[[nodiscard]] std::string_view impossible_day(const TomlValue& value);

[[nodiscard]] const TomlEntry* find_entry(const TomlTable& table, std::string_view key);
/// `did you mean "x"?`, or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);
/// `"a", "b" or "c"`.
[[nodiscard]] std::string one_of(std::span<const std::string_view> names);

/// A text and where it stands.
struct LocatedText {
  std::string text;
  Location place;
};

/// Reads one table key by key. Asking for a key makes it known; `finish` reports what was never asked for. A value of
/// the wrong kind or out of range is a problem and reads as absent.
class TableReader {
 public:
  /// @param prefix put before every key in messages, e.g. "population."
  TableReader(const TomlTable& table, Location place, std::string prefix, Problems& problems)
      : table_(table), place_(std::move(place)), prefix_(std::move(prefix)), problems_(problems) {}

  const TomlValue* find(std::string_view key);
  /// The same; a key that is missing is a problem.
  const TomlValue* require(std::string_view key, std::string_view example);

  [[nodiscard]] std::optional<std::string> text(std::string_view key);
  [[nodiscard]] std::optional<bool> flag(std::string_view key);
  [[nodiscard]] std::optional<Date> date(std::string_view key);
  [[nodiscard]] std::optional<std::int64_t> whole(std::string_view key, std::int64_t lowest, std::int64_t highest);
  /// A number with its unit, converted to `unit`, finite and in [lowest, highest].
  [[nodiscard]] std::optional<double> quantity(std::string_view key, std::string_view unit, double lowest,
                                               double highest);
  /// Index of the name in `names`.
  [[nodiscard]] std::optional<std::size_t> choice(std::string_view key, std::span<const std::string_view> names);
  /// An array of texts, each once; empty when absent.
  [[nodiscard]] std::vector<LocatedText> texts(std::string_view key);
  /// Calls `read` on the reader of each table in an array of tables, then reports what it left unread.
  void tables(std::string_view key, const std::function<void(TableReader&)>& read);

  void finish();
  void report(const Location& place, std::string what, std::string suggestion = {}) const {
    problems_.add(place, std::move(what), std::move(suggestion));
  }
  [[nodiscard]] const Location& place() const { return place_; }
  [[nodiscard]] Problems& problems() const { return problems_; }
  [[nodiscard]] std::string label(std::string_view key) const { return prefix_ + std::string(key); }
  [[nodiscard]] const TomlTable& table() const { return table_; }

 private:
  template <typename T>
  const T* expect(std::string_view key, std::string_view wanted);

  const TomlTable& table_;
  Location place_;
  std::string prefix_;
  Problems& problems_;
  std::set<std::string, std::less<>> asked_;
};

/// Reads a number with its unit from a value; problems are added. @param label how the key is called in messages
/// @return the value in `unit` and as it was stated
struct Measured {
  double value;
  double factor;  ///< from the stated unit
};
[[nodiscard]] std::optional<Measured> read_quantity(const TomlValue& value, const TomlValue* unit_stated,
                                                    std::string_view label, std::string_view unit, double lowest,
                                                    double highest, Problems& problems);

}  // namespace uptake
