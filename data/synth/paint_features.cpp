#include <algorithm>

#include "data/synth/painting.h"

namespace penumbra::data {
namespace {

Polyline closed(const Polyline& there, const Polyline& back) {
  Polyline out = there;
  out.insert(out.end(), back.rbegin(), back.rend());
  return out;
}

Colour shadow_of(const Painting& p) { return scaled(p.who.skin, .38); }

// A crease that shows by `amount` (0 hides it).
void crease(Painting& p, const Polyline& line, double width, double amount) {
  if (amount < .04) return;
  p.canvas.soft_line(p.pose.on_face(line), p.pixels(width), shadow_of(p), std::min(.85, amount));
}

void forehead(Painting& p) {
  const double raise = .5 * (p.au[Au::inner_brow_raiser] + p.au[Au::outer_brow_raiser]);
  const double outer = p.au[Au::outer_brow_raiser];
  const double brow = p.who.eye_height - p.who.brow_gap;
  const double reach = .16 + .2 * std::min(1., outer);
  for (int i = 0; i < 2; ++i) {
    const double y = brow - .2 - .1 * i, bend = .02 - .05 * (1 - std::min(1., outer));
    crease(p, {{-reach, y + bend}, {0, y}, {reach, y + bend}}, .02,
           .5 * raise * (.5 + .6 * p.who.age) + .12 * p.who.age);
  }
  const double frown = p.au[Au::brow_lowerer];
  for (int side = -1; side <= 1; side += 2)
    crease(p, {{side * .055, brow - .08}, {side * .045, brow + .1}}, .022, .6 * frown * (.7 + .4 * p.who.age));
}

void nose_root(Painting& p) {
  const double wrinkle = p.au[Au::nose_wrinkler];
  const double eye = p.who.eye_height;
  for (int i = 0; i < 2; ++i)
    crease(p, {{-.08, eye + .05 + .08 * i}, {0, eye + .02 + .08 * i}, {.08, eye + .05 + .08 * i}}, .022, .6 * wrinkle);
  for (int side = -1; side <= 1; side += 2)
    crease(p, {{side * .07, eye + .06}, {side * .13, eye + .2}}, .025, .4 * wrinkle);
}

void nasolabial(Painting& p, double side) {
  const bool left = side < 0;
  const double pull = p.au[left ? Au::lip_corner_left : Au::lip_corner_right];
  const double dimple = p.au[left ? Au::dimpler_left : Au::dimpler_right];
  const double lift = std::max(p.au[Au::upper_lip_raiser], p.au[Au::nose_wrinkler]);
  const Point corner = left ? p.shape.mouth.upper_outer.front() : p.shape.mouth.upper_outer.back();
  const double wing = p.shape.nose.half_width + .03, top = p.shape.nose.base - .09;
  const double amount = .07 + .22 * p.who.age + .42 * std::min(1.2, pull) + .45 * lift;
  const double out = std::abs(corner.x) + .05 + .04 * lift;
  crease(p,
         spline(Polyline{{side * wing, top},
                         {side * (.5 * (wing + out) + .03), .5 * (top + corner.y) - .05},
                         {side * out, corner.y}},
                7),
         .026, amount);
  if (dimple > .05)
    crease(p,
           {{corner.x + side * .035, corner.y - .07},
            {corner.x + side * .055, corner.y},
            {corner.x + side * .03, corner.y + .075}},
           .028, .8 * dimple);
}

void cheeks_and_chin(Painting& p, double side) {
  const double cheek = p.au[Au::cheek_raiser], eye = p.who.eye_height, x = p.who.eye_spacing;
  crease(p, {{side * (x - .13), eye + .13}, {side * x, eye + .155}, {side * (x + .13), eye + .12}}, .022,
         .12 + .4 * cheek + .25 * p.au[Au::lid_tightener] + .2 * p.who.age);
  for (int i = -1; i <= 1; ++i)
    crease(p, {{side * (x + .2), eye + .03 * i}, {side * (x + .28), eye + .075 * i}}, .016,
           cheek * (.25 + .4 * p.who.age));
}

void paint_iris(Painting& p, const EyeShape& eye, const Mask& opening) {
  const Point centre = p.pose.on_face(eye.iris);
  Polyline iris, pupil;
  for (int k = 0; k < 16; ++k) {
    const double c = std::cos(k * .39269908), s = std::sin(k * .39269908), r = p.pixels(eye.iris_radius);
    iris.push_back({centre.x + r * c * std::cos(p.scene.yaw), centre.y + r * s});
    pupil.push_back({centre.x + .5 * r * c * std::cos(p.scene.yaw), centre.y + .5 * r * s});
  }
  p.canvas.fill(iris, opening, p.who.iris);
  p.canvas.fill(pupil, opening, Colour{{.02f, .02f, .02f}});
  const double r = p.pixels(eye.iris_radius);
  p.canvas.soft_blob({centre.x + .35 * r * (p.scene.light_x > 0 ? 1 : -1), centre.y - .4 * r}, .22 * r, .22 * r, 0,
                     Colour{{1, 1, 1}}, .8);
}

void paint_eye(Painting& p, const EyeShape& eye) {
  const Polyline upper = p.pose.on_face(eye.upper), lower = p.pose.on_face(eye.lower);
  const Colour shade = shadow_of(p);
  p.canvas.soft_blob(p.pose.on_face(eye.centre), p.pixels(.2), p.pixels(.12), p.pose.roll(), scaled(p.who.skin, .6),
                     .45);
  const Mask opening = p.canvas.coverage(closed(upper, lower));
  p.canvas.fill(opening, Colour{{.93f, .91f, .90f}});
  paint_iris(p, eye, opening);
  Polyline fold;
  for (std::size_t i = 1; i < eye.upper.size(); ++i) fold.push_back({eye.upper[i].x, eye.upper[i].y - .045});
  crease(p, fold, .018, .35);
  std::vector<double> widths;
  for (std::size_t i = 0; i < upper.size(); ++i)
    widths.push_back(p.pixels(.02 + .026 * static_cast<double>(i) / (upper.size() - 1)));
  p.canvas.fill(stroke_outline(upper, widths), Colour{{.07f, .05f, .05f}}, .92);
  p.canvas.soft_line(lower, p.pixels(.014), shade, .55);
}

}  // namespace

void paint_folds(Painting& p) {
  forehead(p);
  nose_root(p);
  for (const double side : {-1., 1.}) {
    nasolabial(p, side);
    cheeks_and_chin(p, side);
  }
  const double push = p.au[Au::chin_raiser], chin = p.shape.chin;
  const double lip = p.shape.mouth.lower_outer[7].y;
  p.canvas.soft_blob(p.pose.on_face({0, lip + .05}), p.pixels(.15), p.pixels(.035), p.pose.roll(), shadow_of(p),
                     .35 + .25 * push);
  crease(p, {{-.1, chin - .1}, {0, chin - .13}, {.1, chin - .1}}, .03, .45 * push);
}

void paint_nose(Painting& p) {
  const double base = p.shape.nose.base, w = p.shape.nose.half_width;
  const Colour shade = shadow_of(p);
  p.canvas.soft_blob(p.pose.on_face({0, base + .05}, .06), p.pixels(w), p.pixels(.04), p.pose.roll(), shade, .4);
  const double far = p.scene.yaw > 0 ? 1 : -1;  // the bridge hides part of the far cheek
  const Polyline bridge = {{far * .05, p.who.eye_height + .02}, {far * .06, base - .15}, {far * .75 * w, base - .06}};
  p.canvas.soft_line(p.pose.on_face(bridge, .1), p.pixels(.03), shade, .12 + .9 * std::min(.4, std::abs(p.scene.yaw)));
  for (int side = -1; side <= 1; side += 2) {
    const Polyline wing = {{side * w * .8, base - .085},
                           {side * w, base - .035},
                           {side * w * .85, base + .01},
                           {side * w * .55, base + .012}};
    p.canvas.soft_line(p.pose.on_face(wing, .06), p.pixels(.018), shade, .6);
    p.canvas.soft_blob(p.pose.on_face({side * w * .48, base + .005}, .1), p.pixels(.034), p.pixels(.02), p.pose.roll(),
                       scaled(p.who.skin, .15), .85);
  }
}

void paint_eyes(Painting& p) {
  for (const EyeShape& eye : p.shape.eyes) paint_eye(p, eye);
}

void paint_brows(Painting& p) {
  const Colour tone = mix(scaled(p.who.hair, .75), {{.1f, .07f, .06f}}, .5);
  for (const BrowShape& brow : p.shape.brows) {
    std::vector<double> widths;
    for (const double width : brow.widths) widths.push_back(p.pixels(width));
    p.canvas.fill(stroke_outline(p.pose.on_face(brow.line, .04), widths), tone, .88);
  }
}

void paint_mouth(Painting& p) {
  const MouthShape& mouth = p.shape.mouth;
  const Polyline upper = p.pose.on_face(mouth.upper_inner, .04), lower = p.pose.on_face(mouth.lower_inner, .04);
  const Polyline top = p.pose.on_face(mouth.upper_outer, .04), bottom = p.pose.on_face(mouth.lower_outer, .04);
  p.canvas.fill(closed(top, upper), scaled(p.who.lips, .9));
  p.canvas.fill(closed(lower, bottom), p.who.lips);
  if (mouth.gap > .02) {
    const Mask opening = p.canvas.coverage(closed(upper, lower));
    p.canvas.fill(opening, Colour{{.13f, .05f, .05f}});
    Polyline edge = mouth.upper_inner;
    for (Point& point : edge) point.y += mouth.teeth;
    p.canvas.fill(closed(upper, p.pose.on_face(edge, .04)), opening, Colour{{.93f, .91f, .86f}});
    if (mouth.gap > .2)
      p.canvas.soft_blob(p.pose.on_face({0, mouth.lower_inner[7].y - .04}), p.pixels(.12), p.pixels(.05), p.pose.roll(),
                         Colour{{.55f, .25f, .25f}}, .6);
  }
  const double shut = std::clamp(1 - mouth.gap / .05, 0., 1.);
  if (shut > 0) p.canvas.soft_line(upper, p.pixels(.02), scaled(p.who.lips, .2), .9 * shut);
  for (const Point& corner : {mouth.upper_inner.front(), mouth.upper_inner.back()})
    p.canvas.soft_blob(p.pose.on_face(corner, .04), p.pixels(.028), p.pixels(.028), 0, shadow_of(p), .6);
}

}  // namespace penumbra::data
