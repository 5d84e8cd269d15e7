#pragma once

#include <string_view>

#include "data/import/image_file.h"

namespace penumbra::data {

inline constexpr int kGlyphHeight = 7;   ///< dots
inline constexpr int kGlyphAdvance = 6;  ///< dots from a character to the next one: five wide, one between

/// Characters of UTF-8 text, which is what is drawn of it.
int characters_of(std::string_view text);

/// Draws text in black, a dot as dot x dot pixels, with its upper left corner at (x, y). Letters A to Z (small ones as
/// capitals), digits and " -._+/&" have a glyph; anything else is a box. What lies outside the image is left out.
void draw_text(std::string_view text, int dot, int x, int y, Image& image);

}  // namespace penumbra::data
