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
      const double turn = 1.5 * kPi + (i - 5) * .36;
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

// The skin between the jaw and the mouth, `inset` from both.
Polyline beard_region(const Painting& p, double inset) {
  const double chin = p.shape.chin, low = p.shape.mouth.lower_outer[7].y + inset, w = p.who.head_width;
  const auto jaw = [&](double y) { return head_half_width(p.who, chin, y * chin) - inset; };
  Polyline beard;
  for (double y = .25 + inset; y < .97; y += .06) beard.push_back({jaw(y), y * chin});
  beard.push_back({0, chin - inset});
  for (double y = .97; y > .25 + inset; y -= .06) beard.push_back({-jaw(y), y * chin});
  const Polyline mouth = {{-.7 * w, .36 + inset}, {-.36, .60 + inset}, {-.22, low + .05},    {0, low + .06},
                          {.22, low + .05},       {.36, .60 + inset},  {.7 * w, .36 + inset}};
  const Polyline edge = spline(mouth, 17);
  beard.insert(beard.end(), edge.begin(), edge.end());
  return beard;
}

void paint_beard(Painting& p) {
  const Colour tone = mix(p.who.hair, p.who.skin, .15);
  for (const double inset : {.0, .03, .06})  // thinner towards its edge
    if (p.who.beard > 0) p.canvas.fill(p.pose.on_outline(beard_region(p, inset)), tone, p.who.beard * .45);
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

// From the left temple to the right one.
Polyline hairline(const Identity& who) {
  const double w = who.head_width, top = who.hairline, part = who.parting, lean = part > 0 ? .1 : -.1;
  const double temple = -.36 + .1 * who.parting * who.parting;
  switch (who.hair_style) {
    case HairStyle::fringe:
      return {{-.99 * w, .05},
              {-.88 * w, -.28},
              {-.5 * w, -.40 + .3 * lean},
              {-.1 * w, -.46},
              {.2 * w, -.42 - .4 * lean},
              {.5 * w, -.44},
              {.88 * w, -.28},
              {.99 * w, .05}};
    case HairStyle::long_hair:
      return {{-1.0 * w, .6},  {-.93 * w, .1}, {-.72 * w, -.42}, {part * w, top - .14},
              {.72 * w, -.42}, {.93 * w, .1},  {1.0 * w, .6}};
    case HairStyle::side_part:
      return {{-.98 * w, 0},        {-.84 * w, -.35}, {-.5 * w, top + lean}, {part * w, top - .08},
              {.5 * w, top - lean}, {.84 * w, -.35},  {.98 * w, 0}};
    default:  // receding at the sides of the forehead, more so with age, and a tuft in its middle
      return {{-.98 * w, -.02},
              {-.88 * w, temple},
              {-.62 * w, temple - .12},
              {-.42 * w, top - .03 - .09 * who.age},
              {-.1 * w, top - .01 + .15 * lean},
              {.12 * w, top - .01 - .15 * lean},
              {.42 * w, top - .03 - .09 * who.age},
              {.62 * w, temple - .12},
              {.88 * w, temple},
              {.98 * w, -.02}};
  }
}

void paint_strands(Painting& p, const Mask& hair) {
  const double w = p.who.head_width, part = p.who.parting;
  for (int i = -4; i <= 4; ++i) {
    const Polyline strand = {{part * w + .09 * i, -1.1}, {.2 * i * w + .2 * part, -.92}, {.26 * i * w, -.6}};
    const Colour tone = scaled(p.who.hair, i % 2 == 0 ? 1.3 : .7);
    p.canvas.fill(stroke_outline(p.pose.on_face(strand), std::vector<double>(3, p.pixels(.05))), hair, tone, .4);
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
  if (p.who.hair_style == HairStyle::bald) return;
  const Polyline edge = hairline(p.who);
  Polyline polygon = p.pose.on_face(spline(edge, 31));
  for (std::size_t i = 1; i + 1 < polygon.size(); ++i) {  // locks: a ragged edge
    const double along = static_cast<double>(i) / static_cast<double>(polygon.size() - 1);
    polygon[i].y += p.pixels(.03) * std::sin(23 * along + 9 * p.who.parting) * std::sin(kPi * along);
  }
  polygon.front() = p.pose.on_outline(edge.front());
  polygon.back() = p.pose.on_outline(edge.back());
  const Polyline outline = head_outline(p, .03, p.who.hair_volume);
  const std::size_t half = outline.size() / 2;
  for (std::size_t i = half; i-- > 0;)
    if (outline[i].y < edge.back().y) polygon.push_back(p.pose.on_outline(outline[i]));
  for (std::size_t i = outline.size(); i-- > half;)
    if (outline[i].y < edge.front().y) polygon.push_back(p.pose.on_outline(outline[i]));
  const Mask hair = p.canvas.coverage(polygon);
  p.canvas.fill(hair, p.who.hair);
  paint_strands(p, hair);
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
