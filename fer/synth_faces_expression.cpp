#include "fer/synth_faces_draw.h"

namespace fermion::fer::synth {
namespace {

constexpr float inward(int side) {
  return side == 0 ? 1.0f : -1.0f;
}

Path joined(Path there, const Path& back) {
  there.insert(there.end(), back.rbegin(), back.rend());
  return there;
}

Path moved(Path path, Vec2 by) {
  for (Vec2& p : path) p = p + by;
  return path;
}

}  // namespace

void draw_folds(Painter& painter, const Identity& face, const Features& features, const ActionUnits& units) {
  const Projection& to_picture = painter.to_picture;
  const Mouth& mouth = features.mouth;
  for (int side = 0; side < 2; ++side) {
    const auto& au = units.side[side];
    const float out = -inward(side);
    const auto at = [out](float x, float y) { return Vec2{out * x, y}; };
    const float e = face.eye_distance, y = face.eye_height;

    // Forehead: AU 1 and 2 fold it across, over the inner and the outer brow.
    const float raise = std::max(au[1], au[2]);
    for (int i = 0; i < 3; ++i) {
      const float line = y - 0.44f - 0.085f * i - 0.03f * raise;
      const float reach = au[2] > 0.2f ? 0.42f - 0.03f * i : 0.20f;
      const Path fold{at(0, line + 0.015f), at(0.5f * reach, line - 0.012f * au[2]), at(reach, line + 0.02f)};
      painter.wrinkle(to_picture.on_face(smooth(fold)), 0.034f,
                      (0.85f - 0.15f * i) * raise + 0.25f * face.age);
    }
    // AU 4: upright folds between the brows.
    const float frown = std::max(au[4], 0.6f * au[9]);
    painter.wrinkle(
        to_picture.on_face(smooth({at(0.050f, y - 0.29f), at(0.040f, y - 0.20f), at(0.060f, y - 0.12f)})),
        0.036f, 1.3f * frown);
    painter.bump(at(0.11f, y - 0.19f), {0.10f, 0.09f}, 0.055f * frown);
    // AU 9: the nose root in folds.
    for (int i = 0; i < 3; ++i) {
      const float line = y + 0.02f + 0.062f * i;
      painter.wrinkle(to_picture.on_face(smooth({at(0.00f, line + 0.020f), at(0.05f, line),
                                                 at(0.105f, line + 0.025f + 0.02f * i)}),
                                         0.08f),
                      0.030f, 1.35f * au[9]);
    }
    // AU 6: raised cheek, a pouch below the eye, crow's feet.
    const float cheek = std::max(au[6], 0.55f * au[9]);
    painter.bump(at(0.40f, 0.24f - 0.05f * au[6]), {0.21f, 0.16f}, 0.075f * cheek + 0.030f * au[12],
                 {1, 1 - 0.06f * cheek, 1 - 0.06f * cheek});
    const float pouch = features.eyes[side].lower_crease;
    painter.wrinkle(to_picture.on_face(smooth({at(e - 0.15f, y + 0.10f), at(e, y + 0.135f - 0.03f * pouch),
                                               at(e + 0.16f, y + 0.075f)})),
                    0.034f, 1.0f * pouch + 0.25f * face.age);
    for (int i = -1; i <= 1; ++i) {
      const float start = e + face.eye_width + 0.035f;
      painter.wrinkle(
          to_picture.on_face({at(start, y + 0.02f * i), at(start + 0.10f, y + 0.055f * i - 0.01f)}), 0.026f,
          0.9f * au[6] + 0.2f * face.age);
    }
    // The fold from the nose wing round the mouth: deep in a smile (12), a sneer (9, 10) and with 11.
    const Vec2 corner = side == 0 ? mouth.upper_lip.front() : mouth.upper_lip.back();
    const float wing = 0.02f + face.eye_height + face.nose_length - features.wing_lift[side];
    const float depth =
        std::max({0.95f * au[12], 1.15f * au[9], 1.0f * au[10], 1.2f * au[11], face.folds + 0.2f * face.age});
    const float bow = 0.03f + 0.035f * au[12];
    const Vec2 first = at(face.nose_width + 0.03f, wing), last = corner + at(0.075f, -0.015f);
    const Vec2 middle = 0.5f * (first + last) + at(bow, 0.0f);
    painter.wrinkle(to_picture.on_face(smooth({first, middle, last})), 0.042f, depth);
    // Corners: a dimple (12), a pull downwards (15), a stretch (20).
    painter.wrinkle(to_picture.on_face(smooth(
                        {corner + at(0.03f, -0.03f), corner + at(0.05f, 0.01f), corner + at(0.035f, 0.06f)})),
                    0.036f, 0.8f * std::max(au[12], au[20]));
    painter.wrinkle(to_picture.on_face(smooth(
                        {corner + at(0.0f, 0.01f), corner + at(0.035f, 0.06f), corner + at(0.05f, 0.15f)})),
                    0.040f, 1.1f * au[15]);
  }
  const float low = mouth.lower_edge[6].y;
  const float chin = units.both(17);
  painter.bump({0, low + 0.15f}, {0.15f, 0.12f}, 0.08f * chin);
  const Path under{{-0.13f, low + 0.055f}, {0, low + 0.035f}, {0.13f, low + 0.055f}};
  painter.wrinkle(to_picture.on_face(smooth(under)), 0.045f, 0.35f + 0.9f * chin);
  for (const Vec2 dent : {Vec2{-0.07f, 0.13f}, Vec2{0.06f, 0.12f}, Vec2{-0.01f, 0.18f}, Vec2{0.0f, 0.10f}})
    painter.bump(Vec2{0, low} + dent, {0.030f, 0.026f}, -0.014f * chin,
                 {1 - 0.3f * chin, 1 - 0.33f * chin, 1 - 0.33f * chin});
  // Jaw dropped: the cheeks hollow.
  for (const float side : {-1.0f, 1.0f})
    painter.bump({side * 0.42f, 0.56f}, {0.14f, 0.24f}, -0.18f * features.jaw_drop,
                 {1 - 0.7f * features.jaw_drop, 1 - 0.9f * features.jaw_drop, 1 - 0.9f * features.jaw_drop});
}

void draw_nose(Painter& painter, const Identity& face, const Features& features) {
  const Projection& to_picture = painter.to_picture;
  const float root = face.eye_height, tip = root + face.nose_length, width = face.nose_width;
  const float lift = 0.5f * (features.wing_lift[0] + features.wing_lift[1]);
  soft_stroke(painter.shape,
              {to_picture.on_face({0, root - 0.10f}), to_picture.on_face({0, tip - 0.08f}, 0.10f)},
              {0.10f * to_picture.unit, 0.11f * to_picture.unit, 0.14f * to_picture.unit});
  emboss(painter.canvas, painter.shape, &painter.head, 0.060f * to_picture.unit);
  painter.bump({0, tip - 0.02f - 0.4f * lift}, {0.13f, 0.11f}, 0.075f, {1.02f, 0.94f, 0.93f});
  for (int side = 0; side < 2; ++side) {
    const float out = -inward(side);
    const float y = tip + 0.02f - features.wing_lift[side];
    painter.bump({out * width * 0.82f, y - 0.02f}, {0.075f, 0.075f}, 0.045f);
    const Path wing = smooth({{out * width * 0.90f, y - 0.075f},
                              {out * (width + 0.012f), y - 0.02f},
                              {out * width * 0.86f, y + 0.025f}});
    painter.line(to_picture.on_face(wing, 0.04f), {0.008f, 0.014f, 0.010f}, 0.55f * face.skin, nullptr,
                 0.75f);
    painter.ellipse(to_picture.on_face({out * width * 0.45f, y + 0.020f}, 0.08f), {0.036f, 0.020f},
                    0.28f * face.skin, nullptr, 0.85f);
  }
  painter.soft_line(
      {to_picture.on_face({-width * 0.6f, tip + 0.05f}), to_picture.on_face({width * 0.6f, tip + 0.05f})},
      {0.03f, 0.05f, 0.03f}, {0.80f, 0.74f, 0.73f}, &painter.head);
  if (face.freckles > 0) {
    for (int i = 0; i < 14; ++i) {
      const float x = -0.48f + 0.96f * static_cast<float>((i * 5 + 3) % 14) / 13,
                  y = 0.10f + 0.024f * static_cast<float>(i * 7 % 9);
      painter.ellipse(to_picture.on_face({x, y}), {0.016f, 0.015f}, Colour{0.72f, 0.60f, 0.52f} * face.skin,
                      &painter.head, face.freckles);
    }
  }
}

void draw_brows(Painter& painter, const Identity& face, const Features& features) {
  const Projection& to_picture = painter.to_picture;
  for (const Brow& brow : features.brows) {
    const float thick = brow.thickness;
    painter.line(to_picture.on_face(brow.line, 0.02f), {0.85f * thick, 1.0f * thick, 0.35f * thick},
                 face.brows, &painter.head, 0.92f);
  }
}

void draw_eyes(Painter& painter, const Identity& face, const Features& features) {
  const Projection& to_picture = painter.to_picture;
  const Colour lash = 0.30f * mix(face.brows, Colour{0.2f, 0.13f, 0.1f}, 0.5f);
  for (int side = 0; side < 2; ++side) {
    const Eye& eye = features.eyes[side];
    const Path upper = to_picture.on_face(eye.upper), lower = to_picture.on_face(eye.lower);
    fill(painter.inside, joined(upper, lower));
    paint(painter.canvas, painter.inside, nullptr, {0.95f, 0.94f, 0.93f});
    painter.round_off(painter.inside, 0.35f);
    const Vec2 iris = to_picture.on_face(eye.centre + face.gaze + Vec2{0, -0.006f});
    painter.ellipse(iris, {0.096f, 0.096f}, 0.45f * face.iris, &painter.inside);
    painter.ellipse(iris, {0.080f, 0.080f}, 1.1f * face.iris, &painter.inside);
    painter.ellipse(iris, {0.043f, 0.043f}, {0.03f, 0.03f, 0.03f}, &painter.inside);
    // The lid's shadow lies on the ball.
    painter.soft_line(upper, {0.05f, 0.06f, 0.05f}, {0.62f, 0.60f, 0.62f}, &painter.inside);
    painter.ellipse(iris + to_picture.unit * Vec2{0.032f, -0.036f}, {0.024f, 0.024f}, {1.5f, 1.5f, 1.5f},
                    &painter.inside);

    painter.line(lower, {0.008f, 0.011f, 0.012f}, 0.50f * face.skin, nullptr, 0.8f);
    painter.line(upper, {0.012f, 0.022f, 0.016f}, lash, nullptr);
    if (face.lashes > 0) {
      const float out = -inward(side), reach = 0.055f * face.lashes;
      const Vec2 end = eye.upper.back(), near = eye.upper[eye.upper.size() - 4];
      painter.line({to_picture.on_face(end), to_picture.on_face(end + Vec2{out * reach, -reach})},
                   {0.016f, 0.012f, 0.004f}, lash, nullptr);
      painter.line({to_picture.on_face(near), to_picture.on_face(near + Vec2{out * 0.7f * reach, -reach})},
                   {0.014f, 0.010f, 0.004f}, lash, nullptr);
    }
    const Path fold = to_picture.on_face(moved(eye.upper, {0, -eye.lid_fold}));
    painter.soft_line(fold, {0.012f, 0.034f, 0.020f}, {0.66f, 0.58f, 0.56f}, &painter.head);
  }
}

void draw_mouth(Painter& painter, const Identity& face, const Features& features) {
  const Projection& to_picture = painter.to_picture;
  const Mouth& mouth = features.mouth;
  const float lift = 0.05f;
  const Path top = to_picture.on_face(mouth.upper_lip, lift), low = to_picture.on_face(mouth.lower_lip, lift);
  const Path upper = joined(to_picture.on_face(mouth.upper_edge, lift), top);
  const Path lower = joined(low, to_picture.on_face(mouth.lower_edge, lift));

  fill(painter.inside, joined(top, low));
  if (mouth.opening > 0.004f) {
    paint(painter.canvas, painter.inside, nullptr, {0.20f, 0.06f, 0.07f});
    const Vec2 tongue{0, mouth.lower_lip[6].y - 0.02f};
    painter.ellipse(to_picture.on_face(tongue), {0.17f, 0.35f * mouth.opening}, {0.66f, 0.30f, 0.32f},
                    &painter.inside);
    const Colour enamel{0.97f, 0.96f, 0.92f};
    const auto teeth = [&](const Path& lip, float height) {
      painter.fill_path(to_picture.on_face(joined(moved(lip, {0, -0.02f}), moved(lip, {0, height}))), enamel,
                        &painter.inside, 0.95f);
    };
    if (mouth.upper_teeth > 0.05f) teeth(mouth.upper_lip, 0.012f + 0.055f * mouth.upper_teeth);
    if (mouth.lower_teeth > 0.05f)
      teeth(moved(mouth.lower_lip, {0, -0.012f - 0.045f * mouth.lower_teeth}), 0.10f);
    painter.soft_line(top, {0.02f, 0.035f, 0.02f}, {0.6f, 0.55f, 0.55f}, &painter.inside);
  }
  painter.fill_path(upper, 0.88f * face.lips, nullptr, 0.95f);
  painter.fill_path(lower, face.lips, nullptr, 0.95f);
  const float round = 0.030f * (1 + mouth.pressed);
  soft_stroke(painter.shape, to_picture.on_face(moved(mouth.lower_lip, {0, 0.45f * face.lower_lip}), lift),
              {0.03f * to_picture.unit, 0.06f * to_picture.unit, 0.03f * to_picture.unit});
  emboss(painter.canvas, painter.shape, &painter.head, round * to_picture.unit);
  const Colour dark = mix(0.30f * face.lips, Colour{0.10f, 0.03f, 0.03f}, 0.4f);
  const float line = 0.011f + 0.006f * mouth.pressed;
  painter.line(top, {0.6f * line, line, 0.6f * line}, dark, nullptr, 0.9f);
  for (const Vec2 corner : {top.front(), top.back()}) {
    blob(painter.shape, corner, {0.045f * to_picture.unit, 0.04f * to_picture.unit}, to_picture.turn);
    tint(painter.canvas, painter.shape, &painter.head, {0.55f, 0.48f, 0.47f});
  }
}

}  // namespace fermion::fer::synth
