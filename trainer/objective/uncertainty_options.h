#pragma once

namespace penumbra::trainer {

struct UncertaintyOptions {
  double momentum = 0.6;  ///< in [0, 1): what an epoch keeps of the snapshot before it
  bool rank_within_class =
      false;  ///< u becomes (rank + 1/2) / count among the visited rows of its hard label's class (ties share)
  bool weight_samples = true;  ///< false: w = 1 (ablation no_uncertainty)
  bool constant = false;       ///< true: rows() gives u = 1/2 for every visited row (ablation no_uncertainty)
};

}  // namespace penumbra::trainer
