#pragma once

namespace penumbra::trainer {

// By which `penumbra launch` tells the ranks of all its starts who has started them, and which start it is, from 0.
inline constexpr const char* kLaunchId = "PENUMBRA_LAUNCH_ID";
inline constexpr const char* kRestartCount = "PENUMBRA_RESTART_COUNT";

}  // namespace penumbra::trainer
