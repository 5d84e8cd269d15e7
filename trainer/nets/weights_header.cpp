#include "trainer/nets/weights_header.h"

#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

namespace penumbra::trainer {
namespace {

using nlohmann::json;

constexpr const char* kMetadata = "__metadata__";
constexpr std::size_t kMaxDimensions = 32;

constexpr std::array<std::pair<c10::ScalarType, const char*>, 5> kTypes{{{c10::ScalarType::Float, "F32"},
                                                                         {c10::ScalarType::Double, "F64"},
                                                                         {c10::ScalarType::Half, "F16"},
                                                                         {c10::ScalarType::BFloat16, "BF16"},
                                                                         {c10::ScalarType::Long, "I64"}}};

const char* type_name(c10::ScalarType type) {
  for (const auto& [known, name] : kTypes) {
    if (known == type) return name;
  }
  throw std::invalid_argument("tensors of type " + std::string(c10::toString(type)) + " are not written");
}

c10::ScalarType type_of(const std::string& name) {
  for (const auto& [type, known] : kTypes) {
    if (name == known) return type;
  }
  throw std::invalid_argument("has dtype " + name + " (F32, F64, F16, BF16 and I64 are read)");
}

/// nlohmann keeps the last of two equal keys, silently; here it is an error.
json parse_strictly(std::string_view text) {
  std::vector<std::set<std::string>> keys;
  const auto watch = [&keys](int, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second) {
      throw std::invalid_argument("the header names " + value.dump() + " twice");
    }
    return true;
  };
  try {
    return json::parse(text, watch);
  } catch (const json::exception& error) {
    throw std::invalid_argument(std::string("the header is not JSON: ") + error.what());
  }
}

std::uint64_t whole_number(const json& value, const char* what) {
  if (!value.is_number_unsigned()) throw std::invalid_argument(std::string(what) + " is not a whole number");
  return value.get<std::uint64_t>();
}

/// Bytes of the tensor. A zero-sized one must still have strides that fit 63 bits.
std::uint64_t byte_count(const TensorEntry& entry) {
  std::int64_t extent = static_cast<std::int64_t>(c10::elementSize(entry.type));
  bool empty = false;
  for (const std::int64_t size : entry.shape) {
    empty = empty || size == 0;
    if (__builtin_mul_overflow(extent, std::max<std::int64_t>(size, 1), &extent)) {
      throw std::invalid_argument("shape is too large");
    }
  }
  return empty ? 0 : static_cast<std::uint64_t>(extent);
}

std::vector<std::int64_t> shape_of(const json& value) {
  if (!value.is_array() || value.size() > kMaxDimensions) throw std::invalid_argument("shape is not a short list");
  std::vector<std::int64_t> shape;
  for (const json& size : value) {
    const std::uint64_t extent = whole_number(size, "a size");
    if (extent > static_cast<std::uint64_t>(INT64_MAX)) throw std::invalid_argument("shape is too large");
    shape.push_back(static_cast<std::int64_t>(extent));
  }
  return shape;
}

TensorEntry entry_of(const std::string& name, const json& value) {
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
      !value.contains("data_offsets") || !value["dtype"].is_string()) {
    throw std::invalid_argument("needs dtype, shape and data_offsets, and nothing else");
  }
  const json& offsets = value["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2) throw std::invalid_argument("data_offsets are not two numbers");
  TensorEntry entry{name, type_of(value["dtype"].get<std::string>()), shape_of(value["shape"]),
                    whole_number(offsets[0], "an offset"), whole_number(offsets[1], "an offset")};
  if (entry.end < entry.begin || entry.end - entry.begin != byte_count(entry)) {
    throw std::invalid_argument("data_offsets do not fit dtype and shape");
  }
  return entry;
}

std::map<std::string, std::string> metadata_of(const json& value) {
  if (!value.is_object()) throw std::invalid_argument("__metadata__ is not an object");
  std::map<std::string, std::string> out;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) throw std::invalid_argument("__metadata__ holds something that is not text");
    out[key] = text.get<std::string>();
  }
  return out;
}

void check_coverage(const std::vector<TensorEntry>& entries, std::uint64_t data_bytes) {
  std::uint64_t position = 0;
  for (const TensorEntry& entry : entries) {
    if (entry.begin != position) {
      throw std::invalid_argument("tensor \"" + entry.name + "\" begins at byte " + std::to_string(entry.begin) +
                                  " of the data, where " + std::to_string(position) + " is next: gap or overlap");
    }
    position = entry.end;
  }
  if (position != data_bytes) {
    throw std::invalid_argument("the header describes " + std::to_string(position) + " bytes of data, the file has " +
                                std::to_string(data_bytes));
  }
}

}  // namespace

std::string format_header(const WeightsHeader& header) {
  json root = json::object();
  if (!header.metadata.empty()) root[kMetadata] = header.metadata;
  for (const TensorEntry& entry : header.entries) {
    if (entry.name == kMetadata || root.contains(entry.name)) {
      throw std::invalid_argument("two tensors are named \"" + entry.name + "\", or it is a reserved name");
    }
    root[entry.name] = {{"dtype", type_name(entry.type)},
                        {"shape", entry.shape},
                        {"data_offsets", std::array<std::uint64_t, 2>{entry.begin, entry.end}}};
  }
  std::string text;
  try {
    text = root.dump();
  } catch (const json::exception& error) {
    throw std::invalid_argument(std::string("a name or metadata cannot be written: ") + error.what());
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

WeightsHeader parse_header(std::string_view text, std::uint64_t data_bytes) {
  const json root = parse_strictly(text);
  if (!root.is_object()) throw std::invalid_argument("the header is not an object");
  WeightsHeader header;
  for (const auto& [name, value] : root.items()) {
    if (name == kMetadata) {
      header.metadata = metadata_of(value);
      continue;
    }
    try {
      header.entries.push_back(entry_of(name, value));
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument("tensor \"" + name + "\": " + error.what());
    }
  }
  std::sort(header.entries.begin(), header.entries.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  check_coverage(header.entries, data_bytes);
  return header;
}

}  // namespace penumbra::trainer
