#include "data/import/pixel_text.h"

#include <charconv>

namespace penumbra::data {

bool append_pixel_text(std::string_view text, std::vector<std::uint8_t>& pixels) {
  const char *at = text.data(), *const end = at + text.size();
  for (int i = 0; i < kFer2013Side * kFer2013Side; ++i) {
    if (i > 0 && (at == end || *at++ != ' ')) return false;
    std::uint8_t value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc()) return false;
    pixels.push_back(value);
    at = next;
  }
  return at == end;
}

}  // namespace penumbra::data
