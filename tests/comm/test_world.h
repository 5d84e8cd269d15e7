#pragma once

#include "comm/world.h"

namespace penumbra::testing {

/// The ranks under which this test binary runs. mpi_main.cpp owns it; it lives as long as there are tests.
comm::World& test_world();

}  // namespace penumbra::testing
