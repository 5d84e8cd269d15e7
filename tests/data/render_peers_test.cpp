#include <cmath>
#include <vector>

#include <ATen/ops/affine_grid_generator.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/grid_sampler_2d.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

#include "data/plan/philox.h"
#include "data/render/render_cpu.h"
#include "tests/data/random_set.h"

namespace penumbra::data {
namespace {

using testing::random_set;

std::vector<std::uint8_t> warped(const SampleSet& set, const Affine& theta, int view_size) {
  Recipe recipe;
  recipe.theta = theta;
  std::vector<std::uint8_t> out(static_cast<std::size_t>(view_size) * view_size * set.info.channels);
  render_bytes(stored_pair(set, recipe.source, recipe.partner), recipe, view_size, out);
  return out;
}

void expect_rounded(const std::vector<std::uint8_t>& bytes, const double* peer) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (std::abs(peer[i] - std::floor(peer[i]) - 0.5) < 1e-3) {
      ASSERT_LE(std::abs(bytes[i] - peer[i]), 0.501) << i;
    } else {
      ASSERT_EQ(bytes[i], std::nearbyint(peer[i])) << i;
    }
  }
}

// affine_grid and grid_sample with border padding, in double precision.
TEST(RenderAgainstPyTorch, IsGridSampleOfAffineGrid) {
  Draws draws(1, Purpose::probe, 0, 0);
  for (const int channels : {1, 3}) {
    const int side = 40;
    const auto set = random_set(1, side, channels);
    const auto image =
        at::from_blob(const_cast<std::uint8_t*>(set.pixels.bytes().data()), {1, side, side, channels}, at::kByte)
            .permute({0, 3, 1, 2})
            .to(at::kDouble);
    for (const int view : {40, 25, 64}) {
      for (int trial = 0; trial < 20; ++trial) {
        Affine theta;
        for (float& m : theta.m) m += static_cast<float>(draws.uniform(-0.7, 0.7));
        const auto grid = at::affine_grid_generator(
            at::tensor(at::ArrayRef<float>(theta.m.data(), 6)).to(at::kDouble).view({1, 2, 3}),
            {1, channels, view, view},
            /*align_corners=*/false);
        const auto peer = at::grid_sampler_2d(image, grid, /*bilinear*/ 0, /*border*/ 1, /*align_corners=*/false)
                              .permute({0, 2, 3, 1})
                              .contiguous();
        expect_rounded(warped(set, theta, view), peer.data_ptr<double>());
      }
    }
  }
}

/// A random multiple of 1/32 in [-limit, limit].
double thirty_second(Draws& draws, int limit) {
  return static_cast<double>(static_cast<int>(draws.below(static_cast<std::uint64_t>(64 * limit + 1))) - 32 * limit) /
         32;
}

// cv::remap keeps five bits of a coordinate's fraction, so both are compared where five bits are exact.
TEST(RenderAgainstOpenCv, IsRemapWithReplicatedBorder) {
  Draws draws(2, Purpose::probe, 0, 0);
  const int side = 32;
  for (const int channels : {1, 3}) {
    const auto set = random_set(1, side, channels);
    cv::Mat image;
    cv::Mat(side, side, CV_8UC(channels), const_cast<std::uint8_t*>(set.pixels.bytes().data()))
        .convertTo(image, CV_32F);
    for (int trial = 0; trial < 50; ++trial) {
      const double a = thirty_second(draws, 2), b = thirty_second(draws, 2), c = thirty_second(draws, 20);
      const double d = thirty_second(draws, 2), e = thirty_second(draws, 2), f = thirty_second(draws, 20);
      cv::Mat map_x(side, side, CV_32FC1), map_y(side, side, CV_32FC1), peer;
      for (int y = 0; y < side; ++y) {
        for (int x = 0; x < side; ++x) {
          map_x.at<float>(y, x) = static_cast<float>(a * x + b * y + c);
          map_y.at<float>(y, x) = static_cast<float>(d * x + e * y + f);
        }
      }
      cv::remap(image, peer, map_x, map_y, cv::INTER_LINEAR, cv::BORDER_REPLICATE);
      peer.convertTo(peer, CV_64F);
      // The same map in normalised coordinates: x = (S (u + 1) - 1) / 2.
      const auto shift = [&](double p, double q, double r) {
        return static_cast<float>((2 * r + 1 + (p + q) * (side - 1)) / side - 1);
      };
      const Affine theta{{static_cast<float>(a), static_cast<float>(b), shift(a, b, c), static_cast<float>(d),
                          static_cast<float>(e), shift(d, e, f)}};
      expect_rounded(warped(set, theta, side), peer.ptr<double>());
    }
  }
}

}  // namespace
}  // namespace penumbra::data
