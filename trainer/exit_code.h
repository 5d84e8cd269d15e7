#pragma once

#include <exception>
#include <functional>

#include "comm/world.h"

namespace penumbra::trainer {

/// 0 done, 1 failure, 2 usage or configuration, 3 data, 4 communication, 75 stopped on request after a checkpoint.
enum ExitCode : int { kDone = 0, kFailure = 1, kUsage = 2, kData = 3, kCommunication = 4, kStopped = 75 };

/// The run took a checkpoint and ended because it was asked to, on all ranks.
class Stopped : public std::exception {
 public:
  const char* what() const noexcept override { return "stopped on request after a checkpoint"; }
};

int exit_code_of(const std::exception_ptr& error);

/// One line on stderr for the user; nothing for PeerFailure, whose rank has already said it.
void report_error(const std::exception_ptr& error);

/// For work in which ranks wait for each other: an exception on this rank alone is reported and ends the whole job with
/// its exit code. A PeerFailure passes through.
void run_or_abort(comm::World& world, const std::function<void()>& work);

}  // namespace penumbra::trainer
