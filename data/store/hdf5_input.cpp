#include "data/store/hdf5_input.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>

#include "data/error.h"

namespace penumbra::data {
namespace {

namespace fs = std::filesystem;

// Attributes are short: a class name, a source. More is damage.
constexpr std::uint64_t kMostTexts = 100'000;

constexpr std::array<char, 8> kSignature = {'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};
// The shortest superblock, with the symbol table entry that follows it.
constexpr std::uint64_t kLeastFile = 96;

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
  std::array<char, 8> start{};
  file.read(start.data(), start.size());
  const auto got = static_cast<std::size_t>(file.gcount());
  if (!file && got == 0 && bytes > 0) return "cannot be read; check its permissions";
  if (bytes == 0) return "is empty (truncated?); make it again";
  if (!std::equal(start.begin(), start.begin() + static_cast<std::ptrdiff_t>(got), kSignature.begin()))
    return "is not an HDF5 file; make one with `penumbra data import` or `penumbra data synth`";
  if (bytes < kLeastFile) return "is truncated; make it again";
  return {};
}

bool same_type(hid_t stored, hid_t wanted) {
  if (H5Tget_class(stored) != H5Tget_class(wanted) || H5Tget_size(stored) != H5Tget_size(wanted)) return false;
  return H5Tget_class(stored) != H5T_INTEGER || H5Tget_sign(stored) == H5Tget_sign(wanted);
}

bool is_text(hid_t type) { return H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0; }

/// Copies and frees what HDF5 has allocated for strings of variable length.
std::vector<std::string> take(std::vector<char*>& raw, hid_t type, hid_t space) {
  std::vector<std::string> texts;
  texts.reserve(raw.size());
  for (const char* text : raw) texts.emplace_back(text == nullptr ? "" : text);
  H5Dvlen_reclaim(type, space, H5P_DEFAULT, raw.data());
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
std::vector<T> Hdf5Input::read(const std::string& dataset, const Shape& expected) const {
  const QuietErrors quiet;
  const Hdf5Handle opened = open_dataset(dataset);
  const Hdf5Handle type(H5Dget_type(opened.get()), H5Tclose);
  if (!same_type(type.get(), native_type<T>()))
    fail(dataset + " has another number type than docs/data-format.md says");
  const std::uint64_t count = check_stored(opened.get(), sizeof(T), dataset);
  if (const Shape found = shape(dataset); found != expected)
    fail(dataset + " has the shape " + text_of(found) + ", expected " + text_of(expected));
  std::vector<T> values(count);
  if (H5Dread(opened.get(), native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0)
    fail(dataset + " cannot be read (" + error_text() + ")");
  return values;
}

std::vector<std::string> Hdf5Input::read_strings(const std::string& dataset, std::uint64_t count) const {
  const QuietErrors quiet;
  const Hdf5Handle opened = open_dataset(dataset);
  const Hdf5Handle type(H5Dget_type(opened.get()), H5Tclose);
  if (!is_text(type.get())) fail(dataset + " must be strings of variable length");
  check_stored(opened.get(), H5Tget_size(type.get()), dataset);
  if (const Shape found = shape(dataset); found != Shape{count})
    fail(dataset + " has the shape " + text_of(found) + ", expected " + text_of({count}));
  const Hdf5Handle space(H5Dget_space(opened.get()), H5Sclose);
  std::vector<char*> raw(count);
  if (H5Dread(opened.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, raw.data()) < 0)
    fail(dataset + " cannot be read (" + error_text() + ")");
  return take(raw, type.get(), space.get());
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
  if (count == 0) return {};
  if (!is_text(type.get()) || count < 0 || static_cast<std::uint64_t>(count) > kMostTexts)
    fail("attribute " + name + " in " + group + " must be strings of variable length");
  std::vector<char*> raw(static_cast<std::size_t>(count));
  if (H5Aread(opened.get(), type.get(), raw.data()) < 0)
    fail("attribute " + name + " cannot be read (" + error_text() + ")");
  return take(raw, type.get(), space.get());
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
