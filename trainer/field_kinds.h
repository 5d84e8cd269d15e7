#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "trainer/config_fields.h"

// The kinds of values that a key of the configuration can have, each tied to its place in a Config.
namespace penumbra::trainer {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Whether config.toml can hold it: one line of UTF-8 without control characters.
bool can_be_held(const std::string& text);
/// Whether it begins with ~ or has $NAME or ${NAME} in it.
bool a_shell_expands(const std::string& path);
/// As TOML writes it.
std::string toml_text(const std::string& text);
std::string real_text(double value);
/// "integer, 1 to 8" for the user.
std::string range_text(const char* type, double low, double high);

Field flag(std::string key, bool& target, std::string meaning);
Field text(std::string key, std::string& target, std::string meaning, bool may_be_empty = false);
/// A text that names a file or a folder.
Field path(std::string key, std::string& target, std::string meaning, bool may_be_empty = false);
/// A text of a list; nothing where it is none that a configuration can hold.
std::optional<std::string> read_text(const toml::node& node);
/// A path of a list; nothing also where a shell would expand it.
std::optional<std::string> read_path(const toml::node& node);
Field integer_choice(std::string key, int& target, std::vector<int> choices, std::string meaning);
/// A table of texts by texts.
Field text_table(std::string key, std::map<std::string, std::string>& target, std::string allowed, std::string meaning);

/// Of an integral or a floating type, from `low` to `high`.
template <typename T>
Field number(std::string key, T& target, double low, double high, std::string meaning) {
  constexpr bool kInteger = std::is_integral_v<T>;
  Field field{std::move(key), range_text(kInteger ? "integer" : "number", low, high), std::move(meaning), {}, {}};
  field.set = [&target, low, high](const toml::node& node) {
    const auto value = kInteger ? (node.is_integer() ? node.value<double>() : std::nullopt) : node.value<double>();
    if (!value || !(*value >= low && *value <= high)) return false;
    if constexpr (kInteger) {
      target = static_cast<T>(*node.value<std::int64_t>());
    } else {
      target = static_cast<T>(*value);
    }
    return true;
  };
  field.value = [&target] {
    if constexpr (kInteger) {
      return fmt::format("{}", target);
    } else if constexpr (std::is_same_v<T, float>) {
      return real_text(std::stod(fmt::format("{}", target)));  // shortest decimal of the float, not of its double
    } else {
      return real_text(target);
    }
  };
  return field;
}

/// What users write for one of a few values.
template <typename T>
std::string name_in(const std::vector<std::pair<std::string, T>>& names, T value) {
  return std::find_if(names.begin(), names.end(), [&](const auto& item) { return item.second == value; })->first;
}

template <typename T>
Field choice(std::string key, T& target, const std::vector<std::pair<std::string, T>>& choices, std::string meaning) {
  std::string allowed;
  for (const auto& [name, unused] : choices) allowed += (allowed.empty() ? "" : ", ") + toml_text(name);
  return {std::move(key), "one of " + allowed, std::move(meaning),
          [&target, choices](const toml::node& node) {
            const auto value = node.is_string() ? node.value<std::string>() : std::nullopt;
            const auto found =
                std::find_if(choices.begin(), choices.end(), [&](const auto& c) { return value == c.first; });
            if (found == choices.end()) return false;
            target = found->second;
            return true;
          },
          [&target, choices] { return toml_text(name_in(choices, target)); }};
}

/// `read` makes a value of a node, or nothing; `write` makes TOML of a value.
template <typename T, typename Read, typename Write>
Field list(std::string key, std::vector<T>& target, std::string allowed, std::string meaning, Read read, Write write) {
  return {std::move(key), std::move(allowed), std::move(meaning),
          [&target, read](const toml::node& node) {
            if (!node.is_array()) return false;
            std::vector<T> values;
            for (const toml::node& element : *node.as_array()) {
              const auto value = read(element);
              if (!value) return false;
              values.push_back(*value);
            }
            target = std::move(values);
            return true;
          },
          [&target, write] {
            std::string out = "[";
            for (const T& value : target) out += (out.size() > 1 ? ", " : "") + write(value);
            return out + "]";
          }};
}

}  // namespace penumbra::trainer
