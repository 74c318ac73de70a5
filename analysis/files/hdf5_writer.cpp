#include "files/hdf5_writer.hpp"

#include <fmt/format.h>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include "files/libraries.hpp"

namespace uptake {

static_assert(std::is_same_v<hid_t, std::int64_t> && std::is_same_v<herr_t, int>, "hdf5_handle.hpp says so");
static_assert(kAllDigits == std::numeric_limits<double>::digits - 1);

std::string hdf5_version() { return H5_VERS_INFO; }
std::string deflate_version() { return zlibVersion(); }

Quiet::Quiet() {
  H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}
Quiet::~Quiet() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }

Handle converted_transfer() {
  constexpr std::size_t kBuffer = std::size_t{1} << 14;  // a thousand texts; longer lists go through it in turns
  Handle transfer(H5Pcreate(H5P_DATASET_XFER), H5Pclose);
  H5Pset_buffer(transfer, kBuffer, nullptr, nullptr);  // refused, it stays a megabyte, which does as well
  return transfer;
}

Attributes named(std::string long_name) { return {{"long_name", std::move(long_name)}}; }

double rounded(double value, int digits) {
  if (digits >= kAllDigits || !std::isfinite(value)) return value;
  if (value == std::trunc(value) && std::abs(value) < 0x1p53) return value;
  const int dropped = kAllDigits - digits;
  auto bits = std::bit_cast<std::uint64_t>(value);
  const std::uint64_t odd = bits >> dropped & 1;
  bits += (std::uint64_t{1} << (dropped - 1)) - 1 + odd;
  return std::bit_cast<double>(bits >> dropped << dropped);
}

std::vector<unsigned char> packed(std::vector<double>&& values, int digits) {
  if (std::all_of(values.begin(), values.end(), [](double v) { return std::isnan(v); })) return {};
  for (double& value : values) value = rounded(value, digits);
  const auto* bytes = reinterpret_cast<const Bytef*>(values.data());
  std::vector<Bytef> shuffled(values.size() * sizeof(double));
  for (std::size_t byte = 0; byte < sizeof(double); ++byte)
    for (std::size_t i = 0; i < values.size(); ++i)
      shuffled[byte * values.size() + i] = bytes[i * sizeof(double) + byte];
  uLongf size = compressBound(shuffled.size());
  std::vector<Bytef> result(size);
  if (compress2(result.data(), &size, shuffled.data(), shuffled.size(), 1) != Z_OK)
    throw std::runtime_error("zlib refused to compress a chunk");
  result.resize(size);
  result.shrink_to_fit();
  return result;
}

std::pair<std::string, Attribute> digits_kept(int digits) {
  return {"_QuantizeBitRoundNumberOfSignificantBits", std::int32_t{digits}};
}

namespace {
/// HDF5 never hears of a disk that refuses (see Hdf5Output), so a refusal of its own is a fault of the program.
template <class Result>
Result must(Result result, const char* what) {
  if (result < 0) throw std::runtime_error(fmt::format("HDF5 refused to {}", what));
  return result;
}

constexpr unsigned kInOrder = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;

Handle creation_list(hid_t kind) {
  Handle list(must(H5Pcreate(kind), "make a property list"), H5Pclose);
  if (kind != H5P_DATASET_CREATE) must(H5Pset_link_creation_order(list, kInOrder), "track the order of links");
  must(H5Pset_attr_creation_order(list, kInOrder), "track the order of attributes");
  must(H5Pset_obj_track_times(list, false), "leave times out");
  return list;
}

/// In HDF5's own type of sizes.
std::vector<hsize_t> sizes(const Extents& extents) { return {extents.begin(), extents.end()}; }

Handle simple_space(const Extents& extents) {
  const std::vector<hsize_t> shape = sizes(extents);
  return shape.empty() ? Handle(must(H5Screate(H5S_SCALAR), "make a scalar"), H5Sclose)
                       : Handle(must(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
                                     "make a data space"),
                                H5Sclose);
}

Handle text_type(std::size_t size) {
  Handle type(must(H5Tcopy(H5T_C_S1), "make a text type"), H5Tclose);
  must(H5Tset_size(type, size), "size a text");
  must(H5Tset_strpad(type, H5T_STR_NULLTERM), "end a text");
  must(H5Tset_cset(type, H5T_CSET_UTF8), "encode a text");
  return type;
}

void add_attribute(hid_t object, const std::string& name, const Attribute& value) {
  const auto write = [&](hid_t type, hid_t space, hid_t memory, const void* data) {
    const Handle attribute(
        must(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), "make an attribute"), H5Aclose);
    must(H5Awrite(attribute, memory, data), "write an attribute");
  };
  if (const auto* text = std::get_if<std::string>(&value)) {
    const Handle type = text_type(text->size() + 1), space = simple_space({});
    write(type, space, type, text->c_str());
    return;
  }
  if (const auto* bytes = std::get_if<std::vector<std::uint8_t>>(&value)) {
    const Handle space = simple_space({bytes->size()});
    write(H5T_STD_U8LE, space, H5T_NATIVE_UINT8, bytes->data());
    return;
  }
  const Handle space = simple_space({1});
  if (const auto* number = std::get_if<double>(&value))
    write(H5T_IEEE_F64LE, space, H5T_NATIVE_DOUBLE, number);
  else
    write(H5T_STD_I32LE, space, H5T_NATIVE_INT32, &std::get<std::int32_t>(value));
}

