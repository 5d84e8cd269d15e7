#pragma once

#include <functional>
#include <string>
#include <vector>

#include <toml++/toml.h>

#include "trainer/config.h"

namespace penumbra::trainer {

/// One key of the configuration, tied to its place in a Config.
struct Field {
  std::string key;      ///< "section.name"
  std::string allowed;  ///< type and range for the user, e.g. "integer, 1 to 1000000"
  std::string meaning;
  std::function<bool(const toml::node&)> set;  ///< false: wrong type or out of range, nothing changed
  std::function<std::string()> value;          ///< the present value in TOML
};

/// All keys, section by section; the only place that lists them. `config` must outlive the result.
std::vector<Field> fields(Config& config);

}  // namespace penumbra::trainer
