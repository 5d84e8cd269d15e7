#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace penumbra::data {

struct ImportOptions {
  bool skip_bad = false;  ///< corrupt images are named, counted and left out; otherwise the first one is a DataError
};

struct ImportReport {
  struct Split {
    std::string name;
    std::int64_t kept = 0, dropped_by_rule = 0, bad_images = 0;
  };
  std::vector<Split> splits;
  std::vector<std::string> notes;  ///< one line each for the user: missing splits, skipped images
};

}  // namespace penumbra::data
