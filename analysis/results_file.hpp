/// Reading results.h5 back, by name: what `report`, `compare` and `export` see of a run.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

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

/// An open results.h5. Paths are as in docs/results-format.md, e.g. "report/admissions_avoided".
class ResultsFile {
 public:
  /// @throws FileError when it is missing, truncated or no results file of this version
  explicit ResultsFile(const std::filesystem::path& file);
  ResultsFile(ResultsFile&&) noexcept;
  ResultsFile& operator=(ResultsFile&&) noexcept;
  ~ResultsFile();

  [[nodiscard]] bool has(const std::string& path) const;
  /// Names of the datasets of a group (empty = root) in the order they were written; none when there is no such group.
  [[nodiscard]] std::vector<std::string> datasets(const std::string& group) const;
  /// @throws FileError when there is no such dataset or it cannot be read
  [[nodiscard]] Labelled numbers(const std::string& path) const;
  [[nodiscard]] std::vector<std::string> texts(const std::string& path) const;
  /// The only text of a scalar.
  [[nodiscard]] std::string text(const std::string& path) const;
  /// Text attribute of the file, a group or a dataset; empty when absent. @param path "" = the file
  [[nodiscard]] std::string attribute(const std::string& path, const std::string& name) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace uptake
