#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "data/plan/philox.h"

namespace penumbra::data {

/// The eight classes of FERPlus, in its order.
enum class Emotion { neutral, happiness, surprise, sadness, anger, disgust, fear, contempt };
inline constexpr std::size_t kEmotions = 8;
const std::vector<std::string>& emotion_names();

/// Action units of the Facial Action Coding System (Ekman, Friesen & Hager, 2002). Those that act on one side alone
/// (the smirk of contempt) come in two: `left` is the side at small x.
enum class Au {
  inner_brow_raiser,     ///< AU1
  outer_brow_raiser,     ///< AU2
  brow_lowerer,          ///< AU4
  upper_lid_raiser,      ///< AU5
  cheek_raiser,          ///< AU6
  lid_tightener,         ///< AU7
  nose_wrinkler,         ///< AU9
  upper_lip_raiser,      ///< AU10
  lip_corner_left,       ///< AU12, lip corner puller
  lip_corner_right,      ///< AU12
  dimpler_left,          ///< AU14
  dimpler_right,         ///< AU14
  lip_corner_depressor,  ///< AU15
  lower_lip_depressor,   ///< AU16
  chin_raiser,           ///< AU17
  lip_stretcher,         ///< AU20
  lip_tightener,         ///< AU23
  lips_part,             ///< AU25
  jaw_drop,              ///< AU26
  lid_droop,             ///< AU43
  count
};
inline constexpr std::size_t kActionUnits = static_cast<std::size_t>(Au::count);

/// Intensities, 0 (absent) to about 1 (FACS level E).
struct ActionUnits {
  std::array<double, kActionUnits> intensity{};

  double operator[](Au unit) const { return intensity[static_cast<std::size_t>(unit)]; }
  double& operator[](Au unit) { return intensity[static_cast<std::size_t>(unit)]; }
};

/// The prototype of one class as this face shows it: the core units of the class (EMFACS) and, by chance, some of its
/// optional ones (an open or closed smile, pressed or bared anger, the side of a smirk), each a little off.
ActionUnits prototype(Emotion emotion, Draws& draws);

/// The blend of the prototypes with the weights of `distribution` (8 numbers that sum to 1).
ActionUnits express(std::span<const float> distribution, Draws& draws);

}  // namespace penumbra::data
