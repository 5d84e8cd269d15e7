#include <algorithm>

#include "data/synth/painting.h"

namespace penumbra::data {
namespace {

constexpr double kPi = 3.141592653589793;

Polyline head_outline(const Painting& p, double grow_side, double grow_top) {
  Polyline out;
  constexpr int kSteps = 22;
  for (int side = 1; side >= -1; side -= 2)
    for (int i = 0; i <= kSteps; ++i) {
      const double turn = side > 0 ? i : kSteps - i;
      const double y = -std::cos(kPi * turn / kSteps);  // the crown to the chin, then back
      const double at = y < 0 ? y : y * p.shape.chin;
      const double x = head_half_width(p.who, p.shape.chin, at) + (y < .5 ? grow_side : 0);
      out.push_back({side * x, y < 0 ? y * (1 + grow_top) : at});
    }
  return out;
}

void paint_body(Painting& p) {
  const double w = .62 * p.who.head_width, chin = p.shape.chin;
  const Polyline neck = {{-w, .5}, {w, .5}, {w * 1.04, 1.2}, {w * 1.4, 1.9}, {-w * 1.4, 1.9}, {-w * 1.04, 1.2}};
  const Polyline shirt = {{-2.2, 1.75}, {-1.5, 1.5}, {-w * 1.1, 1.28}, {0, 1.5}, {w * 1.1, 1.28},
                          {1.5, 1.5},   {2.2, 1.75}, {2.2, 3},         {-2.2, 3}};
  p.canvas.fill(p.pose.on_outline(neck), scaled(p.who.skin, .72));
  p.canvas.soft_blob(p.pose.on_outline({0, chin + .08}), p.pixels(.5), p.pixels(.14), p.pose.roll(),
                     scaled(p.who.skin, .3), .55);
  p.canvas.fill(p.pose.on_outline(shirt), mix(p.scene.back_far, scaled(p.who.hair, .8), .7));
}

void paint_back_hair(Painting& p) {
  const HairStyle style = p.who.hair_style;
  if (style == HairStyle::bald) return;
  const double volume = p.who.hair_volume;
  if (style == HairStyle::long_hair) {
    const double w = p.who.head_width + .10 + volume;
    const Polyline control = {{-w * 1.05, 1.35},   {-w * 1.05, .5},         {-w, -.3}, {-.6 * w, -.95 - volume},
                              {0, -1.06 - volume}, {.6 * w, -.95 - volume}, {w, -.3},  {w * 1.05, .5},
                              {w * 1.05, 1.35}};
    p.canvas.fill(p.pose.on_outline(spline(control, 33)), scaled(p.who.hair, .8));
    return;
  }
  if (style == HairStyle::curls) {
    for (int i = 0; i <= 10; ++i) {
      const double turn = kPi * (1.12 + i * .0) + (i - 5) * .36 + kPi * .38;
      const double x = (p.who.head_width + .02) * std::cos(turn), y = -.15 + .85 * std::sin(turn);
      Polyline curl;
      for (int k = 0; k < 12; ++k) {
        const double r = .16 + volume;
        curl.push_back({x + r * std::cos(k * kPi / 6), y + r * std::sin(k * kPi / 6)});
      }
      p.canvas.fill(p.pose.on_outline(curl), scaled(p.who.hair, i % 2 == 0 ? .95 : 1.1));
    }
  }
  Polyline cap;
  for (const Point& q : head_outline(p, .05, volume))
    if (q.y < .1) cap.push_back(q);
  p.canvas.fill(p.pose.on_outline(cap), p.who.hair);
}

void paint_ears(Painting& p) {
  for (int side = -1; side <= 1; side += 2) {
    const double away = 1 - .6 * std::max(0., side * std::sin(p.scene.yaw) * 1.8);  // the far ear hides
    const double x = side * (p.who.head_width - .01);
    Polyline ear;
    for (int k = 0; k < 14; ++k) {
      const double turn = k * kPi / 7;
      ear.push_back({x + side * .02 + .1 * away * std::cos(turn), .1 + .2 * std::sin(turn)});
    }
    const Polyline shown = p.pose.on_outline(ear);
    p.canvas.fill(shown, scaled(p.who.skin, .9));
    p.canvas.soft_blob(p.pose.on_outline({x + side * .05, .1}), p.pixels(.035), p.pixels(.1), p.pose.roll(),
                       scaled(p.who.skin, .5), .5);
  }
}

void paint_beard(Painting& p) {
  const Colour tone = mix(p.who.hair, p.who.skin, .15);
  if (p.who.beard > 0) {
    Polyline beard;
    const double chin = p.shape.chin, low = p.shape.mouth.lower_outer[7].y;
    for (double y = .25; y < .99; y += .06) beard.push_back({head_half_width(p.who, chin, y * chin) * .985, y * chin});
    beard.push_back({0, chin * .985});
    for (double y = .97; y > .2; y -= .06) beard.push_back({-head_half_width(p.who, chin, y * chin) * .985, y * chin});
    const Polyline inner = {
        {-.62 * p.who.head_width, .42}, {-.36, .62}, {-.26, low + .05}, {0, low + .06}, {.26, low + .05}, {.36, .62},
        {.62 * p.who.head_width, .42}};
    const Polyline edge = spline(inner, 17);
    beard.insert(beard.end(), edge.begin(), edge.end());
    p.canvas.fill(p.pose.on_outline(beard), tone, p.who.beard);
  }
  if (p.who.moustache > 0) {
    const MouthShape& mouth = p.shape.mouth;
    const double y = .5 * (mouth.upper_outer[7].y + p.shape.nose.base) + .02;
    const Polyline line = {{mouth.upper_outer[1].x * .95, mouth.upper_outer[1].y - .02},
                           {mouth.upper_outer[4].x, y},
                           {0, y - .005},
                           {mouth.upper_outer[10].x, y},
                           {mouth.upper_outer[13].x * .95, mouth.upper_outer[13].y - .02}};
    const Polyline curve = spline(line, 11);
    std::vector<double> widths;
    for (int i = 0; i < 11; ++i) widths.push_back(p.pixels(.085 - .05 * std::abs(i - 5) / 5.));
    p.canvas.fill(stroke_outline(p.pose.on_face(curve), widths), tone, p.who.moustache);
  }
}

}  // namespace

void paint_background(Painting& p) {
  const int size = p.canvas.size(), channels = p.canvas.channels();
  const double cosine = std::cos(p.scene.back_angle), sine = std::sin(p.scene.back_angle);
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x) {
      const double t = std::clamp(.5 + .7 * (((x + .5) / size - .5) * cosine + ((y + .5) / size - .5) * sine), 0., 1.);
      const Colour colour = mix(p.scene.back_near, p.scene.back_far, t);
      float* out = p.canvas.pixel(x, y);
      if (channels == 1) out[0] = static_cast<float>(luma(colour));
      if (channels == 3) std::copy(colour.rgb.begin(), colour.rgb.end(), out);
    }
}

