#include "data/store/images.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace penumbra::data {
namespace {

/// The file that holds a row, and which of its rows that is.
std::pair<const RowFile*, std::uint64_t> locate(const std::vector<std::shared_ptr<const RowFile>>& files,
                                                std::uint64_t row) {
  for (const auto& file : files) {
    if (row < file->rows()) return {file.get(), row};
    row -= file->rows();
  }
  throw std::logic_error("images: a row that was checked lies in no file");
}

/// Read in the order of the files.
std::vector<std::uint8_t> copied(const Images& images, std::span<const std::int64_t> rows, std::size_t row_bytes) {
  std::vector<std::uint8_t> bytes(rows.size() * row_bytes);
  std::vector<RowTarget> targets;
  for (const std::int64_t row : rows) targets.push_back({row, bytes.data() + targets.size() * row_bytes});
  std::ranges::sort(targets, {}, &RowTarget::row);
  images.read(targets, row_bytes);
  return bytes;
}

}  // namespace

Images::Images(std::vector<std::uint8_t> bytes) {
  const auto kept = std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
  data_ = kept->data();
  size_ = kept->size();
  owner_ = kept;
}

Images::Images(std::span<const std::uint8_t> bytes, std::shared_ptr<const void> owner)
    : owner_(std::move(owner)), data_(bytes.data()), size_(bytes.size()) {}

Images::Images(std::vector<std::shared_ptr<const RowFile>> files) : files_(std::move(files)) {
  for (const auto& file : files_) size_ += file->rows() * file->row_bytes();
}

Images Images::concatenated(std::span<const Images> parts) {
  if (parts.size() == 1) return parts.front();
  std::vector<std::shared_ptr<const RowFile>> files;
  for (const Images& part : parts) files.insert(files.end(), part.files_.begin(), part.files_.end());
  if (std::ranges::none_of(parts, &Images::resident)) return Images(std::move(files));
  std::vector<std::uint8_t> bytes;
  for (const Images& part : parts) {
    const Images here = part.in_memory();
    bytes.insert(bytes.end(), here.bytes().begin(), here.bytes().end());
  }
  return bytes;
}

Images Images::rows(std::span<const std::int64_t> rows, std::size_t row_bytes) const {
  if (resident()) return copied(*this, rows, row_bytes);
  for (const std::int64_t row : rows) require_row(row, row_bytes);
  std::vector<std::shared_ptr<const RowFile>> parts;
  std::vector<std::uint64_t> run;
  for (std::size_t i = 0; i < rows.size();) {
    const RowFile* const file = locate(files_, static_cast<std::uint64_t>(rows[i])).first;
    run.clear();
    for (; i < rows.size(); ++i) {
      const auto [holder, row] = locate(files_, static_cast<std::uint64_t>(rows[i]));
      if (holder != file) break;
      run.push_back(row);
    }
    parts.push_back(file->selected(run));
  }
  return Images(std::move(parts));
}

Images Images::in_memory() const {
  if (resident()) return *this;
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size_));
  read(0, static_cast<std::int64_t>(bytes.size() / row_bytes()), row_bytes(), bytes.data());
  return bytes;
}

std::size_t Images::row_bytes() const {
  if (resident()) throw std::logic_error("images: in memory they have no rows of their own");
  return static_cast<std::size_t>(files_.front()->row_bytes());
}

bool Images::jpeg() const {
  const auto holds_jpegs = [](const auto& file) { return file->rows() > 0 && file->jpeg_bytes(0) > 0; };
  return !resident() && std::ranges::all_of(files_, holds_jpegs);
}

std::uint64_t Images::jpeg_bytes(std::int64_t row) const {
  if (resident()) return 0;
  const auto [file, place] = locate(files_, static_cast<std::uint64_t>(row));
  return file->jpeg_bytes(place);
}

std::vector<std::uint8_t> Images::jpeg(std::int64_t row) const {
  if (resident()) return {};
  const auto [file, place] = locate(files_, static_cast<std::uint64_t>(row));
  return file->jpeg(place);
}

std::span<const std::uint8_t> Images::bytes() const {
  if (!resident()) throw std::logic_error("images: they are in files, not in memory");
  return {data_, static_cast<std::size_t>(size_)};
}

void Images::require_row(std::int64_t row, std::size_t row_bytes) const {
  if (row < 0 || static_cast<std::uint64_t>(row) >= size_ / row_bytes)
    throw std::out_of_range("images: there is no row " + std::to_string(row));
}

void Images::read(std::span<const RowTarget> targets, std::size_t row_bytes) const {
  for (const RowTarget& target : targets) require_row(target.row, row_bytes);
  if (resident()) {
    for (const auto& [row, to] : targets) std::memcpy(to, data_ + static_cast<std::size_t>(row) * row_bytes, row_bytes);
    return;
  }
  std::vector<std::uint8_t*> run;
  for (std::size_t i = 0; i < targets.size();) {
    const auto [file, first] = locate(files_, static_cast<std::uint64_t>(targets[i].row));
    run.clear();
    do {
      run.push_back(targets[i++].to);
    } while (i < targets.size() && targets[i].row == targets[i - 1].row + 1 && first + run.size() < file->rows());
    file->read(first, run);
  }
}

void Images::read(std::int64_t first, std::int64_t count, std::size_t row_bytes, std::uint8_t* out) const {
  std::vector<RowTarget> targets;
  for (std::int64_t row = first; row < first + count; ++row, out += row_bytes) targets.push_back({row, out});
  read(targets, row_bytes);
}

PickedImages::PickedImages(const Images& images, std::span<const std::int64_t> rows, std::size_t row_bytes) {
  if (!images.resident()) copies_ = copied(images, rows, row_bytes);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (images.resident()) images.require_row(rows[i], row_bytes);
    images_.push_back(images.resident() ? images.bytes().data() + static_cast<std::size_t>(rows[i]) * row_bytes
                                        : copies_.data() + i * row_bytes);
  }
}

bool operator==(const Images& a, const Images& b) {
  return a.resident() && b.resident() && std::ranges::equal(a.bytes(), b.bytes());
}

}  // namespace penumbra::data
