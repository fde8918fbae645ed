#include "fer/synth_faces/draw.h"

namespace fermion::fer::synth {
namespace {

// One side of the face: x grows outwards.
struct HalfFace {
  Painter& painter;
  float out;  // -1 in the picture's left half, 1 in the right

  Vec2 at(float x, float y) const { return {out * x, y}; }
  void fold(const Path& line, float radius, float depth, float lift = 0) const {
    painter.wrinkle(painter.to_picture.on_face(smooth(line), lift), radius, depth);
  }
};

// AU 1 and 2 fold the forehead across, 4 the glabella upright, 9 the root of the nose across.
void draw_upper_folds(const HalfFace& half, const Identity& face, const std::array<float, 28>& au) {
  const auto at = [&](float x, float y) { return half.at(x, y); };
  const float y = face.eye_height;
  const float raise = std::max(au[1], au[2]);
  for (int i = 0; i < 3; ++i) {
    const auto line = static_cast<float>(i);
    const float height = y - 0.44f - 0.085f * line - 0.03f * raise;
    const float reach = au[2] > 0.2f ? 0.42f - 0.03f * line : 0.20f;
    half.fold({at(0, height + 0.015f), at(0.5f * reach, height - 0.012f * au[2]), at(reach, height + 0.02f)},
              0.034f, (0.85f - 0.15f * line) * raise + 0.25f * face.age);
  }
  const float frown = std::max(au[4], 0.6f * au[9]);
  half.fold({at(0.05f, y - 0.29f), at(0.04f, y - 0.20f), at(0.06f, y - 0.12f)}, 0.036f, 1.3f * frown);
  half.painter.bump(at(0.11f, y - 0.19f), {0.10f, 0.09f}, 0.055f * frown);
  for (int i = 0; i < 3; ++i) {
    const float line = y + 0.02f + 0.062f * static_cast<float>(i);
    half.fold(
        {at(0, line + 0.02f), at(0.05f, line), at(0.105f, line + 0.025f + 0.02f * static_cast<float>(i))},
        0.030f, 1.35f * au[9], 0.08f);
  }
}

// AU 6 lifts the cheek, which makes a pouch below the eye and crow's feet beside it.
void draw_cheek(const HalfFace& half, const Identity& face, const Eye& eye, const std::array<float, 28>& au) {
  const auto at = [&](float x, float y) { return half.at(x, y); };
  const float x = face.eye_distance, y = face.eye_height;
  const float lifted = std::max(au[6], 0.55f * au[9]);
  const float blush = 1 - 0.06f * lifted;
  half.painter.bump(at(0.40f, 0.24f - 0.05f * au[6]), {0.21f, 0.16f}, 0.075f * lifted + 0.030f * au[12],
                    {1, blush, blush});
  const float pouch = eye.lower_crease;
  half.fold({at(x - 0.15f, y + 0.10f), at(x, y + 0.135f - 0.03f * pouch), at(x + 0.16f, y + 0.075f)}, 0.034f,
            pouch + 0.25f * face.age);
  for (const float step : {-1.0f, 0.0f, 1.0f}) {
    const float start = x + face.eye_width + 0.035f;
    half.fold({at(start, y + 0.02f * step), at(start + 0.10f, y + 0.055f * step - 0.01f)}, 0.026f,
              0.9f * au[6] + 0.2f * face.age);
  }
}

// The fold from the nose wing to the mouth's corner: deep with AU 9, 10, 11, 12. At the corner itself: a
// dimple (12, 20), a line downwards (15).
void draw_mouth_folds(const HalfFace& half, const Identity& face, Vec2 corner, float wing_lift,
                      const std::array<float, 28>& au) {
  const auto off = [&](float x, float y) { return corner + half.at(x, y); };
  const Vec2 wing = half.at(face.nose_width + 0.03f, face.eye_height + face.nose_length + 0.02f - wing_lift);
  const Vec2 end = off(0.075f, -0.015f);
  const Vec2 middle = 0.5f * (wing + end) + half.at(0.03f + 0.035f * au[12], 0);
  const float depth =
      std::max({0.95f * au[12], 1.15f * au[9], 1.0f * au[10], 1.2f * au[11], face.folds + 0.2f * face.age});
  half.fold({wing, middle, end}, 0.042f, depth);
  half.fold({off(0.03f, -0.03f), off(0.05f, 0.01f), off(0.035f, 0.06f)}, 0.036f,
            0.8f * std::max(au[12], au[20]));
  half.fold({off(0, 0.01f), off(0.035f, 0.06f), off(0.05f, 0.15f)}, 0.040f, 1.1f * au[15]);
}

// AU 17 pushes up the chin's boss and dents its skin.
void draw_chin(Painter& painter, float lip, float raised) {
  painter.bump({0, lip + 0.15f}, {0.15f, 0.12f}, 0.08f * raised);
  painter.wrinkle(
      painter.to_picture.on_face(smooth({{-0.13f, lip + 0.055f}, {0, lip + 0.035f}, {0.13f, lip + 0.055f}})),
      0.045f, 0.35f + 0.9f * raised);
  const float dark = 1 - 0.32f * raised;
  for (const Vec2 dent : {Vec2{-0.07f, 0.13f}, Vec2{0.06f, 0.12f}, Vec2{-0.01f, 0.18f}, Vec2{0, 0.10f}})
    painter.bump(Vec2{0, lip} + dent, {0.030f, 0.026f}, -0.014f * raised, {dark, dark, dark});
}

}  // namespace

void draw_folds(Painter& painter, const Identity& face, const Features& features, const ActionUnits& units) {
  const Mouth& mouth = features.mouth;
  for (int side = 0; side < 2; ++side) {
    const HalfFace half{painter, side == 0 ? -1.0f : 1.0f};
    const auto& au = units.side[side];
    draw_upper_folds(half, face, au);
    draw_cheek(half, face, features.eyes[side], au);
    draw_mouth_folds(half, face, side == 0 ? mouth.upper_lip.front() : mouth.upper_lip.back(),
                     features.wing_lift[side], au);
    // Below a dropped jaw the cheeks are hollow.
    const float hollow = features.jaw_drop;
    painter.bump(half.at(0.42f, 0.56f), {0.14f, 0.24f}, -0.18f * hollow,
                 {1 - 0.7f * hollow, 1 - 0.9f * hollow, 1 - 0.9f * hollow});
  }
  draw_chin(painter, mouth.lower_edge[Mouth::middle].y, units.both(17));
}

}  // namespace fermion::fer::synth
