#include "data/synth/canvas.h"

#include <algorithm>
#include <cmath>

namespace penumbra::data {
namespace {

// Adds the signed area that lies to the right of an edge, as differences along each row, so that a running sum gives
// the covered share of each pixel (Levien, font-rs; also stb_truetype v2).
class AreaAccumulator {
 public:
  explicit AreaAccumulator(Mask& mask) : mask_(mask), row_(static_cast<std::size_t>(mask.size) + 2) {}

  void add_edge(Point a, Point b, float* sums) {
    if (a.y == b.y) return;
    const double direction = a.y < b.y ? 1 : -1;
    if (direction < 0) std::swap(a, b);
    const double slope = (b.x - a.x) / (b.y - a.y);
    const int first = std::max(mask_.y0, static_cast<int>(std::floor(a.y)));
    const int last = std::min(mask_.y1, static_cast<int>(std::ceil(b.y)));
    for (int y = first; y < last; ++y) {
      const double top = std::max<double>(y, a.y), bottom = std::min<double>(y + 1, b.y);
      if (bottom <= top) continue;
      add_span(clamp(a.x + slope * (top - a.y)), clamp(a.x + slope * (bottom - a.y)), (bottom - top) * direction,
               sums + static_cast<std::size_t>(y) * row_);
    }
  }

 private:
  double clamp(double x) const { return std::clamp<double>(x, 0, mask_.size); }

  static void add_span(double xa, double xb, double d, float* row) {
    const double x0 = std::min(xa, xb), x1 = std::max(xa, xb);
    const int i0 = static_cast<int>(x0), i1 = static_cast<int>(std::ceil(x1));
    if (i1 <= i0 + 1) {
      const double inside = .5 * (x0 + x1) - i0;
      row[i0] += static_cast<float>(d - d * inside);
      row[i0 + 1] += static_cast<float>(d * inside);
      return;
    }
    double before = 0;
    for (int i = i0; i < i1; ++i) {  // the area of pixel i to the right of the edge, as a running total
      const double from = std::max<double>(x0, i), to = std::min<double>(x1, i + 1);
      const double share = (to - from) / (x1 - x0);
      const double passed = (from - x0) / (x1 - x0);
      const double area = d * (passed + share * (1 - (.5 * (from + to) - i)));
      row[i] += static_cast<float>(area - before);
      before = area;
    }
    row[i1] += static_cast<float>(d - before);
  }

  Mask& mask_;
  std::size_t row_;
};

double distance_squared(Point p, Point a, Point b) {
  const double dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
  const double t = length > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length, 0., 1.) : 0.;
  const double ex = p.x - a.x - t * dx, ey = p.y - a.y - t * dy;
  return ex * ex + ey * ey;
}

// A Gaussian exp(-q) that is cut at q = kTail, kReach standard deviations out, and lowered to end there in 0.
constexpr double kTail = 4, kReach = 2.8284271247461903;
double falloff(double q) {
  static const double tail = std::exp(-kTail);
  return (std::exp(-q) - tail) / (1 - tail);
}

struct Box {
  int x0, y0, x1, y1;
};

Box pixels_near(std::span<const Point> points, double margin, int size) {
  double left = 1e9, right = -1e9, top = 1e9, bottom = -1e9;
  for (const Point& p : points) {
    left = std::min(left, p.x), right = std::max(right, p.x);
    top = std::min(top, p.y), bottom = std::max(bottom, p.y);
  }
  const auto inside = [size](double v) { return static_cast<int>(std::clamp<double>(v, 0, size)); };
  return {inside(std::floor(left - margin)), inside(std::floor(top - margin)), inside(std::ceil(right + margin)),
          inside(std::ceil(bottom + margin))};
}

}  // namespace

Colour mix(const Colour& a, const Colour& b, double t) {
  Colour out;
  for (int c = 0; c < 3; ++c) out.rgb[c] = static_cast<float>(a.rgb[c] + (b.rgb[c] - a.rgb[c]) * t);
  return out;
}

