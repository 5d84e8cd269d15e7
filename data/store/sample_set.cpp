#include "data/store/sample_set.h"

#include <memory>

#include <xxhash.h>

namespace penumbra::data {
namespace {

class Hash {
 public:
  Hash() : state_(XXH3_createState(), XXH3_freeState) { XXH3_64bits_reset(state_.get()); }
  template <typename T>
  void add(std::span<const T> values) {
    XXH3_64bits_update(state_.get(), values.data(), values.size_bytes());
  }
  std::uint64_t digest() const { return XXH3_64bits_digest(state_.get()); }

 private:
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state_;
};

}  // namespace

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
