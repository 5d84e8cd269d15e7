#include "data/store/jpeg.h"

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>

#include <turbojpeg.h>

#include "data/error.h"

namespace penumbra::data {
namespace {

using Bytes = std::span<const std::uint8_t>;
using Codec = std::unique_ptr<void, decltype(&tjDestroy)>;

constexpr std::uint64_t kMostPixels = 64ull << 20;
constexpr int kQuality = 95;

/// An opened JPEG whose header is read.
class Decoder {
 public:
  Decoder(Bytes bytes, const std::string& name) : bytes_(bytes), name_(name), codec_(tjInitDecompress(), &tjDestroy) {
    if (!codec_) fail(name, "cannot start the JPEG decoder");
    int subsampling = 0, colours = 0;
    if (tjDecompressHeader3(codec_.get(), bytes.data(), bytes.size(), &width, &height, &subsampling, &colours))
      corrupt();
    check_dimensions(name, static_cast<std::uint64_t>(width), static_cast<std::uint64_t>(height));
    channels = colours == TJCS_GRAY ? 1 : 3;
  }
  void decode(std::uint8_t* out) {
    if (tjDecompress2(codec_.get(), bytes_.data(), bytes_.size(), out, width, 0, height,
                      channels == 1 ? TJPF_GRAY : TJPF_RGB, TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT))
      corrupt();
  }

  int width = 0, height = 0, channels = 0;

 private:
  [[noreturn]] void corrupt() { fail(name_, std::string("corrupt JPEG: ") + tjGetErrorStr2(codec_.get())); }

  Bytes bytes_;
  const std::string& name_;
  Codec codec_;
};

/// A buffer that libjpeg-turbo has allocated.
struct Buffer {
  Buffer() = default;
  ~Buffer() { tjFree(bytes); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  std::vector<std::uint8_t> copy() const { return {bytes, bytes + size}; }

  unsigned char* bytes = nullptr;
  unsigned long size = 0;
};

}  // namespace

bool is_jpeg(Bytes bytes) {
  constexpr std::array<std::uint8_t, 3> kMagic = {0xff, 0xd8, 0xff};
  return bytes.size() >= kMagic.size() && std::equal(kMagic.begin(), kMagic.end(), bytes.begin());
}

void check_dimensions(const std::string& name, std::uint64_t width, std::uint64_t height) {
  if (width == 0 || height == 0 || width > kMostPixels / height) {
    fail(name, "is " + std::to_string(width) + "x" + std::to_string(height) + " pixels; at most 64 Mpixel are read");
  }
}

Image decode_jpeg(Bytes bytes, const std::string& name) {
  Decoder decoder(bytes, name);
  Image image{decoder.width, decoder.height, decoder.channels, {}};
  image.pixels.resize(static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height) *
                      static_cast<std::size_t>(image.channels));
  decoder.decode(image.pixels.data());
  return image;
}

void decode_jpeg(Bytes bytes, int side, int channels, const std::string& name, std::uint8_t* out) {
  Decoder decoder(bytes, name);
  if (decoder.width != side || decoder.height != side || decoder.channels != channels) {
    fail(name, "is " + std::to_string(decoder.width) + "x" + std::to_string(decoder.height) + " pixels of " +
                   std::to_string(decoder.channels) + " channels, not " + std::to_string(side) + "x" +
                   std::to_string(side) + " of " + std::to_string(channels));
  }
  decoder.decode(out);
}

std::vector<std::uint8_t> encode_jpeg(const Image& image) {
  const Codec codec(tjInitCompress(), &tjDestroy);
  Buffer out;
  const bool grey = image.channels == 1;
  if (!codec || tjCompress2(codec.get(), image.pixels.data(), image.width, 0, image.height, grey ? TJPF_GRAY : TJPF_RGB,
                            &out.bytes, &out.size, grey ? TJSAMP_GRAY : TJSAMP_444, kQuality, TJFLAG_ACCURATEDCT))
    throw std::runtime_error(std::string("cannot encode a JPEG: ") + tjGetErrorStr2(codec.get()));
  return out.copy();
}

std::vector<std::uint8_t> bare_jpeg(Bytes bytes, const Image& picture) {
  const Codec codec(tjInitTransform(), &tjDestroy);
  Buffer out;
  tjtransform transform{};
  transform.op = TJXOP_NONE;
  transform.options = TJXOPT_COPYNONE;
  if (!codec || tjTransform(codec.get(), bytes.data(), bytes.size(), 1, &out.bytes, &out.size, &transform, 0))
    return {};
  try {
    if (decode_jpeg(out.copy(), "without marks") == picture) return out.copy();
  } catch (const DataError&) {
    return {};
  }
  return {};
}

}  // namespace penumbra::data
