#include "files/results_file.hpp"

#include <fmt/format.h>
#include <hdf5.h>
#include <hdf5_hl.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <sstream>
#include <utility>

#include "files/hdf5_handle.hpp"
#include "files/seal.hpp"

namespace uptake {

namespace {

/// Largest axis, list of texts, dataset and text attribute that are believed.
constexpr hsize_t kMostOnAxis = 1'000'000;
constexpr hsize_t kMostTexts = 1'000'000;
constexpr hsize_t kMostValues = hsize_t{1} << 32;
/// Values that are read at a time to pick some of them out: 32 MiB. [A]
constexpr hsize_t kPiece = hsize_t{1} << 22;
constexpr std::size_t kLongestAttribute = std::size_t{1} << 16;  // HDF5 keeps no longer ones in an object's header

std::string attribute_text(hid_t object, const char* name) {
  if (H5Aexists(object, name) <= 0) return {};
  const Handle attribute(H5Aopen(object, name, H5P_DEFAULT), H5Aclose);
  const Handle type(H5Aget_type(attribute), H5Tclose), space(H5Aget_space(attribute), H5Sclose);
  if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) > 0) return {};
  const std::size_t size = H5Tget_size(type);
  if (H5Sget_simple_extent_npoints(space) != 1 || size > kLongestAttribute) return {};
  std::string value(size, '\0');
  if (H5Aread(attribute, type, value.data()) < 0) return {};
  value.resize(std::min(value.find('\0'), value.size()));
  return value;
}

/// The only whole number of an attribute; none when it is anything else.
std::optional<std::int32_t> attribute_number(hid_t object, const char* name) {
  if (H5Aexists(object, name) <= 0) return std::nullopt;
  const Handle attribute(H5Aopen(object, name, H5P_DEFAULT), H5Aclose);
  const Handle type(H5Aget_type(attribute), H5Tclose), space(H5Aget_space(attribute), H5Sclose);
  if (H5Tget_class(type) != H5T_INTEGER || H5Sget_simple_extent_npoints(space) != 1) return std::nullopt;
  std::int32_t value = 0;
  if (H5Aread(attribute, H5T_NATIVE_INT32, &value) < 0) return std::nullopt;
  return value;
}

/// The name that a scale bears: to find out where it stands, HDF5 would walk through the whole file.
std::string scale_name(hid_t file, hobj_ref_t reference) {
  const Handle scale(H5Rdereference2(file, H5P_DEFAULT, H5R_OBJECT, &reference), H5Oclose);
  if (scale < 0) return {};
  const ssize_t size = H5DSget_scale_name(scale, nullptr, 0);
  std::string name(static_cast<std::size_t>(std::max<ssize_t>(size, 0)) + 1, '\0');
  H5DSget_scale_name(scale, name.data(), name.size());
  name.pop_back();
  return name;
}

}  // namespace

const FileKind kResultsKind{"result", "results_format", kResultsFormat, "run its scenario again with --overwrite",
                            "run its scenario into this folder"};
const FileKind kBacktestKind{"back-test", "backtest_format", kBacktestFormat, "make it again with `uptake backtest`",
                             "make it with `uptake backtest`"};

