#include "fer/synth_faces/draw.h"

namespace fermion::fer::synth {
namespace {

// Where an occluder's own coordinates lie in the picture: y = 0 at its place on the face, y > 0 away from it.
struct Stage {
  const Projection& to_picture;
  const Occluder& thing;

  Vec2 operator()(Vec2 p) const {
    const Vec2 q = thing.size * p;
    const float c = std::cos(thing.angle), s = std::sin(thing.angle);
    return to_picture.in_plane(thing.place + Vec2{c * q.x - s * q.y, s * q.x + c * q.y}, 0.6f);
  }
  Path operator()(Path path) const {
    for (Vec2& p : path) p = (*this)(p);
    return path;
  }
};

void draw_hand(Painter& painter, const Occluder& thing, const Stage& place) {
  const Path palm = smooth_closed({{-0.20f, 0.05f},
                                   {0.20f, 0.05f},
                                   {0.24f, 0.30f},
                                   {0.16f, 0.60f},
                                   {0.18f, 2.2f},
                                   {-0.18f, 2.2f},
                                   {-0.16f, 0.60f},
                                   {-0.24f, 0.30f}});
  painter.fill_path(place(palm), thing.colour);
  painter.round_off(painter.shape, 0.4f);
  for (int finger = 0; finger < 4; ++finger) {
    const float x = -0.165f + 0.11f * static_cast<float>(finger);
    const float tip = finger == 0 || finger == 3 ? -0.16f : -0.24f;
    const Path bone = place(Path{{x, 0.16f}, {1.08f * x, tip}});
    painter.line(bone, even(0.064f * thing.size), 0.72f * thing.colour);
    painter.line(bone, even(0.050f * thing.size), thing.colour);
  }
}

void draw_microphone(Painter& painter, const Occluder& thing, const Stage& place) {
  const float s = thing.size;
  painter.line(place(Path{{0, 0}, {0, 2.2f}}), {0.065f * s, 0.075f * s, 0.09f * s}, 0.72f * thing.colour);
  painter.ellipse(place(Vec2{0, 0}), {0.17f * s, 0.17f * s}, {0.20f, 0.20f, 0.22f});
  painter.ellipse(place(Vec2{-0.03f, -0.03f}), {0.10f * s, 0.10f * s}, {0.34f, 0.34f, 0.37f});
}

void draw_card(Painter& painter, const Occluder& thing, const Stage& place) {
  painter.fill_path(place(Path{{-0.30f, -0.10f}, {0.30f, -0.10f}, {0.30f, 0.9f}, {-0.30f, 0.9f}}),
                    thing.colour);
  for (const float y : {0.05f, 0.16f, 0.27f})
    painter.line(place(Path{{-0.2f, y}, {0.2f, y}}), even(0.018f), 0.72f * thing.colour);
}

void draw_ball(Painter& painter, const Occluder& thing, const Stage& place) {
  const float s = thing.size;
  painter.ellipse(place(Vec2{0, 0.1f}), {0.27f * s, 0.27f * s}, thing.colour);
  painter.ellipse(place(Vec2{-0.07f, 0.02f}), {0.09f * s, 0.09f * s},
                  mix(thing.colour, Colour{1, 1, 1}, 0.5f));
}

}  // namespace

void draw_glasses(Painter& painter, const Identity& face) {
  if (face.glasses == Glasses::none) return;
  const Projection& to_picture = painter.to_picture;
  constexpr float lift = 0.06f;
  const Pen pen = even(face.frame_thickness);
  const float y = face.eye_height + 0.02f;
  const float half_width = face.eye_distance - 0.075f, half_height = 0.20f;
  // A superellipse: cosine and sine to the power 1 are round, to a lower one nearly a rectangle.
  const float power = face.glasses == Glasses::round ? 1.0f : 0.42f;
  const auto rounded = [power](float v) { return std::copysign(std::pow(std::fabs(v), power), v); };
  for (const float side : {-1.0f, 1.0f}) {
    const float x = side * face.eye_distance;
    constexpr int corners = 28;
    Path rim;
    for (int i = 0; i <= corners; ++i) {
      const float angle = 6.2831853f * static_cast<float>(i % corners) / corners;
      rim.push_back({x + half_width * rounded(std::cos(angle)), y + half_height * rounded(std::sin(angle))});
    }
    painter.fill_path(to_picture.on_face(rim, lift), {0.92f, 0.97f, 1.0f}, nullptr, 0.10f);
    painter.line(to_picture.on_face(rim, lift), pen, face.frame);
    painter.line({to_picture.on_face(Vec2{x + side * half_width, y - 0.04f}, lift),
                  to_picture.in_plane(Vec2{side * (face.cheek + 0.02f), y - 0.05f})},
                 pen, face.frame);
  }
  const float inner = face.eye_distance - half_width;
  const Path bridge = smooth({{-inner, y - 0.02f}, {0, y - 0.06f}, {inner, y - 0.02f}});
  painter.line(to_picture.on_face(bridge, lift), pen, face.frame);
}

void draw_occluder(Painter& painter, const Occluder& thing) {
  const Stage place{painter.to_picture, thing};
  switch (thing.kind) {
    case OccluderKind::none:
      return;
    case OccluderKind::hand:
      return draw_hand(painter, thing, place);
    case OccluderKind::microphone:
      return draw_microphone(painter, thing, place);
    case OccluderKind::card:
      return draw_card(painter, thing, place);
    case OccluderKind::ball:
      return draw_ball(painter, thing, place);
  }
}

}  // namespace fermion::fer::synth
