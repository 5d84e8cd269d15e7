#include "trainer/prediction/face_files.h"

#include <algorithm>
#include <filesystem>

#include "data/error.h"
#include "data/import/image_file.h"

namespace penumbra::trainer {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> images_below(const fs::path& folder) {
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && data::has_image_ending(entry.path())) files.push_back(entry.path().string());
  }
  if (files.empty()) throw data::DataError(folder.string() + ": has no PNG or JPEG file");
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::vector<std::string> face_files(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (!fs::exists(path)) throw data::DataError(path + ": no such file or folder");
    const std::vector<std::string> found = fs::is_directory(path) ? images_below(path) : std::vector{path};
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

}  // namespace penumbra::trainer
