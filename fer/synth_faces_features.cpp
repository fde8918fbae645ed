#include "fer/synth_faces_features.h"

namespace fermion::fer::synth {
namespace {

using Side = std::array<float, 28>;

// Everything below is built for the picture's right side (x > 0 outwards) and mirrored.
Path mirrored(Path path, int side) {
  if (side == 0)
    for (Vec2& p : path) p.x = -p.x;
  return path;
}

Brow move_brow(const Identity& face, const Side& au, int side) {
  // AU 1 lifts the inner end, 2 the outer half. 4 draws the brow down and in; against a lifting unit it
  // flattens the arch more than it lowers.
  const float lift = std::max(au[1], au[2]);
  const float down = au[4] * (1 - 0.75f * std::min(lift, 1.0f)) + 0.35f * au[9] + 0.15f * au[6];
  const float arch = 1 - 0.45f * std::min(au[4], 1.0f);
  const Vec2 inner{-0.055f * au[4], -0.150f * au[1] + 0.105f * down};
  const Vec2 second{-0.045f * au[4], -0.105f * au[1] - 0.060f * au[2] * arch + 0.085f * down};
  const Vec2 third{-0.020f * au[4], -0.025f * au[1] - 0.140f * au[2] * arch + 0.040f * down};
  const Vec2 outer{0, 0.020f * au[1] * (1 - std::min(au[2], 1.0f)) - 0.105f * au[2] * arch};

  const float x = face.eye_distance, y = face.eye_height + face.brow_height;
  const float tilt = face.brow_tilt;
  Path line{Vec2{x - 0.175f, y - 0.232f + tilt} + inner, Vec2{x - 0.05f, y - 0.268f + 0.4f * tilt} + second,
            Vec2{x + 0.10f, y - 0.275f - 0.5f * tilt} + third, Vec2{x + 0.235f, y - 0.212f - tilt} + outer};
  return {mirrored(smooth(line), side), face.brow_thickness};
}

Eye move_eye(const Identity& face, const Side& au, int side) {
  const float width = face.eye_width;
  const float sad = au[1] * std::max(0.0f, 1 - au[2]) * std::max(0.0f, 1 - au[5]);
  float upper = 0.092f * face.eye_opening + 0.085f * au[5] - 0.028f * au[7] - 0.015f * au[6] - 0.026f * sad -
                0.022f * au[9];
  float lower = 0.058f * face.eye_opening + 0.012f * au[5] - 0.052f * au[7] - 0.060f * au[6] - 0.046f * au[9];
  upper = std::max(upper, 0.018f);
  lower = std::max(lower, -0.010f);
  // The lifted inner brow drags the lid along: a sad eye is highest near the nose.
  const float inner = 0.74f * upper + 0.020f * sad, outer = 0.80f * upper - 0.034f * sad;
  const float tilt = face.eye_tilt;
  const float bulge = 0.018f * au[6];  // the cheek's push bends the lower lid upwards
  Path top{{-width, 0.020f + tilt},
           {-0.52f * width, -inner},
           {-0.06f * width, -upper},
           {0.52f * width, -outer},
           {width, -tilt}};
  Path bottom{{-width, 0.020f + tilt},
              {-0.5f * width, 0.84f * lower},
              {0.02f * width, lower - bulge},
              {0.52f * width, 0.90f * lower},
              {width, -tilt}};
  const Vec2 centre{face.eye_distance, face.eye_height};
  for (Path* lid : {&top, &bottom}) {
    *lid = smooth(*lid);
    for (Vec2& p : *lid) p = p + centre;
  }
  Eye eye{centre, mirrored(top, side), mirrored(bottom, side), 0.045f - 0.018f * std::min(au[5], 1.0f),
          std::min(1.0f, 0.9f * au[6] + 0.6f * au[7] + 0.6f * au[9])};
  if (side == 0) eye.centre.x = -eye.centre.x;
  return eye;
}

Mouth move_mouth(const Identity& face, const ActionUnits& units) {
  const auto au = [&](int unit) { return units.both(unit); };
  const float tight = std::max(au(23), au(24)), press = au(24);
  const float drop = std::max({au(25) * (0.055f + 0.05f * au(12)), au(26) * 0.170f, au(27) * 0.290f});
  const float parted = drop + 0.035f * au(10) * (au(16) > 0 || au(9) > 0) + 0.030f * au(16);
  const float opening = parted * (1 - 0.9f * std::min(tight, 1.0f));
  const float y = face.mouth_height;

  Mouth mouth{};
  mouth.opening = opening;
  mouth.pressed = tight;
  // The smile and the stretch show the upper teeth, the stretch and a lowered lip the lower ones.
  mouth.upper_teeth = std::min(1.0f, 1.1f * au(12) + 1.0f * au(10) + 0.5f * au(20) + 0.25f * au(26));
  mouth.lower_teeth = std::min(1.0f, 0.9f * au(20) + 1.0f * au(16));

  const float upper_thickness =
      face.upper_lip * (1 - 0.55f * tight) * (1 - 0.25f * au(12)) * (1 - 0.25f * au(20));
  const float lower_thickness =
      face.lower_lip * (1 - 0.50f * tight) * (1 - 0.20f * au(20)) * (1 + 0.15f * au(17));
  const float upper_middle = y - 0.30f * opening - 0.045f * au(10) - 0.020f * au(9) - 0.012f * au(12);
  const float lower_middle = upper_middle + opening - 0.030f * au(17) + 0.030f * au(17) * (opening > 0);

  constexpr int samples = 13;
  for (int i = 0; i < samples; ++i) {
    const float t = -1 + 2.0f * i / (samples - 1);  // -1 and 1 are the corners
    const int side = t < 0 ? 0 : 1;
    const auto& part = units.side[side];
    const float tension = std::max(part[23], part[24]);
    const float width = face.mouth_width + 0.085f * part[12] + 0.095f * part[20] - 0.050f * tension -
                        0.060f * part[27] - 0.030f * part[26] * (1 - std::min(part[20], 1.0f)) +
                        0.01f * part[15];
    const float corner = -face.mouth_curve - 0.125f * part[12] + 0.090f * part[15] + 0.030f * part[20] +
                         0.020f * part[26] + 0.060f * part[27] + 0.010f * part[16] + 0.015f * part[17];
    const float square = t * t;
    // Stretching and raising the lip make the opening a slot, a dropped jaw an oval.
    const float slot = std::min(1.0f, part[20] + 0.6f * part[10]);
    const float arch = mix(1 - square, 1 - square * square * square, slot);
    const float bend = mix(square, square * std::fabs(t), std::min(1.0f, 0.8f * part[15]));
    const float line = corner * bend + 0.030f * part[17] * square;
    const float x = width * t;
    const float raised =
        -0.035f * part[10] * std::exp(-8.0f * (std::fabs(t) - 0.45f) * (std::fabs(t) - 0.45f));
    const float top = upper_middle + line + (y - upper_middle) * (1 - arch) + raised;
    const float low = lower_middle + line + (y - lower_middle) * (1 - arch);
    const float bow = 1 - square - 0.35f * std::exp(-30.0f * square);
    mouth.upper_lip.push_back({x, top});
    mouth.lower_lip.push_back({x, std::max(low, top)});
    mouth.upper_edge.push_back({x, top - upper_thickness * (0.08f + 1.15f * bow)});
    mouth.lower_edge.push_back({x, std::max(low, top) + lower_thickness * (0.06f + std::sqrt(1 - square)) +
                                       0.020f * part[16] * (1 - square)});
  }
  (void)press;
  return mouth;
}

}  // namespace

Features move_features(const Identity& identity, const ActionUnits& units) {
  Features features{};
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
