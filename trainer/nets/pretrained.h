#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "trainer/nets/weights.h"

namespace penumbra::trainer {

struct PretrainedOptions;

/// A tensor's name, and what became of it.
struct TransferNote {
  std::string name, what;
};

/// What of a file goes into a net, and an account of the rest.
struct Pretrained {
  std::vector<comm::NamedTensor> tensors;  ///< what is loaded: the net's names and shapes, fp32, on the CPU
  std::vector<TransferNote> converted;     ///< of these, those whose shape was another one
  std::vector<TransferNote> initial;       ///< of the net, left as they were initialised
  std::vector<TransferNote> unused;        ///< of the file
  std::int64_t parameters = 0, of = 0;     ///< trainable values that are loaded, and that the net has
};

/// A name of a file as the net would have it: the longest of the prefixes that it starts with is replaced.
std::string mapped_name(const std::string& name, const std::map<std::string, std::string>& prefixes);

/// Chooses what of `file` goes into a net with these tensors, its first convolution first and `classes` in this order:
///   - what has the same name, once mapped, and the same shape, in any floating type;
///   - the first convolution also where it takes three channels and the net one: summed over them, so that a grey face
///     gives what three equal channels gave; where it takes one and the net three: a third of it for each;
///   - the head (fc) whole or not at all, and not where the file's metadata name other classes, or another order.
/// Throws std::invalid_argument where nothing fits, or two names of the file become one of the net, data::DataError
/// where a value is not finite.
Pretrained fit_pretrained(const SafetensorsFile& file, const PretrainedOptions& options,
                          const std::vector<comm::NamedTensor>& net, const std::vector<std::string>& classes);

/// The whole account.
nlohmann::json to_json(const Pretrained& pretrained);
/// The same as a table for a console, a few names a row.
std::vector<std::string> account(const Pretrained& pretrained);

}  // namespace penumbra::trainer
