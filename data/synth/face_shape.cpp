#include "data/synth/face_shape.h"

#include <algorithm>
#include <cmath>

namespace penumbra::data {
namespace {

constexpr int kLidSamples = 9, kLipSamples = 15, kBrowSamples = 9;

BrowShape brow_shape(const Identity& who, const ActionUnits& au, double side) {
  const double raise_in = au[Au::inner_brow_raiser], raise_out = au[Au::outer_brow_raiser];
  const double lower = au[Au::brow_lowerer], wrinkle = au[Au::nose_wrinkler];
  const double y = who.eye_height - who.brow_gap;
  // The corrugator pulls the inner end down and inwards, unless the frontalis holds it up (AU1+4 of grief).
  const double hold = 1 - .75 * std::min(1., raise_in);
  const double drop = .13 * lower * hold + .08 * wrinkle;
  const double oblique = raise_in * (1 - std::min(1., raise_out));
  const double inner_x = who.eye_spacing - .95 * who.brow_length - .055 * lower;
  const Point inner{inner_x, y + who.brow_tilt - .14 * raise_in + drop};
  const Point middle{who.eye_spacing + .02 - .02 * lower,
                     y - who.brow_arch - .06 * raise_in - .09 * raise_out + .55 * drop + .03 * oblique};
  const Point outer{who.eye_spacing + who.brow_length,
                    y + .035 - who.brow_tilt - .11 * raise_out + .01 * lower + .07 * oblique};
  const Point control[] = {{side * inner.x, inner.y}, {side * middle.x, middle.y}, {side * outer.x, outer.y}};
  BrowShape brow{spline(control, kBrowSamples), {}};
  for (int i = 0; i < kBrowSamples; ++i) {
    const double t = static_cast<double>(i) / (kBrowSamples - 1);
    brow.widths.push_back(who.brow_thickness * (t < .15 ? .7 + 2 * t : 1 - .75 * (t - .15) / .85));
  }
  return brow;
}

EyeShape eye_shape(const Identity& who, const ActionUnits& au, const Scene& scene, double side) {
  const double cheek = au[Au::cheek_raiser], tight = au[Au::lid_tightener], droop = au[Au::lid_droop];
  const double raised = au[Au::upper_lid_raiser], wrinkle = au[Au::nose_wrinkler];
  const double grief = au[Au::inner_brow_raiser] * (1 - std::min(1., au[Au::outer_brow_raiser]));
  const double up =
      who.eye_opening * std::max(.12, 1 + .65 * raised - .3 * tight - .12 * cheek - .5 * droop - .25 * wrinkle);
  const double down = .8 * who.eye_opening * std::max(.05, 1 + .2 * raised - .5 * tight - .75 * cheek - .35 * wrinkle);
  EyeShape eye;
  eye.centre = {side * who.eye_spacing, who.eye_height};
  const double tilt = who.eye_tilt + .035 * grief;
  for (int i = 0; i < kLidSamples; ++i) {
    const double t = 2. * i / (kLidSamples - 1) - 1;  // inner -1, outer 1
    const double bow = std::pow(1 - t * t, .75);
    const double skew = 1 - .3 * grief * t;
    const double x = side * (who.eye_spacing + t * who.eye_width), y = who.eye_height + tilt * t;
    eye.upper.push_back({x, y - up * bow * skew});
    eye.lower.push_back({x, y + down * std::pow(1 - t * t, .9)});
  }
  eye.iris = {eye.centre.x + scene.gaze_x * who.eye_width, eye.centre.y - .008 + scene.gaze_y * who.eye_width};
  eye.iris_radius = .5 * who.eye_width;
  return eye;
}

struct MouthPose {
  Point left, right;          // corners
  double centre;              // y of the closed lips in the middle
  double open_up, open_down;  // of the inner edges from there
  double upper, lower;        // lips' heights
  double skew;                // x of the middle
  double square;              // 0: almond; 1: a rectangular opening
};

MouthPose mouth_pose(const Identity& who, const ActionUnits& au) {
  const double smile = .5 * (au[Au::lip_corner_left] + au[Au::lip_corner_right]);
  const double jaw = au[Au::jaw_drop], tight = au[Au::lip_tightener], stretch = au[Au::lip_stretcher];
  const double lift = au[Au::upper_lip_raiser], part = au[Au::lips_part], push = au[Au::chin_raiser];
  // What pulls on one side alone takes the whole mouth along.
  const double skew =
      .06 * (au[Au::lip_corner_right] - au[Au::lip_corner_left] + au[Au::dimpler_right] - au[Au::dimpler_left]);
  const auto corner = [&](double side, double puller, double dimple) {
    const double width = who.mouth_width * (1 - .34 * jaw * (1 - std::min(1., smile + stretch)) - .16 * tight) +
                         .1 * puller + .11 * stretch + .02 * dimple - .02 * push;
    const double y = who.mouth_height - who.mouth_bow - .135 * puller - .045 * dimple +
                     .115 * au[Au::lip_corner_depressor] + .03 * push + .04 * jaw;
    return Point{side * width + .5 * skew, y};
  };
  MouthPose pose{};
  pose.left = corner(-1, au[Au::lip_corner_left], au[Au::dimpler_left]);
  pose.right = corner(1, au[Au::lip_corner_right], au[Au::dimpler_right]);
  pose.skew = skew;
  pose.centre = who.mouth_height + .02 * smile - .05 * push - .045 * lift - .02 * au[Au::lip_corner_depressor];
  pose.open_up = .025 * part + .05 * lift * part + .025 * jaw;
  pose.open_down = .06 * part + .25 * jaw + .05 * au[Au::lower_lip_depressor] * part;
  const double thin = std::max(.15, 1 - .75 * tight - .25 * smile);
  pose.upper = who.lip_fullness * .8 * thin * (1 - .2 * lift);
  pose.lower = who.lip_fullness * 1.15 * thin * (1 + .25 * push + .3 * au[Au::lower_lip_depressor]);
  pose.square = std::clamp(.8 * stretch + .9 * lift + .5 * au[Au::lower_lip_depressor], 0., 1.);
  return pose;
}

MouthShape mouth_shape(const Identity& who, const ActionUnits& au) {
  const MouthPose pose = mouth_pose(who, au);
  MouthShape mouth;
  for (int i = 0; i < kLipSamples; ++i) {
    const double t = 2. * i / (kLipSamples - 1) - 1, side = std::abs(t);
    const Point& end = t < 0 ? pose.left : pose.right;
    const double x = end.x * side + pose.skew * (1 - side);
    const double line = pose.centre + (end.y - pose.centre) * std::pow(side, 1.7);
    const double opening = std::pow(1 - t * t, .75 - .4 * pose.square), lip = std::pow(1 - t * t, .6);
    const double bow = 1 - .35 * std::exp(-t * t / .02) + .1 * std::exp(-(side - .25) * (side - .25) / .02);
    const double high = line - pose.open_up * opening, low = line + pose.open_down * opening;
    mouth.upper_inner.push_back({x, high});
    mouth.upper_outer.push_back({x, high - pose.upper * lip * bow});
    mouth.lower_inner.push_back({x, low});
    mouth.lower_outer.push_back({x, low + pose.lower * std::pow(1 - t * t, .8)});
  }
  mouth.gap = pose.open_up + pose.open_down;
  const double smile = .5 * (au[Au::lip_corner_left] + au[Au::lip_corner_right]);
  const double bare = std::min(1., smile + au[Au::upper_lip_raiser] + au[Au::lip_stretcher]);
  mouth.teeth = std::min(.85 * mouth.gap, .03 + .075 * bare);
  return mouth;
}

}  // namespace

double head_half_width(const Identity& who, double chin, double y) {
  if (y < 0) return who.head_width * std::sqrt(std::max(0., 1 - y * y));
  const double t = std::min(1., y / chin);
  return who.head_width * std::pow(std::max(0., 1 - std::pow(t, who.jaw)), .58);
}

FaceShape face_shape(const Identity& who, const ActionUnits& au, const Scene& scene) {
  FaceShape shape;
  for (int side = 0; side < 2; ++side) {
    const double sign = side == 0 ? -1 : 1;
    shape.brows[side] = brow_shape(who, au, sign);
    shape.eyes[side] = eye_shape(who, au, scene, sign);
  }
  shape.mouth = mouth_shape(who, au);
  shape.nose.base = who.nose_length - .045 * au[Au::nose_wrinkler] - .015 * au[Au::upper_lip_raiser];
  shape.nose.half_width = who.nose_width * (1 + .2 * au[Au::nose_wrinkler]);
  shape.chin = who.chin + .19 * au[Au::jaw_drop] - .015 * au[Au::chin_raiser];
  return shape;
}

}  // namespace penumbra::data
