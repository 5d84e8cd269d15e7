#include "trainer/loop/tuner.h"

#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "comm/gradient_sync_options.h"
#include "tests/comm/small_net.h"
#include "tests/comm/test_world.h"

namespace penumbra::trainer {
namespace {

using testing::test_world;

constexpr std::int64_t kMiB = std::int64_t{1} << 20;

struct Tuned {
  explicit Tuned(comm::SyncMode mode = comm::SyncMode::all_reduce)
      : sync(flat, {}, test_world().collective(), {.mode = mode}),
        tuner(3, {25 * kMiB, 2}, /*cores=*/2, sync, test_world()) {}

  /// Until the end, with the seconds that a step takes under a tuning; the first step of each is ten times as slow.
  template <typename Seconds>
  int run(const Seconds& seconds) {
    int steps = 0;
    for (; !tuner.done(); ++steps) tuner.add((steps % 3 == 0 ? 10 : 1) * seconds(tuner.tuning()));
    return steps;
  }

  testing::SmallNet net;
  comm::FlatParameters flat{net.parameters()};
  comm::GradientSync sync;
  Tuner tuner;
};

TEST(Tuner, KeepsTheFastestBucketsAndThreads) {
  Tuned tuned;
  const int steps = tuned.run([](const Tuning& now) { return (now.bucket_bytes == 4 * kMiB ? 1 : 2) + now.threads; });
  EXPECT_EQ(tuned.tuner.tuning().bucket_bytes, 4 * kMiB);
  EXPECT_EQ(tuned.tuner.tuning().threads, 1);
  EXPECT_EQ(at::get_num_threads(), 1);
  EXPECT_EQ(steps, 3 * 3 + 2 * 3);
}

TEST(Tuner, TheSlowestRankDecides) {
  Tuned tuned;
  const bool slow = test_world().rank() == test_world().size() - 1;
  tuned.run([&](const Tuning& now) {
    if (now.bucket_bytes == kMiB) return slow ? 9.0 : 0.1;  // fast on the others
    return now.bucket_bytes == 4 * kMiB ? 3.0 : 5.0;
  });
  EXPECT_EQ(tuned.tuner.tuning().bucket_bytes, 4 * kMiB);
}

TEST(Tuner, LeavesShardedBucketsAlone) {
  Tuned tuned(comm::SyncMode::sharded);
  const auto owned = tuned.sync.owned();
  tuned.run([](const Tuning& now) { return static_cast<double>(now.threads); });
  ASSERT_EQ(tuned.sync.owned().size(), owned.size());
  for (std::size_t i = 0; i < owned.size(); ++i) EXPECT_EQ(tuned.sync.owned()[i].size, owned[i].size);
  EXPECT_EQ(tuned.tuner.tuning().threads, 1);
}

}  // namespace
}  // namespace penumbra::trainer
