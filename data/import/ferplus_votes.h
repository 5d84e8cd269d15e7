#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/import/label_rule.h"

namespace penumbra::data {

inline constexpr std::array<const char*, 10> kFerplusColumns = {"neutral", "happiness", "surprise", "sadness", "anger",
                                                                "disgust", "fear",      "contempt", "unknown", "NF"};
inline constexpr int kFerplusClasses = 8;

struct FerplusSplit {
  const char* name;    ///< in the store
  const char* usage;   ///< in fer2013new.csv and fer2013.csv
  const char* folder;  ///< of its images
};
inline constexpr std::array<FerplusSplit, 3> kFerplusSplits = {{{"train", "Training", "FER2013Train"},
                                                                {"val", "PublicTest", "FER2013Valid"},
                                                                {"test", "PrivateTest", "FER2013Test"}}};

/// A row of fer2013new.csv.
struct FerplusRow {
  std::int64_t line = 0;
  std::size_t split = 0;  ///< index into kFerplusSplits
  std::string image;      ///< e.g. "fer0000000.png"; empty where there is none
  std::array<int, 10> votes{};
  std::optional<int> label;  ///< nothing: the rule drops the row
};

/// All rows of fer2013new.csv, in order. Throws DataError with file and line, also for a row that the rule keeps though
/// it has no image name or no vote for a class.
std::vector<FerplusRow> read_ferplus_rows(const std::filesystem::path& file, LabelRule rule);

/// Index of a usage in kFerplusSplits.
std::optional<std::size_t> split_of_usage(const std::string& usage);

}  // namespace penumbra::data
