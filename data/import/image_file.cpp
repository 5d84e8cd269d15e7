#include "data/import/image_file.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

#include <png.h>

#include "data/error.h"
#include "data/import/exif.h"
#include "data/store/jpeg.h"

namespace penumbra::data {
namespace {

namespace fs = std::filesystem;
using Bytes = std::span<const std::uint8_t>;

bool starts_with(Bytes bytes, std::initializer_list<int> magic) {
  return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

/// Walks the chunks to the end mark, which libpng does not ask for once it has all rows.
bool has_png_end(Bytes bytes) {
  std::size_t at = 8;
  while (bytes.size() - at >= 12) {
    const std::uint64_t length =
        (std::uint64_t{bytes[at]} << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    if (length > bytes.size() - at - 12) return false;
    if (std::memcmp(&bytes[at + 4], "IEND", 4) == 0) return true;
    at += length + 12;
  }
  return false;
}

std::vector<std::uint8_t> without_alpha(const std::vector<std::uint8_t>& from, std::size_t colours) {
  std::vector<std::uint8_t> to;
  to.reserve(from.size() / (colours + 1) * colours);
  for (std::size_t at = 0; at < from.size(); at += colours + 1) {
    const auto pixel = from.begin() + static_cast<std::ptrdiff_t>(at);
    to.insert(to.end(), pixel, pixel + static_cast<std::ptrdiff_t>(colours));
  }
  return to;
}

Image decode_png(const fs::path& path, Bytes bytes) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  const std::unique_ptr<png_image, decltype(&png_image_free)> owner(&png, &png_image_free);
  const auto corrupt = [&] { fail(path, std::string("corrupt PNG: ") + png.message); };
  if (!png_image_begin_read_from_memory(&png, bytes.data(), bytes.size())) corrupt();
  check_dimensions(path.string(), png.width, png.height);
  if (!has_png_end(bytes)) fail(path, "corrupt PNG: it ends too early");
  const bool colour = png.format & PNG_FORMAT_FLAG_COLOR, alpha = png.format & PNG_FORMAT_FLAG_ALPHA;
  // Asked for RGB, libpng would blend a transparent image with a background; alpha is dropped below instead.
  png.format = (colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY) | (alpha ? PNG_FORMAT_FLAG_ALPHA : 0);
  png.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // otherwise 16 bits without gAMA are taken for linear light
  Image image{static_cast<int>(png.width), static_cast<int>(png.height), colour ? 3 : 1, {}};
  image.pixels.resize(PNG_IMAGE_SIZE(png));
  if (!png_image_finish_read(&png, nullptr, image.pixels.data(), 0, nullptr)) corrupt();
  if (alpha) image.pixels = without_alpha(image.pixels, static_cast<std::size_t>(image.channels));
  return image;
}

png_image description_of(const Image& image) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = image.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  return png;
}

}  // namespace

bool has_image_ending(const fs::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

Image decode_image(Bytes bytes, const fs::path& name) {
  if (starts_with(bytes, {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'})) return decode_png(name, bytes);
  if (is_jpeg(bytes)) return upright(decode_jpeg(bytes, name.string()), exif_orientation(bytes));
  fail(name, bytes.empty() ? "is empty" : "is neither a PNG nor a JPEG");
}

std::vector<std::uint8_t> read_image_bytes(const fs::path& path) {
  if (!fs::is_regular_file(path)) fail(path, fs::exists(path) ? "is not a file" : "no such file");
  std::ifstream in(path, std::ios::binary);
  if (!in) fail(path, std::string("cannot open: ") + std::strerror(errno));
  std::vector<std::uint8_t> bytes(fs::file_size(path));
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (in.gcount() != static_cast<std::streamsize>(bytes.size())) fail(path, "cannot read it whole");
  return bytes;
}

Image read_image(const fs::path& path) { return decode_image(read_image_bytes(path), path); }

void write_png(const fs::path& path, const Image& image) {
  png_image png = description_of(image);
  const std::unique_ptr<png_image, decltype(&png_image_free)> owner(&png, &png_image_free);
  if (image.pixels.size() != PNG_IMAGE_SIZE(png)) fail(path, "the image's pixels do not fit its size");
  if (!png_image_write_to_file(&png, path.c_str(), 0, image.pixels.data(), 0, nullptr))
    fail(path, std::string("cannot write: ") + png.message);
}

std::vector<std::uint8_t> encode_png(const Image& image) {
  png_image png = description_of(image);
  const std::unique_ptr<png_image, decltype(&png_image_free)> owner(&png, &png_image_free);
  if (image.pixels.size() != PNG_IMAGE_SIZE(png))
    throw std::invalid_argument("encode_png: the image's pixels do not fit its size");
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::vector<std::uint8_t> bytes(size);
  if (!png_image_write_to_memory(&png, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr))
    throw std::runtime_error(std::string("encode_png: ") + png.message);
  bytes.resize(size);
  return bytes;
}

}  // namespace penumbra::data
