#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "comm/collective.h"
#include "data/store/sample_set.h"
#include "trainer/config.h"

namespace penumbra::trainer {

/// Posteriors of both nets over a set, [N, C] row-major; `ambiguous` is empty where there is no f_a.
struct Posteriors {
  std::vector<float> original, ambiguous;
};

/// Is shown what the nets make of each batch of rows, `first` and on, not mirrored; `ambiguous` is null where there is
/// no f_a.
using SeeBatch = std::function<void(std::int64_t first, const NetOutput& original, const NetOutput* ambiguous)>;

/// [B, K] in fp32 on the CPU: the means over the feature map, of which the logits are linear.
at::Tensor pooled_features(const NetOutput& out);

/// Evaluation-mode posteriors of rows [begin, end), on this rank alone.
Posteriors predict_rows(DualNet& nets, const data::SampleSet& set, std::int64_t begin, std::int64_t end,
                        const Config& config, const SeeBatch& see = {});

/// The same for the whole set, each row computed by exactly one rank and known to all afterwards. All ranks call.
Posteriors predict_set(DualNet& nets, const data::SampleSet& set, const Config& config, comm::Collective& collective,
                       const SeeBatch& see = {});

/// The posterior that answers: f_o's, f_a's or their mean. Throws ConfigError when that needs a net that is not there.
std::vector<float> head_posterior(const Posteriors& posteriors, Head head);

/// p^(1/T) renormalised, row by row of C.
std::vector<float> with_temperature(const std::vector<float>& posterior, std::int64_t classes, double temperature);

}  // namespace penumbra::trainer
