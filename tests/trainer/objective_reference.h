#pragma once

#include <cstddef>
#include <vector>

#include "trainer/objective/objective.h"
#include "trainer/objective/objective_options.h"

namespace penumbra::testing {

/// docs/method.md written out in plain doubles: loops over samples, classes and cells, no tensors.
struct ReferenceInput {
  std::size_t batch, classes, features, cells, side;  // maps are cells x cells
  double offset = 0, stride = 1, global_size = 1;
  trainer::Method method{};
  trainer::ObjectiveOptions options{};
  double epoch = 0, epochs = 1;
  std::vector<double> fc_o{}, fc_a{};             // [C, K]
  std::vector<double> lambda{}, weak{}, theta{};  // [B], [B, 2, 3] twice
  std::vector<double> box{};                      // [B, 4]; empty: mixup
  std::vector<double> y{}, Q{}, u{}, n{}, w{};    // of the batch
  std::vector<std::size_t> hard{};
  std::vector<double> class_weight{}, shift{};  // [C] of ClassBalance; empty: none
};

/// What the nets said of a batch, row-major.
struct Said {
  std::vector<double> F_o, F_a, z_o, z_a;
};

struct ReferenceResult {
  double total = 0, ce_original = 0, ce_ambiguous = 0, attention = 0, alignment = 0;
  double correct_original = 0, correct_ambiguous = 0, moved = 0, empty_attention = 0;
  std::vector<double> posterior, divergence;
};

/// `live` is what a gradient sees, `fixed` what stands inside sg(.).
ReferenceResult objective_reference(const ReferenceInput& in, const Said& live, const Said& fixed);

}  // namespace penumbra::testing