Colour scaled(const Colour& colour, double factor) {
  Colour out;
  for (int c = 0; c < 3; ++c) out.rgb[c] = static_cast<float>(std::clamp(colour.rgb[c] * factor, 0., 1.));
  return out;
}

double luma(const Colour& colour) { return .299 * colour.rgb[0] + .587 * colour.rgb[1] + .114 * colour.rgb[2]; }

Polyline spline(std::span<const Point> control, int samples) {
  const int last = static_cast<int>(control.size()) - 1;
  Polyline out;
  out.reserve(static_cast<std::size_t>(samples));
  for (int i = 0; i < samples; ++i) {
    const double at = static_cast<double>(i) * last / (samples - 1);
    const int k = std::min(static_cast<int>(at), last - 1);
    const double t = at - k, t2 = t * t, t3 = t2 * t;
    const Point &b = control[k], &c = control[k + 1];
    const Point a = k > 0 ? control[k - 1] : Point{2 * b.x - c.x, 2 * b.y - c.y};
    const Point d = k + 1 < last ? control[k + 2] : Point{2 * c.x - b.x, 2 * c.y - b.y};
    const auto blend = [&](double p, double q, double r, double s) {
      return .5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t2 + (3 * q - p - 3 * r + s) * t3);
    };
    out.push_back({blend(a.x, b.x, c.x, d.x), blend(a.y, b.y, c.y, d.y)});
  }
  return out;
}

Polyline stroke_outline(std::span<const Point> line, std::span<const double> widths) {
  const std::size_t n = line.size();
  Polyline out(2 * n);
  for (std::size_t i = 0; i < n; ++i) {
    const Point &a = line[i > 0 ? i - 1 : i], &b = line[i + 1 < n ? i + 1 : i];
    const double dx = b.x - a.x, dy = b.y - a.y, half = .5 * widths[i] / std::max(1e-9, std::hypot(dx, dy));
    out[i] = {line[i].x - dy * half, line[i].y + dx * half};
    out[2 * n - 1 - i] = {line[i].x + dy * half, line[i].y - dx * half};
  }
  return out;
}

Canvas::Canvas(int size, int channels)
    : size_(size), channels_(channels), values_(static_cast<std::size_t>(size) * size * channels) {}

Mask Canvas::coverage(std::span<const Point> polygon) const {
  const Box box = pixels_near(polygon, 0, size_);
  Mask mask{box.x0, box.y0, box.x1, box.y1, size_, std::vector<float>(static_cast<std::size_t>(size_) * size_)};
  if (mask.x0 >= mask.x1 || mask.y0 >= mask.y1) return mask;
  const std::size_t row = static_cast<std::size_t>(size_) + 2;
  std::vector<float> sums(row * size_);
  AreaAccumulator accumulator(mask);
  for (std::size_t i = 0; i < polygon.size(); ++i)
    accumulator.add_edge(polygon[i], polygon[(i + 1) % polygon.size()], sums.data());
  for (int y = mask.y0; y < mask.y1; ++y) {
    float sum = 0;
    for (int x = 0; x < mask.x1; ++x) {
      sum += sums[y * row + x];
      mask.values[static_cast<std::size_t>(y) * size_ + x] = std::min(1.f, std::abs(sum));
    }
  }
  return mask;
}

std::array<float, 3> Canvas::own(const Colour& colour) const {
  return channels_ == 3 ? colour.rgb : std::array<float, 3>{static_cast<float>(luma(colour)), 0, 0};
}

void Canvas::blend(int x, int y, const std::array<float, 3>& colour, float alpha) {
  float* p = pixel(x, y);
  for (int c = 0; c < channels_; ++c) p[c] += (colour[c] - p[c]) * alpha;
}

