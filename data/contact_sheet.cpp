#include "data/contact_sheet.h"

#include <algorithm>
#include <cstring>

#include "data/bitmap_text.h"
#include "data/plan/class_rows.h"

namespace penumbra::data {
namespace {

constexpr int kSmallFace = 96, kLargeFace = 192;  ///< pixels on the sheet
constexpr int kMargin = 8;                        ///< pixels beside a name

/// As they are shown: images of `side` pixels, each zoomed.
struct Scale {
  int side, zoom;
  int cell() const { return side * zoom; }
  int dot() const { return cell() / 48; }  ///< of a name
};

Scale scale_of(int image_size) {
  if (image_size > kLargeFace) return {kLargeFace, 1};
  return {image_size, (kSmallFace + image_size - 1) / image_size};
}

int width_of_names(const std::vector<std::string>& classes, int dot) {
  int longest = 0;
  for (const std::string& name : classes) longest = std::max(longest, characters_of(name));
  return longest * kGlyphAdvance * dot + 2 * kMargin;
}

/// At most `most` of the rows, evenly spread.
std::vector<std::int64_t> spread(const std::vector<std::int64_t>& rows, std::size_t most) {
  const std::size_t count = std::min(rows.size(), most);
  std::vector<std::int64_t> some(count);
  for (std::size_t i = 0; i < count; ++i) some[i] = rows[i * rows.size() / count];
  return some;
}

/// Row of a set as an image of `side` pixels.
Image face(const SampleSet& set, std::int64_t row, int side) {
  const Image image = image_of_row(set, row);
  return side == image.width ? image : resize(image, side);
}

}  // namespace

Image blank(int width, int height, int channels) {
  const std::size_t pixels = static_cast<std::size_t>(width) * height;
  return {width, height, channels, std::vector<std::uint8_t>(pixels * channels, 255)};
}

void paste(const Image& from, int zoom, int x, int y, Image& to) {
  const std::size_t channels = from.channels;
  for (int row = 0; row < from.height * zoom; ++row) {
    const std::uint8_t* in = from.pixels.data() + static_cast<std::size_t>(row / zoom) * from.width * channels;
    std::uint8_t* out = to.pixels.data() + (static_cast<std::size_t>(y + row) * to.width + x) * channels;
    for (int column = 0; column < from.width * zoom; ++column)
      std::memcpy(out + column * channels, in + column / zoom * channels, channels);
  }
}

Image contact_sheet(const SampleSet& set, int columns, int rows) {
  const Scale scale = scale_of(set.info.image_size);
  const int left = width_of_names(set.info.classes, scale.dot()), classes = static_cast<int>(set.classes());
  const int band = rows * scale.cell(), step = band + kBandGap;
  Image sheet = blank(left + columns * scale.cell(), classes * step - kBandGap, set.info.channels);
  auto rows_of_class = rows_by_class(set.labels);
  rows_of_class.resize(set.info.classes.size());
  for (int c = 0; c < classes; ++c) {
    draw_text(set.info.classes[c], scale.dot(), kMargin, c * step + (band - kGlyphHeight * scale.dot()) / 2, sheet);
    const auto shown = spread(rows_of_class[c], static_cast<std::size_t>(columns) * rows);
    for (int i = 0; i < static_cast<int>(shown.size()); ++i) {
      const int x = left + i % columns * scale.cell(), y = c * step + i / columns * scale.cell();
      paste(face(set, shown[i], scale.side), scale.zoom, x, y, sheet);
    }
  }
  return sheet;
}

}  // namespace penumbra::data
