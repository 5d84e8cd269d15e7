#pragma once

#include <cstdint>
#include <span>

namespace penumbra::trainer {

/// The temperature T in [0.01, 100] that minimises the mean of -log softmax(logits / T)[label] (Guo et al., 2017).
/// logits: [N, C] row-major, finite; log-posteriors serve as well. labels: [N] in [0, C). The loss is convex in 1/T, so
/// the minimum is the only one; T is an end of the interval where that is best (all right, or worse than chance), and
/// 1 where no T changes anything. Throws std::invalid_argument for empty, misshapen or non-finite input.
double fit_temperature(std::span<const float> logits, std::span<const std::int32_t> labels, std::int64_t classes);

}  // namespace penumbra::trainer
