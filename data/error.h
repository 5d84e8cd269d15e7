#pragma once

#include <stdexcept>

namespace penumbra::data {

/// A data file, image or table that cannot be used. The message is one line: what, where, what to do.
/// `main` ends with exit code 3.
class DataError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace penumbra::data
