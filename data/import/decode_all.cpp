#include "data/import/decode_all.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "data/error.h"

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

void decode_one(std::span<const std::filesystem::path> files, std::size_t index, const FitImage& fit,
                std::span<std::uint8_t> out, Outcome& outcome) {
  Image image;
  try {
    image = read_image(files[index]);
  } catch (const DataError& error) {
    outcome.bad = error.what();
    return;
  }
  image = fit(image, index);
  if (image.pixels.size() != out.size()) throw std::logic_error("decode_all: an image of another size");
  std::copy(image.pixels.begin(), image.pixels.end(), out.begin());
}

}  // namespace

Decoded decode_all(std::span<const std::filesystem::path> files, std::size_t image_bytes, const FitImage& fit,
                   const ImportOptions& options) {
  Decoded result;
  result.pixels.resize(files.size() * image_bytes);
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
        decode_one(files, i, fit, std::span(result.pixels).subspan(i * image_bytes, image_bytes), outcomes[i]);
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
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (outcomes[i].fatal) std::rethrow_exception(outcomes[i].fatal);
    if (outcomes[i].bad.empty()) {
      const auto from = result.pixels.begin() + static_cast<std::ptrdiff_t>(i * image_bytes);
      if (result.kept.size() != i)
        std::copy_n(from, image_bytes,
                    result.pixels.begin() + static_cast<std::ptrdiff_t>(result.kept.size() * image_bytes));
      result.kept.push_back(i);
    } else if (options.skip_bad) {
      result.bad.push_back(outcomes[i].bad);
    } else {
      throw DataError(outcomes[i].bad + "; mend it, or leave such images out with --skip-bad");
    }
  }
  result.pixels.resize(result.kept.size() * image_bytes);
  return result;
}

}  // namespace penumbra::data
