#include "trainer/evaluation/familiarity.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/kthvalue.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/sort.h>

namespace penumbra::trainer {
namespace {

constexpr const char *kFaces = "familiarity.faces", *kDistances = "familiarity.distances";

at::Tensor of_length_one(const at::Tensor& features) {
  const at::Tensor dense = features.to(at::kCPU, at::kFloat);
  return dense / at::linalg_vector_norm(dense, 2, {1}, /*keepdim=*/true).clamp_min_(1e-30);
}

/// Of each of `rows`, [B, K], to its k-th nearest of `faces`, [N, K], from 1 on; all of length 1: |a - b|^2 = 2 - 2ab.
at::Tensor distances(const at::Tensor& rows, const at::Tensor& faces, std::int64_t k) {
  const at::Tensor squares = at::mm(rows, faces.t()).mul_(-2).add_(2).clamp_min_(0);
  return std::get<0>(at::kthvalue(squares, k, 1)).sqrt_();
}

}  // namespace

Familiarity::Familiarity(const at::Tensor& features) : faces_(of_length_one(features)) {
  if (faces_.size(0) < 2) throw std::invalid_argument("Familiarity: takes two faces or more");
  // A face is the nearest to itself: the k-th of the others is the one after that.
  const at::Tensor to_others = distances(faces_, faces_, 1 + std::min(kNeighbour, faces_.size(0) - 1));
  distances_ = std::get<0>(at::sort(to_others));
}

std::vector<double> Familiarity::of(const at::Tensor& features) const {
  const at::Tensor to_faces = distances(of_length_one(features), faces_, std::min(kNeighbour, faces_.size(0) - 1));
  const at::Tensor nearer = at::searchsorted(distances_, to_faces, /*out_int32=*/false, /*right=*/true);
  const double count = static_cast<double>(distances_.size(0));
  std::vector<double> shares;
  for (std::int64_t row = 0; row < nearer.size(0); ++row)
    shares.push_back((count - static_cast<double>(nearer[row].item<std::int64_t>())) / count);
  return shares;
}

std::vector<comm::NamedTensor> Familiarity::tensors() const { return {{kFaces, faces_}, {kDistances, distances_}}; }

std::optional<Familiarity> Familiarity::take(std::vector<comm::NamedTensor>& tensors) {
  Familiarity known;
  std::erase_if(tensors, [&](const comm::NamedTensor& named) {
    if (named.name != kFaces && named.name != kDistances) return false;
    (named.name == kFaces ? known.faces_ : known.distances_) = named.tensor;
    return true;
  });
  if (!known.faces_.defined() && !known.distances_.defined()) return std::nullopt;
  const auto is_table = [](const at::Tensor& tensor, std::int64_t dimensions) {
    return tensor.defined() && tensor.scalar_type() == at::kFloat && tensor.dim() == dimensions;
  };
  if (!is_table(known.faces_, 2) || !is_table(known.distances_, 1) || known.faces_.size(0) < 2 ||
      known.faces_.size(0) != known.distances_.size(0)) {
    throw std::invalid_argument("its familiarity tensors are damaged");
  }
  return known;
}

}  // namespace penumbra::trainer