void add_attributes(hid_t object, const Attributes& attributes) {
  for (const auto& [name, value] : attributes) add_attribute(object, name, value);
}

/// How HDF5 carries an Hdf5Output from its property list to the driver.
struct OutputInfo {
  Hdf5Output* output;
};

/// HDF5's view of an Hdf5Output: the least file driver (HDF5 reference manual, "Virtual File Layer").
struct OutputDriver {
  H5FD_t base;  // first, as HDF5 casts
  Hdf5Output* output;
  haddr_t end_of_space = 0, end_of_file = 0;

  static OutputDriver& of(H5FD_t* file) { return *reinterpret_cast<OutputDriver*>(file); }
  static const OutputDriver& of(const H5FD_t* file) { return *reinterpret_cast<const OutputDriver*>(file); }

  static H5FD_t* open(const char* /*name*/, unsigned /*flags*/, hid_t access, haddr_t /*highest*/) {
    Hdf5Output* const output = static_cast<const OutputInfo*>(H5Pget_driver_info(access))->output;
    struct stat facts {};
    if (::fstat(output->descriptor, &facts) != 0) output->error = errno;
    auto* driver = new OutputDriver{{}, output, 0, static_cast<haddr_t>(facts.st_size)};
    return &driver->base;
  }
  static herr_t close(H5FD_t* file) {
    delete &of(file);
    return 0;
  }
  static int compare(const H5FD_t* a, const H5FD_t* b) {
    return static_cast<int>(of(a).output > of(b).output) - static_cast<int>(of(a).output < of(b).output);
  }
  static herr_t query(const H5FD_t* /*file*/, unsigned long* flags) {
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA;
    return 0;
  }
  static haddr_t space(const H5FD_t* file, H5FD_mem_t /*kind*/) { return of(file).end_of_space; }
  static herr_t set_space(H5FD_t* file, H5FD_mem_t /*kind*/, haddr_t end) {
    of(file).end_of_space = end;
    return 0;
  }
  static haddr_t size(const H5FD_t* file, H5FD_mem_t /*kind*/) { return of(file).end_of_file; }
  static herr_t read(H5FD_t* file, H5FD_mem_t /*kind*/, hid_t /*transfer*/, haddr_t at, std::size_t size, void* to) {
    auto* bytes = static_cast<char*>(to);
    while (size > 0) {
      const ssize_t n = ::pread(of(file).output->descriptor, bytes, size, static_cast<off_t>(at));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && of(file).output->error == 0) of(file).output->error = errno;
      if (n <= 0) break;
      bytes += n;
      at += static_cast<haddr_t>(n);
      size -= static_cast<std::size_t>(n);
    }
    std::fill_n(bytes, size, '\0');  // what was never written
    return 0;
  }
  static herr_t write(H5FD_t* file, H5FD_mem_t /*kind*/, hid_t /*transfer*/, haddr_t at, std::size_t size,
                      const void* from) {
    OutputDriver& driver = of(file);
    const auto* bytes = static_cast<const char*>(from);
    driver.end_of_file = std::max(driver.end_of_file, at + size);
    while (size > 0 && driver.output->error == 0) {
      const ssize_t n = ::pwrite(driver.output->descriptor, bytes, size, static_cast<off_t>(at));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        driver.output->error = errno;
        break;
      }
      bytes += n;
      at += static_cast<haddr_t>(n);
      size -= static_cast<std::size_t>(n);
    }
    return 0;
  }
  static herr_t truncate(H5FD_t* file, hid_t /*transfer*/, hbool_t /*closing*/) {
    OutputDriver& driver = of(file);
    if (driver.end_of_file == driver.end_of_space || driver.output->error != 0) return 0;
    if (::ftruncate(driver.output->descriptor, static_cast<off_t>(driver.end_of_space)) != 0)
      driver.output->error = errno;
    driver.end_of_file = driver.end_of_space;
    return 0;
  }

  static hid_t registered() {
    constexpr H5FD_mem_t kRaw = H5FD_MEM_DRAW, kRest = H5FD_MEM_SUPER;
    H5FD_class_t driver{};
    driver.name = "uptake_output";
    driver.maxaddr = (haddr_t{1} << 62) - 1;
    driver.fc_degree = H5F_CLOSE_STRONG;
    driver.fapl_size = sizeof(OutputInfo);
    driver.open = open;
    driver.close = close;
    driver.cmp = compare;
    driver.query = query;
    driver.get_eoa = space;
    driver.set_eoa = set_space;
    driver.get_eof = size;
    driver.read = read;
    driver.write = write;
    driver.truncate = truncate;
    // Raw data apart from the rest, as HDF5's own drivers keep them.
    std::fill(std::begin(driver.fl_map), std::end(driver.fl_map), kRest);
    driver.fl_map[H5FD_MEM_DRAW] = kRaw;
    driver.fl_map[H5FD_MEM_GHEAP] = kRaw;
    return H5FDregister(&driver);
  }
};

}  // namespace

