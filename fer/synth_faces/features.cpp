#include "fer/synth_faces/features.h"

namespace fermion::fer::synth {
namespace {

using Side = std::array<float, 28>;

// Brows and eyes are built for the picture's right side (x > 0 is outwards) and mirrored for the left.
Path mirrored(Path path, int side) {
  if (side == 0)
    for (Vec2& p : path) p.x = -p.x;
  return path;
}

Brow move_brow(const Identity& face, const Side& au, int side) {
  // AU 1 lifts the inner end, 2 the outer half; 4 lowers the brow and draws it in. Against a lifting unit, AU
  // 4 straightens the brow more than it lowers it: fear's brow.
  const float lift = std::min(std::max(au[1], au[2]), 1.0f);
  const float down = au[4] * (1 - 0.75f * lift) + 0.35f * au[9] + 0.15f * au[6];
  const float outer_lift = au[2] * (1 - 0.45f * std::min(au[4], 1.0f));
  const float oblique = au[1] * (1 - std::min(au[2], 1.0f));
  const Vec2 inner{-0.055f * au[4], -0.150f * au[1] + 0.105f * down};
  const Vec2 second{-0.045f * au[4], -0.105f * au[1] - 0.060f * outer_lift + 0.085f * down};
  const Vec2 third{-0.020f * au[4], -0.025f * au[1] - 0.140f * outer_lift + 0.040f * down};
  const Vec2 outer{0, 0.020f * oblique - 0.105f * outer_lift};

  const float x = face.eye_distance, y = face.eye_height + face.brow_height, tilt = face.brow_tilt;
  const Path line{
      Vec2{x - 0.175f, y - 0.232f + tilt} + inner, Vec2{x - 0.05f, y - 0.268f + 0.4f * tilt} + second,
      Vec2{x + 0.10f, y - 0.275f - 0.5f * tilt} + third, Vec2{x + 0.235f, y - 0.212f - tilt} + outer};
  return {mirrored(smooth(line), side), face.brow_thickness};
}

Eye move_eye(const Identity& face, const Side& au, int side) {
  // AU 5 lifts the upper lid, 7 tightens both; 6 and 9 push the lower one up. AU 1 alone drags the upper
  // lid's inner part along: a sad eye is highest near the nose.
  const float sad = au[1] * std::max(0.0f, 1 - au[2]) * std::max(0.0f, 1 - au[5]);
  const float upper = 0.092f * face.eye_opening + 0.085f * au[5] - 0.028f * au[7] - 0.015f * au[6] -
                      0.026f * sad - 0.022f * au[9];
  const float lower =
      0.058f * face.eye_opening + 0.012f * au[5] - 0.052f * au[7] - 0.060f * au[6] - 0.046f * au[9];
  const float top = std::max(upper, 0.018f), bottom = std::max(lower, -0.010f);
  const float width = face.eye_width, tilt = face.eye_tilt;
  const Vec2 inner{-width, 0.020f + tilt}, outer{width, -tilt};
  Path upper_lid = smooth({inner,
                           {-0.52f * width, -0.74f * top - 0.020f * sad},
                           {-0.06f * width, -top},
                           {0.52f * width, -0.80f * top + 0.034f * sad},
                           outer});
  Path lower_lid = smooth({inner,
                           {-0.5f * width, 0.84f * bottom},
                           {0.02f * width, bottom - 0.018f * au[6]},
                           {0.52f * width, 0.90f * bottom},
                           outer});
  const Vec2 centre{face.eye_distance, face.eye_height};
  for (Path* lid : {&upper_lid, &lower_lid})
    for (Vec2& p : *lid) p = p + centre;

  Eye eye;
  eye.centre = {side == 0 ? -centre.x : centre.x, centre.y};
  eye.upper = mirrored(upper_lid, side);
  eye.lower = mirrored(lower_lid, side);
  eye.lid_fold = 0.045f - 0.018f * std::min(au[5], 1.0f);
  eye.lower_crease = std::min(1.0f, 0.9f * au[6] + 0.6f * au[7] + 0.6f * au[9]);
  return eye;
}

// How far the lips part: AU 25 parts them, more in a smile; 26 drops the jaw, 27 stretches the mouth; 10 and
// 16 pull the lips off the teeth; 23 and 24 keep them closed.
float lips_apart(const ActionUnits& units) {
  const auto au = [&](int unit) { return units.both(unit); };
  const float jaw = std::max({au(25) * (0.055f + 0.05f * au(12)), au(26) * 0.170f, au(27) * 0.290f});
  const bool sneer = au(16) > 0 || au(9) > 0;
  const float parted = jaw + (sneer ? 0.035f * au(10) : 0) + 0.030f * au(16);
  return parted * (1 - 0.9f * std::min(std::max(au(23), au(24)), 1.0f));
}

Mouth move_mouth(const Identity& face, const ActionUnits& units) {
  const auto au = [&](int unit) { return units.both(unit); };
  Mouth mouth;
  mouth.opening = lips_apart(units);
  mouth.pressed = std::max(au(23), au(24));
  mouth.upper_teeth = std::min(1.0f, 1.1f * au(12) + 1.0f * au(10) + 0.5f * au(20) + 0.25f * au(26));
  mouth.lower_teeth = std::min(1.0f, 0.9f * au(20) + 1.0f * au(16));

  const float upper_thickness =
      face.upper_lip * (1 - 0.55f * mouth.pressed) * (1 - 0.25f * au(12)) * (1 - 0.25f * au(20));
  const float lower_thickness =
      face.lower_lip * (1 - 0.50f * mouth.pressed) * (1 - 0.20f * au(20)) * (1 + 0.15f * au(17));
  const float y = face.mouth_height;
  const float upper_middle = y - 0.30f * mouth.opening - 0.045f * au(10) - 0.020f * au(9) - 0.012f * au(12);
  const float lower_middle = std::max(upper_middle, upper_middle + mouth.opening - 0.012f * au(17));

  for (int i = 0; i < Mouth::samples; ++i) {
    const float t = -1 + 2.0f * static_cast<float>(i) / (Mouth::samples - 1);  // -1, 1: the corners
    const float square = t * t;
    const Side& side = units.side[t < 0 ? 0 : 1];
    // Corners: 12 pulls them up and out, 15 down, 20 sideways; 23 and 24 tighten, a dropped jaw draws them
    // in.
    const float width = face.mouth_width + 0.085f * side[12] + 0.095f * side[20] + 0.010f * side[15] -
                        0.050f * std::max(side[23], side[24]) - 0.060f * side[27] -
                        0.030f * side[26] * (1 - std::min(side[20], 1.0f));
    const float corner = -face.mouth_curve - 0.125f * side[12] + 0.090f * side[15] + 0.030f * side[20] +
                         0.010f * side[16] + 0.045f * side[17] + 0.020f * side[26] + 0.060f * side[27];
    // AU 15 bends only the ends, so that the mouth becomes an arch with hanging corners.
    const float bend = mix(square, square * std::fabs(t), std::min(1.0f, 0.8f * side[15]));
    // A stretched or raised lip makes the opening a slot, a dropped jaw an oval.
    const float slot = std::min(1.0f, side[20] + 0.6f * side[10]);
    const float closing = mix(square, square * square * square, slot);
    // AU 10 lifts the lip most halfway to the corner.
    const float off = std::fabs(t) - 0.45f;
    const float sneer = -0.035f * side[10] * std::exp(-8 * off * off);

    const float x = width * t, line = y + corner * bend;
    const float top = line + (upper_middle - y) * (1 - closing) + sneer;
    const float low = std::max(top, line + (lower_middle - y) * (1 - closing));
    const float bow = 1 - square - 0.35f * std::exp(-30 * square);
    mouth.upper_lip.push_back({x, top});
    mouth.lower_lip.push_back({x, low});
    mouth.upper_edge.push_back({x, top - upper_thickness * (0.08f + 1.15f * bow)});
    mouth.lower_edge.push_back(
        {x, low + lower_thickness * (0.06f + std::sqrt(1 - square)) + 0.020f * side[16] * (1 - square)});
  }
  return mouth;
}

}  // namespace

Features move_features(const Identity& identity, const ActionUnits& units) {
  Features features;
  for (int side = 0; side < 2; ++side) {
    const Side& au = units.side[side];
    features.brows[side] = move_brow(identity, au, side);
    features.eyes[side] = move_eye(identity, au, side);
    features.wing_lift[side] = 0.045f * au[9] + 0.018f * au[10] + 0.010f * au[12];
  }
  features.mouth = move_mouth(identity, units);
  features.jaw_drop = std::max({0.02f * units.both(25), 0.115f * units.both(26), 0.20f * units.both(27)});
  return features;
}

}  // namespace fermion::fer::synth
