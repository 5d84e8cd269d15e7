#include "trainer/field_kinds.h"

#include <regex>

#include <fmt/ranges.h>

namespace penumbra::trainer {
namespace {

template <typename Read>
Field one_text(std::string key, std::string& target, const std::string& kind, std::string meaning, bool may_be_empty,
               Read read) {
  return {std::move(key), kind + (may_be_empty ? "" : ", not empty"), std::move(meaning),
          [&target, may_be_empty, read](const toml::node& node) {
            const std::optional<std::string> value = read(node);
            if (!value || (value->empty() && !may_be_empty)) return false;
            target = *value;
            return true;
          },
          [&target] { return toml_text(target); }};
}

}  // namespace

bool can_be_held(const std::string& text) {
  try {
    return toml::parse("value = " + toml_text(text))["value"].value<std::string>() == text;
  } catch (const toml::parse_error&) {
    return false;
  }
}

bool a_shell_expands(const std::string& path) {
  static const std::regex kExpanded(R"(~.*|.*\$[A-Za-z_{].*)");
  return std::regex_match(path, kExpanded);
}

std::string toml_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string range_text(const char* type, double low, double high) {
  if (low == -kInfinity && high == kInfinity) return type;
  if (high == kInfinity) return fmt::format("{}, at least {}", type, low);
  return fmt::format("{}, {} to {}", type, low, high);
}

std::string real_text(double value) {
  std::string text = fmt::format("{}", value);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

Field flag(std::string key, bool& target, std::string meaning) {
  return {std::move(key), "true or false", std::move(meaning),
          [&target](const toml::node& node) {
            if (!node.is_boolean()) return false;
            target = *node.value<bool>();
            return true;
          },
          [&target] { return std::string(target ? "true" : "false"); }};
}

std::optional<std::string> read_text(const toml::node& node) {
  const auto value = node.value_exact<std::string>();
  return value && can_be_held(*value) ? value : std::nullopt;
}

std::optional<std::string> read_path(const toml::node& node) {
  const auto value = read_text(node);
  return value && !a_shell_expands(*value) ? value : std::nullopt;
}

Field text(std::string key, std::string& target, std::string meaning, bool may_be_empty) {
  return one_text(std::move(key), target, "text", std::move(meaning), may_be_empty, read_text);
}

Field path(std::string key, std::string& target, std::string meaning, bool may_be_empty) {
  return one_text(std::move(key), target, "path", std::move(meaning), may_be_empty, read_path);
}

Field integer_choice(std::string key, int& target, std::vector<int> choices, std::string meaning) {
  return {std::move(key), fmt::format("one of {}", fmt::join(choices, ", ")), std::move(meaning),
          [&target, choices](const toml::node& node) {
            const auto value = node.value_exact<std::int64_t>();
            if (!value || std::find(choices.begin(), choices.end(), *value) == choices.end()) return false;
            target = static_cast<int>(*value);
            return true;
          },
          [&target] { return std::to_string(target); }};
}

Field text_table(std::string key, std::map<std::string, std::string>& target, std::string allowed,
                 std::string meaning) {
  return {std::move(key), std::move(allowed), std::move(meaning),
          [&target](const toml::node& node) {
            if (!node.is_table()) return false;
            std::map<std::string, std::string> values;
            for (const auto& [name, content] : *node.as_table()) {
              const auto value = content.value_exact<std::string>();
              if (!value) return false;
              values.emplace(name.str(), *value);
            }
            target = std::move(values);
            return true;
          },
          [&target] {
            std::string out;
            for (const auto& [name, value] : target)
              out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", toml_text(name), toml_text(value));
            return "{" + out + "}";
          }};
}

}  // namespace penumbra::trainer
