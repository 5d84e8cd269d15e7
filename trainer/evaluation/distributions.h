#pragma once

#include <cstddef>
#include <span>

namespace penumbra::trainer {

/// Shares of the classes, of sum 1.
using Shares = std::span<const float>;

std::size_t arg_max(Shares shares);        ///< the first of the largest
double entropy(Shares shares);             ///< nats
double js_divergence(Shares a, Shares b);  ///< Jensen-Shannon, nats, 0 to ln 2

}  // namespace penumbra::trainer
