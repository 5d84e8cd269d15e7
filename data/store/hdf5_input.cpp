#include "data/store/hdf5_input.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>

#include "data/error.h"
#include "data/store/heap_strings.h"

namespace penumbra::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array<char, 8> kSignature = {'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};
// From this superblock on (8 + 40 bytes), headers can carry checksums. HDF5 believes older ones: damage crashes it.
constexpr char kLeastVersion = 2;
constexpr std::uint64_t kLeastFile = 48;

std::string text_of(const Shape& shape) {
  std::string text = "[";
  for (const auto side : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(side);
  return text + "]";
}

/// Product, or the largest number when it does not fit.
std::uint64_t elements(const Shape& shape) {
  std::uint64_t count = 1;
  for (const auto side : shape) {
    if (side != 0 && count > std::numeric_limits<std::uint64_t>::max() / side)
      return std::numeric_limits<std::uint64_t>::max();
    count *= side;
  }
  return count;
}

/// Why a file whose first bytes are these is not worth opening; empty when it is.
std::string foreign(const fs::path& path, std::uint64_t bytes) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, kSignature.size() + 1> start{};
  file.read(start.data(), start.size());
  const auto got = std::min(static_cast<std::size_t>(file.gcount()), kSignature.size());
  if (!file && got == 0 && bytes > 0) return "cannot be read; check its permissions";
  if (bytes == 0) return "is empty (truncated?); make it again";
  if (!std::equal(start.begin(), start.begin() + static_cast<std::ptrdiff_t>(got), kSignature.begin()))
    return "is not an HDF5 file; make one with `penumbra data import` or `penumbra data synth`";
  if (bytes < kLeastFile) return "is truncated; make it again";
  if (start.back() < kLeastVersion)
    return "is of HDF5's old format, without checksums; convert it with `h5repack -L`, or write it with h5py's "
           "libver=\"v110\"";
  return {};
}

bool same_type(hid_t stored, hid_t wanted) {
  if (H5Tget_class(stored) != H5Tget_class(wanted) || H5Tget_size(stored) != H5Tget_size(wanted)) return false;
  return H5Tget_class(stored) != H5T_INTEGER || H5Tget_sign(stored) == H5Tget_sign(wanted);
}

/// Cuts `bytes` into texts of `width` bytes and drops the zeros that fill them up.
std::vector<std::string> cut(const std::vector<char>& bytes, std::size_t width) {
  std::vector<std::string> texts;
  for (std::size_t at = 0; at < bytes.size(); at += width) {
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    texts.emplace_back(begin, std::find(begin, begin + static_cast<std::ptrdiff_t>(width), '\0'));
  }
  return texts;
}

}  // namespace

Hdf5Input::Hdf5Input(fs::path path) : path_(std::move(path)) {
  const QuietErrors quiet;
  std::error_code error;
  const auto status = fs::status(path_, error);
  if (!fs::exists(status)) fail("no such file");
  if (!fs::is_regular_file(status)) fail("is not a file");
  file_bytes_ = fs::file_size(path_, error);
  if (const std::string why = foreign(path_, file_bytes_); !why.empty()) fail(why);
  const Hdf5Handle access = file_access();
  file_ = Hdf5Handle(H5Fopen(path_.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose);
  if (file_) return;
  const std::string text = error_text();
  if (text.find("truncated") != std::string::npos) fail("is truncated; make it again");
  fail("is damaged or not HDF5 that this library reads (" + text + "); make it again");
}

void Hdf5Input::fail(const std::string& what) const { throw DataError(path_.string() + ": " + what); }

bool Hdf5Input::has(const std::string& name) const {
  const QuietErrors quiet;
  for (auto end = name.find('/'); end != std::string::npos; end = name.find('/', end + 1)) {
    if (H5Lexists(file_.get(), name.substr(0, end).c_str(), H5P_DEFAULT) <= 0) return false;
  }
  return H5Lexists(file_.get(), name.c_str(), H5P_DEFAULT) > 0;
}

Hdf5Handle Hdf5Input::open_dataset(const std::string& name) const {
  if (!has(name)) fail("has no " + name);
  Hdf5Handle dataset(H5Dopen2(file_.get(), name.c_str(), H5P_DEFAULT), H5Dclose);
  if (!dataset) fail(name + " cannot be opened (" + error_text() + ")");
  return dataset;
}

Shape Hdf5Input::shape_of(hid_t space) const {
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0) return {};
  std::vector<hsize_t> sides(static_cast<std::size_t>(rank));
  H5Sget_simple_extent_dims(space, sides.data(), nullptr);
  return {sides.begin(), sides.end()};
}

