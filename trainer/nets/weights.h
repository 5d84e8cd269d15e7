#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "comm/flat_parameters.h"

namespace penumbra::trainer {

/// safetensors files: https://huggingface.co/docs/safetensors (8-byte little-endian header length, JSON header, raw
/// data). Tensors (fp32, fp64, fp16, bf16 or int64) are written contiguous in their logical order. Written under
/// `PATH.partial`, fsynced, renamed. Throws std::invalid_argument for other types and double names, data::DataError
/// when writing fails.
void save_safetensors(const std::filesystem::path& path, const std::vector<comm::NamedTensor>& tensors,
                      const std::map<std::string, std::string>& metadata);

struct SafetensorsFile {
  std::vector<comm::NamedTensor> tensors;  ///< on the CPU, contiguous, of the file's types, in the order of the data
  std::map<std::string, std::string> metadata;
};
/// Throws data::DataError naming the file for anything malformed: sizes in the file are never trusted.
SafetensorsFile load_safetensors(const std::filesystem::path& path);

/// Copies into `targets` by name, converting the type. Throws data::DataError, before anything is copied, when a name
/// is missing, left over or of another shape.
void copy_weights(const SafetensorsFile& file, const std::vector<comm::NamedTensor>& targets);

/// "[64, 3, 7, 7]".
std::string shape_text(const at::Tensor& tensor);

}  // namespace penumbra::trainer
