#include "trainer/faults/fault_plan.h"

#include <chrono>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "data/error.h"
#include "trainer/config.h"

namespace penumbra::trainer {
namespace {

TEST(Fault, IsReadFromItsWords) {
  const Fault fault = parse_fault("rank=1,step=37,kind=slow,at=shard-written,start=2,seconds=0.5");
  EXPECT_EQ(fault.kind, FaultKind::slow);
  EXPECT_EQ(fault.at, FaultPoint::shard_written);
  EXPECT_EQ(fault.rank, 1);
  EXPECT_EQ(fault.step, 37);
  EXPECT_EQ(fault.start, 2);
  EXPECT_DOUBLE_EQ(fault.seconds, 0.5);
}

TEST(Fault, StrikesWhereItsKindUsuallyDoes) {
  EXPECT_EQ(parse_fault("kind=kill").at, FaultPoint::step);
  EXPECT_EQ(parse_fault("kind=enospc").at, FaultPoint::shard);
  EXPECT_EQ(parse_fault("kind=corrupt").at, FaultPoint::shard_written);
}

TEST(Fault, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"", "rank=1", "kind=explode", "kind=kill,at=lunch", "kind=kill,step=-1", "kind=kill,rank=x",
                           "kind=kill,when=now", "kind=nan,at=shard", "kind=corrupt,at=rename", "kind=eio,at=step"}) {
    EXPECT_THROW(parse_fault(text), ConfigError) << text;
  }
  try {
    parse_fault("kind=explode");
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("corrupt, eio, enospc, kill, nan, slow, stop, throw"));
  }
}

TEST(FaultPlan, StrikesOnceAtItsFirstChance) {
  FaultPlan plan({parse_fault("rank=1,step=3,kind=throw")}, /*rank=*/1, /*start=*/0);
  plan.reach(FaultPoint::step, 2);
  plan.reach(FaultPoint::shard, 5);
  EXPECT_THROW(plan.reach(FaultPoint::step, 4), std::runtime_error);
  plan.reach(FaultPoint::step, 4);
}

TEST(FaultPlan, LeavesOtherRanksAndStartsAlone) {
  const Fault fault = parse_fault("rank=1,kind=throw");
  FaultPlan(std::vector{fault}, 0, 0).reach(FaultPoint::step, 9);
  FaultPlan(std::vector{fault}, 1, 1).reach(FaultPoint::step, 9);
}

TEST(FaultPlan, FailsWritesAsTheDiskWould) {
  FaultPlan plan({parse_fault("kind=enospc"), parse_fault("kind=eio,at=rename")}, 0, 0);
  const auto problem_at = [&](FaultPoint at) -> std::string {
    try {
      plan.reach(at, 0, "/tmp/shard.h5");
    } catch (const data::DataError& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_THAT(problem_at(FaultPoint::shard), testing::HasSubstr("/tmp/shard.h5: cannot be written: No space left"));
  EXPECT_THAT(problem_at(FaultPoint::rename), testing::HasSubstr("Input/output error"));
}

TEST(FaultPlan, TurnsOneBitOfAShard) {
  const auto path = std::filesystem::temp_directory_path() / ("penumbra-fault-" + std::to_string(getpid()));
  std::ofstream(path) << "0123456789";
  FaultPlan({parse_fault("kind=corrupt")}, 0, 0).reach(FaultPoint::shard_written, 0, path);
  std::string found;
  std::ifstream(path) >> found;
  std::filesystem::remove(path);
  EXPECT_EQ(found, "0123446789");
}

TEST(FaultPlan, SpoilsOneStepAndNoOtherPoint) {
  FaultPlan plan({parse_fault("step=2,kind=nan")}, 0, 0);
  plan.reach(FaultPoint::step, 5);
  EXPECT_FALSE(plan.spoils(1));
  EXPECT_TRUE(plan.spoils(2));
  EXPECT_FALSE(plan.spoils(2));
}

TEST(FaultPlan, SlowsDownByItsSeconds) {
  FaultPlan plan({parse_fault("kind=slow,seconds=0.05")}, 0, 0);
  const auto begin = std::chrono::steady_clock::now();
  plan.reach(FaultPoint::step, 0);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(50));
}

}  // namespace
}  // namespace penumbra::trainer
