#pragma once

#include <filesystem>
#include <string>

#include "trainer/run_folder.h"

namespace penumbra::trainer {

/// The nets of a run by `from`: "best", "final", the name of a checkpoint - its averaged weights, where there are any
/// -, or empty for the first of these that exists, the newest checkpoint last. Throws ConfigError where there is none,
/// data::DataError where it is damaged.
TrainedModel load_from(const std::filesystem::path& run, const std::string& from);

/// torchvision's model, and where ours differs from it.
std::string architecture(const ResNetOptions& net);

/// Whether the run's validations, which are of the head that predict.head names, are of this net alone: its temperature
/// is for no other.
bool is_validated(const TrainedModel& model, const std::string& net);

/// Writes one net ("original" or "ambiguous") as safetensors with the names and shapes of torchvision's ResNet; the
/// metadata say the architecture, classes, size, normalisation and temperature (1 where none was fitted for this net).
/// Throws ConfigError where the run has no such net, data::DataError where the file cannot be written.
void export_net(TrainedModel& model, const std::string& net, const std::filesystem::path& path);

}  // namespace penumbra::trainer
