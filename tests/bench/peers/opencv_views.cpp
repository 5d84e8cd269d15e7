// Views a second of one core with OpenCV's own operations on bytes: a peer of `penumbra bench data`.
// Usage: opencv_views SECONDS 48x1 100x3 ...; prints one JSON object.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace {

constexpr double kMean = 0.5, kDeviation = 0.25;

class Views {
 public:
  Views(int size, int channels) : size_(size), channels_(channels) {
    const int rows = std::max(128, (16 << 20) / (size * size * channels));
    for (int i = 0; i < rows; ++i) {
      images_.emplace_back(size, size, CV_8UC(channels));
      random_.fill(images_.back(), cv::RNG::UNIFORM, 0, 256);
    }
  }

  void weak() {
    warp(next(), 0, 1, 0.06);
    view_.convertTo(view_, -1, random_.uniform(0.9, 1.1), 255 * random_.uniform(-0.1, 0.1));
    normalise();
  }

  void ambiguous() {
    const double share = random_.uniform(0.0, 1.0), weight = std::max(share, 1 - share);
    const cv::Mat& source = next();
    const cv::Mat& partner = images_[static_cast<std::size_t>(random_.uniform(0, static_cast<int>(images_.size())))];
    cv::addWeighted(source, weight, partner, 1 - weight, 0, mixed_);
    warp(mixed_, random_.uniform(-10.0, 10.0), random_.uniform(0.9, 1.1), 0.05);
    const double contrast = random_.uniform(0.7, 1.3);
    view_.convertTo(view_, -1, contrast, 127.5 * (1 - contrast) + 255 * random_.uniform(-0.3, 0.3));
    if (channels_ == 3) saturate();
    if (random_.uniform(0.0, 1.0) < 0.5) erase();
    normalise();
  }

 private:
  const cv::Mat& next() { return images_[row_++ % images_.size()]; }

  void warp(const cv::Mat& from, double degrees, double scale, double shift) {
    const double middle = (size_ - 1) / 2.0;
    cv::Mat map =
        cv::getRotationMatrix2D(cv::Point2f(static_cast<float>(middle), static_cast<float>(middle)), degrees, scale);
    if (random_.uniform(0.0, 1.0) < 0.5) {
      map.at<double>(0, 2) += (size_ - 1) * map.at<double>(0, 0);
      map.at<double>(1, 2) += (size_ - 1) * map.at<double>(1, 0);
      map.at<double>(0, 0) *= -1;
      map.at<double>(1, 0) *= -1;
    }
    map.at<double>(0, 2) += size_ * random_.uniform(-shift, shift);
    map.at<double>(1, 2) += size_ * random_.uniform(-shift, shift);
    cv::warpAffine(from, view_, map, {size_, size_}, cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  }

  void saturate() {
    cv::cvtColor(view_, grey_, cv::COLOR_RGB2GRAY);
    cv::cvtColor(grey_, grey3_, cv::COLOR_GRAY2RGB);
    const double factor = random_.uniform(0.0, 1.0) < 0.1 ? 0 : random_.uniform(0.7, 1.3);
    cv::addWeighted(view_, factor, grey3_, 1 - factor, 0, view_);
  }

  void erase() {
    const double area = random_.uniform(0.02, 0.25) * size_ * size_;
    const double aspect = std::exp(random_.uniform(std::log(0.3), std::log(3.3)));
    const int width = std::clamp(static_cast<int>(std::lround(std::sqrt(area / aspect))), 1, size_);
    const int height = std::clamp(static_cast<int>(std::lround(std::sqrt(area * aspect))), 1, size_);
    cv::Mat part =
        view_(cv::Rect(random_.uniform(0, size_ - width + 1), random_.uniform(0, size_ - height + 1), width, height));
    random_.fill(part, cv::RNG::UNIFORM, 0, 256);
  }

  void normalise() { view_.convertTo(out_, CV_32F, 1 / (255 * kDeviation), -kMean / kDeviation); }

  int size_, channels_;
  std::vector<cv::Mat> images_;
  std::size_t row_ = 0;
  cv::RNG random_{1};
  cv::Mat mixed_, view_, grey_, grey3_, out_;
};

double rate(int size, int channels, double seconds) {
  using Clock = std::chrono::steady_clock;
  Views views(size, channels);
  const auto start = Clock::now();
  double made = 0, taken = 0;
  do {
    for (int i = 0; i < 16; ++i) {
      views.weak();
      views.ambiguous();
    }
    made += 32;
    taken = std::chrono::duration<double>(Clock::now() - start).count();
  } while (taken < seconds);
  return made / taken;
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) return std::fprintf(stderr, "usage: opencv_views SECONDS 48x1 ...\n"), 2;
  cv::setNumThreads(0);
  std::printf("{\"views\": [");
  for (int i = 2; i < count; ++i) {
    int size = 0, channels = 0;
    if (std::sscanf(words[i], "%dx%d", &size, &channels) != 2) return 2;
    std::printf("%s{\"image\": \"%s\", \"views_per_second\": %.1f}", i > 2 ? ", " : "", words[i],
                rate(size, channels, std::atof(words[1])));
  }
  std::printf("]}\n");
  return 0;
}
