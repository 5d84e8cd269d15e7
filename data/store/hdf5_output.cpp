#include "data/store/hdf5_output.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "data/error.h"
#include "data/store/durable.h"

namespace penumbra::data {
namespace {

// Object headers and indices of this version carry checksums; every HDF5 since 1.10 (2016) reads it.
constexpr H5F_libver_t kFileVersion = H5F_LIBVER_V110;

constexpr std::uint64_t kRunBytes = std::uint64_t{8} << 20;

/// HDF5 keeps unwritten pieces of a file after a failed write, tries again in each close and loses its way when that
/// fails, too. So a file that is given up is led to where every write succeeds.
void divert_to_nowhere(hid_t file) {
  void* handle = nullptr;
  if (H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) < 0 || handle == nullptr) return;
  const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nowhere < 0) return;
  ::dup3(nowhere, *static_cast<int*>(handle), O_CLOEXEC);
  ::close(nowhere);
}

/// A creation list of objects without time stamps: the same samples give the same bytes.
Hdf5Handle untimed(hid_t list_class) {
  Hdf5Handle list(H5Pcreate(list_class), H5Pclose);
  H5Pset_obj_track_times(list.get(), false);
  return list;
}

std::vector<const char*> pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> raw;
  raw.reserve(texts.size());
  for (const auto& text : texts) raw.push_back(text.c_str());
  return raw;
}

}  // namespace

