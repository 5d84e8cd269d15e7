#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace penumbra::data {

/// Hears how many of a split's `total` images are decoded: 0, then ever more, at last, unless one ends the import, all.
/// Called by one thread at a time, at most 1001 times a split. The import does not depend on it.
using ImportProgress = std::function<void(std::int64_t done, std::int64_t total)>;

enum class Storing {
  raw,   ///< bytes of pixels
  jpeg,  ///< JPEGs: those of files that fit as they are, without their marks; others of quality 95
};

struct ImportOptions {
  bool skip_bad = false;  ///< corrupt images are named, counted and left out; otherwise the first one is a DataError
  Storing storing = Storing::raw;
  ImportProgress progress = nullptr;  ///< empty: nobody is told
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
