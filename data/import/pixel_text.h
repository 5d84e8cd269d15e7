#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace penumbra::data {

/// The images of fer2013.csv: 48 x 48 grey values as text.
inline constexpr int kFer2013Side = 48;
inline constexpr const char* kFer2013PixelsExpected =
    "pixels are not 48x48 numbers from 0 to 255 with one blank between";

/// Appends the 48 x 48 values of a field `pixels`: from 0 to 255, one blank between, row-major. False when the text is
/// anything else; `pixels` may then hold a part of it.
bool append_pixel_text(std::string_view text, std::vector<std::uint8_t>& pixels);

}  // namespace penumbra::data
