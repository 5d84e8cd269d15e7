#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace penumbra::data {

struct Point {
  double x = 0, y = 0;
};
using Polyline = std::vector<Point>;

/// Red, green, blue in [0, 1].
struct Colour {
  std::array<float, 3> rgb{};
};
Colour mix(const Colour& a, const Colour& b, double t);  ///< a at t = 0, b at t = 1
Colour scaled(const Colour& colour, double factor);      ///< clamped to [0, 1]
double luma(const Colour& colour);                       ///< ITU-R BT.601

/// `samples` points on the Catmull-Rom spline through `control` (both ends included).
Polyline spline(std::span<const Point> control, int samples);
/// The outline of a brush stroke along `line`, `widths` across (as many as points); a closed polygon.
Polyline stroke_outline(std::span<const Point> line, std::span<const double> widths);

/// The share of each pixel that a polygon covers.
struct Mask {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;  ///< pixels outside [x0, x1) x [y0, y1) are 0
  int size = 0;
  std::vector<float> values;  ///< [size, size]

  float at(int x, int y) const { return values[static_cast<std::size_t>(y) * size + x]; }
};

/// A square float picture, grey or RGB, values nominally in [0, 1]. All coordinates are in pixels, the centre of the
/// first pixel at (.5, .5). Edges are anti-aliased by the exact area that a polygon covers of a pixel.
class Canvas {
 public:
  Canvas(int size, int channels);

  int size() const { return size_; }
  int channels() const { return channels_; }
  std::span<float> values() { return values_; }  ///< [size, size, channels]
  float* pixel(int x, int y) { return values_.data() + (static_cast<std::size_t>(y) * size_ + x) * channels_; }

  Mask coverage(std::span<const Point> polygon) const;
  void fill(std::span<const Point> polygon, const Colour& colour, double alpha = 1);
  void fill(const Mask& mask, const Colour& colour, double alpha = 1);
  /// Only where `clip` lets it through.
  void fill(std::span<const Point> polygon, const Mask& clip, const Colour& colour, double alpha = 1);
  /// Mixes `colour` in along a line, `amount` on it and falling off as a Gaussian of `sigma` pixels.
  void soft_line(std::span<const Point> line, double sigma, const Colour& colour, double amount);
  /// The same around a point, with the axes `along` and `across` (pixels) turned by `angle`.
  void soft_blob(Point centre, double along, double across, double angle, const Colour& colour, double amount);
  /// From here on fills count as foreground, whose share of each pixel foreground() tells.
  void start_foreground();
  float foreground(int x, int y) const { return foreground_[static_cast<std::size_t>(y) * size_ + x]; }
  void blur(double sigma);

 private:
  std::array<float, 3> own(const Colour& colour) const;
  void blend(int x, int y, const std::array<float, 3>& colour, float alpha);

  int size_, channels_;
  std::vector<float> values_;
  std::vector<float> foreground_;  // empty until started
};

}  // namespace penumbra::data
