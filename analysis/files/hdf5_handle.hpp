/// What the writer and the reader of HDF5 share. HDF5's own header stays behind their doors, so its types stand here as
/// what they are: hid_t is a 64-bit integer, herr_t an int (checked where the header is known).
#pragma once

#include <cstdint>
#include <utility>

namespace uptake {

/// HDF5 prints its error stack unless told not to; a library does not print.
class Quiet {
 public:
  Quiet();
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
  ~Quiet();

 private:
  int (*function_)(std::int64_t, void*) = nullptr;
  void* data_ = nullptr;
};

/// An identifier that is closed with its scope; negative when HDF5 had none to give.
class Handle {
 public:
  Handle(std::int64_t id, int (*close)(std::int64_t)) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator std::int64_t() const { return id_; }  // NOLINT: it is what every HDF5 call takes

 private:
  std::int64_t id_;
  int (*close_)(std::int64_t);
};

/// How arrays are transferred whose values HDF5 converts, as texts are: for each it clears a buffer, which is a megabyte
/// unless it is told less.
[[nodiscard]] Handle converted_transfer();

}  // namespace uptake
