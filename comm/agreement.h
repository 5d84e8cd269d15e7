#pragma once

#include <string>
#include <vector>

namespace penumbra::comm {

/// The first line in which `mine` is not `theirs`: "has X where rank 0 has Y". Empty when they are equal.
std::string first_difference(const std::string& mine, const std::string& theirs);

/// One line for the user: which ranks' `what` differs from rank 0's, and how the first of them does. `differences`:
/// each rank's first_difference(), of which at least one is not empty.
std::string disagreement(const std::string& what, const std::vector<std::string>& differences);

}  // namespace penumbra::comm
