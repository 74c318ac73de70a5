#include "reading/csv.hpp"

#include <csv.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <utility>

#include "reading/utf8.hpp"
#include "uptake/grouped.hpp"

namespace uptake {

namespace {
constexpr std::size_t kMaximumProblems = 100;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
// Bounds on what a hostile file can make the reader hold. Published registers stay below 5 KB a row and 200 columns; a
// sheet has at most 16,384.
constexpr std::size_t kMaximumRowBytes = std::size_t{1} << 20;
constexpr std::size_t kMaximumFields = 16384;

/// What a file is that begins like this and is often named .csv by mistake.
struct OtherFormat {
  std::string_view begins, what, suggestion;
};
constexpr std::string_view kSaveSheet =
    "open it in a spreadsheet program and save the sheet as CSV (character set UTF-8, separator comma)";
constexpr std::string_view kDownloadAgain = "download the file again, or save the link itself and not the page";
constexpr std::array kOtherFormats{
    OtherFormat{
        "PK\x03\x04", "a zip archive or a workbook (.ods, .xlsx)",
        "unpack the archive; or open the workbook and save the sheet as CSV (character set UTF-8, separator comma)"},
    OtherFormat{"PK\x05\x06", "an empty zip archive", kDownloadAgain},
    OtherFormat{"\xD0\xCF\x11\xE0", "a workbook (.xls)", kSaveSheet},
    OtherFormat{"\x1F\x8B", "compressed (gzip)", "unpack it with gunzip"},
    OtherFormat{"%PDF", "a PDF", kDownloadAgain},
    OtherFormat{"<", "a web page or XML", kDownloadAgain},
    OtherFormat{"\xFF\xFE", "text in UTF-16", "save the table as UTF-8"},
    OtherFormat{"\xFE\xFF", "text in UTF-16", "save the table as UTF-8"},
};

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

int count_characters(std::string_view text) { return static_cast<int>(std::ranges::count_if(text, starts_character)); }
}  // namespace

bool NumberRange::holds(double value) const {
  return std::isfinite(value) && (low_end == Low::included ? value >= low : value > low) && value <= high &&
         (kind == Kind::real || value == std::floor(value));
}

std::string NumberRange::text() const {
  const std::string_view noun = kind == Kind::whole ? "a whole number " : "";
  const char bracket = low_end == Low::included ? '[' : '(';
  if (std::isinf(high)) return fmt::format("{}{} {}", noun, low_end == Low::included ? "at least" : "above", low);
  return fmt::format("{}in {}{}, {}]", noun, bracket, low, high);
}

struct CsvReader::State {
  std::filesystem::path file;
  std::ifstream in;
  std::vector<Problem>& problems;
  std::size_t n_reported = 0;
  csv_parser parser{};

  std::string physical;  ///< one line with its end
  int next_line = 1;
  std::string record;  ///< the row as it stands in the file, kept to find the column of a field when there is a problem
  int record_line = 0;
  std::string content;            ///< fields of the row one after the other
  std::vector<std::size_t> ends;  ///< where each of them ends in `content`
  std::size_t n_rows_closed = 0;
  std::size_t n_rows_read = 0;
  bool is_given_up = false;    ///< what follows is not read
  bool is_cut_short = false;   ///< as is_cut_short() says
  CsvFieldCount fields{0, 0};  ///< of a row; most = 0: no usable header
  bool has_header = true;
  std::vector<CsvColumn> columns;
  std::vector<std::ptrdiff_t> field_of;  ///< by column; -1 = absent

  State(std::filesystem::path f, std::span<const CsvColumn> c, std::vector<Problem>& p)
      : file(std::move(f)), problems(p), columns(c.begin(), c.end()), field_of(c.size(), -1) {
    start_parser();
  }
  ~State() { csv_free(&parser); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void start_parser() { csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI); }

  void restart_parser() {
    csv_free(&parser);
    start_parser();
  }

  void report(int line, int column, std::string what, std::string suggestion = {}) {
    if (n_reported == kMaximumProblems) return;
    problems.push_back({fmt::format("{}:{}:{}", file.string(), line, column), std::move(what), std::move(suggestion)});
    if (++n_reported == kMaximumProblems)
      problems.push_back(
          {file.string(), fmt::format("{} problems, the rest of the table is not read", n_reported), ""});
  }

