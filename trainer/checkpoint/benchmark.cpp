#include "trainer/checkpoint/benchmark.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "comm/timing.h"
#include "data/error.h"
#include "trainer/checkpoint/checkpointer.h"

namespace penumbra::trainer {
namespace {

void write_plainly(const std::filesystem::path& path, const std::vector<float>& values) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const char* next = reinterpret_cast<const char*>(values.data());
  auto left = values.size() * sizeof(float);
  bool done = file >= 0;
  while (done && left > 0) {
    const ssize_t written = ::write(file, next, std::min<std::size_t>(left, std::size_t{8} << 20));
    done = written > 0;
    if (done) {
      next += written;
      left -= static_cast<std::size_t>(written);
    }
  }
  done = done && ::fsync(file) == 0;
  if (file >= 0) ::close(file);
  if (!done) throw data::DataError(fmt::format("{}: cannot be written", path.string()));
}

}  // namespace

CheckpointTiming time_checkpoints(comm::World& world, const std::filesystem::path& folder, std::int64_t bytes,
                                  int rounds) {
  const CheckpointFolder checkpoints(folder);
  const std::int64_t size = bytes / static_cast<std::int64_t>(sizeof(float));
  const comm::Interval own = comm::part_of(size, world.rank(), world.size());
  const std::vector<float> state(static_cast<std::size_t>(own.size), 0.25F);
  FaultPlan no_faults;
  Checkpointer checkpointer(checkpoints, world, rounds, no_faults);  // what is removed is not timed, as of the peer
  std::vector<double> stalls, wholes, plains;
  for (int round = 0; round < rounds; ++round) {
    Manifest manifest;
    manifest.steps = round;
    world.barrier();
    const double stall = comm::seconds_of([&] {
      ArrayPart& part = checkpointer.staging()["values"];
      part.size = size;
      part.intervals = {own};
      part.values.assign(state.begin(), state.end());
      checkpointer.begin(manifest);
    });
    const double rest = comm::seconds_of([&] { checkpointer.commit(); });
    stalls.push_back(world.largest({stall})[0]);
    wholes.push_back(world.largest({stall + rest})[0]);
    world.barrier();
    const std::filesystem::path file = folder / fmt::format("plain-{}", world.rank());
    plains.push_back(world.largest({comm::seconds_of([&] { write_plainly(file, state); })})[0]);
    std::filesystem::remove(file);
  }
  return {comm::median(stalls), comm::median(wholes), comm::median(plains)};
}

}  // namespace penumbra::trainer
