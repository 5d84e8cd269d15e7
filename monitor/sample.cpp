#include "monitor/sample.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <string_view>

namespace penumbra::monitor {
namespace {

constexpr std::size_t kLongest = 200;  ///< bytes

bool is_letter_of_run_name(unsigned char c) {
  return std::isalnum(c) != 0 || std::string_view("._-/@:+=, ").find(static_cast<char>(c)) != std::string_view::npos;
}

/// Of UTF-8: U+0080 to U+009F, U+202A to U+202E, U+2066 to U+2069.
bool is_hidden_control(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U; };
  if (byte(0) == 0xc2) return byte(1) >= 0x80 && byte(1) <= 0x9f;
  if (byte(0) != 0xe2) return false;
  return (byte(1) == 0x80 && byte(2) >= 0xaa && byte(2) <= 0xae) ||
         (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9);
}

}  // namespace

std::string name_of(Outcome outcome) {
  static constexpr std::array<const char*, 4> kNames = {"running", "finished", "stopped", "failed"};
  return kNames[static_cast<std::size_t>(outcome)];
}

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool is_run_name(const std::string& text) {
  return !text.empty() && text.size() <= kLongest && std::all_of(text.begin(), text.end(), is_letter_of_run_name);
}

std::string as_run_name(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return !is_letter_of_run_name(c); }, '_');
  return text.size() > kLongest ? text.substr(text.size() - kLongest) : text;
}

bool is_plain(const std::string& text) {
  if (text.size() > kLongest) return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c < 0x20 || c == 0x7f || is_hidden_control(text, at)) return false;
  }
  return true;
}

}  // namespace penumbra::monitor
