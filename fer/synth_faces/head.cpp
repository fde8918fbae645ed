#include "fer/synth_faces/draw.h"

namespace fermion::fer::synth {
namespace {

// A dropped jaw takes the lower half along.
Path head_outline(const Identity& face, float jaw_drop) {
  const float chin = face.length;
  return smooth_closed(symmetric({{0, -1.0f},
                                  {0.56f * face.crown, -0.90f},
                                  {0.97f * face.crown, -0.52f},
                                  {face.cheek, -0.02f},
                                  {0.97f * face.cheek, 0.26f},
                                  {face.jaw, 0.60f * chin + 0.55f * jaw_drop},
                                  {face.chin + 0.10f, 0.90f * chin + 0.95f * jaw_drop},
                                  {0, chin + jaw_drop}}));
}

float neck_width(const Identity& face) {
  return 0.52f * face.jaw + 0.08f;
}

void draw_ears(Painter& painter, const Identity& face) {
  const Projection& to_picture = painter.to_picture;
  for (const float side : {-1.0f, 1.0f}) {
    painter.ellipse(to_picture.in_plane(Vec2{side * (face.cheek + 0.02f), 0.02f}), {0.10f, 0.17f}, face.skin);
    painter.round_off(painter.shape, 0.5f);
    painter.ellipse(to_picture.in_plane(Vec2{side * (face.cheek + 0.03f), 0.03f}), {0.05f, 0.10f},
                    0.72f * face.skin, nullptr, 0.8f);
  }
}

// The head's shadow, on the neck only: beside it there is background, hair or cloth.
void draw_chin_shadow(Painter& painter, const Identity& face, float jaw_drop) {
  const Projection& to_picture = painter.to_picture;
  const float reach = neck_width(face) - 0.01f;
  fill(painter.inside,
       to_picture.in_plane(Path{{-reach, 0.6f}, {reach, 0.6f}, {reach, 1.25f}, {-reach, 1.25f}}));
  fill(painter.shape, to_picture.in_plane(head_outline(face, jaw_drop + 0.12f)));
  tint(painter.canvas, painter.shape, &painter.inside, {0.62f, 0.56f, 0.55f});
}

}  // namespace

void draw_background(Painter& painter, const Background& background) {
  Canvas& canvas = painter.canvas;
  const auto size = static_cast<float>(canvas.size);
  for (int y = 0; y < canvas.size; ++y) {
    for (int x = 0; x < canvas.size; ++x) {
      const Vec2 place = (1 / size) * Vec2{static_cast<float>(x), static_cast<float>(y)} - Vec2{0.5f, 0.5f};
      const float t = std::clamp(0.5f + 0.7f * dot(place, background.direction), 0.0f, 1.0f);
      canvas.at(x, y) = {mix(background.first, background.second, t), {}};
    }
  }
  for (const Disc& disc : background.discs) {
    if (disc.radius == 0) continue;
    const Vec2 centre = size * disc.centre;
    Pen pen = even(size * disc.radius);
    pen.softness = 0.3f * size * disc.radius;
    stroke(painter.shape, {centre, centre}, pen);
    paint(canvas, painter.shape, nullptr, disc.colour, 0.55f);
  }
}

void draw_body(Painter& painter, const Identity& face) {
  const Projection& to_picture = painter.to_picture;
  const float neck = neck_width(face);
  painter.fill_path(to_picture.in_plane(Path{{-neck, 0.4f}, {neck, 0.4f}, {neck, 1.6f}, {-neck, 1.6f}}),
                    0.86f * face.skin);
  painter.round_off(painter.shape, 0.55f);
  const Path shirt = smooth_closed(
      symmetric({{0, 1.34f}, {neck + 0.03f, 1.16f}, {0.85f, 1.36f}, {1.6f, 1.75f}, {1.6f, 3.2f}, {0, 3.2f}}));
  painter.fill_path(to_picture.in_plane(shirt), face.cloth);
  painter.round_off(painter.shape, 0.55f);
  const Path collar = smooth({{-neck - 0.02f, 1.12f},
                              {-0.5f * neck, 1.28f},
                              {0, 1.35f},
                              {0.5f * neck, 1.28f},
                              {neck + 0.02f, 1.12f}});
  painter.line(to_picture.in_plane(collar), {0.035f, 0.05f, 0.035f}, face.collar);
}

void draw_head(Painter& painter, const Identity& face, const Features& features) {
  draw_ears(painter, face);
  draw_chin_shadow(painter, face, features.jaw_drop);
  fill(painter.head, painter.to_picture.in_plane(head_outline(face, features.jaw_drop)));
  paint(painter.canvas, painter.head, nullptr, face.skin);
  painter.round_off(painter.head, 1);

  const Colour rosy{1.02f, 0.90f, 0.88f}, hollow{0.86f, 0.80f, 0.79f};
  for (const float side : {-1.0f, 1.0f}) {
    painter.bump({side * 0.40f, 0.26f}, {0.24f, 0.20f}, 0.035f, rosy);
    painter.bump({side * face.eye_distance, face.eye_height - 0.03f}, {0.27f, 0.19f}, -0.035f, hollow);
  }
  painter.bump({0, 0.86f * face.length + features.jaw_drop}, {0.22f, 0.14f}, 0.045f);
  painter.bump({0, -0.55f}, {0.6f, 0.3f}, 0.04f);
}

}  // namespace fermion::fer::synth
