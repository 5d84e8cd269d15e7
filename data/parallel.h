#pragma once

#include <cstdint>
#include <functional>

namespace penumbra::data {

/// Calls work(begin, end) for runs of at most `run` of `count` things, on `threads` threads (< 1: one a core that this
/// process may use), this one among them, and never more than there are runs. Rethrows the first exception, after which
/// no run is begun any more.
void for_runs(std::int64_t count, std::int64_t run, int threads,
              const std::function<void(std::int64_t begin, std::int64_t end)>& work);

}  // namespace penumbra::data
