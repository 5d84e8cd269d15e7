#include "trainer/prediction/face_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/error.h"
#include "data/import/image_file.h"
#include "data/parallel.h"

namespace penumbra::trainer {
namespace {

constexpr std::int64_t kFilesAtATime = 4;  ///< that a thread takes

}  // namespace

data::FaceBox with_margin(const data::FaceBox& box, double margin) {
  const int more = static_cast<int>(std::lround(margin * std::max(box.width, box.height)));
  return {box.left - more, box.top - more, box.width + 2 * more, box.height + 2 * more};
}

FaceReader::FaceReader(std::vector<std::string> files, FaceReading how)
    : files_(std::move(files)), how_(std::move(how)) {
  read_ahead();
}

std::optional<FaceBatch> FaceReader::next() {
  if (!ahead_.valid()) return std::nullopt;
  FaceBatch batch = ahead_.get();
  read_ahead();
  return batch;
}

void FaceReader::read_ahead() {
  const std::size_t first = begun_, count = std::min(how_.files_a_batch, files_.size() - first);
  if (count == 0) return;
  begun_ += count;
  ahead_ = std::async(std::launch::async, [this, first, count] { return read(first, count); });
}

FaceBatch FaceReader::read(std::size_t first, std::size_t count) {
  FaceBatch batch;
  batch.set.info = how_.info;
  batch.files.resize(count);
  std::vector<std::vector<data::Image>> faces(count);
  data::for_runs(static_cast<std::int64_t>(count), kFilesAtATime, 0, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      batch.files[i].path = files_[first + i];
      try {
        faces[i] = faces_of(batch.files[i]);
      } catch (const data::DataError& error) {
        batch.files[i].problem = error.what();
      }
      batch.files[i].faces = faces[i].size();
    }
  });
  std::vector<std::uint8_t> pixels;
  for (std::size_t i = 0; i < count; ++i) {
    batch.set.ids.insert(batch.set.ids.end(), faces[i].size(), batch.files[i].path);
    for (const data::Image& face : faces[i]) pixels.insert(pixels.end(), face.pixels.begin(), face.pixels.end());
  }
  batch.set.labels.resize(batch.set.ids.size());
  batch.set.pixels = std::move(pixels);
  return batch;
}

std::vector<data::Image> FaceReader::faces_of(ReadFile& file) {
  const data::Image image = data::to_channels(data::read_image(file.path), how_.info.channels);
  if (how_.detector == nullptr) return {data::resize(image, how_.info.image_size)};
  {
    const std::lock_guard lock(detector_);
    file.boxes = how_.detector->find(data::to_channels(image, 1));
  }
  std::vector<data::Image> faces;
  for (const data::FaceBox& box : file.boxes)
    faces.push_back(data::resize(data::crop_face(image, with_margin(box, how_.margin)).value(), how_.info.image_size));
  return faces;
}

}  // namespace penumbra::trainer
