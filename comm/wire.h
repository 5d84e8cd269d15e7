#pragma once

namespace penumbra::comm {

/// What crosses the network.
enum class Wire {
  exact,  ///< the tensor's own type
  bf16,   ///< fp32 tensors only, half the bytes: every addend is rounded once, the fp32 sum of them once more
};

}  // namespace penumbra::comm
