// The parts of the picture, in the order in which they are painted, and the picture that a camera takes of
// it.
#pragma once

#include <vector>

#include "fer/synth_faces/features.h"
#include "fer/synth_faces/painter.h"

namespace fermion::fer::synth {

void draw_background(Painter& painter, const Background& background);
void draw_hair_behind(Painter& painter, const Identity& face);
void draw_body(Painter& painter, const Identity& face);
void draw_head(Painter& painter, const Identity& face, const Features& features);
void draw_folds(Painter& painter, const Identity& face, const Features& features, const ActionUnits& units);
void draw_beard(Painter& painter, const Identity& face, const Features& features);
void draw_nose(Painter& painter, const Identity& face, const Features& features);
void draw_eyes(Painter& painter, const Identity& face, const Features& features);
void draw_brows(Painter& painter, const Identity& face, const Features& features);
void draw_mouth(Painter& painter, const Identity& face, const Features& features);
void draw_hair(Painter& painter, const Identity& face);
void draw_glasses(Painter& painter, const Identity& face);
void draw_occluder(Painter& painter, const Occluder& thing);

// Light, reduction to half the size, lens and sensor, whose noise is that of face `index` of `seed`:
// [size, size, 3] in 0..1, not yet rounded.
std::vector<float> take_picture(Canvas& canvas, const Light& light, const Camera& camera, std::uint64_t seed,
                                std::int64_t index);

}  // namespace fermion::fer::synth
