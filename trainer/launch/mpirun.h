#pragma once

#include <string>
#include <utility>
#include <vector>

namespace penumbra::trainer {

using Variables = std::vector<std::pair<std::string, std::string>>;  ///< names and values

// What mpirun of Open MPI 4 or 5 wants in its environment. Variables that the user has set are left out: they win.

/// Keepalives. Without them mpirun does not notice that a host is gone.
Variables keepalive_variables();

/// Without these mpirun refuses root. Empty for other users.
Variables root_variables();

}  // namespace penumbra::trainer
