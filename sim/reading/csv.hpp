/// The one reader of tables: a row at a time over libcsv, with every problem collected as file:line:column.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "uptake/error.hpp"

namespace uptake {

enum class Presence : std::uint8_t { required, optional };
struct CsvColumn {
  std::string_view name;
  Presence presence = Presence::required;
};

/// Registers carry many columns that nobody asked for; in a table made for `uptake` one is a slip of the pen.
enum class OtherColumns : std::uint8_t { ignored, refused };

/// A column of a table without a header line, known by its place in the row.
struct CsvField {
  std::string_view name;
  std::size_t index = 0;  ///< from 0; beyond the end of a short row it is empty
};
/// How many fields a row of such a table may have, both ends included.
struct CsvFieldCount {
  std::size_t least = 1, most = 1;
};

/// What a number may be; `text()` is the end of "is out of range (must be ...)".
struct NumberRange {
  enum class Kind : std::uint8_t { real, whole };
  enum class Low : std::uint8_t { included, excluded };
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  Low low_end = Low::included;
  Kind kind = Kind::real;

  [[nodiscard]] bool holds(double value) const;
  [[nodiscard]] std::string text() const;
};

/// Reads RFC 4180 text in UTF-8: optional BOM, LF, CRLF or CR, quoted fields with commas, quotes and line ends; blanks
/// around unquoted fields and empty lines are dropped. A row that is malformed, not UTF-8 or has another number of
/// fields than the header is reported and left out; after 100 problems the rest of the table is left unread, and at once
/// when it is no CSV at all: a zip archive, a workbook, UTF-16, a web page, a row longer than 1 MiB.
class CsvReader {
 public:
  /// Opens the table and reads its header line, which names the columns in any order.
  /// @param columns  what will be asked for; a column is known below by its index in here
  /// @param problems  every problem found is appended here, by this call and by those below
  /// @throws FileError when the file cannot be read
  CsvReader(const std::filesystem::path& file, std::span<const CsvColumn> columns, OtherColumns other,
            std::vector<Problem>& problems);
  /// Opens a table without a header line, as the Organisation Data Service publishes them.
  /// @throws FileError when the file cannot be read
  CsvReader(const std::filesystem::path& file, std::span<const CsvField> columns, CsvFieldCount fields,
            std::vector<Problem>& problems);
  ~CsvReader();
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  /// Goes to the next good row; false at the end, and at once when the header has a problem.
  /// @throws FileError when reading fails half-way
  [[nodiscard]] bool next();

  /// Whether the table, or all of it from some row on, could not be read: what stands there is not known.
  [[nodiscard]] bool is_cut_short() const;

  /// Whether the header names the column; a table without a header line has all of them.
  [[nodiscard]] bool has(std::size_t column) const;
  /// Reports the column as missing unless the header names it.
  void require(std::size_t column);

  /// Line on which the row starts, from 1.
  [[nodiscard]] int line() const;
  /// `file:line:column` of a field of the row, the column counted in characters from 1.
  [[nodiscard]] std::string where(std::size_t column) const;
  void report(std::size_t column, std::string what, std::string suggestion = {});

  /// The field, valid until `next`; empty when it is empty or its optional column is absent.
  [[nodiscard]] std::string_view text(std::size_t column) const;
  /// The field; an empty one is a problem.
  [[nodiscard]] std::string_view required_text(std::size_t column);
  /// No value when the field is empty, or when it is no number in the range, which is a problem.
  [[nodiscard]] std::optional<double> number(std::size_t column, const NumberRange& range);
  /// As `number`, but an empty field is a problem too.
  [[nodiscard]] std::optional<double> required_number(std::size_t column, const NumberRange& range);
  /// Index of the field in `names`; none when it is not one of them, which is a problem with the nearest name.
  /// @param noun  what the names are, e.g. "organisation type"
  [[nodiscard]] std::optional<std::size_t> one_of(std::size_t column, std::span<const std::string_view> names,
                                                  std::string_view noun);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace uptake
