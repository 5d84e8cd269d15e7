#pragma once

#include <string>

namespace penumbra::trainer {

struct ResNetOptions {
  int depth = 18;              ///< 10, 18, 34 (basic blocks) or 50 (bottlenecks)
  int width = 64;              ///< channels of the first stage
  std::string stem = "small";  ///< "imagenet": 7x7 stride 2 + max pool; "small": 3x3, stride `stem_stride`, no pool
  int stem_stride = 1;         ///< of the small stem: 1, 2 or 3 (3 takes a 5x5 kernel)
  int last_stride = 2;         ///< of the fourth stage: 1 keeps a finer attention map
  int channels = 1;            ///< 1 grey, 3 RGB
  int classes = 8;
};

/// Which nets see which views.
enum class Method {
  full,        ///< f_o on weak views, f_a on ambiguous ones
  ce_only,     ///< f_o alone on weak views; f_a is not even allocated
  mixup_only,  ///< f_o alone on both kinds of views: the control of equal compute
};

/// Whose the convolutions of f_a are.
enum class Convolutions {
  apart,   ///< its own
  shared,  ///< f_o's: f_a has norms, their statistics and a head of its own (after AdvProp, Xie et al., 2020), and the
           ///< convolutions learn from both kinds of views
};

}  // namespace penumbra::trainer
