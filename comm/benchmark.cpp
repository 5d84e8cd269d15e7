#include "comm/benchmark.h"

#include <array>
#include <functional>
#include <optional>

#include <ATen/ops/zeros.h>
#include <mpi.h>

#include "comm/communicator.h"
#include "comm/timing.h"

namespace penumbra::comm {
namespace {

/// `plain`: a communicator of all ranks. The plain call is timed inside the communication thread: as it is, without
/// the way there and back.
AllReduceTiming time_size(World& world, const Communicator& plain, std::int64_t bytes, int rounds) {
  const at::Tensor tensor = at::zeros({bytes / 4});
  Collective& collective = world.collective();
  const auto in_place = [&] { collective.all_reduce_sum(tensor).wait(); };
  const auto as_bf16 = [&] { collective.all_reduce_sum(tensor, Wire::bf16).wait(); };
  const auto in_parts = [&] {
    collective.reduce_scatter_sum(tensor, Wire::exact);
    collective.all_gather(tensor).wait();
  };
  const auto by_mpi = [&] {
    check(MPI_Allreduce(MPI_IN_PLACE, tensor.mutable_data_ptr(), static_cast<int>(tensor.numel()), MPI_FLOAT, MPI_SUM,
                        plain.handle()),
          "MPI_Allreduce");
  };
  const auto seconds_in_mpi = [&] {
    double seconds = 0;
    world.run([&] { seconds = seconds_of(by_mpi); });
    return seconds;
  };
  const std::array<std::function<double()>, 4> ways = {[&] { return seconds_of(in_place); },
                                                       [&] { return seconds_of(as_bf16); },
                                                       [&] { return seconds_of(in_parts); }, seconds_in_mpi};
  std::array<std::vector<double>, 4> seconds;
  for (int round = -1; round < rounds; ++round) {  // the first one only warms up
    for (std::size_t way = 0; way < ways.size(); ++way) {
      world.barrier();
      const double taken = ways[way]();
      if (round >= 0) seconds[way].push_back(taken);
    }
  }
  std::array<double, 4> medians{};
  for (std::size_t way = 0; way < ways.size(); ++way) medians[way] = median(world.largest(seconds[way]));
  return {bytes, medians[0], medians[1], medians[2], medians[3]};
}

}  // namespace

std::vector<AllReduceTiming> time_all_reduce(World& world, const std::vector<std::int64_t>& sizes, int rounds) {
  std::vector<AllReduceTiming> timings;
  std::optional<Communicator> plain;
  world.run([&] { plain.emplace(Communicator::duplicate_world()); });
  for (const std::int64_t bytes : sizes) timings.push_back(time_size(world, *plain, bytes, rounds));
  world.run([&] { plain.reset(); });
  return timings;
}

}  // namespace penumbra::comm