  /// One physical line with its LF, CRLF or CR; false at the end of the file.
  bool read_physical() {
    physical.clear();
    std::streambuf& buffer = *in.rdbuf();
    constexpr int kEnd = std::char_traits<char>::eof();
    try {
      for (int c = buffer.sbumpc(); c != kEnd; c = buffer.sbumpc()) {
        physical.push_back(static_cast<char>(c));
        if (record.size() + physical.size() > kMaximumRowBytes) {
          give_up("the row is longer than 1 MiB", "is a quote left open, or is this no CSV table?");
          return false;
        }
        if (c == '\r' && buffer.sgetc() == '\n') physical.push_back(static_cast<char>(buffer.sbumpc()));
        if (c == '\n' || c == '\r') break;
      }
    } catch (const std::ios_base::failure&) {  // thrown by the buffer itself when the system refuses a read
      throw FileError({file.string(), fmt::format("cannot be read after line {}", next_line - 1), ""});
    }
    if (next_line == 1) {
      for (const OtherFormat& other : kOtherFormats) {
        if (!physical.starts_with(other.begins)) continue;
        give_up(fmt::format("the file is {}, not CSV", other.what), std::string(other.suggestion));
        return false;
      }
      if (physical.starts_with(kByteOrderMark)) physical.erase(0, kByteOrderMark.size());
    }
    return !physical.empty();
  }

  void give_up(std::string what, std::string suggestion) {
    report(record_line, 1, std::move(what), std::move(suggestion));
    is_given_up = is_cut_short = true;
  }

  static void close_field(void* text, std::size_t length, void* self) {
    State& state = *static_cast<State*>(self);
    state.content.append(static_cast<const char*>(text), length);
    state.ends.push_back(state.content.size());
  }
  static void close_row(int, void* self) { ++static_cast<State*>(self)->n_rows_closed; }

