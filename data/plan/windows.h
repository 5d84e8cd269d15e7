#pragma once

#include <cstdint>
#include <vector>

namespace penumbra::data {

/// For sets larger than memory: an epoch goes through the set window by window, each of them some blocks of
/// neighbouring rows from anywhere in the set, so that images are read in large pieces and only once.
struct Windows {
  std::int64_t rows_per_block = 0;   ///< even: a window then leaves nobody without a partner
  std::int64_t rows_per_window = 0;  ///< at least one block; 0: the whole set is one window

  bool divide(std::int64_t rows) const { return rows_per_window > 0 && rows_per_window < rows; }
  /// Of an epoch over so many rows; blocks are given.
  std::int64_t count(std::int64_t rows) const {
    const std::int64_t blocks = (rows + rows_per_block - 1) / rows_per_block, in_window = blocks_per_window();
    return (blocks + in_window - 1) / in_window;
  }
  std::int64_t blocks_per_window() const { return (rows_per_window + rows_per_block - 1) / rows_per_block; }
};

/// The rows of each window of an epoch: shuffled blocks, ascending within a block. All have rows_per_window rows,
/// rounded up to whole blocks, but for the last, and the one that holds the set's last block. Pure. Throws
/// std::invalid_argument unless blocks are even.
std::vector<std::vector<std::int64_t>> draw_windows(std::int64_t rows, const Windows& windows, std::uint64_t seed,
                                                    std::uint32_t epoch);

}  // namespace penumbra::data
