#pragma once

#include <exception>

namespace penumbra::trainer {

/// 0 done, 1 failure, 2 usage or configuration, 3 data, 4 communication.
enum ExitCode : int { kDone = 0, kFailure = 1, kUsage = 2, kData = 3, kCommunication = 4 };

int exit_code_of(const std::exception_ptr& error);

/// One line on stderr for the user; nothing for PeerFailure, whose rank has already said it.
void report_error(const std::exception_ptr& error);

}  // namespace penumbra::trainer
