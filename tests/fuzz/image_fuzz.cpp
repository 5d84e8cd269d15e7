// A PNG or a JPEG, up to the square that a store or a net takes.
#include "data/error.h"
#include "data/import/image_file.h"
#include "tests/fuzz/fuzz.h"

namespace {

constexpr std::size_t kQuick = 1 << 20;  ///< pixels that are worth resizing here

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace penumbra;
  fuzz::accepts<data::DataError>([&] {
    const data::Image image = data::decode_image({bytes, size}, "face");
    const auto area = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
    fuzz::require(image.channels == 1 || image.channels == 3, "an image is grey or RGB");
    fuzz::require(image.pixels.size() == area * static_cast<std::size_t>(image.channels), "pixels fill the image");
    if (area > kQuick) return;
    fuzz::require(data::resize(data::to_channels(image, 1), 6).pixels.size() == 36, "a face has its size");
  });
  return 0;
}
