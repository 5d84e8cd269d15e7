#include "data/import/decode_all.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "data/error.h"
#include "data/store/jpeg.h"

namespace penumbra::data {
namespace {

struct Outcome {
  std::string bad;           ///< why the file cannot be decoded; empty: it can
  std::exception_ptr fatal;  ///< why the import cannot go on
};

/// Counts what several threads have decoded and tells how far they are.
class Tally {
 public:
  Tally(const ImportProgress& progress, std::size_t total)
      : progress_(progress), total_(static_cast<std::int64_t>(total)) {
    if (progress_) progress_(0, total_);
  }
  void add_one() {
    if (!progress_) return;
    const std::lock_guard lock(mutex_);
    const std::int64_t before = done_++ * kMostReports / total_;
    if (done_ * kMostReports / total_ > before) progress_(done_, total_);
  }

 private:
  static constexpr std::int64_t kMostReports = 1000;
  const ImportProgress& progress_;
  const std::int64_t total_;
  std::mutex mutex_;
  std::int64_t done_ = 0;
};

/// The images of files, as they are to be stored. put() from several threads, one a file.
class Kept {
 public:
  Kept(std::size_t files, ImageKind kind, Storing storing) : kind_(kind) {
    if (storing == Storing::jpeg) {
      jpegs_ = std::make_shared<JpegRows::Held>(files);
    } else {
      pixels_.resize(files * kind.bytes());
    }
  }

  /// `file`: its bytes, and what they decode to; `image`: what is made of that.
  void put(std::size_t index, std::span<const std::uint8_t> file, const Image& decoded, const Image& image) {
    if (image.width != kind_.side || image.height != kind_.side || image.channels != kind_.channels)
      throw std::logic_error("decode_all: an image of another kind");
    if (!jpegs_) {
      std::copy(image.pixels.begin(), image.pixels.end(), pixels_.begin() + place(index));
      return;
    }
    auto& jpeg = (*jpegs_)[index];
    if (is_jpeg(file) && image == decoded) jpeg = bare_jpeg(file, image);
    if (jpeg.empty()) jpeg = encode_jpeg(image);
  }

  /// Those at `kept`, which rises.
  Images take(std::span<const std::size_t> kept) {
    if (jpegs_) {
      for (std::size_t i = 0; i < kept.size(); ++i) (*jpegs_)[i].swap((*jpegs_)[kept[i]]);
      jpegs_->resize(kept.size());
      return Images({std::make_shared<const JpegRows>(jpegs_, kind_)});
    }
    for (std::size_t i = 0; i < kept.size(); ++i) {
      if (kept[i] != i) std::copy_n(pixels_.begin() + place(kept[i]), kind_.bytes(), pixels_.begin() + place(i));
    }
    pixels_.resize(kept.size() * kind_.bytes());
    return std::move(pixels_);
  }

 private:
  std::ptrdiff_t place(std::size_t index) const { return static_cast<std::ptrdiff_t>(index * kind_.bytes()); }

  ImageKind kind_;
  std::vector<std::uint8_t> pixels_;
  std::shared_ptr<JpegRows::Held> jpegs_;  ///< null: raw
};

void decode_one(const std::filesystem::path& file, std::size_t index, const FitImage& fit, Kept& kept,
                Outcome& outcome) {
  std::vector<std::uint8_t> bytes;
  Image image;
  try {
    bytes = read_image_bytes(file);
    image = decode_image(bytes, file);
  } catch (const DataError& error) {
    outcome.bad = error.what();
    return;
  }
  kept.put(index, bytes, image, fit(image, index));
}

}  // namespace

Decoded decode_all(std::span<const std::filesystem::path> files, ImageKind kind, const FitImage& fit,
                   const ImportOptions& options) {
  Kept kept(files.size(), kind, options.storing);
  std::vector<Outcome> outcomes(files.size());
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> stop = false;
  Tally tally(options.progress, files.size());
  // Files are taken in order and a taken one is finished: the first error in order is found however the threads run.
  const auto work = [&] {
    while (!stop) {
      const std::size_t i = next++;
      if (i >= files.size()) return;
      try {
        decode_one(files[i], i, fit, kept, outcomes[i]);
        tally.add_one();
      } catch (const std::exception&) {
        outcomes[i].fatal = std::current_exception();
      }
      if (outcomes[i].fatal || (!options.skip_bad && !outcomes[i].bad.empty())) stop = true;
    }
  };
  {
    std::vector<std::jthread> threads(std::max(1u, std::thread::hardware_concurrency()));
    for (std::jthread& thread : threads) thread = std::jthread(work);
  }
  Decoded result;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (outcomes[i].fatal) std::rethrow_exception(outcomes[i].fatal);
    if (outcomes[i].bad.empty()) {
      result.kept.push_back(i);
    } else if (options.skip_bad) {
      result.bad.push_back(outcomes[i].bad);
    } else {
      throw DataError(outcomes[i].bad + "; mend it, or leave such images out with --skip-bad");
    }
  }
  result.images = kept.take(result.kept);
  return result;
}

}  // namespace penumbra::data
