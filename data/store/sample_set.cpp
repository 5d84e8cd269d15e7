#include "data/store/sample_set.h"

#include "data/store/hash.h"

namespace penumbra::data {
std::uint64_t fingerprint(const SampleSet& set) {
  Hash hash;
  for (const auto& name : set.info.classes) hash.add(std::span<const char>(name.c_str(), name.size() + 1));
  hash.add(std::span<const std::uint8_t>(set.pixels));
  hash.add(std::span<const std::int32_t>(set.labels));
  hash.add(std::span<const float>(set.votes));
  return hash.digest();
}

std::uint64_t label_fingerprint(std::span<const std::int32_t> labels) {
  Hash hash;
  hash.add(labels);
  return hash.digest();
}

std::uint64_t byte_fingerprint(std::span<const std::uint8_t> bytes) {
  Hash hash;
  hash.add(bytes);
  return hash.digest();
}

}  // namespace penumbra::data
