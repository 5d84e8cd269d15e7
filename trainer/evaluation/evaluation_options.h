#pragma once

#include <cstdint>

namespace penumbra::trainer {

enum class Head { original, ambiguous, mean };
enum class Best { accuracy, majority_accuracy, nll };

struct EvaluationOptions {
  std::int64_t every = 1;    ///< epochs; 0: only at the end
  std::int64_t batch = 256;  ///< faces a forward pass on each rank
  Head head = Head::original;
  bool flip = true;  ///< average over the mirrored face
  Best best = Best::accuracy;
  std::int64_t patience = 0;  ///< epochs without a better `best` before stopping; 0: never
};

}  // namespace penumbra::trainer
