#pragma once

#include <stdexcept>

namespace penumbra::comm {

/// `main` ends with it after a CommError.
inline constexpr int kCommErrorExitCode = 4;

/// Ranks that cannot talk or do not agree. The message is one line and names the rank.
class CommError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace penumbra::comm