void Hdf5Chunks::take(const Extents& offset, std::span<const unsigned char> bytes) {
  must(H5Dwrite_chunk(id_, H5P_DEFAULT, 0, sizes(offset).data(), bytes.size(), bytes.data()), "take a chunk");
}

void Hdf5Group::attributes(const Attributes& attributes) { add_attributes(id_, attributes); }

void Hdf5Group::scale(const std::string& name, const std::vector<std::string>& labels, const Attributes& attributes) {
  as_scale(name, labels.size(), write_text(name, labels, {labels.size()}, attributes));
}
void Hdf5Group::scale(const std::string& name, const std::vector<std::int32_t>& values, const Attributes& attributes) {
  as_scale(name, values.size(),
           write(name, H5T_STD_I32LE, H5T_NATIVE_INT32, values.data(), {values.size()}, attributes));
}

void Hdf5Group::text(const std::string& name, const std::vector<std::string>& values,
                     const std::vector<std::string>& dimensions, const Attributes& attributes) {
  attach(write_text(name, values, shape_of(dimensions), attributes), dimensions);
}
void Hdf5Group::integers(const std::string& name, const std::vector<std::int32_t>& values,
                         const std::vector<std::string>& dimensions, const Attributes& attributes) {
  attach(write(name, H5T_STD_I32LE, H5T_NATIVE_INT32, values.data(), shape_of(dimensions), attributes), dimensions);
}
void Hdf5Group::flags(const std::string& name, const std::vector<std::uint8_t>& values,
                      const std::vector<std::string>& dimensions, const std::vector<std::string>& meanings,
                      Attributes attributes) {
  std::vector<std::uint8_t> numbers(meanings.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::uint8_t>(i);
  attributes.emplace_back("flag_values", numbers);
  attributes.emplace_back("flag_meanings", fmt::format("{}", fmt::join(meanings, " ")));
  attach(write(name, H5T_STD_U8LE, H5T_NATIVE_UINT8, values.data(), shape_of(dimensions), attributes), dimensions);
}
void Hdf5Group::unsigned_integer(const std::string& name, std::uint64_t value, const Attributes& attributes) {
  write(name, H5T_STD_U64LE, H5T_NATIVE_UINT64, &value, {}, attributes);
}
void Hdf5Group::doubles(const std::string& name, const std::vector<double>& values,
                        const std::vector<std::string>& dimensions, const Attributes& attributes) {
  attach(write(name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, values.data(), shape_of(dimensions), attributes), dimensions);
}
Hdf5Chunks Hdf5Group::chunked(const std::string& name, const std::vector<std::string>& dimensions, const Extents& chunk,
                              const Attributes& attributes) {
  const Handle list = creation_list(H5P_DATASET_CREATE);
  must(H5Pset_chunk(list, static_cast<int>(chunk.size()), sizes(chunk).data()), "set the chunks");
  must(H5Pset_shuffle(list), "shuffle");
  must(H5Pset_deflate(list, 1), "deflate");
  Handle dataset = create(name, H5T_IEEE_F64LE, shape_of(dimensions), list, attributes, H5T_NATIVE_DOUBLE, nullptr);
  attach(dataset, dimensions);
  return Hdf5Chunks(std::move(dataset));
}

Handle Hdf5Group::create(const std::string& name, std::int64_t type, const Extents& shape, std::int64_t list,
                         const Attributes& attributes, std::int64_t memory, const void* data) {
  const bool filled = H5Tequal(type, H5T_IEEE_F64LE) > 0;
  if (filled) must(H5Pset_fill_value(list, H5T_NATIVE_DOUBLE, &kFill), "set the fill value");
  const Handle space = simple_space(shape);
  Handle dataset(must(H5Dcreate2(id_, name.c_str(), type, space, H5P_DEFAULT, list, H5P_DEFAULT), "make a dataset"),
                 H5Dclose);
  if (filled) add_attribute(dataset, "_FillValue", kFill);
  add_attributes(dataset, attributes);
  if (data != nullptr) must(H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, converted_transfer(), data), "write a dataset");
  return dataset;
}
Handle Hdf5Group::write(const std::string& name, std::int64_t type, std::int64_t memory, const void* data,
                        const Extents& shape, const Attributes& attributes) {
  return create(name, type, shape, creation_list(H5P_DATASET_CREATE), attributes, memory, data);
}
Handle Hdf5Group::write_text(const std::string& name, const std::vector<std::string>& values, const Extents& shape,
                             const Attributes& attributes) {
  std::vector<const char*> pointers;
  for (const std::string& value : values) pointers.push_back(value.c_str());
  const Handle type = text_type(H5T_VARIABLE);
  return create(name, type, shape, creation_list(H5P_DATASET_CREATE), attributes, type, pointers.data());
}

