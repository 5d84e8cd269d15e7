#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "comm/flat_parameters.h"

namespace penumbra::trainer {

/// How typical a face is of those that a net was validated on: the distance of its pooled features to the k-th nearest
/// of theirs, all scaled to length 1, k = 10 (Sun, Ming, Zhu & Li, "Out-of-distribution detection with deep nearest
/// neighbors", ICML 2022). Copies share the tensors.
class Familiarity {
 public:
  static constexpr std::int64_t kNeighbour = 10;    ///< k; fewer faces: the farthest
  static constexpr std::int64_t kMostFaces = 2048;  ///< that are kept

  /// features: [N, K] of the validation faces, N >= 2. Throws std::invalid_argument for fewer.
  explicit Familiarity(const at::Tensor& features);

  /// The share of the validation faces that are less typical than each of `features`, [B, K]: each of them is measured
  /// against the others. In [0, 1]; a face like them is below q with a probability of about q.
  std::vector<double> of(const at::Tensor& features) const;

  /// As tensors of a weights file.
  std::vector<comm::NamedTensor> tensors() const;
  /// Takes those out of a file's tensors; nothing where there are none. Throws std::invalid_argument for others of
  /// their names.
  static std::optional<Familiarity> take(std::vector<comm::NamedTensor>& tensors);

 private:
  Familiarity() = default;

  at::Tensor faces_;      ///< [N, K], of length 1
  at::Tensor distances_;  ///< [N], of each to the others, ascending
};

}  // namespace penumbra::trainer