struct ResultsFile::Impl {
  std::filesystem::path path;
  FileKind wanted = kResultsKind;
  hid_t id = H5I_INVALID_HID;
  mutable std::map<hobj_ref_t, std::string> names_of_scales;  ///< those that were asked for
  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (id >= 0) H5Fclose(id);
  }

  [[nodiscard]] FileError broken(std::string_view why) const {
    return FileError(
        {path.string(), fmt::format("is no readable {} of uptake: {}", wanted.what, why), std::string(wanted.remedy)});
  }
  /// Result of a call, which must not be negative.
  template <class Result>
  // NOLINTNEXTLINE(modernize-use-nodiscard): a call that only has to succeed is checked by it too
  Result must(Result result, const std::string& name) const {
    if (result < 0) throw broken(fmt::format("{} cannot be read", name));
    return result;
  }
  [[nodiscard]] Handle open(const std::string& name) const {
    Handle dataset(H5Dopen2(id, name.c_str(), H5P_DEFAULT), H5Dclose);
    if (dataset < 0) throw broken(fmt::format("it holds no {}", name));
    return dataset;
  }
  [[nodiscard]] H5T_class_t class_of(hid_t dataset) const {
    const Handle type(H5Dget_type(dataset), H5Tclose);
    return H5Tget_class(type);
  }
  [[nodiscard]] std::vector<hsize_t> shape(hid_t dataset, const std::string& name) const {
    const Handle space(H5Dget_space(dataset), H5Sclose);
    std::vector<hsize_t> extents(static_cast<std::size_t>(must(H5Sget_simple_extent_ndims(space), name)));
    if (!extents.empty()) must(H5Sget_simple_extent_dims(space, extents.data(), nullptr), name);
    for (const hsize_t extent : extents)
      if (extent > kMostOnAxis) throw broken(fmt::format("{} has an axis of {}", name, extent));
    return extents;
  }
  /// How many values there are, of at most so many.
  [[nodiscard]] std::size_t count(std::span<const hsize_t> extents, hsize_t most, const std::string& name) const {
    hsize_t n = 1;
    for (const hsize_t extent : extents) {
      if (extent > 0 && n > most / extent)
        throw broken(fmt::format("{} is said to have more than {} values", name, most));
      n *= extent;
    }
    return n;
  }
  /// Names of the scales of the axes; empty where there is none. HDF5 has functions for this, which look through all
  /// attributes of the dataset and of the scale for every axis: they took as long as reading the values.
  [[nodiscard]] std::vector<std::string> axis_names(hid_t dataset, std::size_t n_axes) const {
    std::vector<std::string> names(n_axes);
    if (H5Aexists(dataset, "DIMENSION_LIST") <= 0) return names;
    const Handle attribute(H5Aopen(dataset, "DIMENSION_LIST", H5P_DEFAULT), H5Aclose);
    const Handle space(H5Aget_space(attribute), H5Sclose);
    const Handle type(H5Tvlen_create(H5T_STD_REF_OBJ), H5Tclose);
    if (H5Sget_simple_extent_npoints(space) != static_cast<hssize_t>(n_axes)) return names;
    std::vector<hvl_t> scales(n_axes, hvl_t{});
    if (H5Aread(attribute, type, scales.data()) < 0) return names;
    for (std::size_t axis = 0; axis < n_axes; ++axis) {
      if (scales[axis].len == 0) continue;
      const hobj_ref_t first = *static_cast<const hobj_ref_t*>(scales[axis].p);  // the first scale is the axis
      auto found = names_of_scales.find(first);
      if (found == names_of_scales.end()) found = names_of_scales.emplace(first, scale_name(id, first)).first;
      names[axis] = found->second;
    }
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, scales.data());
    return names;
  }
  /// A dataset, or its part at one index of each of the last axes, with its labels.
  [[nodiscard]] Labelled read(const std::string& name, std::initializer_list<std::size_t> indices) const {
    const Handle dataset = open(name);
    if (const auto kind = class_of(dataset); kind != H5T_FLOAT && kind != H5T_INTEGER)
      throw broken(fmt::format("{} holds no numbers", name));
    std::vector<hsize_t> extents = shape(dataset, name);
    const Handle space(H5Dget_space(dataset), H5Sclose);
    const std::size_t n_axes = extents.size();
    if (n_axes < indices.size()) throw broken(fmt::format("{} has too few axes", name));
    std::vector<hsize_t> first(n_axes, 0), block = extents;
    const std::vector<hsize_t> chunk = chunk_of(dataset, extents);
    extents.resize(n_axes - indices.size());
    // HDF5 lists what it is to pick out value by value, in more time and memory than the values take: so it reads whole
    // chunks, as far as they go, and `pick` of each `inner` values is taken here.
    hsize_t inner = 1, pick = 0;
    for (std::size_t axis = extents.size(); const std::size_t index : indices) {
      if (index >= block[axis]) throw broken(fmt::format("{} ends before number {} of an axis", name, index));
      if (chunk[axis] == 1) {
        first[axis] = index;
        block[axis] = 1;
      }
      inner *= block[axis];
      pick = pick * block[axis] + (chunk[axis] == 1 ? 0 : index);
      ++axis;
    }
    static_cast<void>(count(block, kMostValues, name));
    Labelled result;
    result.shape.assign(extents.begin(), extents.end());
    result.units = attribute_text(dataset, "units");
    result.long_name = attribute_text(dataset, "long_name");
    result.dimensions = axis_names(dataset, n_axes);
    result.dimensions.resize(extents.size());
    const hsize_t n = count(extents, kMostValues, name);
    result.values.resize(n);
    if (indices.size() == 0) {
      // Of one shape with the file: otherwise HDF5 maps value by value.
      must(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, result.values.data()), name);
      return result;
    }
    if (extents.empty()) throw broken(fmt::format("{} has too few axes", name));
    const hsize_t n_rows = extents.front(), kept = n_rows == 0 ? 0 : n / n_rows;
    const hsize_t rows = std::clamp<hsize_t>(kPiece / std::max<hsize_t>(kept * inner, 1), 1, chunk.front());
    std::vector<double> piece;
    for (hsize_t row = 0; row < n_rows; row += rows) {
      first.front() = row;
      block.front() = std::min(rows, n_rows - row);
      piece.resize(block.front() * kept * inner);
      must(H5Sselect_hyperslab(space, H5S_SELECT_SET, first.data(), nullptr, block.data(), nullptr), name);
      const Handle memory(H5Screate_simple(static_cast<int>(n_axes), block.data(), nullptr), H5Sclose);
      must(H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, piece.data()), name);
      for (hsize_t k = 0; k < block.front() * kept; ++k) result.values[row * kept + k] = piece[k * inner + pick];
    }
    return result;
  }
  /// Lengths of a chunk along the axes; those of the whole where it is not in chunks.
  [[nodiscard]] static std::vector<hsize_t> chunk_of(hid_t dataset, const std::vector<hsize_t>& extents) {
    const Handle plan(H5Dget_create_plist(dataset), H5Pclose);
    std::vector<hsize_t> chunk = extents;
    if (H5Pget_layout(plan) == H5D_CHUNKED) H5Pget_chunk(plan, static_cast<int>(chunk.size()), chunk.data());
    for (hsize_t& length : chunk) length = std::max<hsize_t>(length, 1);
    return chunk;
  }
  /// Whole numbers in the type of memory that is named.
  template <class Number>
  [[nodiscard]] std::vector<Number> whole_numbers(const std::string& name, hid_t memory) const {
    const Handle dataset = open(name);
    if (class_of(dataset) != H5T_INTEGER) throw broken(fmt::format("{} holds no whole numbers", name));
    std::vector<Number> values(count(shape(dataset, name), kMostValues, name));
    must(H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), name);
    return values;
  }
};

