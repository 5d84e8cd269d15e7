#pragma once

#include <stdexcept>

namespace penumbra::comm {

/// Ranks that cannot talk or do not agree. The message is one line and names the rank. `main` ends with exit code 4.
class CommError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace penumbra::comm
