#include "data/synth/identity.h"

#include <algorithm>
#include <cmath>

namespace penumbra::data {
namespace {

// A normal draw that cannot leave [centre - 2 spread, centre + 2 spread].
double around(Draws& draws, double centre, double spread) {
  return centre + spread * std::clamp(draws.normal(), -2., 2.);
}

void draw_colours(Identity& who, Draws& draws) {
  const double tone = draws.uniform();  // pale to dark
  who.skin = mix({{.93f, .78f, .69f}}, {{.47f, .32f, .24f}}, std::pow(tone, 1.4));
  who.lips = mix(scaled(who.skin, .74), {{.62f, .22f, .24f}}, draws.uniform(.2, .6));
  const Colour hairs[] = {{{.07f, .06f, .06f}}, {{.16f, .10f, .07f}}, {{.30f, .19f, .11f}},
                          {{.66f, .50f, .29f}}, {{.62f, .61f, .60f}}, {{.42f, .19f, .09f}}};
  const std::size_t reach = tone > .55 ? 2 : 6;  // dark skin, dark hair
  who.hair = scaled(hairs[draws.below(reach)], draws.uniform(.8, 1.2));
  who.iris = mix({{.16f, .10f, .07f}}, {{.35f, .42f, .48f}}, tone > .5 ? 0. : draws.uniform(0, .8));
}

void draw_hair(Identity& who, Draws& draws) {
  const double pick = draws.uniform();
  who.hair_style = pick < .08   ? HairStyle::bald
                   : pick < .34 ? HairStyle::short_cut
                   : pick < .52 ? HairStyle::side_part
                   : pick < .66 ? HairStyle::fringe
                   : pick < .88 ? HairStyle::long_hair
                                : HairStyle::curls;
  who.hairline = around(draws, -.62, .05);
  who.hair_volume = draws.uniform(.05, .16);
  who.parting = draws.uniform(-.5, .5);
  const bool can_grow = who.hair_style != HairStyle::long_hair && who.hair_style != HairStyle::fringe;
  who.beard = can_grow && draws.chance(.22) ? draws.uniform(.25, .75) : 0;
  who.moustache = can_grow && (who.beard > 0 ? draws.chance(.7) : draws.chance(.05)) ? draws.uniform(.3, .7) : 0;
}

}  // namespace

Identity draw_identity(Draws& draws) {
  Identity who{};
  who.head_width = around(draws, .75, .035);
  who.jaw = draws.uniform(2.1, 3.4);
  who.chin = around(draws, 1, .03);
  who.eye_spacing = around(draws, .315, .014);
  who.eye_height = around(draws, -.06, .02);
  who.eye_width = around(draws, .165, .008);
  who.eye_opening = around(draws, .073, .005);
  who.eye_tilt = around(draws, -.01, .008);
  who.brow_gap = around(draws, .205, .014);
  who.brow_length = around(draws, .19, .012);
  who.brow_thickness = draws.uniform(.05, .085);
  who.brow_arch = around(draws, .025, .01);
  who.brow_tilt = around(draws, 0, .012);
  who.nose_length = around(draws, .40, .025);
  who.nose_width = around(draws, .135, .014);
  who.mouth_height = around(draws, .62, .02);
  who.mouth_width = around(draws, .28, .02);
  who.lip_fullness = draws.uniform(.045, .075);
  who.mouth_bow = around(draws, 0, .008);
  who.age = std::pow(draws.uniform(), 1.5);
  draw_colours(who, draws);
  draw_hair(who, draws);
  who.glasses = draws.chance(.12);
  who.glasses_size = draws.uniform(.9, 1.15);
  return who;
}

Scene draw_scene(Draws& draws) {
  Scene scene{};
  scene.yaw = around(draws, 0, .17);
  scene.pitch = around(draws, 0, .1);
  scene.roll = around(draws, 0, .12);
  scene.scale = draws.uniform(.45, .55);
  scene.shift_x = around(draws, 0, .04);
  scene.shift_y = around(draws, 0, .04);
  scene.gaze_x = around(draws, 0, .12);
  scene.gaze_y = around(draws, 0, .05);
  const double side = draws.uniform(-1.1, 1.1), height = draws.uniform(-.9, .25);
  const double length = std::sqrt(side * side + height * height + 1);
  scene.light_x = side / length, scene.light_y = height / length, scene.light_z = 1 / length;
  scene.ambient = draws.uniform(.35, .65);
  const auto wall = [&draws] {
    const double level = draws.uniform(.05, .95), tint = draws.uniform(-.08, .08);
    return Colour{{static_cast<float>(level + tint), static_cast<float>(level), static_cast<float>(level - tint)}};
  };
  scene.back_near = wall();
  scene.back_far = mix(scene.back_near, wall(), .5);
  scene.back_angle = draws.uniform(0, 6.283185307179586);
  scene.blur = draws.uniform(.1, .5);
  scene.noise = draws.uniform(.004, .018);
  scene.gain = draws.uniform(.85, 1.25);
  scene.offset = draws.uniform(-.05, .08);
  return scene;
}

}  // namespace penumbra::data
