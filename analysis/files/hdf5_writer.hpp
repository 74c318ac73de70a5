/// Writing HDF5 that is netCDF-4 / CF too, by the recipe of docs/results-format.md: the one writer. Calls in the same
/// order make the same bytes.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "files/hdf5_handle.hpp"

namespace uptake {

/// The file that HDF5 writes to. HDF5 cannot leave a file that it cannot write to: it tries again at the end of the
/// program and prints. So the first error of the system is kept here, what follows is dropped, and HDF5 is told that all
/// went well.
struct Hdf5Output {
  int descriptor = -1;
  int error = 0;  ///< errno of the first failure
};

using Attribute = std::variant<std::string, double, std::int32_t, std::vector<std::uint8_t>>;
using Attributes = std::vector<std::pair<std::string, Attribute>>;
[[nodiscard]] Attributes named(std::string long_name);
/// What the metadata of every file keep to (attribute `Conventions`).
inline constexpr std::string_view kConventions = "CF-1.10";

/// What is not defined; the `_FillValue` of every compressed dataset.
inline constexpr double kFill = std::numeric_limits<double>::quiet_NaN();

/// Digits of a double behind the first: nothing is rounded.
inline constexpr int kAllDigits = 52;
/// `value` with `digits` binary digits behind the first, ties to even. Whole numbers below 2^53 stay exact.
[[nodiscard]] double rounded(double value, int digits);
/// Bytes as HDF5's filters shuffle (all first bytes, all second bytes, ...) and deflate make them; none when all values
/// are undefined: the fill value stands for them.
[[nodiscard]] std::vector<unsigned char> packed(std::vector<double>&& values, int digits);
/// Says how many digits are kept, by the name that the netCDF library reads (its quantize mode "BitRound").
[[nodiscard]] std::pair<std::string, Attribute> digits_kept(int digits);

/// Places of a dataset by axis.
using Extents = std::vector<std::uint64_t>;

/// A dataset of doubles whose chunks come compressed.
class Hdf5Chunks {
 public:
  explicit Hdf5Chunks(Handle id) : id_(std::move(id)) {}
  void take(const Extents& offset, std::span<const unsigned char> bytes);

 private:
  Handle id_;
};

/// One group with its own dimension scales. Data of doubles carry their fill value, NaN, as property and as attribute;
/// readers want both.
class Hdf5Group {
 public:
  explicit Hdf5Group(Handle id) : id_(std::move(id)) {}
  void attributes(const Attributes& attributes);

  void scale(const std::string& name, const std::vector<std::string>& labels, const Attributes& attributes);
  void scale(const std::string& name, const std::vector<std::int32_t>& values, const Attributes& attributes);

  void text(const std::string& name, const std::vector<std::string>& values, const std::vector<std::string>& dimensions,
            const Attributes& attributes);
  void integers(const std::string& name, const std::vector<std::int32_t>& values,
                const std::vector<std::string>& dimensions, const Attributes& attributes);
  /// Choices among few: netCDF has no enumerations, so `meanings` (one word each, by number) go into CF's flag_values
  /// and flag_meanings.
  void flags(const std::string& name, const std::vector<std::uint8_t>& values,
             const std::vector<std::string>& dimensions, const std::vector<std::string>& meanings,
             Attributes attributes);
  void unsigned_integer(const std::string& name, std::uint64_t value, const Attributes& attributes);
  void doubles(const std::string& name, const std::vector<double>& values, const std::vector<std::string>& dimensions,
               const Attributes& attributes);
  /// An empty dataset of doubles whose chunks come compressed (shuffle, deflate 1).
  [[nodiscard]] Hdf5Chunks chunked(const std::string& name, const std::vector<std::string>& dimensions,
                                   const Extents& chunk, const Attributes& attributes);

 private:
  struct Scale {
    std::string name;
    std::uint64_t size;
    Handle dataset;
  };
  Handle create(const std::string& name, std::int64_t type, const Extents& shape, std::int64_t list,
                const Attributes& attributes, std::int64_t memory, const void* data);
  Handle write(const std::string& name, std::int64_t type, std::int64_t memory, const void* data, const Extents& shape,
               const Attributes& attributes);
  Handle write_text(const std::string& name, const std::vector<std::string>& values, const Extents& shape,
                    const Attributes& attributes);
  void as_scale(const std::string& name, std::size_t size, Handle dataset);
  [[nodiscard]] const Scale& scale_of(const std::string& name) const;
  [[nodiscard]] Extents shape_of(const std::vector<std::string>& dimensions) const;
  void attach(const Handle& dataset, const std::vector<std::string>& dimensions) const;

  Handle id_;
  std::vector<Scale> scales_;
};

class Hdf5File {
 public:
  /// @param output must outlive the file
  explicit Hdf5File(Hdf5Output& output);
  [[nodiscard]] Hdf5Group root() const;
  /// A new group; those above it exist. @param name path from the root
  [[nodiscard]] Hdf5Group group(const std::string& name) const;

 private:
  Handle driver_;
  Handle id_;
};

}  // namespace uptake
