#include "comm/host_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comm/error.h"
#include "tests/comm/test_world.h"

namespace penumbra::comm {
namespace {

using testing::test_world;

TEST(HostMemory, WhatOneRankWritesAllOthersOfItsHostRead) {
  World& world = test_world();
  const auto memory = share_on_host(world, 3 * 4096 + 1);
  ASSERT_TRUE(memory);
  ASSERT_EQ(memory->bytes().size(), 3U * 4096 + 1);
  EXPECT_THAT(memory->bytes().front(), 0);
  world.barrier();
  memory->bytes()[static_cast<std::size_t>(world.local_rank())] = static_cast<std::uint8_t>(world.local_rank() + 7);
  world.barrier();
  for (int rank = 0; rank < world.local_size(); ++rank)
    EXPECT_EQ(memory->bytes()[static_cast<std::size_t>(rank)], rank + 7);
  world.barrier();
}

TEST(HostMemory, StaysWhenItsMakerLetsGo) {
  World& world = test_world();
  auto memory = share_on_host(world, 64);
  ASSERT_TRUE(memory);
  if (world.local_rank() == 0) memory->bytes()[63] = 5;
  world.barrier();
  if (world.local_rank() == 0) memory.reset();
  world.barrier();
  if (memory) {
    EXPECT_EQ(memory->bytes()[63], 5);
  }
}

TEST(HostMemory, OfAnotherProcessThatOnlyLooksTheSameIsRefused) {
  const HostMemory one(64), other(64);
  const std::string name = one.name();
  EXPECT_NO_THROW(HostMemory(name, 64));
  EXPECT_THROW(HostMemory(name, 65), CommError);
  const std::string path = name.substr(0, name.find(' ')), rest = other.name().substr(other.name().find(' '));
  EXPECT_THROW(HostMemory(path + rest, 64), CommError);
  EXPECT_THROW(HostMemory("/proc/0/fd/0 1 2 64", 64), CommError);
}

TEST(HostBroadcast, IsTheFirstRanksOfTheHost) {
  World& world = test_world();
  EXPECT_EQ(world.broadcast_on_host(world.local_rank() == 0 ? "first" : "other"), "first");
}

}  // namespace
}  // namespace penumbra::comm
