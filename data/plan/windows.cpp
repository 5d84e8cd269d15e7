#include "data/plan/windows.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <stdexcept>

#include "data/plan/philox.h"
#include "data/plan/shuffle.h"

namespace penumbra::data {

std::vector<std::vector<std::int64_t>> draw_windows(std::int64_t rows, const Windows& windows, std::uint64_t seed,
                                                    std::uint32_t epoch) {
  const std::int64_t block_rows = windows.rows_per_block;
  if (block_rows < 2 || block_rows % 2 != 0) throw std::invalid_argument("windows are made of blocks of even size");
  std::vector<std::int64_t> blocks(static_cast<std::size_t>((rows + block_rows - 1) / block_rows));
  std::iota(blocks.begin(), blocks.end(), std::int64_t{0});
  Draws draws(seed, Purpose::blocks, epoch, 0);
  shuffle(std::span(blocks), draws);
  const auto per_window = static_cast<std::size_t>(windows.blocks_per_window());
  std::vector<std::vector<std::int64_t>> out;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % per_window == 0) out.emplace_back();
    const std::int64_t end = std::min((blocks[i] + 1) * block_rows, rows);
    for (std::int64_t row = blocks[i] * block_rows; row < end; ++row) out.back().push_back(row);
  }
  return out;
}

}  // namespace penumbra::data
