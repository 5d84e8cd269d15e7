#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "comm/flat_parameters.h"

namespace penumbra::trainer {

/// safetensors files: https://huggingface.co/docs/safetensors (8-byte little-endian header length, JSON header, raw data). Tensors are
/// written contiguous in their logical order. Written under a temporary name, fsynced, renamed.
void save_safetensors(const std::filesystem::path& path, const std::vector<comm::NamedTensor>& tensors,
                      const std::map<std::string, std::string>& metadata);

struct SafetensorsFile {
  std::vector<comm::NamedTensor> tensors;
  std::map<std::string, std::string> metadata;
};
/// Throws data::DataError naming the file for anything malformed: sizes in the file are never trusted.
SafetensorsFile load_safetensors(const std::filesystem::path& path);

/// Copies into `targets` by name. Throws data::DataError when a name is missing, left over or of another shape.
void copy_weights(const SafetensorsFile& file, const std::vector<comm::NamedTensor>& targets);

}  // namespace penumbra::trainer
