#include "results_file.hpp"

#include <fmt/format.h>
#include <hdf5.h>
#include <hdf5_hl.h>

#include <algorithm>
#include <utility>

#include "uptake/error.hpp"

namespace uptake {

namespace {

/// HDF5 prints its error stack unless told not to; a library does not print.
class Quiet {
 public:
  Quiet() {
    H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
  ~Quiet() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }

 private:
  H5E_auto2_t function_ = nullptr;
  void* data_ = nullptr;
};

/// An identifier that is closed with its scope; negative when HDF5 had none to give.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Handle& operator=(Handle&&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }  // NOLINT: it is what every HDF5 call takes

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

std::string attribute_text(hid_t object, const char* name) {
  if (H5Aexists(object, name) <= 0) return {};
  const Handle attribute(H5Aopen(object, name, H5P_DEFAULT), H5Aclose);
  const Handle type(H5Aget_type(attribute), H5Tclose);
  if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) > 0) return {};
  std::string value(H5Tget_size(type), '\0');
  if (H5Aread(attribute, type, value.data()) < 0) return {};
  value.resize(std::min(value.find('\0'), value.size()));
  return value;
}

/// The last part of a path such as "/report/region".
std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

struct ResultsFile::Impl {
  std::filesystem::path path;
  hid_t id = H5I_INVALID_HID;
  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (id >= 0) H5Fclose(id);
  }

  [[nodiscard]] FileError error(std::string what) const {
    return FileError({path.string(), std::move(what), "make it again with `uptake run … --overwrite`"});
  }
  [[nodiscard]] Handle open(const std::string& name) const {
    Handle dataset(H5Dopen2(id, name.c_str(), H5P_DEFAULT), H5Dclose);
    if (dataset < 0) throw error(fmt::format("holds no {}", name));
    return dataset;
  }
};

std::size_t Labelled::axis(const std::string& name) const {
  return static_cast<std::size_t>(std::ranges::find(dimensions, name) - dimensions.begin());
}

ResultsFile::ResultsFile(const std::filesystem::path& file) : impl_(std::make_unique<Impl>()) {
  impl_->path = file;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) {
    throw FileError({file.string(), "is missing, or is not a file", "name the folder of a finished run"});
  }
  const Quiet quiet;
  impl_->id = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  if (impl_->id < 0) throw impl_->error("is truncated, or is not HDF5");
  if (!attribute("", "source").starts_with("uptake ")) throw impl_->error("was not written by uptake");
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

Labelled ResultsFile::numbers(const std::string& path) const {
  const Quiet quiet;
  const Handle dataset = impl_->open(path);
  const Handle space(H5Dget_space(dataset), H5Sclose);
  const int rank = H5Sget_simple_extent_ndims(space);
  std::vector<hsize_t> shape(static_cast<std::size_t>(std::max(rank, 0)));
  if (rank > 0) H5Sget_simple_extent_dims(space, shape.data(), nullptr);
  Labelled result;
  result.shape.assign(shape.begin(), shape.end());
  result.units = attribute_text(dataset, "units");
  result.long_name = attribute_text(dataset, "long_name");
  for (unsigned axis = 0; axis < shape.size(); ++axis) {
    std::string name;
    const auto visit = [](hid_t, unsigned, hid_t scale, void* into) -> herr_t {
      const auto size = H5Iget_name(scale, nullptr, 0);
      std::string full(static_cast<std::size_t>(std::max<ssize_t>(size, 0)) + 1, '\0');
      H5Iget_name(scale, full.data(), full.size());
      full.pop_back();
      *static_cast<std::string*>(into) = last_part(full);
      return 1;  // the first scale is the axis
    };
    if (H5DSget_num_scales(dataset, axis) > 0) H5DSiterate_scales(dataset, axis, nullptr, visit, &name);
    result.dimensions.push_back(std::move(name));
  }
  result.values.resize(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
  if (H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, result.values.data()) < 0) {
    throw impl_->error(fmt::format("cannot be read at {}", path));
  }
  return result;
}

std::vector<std::string> ResultsFile::texts(const std::string& path) const {
  const Quiet quiet;
  const Handle dataset = impl_->open(path);
  const Handle space(H5Dget_space(dataset), H5Sclose), type(H5Dget_type(dataset), H5Tclose);
  if (H5Tis_variable_str(type) <= 0) throw impl_->error(fmt::format("holds no texts at {}", path));
  std::vector<char*> pointers(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)), nullptr);
  if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, static_cast<void*>(pointers.data())) < 0) {
    throw impl_->error(fmt::format("cannot be read at {}", path));
  }
  std::vector<std::string> texts;
  for (const char* pointer : pointers) texts.emplace_back(pointer == nullptr ? "" : pointer);
  H5Dvlen_reclaim(type, space, H5P_DEFAULT, static_cast<void*>(pointers.data()));
  return texts;
}

std::string ResultsFile::text(const std::string& path) const {
  auto all = texts(path);
  return all.empty() ? std::string() : std::move(all.front());
}

std::string ResultsFile::attribute(const std::string& path, const std::string& name) const {
  const Quiet quiet;
  const Handle object(H5Oopen(impl_->id, path.empty() ? "/" : path.c_str(), H5P_DEFAULT), H5Oclose);
  return object < 0 ? std::string() : attribute_text(object, name.c_str());
}

}  // namespace uptake