Shape Hdf5Input::shape(const std::string& dataset) const {
  const QuietErrors quiet;
  const Hdf5Handle opened = open_dataset(dataset);
  const Hdf5Handle space(H5Dget_space(opened.get()), H5Sclose);
  return shape_of(space.get());
}

std::uint64_t Hdf5Input::check_stored(hid_t dataset, std::size_t element_bytes, const std::string& name) const {
  const Hdf5Handle space(H5Dget_space(dataset), H5Sclose);
  const Hdf5Handle creation(H5Dget_create_plist(dataset), H5Pclose);
  if (H5Pget_nfilters(creation.get()) != 0 || H5Pget_external_count(creation.get()) > 0)
    fail(name + " is compressed or kept in another file; a store holds plain bytes");
  if (H5Pget_layout(creation.get()) == H5D_VIRTUAL) fail(name + " is virtual; a store holds plain bytes");
  const std::uint64_t count = elements(shape_of(space.get()));
  const std::uint64_t stored = H5Dget_storage_size(dataset);
  if (count > file_bytes_ / element_bytes || count * element_bytes > stored)
    fail(name + " claims more than the file holds; it is truncated or damaged");
  return count;
}

template <typename T>
Hdf5Handle Hdf5Input::open_checked(const std::string& dataset, const Shape& expected) const {
  Hdf5Handle opened = open_dataset(dataset);
  const Hdf5Handle type(H5Dget_type(opened.get()), H5Tclose);
  if (!same_type(type.get(), native_type<T>()))
    fail(dataset + " has another number type than docs/data-format.md says");
  check_stored(opened.get(), sizeof(T), dataset);
  if (const Shape found = shape(dataset); found != expected)
    fail(dataset + " has the shape " + text_of(found) + ", expected " + text_of(expected));
  return opened;
}

template <typename T>
std::vector<T> Hdf5Input::read(const std::string& dataset, const Shape& expected) const {
  const QuietErrors quiet;
  const Hdf5Handle opened = open_checked<T>(dataset, expected);
  std::vector<T> values(elements(expected));
  if (H5Dread(opened.get(), native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0)
    fail(dataset + " cannot be read (" + error_text() + ")");
  return values;
}

bool Hdf5Input::has_user_block() const {
  const Hdf5Handle creation(H5Fget_create_plist(file_.get()), H5Pclose);
  hsize_t bytes = 0;
  return H5Pget_userblock(creation.get(), &bytes) < 0 || bytes != 0;
}

std::optional<RowExtents> Hdf5Input::row_extents(const std::string& dataset, const Shape& expected) const {
  const QuietErrors quiet;
  const Hdf5Handle opened = open_checked<std::uint8_t>(dataset, expected);
  if (expected.empty() || elements(expected) == 0 || has_user_block()) return std::nullopt;
  RowExtents extents{expected.front(), elements(expected) / expected.front(), expected.front(), {}};
  const Hdf5Handle creation(H5Dget_create_plist(opened.get()), H5Pclose);
  if (H5Pget_layout(creation.get()) == H5D_CONTIGUOUS) {
    extents.offsets.push_back(H5Dget_offset(opened.get()));
  } else if (H5Pget_layout(creation.get()) == H5D_CHUNKED) {
    std::vector<hsize_t> sides(expected.size());
    H5Pget_chunk(creation.get(), static_cast<int>(sides.size()), sides.data());
    if (!std::equal(sides.begin() + 1, sides.end(), expected.begin() + 1) || sides.front() == 0) return std::nullopt;
    extents.rows_per_block = sides.front();
    std::vector<hsize_t> at(expected.size());
    for (; at.front() < extents.rows; at.front() += sides.front()) {
      unsigned filters = 0;
      haddr_t offset = HADDR_UNDEF;
      hsize_t bytes = 0;
      H5Dget_chunk_info_by_coord(opened.get(), at.data(), &filters, &offset, &bytes);
      extents.offsets.push_back(offset);
    }
  } else {
    return std::nullopt;
  }
  for (std::size_t block = 0; block < extents.offsets.size(); ++block) {
    const std::uint64_t rows = std::min(extents.rows_per_block, extents.rows - block * extents.rows_per_block);
    const std::uint64_t bytes = rows * extents.row_bytes, offset = extents.offsets[block];
    if (bytes > file_bytes_ || offset > file_bytes_ - bytes)
      fail(dataset + " claims more than the file holds; it is truncated or damaged");
  }
  return extents;
}

std::vector<std::string> Hdf5Input::read_strings(const std::string& dataset, std::uint64_t count) const {
  const QuietErrors quiet;
  const Hdf5Handle opened = open_dataset(dataset);
  const Hdf5Handle type(H5Dget_type(opened.get()), H5Tclose);
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) <= 0)
    fail(dataset + " must be strings of variable length");
  check_stored(opened.get(), H5Tget_size(type.get()), dataset);
  if (const Shape found = shape(dataset); found != Shape{count})
    fail(dataset + " has the shape " + text_of(found) + ", expected " + text_of({count}));
  const Hdf5Handle creation(H5Fget_create_plist(file_.get()), H5Pclose);
  std::size_t address_bytes = 0, size_bytes = 0;
  hsize_t user_block = 0;
  H5Pget_sizes(creation.get(), &address_bytes, &size_bytes);
  H5Pget_userblock(creation.get(), &user_block);
  const haddr_t offset = H5Dget_offset(opened.get());
  if (offset == HADDR_UNDEF || address_bytes != 8 || size_bytes != 8)
    fail(dataset + " must be stored in one piece and with addresses of 8 bytes");
  auto texts = read_heap_strings(path_, {offset, count, user_block});
  if (!texts) fail(dataset + " is damaged; make the store again");
  return std::move(*texts);
}