void paint_head(Painting& p) {
  paint_body(p);
  paint_back_hair(p);
  paint_ears(p);
  p.canvas.fill(p.pose.on_outline(head_outline(p, 0, 0)), p.who.skin);
  paint_beard(p);
}

void paint_front_hair(Painting& p) {
  const HairStyle style = p.who.hair_style;
  if (style == HairStyle::bald) return;
  const double w = p.who.head_width, line = p.who.hairline, part = p.who.parting;
  Polyline edge;  // the hairline, from the left temple to the right one
  switch (style) {
    case HairStyle::fringe:
      edge = {{-.99 * w, .05}, {-.88 * w, -.3}, {-.5 * w, -.42}, {0, -.45},
              {.5 * w, -.42},  {.88 * w, -.3},  {.99 * w, .05}};
      break;
    case HairStyle::long_hair:
      edge = {{-1.0 * w, .6},  {-.93 * w, .1}, {-.72 * w, -.42}, {part * w, line - .14},
              {.72 * w, -.42}, {.93 * w, .1},  {1.0 * w, .6}};
      break;
    case HairStyle::side_part:
      edge = {{-.98 * w, 0},
              {-.84 * w, -.35},
              {-.5 * w, line + (part > 0 ? .12 : -.08)},
              {part * w, line - .06},
              {.5 * w, line + (part > 0 ? -.08 : .12)},
              {.84 * w, -.35},
              {.98 * w, 0}};
      break;
    default:
      edge = {{-.98 * w, -.02},      {-.86 * w, -.36}, {-.55 * w, line - .02}, {0, line + .02},
              {.55 * w, line - .02}, {.86 * w, -.36},  {.98 * w, -.02}};
  }
  Polyline polygon = p.pose.on_face(spline(edge, 25));
  polygon.front() = p.pose.on_outline(edge.front());
  polygon.back() = p.pose.on_outline(edge.back());
  const Polyline outline = head_outline(p, .03, p.who.hair_volume);
  const std::size_t half = outline.size() / 2;
  for (std::size_t i = half; i-- > 0;)
    if (outline[i].y < edge.back().y) polygon.push_back(p.pose.on_outline(outline[i]));
  for (std::size_t i = outline.size(); i-- > half;)
    if (outline[i].y < edge.front().y) polygon.push_back(p.pose.on_outline(outline[i]));
  p.canvas.fill(polygon, p.who.hair);
  for (int i = -2; i <= 2; ++i) {
    const Polyline strand = {{part * w + .1 * i, -1.0}, {.3 * i * w, -.82}, {.42 * i * w, -.62}};
    p.canvas.soft_line(p.pose.on_face(strand), p.pixels(.025), scaled(p.who.hair, 1.7), .3);
  }
}

void paint_glasses(Painting& p) {
  if (!p.who.glasses) return;
  const Colour frame{{.08f, .07f, .08f}};
  const double k = p.who.glasses_size, y = p.who.eye_height + .03;
  Polyline nose_ends;
  for (int side = -1; side <= 1; side += 2) {
    Polyline rim;
    for (int i = 0; i <= 16; ++i) {
      const double turn = i * kPi / 8, c = std::cos(turn), s = std::sin(turn);
      rim.push_back({side * p.who.eye_spacing + .235 * k * std::copysign(std::pow(std::abs(c), .6), c),
                     y + .165 * k * std::copysign(std::pow(std::abs(s), .6), s)});
    }
    p.canvas.soft_line(p.pose.on_face(rim, .08), p.pixels(.018), frame, .9);
    const Point hinge{side * (p.who.eye_spacing + .235 * k), y - .04};
    const Point ear = p.pose.on_outline({side * p.who.head_width, y});
    p.canvas.soft_line(Polyline{p.pose.on_face(hinge, .08), ear}, p.pixels(.018), frame, .7);
    nose_ends.push_back(p.pose.on_face({side * (p.who.eye_spacing - .235 * k), y - .03}, .08));
  }
  p.canvas.soft_line(nose_ends, p.pixels(.018), frame, .9);
}

}  // namespace penumbra::data
