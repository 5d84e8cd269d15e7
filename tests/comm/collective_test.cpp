#include "comm/collective.h"

#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include "comm/error.h"
#include "comm/mpi_collective.h"
#include "tests/comm/subject.h"
#include "tests/comm/test_world.h"

namespace penumbra::comm {
namespace {

using testing::Backend;
using testing::test_world;

constexpr std::int64_t kMiB = std::int64_t{1} << 20;

Collective& group() { return test_world().collective(); }

MPI_Datatype mpi_type(at::ScalarType type) {
  if (type == at::kFloat) return MPI_FLOAT;
  if (type == at::kDouble) return MPI_DOUBLE;
  return type == at::kLong ? MPI_INT64_T : MPI_UINT8_T;
}

/// The sum over the ranks by another way than all-reduce: a reduction to rank 0, and a broadcast.
at::Tensor plain_sum(const at::Tensor& mine) {
  at::Tensor sum = at::zeros_like(mine);
  test_world().run([&] {
    const int count = static_cast<int>(mine.numel());
    MPI_Reduce(mine.data_ptr(), sum.data_ptr(), count, mpi_type(mine.scalar_type()), MPI_SUM, 0, MPI_COMM_WORLD);
    MPI_Bcast(sum.data_ptr(), count, mpi_type(mine.scalar_type()), 0, MPI_COMM_WORLD);
  });
  return sum;
}

/// Different on every rank; sums over a few ranks are exact in every type, in whatever order they are made.
at::Tensor exact_values(std::int64_t size, at::ScalarType type) {
  at::Tensor values = at::arange(size, at::kLong).mul_(2654435761).add_(group().rank() * 40503).remainder_(61);
  values = values.to(type);
  return at::isFloatingType(type) ? values.sub_(30).div_(16) : values;
}

at::Tensor own_part(const at::Tensor& tensor) {
  const Interval part = part_of(tensor.numel(), group().rank(), group().world_size());
  return tensor.narrow(0, part.offset, part.size);
}

std::string bytes_of(const at::Tensor& tensor) {
  return {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()};
}

class EveryTypeAndSize : public ::testing::TestWithParam<std::tuple<Backend, at::ScalarType, std::int64_t>> {
 protected:
  Collective& group() { return subject_.collective(); }
  at::ScalarType type() const { return std::get<1>(GetParam()); }
  /// Elements; those given in MiB are bytes.
  std::int64_t size() const {
    const std::int64_t given = std::get<2>(GetParam());
    return given < kMiB ? given : given / static_cast<std::int64_t>(c10::elementSize(type()));
  }

