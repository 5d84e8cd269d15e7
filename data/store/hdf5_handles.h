#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include <hdf5.h>

namespace penumbra::data {

/// Keeps HDF5 from printing to stderr in this thread while it lives; what went wrong stays on HDF5's error stack.
class QuietErrors {
 public:
  QuietErrors();
  ~QuietErrors();
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;

 private:
  H5E_auto2_t print_ = nullptr;
  void* argument_ = nullptr;
};

/// What HDF5's error stack of this thread says, in one line: the system's own words ("No space left on device") when
/// it has them, otherwise the innermost entry. Empty when the stack is.
std::string error_text();

/// Owns an HDF5 id. Closing never prints and never throws: close what was written with care (see Hdf5Output).
class Hdf5Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Hdf5Handle() = default;
  Hdf5Handle(hid_t id, Close close) : id_(id), close_(close) {}
  ~Hdf5Handle() { reset(); }
  Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept;

  hid_t get() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }
  /// Closes now; false when HDF5 says that it could not.
  bool reset();

 private:
  hid_t id_ = H5I_INVALID_HID;
  Close close_ = nullptr;
};

/// The type of T in memory. The library must be open.
template <typename T>
hid_t native_type();

/// A new type: UTF-8 strings of any length.
Hdf5Handle string_type();

/// A new type: UTF-8 strings of at most so many bytes, filled up with zeros. In an attribute they lie in a header,
/// which has a checksum; strings of variable length lie elsewhere.
Hdf5Handle fixed_string_type(std::size_t bytes);

/// A new property list of file access: no locks (several ranks read one file, often on a network file system) and a
/// file is closed with all that is open in it.
Hdf5Handle file_access();

}  // namespace penumbra::data
