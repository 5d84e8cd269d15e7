#pragma once

#include <map>
#include <string>
#include <vector>

namespace penumbra::data {

/// Which split each id is in. A face that is trained on and tested on makes a test worthless.
class SplitIds {
 public:
  /// Throws DataError, which starts with `where`, for an id that is in another split.
  void add(const std::string& split, const std::vector<std::string>& ids, const std::string& where);
  /// Number of different ids.
  std::size_t size() const { return split_of_.size(); }

 private:
  std::map<std::string, std::string> split_of_;
};

}  // namespace penumbra::data
