#include "trainer/checkpoint/shard.h"

#include <fmt/format.h>

#include "data/error.h"
#include "data/store/hdf5_input.h"
#include "data/store/hdf5_output.h"

namespace penumbra::trainer {

FileStamp write_shard(const std::filesystem::path& path, const StateArrays& share) {
  data::Hdf5Output output(path);
  std::vector<std::string> names;
  for (const auto& [name, part] : share) {
    if (part.intervals.empty()) continue;
    std::vector<std::int64_t> intervals;
    for (const comm::Interval& interval : part.intervals) {
      intervals.push_back(interval.offset);
      intervals.push_back(interval.size);
    }
    const std::string group = "array-" + std::to_string(names.size());
    output.add_group(group);
    output.write_attribute(group, "size", part.size);
    output.write_attribute(group, "sparse", std::int64_t{part.sparse});
    output.write<std::int64_t>(group + "/intervals", intervals, {part.intervals.size(), 2});
    output.write<float>(group + "/values", part.values, {part.values.size()});
    names.push_back(name);
  }
  output.write_strings("names", names);
  return output.commit_as_part();
}

StateArrays read_shard(const std::filesystem::path& path, const FileStamp& stamp) {
  if (!std::filesystem::exists(path)) throw data::DataError(fmt::format("{}: is missing", path.string()));
  const FileStamp found = data::stamp_of(path);
  if (found.bytes != stamp.bytes) {
    throw data::DataError(fmt::format("{}: has {} bytes instead of {}", path.string(), found.bytes, stamp.bytes));
  }
  if (found.checksum != stamp.checksum) throw data::DataError(fmt::format("{}: its checksum is wrong", path.string()));
  const data::Hdf5Input input(path);
  StateArrays share;
  const data::Shape named = input.shape("names");
  if (named.size() != 1) input.fail("names is not a list");
  const std::vector<std::string> names = input.read_strings("names", named.front());
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string group = "array-" + std::to_string(i);
    ArrayPart part;
    part.size = input.attribute<std::int64_t>(group, "size");
    part.sparse = input.attribute<std::int64_t>(group, "sparse") != 0;
    const auto intervals = input.read<std::int64_t>(group + "/intervals", input.shape(group + "/intervals"));
    for (std::size_t k = 0; k + 1 < intervals.size(); k += 2)
      part.intervals.push_back({intervals[k], intervals[k + 1]});
    part.values = input.read<float>(group + "/values", input.shape(group + "/values"));
    share[names[i]] = std::move(part);
  }
  return share;
}

}  // namespace penumbra::trainer
