// The main of tests that run under mpirun. Rank 0 prints the report, the others only what failed on them; a test that
// fails on any rank fails on all; a test that hangs is named and ends the job.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/comm/test_world.h"

namespace penumbra::testing {
namespace {

constexpr std::chrono::seconds kLongestTest{60};
constexpr int kHung = 3;

std::optional<comm::World>& slot() {
  static std::optional<comm::World> world;
  return world;
}

/// Ends the process unless it is told of progress in time.
class Watchdog {
 public:
  explicit Watchdog(int rank) : thread_([this, rank] { watch(rank); }) {}
  ~Watchdog() {
    progress("");
    thread_.join();
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// What runs from now on; empty: the end.
  void progress(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    name_ = name;
    ++step_;
    changed_.notify_one();
  }

 private:
  void watch(int rank) {
    std::unique_lock lock(mutex_);
    while (!name_.empty()) {
      if (changed_.wait_for(lock, kLongestTest, [this, seen = step_] { return step_ != seen; })) continue;
      std::fprintf(stderr, "rank %d: %s hangs: no end after %d seconds\n", rank, name_.c_str(),
                   static_cast<int>(kLongestTest.count()));
      std::fflush(nullptr);
      _exit(kHung);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string name_ = "the start";
  int step_ = 0;
  std::thread thread_;
};

/// Keeps the ranks together: no test starts before the last one has ended everywhere, with the same verdict.
class Ranks : public ::testing::EmptyTestEventListener {
 public:
  explicit Ranks(Watchdog& watchdog) : watchdog_(watchdog) {}

  void OnTestStart(const ::testing::TestInfo& test) override {
    watchdog_.progress(std::string(test.test_suite_name()) + "." + test.name());
  }

  void OnTestPartResult(const ::testing::TestPartResult& part) override {
    if (!part.failed() || test_world().rank() == 0) return;
    std::fprintf(stderr, "rank %d: %s:%d: Failure\n%s\n", test_world().rank(), part.file_name() ? part.file_name() : "",
                 part.line_number(), part.message());
    std::fflush(stderr);
  }

  void OnTestEnd(const ::testing::TestInfo& test) override {
    const std::vector<std::string> failed = test_world().all_gather(test.result()->Failed() ? "failed" : "");
    for (std::size_t rank = 0; rank < failed.size(); ++rank) {
      if (!failed[rank].empty() && !test.result()->Failed()) ADD_FAILURE() << "this test failed on rank " << rank;
    }
  }

 private:
  Watchdog& watchdog_;
};

int run_tests() {
  ::testing::TestEventListeners& listeners = ::testing::UnitTest::GetInstance()->listeners();
  if (test_world().rank() != 0) delete listeners.Release(listeners.default_result_printer());
  Watchdog watchdog(test_world().rank());
  listeners.Append(new Ranks(watchdog));
  const int code = RUN_ALL_TESTS();
  watchdog.progress("the end");
  test_world().barrier();
  return code;
}

}  // namespace

comm::World& test_world() { return slot().value(); }

}  // namespace penumbra::testing

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  penumbra::testing::slot().emplace();
  const int code = penumbra::testing::run_tests();
  penumbra::testing::slot().reset();
  return code;
}
