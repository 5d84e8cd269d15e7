#include "data/synth/face_renderer.h"

#include "data/synth/painting.h"

namespace penumbra::data {

Canvas render_face(const Identity& who, const ActionUnits& au, const Scene& scene, int size, int channels) {
  Canvas canvas(size, channels);
  Painting painting{who, au, scene, face_shape(who, au, scene), Pose(who, scene, size), canvas};
  paint_background(painting);
  canvas.start_foreground();
  paint_head(painting);
  paint_folds(painting);
  paint_nose(painting);
  paint_eyes(painting);
  paint_brows(painting);
  paint_mouth(painting);
  paint_front_hair(painting);
  light_face(painting);
  paint_glasses(painting);
  return canvas;
}

}  // namespace penumbra::data