std::size_t Labelled::axis(const std::string& name) const {
  return static_cast<std::size_t>(std::ranges::find(dimensions, name) - dimensions.begin());
}

ResultsFile::ResultsFile(const std::filesystem::path& file, const FileKind& kind, Check check)
    : impl_(std::make_unique<Impl>()) {
  impl_->path = file;
  impl_->wanted = kind;
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored))
    throw FileError({file.string(), "does not exist", std::string(kind.absence)});
  if (!std::filesystem::is_regular_file(file, ignored))
    throw FileError({file.string(), "is not a file", std::string(kind.absence)});
  const Seal found = check == Check::seal ? seal_of(file) : Seal::holds;
  if (found == Seal::broken) throw broken("it was damaged or changed after it was written");
  if (found == Seal::none && kind.unsealed == FileKind::Unsealed::refused)
    throw broken("it is something else, a part of one, or was changed");
  const Quiet quiet;
  impl_->id = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  if (impl_->id < 0) throw broken("it is no HDF5 file, or a part of one");
  if (!attribute("", "source").starts_with("uptake ")) throw broken("it was not written by uptake");
  const auto format = attribute_number(impl_->id, kind.format.data());
  if (!format) throw broken(fmt::format("it states no {}", kind.format));
  if (*format != kind.version)
    throw broken(fmt::format("its format is {}, and this version reads {}", *format, kind.version));
}
ResultsFile::ResultsFile(ResultsFile&&) noexcept = default;
ResultsFile& ResultsFile::operator=(ResultsFile&&) noexcept = default;
ResultsFile::~ResultsFile() = default;

