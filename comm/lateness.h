#pragma once

#include <cstddef>
#include <vector>

#include "comm/watchdog/flight_recorder.h"
#include "comm/world.h"

namespace penumbra::comm {

/// Mean seconds by which each rank came to the last collectives after the first one did: what it made the others wait.
/// No clocks are compared: a collective ends for all at once, so that who spent the least time in it came last. All
/// ranks call, at the same point; over at most `count` collectives that this rank's recorder still holds. Empty in a
/// world of one.
std::vector<double> lateness(World& world, std::size_t count = 128);

/// The same from every rank's durations of the same collectives, [rank][collective] seconds. Empty without collectives.
std::vector<double> lateness_from(const std::vector<std::vector<double>>& durations);

}  // namespace penumbra::comm
