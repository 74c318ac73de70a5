/// Reading results.h5 back, by name: what `report`, `compare` and `export` see of a run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "uptake/calendar.hpp"
#include "uptake/error.hpp"

namespace uptake {

/// One array with its labels.
struct Labelled {
  std::vector<std::string> dimensions;  ///< names of the axes, outermost first
  std::vector<std::size_t> shape;
  std::vector<double> values;  ///< row-major; NaN where undefined
  std::string units, long_name;

  /// Index of an axis; shape.size() when there is none of that name.
  [[nodiscard]] std::size_t axis(const std::string& name) const;
};

/// What a file should be. All of them are written by hdf5_writer.hpp and name their format in an attribute.
struct FileKind {
  std::string_view what;    ///< "result"
  std::string_view format;  ///< attribute that holds the version of the format
  int version;
  std::string_view remedy;   ///< what to do about a broken one
  std::string_view absence;  ///< what to do when there is none
  /// Whether a file without its seal is read (seal.hpp): other programs that change a file cut it off.
  enum class Unsealed : std::uint8_t { read, refused } unsealed = Unsealed::read;
};
/// Versions of docs/results-format.md and of its backtest.h5 that are written and read.
inline constexpr int kResultsFormat = 2, kBacktestFormat = 1;
extern const FileKind kResultsKind, kBacktestKind;

/// An open results.h5, or another file of the kind: the only reader of one. Paths are as in docs/results-format.md, e.g. "report/admissions_avoided".
/// A broken file may state anything, so everything is checked before it is believed; each function throws FileError when
/// what it is asked for is not there, is of another kind or cannot be read.
class ResultsFile {
 public:
  /// Whether the seal is looked at, for which all of the file is read: whoever has just sealed it knows that it holds.
  enum class Check : std::uint8_t { seal, no_seal };
  /// @throws FileError when it is missing, damaged or no file of this kind and version of the format
  explicit ResultsFile(const std::filesystem::path& file, const FileKind& kind = kResultsKind,
                       Check check = Check::seal);
  ResultsFile(ResultsFile&&) noexcept;
  ResultsFile& operator=(ResultsFile&&) noexcept;
  ~ResultsFile();

  [[nodiscard]] bool has(const std::string& path) const;
  /// Names of the datasets of a group (empty = root) in the order they were written; none when there is no such group.
  [[nodiscard]] std::vector<std::string> datasets(const std::string& group) const;
  /// Extents of the axes, outermost first; empty for a scalar.
  [[nodiscard]] std::vector<std::size_t> shape(const std::string& path) const;
  [[nodiscard]] Labelled numbers(const std::string& path) const;
  /// The part at one index of each of the last axes, which fall away. @param indices of the last axes, innermost last
  [[nodiscard]] Labelled numbers_at(const std::string& path, std::initializer_list<std::size_t> indices) const;
  /// A scalar with all its digits, as seeds need.
  [[nodiscard]] std::uint64_t whole_number(const std::string& path) const;
  [[nodiscard]] std::vector<Date> dates(const std::string& path) const;
  [[nodiscard]] std::vector<std::string> texts(const std::string& path) const;
  /// The only text of a scalar.
  [[nodiscard]] std::string text(const std::string& path) const;
  /// Text attribute of the file, a group or a dataset; empty when absent. @param path "" = the file
  [[nodiscard]] std::string attribute(const std::string& path, const std::string& name) const;
  /// Attribute that is one whole number; nothing when it is absent or anything else.
  [[nodiscard]] std::optional<int> number_attribute(const std::string& path, const std::string& name) const;
  /// The file is broken: for readers who find that its parts do not fit together. @param why as in "it has no ..."
  [[nodiscard]] FileError broken(std::string_view why) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Lines of a text that holds a list, without empty ones.
[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);

}  // namespace uptake