bool Hdf5Input::has_attribute(const std::string& group, const std::string& name) const {
  const QuietErrors quiet;
  return H5Aexists_by_name(file_.get(), group.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

Hdf5Handle Hdf5Input::open_attribute(const std::string& group, const std::string& name) const {
  if (!has_attribute(group, name)) fail("has no attribute " + name + " in " + group);
  Hdf5Handle attribute(H5Aopen_by_name(file_.get(), group.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (!attribute) fail("attribute " + name + " cannot be opened (" + error_text() + ")");
  return attribute;
}

template <typename T>
T Hdf5Input::attribute(const std::string& group, const std::string& name) const {
  const QuietErrors quiet;
  const Hdf5Handle opened = open_attribute(group, name);
  const Hdf5Handle space(H5Aget_space(opened.get()), H5Sclose);
  T value{};
  if (H5Sget_simple_extent_npoints(space.get()) != 1 || H5Aread(opened.get(), native_type<T>(), &value) < 0)
    fail("attribute " + name + " in " + group + " must be one number");
  return value;
}

std::string Hdf5Input::text_attribute(const std::string& group, const std::string& name) const {
  const auto texts = texts_attribute(group, name);
  if (texts.size() != 1) fail("attribute " + name + " in " + group + " must be one string");
  return texts.front();
}

std::vector<std::string> Hdf5Input::texts_attribute(const std::string& group, const std::string& name) const {
  const QuietErrors quiet;
  const Hdf5Handle opened = open_attribute(group, name);
  const Hdf5Handle type(H5Aget_type(opened.get()), H5Tclose);
  const Hdf5Handle space(H5Aget_space(opened.get()), H5Sclose);
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  const std::size_t width = H5Tget_size(type.get());
  const auto where = "attribute " + name + " in " + group;
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0 || count < 0)
    fail(where + " must be strings of fixed length (in h5py: numpy.bytes_)");
  if (static_cast<std::uint64_t>(count) > file_bytes_ / width) fail(where + " claims more than the file holds");
  std::vector<char> bytes(static_cast<std::size_t>(count) * width);
  if (count > 0 && H5Aread(opened.get(), type.get(), bytes.data()) < 0)
    fail(where + " cannot be read (" + error_text() + ")");
  return cut(bytes, width);
}

template std::vector<std::uint8_t> Hdf5Input::read(const std::string&, const Shape&) const;
template std::vector<std::int32_t> Hdf5Input::read(const std::string&, const Shape&) const;
template std::vector<std::uint32_t> Hdf5Input::read(const std::string&, const Shape&) const;
template std::vector<std::int64_t> Hdf5Input::read(const std::string&, const Shape&) const;
template std::vector<std::uint64_t> Hdf5Input::read(const std::string&, const Shape&) const;
template std::vector<float> Hdf5Input::read(const std::string&, const Shape&) const;
template std::int64_t Hdf5Input::attribute(const std::string&, const std::string&) const;
template std::uint64_t Hdf5Input::attribute(const std::string&, const std::string&) const;

}  // namespace penumbra::data
