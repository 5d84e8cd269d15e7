#include "data/synth/action_units.h"

#include <algorithm>

namespace penumbra::data {
namespace {

void happiness(ActionUnits& au, Draws& draws) {
  const bool open = draws.chance(.6);
  au[Au::cheek_raiser] = .9;
  au[Au::lip_corner_left] = au[Au::lip_corner_right] = 1;
  au[Au::lips_part] = open ? 1 : 0;
  au[Au::jaw_drop] = open ? draws.uniform(.1, .4) : 0;
}

void surprise(ActionUnits& au, Draws& draws) {
  au[Au::inner_brow_raiser] = 1;
  au[Au::outer_brow_raiser] = 1;
  au[Au::upper_lid_raiser] = .8;
  au[Au::lips_part] = .7;
  au[Au::jaw_drop] = draws.uniform(.75, 1);
}

void sadness(ActionUnits& au, Draws& draws) {
  au[Au::inner_brow_raiser] = 1;
  au[Au::brow_lowerer] = draws.uniform(.3, .5);
  au[Au::lip_corner_depressor] = 1;
  au[Au::chin_raiser] = draws.chance(.6) ? draws.uniform(.4, .8) : 0;
  au[Au::lid_droop] = .5;
}

void anger(ActionUnits& au, Draws& draws) {
  const bool bared = draws.chance(.3);
  au[Au::brow_lowerer] = 1.1;
  au[Au::upper_lid_raiser] = .35;
  au[Au::lid_tightener] = .7;
  au[Au::lip_tightener] = bared ? .2 : 1;
  au[Au::chin_raiser] = bared ? 0 : .35;
  au[Au::lips_part] = bared ? .9 : 0;
  au[Au::lip_stretcher] = bared ? .3 : 0;
  au[Au::lower_lip_depressor] = bared ? .6 : 0;
}

void disgust(ActionUnits& au, Draws& draws) {
  const bool open = draws.chance(.5);
  au[Au::nose_wrinkler] = 1;
  au[Au::upper_lip_raiser] = 1;
  au[Au::lid_tightener] = .6;
  au[Au::brow_lowerer] = .3;
  au[Au::lip_corner_depressor] = .55;
  au[Au::lower_lip_depressor] = open ? .5 : 0;
  au[Au::lips_part] = open ? .5 : 0;
  au[Au::chin_raiser] = open ? 0 : .6;
}

void fear(ActionUnits& au, Draws& draws) {
  au[Au::inner_brow_raiser] = 1;
  au[Au::outer_brow_raiser] = .45;
  au[Au::brow_lowerer] = .55;
  au[Au::upper_lid_raiser] = 1;
  au[Au::lid_tightener] = .3;
  au[Au::lip_stretcher] = 1;
  au[Au::lips_part] = .9;
  au[Au::jaw_drop] = draws.uniform(.15, .45);
}

void contempt(ActionUnits& au, Draws& draws) {
  const bool left = draws.chance(.5);
  au[left ? Au::lip_corner_left : Au::lip_corner_right] = .85;
  au[left ? Au::dimpler_left : Au::dimpler_right] = 1;
  au[Au::lid_droop] = .35;
}

}  // namespace

const std::vector<std::string>& emotion_names() {
  static const std::vector<std::string> names = {"neutral", "happiness", "surprise", "sadness",
                                                 "anger",   "disgust",   "fear",     "contempt"};
  return names;
}

ActionUnits prototype(Emotion emotion, Draws& draws) {
  ActionUnits au;
  switch (emotion) {
    case Emotion::neutral:
      break;
    case Emotion::happiness:
      happiness(au, draws);
      break;
    case Emotion::surprise:
      surprise(au, draws);
      break;
    case Emotion::sadness:
      sadness(au, draws);
      break;
    case Emotion::anger:
      anger(au, draws);
      break;
    case Emotion::disgust:
      disgust(au, draws);
      break;
    case Emotion::fear:
      fear(au, draws);
      break;
    case Emotion::contempt:
      contempt(au, draws);
      break;
  }
  const double strength = draws.uniform(.95, 1.15);
  for (double& intensity : au.intensity) intensity *= strength * draws.uniform(.88, 1.12);
  return au;
}

ActionUnits express(std::span<const float> distribution, Draws& draws) {
  ActionUnits blend;
  for (std::size_t k = 0; k < kEmotions; ++k) {
    if (distribution[k] <= 0) continue;
    const ActionUnits one = prototype(static_cast<Emotion>(k), draws);
    for (std::size_t u = 0; u < kActionUnits; ++u) blend.intensity[u] += distribution[k] * one.intensity[u];
  }
  return blend;
}

}  // namespace penumbra::data
