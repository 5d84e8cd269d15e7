#include "data/shared_images.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "comm/host_memory.h"
#include "comm/memory.h"
#include "data/store/schema.h"

namespace penumbra::data {
namespace {

constexpr std::uint64_t kUnlimitedHeld = std::uint64_t{3} << 29;  // 1.5 GiB
constexpr std::uint64_t kHeldWindows = 3;                         // ImageStream holds as many blocks
constexpr std::uint64_t kReadBytes = 256 * 1024;                  // in one piece: disks and networks are fast from here

bool fits(const Images& images, std::uint64_t limit, comm::World& world) {
  if (limit > 0) return images.size() <= limit;
  const auto free = static_cast<double>(comm::available_memory());
  const double least = -world.largest({-free})[0];
  return static_cast<double>(images.size()) <= 0.75 * least;
}

std::string mebibytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof(text), bytes < 10 * 1048576.0 ? "%.1f MiB" : "%.0f MiB", bytes / 1048576.0);
  return text;
}

}  // namespace

void share_images(Images& images, std::uint64_t limit, comm::World& world,
                  const std::function<int(std::exception_ptr)>& exit_code) {
  // Whether files keep images in whole rows is the same everywhere; a rank without them must not take another way.
  const bool in_files = world.largest({images.resident() ? 0.0 : 1.0})[0] > 0;
  if (!in_files || !fits(images, limit, world)) return;
  const auto memory = world.local_size() > 1 ? comm::share_on_host(world, images.size()) : nullptr;
  Images held;
  const auto fill = [&] {
    if (!memory) {
      held = images.in_memory();
      return;
    }
    const std::size_t row = images.row_bytes();
    const comm::Interval own = comm::part_of(static_cast<std::int64_t>(images.size() / row), world.local_rank(),
                                             world.local_size());  // the rows that this rank brings to its host
    images.read(own.offset, own.size, row, memory->bytes().data() + static_cast<std::size_t>(own.offset) * row);
    held = Images(memory->bytes(), memory);
  };
  world.all_or_none(fill, exit_code);
  images = std::move(held);
}

Windows windows_of(const SampleSet& set, std::uint64_t limit, std::int64_t global_batch) {
  if (set.pixels.resident()) return {};
  const std::uint64_t image = set.image_bytes(), chunk = kImagesPerChunk;
  const std::uint64_t block = std::max(chunk, (kReadBytes / image + chunk - 1) / chunk * chunk);
  // A window is rounded up to whole blocks; a quarter is left for that.
  const std::uint64_t rows = (limit > 0 ? limit : kUnlimitedHeld) / (kHeldWindows + 1) / image / block * block;
  return {static_cast<std::int64_t>(block), std::max(static_cast<std::int64_t>(std::max(rows, block)), global_batch)};
}

std::string describe_images(const Images& images, const Windows& windows, const comm::World& world) {
  const auto all = static_cast<double>(images.size());
  if (images.resident()) {
    const std::string whose =
        world.local_size() > 1 ? ", one copy for the " + std::to_string(world.local_size()) + " ranks of a host" : "";
    return mebibytes(all) + " in memory" + whose;
  }
  if (windows.rows_per_window == 0) return mebibytes(all) + " in files, read batch by batch";
  const double held =
      static_cast<double>(kHeldWindows * images.row_bytes()) * static_cast<double>(windows.rows_per_window);
  return mebibytes(all) + " in files, at most " + mebibytes(std::min(all, held)) +
         " of them in the memory of all ranks";
}

}  // namespace penumbra::data
