#include "data/parallel.h"

#include <atomic>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace penumbra::data {
namespace {

TEST(ForRuns, CoverEachThingOnceOnAnyNumberOfThreads) {
  for (const int threads : {0, 1, 2, 7}) {
    for (const std::int64_t count : {0, 1, 9, 10, 11, 95}) {
      std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
      for_runs(count, 10, threads, [&](std::int64_t begin, std::int64_t end) {
        EXPECT_LE(end - begin, 10);
        for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
      });
      for (const auto& visited : visits) EXPECT_EQ(visited, 1);
    }
  }
}

TEST(ForRuns, EndWithTheFirstException) {
  for (const int threads : {1, 4}) {
    std::atomic<int> runs = 0;
    const auto work = [&](std::int64_t begin, std::int64_t) {
      ++runs;
      if (begin >= 50) throw std::runtime_error("no more");
    };
    EXPECT_THROW(for_runs(1'000'000, 10, threads, work), std::runtime_error);
    EXPECT_LE(runs, 5 + 1000);  // a thread may have taken runs before it sees that another has failed
  }
}

}  // namespace
}  // namespace penumbra::data