void Hdf5Group::as_scale(const std::string& name, std::size_t size, Handle dataset) {
  must(H5DSset_scale(dataset, name.c_str()), "make a dimension scale");
  scales_.push_back({name, size, std::move(dataset)});
}
const Hdf5Group::Scale& Hdf5Group::scale_of(const std::string& name) const {
  const auto found = std::find_if(scales_.begin(), scales_.end(), [&](const Scale& s) { return s.name == name; });
  if (found == scales_.end()) throw std::logic_error("a dataset names an axis that its group lacks: " + name);
  return *found;
}
Extents Hdf5Group::shape_of(const std::vector<std::string>& dimensions) const {
  Extents shape;
  for (const std::string& name : dimensions) shape.push_back(scale_of(name).size);
  return shape;
}
void Hdf5Group::attach(const Handle& dataset, const std::vector<std::string>& dimensions) const {
  for (std::size_t i = 0; i < dimensions.size(); ++i)
    must(H5DSattach_scale(dataset, scale_of(dimensions[i]).dataset, static_cast<unsigned>(i)), "attach an axis");
}

Hdf5File::Hdf5File(Hdf5Output& output)
    : driver_(must(OutputDriver::registered(), "register a file driver"), H5FDunregister), id_([&] {
        const Handle access(must(H5Pcreate(H5P_FILE_ACCESS), "make a property list"), H5Pclose);
        const OutputInfo where{&output};
        must(H5Pset_driver(access, driver_, &where), "set the file driver");
        // The name is never used: the driver writes to the output.
        return Handle(
            must(H5Fcreate("output.h5", H5F_ACC_TRUNC, creation_list(H5P_FILE_CREATE), access), "make a file"),
            H5Fclose);
      }()) {}

Hdf5Group Hdf5File::root() const {
  return Hdf5Group(Handle(must(H5Gopen2(id_, "/", H5P_DEFAULT), "open the root"), H5Gclose));
}
Hdf5Group Hdf5File::group(const std::string& name) const {
  return Hdf5Group(Handle(
      must(H5Gcreate2(id_, name.c_str(), H5P_DEFAULT, creation_list(H5P_GROUP_CREATE), H5P_DEFAULT), "make a group"),
      H5Gclose));
}

}  // namespace uptake
