#pragma once

#include <string>
#include <vector>

namespace penumbra::trainer {

/// The files that are given, and in the place of each folder all PNG and JPEG files below it, by path. Throws DataError
/// for a path that is not there and for a folder without such files.
std::vector<std::string> face_files(const std::vector<std::string>& paths);

}  // namespace penumbra::trainer
