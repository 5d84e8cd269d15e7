#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace penumbra::data {

enum class LabelRule { majority, argmax };

struct ImportOptions {
  bool skip_bad = false;  ///< corrupt images are named, counted and left out; otherwise the first one is a DataError
};

struct ImportReport {
  struct Split { std::string name; std::int64_t kept = 0, dropped_by_rule = 0, bad_images = 0; };
  std::vector<Split> splits;
  std::vector<std::string> notes;  ///< one line each for the user: missing splits, skipped images
};

/// FERPlus: `dir` holds fer2013new.csv and FER2013{Train,Valid,Test}/ferNNNNNNN.png, or fer2013.csv with the pixels in the same row order.
/// Rules and counts: method.md, section 10. Votes are always kept. Throws DataError.
ImportReport import_ferplus(const std::filesystem::path& dir, const std::filesystem::path& out, LabelRule rule,
                            const ImportOptions& options);

}  // namespace penumbra::data
