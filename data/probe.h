#pragma once

#include "data/store/sample_set.h"

namespace penumbra::data {

struct ProbeResult {
  double train_accuracy = 0, test_accuracy = 0;  ///< shares of the hard labels
};

/// Multinomial logistic regression on standardised pixels, trained on `train`, tested on `test`: how much a task is
/// worth to a model that cannot see. Full-batch accelerated gradient descent from zero with L2, deterministic. Every
/// pixel is a feature (2304 for 48 x 48 grey); a few seconds for some thousand faces. Sets
/// ATen to one thread while it runs: do not call it beside other ATen work.
/// Throws std::invalid_argument if the sets do not have the same classes and images, or one is empty.
ProbeResult linear_probe(const SampleSet& train, const SampleSet& test);

}  // namespace penumbra::data
