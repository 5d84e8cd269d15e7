#include "data/import/image_file.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include <png.h>
#include <turbojpeg.h>

#include "data/error.h"

namespace penumbra::data {
namespace {

namespace fs = std::filesystem;
using Bytes = std::span<const std::uint8_t>;

constexpr std::uint64_t kMostPixels = 64ull << 20;

[[noreturn]] void fail(const fs::path& path, const std::string& what) { throw DataError(path.string() + ": " + what); }

std::vector<std::uint8_t> read_bytes(const fs::path& path) {
  if (!fs::is_regular_file(path)) fail(path, fs::exists(path) ? "is not a file" : "no such file");
  std::ifstream in(path, std::ios::binary);
  if (!in) fail(path, std::string("cannot open: ") + std::strerror(errno));
  std::vector<std::uint8_t> bytes(fs::file_size(path));
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (in.gcount() != static_cast<std::streamsize>(bytes.size())) fail(path, "cannot read it whole");
  return bytes;
}

void check_dimensions(const fs::path& path, std::uint64_t width, std::uint64_t height) {
  if (width == 0 || height == 0 || width > kMostPixels / height) {
    fail(path, "is " + std::to_string(width) + "x" + std::to_string(height) + " pixels; at most 64 Mpixel are read");
  }
}

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
  check_dimensions(path, png.width, png.height);
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

Image decode_jpeg(const fs::path& path, Bytes bytes) {
  const std::unique_ptr<void, decltype(&tjDestroy)> jpeg(tjInitDecompress(), &tjDestroy);
  if (!jpeg) fail(path, "cannot start the JPEG decoder");
  const auto corrupt = [&] { fail(path, std::string("corrupt JPEG: ") + tjGetErrorStr2(jpeg.get())); };
  int width = 0, height = 0, subsampling = 0, colours = 0;
  if (tjDecompressHeader3(jpeg.get(), bytes.data(), bytes.size(), &width, &height, &subsampling, &colours)) corrupt();
  check_dimensions(path, static_cast<std::uint64_t>(width), static_cast<std::uint64_t>(height));
  const bool grey = colours == TJCS_GRAY;
  Image image{width, height, grey ? 1 : 3, {}};
  image.pixels.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * (grey ? 1 : 3));
  // A warning is an error here: after one, libjpeg fills what it could not read with grey.
  if (tjDecompress2(jpeg.get(), bytes.data(), bytes.size(), image.pixels.data(), width, 0, height,
                    grey ? TJPF_GRAY : TJPF_RGB, TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT)) {
    corrupt();
  }
  return image;
}

}  // namespace

Image decode_image(Bytes bytes, const fs::path& name) {
  if (starts_with(bytes, {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'})) return decode_png(name, bytes);
  if (starts_with(bytes, {0xff, 0xd8, 0xff})) return decode_jpeg(name, bytes);
  fail(name, bytes.empty() ? "is empty" : "is neither a PNG nor a JPEG");
}

Image read_image(const fs::path& path) { return decode_image(read_bytes(path), path); }

void write_png(const fs::path& path, const Image& image) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = image.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  const std::unique_ptr<png_image, decltype(&png_image_free)> owner(&png, &png_image_free);
  if (image.pixels.size() != PNG_IMAGE_SIZE(png)) fail(path, "the image's pixels do not fit its size");
  if (!png_image_write_to_file(&png, path.c_str(), 0, image.pixels.data(), 0, nullptr))
    fail(path, std::string("cannot write: ") + png.message);
}

}  // namespace penumbra::data
