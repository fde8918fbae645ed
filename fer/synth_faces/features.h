// The shapes of a face, in face units, after its action units have moved them. Pairs are the picture's left
// and right.
#pragma once

#include <array>

#include "fer/synth_faces/parameters.h"

namespace fermion::fer::synth {

struct Brow {
  Path line;  // from the nose outwards
  float thickness = 0;
};

struct Eye {
  Vec2 centre;             // of the ball
  Path upper, lower;       // lids, from the inner corner to the outer
  float lid_fold = 0;      // height of the fold above the upper lid
  float lower_crease = 0;  // strength of the fold below the lower lid
};

// Four lines of `samples` points from the left corner to the right.
struct Mouth {
  static constexpr int samples = 13, middle = samples / 2;

  Path upper_edge, upper_lip;  // upper lip: its border with the skin, its border with the mouth
  Path lower_lip, lower_edge;
  float opening = 0;                       // in the middle
  float upper_teeth = 0, lower_teeth = 0;  // how much of them an open mouth shows
  float pressed = 0;
};

struct Features {
  std::array<Brow, 2> brows;
  std::array<Eye, 2> eyes;
  std::array<float, 2> wing_lift{};  // of the nose's wings
  Mouth mouth;
  float jaw_drop = 0;  // of the chin
};

Features move_features(const Identity& identity, const ActionUnits& units);

}  // namespace fermion::fer::synth
