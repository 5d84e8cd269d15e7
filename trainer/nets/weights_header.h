#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <c10/core/ScalarType.h>

namespace penumbra::trainer {

/// One tensor as a safetensors header describes it.
struct TensorEntry {
  std::string name;
  c10::ScalarType type = c10::ScalarType::Float;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;  ///< bytes, in the data after the header
};

struct WeightsHeader {
  std::vector<TensorEntry> entries;
  std::map<std::string, std::string> metadata;
};

/// The JSON text, padded with spaces to a multiple of 8 bytes. Throws std::invalid_argument for types that are not
/// written, double names and text that is not UTF-8.
std::string format_header(const WeightsHeader& header);

/// Reads the JSON text of a header over `data_bytes` bytes of data. Entries come back in the order of the data, which
/// they cover without gap or overlap. Throws std::invalid_argument saying what is wrong.
WeightsHeader parse_header(std::string_view text, std::uint64_t data_bytes);

}  // namespace penumbra::trainer
