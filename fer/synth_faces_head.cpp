#include "fer/synth_faces_draw.h"

namespace fermion::fer::synth {
namespace {

Path mirrored_outline(const Path& right) {
  Path outline = right;
  for (std::size_t i = right.size() - 1; i-- > 1;) outline.push_back({-right[i].x, right[i].y});
  return outline;
}

// The head from the crown over the picture's right to the chin; a dropped jaw takes the lower half along.
Path head_outline(const Identity& face, float jaw_drop) {
  const float chin = face.length;
  return smooth_closed(mirrored_outline({{0, -1.0f},
                                         {0.56f * face.crown, -0.90f},
                                         {0.97f * face.crown, -0.52f},
                                         {face.cheek, -0.02f},
                                         {0.97f * face.cheek, 0.26f},
                                         {face.jaw, 0.60f * chin + 0.55f * jaw_drop},
                                         {face.chin + 0.10f, 0.90f * chin + 0.95f * jaw_drop},
                                         {0, chin + jaw_drop}}));
}

}  // namespace

void draw_background(Painter& painter, const Background& background) {
  Canvas& canvas = painter.canvas;
  const auto size = static_cast<float>(canvas.size);
  for (int y = 0; y < canvas.size; ++y) {
    for (int x = 0; x < canvas.size; ++x) {
      const Vec2 place{x / size - 0.5f, y / size - 0.5f};
      const float t = 0.5f + 0.7f * dot(place, background.direction);
      canvas.at(x, y) = {mix(background.first, background.second, std::clamp(t, 0.0f, 1.0f)), {}};
    }
  }
  for (const Disc& disc : background.discs) {
    if (disc.radius == 0) continue;
    const Vec2 centre = size * disc.centre;
    stroke(painter.shape, {centre, centre + Vec2{0.5f, 0}},
           {size * disc.radius, size * disc.radius, size * disc.radius, 0.3f * size * disc.radius});
    paint(canvas, painter.shape, nullptr, disc.colour, 0.55f);
  }
}

void draw_body(Painter& painter, const Identity& face) {
  const Projection& to_picture = painter.to_picture;
  const auto slope = [&] { painter.round_off(painter.shape, 0.55f); };
  const float neck = 0.52f * face.jaw + 0.08f;
  painter.fill_path(to_picture.in_plane({{-neck, 0.4f}, {neck, 0.4f}, {neck, 1.6f}, {-neck, 1.6f}}),
                    0.86f * face.skin, nullptr);
  slope();
  // The shoulders do not roll with the head as much; from the neck down they only need to look like cloth.
  const Path shirt = smooth_closed({{-neck - 0.03f, 1.16f},
                                    {0, 1.34f},
                                    {neck + 0.03f, 1.16f},
                                    {0.85f, 1.36f},
                                    {1.6f, 1.75f},
                                    {1.6f, 3.2f},
                                    {-1.6f, 3.2f},
                                    {-1.6f, 1.75f},
                                    {-0.85f, 1.36f}});
  painter.fill_path(to_picture.in_plane(shirt), face.cloth, nullptr);
  slope();
  const Path collar = smooth({{-neck - 0.02f, 1.12f},
                              {-0.5f * neck, 1.28f},
                              {0, 1.35f},
                              {0.5f * neck, 1.28f},
                              {neck + 0.02f, 1.12f}});
  painter.line(to_picture.in_plane(collar), {0.035f, 0.05f, 0.035f}, face.collar, nullptr);
}

void draw_head(Painter& painter, const Identity& face, const Features& features) {
  const Projection& to_picture = painter.to_picture;
  for (const float side : {-1.0f, 1.0f}) {
    painter.ellipse(to_picture.in_plane({side * (face.cheek + 0.02f), 0.02f}), {0.10f, 0.17f}, face.skin,
                    nullptr);
    painter.round_off(painter.shape, 0.5f);
    painter.ellipse(to_picture.in_plane({side * (face.cheek + 0.03f), 0.03f}), {0.05f, 0.10f},
                    0.72f * face.skin, nullptr, 0.8f);
  }

  const Path outline = to_picture.in_plane(head_outline(face, features.jaw_drop));
  Path chin_shadow = to_picture.in_plane(head_outline(face, features.jaw_drop + 0.12f));
  fill(painter.shape, chin_shadow);
  // On the neck only: what lies beside it is background, hair or cloth.
  const float reach = 0.52f * face.jaw + 0.07f;
  fill(painter.inside, to_picture.in_plane({{-reach, 0.6f}, {reach, 0.6f}, {reach, 1.25f}, {-reach, 1.25f}}));
  tint(painter.canvas, painter.shape, &painter.inside, {0.62f, 0.56f, 0.55f});

  fill(painter.head, outline);
  paint(painter.canvas, painter.head, nullptr, face.skin);
  painter.round_off(painter.head, 1.0f);

  const Colour rosy{1.02f, 0.90f, 0.88f};
  const Colour hollow{0.86f, 0.80f, 0.79f};
  for (const float side : {-1.0f, 1.0f}) {
    painter.bump({side * 0.40f, 0.26f}, {0.24f, 0.20f}, 0.035f, rosy);
    painter.bump({side * face.eye_distance, face.eye_height - 0.03f}, {0.27f, 0.19f}, -0.035f, hollow);
  }
  painter.bump({0, 0.86f * face.length + features.jaw_drop}, {0.22f, 0.14f}, 0.045f);
  painter.bump({0, -0.55f}, {0.6f, 0.3f}, 0.04f);
}

void draw_glasses(Painter& painter, const Identity& face) {
  if (face.glasses == Glasses::none) return;
  const Projection& to_picture = painter.to_picture;
  const float lift = 0.06f, thick = face.frame_thickness;
  const float y = face.eye_height + 0.02f;
  const float half_width = face.eye_distance - 0.075f, half_height = 0.20f;
  // A superellipse: exponent 2 is round, 5 nearly a rectangle.
  const float power = face.glasses == Glasses::round ? 1.0f : 0.42f;
  const auto rounded = [power](float v) { return std::copysign(std::pow(std::fabs(v), power), v); };
  for (const float side : {-1.0f, 1.0f}) {
    Path rim;
    for (int i = 0; i <= 28; ++i) {
      const float angle = 6.2831853f * static_cast<float>(i % 28) / 28;
      rim.push_back({side * face.eye_distance + half_width * rounded(std::cos(angle)),
                     y + half_height * rounded(std::sin(angle))});
    }
    const Path frame = to_picture.on_face(rim, lift);
    painter.fill_path(frame, {0.92f, 0.97f, 1.0f}, nullptr, 0.10f);
    painter.line(frame, {thick, thick, thick}, face.frame, nullptr);
    const Path temple{{side * (face.eye_distance + half_width), y - 0.04f},
                      {side * (face.cheek + 0.02f), y - 0.05f}};
    painter.line({to_picture.on_face(temple[0], lift), to_picture.in_plane(temple[1])}, {thick, thick, thick},
                 face.frame, nullptr);
  }
  const float inner = face.eye_distance - half_width;
  const Path bridge = smooth({{-inner, y - 0.02f}, {0, y - 0.06f}, {inner, y - 0.02f}});
  painter.line(to_picture.on_face(bridge, lift), {thick, thick, thick}, face.frame, nullptr);
}

void draw_occluder(Painter& painter, const Occluder& thing) {
  if (thing.kind == OccluderKind::none) return;
  const Projection& to_picture = painter.to_picture;
  const Vec2 turn{std::cos(thing.angle), std::sin(thing.angle)};
  // Local coordinates: up points into the face, the thing comes from below.
  const auto place = [&](Path path) {
    for (Vec2& p : path) {
      const Vec2 q = thing.size * p;
      p = to_picture.in_plane(thing.place + Vec2{turn.x * q.x - turn.y * q.y, turn.y * q.x + turn.x * q.y},
                              0.6f);
    }
    return path;
  };
  const auto finish = [&] { painter.round_off(painter.shape, 0.4f); };
  const Colour dark = 0.72f * thing.colour;
  const float s = thing.size;
  switch (thing.kind) {
    case OccluderKind::none:
      break;
    case OccluderKind::hand:
      painter.fill_path(place(smooth_closed({{-0.20f, 0.05f},
                                             {0.20f, 0.05f},
                                             {0.24f, 0.30f},
                                             {0.16f, 0.60f},
                                             {0.18f, 2.2f},
                                             {-0.18f, 2.2f},
                                             {-0.16f, 0.60f},
                                             {-0.24f, 0.30f}})),
                        thing.colour, nullptr);
      finish();
      for (int finger = 0; finger < 4; ++finger) {
        const float x = -0.165f + 0.11f * finger, tip = finger == 0 || finger == 3 ? -0.16f : -0.24f;
        const Path bone = place({{x, 0.16f}, {1.08f * x, tip}});
        painter.line(bone, {0.066f * s, 0.066f * s, 0.062f * s}, dark, nullptr);
        painter.line(bone, {0.052f * s, 0.052f * s, 0.048f * s}, thing.colour, nullptr);
      }
      break;
    case OccluderKind::microphone:
      painter.line(place({{0, 0}, {0, 2.2f}}), {0.065f * s, 0.075f * s, 0.09f * s}, dark, nullptr);
      painter.ellipse(place({{0, 0}})[0], {0.17f * s, 0.17f * s}, {0.20f, 0.20f, 0.22f}, nullptr);
      painter.ellipse(place({{-0.03f, -0.03f}})[0], {0.10f * s, 0.10f * s}, {0.34f, 0.34f, 0.37f}, nullptr);
      break;
    case OccluderKind::card:
      painter.fill_path(place({{-0.30f, -0.10f}, {0.30f, -0.10f}, {0.30f, 0.9f}, {-0.30f, 0.9f}}),
                        thing.colour, nullptr);
      for (const float y : {0.05f, 0.16f, 0.27f})
        painter.line(place({{-0.2f, y}, {0.2f, y}}), {0.018f, 0.018f, 0.018f}, dark, nullptr);
      break;
    case OccluderKind::ball:
      painter.ellipse(place({{0, 0.1f}})[0], {0.27f * s, 0.27f * s}, thing.colour, nullptr);
      painter.ellipse(place({{-0.07f, 0.02f}})[0], {0.09f * s, 0.09f * s},
                      mix(thing.colour, Colour{1, 1, 1}, 0.5f), nullptr);
      break;
  }
}

}  // namespace fermion::fer::synth
