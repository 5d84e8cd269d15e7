#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/store/class_map.h"

namespace penumbra::trainer {

struct DataOptions {
  std::vector<std::string> files;  ///< stores, concatenated in order
  data::ClassMap class_map;        ///< what their classes become
  std::int64_t classes = 0;        ///< expected number; 0: as in the files
  std::int64_t image_size = 0;     ///< expected side of the stored images; 0: as in the files
  std::int64_t memory_limit = 0;  ///< MiB of a host's memory for the images of a set; 0: three quarters of what is free
};

}  // namespace penumbra::trainer