 private:
  testing::Subject subject_{std::get<0>(GetParam())};
};

TEST_P(EveryTypeAndSize, SumOfTheRanksIsItsClosedForm) {
  const std::int64_t n = group().world_size();
  at::Tensor tensor = at::full({size()}, group().rank(), type());
  group().all_reduce_sum(tensor).wait();
  EXPECT_TRUE(tensor.equal(at::full({size()}, n * (n - 1) / 2, type())));
}

TEST_P(EveryTypeAndSize, SumIsThatOfReduceAndBroadcast) {
  at::Tensor tensor = exact_values(size(), type());
  const at::Tensor expected = plain_sum(tensor);
  group().all_reduce_sum(tensor).wait();
  EXPECT_TRUE(tensor.equal(expected));
}

TEST_P(EveryTypeAndSize, ReduceScatterLeavesTheSumInTheOwnPart) {
  at::Tensor tensor = exact_values(size(), type());
  const at::Tensor expected = plain_sum(tensor);
  group().reduce_scatter_sum(tensor, Wire::exact).wait();
  EXPECT_TRUE(own_part(tensor).equal(own_part(expected)));
}

TEST_P(EveryTypeAndSize, AllGatherGivesEveryRanksPart) {
  at::Tensor tensor = at::full({size()}, 100, type());
  own_part(tensor).fill_(group().rank());
  group().all_gather(tensor).wait();
  for (int rank = 0; rank < group().world_size(); ++rank) {
    const Interval part = part_of(size(), rank, group().world_size());
    EXPECT_TRUE(tensor.narrow(0, part.offset, part.size).eq(rank).all().item<bool>()) << "part of rank " << rank;
  }
}

TEST_P(EveryTypeAndSize, BroadcastGivesTheRootsValues) {
  for (int root = 0; root < group().world_size(); ++root) {
    at::Tensor tensor = at::full({size()}, 10 + group().rank(), type());
    group().broadcast(tensor, root).wait();
    EXPECT_TRUE(tensor.equal(at::full({size()}, 10 + root, type()))) << "root " << root;
  }
}

// The last size takes several pieces, of which the last one is short.
INSTANTIATE_TEST_SUITE_P(Collective, EveryTypeAndSize,
                         ::testing::Combine(::testing::Values(Backend::mpi, Backend::pairwise, Backend::staged,
                                                              Backend::nccl),
                                            ::testing::Values(at::kFloat, at::kDouble, at::kLong, at::kByte),
                                            ::testing::Values<std::int64_t>(0, 1, 3, 1023, 25 * kMiB + 24)),
                         [](const auto& instance) {
                           return testing::name_of(std::get<0>(instance.param)) + "_" +
                                  c10::toString(std::get<1>(instance.param)) + "_" +
                                  std::to_string(std::get<2>(instance.param));
                         });

/// Values whose sums round, different on every rank.
at::Tensor waves(std::int64_t size, int rank) { return at::arange(size, at::kFloat).mul_(0.1 + rank).sin_(); }

/// What bf16 on the wire promises, by ATen's conversions: rounded addends, an fp32 sum in rank order.
at::Tensor bf16_sum(std::int64_t size) {
  at::Tensor sum = at::zeros({size});
  for (int rank = 0; rank < group().world_size(); ++rank) sum.add_(waves(size, rank).to(at::kBFloat16).to(at::kFloat));
  return sum;
}

class OverBothPaths : public ::testing::TestWithParam<Backend> {
 protected:
  testing::Subject subject_{GetParam()};
};

TEST_P(OverBothPaths, Bf16RoundsEveryAddendOnceAndTheirSumOnce) {
  if (group().world_size() == 1) GTEST_SKIP() << "one rank sends nothing";
  for (const std::int64_t size : {0, 1, 2, 3, 1023, 100'003}) {
    const at::Tensor reduced = waves(size, group().rank()), scattered = waves(size, group().rank());
    group().all_reduce_sum(reduced, Wire::bf16).wait();
    group().reduce_scatter_sum(scattered, Wire::bf16).wait();
    EXPECT_TRUE(reduced.equal(bf16_sum(size).to(at::kBFloat16).to(at::kFloat))) << size;
    EXPECT_TRUE(own_part(scattered).equal(own_part(bf16_sum(size)))) << size;
  }
}

TEST_P(OverBothPaths, EveryRankGetsTheSameBits) {
  for (const Wire wire : {Wire::exact, Wire::bf16}) {
    const at::Tensor tensor = waves(300'007, group().rank());
    group().all_reduce_sum(tensor, wire).wait();
    for (const std::string& theirs : test_world().all_gather(bytes_of(tensor))) {
      EXPECT_TRUE(theirs == bytes_of(tensor));
    }
  }
}

/// Whatever the pieces, and whoever is late.
TEST(Pairwise, SumsInRankOrder) {
  const testing::Subject subject(Backend::pairwise);
  const at::Tensor tensor = waves(300'007, group().rank());
  group().all_reduce_sum(tensor).wait();
  at::Tensor sum = waves(300'007, 0);
  for (int rank = 1; rank < group().world_size(); ++rank) sum.add_(waves(300'007, rank));
  EXPECT_TRUE(tensor.equal(sum));
}

INSTANTIATE_TEST_SUITE_P(Collective, OverBothPaths, ::testing::Values(Backend::mpi, Backend::pairwise),
                         [](const auto& instance) { return testing::name_of(instance.param); });

TEST(Bf16Wire, KeepsInfinitiesAndNotANumber) {
  if (group().world_size() == 1) GTEST_SKIP() << "one rank sends nothing";
  const float infinity = std::numeric_limits<float>::infinity();
  const at::Tensor tensor =
      at::tensor(std::vector<float>{infinity, -infinity, std::bit_cast<float>(0x7F800001U), 3.4e38F, 1e-45F});
  group().all_reduce_sum(tensor, Wire::bf16).wait();
  EXPECT_EQ(tensor[0].item<float>(), infinity);
  EXPECT_EQ(tensor[1].item<float>(), -infinity);
  EXPECT_TRUE(std::isnan(tensor[2].item<float>())) << "the lowest bits alone make it a NaN";
  EXPECT_EQ(tensor[3].item<float>(), infinity) << "above the largest bf16 number";
  EXPECT_EQ(tensor[4].item<float>(), 0);
}

TEST(Collective, PartsFollowOneAnotherAndCoverTheWhole) {
  for (const std::int64_t size : {0L, 1L, 2L, 3L, 10L, 4'294'967'299L}) {
    for (const int ranks : {1, 2, 3, 7}) {
      std::int64_t next = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const Interval part = part_of(size, rank, ranks);
        EXPECT_EQ(part.offset, next);
        EXPECT_GE(part.size, size / ranks);
        EXPECT_LE(part.size, size / ranks + 1);
        next += part.size;
      }
      EXPECT_EQ(next, size);
    }
  }
}

TEST(Collective, PiecesOfAnyLengthCoverTheTensor) {
  for (const std::int64_t piece_bytes : {1, 4, 12, 28, 1000}) {
    at::Tensor summed = exact_values(57, at::kFloat);
    at::Tensor sent = at::full({57}, 10 + group().rank(), at::kFloat);
    const at::Tensor expected = plain_sum(summed);
    test_world().run([&] {
      const Communicator communicator = Communicator::duplicate_world();
      all_reduce_sum(summed, communicator, piece_bytes);
      broadcast(sent, communicator.size() - 1, communicator, piece_bytes);
    });
    EXPECT_TRUE(summed.equal(expected)) << piece_bytes;
    EXPECT_TRUE(sent.eq(10 + group().world_size() - 1).all().item<bool>()) << piece_bytes;
  }
}

TEST(Collective, RunsInTheOrderOfTheCalls) {
  // Overlapping windows: element j comes from the root of window j - 1, then from that of window j, which by then holds
  // it from the first; in any other order it would be window j's.
  const int n = group().world_size();
  const at::Tensor tensor = at::full({101}, group().rank(), at::kLong);
  std::vector<Work> works;
  for (int window = 0; window < 100; ++window) {
    works.push_back(group().broadcast(tensor.narrow(0, window, 2), window % n));
  }
  works.back().wait();
  EXPECT_EQ(tensor[0].item<int>(), 0);
  for (int j = 1; j <= 100; ++j) EXPECT_EQ(tensor[j].item<int>(), (j - 1) % n) << "element " << j;
}

TEST(Collective, ResultsAreThereWithoutWaitingForThem) {
  at::Tensor tensor = at::full({1000}, group().rank() + 1, at::kFloat);
  const int n = group().world_size();
  { const Work forgotten = group().all_reduce_sum(tensor); }
  Work last = group().all_reduce_sum(at::ones({1}));  // its tensor is kept until it is done
  last.wait();
  last.wait();
  EXPECT_TRUE(tensor.eq(n * (n + 1) / 2).all().item<bool>());
}

TEST(Collective, RefusesWhatItCannotSend) {
  const at::Tensor matrix = at::zeros({4, 4});
  EXPECT_THROW(group().all_reduce_sum(matrix.t().narrow(0, 0, 2)), std::invalid_argument);
  EXPECT_THROW(group().all_reduce_sum(at::zeros({4}, at::kHalf)), std::invalid_argument);
  EXPECT_THROW(group().all_reduce_sum(at::zeros({4}, at::kDouble), Wire::bf16), std::invalid_argument);
  EXPECT_THROW(group().reduce_scatter_sum(at::zeros({4}, at::kLong), Wire::bf16), std::invalid_argument);
  EXPECT_THROW(group().broadcast(matrix, group().world_size()), std::invalid_argument);
  EXPECT_THROW(group().broadcast(matrix, -1), std::invalid_argument);
}

TEST(Collective, ErrorOfMpiComesOutOfWait) {
  if (group().world_size() != 2) GTEST_SKIP() << "with more ranks, those behind the failing one would wait for it";
  const bool root = group().rank() == 0;
  Work work = group().broadcast(at::zeros({root ? 4 : 2}), 0);
  if (root) {
    EXPECT_NO_THROW(work.wait());
  } else {
    for (int i = 0; i < 2; ++i) {
      try {
        work.wait();
        ADD_FAILURE() << "a message that is too long for its buffer went through";
      } catch (const CommError& error) {
        EXPECT_THAT(error.what(), ::testing::HasSubstr("rank 1: broadcast of 8 bytes: MPI_ERR_TRUNCATE"));
      }
    }
  }
  at::Tensor tensor = at::ones({3});
  group().all_reduce_sum(tensor).wait();
  EXPECT_TRUE(tensor.eq(2).all().item<bool>());
}

}  // namespace
}  // namespace penumbra::comm
