#pragma once

#include <string>

#include "trainer/run_folder.h"

namespace penumbra::trainer {

/// Python that gives with PyTorch and safetensors what `penumbra predict` gives: the net, its normalisation, the
/// mirrored face and the temperature, as functions `logits` and `distribution`. `file`: the exported weights' name.
std::string python_code(const TrainedModel& model, const std::string& file);

}  // namespace penumbra::trainer