bool ResultsFile::has(const std::string& path) const {
  const Quiet quiet;
  for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    if (H5Lexists(impl_->id, path.substr(0, slash).c_str(), H5P_DEFAULT) <= 0) return false;
  }
  return H5Lexists(impl_->id, path.c_str(), H5P_DEFAULT) > 0;
}

std::vector<std::string> ResultsFile::datasets(const std::string& group) const {
  std::vector<std::string> names;
  if (!group.empty() && !has(group)) return names;
  const Quiet quiet;
  const Handle where(H5Gopen2(impl_->id, group.empty() ? "/" : group.c_str(), H5P_DEFAULT), H5Gclose);
  H5G_info_t info{};
  if (where < 0 || H5Gget_info(where, &info) < 0) return names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const auto size = H5Lget_name_by_idx(where, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, i, nullptr, 0, H5P_DEFAULT);
    if (size < 0) continue;
    std::string name(static_cast<std::size_t>(size) + 1, '\0');
    H5Lget_name_by_idx(where, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, i, name.data(), name.size(), H5P_DEFAULT);
    name.pop_back();
    const Handle object(H5Oopen(where, name.c_str(), H5P_DEFAULT), H5Oclose);
    if (object >= 0 && H5Iget_type(object) == H5I_DATASET) names.push_back(std::move(name));
  }
  return names;
}

std::vector<std::size_t> ResultsFile::shape(const std::string& path) const {
  const Quiet quiet;
  const auto extents = impl_->shape(impl_->open(path), path);
  return {extents.begin(), extents.end()};
}

Labelled ResultsFile::numbers(const std::string& path) const {
  const Quiet quiet;
  return impl_->read(path, {});
}

Labelled ResultsFile::numbers_at(const std::string& path, std::initializer_list<std::size_t> indices) const {
  const Quiet quiet;
  return impl_->read(path, indices);
}

std::uint64_t ResultsFile::whole_number(const std::string& path) const {
  const Quiet quiet;
  const auto all = impl_->whole_numbers<std::uint64_t>(path, H5T_NATIVE_UINT64);
  if (all.size() != 1) throw broken(fmt::format("{} is not one number", path));
  return all.front();
}

std::vector<Date> ResultsFile::dates(const std::string& path) const {
  const Quiet quiet;
  std::vector<Date> dates;
  for (const std::int32_t day : impl_->whole_numbers<std::int32_t>(path, H5T_NATIVE_INT32))
    dates.emplace_back(std::chrono::days{day});
  return dates;
}

std::vector<std::string> ResultsFile::texts(const std::string& path) const {
  const Quiet quiet;
  const Handle dataset = impl_->open(path);
  const Handle space(H5Dget_space(dataset), H5Sclose), type(H5Dget_type(dataset), H5Tclose);
  if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) <= 0)
    throw broken(fmt::format("{} holds no texts", path));
  std::vector<char*> pointers(impl_->count(impl_->shape(dataset, path), kMostTexts, path), nullptr);
  impl_->must(H5Dread(dataset, type, H5S_ALL, H5S_ALL, converted_transfer(), static_cast<void*>(pointers.data())),
              path);
  std::vector<std::string> texts;
  for (const char* pointer : pointers) texts.emplace_back(pointer == nullptr ? "" : pointer);
  H5Dvlen_reclaim(type, space, H5P_DEFAULT, static_cast<void*>(pointers.data()));
  return texts;
}

std::string ResultsFile::text(const std::string& path) const {
  auto all = texts(path);
  if (all.size() != 1) throw broken(fmt::format("{} is not one text", path));
  return std::move(all.front());
}

FileError ResultsFile::broken(std::string_view why) const { return impl_->broken(why); }

std::string ResultsFile::attribute(const std::string& path, const std::string& name) const {
  const Quiet quiet;
  const Handle object(H5Oopen(impl_->id, path.empty() ? "/" : path.c_str(), H5P_DEFAULT), H5Oclose);
  return object < 0 ? std::string() : attribute_text(object, name.c_str());
}

std::optional<int> ResultsFile::number_attribute(const std::string& path, const std::string& name) const {
  const Quiet quiet;
  const Handle object(H5Oopen(impl_->id, path.empty() ? "/" : path.c_str(), H5P_DEFAULT), H5Oclose);
  return object < 0 ? std::nullopt : attribute_number(object, name.c_str());
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

}  // namespace uptake
