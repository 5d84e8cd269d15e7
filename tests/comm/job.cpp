// A job that ends in the way its first argument names, for job_test.py.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include <ATen/ATen.h>

#include "comm/error.h"
#include "comm/gpu/staged_collective.h"
#include "comm/world.h"

namespace {

using penumbra::comm::CommError;
using penumbra::comm::PeerFailure;
using penumbra::comm::World;

constexpr int kFailure = 3, kAborted = 75;

int exit_code_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const PeerFailure& failure) {
    return failure.exit_code();
  } catch (const CommError&) {
    return penumbra::comm::kCommErrorExitCode;
  } catch (const std::exception&) {
    return kFailure;
  }
}

/// Rank 1 ends the job, while communication threads sit in a collective that one rank never enters: rank 1 itself or,
/// with `busy`, rank 0.
void abort_alone(World& world, bool busy) {
  if (world.rank() != (busy ? 0 : 1)) world.collective().all_reduce_sum(at::ones({1000}));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  if (world.rank() == 1) {
    std::printf("last words\n");
    world.abort(kAborted);
  }
  std::this_thread::sleep_for(std::chrono::hours(1));
}

/// NCCL's abort may hang where the network is down.
class HangingAbort : public penumbra::comm::StagedCollective {
 public:
  using StagedCollective::StagedCollective;
  void abort() override { std::this_thread::sleep_for(std::chrono::hours(1)); }
};

void abort_that_hangs(World& world) {
  world.add_device(std::make_unique<HangingAbort>(world.collective()));
  world.barrier();
  world.abort(kAborted);
}

void fail(World& world, bool everywhere) {
  world.all_or_none(
      [&] {
        if (everywhere || world.rank() == 1 || world.rank() == 2) throw std::runtime_error("no such file");
      },
      exit_code_of);
}

void end(World& world, const std::string& how) {
  if (how == "abort_alone") world.abort(kAborted);
  if (how == "abort") abort_alone(world, false);
  if (how == "abort_busy") abort_alone(world, true);
  if (how == "abort_hangs") abort_that_hangs(world);
  if (how == "fail_some") fail(world, false);
  if (how == "fail_all") fail(world, true);
  if (how == "disagree")
    world.require_agreement("configuration", "seed = 1\nrate = " + std::to_string(world.rank() / 2));
  if (how == "forget") world.collective().all_reduce_sum(at::ones({1 << 20}));  // nobody waits for it
  if (world.rank() == 0) std::printf("%d ranks left in peace\n", world.size());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    World world;
    end(world, argc > 1 ? argv[1] : "");
    return 0;
  } catch (const PeerFailure& failure) {
    return failure.exit_code();
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "error: %s\n", failure.what());
    return exit_code_of(std::current_exception());
  }
}
