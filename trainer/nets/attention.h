#pragma once

#include <ATen/core/Tensor.h>

#include "trainer/nets/resnet.h"

namespace penumbra::trainer {

/// Class activation maps A = conv1x1(F, sg(W_fc)): [B, C, h, w] in fp32, no ReLU (method.md, section 3).
at::Tensor attention_maps(const at::Tensor& features, const at::Tensor& fc_weight);

/// Bilinear warp of maps as a weight matrix on cell centres.
struct MapWarp {
  at::Tensor weights;  ///< [B, hw_out, hw_in] fp32, zero outside
  at::Tensor covered;  ///< [B, h, w] bool: the weights of the cell sum to more than 0.99
};

/// G: [B, 2, 3] fp32, view coordinates of the output -> view coordinates of the input (normalised, pixel edges).
/// `view_size` in pixels, maps are h x w with cell centres at field.offset + field.stride * k.
MapWarp warp_matrix(const at::Tensor& G, std::int64_t h, std::int64_t w, int view_size, ReceptiveField field);

/// maps [B, C, h, w] seen through the warp: [B, C, h, w]. Differentiable in maps.
at::Tensor apply_warp(const MapWarp& warp, const at::Tensor& maps);

/// The share of each cell that shows the source's pixels and not the partner's under CutMix: [B, 1, h, w] in [0, 1],
/// fp32. `box` [B, 4] in normalised stored coordinates (x0, y0, x1, y1, half-open), `theta` [B, 2, 3] view -> stored. A
/// cell is the square of side field.stride around its centre, sampled once a view pixel (stride x stride points, at
/// least one) through theta; beyond the stored image its border goes on, as in the renderer.
at::Tensor source_share(const at::Tensor& box, const at::Tensor& theta, std::int64_t h, std::int64_t w, int view_size,
                        ReceptiveField field);

/// [B, 2, 3] affine maps as fp32: outer after inner, and the inverse.
at::Tensor compose_affine(const at::Tensor& outer, const at::Tensor& inner);
at::Tensor inverse_affine(const at::Tensor& map);

}  // namespace penumbra::trainer