void Canvas::fill(const Mask& mask, const Colour& colour, double alpha) {
  const auto mine = own(colour);
  for (int y = mask.y0; y < mask.y1; ++y)
    for (int x = mask.x0; x < mask.x1; ++x) {
      blend(x, y, mine, mask.at(x, y) * static_cast<float>(alpha));
      if (foreground_.empty()) continue;
      float& share = foreground_[static_cast<std::size_t>(y) * size_ + x];
      share = std::max(share, mask.at(x, y));
    }
}

void Canvas::fill(std::span<const Point> polygon, const Colour& colour, double alpha) {
  fill(coverage(polygon), colour, alpha);
}

void Canvas::fill(std::span<const Point> polygon, const Mask& clip, const Colour& colour, double alpha) {
  Mask mask = coverage(polygon);
  for (int y = mask.y0; y < mask.y1; ++y)
    for (int x = mask.x0; x < mask.x1; ++x) mask.values[static_cast<std::size_t>(y) * size_ + x] *= clip.at(x, y);
  fill(mask, colour, alpha);
}

void Canvas::soft_line(std::span<const Point> line, double sigma, const Colour& colour, double amount) {
  // Never thinner than a pixel can show: a thinner line is a fainter one.
  const double shown = std::max(sigma, .42);
  amount *= sigma / shown;
  const auto mine = own(colour);
  const Box box = pixels_near(line, kReach * shown, size_);
  for (int y = box.y0; y < box.y1; ++y)
    for (int x = box.x0; x < box.x1; ++x) {
      double nearest = 1e18;
      for (std::size_t i = 0; i + 1 < line.size(); ++i)
        nearest = std::min(nearest, distance_squared({x + .5, y + .5}, line[i], line[i + 1]));
      const double q = nearest / (2 * shown * shown);
      if (q < kTail) blend(x, y, mine, static_cast<float>(amount * falloff(q)));
    }
}

void Canvas::soft_blob(Point centre, double along, double across, double angle, const Colour& colour, double amount) {
  const auto mine = own(colour);
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const Box box = pixels_near(std::span(&centre, 1), kReach * std::max(along, across), size_);
  for (int y = box.y0; y < box.y1; ++y)
    for (int x = box.x0; x < box.x1; ++x) {
      const double dx = x + .5 - centre.x, dy = y + .5 - centre.y;
      const double u = (dx * cosine + dy * sine) / along, v = (dy * cosine - dx * sine) / across;
      const double q = .5 * (u * u + v * v);
      if (q < kTail) blend(x, y, mine, static_cast<float>(amount * falloff(q)));
    }
}

void Canvas::start_foreground() { foreground_.assign(static_cast<std::size_t>(size_) * size_, 0.f); }

void Canvas::blur(double sigma) {
  if (sigma < .2) return;
  const int radius = std::max(1, static_cast<int>(std::ceil(2.5 * sigma)));
  std::vector<float> kernel(2 * static_cast<std::size_t>(radius) + 1);
  float total = 0;
  for (int i = -radius; i <= radius; ++i)
    total += kernel[i + radius] = static_cast<float>(std::exp(-i * i / (2 * sigma * sigma)));
  for (float& weight : kernel) weight /= total;
  std::vector<float> line(static_cast<std::size_t>(size_) + 2 * radius);
  const auto pass = [&](float* start, int stride) {
    for (int i = -radius; i < size_ + radius; ++i) line[i + radius] = start[std::clamp(i, 0, size_ - 1) * stride];
    for (int i = 0; i < size_; ++i) {
      float sum = 0;
      for (int k = 0; k <= 2 * radius; ++k) sum += kernel[k] * line[i + k];
      start[i * stride] = sum;
    }
  };
  for (int i = 0; i < size_; ++i)
    for (int c = 0; c < channels_; ++c) pass(pixel(0, i) + c, channels_), pass(pixel(i, 0) + c, channels_ * size_);
}

}  // namespace penumbra::data
