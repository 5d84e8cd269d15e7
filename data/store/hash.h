#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <xxhash.h>

namespace penumbra::data {

/// XXH3, 64 bits, of what is added piece by piece.
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

}  // namespace penumbra::data