  /// The next record that is well formed, whatever its number of fields.
  bool read_record() {
    while (n_reported < kMaximumProblems && !is_given_up) {
      record.clear();
      content.clear();
      ends.clear();
      n_rows_closed = 0;
      record_line = next_line;
      std::size_t n_bad = 0;
      while (n_rows_closed == 0 && read_physical()) {
        const int line = next_line++;
        if (const std::size_t bad = first_invalid_utf8(physical); bad != std::string_view::npos) {
          report(line, count_characters(std::string_view(physical).substr(0, bad)) + 1,
                 fmt::format("byte 0x{:02X} is not {}", static_cast<unsigned char>(physical[bad]),
                             physical[bad] == 0 ? "text" : "UTF-8"),
                 "save the table as UTF-8");
          ++n_bad;
        }
        record += physical;
        if (csv_parse(&parser, physical.data(), physical.size(), close_field, close_row, this) != physical.size()) {
          report(line, 1, "a quote stands inside a field that is not quoted, or after the end of one that is",
                 "write the field in quotes and double the quotes in it");
          restart_parser();
          n_rows_closed = 1;
          ++n_bad;
        } else if (n_rows_closed == 0 && ends.empty() && parser.entry_pos == 0 && !parser.quoted) {
          record.clear();  // an empty line
          record_line = next_line;
        }
      }
      if (is_given_up) {
        restart_parser();
        return false;
      }
      if (n_rows_closed == 0) {  // the end of the file, perhaps after a row without a line end
        if (csv_fini(&parser, close_field, close_row, this) != 0) {
          report(record_line, 1, "a quoted field of this row is not closed before the end of the file");
          is_cut_short = true;
          restart_parser();
          return false;
        }
        if (n_rows_closed == 0) return false;
      }
      if (ends.size() > kMaximumFields) {
        give_up(fmt::format("the row has {} fields, {} are possible", grouped(ends.size()), grouped(kMaximumFields)),
                "is the comma the separator?");
        return false;
      }
      if (n_bad == 0) {
        ++n_rows_read;
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] std::string wanted_fields() const {
    if (has_header) return fmt::format("the header has {}", fields.least);
    return fields.least == fields.most ? fmt::format("{} are expected", fields.least)
                                       : fmt::format("{} to {} are expected", fields.least, fields.most);
  }

  std::string_view field(std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends[i - 1];
    return std::string_view(content).substr(begin, ends[i] - begin);
  }

  /// Line and column of the start of a field, found again in the text of the record.
  std::pair<int, int> position(std::size_t wanted) const {
    int line = record_line, column = 1;
    std::size_t i = 0;
    bool quoted = false;
    for (std::size_t k = 0; k < record.size() && i < wanted; ++k) {
      const char c = record[k];
      if (c == '"') quoted = !quoted;
      if (c == ',' && !quoted) ++i;
      if (c == '\n' || (c == '\r' && (k + 1 == record.size() || record[k + 1] != '\n'))) {
        ++line;
        column = 1;
      } else if (starts_character(c)) {
        ++column;
      }
    }
    return {line, column};
  }

  void read_header(OtherColumns other) {
    const std::size_t n_problems = problems.size();
    if (!read_record()) {
      if (problems.size() > n_problems) return;
      std::string names;
      for (const CsvColumn& column : columns) names += fmt::format("{}{}", names.empty() ? "" : ", ", column.name);
      report(1, 1, "the table is empty", fmt::format("its first line must name the columns: {}", names));
      is_cut_short = true;
      return;
    }
    constexpr std::string_view kOtherSeparators = ";\t|";
    if (const auto at = field(0).find_first_of(kOtherSeparators); ends.size() == 1 && at != std::string_view::npos) {
      give_up(fmt::format("the columns are separated by {}, not by commas",
                          field(0)[at] == '\t' ? "tabs" : fmt::format("\"{}\"", field(0)[at])),
              "save the table as CSV with the comma as separator");
      return;
    }
    std::vector<std::string_view> unknown, missing;
    for (std::size_t i = 0; i < ends.size(); ++i) {
      const auto found = std::ranges::find(columns, field(i), &CsvColumn::name);
      if (found == columns.end()) {
        unknown.push_back(field(i));
        continue;
      }
      std::ptrdiff_t& index = field_of[static_cast<std::size_t>(found - columns.begin())];
      if (index >= 0) report_header(i, fmt::format("column \"{}\" is there twice", field(i)));
      index = static_cast<std::ptrdiff_t>(i);
    }
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (field_of[c] >= 0) continue;
      const std::string near = nearest_name(columns[c].name, unknown);
      if (columns[c].presence == Presence::required) {
        report(record_line, 1, fmt::format("column \"{}\" is missing", columns[c].name),
               near.empty() ? "" : fmt::format("is it the one called \"{}\"?", near));
        if (!near.empty()) std::erase(unknown, std::string_view(near));
      } else {
        missing.push_back(columns[c].name);
      }
    }
    if (other == OtherColumns::refused) {
      for (std::size_t i = 0; i < ends.size(); ++i) {
        if (std::ranges::find(unknown, field(i)) == unknown.end()) continue;
        const std::string near = nearest_name(field(i), missing);
        report_header(i, fmt::format("unknown column \"{}\"", field(i)),
                      near.empty() ? "" : fmt::format("did you mean \"{}\"?", near));
      }
    }
    if (problems.size() == n_problems)
      fields = {ends.size(), ends.size()};
    else
      is_cut_short = true;
  }

  void open() {
    std::error_code ignored;
    if (std::filesystem::is_directory(file, ignored))
      throw FileError({file.string(), "is a folder, not a table", "name a CSV file"});
    errno = 0;
    in.open(file, std::ios::binary);
    if (!in) throw FileError({file.string(), fmt::format("cannot be opened: {}", std::strerror(errno)), ""});
  }

  void report_header(std::size_t i, std::string what, std::string suggestion = {}) {
    const auto [line, column] = position(i);
    report(line, column, std::move(what), std::move(suggestion));
  }
};

CsvReader::CsvReader(const std::filesystem::path& file, std::span<const CsvColumn> columns, OtherColumns other,
                     std::vector<Problem>& problems)
    : state_(std::make_unique<State>(file, columns, problems)) {
  state_->open();
  state_->read_header(other);
}

CsvReader::CsvReader(const std::filesystem::path& file, std::span<const CsvField> columns, CsvFieldCount fields,
                     std::vector<Problem>& problems)
    : state_(std::make_unique<State>(file, std::span<const CsvColumn>{}, problems)) {
  for (const CsvField& column : columns) {
    state_->columns.push_back({column.name});
    state_->field_of.push_back(static_cast<std::ptrdiff_t>(column.index));
  }
  state_->fields = fields;
  state_->has_header = false;
  state_->open();
}

CsvReader::~CsvReader() = default;

bool CsvReader::next() {
  State& state = *state_;
  if (state.fields.most == 0) return false;
  while (state.read_record()) {
    if (state.ends.size() >= state.fields.least && state.ends.size() <= state.fields.most) return true;
    state.report(state.record_line, 1,
                 fmt::format("the row has {} fields where {}", state.ends.size(), state.wanted_fields()));
  }
  if (!state.has_header && state.n_rows_read == 0 && state.n_reported == 0) state.report(1, 1, "the table is empty");
  return false;
}

bool CsvReader::is_cut_short() const { return state_->is_cut_short; }

bool CsvReader::has(std::size_t column) const { return state_->field_of[column] >= 0; }

void CsvReader::require(std::size_t column) {
  if (!has(column)) state_->report(1, 1, fmt::format("column \"{}\" is missing", state_->columns[column].name));
}

int CsvReader::line() const { return state_->record_line; }

std::string CsvReader::where(std::size_t column) const {
  const std::ptrdiff_t field = state_->field_of[column];
  const auto [line, character] = state_->position(field < 0 ? 0 : static_cast<std::size_t>(field));
  return fmt::format("{}:{}:{}", state_->file.string(), line, character);
}

void CsvReader::report(std::size_t column, std::string what, std::string suggestion) {
  const std::ptrdiff_t field = state_->field_of[column];
  const auto [line, character] = state_->position(field < 0 ? 0 : static_cast<std::size_t>(field));
  state_->report(line, character, std::move(what), std::move(suggestion));
}

std::string_view CsvReader::text(std::size_t column) const {
  const std::ptrdiff_t field = state_->field_of[column];
  if (field < 0 || static_cast<std::size_t>(field) >= state_->ends.size()) return {};
  return state_->field(static_cast<std::size_t>(field));
}

std::string_view CsvReader::required_text(std::size_t column) {
  const std::string_view value = text(column);
  if (value.empty()) report(column, fmt::format("{} is empty", state_->columns[column].name));
  return value;
}

std::optional<double> CsvReader::number(std::size_t column, const NumberRange& range) {
  const std::string_view value = text(column);
  if (value.empty()) return std::nullopt;
  const std::string_view name = state_->columns[column].name;
  double result = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
  if (error != std::errc{} || end != value.data() + value.size()) {
    report(column, fmt::format("{} = \"{}\" is not a number", name, value));
  } else if (!std::isfinite(result)) {
    report(column, fmt::format("{} = {} is not a finite number", name, value),
           "leave the field empty if it is unknown");
  } else if (!range.holds(result)) {
    report(column, fmt::format("{} = {} is out of range (must be {})", name, value, range.text()));
  } else {
    return result;
  }
  return std::nullopt;
}

std::optional<double> CsvReader::required_number(std::size_t column, const NumberRange& range) {
  return required_text(column).empty() ? std::nullopt : number(column, range);
}

std::optional<std::size_t> CsvReader::one_of(std::size_t column, std::span<const std::string_view> names,
                                             std::string_view noun) {
  const std::string_view value = required_text(column);
  if (value.empty()) return std::nullopt;
  const auto found = std::ranges::find(names, value);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  const std::string near = nearest_name(value, names);
  report(column, fmt::format("unknown {} \"{}\"", noun, value),
         near.empty() ? "" : fmt::format("did you mean \"{}\"?", near));
  return std::nullopt;
}

}  // namespace uptake
