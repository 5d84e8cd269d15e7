#pragma once

#include <stdexcept>
#include <string>

namespace penumbra::data {

/// A data file, image or table that cannot be used. The message is one line: what, where, what to do.
/// `main` ends with exit code 3.
class DataError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws the DataError "where: what".
[[noreturn]] inline void fail(const std::string& where, const std::string& what) {
  throw DataError(where + ": " + what);
}

}  // namespace penumbra::data