Hdf5Output::Hdf5Output(std::filesystem::path path) : path_(std::move(path)), partial_(create_partial(path_)) {
  const QuietErrors quiet;
  const Hdf5Handle access = file_access();
  const Hdf5Handle creation = untimed(H5P_FILE_CREATE);
  H5Pset_libver_bounds(access.get(), kFileVersion, kFileVersion);
  file_ = Hdf5Handle(H5Fcreate(partial_.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose);
  if (file_) return;
  const std::string what = error_text();
  ::unlink(partial_.c_str());
  throw DataError(write_failure(path_, what));
}

Hdf5Output::~Hdf5Output() { abandon(); }

void Hdf5Output::abandon() {
  if (file_) divert_to_nowhere(file_.get());
  if (!partial_.empty()) ::unlink(partial_.c_str());
  partial_.clear();
}

void Hdf5Output::fail(const std::string& what) {
  const std::string message = write_failure(path_, what);
  abandon();
  throw DataError(message);
}

void Hdf5Output::add_group(const std::string& name) {
  const QuietErrors quiet;
  const Hdf5Handle creation = untimed(H5P_GROUP_CREATE);
  const Hdf5Handle group(H5Gcreate2(file_.get(), name.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT), H5Gclose);
  check(static_cast<bool>(group));
}

Hdf5Handle Hdf5Output::create(const std::string& dataset, hid_t type, const Shape& shape,
                              std::uint64_t rows_per_chunk) {
  std::vector<hsize_t> sides(shape.begin(), shape.end());
  const int rank = static_cast<int>(sides.size());
  const Hdf5Handle space(H5Screate_simple(rank, sides.data(), nullptr), H5Sclose);
  const Hdf5Handle creation = untimed(H5P_DATASET_CREATE);
  if (rows_per_chunk > 0) {
    sides.front() = std::min<hsize_t>(sides.front(), rows_per_chunk);
    check(H5Pset_chunk(creation.get(), rank, sides.data()) >= 0);
  }
  Hdf5Handle created(
      H5Dcreate2(file_.get(), dataset.c_str(), type, space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT), H5Dclose);
  check(static_cast<bool>(created));
  return created;
}

void Hdf5Output::write_raw(const std::string& dataset, hid_t type, const void* values, const Shape& shape,
                           std::uint64_t rows_per_chunk) {
  const QuietErrors quiet;
  const Hdf5Handle created = create(dataset, type, shape, rows_per_chunk);
  check(H5Dwrite(created.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  // Closing must have nothing left to do that can fail: see divert_to_nowhere.
  check(H5Dflush(created.get()) >= 0);
}

void Hdf5Output::write_rows(const Hdf5Handle& dataset, std::uint64_t first, Shape count,
                            const std::vector<std::uint8_t>& bytes) {
  const std::vector<hsize_t> sides(count.begin(), count.end());
  std::vector<hsize_t> start(count.size());
  start.front() = first;
  const Hdf5Handle all(H5Dget_space(dataset.get()), H5Sclose);
  const Hdf5Handle piece(H5Screate_simple(static_cast<int>(sides.size()), sides.data(), nullptr), H5Sclose);
  check(H5Sselect_hyperslab(all.get(), H5S_SELECT_SET, start.data(), nullptr, sides.data(), nullptr) >= 0);
  check(H5Dwrite(dataset.get(), native_type<std::uint8_t>(), piece.get(), all.get(), H5P_DEFAULT, bytes.data()) >= 0);
}

void Hdf5Output::write_images(const std::string& dataset, const RowSource& rows, const Shape& shape,
                              std::uint64_t rows_per_chunk) {
  const QuietErrors quiet;
  const Hdf5Handle created = create(dataset, native_type<std::uint8_t>(), shape, rows_per_chunk);
  const std::uint64_t row_bytes =
      std::accumulate(shape.begin() + 1, shape.end(), std::uint64_t{1}, std::multiplies<>());
  const std::uint64_t run = (kRunBytes / (row_bytes * rows_per_chunk) + 1) * rows_per_chunk;
  std::vector<std::uint8_t> bytes;
  Shape count = shape;
  for (std::uint64_t first = 0; first < shape.front(); first += count.front()) {
    count.front() = std::min(run, shape.front() - first);
    bytes.resize(count.front() * row_bytes);
    rows(static_cast<std::int64_t>(first), static_cast<std::int64_t>(count.front()), bytes.data());
    write_rows(created, first, count, bytes);
  }
  check(H5Dflush(created.get()) >= 0);
}

void Hdf5Output::write_bytes(const std::string& dataset, std::uint64_t bytes,
                             const std::function<std::vector<std::uint8_t>()>& next_piece) {
  const QuietErrors quiet;
  const Hdf5Handle created = create(dataset, native_type<std::uint8_t>(), {bytes}, 0);
  for (std::uint64_t done = 0; done < bytes;) {
    const std::vector<std::uint8_t> piece = next_piece();
    write_rows(created, done, {piece.size()}, piece);
    done += piece.size();
  }
  check(H5Dflush(created.get()) >= 0);
}

template <typename T>
void Hdf5Output::write(const std::string& dataset, std::span<const T> values, const Shape& shape,
                       std::uint64_t rows_per_chunk) {
  write_raw(dataset, native_type<T>(), values.data(), shape, rows_per_chunk);
}

void Hdf5Output::write_strings(const std::string& dataset, const std::vector<std::string>& texts) {
  const Hdf5Handle type = string_type();
  write_raw(dataset, type.get(), pointers(texts).data(), {texts.size()}, 0);
}

void Hdf5Output::write_raw_attribute(const std::string& group, const std::string& name, hid_t type, hid_t space,
                                     const void* values) {
  const QuietErrors quiet;
  const Hdf5Handle attribute(
      H5Acreate_by_name(file_.get(), group.c_str(), name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
      H5Aclose);
  check(static_cast<bool>(attribute));
  check(H5Awrite(attribute.get(), type, values) >= 0);
}

template <typename T>
void Hdf5Output::write_attribute(const std::string& group, const std::string& name, T value) {
  const Hdf5Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  write_raw_attribute(group, name, native_type<T>(), space.get(), &value);
}

void Hdf5Output::write_attribute(const std::string& group, const std::string& name, const std::string& text) {
  const Hdf5Handle type = fixed_string_type(text.size());
  const Hdf5Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  write_raw_attribute(group, name, type.get(), space.get(), text.c_str());
}

void Hdf5Output::write_attribute(const std::string& group, const std::string& name,
                                 const std::vector<std::string>& texts) {
  std::size_t longest = 1;
  for (const auto& text : texts) longest = std::max(longest, text.size());
  std::string padded;
  for (std::string text : texts) {
    text.resize(longest, '\0');
    padded += text;
  }
  const Hdf5Handle type = fixed_string_type(longest);
  const hsize_t count = texts.size();
  const Hdf5Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose);
  write_raw_attribute(group, name, type.get(), space.get(), padded.c_str());
}

void Hdf5Output::close() {
  if (partial_.empty()) throw DataError(write_failure(path_, "it was given up or committed before"));
  const QuietErrors quiet;
  check(H5Fflush(file_.get(), H5F_SCOPE_GLOBAL) >= 0);
  check(file_.reset());
}

void Hdf5Output::commit() {
  close();
  publish(partial_, path_);
  partial_.clear();
}

FileStamp Hdf5Output::commit_as_part() {
  close();
  const FileStamp stamp = publish_as_part(partial_, path_);
  partial_.clear();
  return stamp;
}

template void Hdf5Output::write(const std::string&, std::span<const std::uint8_t>, const Shape&, std::uint64_t);
template void Hdf5Output::write(const std::string&, std::span<const std::int32_t>, const Shape&, std::uint64_t);
template void Hdf5Output::write(const std::string&, std::span<const std::uint32_t>, const Shape&, std::uint64_t);
template void Hdf5Output::write(const std::string&, std::span<const std::int64_t>, const Shape&, std::uint64_t);
template void Hdf5Output::write(const std::string&, std::span<const std::uint64_t>, const Shape&, std::uint64_t);
template void Hdf5Output::write(const std::string&, std::span<const float>, const Shape&, std::uint64_t);
template void Hdf5Output::write_attribute(const std::string&, const std::string&, std::int64_t);
template void Hdf5Output::write_attribute(const std::string&, const std::string&, std::uint64_t);

}  // namespace penumbra::data
