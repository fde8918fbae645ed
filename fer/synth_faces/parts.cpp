#include "fer/synth_faces/draw.h"

namespace fermion::fer::synth {
namespace {

void draw_freckles(Painter& painter, const Identity& face) {
  constexpr int count = 14;
  for (int i = 0; i < count; ++i) {
    const Vec2 place{-0.48f + 0.96f * static_cast<float>((i * 5 + 3) % count) / (count - 1),
                     0.10f + 0.024f * static_cast<float>(i * 7 % 9)};
    painter.ellipse(painter.to_picture.on_face(place), {0.016f, 0.015f},
                    Colour{0.72f, 0.60f, 0.52f} * face.skin, &painter.head, face.freckles);
  }
}

void draw_teeth(Painter& painter, const Mouth& mouth) {
  const auto teeth = [&](const Path& lip, float from, float to) {
    const Path row = joined(moved(lip, {0, from}), reversed(moved(lip, {0, to})));
    painter.fill_path(painter.to_picture.on_face(row), {0.97f, 0.96f, 0.92f}, &painter.inside, 0.95f);
  };
  const float upper = 0.012f + 0.055f * mouth.upper_teeth, lower = 0.012f + 0.045f * mouth.lower_teeth;
  if (mouth.upper_teeth > 0.05f) teeth(mouth.upper_lip, -0.02f, upper);
  if (mouth.lower_teeth > 0.05f) teeth(mouth.lower_lip, -lower, 0.10f);
  // Where both rows meet, a line parts them.
  if (mouth.upper_teeth > 0.05f && mouth.lower_teeth > 0.05f && mouth.opening < upper + lower) {
    Path bite = mouth.upper_lip;
    for (int i = 0; i < Mouth::samples; ++i)
      bite[i] = mix(bite[i], mouth.lower_lip[i], upper / (upper + lower));
    painter.line(painter.to_picture.on_face(bite), even(0.008f), {0.45f, 0.34f, 0.32f}, &painter.inside,
                 0.7f);
  }
}

}  // namespace

void draw_nose(Painter& painter, const Identity& face, const Features& features) {
  const Projection& to_picture = painter.to_picture;
  const float root = face.eye_height, tip = root + face.nose_length, width = face.nose_width;
  const float lift = 0.5f * (features.wing_lift[0] + features.wing_lift[1]);
  painter.soft_line({to_picture.on_face({0, root - 0.10f}), to_picture.on_face({0, tip - 0.08f}, 0.10f)},
                    {0.10f, 0.11f, 0.14f}, {1, 1, 1}, &painter.head, 0.060f);
  painter.bump({0, tip - 0.02f - 0.4f * lift}, {0.13f, 0.11f}, 0.075f, {1.02f, 0.94f, 0.93f});
  for (int side = 0; side < 2; ++side) {
    const float out = side == 0 ? -width : width;
    const float y = tip + 0.02f - features.wing_lift[side];
    painter.bump({0.82f * out, y - 0.02f}, {0.075f, 0.075f}, 0.045f);
    const Path wing =
        smooth({{0.90f * out, y - 0.075f}, {1.09f * out, y - 0.02f}, {0.86f * out, y + 0.025f}});
    painter.line(to_picture.on_face(wing, 0.04f), {0.008f, 0.014f, 0.010f}, 0.55f * face.skin, nullptr,
                 0.75f);
    painter.ellipse(to_picture.on_face({0.45f * out, y + 0.020f}, 0.08f), {0.036f, 0.020f}, 0.28f * face.skin,
                    nullptr, 0.85f);
  }
  const Path shadow{{-0.6f * width, tip + 0.05f}, {0.6f * width, tip + 0.05f}};
  painter.soft_line(to_picture.on_face(shadow), {0.03f, 0.05f, 0.03f}, {0.80f, 0.74f, 0.73f}, &painter.head);
  if (face.freckles > 0) draw_freckles(painter, face);
}

void draw_brows(Painter& painter, const Identity& face, const Features& features) {
  for (const Brow& brow : features.brows)
    painter.line(painter.to_picture.on_face(brow.line, 0.02f),
                 {0.85f * brow.thickness, brow.thickness, 0.35f * brow.thickness}, face.brows, &painter.head,
                 0.92f);
}

void draw_eyes(Painter& painter, const Identity& face, const Features& features) {
  const Projection& to_picture = painter.to_picture;
  const Colour lash = 0.30f * mix(face.brows, Colour{0.2f, 0.13f, 0.1f}, 0.5f);
  for (int side = 0; side < 2; ++side) {
    const Eye& eye = features.eyes[side];
    const Path upper = to_picture.on_face(eye.upper), lower = to_picture.on_face(eye.lower);
    fill(painter.inside, joined(upper, reversed(lower)));
    paint(painter.canvas, painter.inside, nullptr, {0.95f, 0.94f, 0.93f});
    painter.round_off(painter.inside, 0.35f);
    const Vec2 iris = to_picture.on_face(eye.centre + face.gaze);
    painter.ellipse(iris, {0.096f, 0.096f}, 0.45f * face.iris, &painter.inside);
    painter.ellipse(iris, {0.080f, 0.080f}, 1.1f * face.iris, &painter.inside);
    painter.ellipse(iris, {0.043f, 0.043f}, {0.03f, 0.03f, 0.03f}, &painter.inside);
    painter.soft_line(upper, {0.05f, 0.06f, 0.05f}, {0.62f, 0.60f, 0.62f},
                      &painter.inside);  // the lid's shadow
    painter.ellipse(iris + to_picture.unit * Vec2{0.032f, -0.036f}, {0.024f, 0.024f}, {1.5f, 1.5f, 1.5f},
                    &painter.inside);

    painter.line(lower, {0.008f, 0.011f, 0.012f}, 0.50f * face.skin, nullptr, 0.8f);
    painter.line(upper, {0.012f, 0.022f, 0.016f}, lash);
    if (face.lashes > 0) {
      const float reach = 0.055f * face.lashes, out = side == 0 ? -reach : reach;
      const Vec2 end = eye.upper.back(), near_end = eye.upper[eye.upper.size() - 4];
      painter.line(to_picture.on_face(Path{end, end + Vec2{out, -reach}}), {0.016f, 0.012f, 0.004f}, lash);
      painter.line(to_picture.on_face(Path{near_end, near_end + Vec2{0.7f * out, -reach}}),
                   {0.014f, 0.010f, 0.004f}, lash);
    }
    painter.soft_line(to_picture.on_face(moved(eye.upper, {0, -eye.lid_fold})), {0.012f, 0.034f, 0.020f},
                      {0.66f, 0.58f, 0.56f}, &painter.head);
  }
}

void draw_mouth(Painter& painter, const Identity& face, const Features& features) {
  const Projection& to_picture = painter.to_picture;
  const Mouth& mouth = features.mouth;
  constexpr float lift = 0.05f;
  const Path top = to_picture.on_face(mouth.upper_lip, lift), low = to_picture.on_face(mouth.lower_lip, lift);

  if (mouth.opening > 0.004f) {
    fill(painter.inside, joined(top, reversed(low)));
    paint(painter.canvas, painter.inside, nullptr, {0.20f, 0.06f, 0.07f});
    const Vec2 tongue{0, mouth.lower_lip[Mouth::middle].y - 0.02f};
    painter.ellipse(to_picture.on_face(tongue), {0.17f, 0.35f * mouth.opening}, {0.66f, 0.30f, 0.32f},
                    &painter.inside);
    draw_teeth(painter, mouth);
    painter.soft_line(top, {0.02f, 0.035f, 0.02f}, {0.6f, 0.55f, 0.55f},
                      &painter.inside);  // the lip's shadow
  }
  painter.fill_path(joined(to_picture.on_face(mouth.upper_edge, lift), reversed(top)), 0.88f * face.lips,
                    nullptr, 0.95f);
  painter.fill_path(joined(low, reversed(to_picture.on_face(mouth.lower_edge, lift))), face.lips, nullptr,
                    0.95f);
  painter.soft_line(to_picture.on_face(moved(mouth.lower_lip, {0, 0.45f * face.lower_lip}), lift),
                    {0.03f, 0.06f, 0.03f}, {1, 1, 1}, &painter.head, 0.030f * (1 + mouth.pressed));
  const Colour dark = mix(0.30f * face.lips, Colour{0.10f, 0.03f, 0.03f}, 0.4f);
  const float line = 0.011f + 0.006f * mouth.pressed;
  painter.line(top, {0.6f * line, line, 0.6f * line}, dark, nullptr, 0.9f);
  for (const Vec2 corner : {top.front(), top.back()}) {
    blob(painter.shape, corner, to_picture.unit * Vec2{0.045f, 0.04f}, to_picture.turn);
    tint(painter.canvas, painter.shape, &painter.head, {0.55f, 0.48f, 0.47f});
  }
}

}  // namespace fermion::fer::synth
