#pragma once

#include <cstdint>

#include "data/import/image_file.h"
#include "data/store/sample_set.h"

namespace penumbra::data {

/// A white image.
Image blank(int width, int height, int channels);

/// Copies `from` into `to`, which has as many channels, with its upper left corner at (x, y) and zoom x zoom pixels a
/// pixel. All of it must lie inside.
void paste(const Image& from, int zoom, int x, int y, Image& to);

inline constexpr int kBandGap = 12;  ///< pixels between the bands of two classes

/// A sheet that shows what the classes of a set look like: in the order of the classes, a band of `rows` times
/// `columns` faces each, its name to the left. The faces are spread evenly over the class, in the order of the set,
/// along the rows; a class with fewer of them leaves places white. A face is shown 96 to 192 pixels wide: a smaller one
/// as many times as large as that takes, a larger one shrunk to 192. The faces reach to the right and lower edges.
/// Reads only the images that it shows; throws DataError where a file cannot be read.
Image contact_sheet(const SampleSet& set, int columns, int rows);

}  // namespace penumbra::data
