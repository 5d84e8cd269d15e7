#include "data/synth/face_renderer.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "data/synth/face_shape.h"
#include "data/synth/identity.h"
#include "data/synth/synth.h"

namespace penumbra::data {
namespace {

Scene frontal() {
  Scene scene{};
  scene.scale = .47;
  scene.light_z = 1;
  scene.ambient = .6;
  scene.back_near = scene.back_far = {{.5f, .5f, .5f}};
  scene.gain = 1;
  return scene;
}

Identity someone() {
  Draws draws(3, Purpose::synth, 0, 0);
  Identity who = draw_identity(draws);
  who.hair_style = HairStyle::bald;
  who.glasses = false;
  who.beard = who.moustache = 0;
  return who;
}

TEST(ActionUnits, NeutralMovesNothingAndEachEmotionItsOwnUnits) {
  for (std::uint32_t i = 0; i < 50; ++i) {
    Draws draws(1, Purpose::synth, 0, i);
    for (const double intensity : prototype(Emotion::neutral, draws).intensity) EXPECT_EQ(intensity, 0);
    const ActionUnits happy = prototype(Emotion::happiness, draws), angry = prototype(Emotion::anger, draws);
    EXPECT_GT(std::min({happy[Au::cheek_raiser], happy[Au::lip_corner_left], happy[Au::lip_corner_right]}), .6);
    EXPECT_EQ(happy[Au::brow_lowerer], 0);
    EXPECT_GT(std::min(angry[Au::brow_lowerer], angry[Au::lid_tightener]), .5);
    EXPECT_EQ(angry[Au::lip_corner_left], 0);
    const ActionUnits sad = prototype(Emotion::sadness, draws), afraid = prototype(Emotion::fear, draws);
    EXPECT_GT(std::min(sad[Au::inner_brow_raiser], sad[Au::lip_corner_depressor]), .6);
    EXPECT_GT(std::min({afraid[Au::inner_brow_raiser], afraid[Au::upper_lid_raiser], afraid[Au::lip_stretcher]}), .6);
    const ActionUnits smirk = prototype(Emotion::contempt, draws);
    EXPECT_EQ(std::min(smirk[Au::lip_corner_left], smirk[Au::lip_corner_right]), 0) << "contempt is one-sided";
    EXPECT_GT(std::max(smirk[Au::dimpler_left], smirk[Au::dimpler_right]), .5);
  }
}

TEST(ActionUnits, ABlendLiesBetweenItsParts) {
  for (std::uint32_t i = 0; i < 50; ++i) {
    Draws draws(2, Purpose::synth, 0, i);
    EmotionDistribution half{};
    half[static_cast<std::size_t>(Emotion::happiness)] = half[static_cast<std::size_t>(Emotion::surprise)] = .5f;
    const ActionUnits blend = express(half, draws);
    for (const Au unit : {Au::lip_corner_left, Au::cheek_raiser, Au::inner_brow_raiser, Au::outer_brow_raiser}) {
      EXPECT_GT(blend[unit], .3);
      EXPECT_LT(blend[unit], .7);
    }
  }
}

struct Landmarks {
  double left_corner, right_corner, mouth_width, gap, inner_brow, outer_brow, eye, chin, nose;
};

Landmarks landmarks(std::initializer_list<Au> units) {
  ActionUnits au;
  for (const Au unit : units) au[unit] = 1;
  const FaceShape f = face_shape(someone(), au, frontal());
  return {-f.mouth.upper_outer.front().y,
          -f.mouth.upper_outer.back().y,
          f.mouth.upper_outer.back().x - f.mouth.upper_outer.front().x,
          f.mouth.gap,
          -f.brows[1].line.front().y,
          -f.brows[1].line.back().y,
          f.eyes[1].lower[4].y - f.eyes[1].upper[4].y,
          f.chin,
          f.nose.base};
}

TEST(FaceShape, ActionUnitsMoveTheirLandmarksUpAndDown) {
  const Landmarks rest = landmarks({});
  const Landmarks smile = landmarks({Au::lip_corner_left, Au::lip_corner_right});
  EXPECT_GT(smile.left_corner, rest.left_corner + .08);
  EXPECT_GT(smile.mouth_width, rest.mouth_width + .1);
  const Landmarks smirk = landmarks({Au::lip_corner_right});
  EXPECT_GT(smirk.right_corner, rest.right_corner + .08);
  EXPECT_EQ(smirk.left_corner, rest.left_corner);
  EXPECT_LT(landmarks({Au::lip_corner_depressor}).left_corner, rest.left_corner - .05);
  EXPECT_GT(landmarks({Au::inner_brow_raiser}).inner_brow, rest.inner_brow + .08);
  EXPECT_GT(landmarks({Au::outer_brow_raiser}).outer_brow, rest.outer_brow + .08);
  EXPECT_LT(landmarks({Au::brow_lowerer}).inner_brow, rest.inner_brow - .08);
  EXPECT_GT(landmarks({Au::upper_lid_raiser}).eye, 1.2 * rest.eye);
  EXPECT_LT(landmarks({Au::lid_tightener}).eye, .8 * rest.eye);
  EXPECT_GT(landmarks({Au::jaw_drop}).gap, rest.gap + .2);
  EXPECT_GT(landmarks({Au::jaw_drop}).chin, rest.chin + .1);
  EXPECT_LT(landmarks({Au::jaw_drop}).mouth_width, rest.mouth_width);
  EXPECT_GT(landmarks({Au::lip_stretcher}).mouth_width, rest.mouth_width + .1);
  EXPECT_LT(landmarks({Au::nose_wrinkler}).nose, rest.nose);
}

// How much of the change that units make to a frontal face lies above the tip of the nose.
double share_above_nose(std::initializer_list<Au> units) {
  ActionUnits au;
  for (const Au unit : units) au[unit] = 1;
  Canvas rest = render_face(someone(), {}, frontal(), 48, 1), moved = render_face(someone(), au, frontal(), 48, 1);
  double above = 0, total = 0;
  for (int y = 0; y < 48; ++y)
    for (int x = 0; x < 48; ++x) {
      const double change = std::abs(*rest.pixel(x, y) - *moved.pixel(x, y));
      total += change;
      if (y < 24 + static_cast<int>(.3 * .47 * 48)) above += change;
    }
  EXPECT_GT(total, 5) << "nothing to see";
  return above / total;
}

TEST(RenderFace, UnitsChangeThePixelsWhereTheyAct) {
  EXPECT_GT(share_above_nose({Au::inner_brow_raiser, Au::outer_brow_raiser}), .98);
  EXPECT_GT(share_above_nose({Au::brow_lowerer}), .98);
  EXPECT_GT(share_above_nose({Au::upper_lid_raiser}), .98);
  EXPECT_LT(share_above_nose({Au::lip_corner_depressor}), .02);
  EXPECT_LT(share_above_nose({Au::jaw_drop}), .02);
  EXPECT_LT(share_above_nose({Au::lip_corner_left, Au::lip_corner_right}), .4);
}

TEST(RenderFace, AMirroredSceneGivesTheMirroredPicture) {
  Scene scene = frontal();
  scene.yaw = .25, scene.roll = .1, scene.pitch = .05, scene.shift_x = .03, scene.gaze_x = .1;
  scene.light_x = .6, scene.light_z = .8;
  Scene mirrored = scene;
  for (double* value : {&mirrored.yaw, &mirrored.roll, &mirrored.shift_x, &mirrored.gaze_x, &mirrored.light_x})
    *value = -*value;
  ActionUnits au, mirrored_au;
  au[Au::lip_corner_left] = au[Au::dimpler_left] = mirrored_au[Au::lip_corner_right] = mirrored_au[Au::dimpler_right] =
      1;
  Identity who = someone();
  who.glasses = true;
  const double grey_level = 1. / 255;  // the sides are painted one after the other, and overlap faintly
  Canvas a = render_face(who, au, scene, 48, 1), b = render_face(who, mirrored_au, mirrored, 48, 1);
  for (int y = 0; y < 48; ++y)
    for (int x = 0; x < 48; ++x) ASSERT_NEAR(*a.pixel(x, y), *b.pixel(47 - x, y), grey_level) << x << ", " << y;
}

TEST(RenderFace, GreyIsTheLumaOfColour) {
  for (std::uint32_t i = 0; i < 10; ++i) {
    Draws draws(4, Purpose::synth, 0, i);
    const Identity who = draw_identity(draws);
    const Scene scene = draw_scene(draws);
    ActionUnits au = prototype(static_cast<Emotion>(i % kEmotions), draws);
    Canvas grey = render_face(who, au, scene, 48, 1), colour = render_face(who, au, scene, 48, 3);
    for (int y = 0; y < 48; ++y)
      for (int x = 0; x < 48; ++x) {
        const float* p = colour.pixel(x, y);
        ASSERT_NEAR(*grey.pixel(x, y), luma({{p[0], p[1], p[2]}}), 1e-4) << x << ", " << y;
      }
  }
}

bool inside(const Polyline& polygon, double x, double y) {  // even-odd rule
  bool in = false;
  for (std::size_t i = 0, j = polygon.size() - 1; i < polygon.size(); j = i++) {
    const Point &a = polygon[i], &b = polygon[j];
    if ((a.y > y) != (b.y > y) && x < (b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x) in = !in;
  }
  return in;
}

TEST(Canvas, CoverageIsTheAreaOfThePolygonInEachPixel) {
  const Canvas canvas(12, 1);
  const std::vector<Polyline> polygons = {
      {{1.3, 2.2}, {10.7, 3.1}, {6.4, 9.8}},
      {{2, 2}, {5, 2}, {5, 4}, {2, 4}},
      {{.4, .3}, {11.6, .9}, {8.2, 5.5}, {11.2, 11.4}, {5.1, 7.3}, {.9, 11.1}},
      {{3.1, 3.2}, {3.6, 3.3}, {3.4, 3.8}},
  };
  for (const Polyline& polygon : polygons) {
    const Mask mask = canvas.coverage(polygon);
    for (int y = 0; y < 12; ++y)
      for (int x = 0; x < 12; ++x) {
        int hits = 0;
        for (int v = 0; v < 64; ++v)
          for (int u = 0; u < 64; ++u) hits += inside(polygon, x + (u + .5) / 64, y + (v + .5) / 64);
        ASSERT_NEAR(mask.at(x, y), hits / 4096., .01) << x << ", " << y;
      }
  }
}

}  // namespace
}  // namespace penumbra::data
