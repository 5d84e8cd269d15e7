#pragma once

#include <cstdint>

/// Marks inline arithmetic that the host compiler and nvcc both build, so that what runs on a GPU is tested without
/// one.
#ifdef __CUDACC__
#define PENUMBRA_HD __host__ __device__
#else
#define PENUMBRA_HD
#endif

namespace penumbra::data {

struct PhiloxBlock {
  std::uint32_t word[4];
};

struct PhiloxKey {
  std::uint32_t word[2];
};

/// Philox4x32-10 of one counter; philox.h says whence. Pure.
PENUMBRA_HD inline PhiloxBlock philox_block(PhiloxBlock counter, PhiloxKey key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t low = std::uint64_t{0xD2511F53} * counter.word[0];
    const std::uint64_t high = std::uint64_t{0xCD9E8D57} * counter.word[2];
    counter = {{static_cast<std::uint32_t>(high >> 32) ^ counter.word[1] ^ key.word[0],
                static_cast<std::uint32_t>(high), static_cast<std::uint32_t>(low >> 32) ^ counter.word[3] ^ key.word[1],
                static_cast<std::uint32_t>(low)}};
    key.word[0] += 0x9E3779B9;
    key.word[1] += 0xBB67AE85;
  }
  return counter;
}

}  // namespace penumbra::data
