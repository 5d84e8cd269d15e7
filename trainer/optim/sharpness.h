#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "comm/collective.h"
#include "comm/flat_parameters.h"

namespace penumbra::trainer {

/// The ascent of sharpness-aware minimisation (Foret et al., ICLR 2021): a step takes the gradient not of the weights w
/// but of w + radius g / |g|, g the gradient at w. The norm is that of the whole gradient, over both nets and the
/// global batch, so that the step is the same at any number of ranks; "m-sharpness" would let every rank climb by its
/// own share.
///
/// In a step: the gradient at w, climb(), its values shared, the gradient there, come_back(), and the update.
class SharpnessAscent {
 public:
  /// `owned`: the intervals that this rank updates, ascending. `statistics`: running ones, which the second forward
  /// pass must not move again. `parameters` must outlive this.
  SharpnessAscent(comm::FlatParameters& parameters, std::vector<comm::Interval> owned, at::Tensor statistics,
                  double radius);
  /// From w to w + radius g / |g| in the owned intervals, g in parameters.gradients(). `gradient_norm`: |g| of the
  /// whole gradient, a 0-dim fp32 tensor on the device (no host sync). A gradient of zero leaves w where it is; one
  /// that is not finite makes the second one not finite either.
  void climb(const at::Tensor& gradient_norm);
  /// The same bits as before climb(), in the owned intervals and in the running statistics.
  void come_back();

  std::int64_t kept_values() const { return kept_.numel(); }  ///< elements that are held beside the weights

 private:
  comm::FlatParameters& parameters_;
  std::vector<comm::Interval> owned_;
  at::Tensor statistics_, kept_statistics_;
  at::Tensor kept_;  ///< the owned intervals of w, one after the other
  double radius_;
};

}  // namespace penumbra::trainer
