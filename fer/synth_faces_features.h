// The shapes of a face, in face units, after its action units have moved them.
#pragma once

#include <array>

#include "fer/synth_faces_parameters.h"

namespace fermion::fer::synth {

struct Brow {
  Path line;  // from the nose outwards
  float thickness;
};

struct Eye {
  Vec2 centre;
  Path upper, lower;   // lids, from the inner corner to the outer
  float lid_fold;      // how far the fold runs above the upper lid
  float lower_crease;  // strength of the line below the lower lid
};

struct Mouth {
  Path upper_edge, upper_lip;      // left to right: the lip's upper border, its lower border
  Path lower_lip, lower_edge;      // left to right
  float opening;                   // between the lips in the middle
  float upper_teeth, lower_teeth;  // how much shows
  float pressed;
};

struct Features {
  std::array<Brow, 2> brows;  // the picture's left, right
  std::array<Eye, 2> eyes;
  Mouth mouth;
  std::array<float, 2> wing_lift;  // nose wings, upwards
  float jaw_drop;
};

Features move_features(const Identity& identity, const ActionUnits& units);

}  // namespace fermion::fer::synth
