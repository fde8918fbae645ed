#include "fer/synth_faces/draw.h"

namespace fermion::fer::synth {
namespace {

constexpr float depth = 0.12f;  // of the hairline before the plane of the ears

bool is_long(HairStyle style) {
  return style == HairStyle::long_parted || style == HairStyle::long_fringe;
}

void coat(Painter& painter, const Path& picture_path, Colour colour, float texture = 0, float parting = 0) {
  painter.fill_path(picture_path, colour);
  painter.round_off(painter.shape, 0.8f);
  if (texture > 0) painter.strands(parting, texture);
}

// An arc of bumps round the head, `reach` from the crown to either side.
Path curls(Vec2 centre, Vec2 half_axes, int count, float reach) {
  constexpr int steps = 6;
  Path path;
  for (int i = 0; i <= count * steps; ++i) {
    const float t = static_cast<float>(i) / steps;
    const float angle = reach * (2 * t / static_cast<float>(count) - 1);
    const float bump = 1 + 0.055f * std::fabs(std::sin(3.14159265f * t));
    path.push_back(centre + bump * Vec2{half_axes.x * std::sin(angle), -half_axes.y * std::cos(angle)});
  }
  return path;
}

// From the picture's left temple over the crown to the right one, `t` outside the skull.
Path over_the_crown(const Identity& face, float t, float ear) {
  const float w = face.crown, c = face.cheek;
  return smooth({{-c - 0.6f * t, ear},
                 {-w - t, -0.45f},
                 {-0.62f * w - 0.8f * t, -0.88f - t},
                 {0, -1.0f - 1.2f * t},
                 {0.62f * w + 0.8f * t, -0.88f - t},
                 {w + t, -0.45f},
                 {c + 0.6f * t, ear}});
}

// Where the hair ends on the forehead, from right to left.
Path hairline(const Identity& face) {
  const float w = 0.97f * face.crown, lift = face.hairline, p = 0.45f * face.parting;
  const auto even_line = [&](float temple, float side, float half, float middle) {
    return smooth({{w, temple},
                   {0.86f * w, side},
                   {0.47f * w, half + lift},
                   {0, middle + lift},
                   {-0.47f * w, half + lift},
                   {-0.86f * w, side},
                   {-w, temple}});
  };
  switch (face.hair_style) {
    case HairStyle::fringe:
    case HairStyle::long_fringe:
      return even_line(-0.16f, -0.40f, -0.47f, -0.50f);
    case HairStyle::parted:
    case HairStyle::long_parted:
      return smooth({{w, -0.10f},
                     {0.90f * w, -0.36f},
                     {0.5f * (w + p), -0.55f + lift},
                     {p, -0.80f + lift},
                     {-0.5f * (w - p), -0.55f + lift},
                     {-0.90f * w, -0.36f},
                     {-w, -0.10f}});
    default:
      return even_line(-0.14f, -0.44f, -0.64f, -0.68f);
  }
}

void draw_headscarf(Painter& painter, const Identity& face) {
  const Projection& to_picture = painter.to_picture;
  const float w = std::max(face.crown, face.cheek);
  Path outer = smooth_closed(symmetric({{0, -1.14f},
                                        {0.62f, -1.0f},
                                        {w + 0.14f, -0.4f},
                                        {w + 0.15f, 0.25f},
                                        {0.72f, 0.85f},
                                        {0.45f, 1.28f},
                                        {0, 1.36f}}));
  Path hole = smooth_closed(symmetric({{0, -0.66f},
                                       {0.52f * w, -0.57f},
                                       {0.84f * w, -0.2f},
                                       {0.87f * w, 0.25f},
                                       {0.74f * w, 0.66f},
                                       {0.3f, 1.02f},
                                       {0, 1.08f}}));
  outer.push_back(outer.front());
  hole.push_back(hole.front());
  coat(painter, to_picture.in_plane(joined(outer, reversed(hole)), depth), face.cloth);
  painter.line(to_picture.in_plane(hole, depth), even(0.02f), 0.8f * face.cloth);
}

void draw_beanie(Painter& painter, const Identity& face) {
  const Projection& to_picture = painter.to_picture;
  coat(painter, to_picture.in_plane(over_the_crown(face, 0.10f, -0.47f), depth), face.cloth);
  const float w = face.crown + 0.06f;
  const Path rim = smooth({{-w, -0.54f}, {-0.5f * w, -0.63f}, {0, -0.66f}, {0.5f * w, -0.63f}, {w, -0.54f}});
  painter.line(to_picture.in_plane(rim, depth), {0.09f, 0.10f, 0.09f}, mix(face.cloth, face.collar, 0.6f));
}

// Of long hair, in front of the ears.
void draw_locks(Painter& painter, const Identity& face) {
  const float w = std::max(face.crown, face.cheek), t = 0.13f * face.hair_volume;
  for (const float side : {-1.0f, 1.0f}) {
    const Path lock = smooth({{side * (0.97f * w + 0.3f * t), -0.42f},
                              {side * (w + 0.5f * t), 0.1f},
                              {side * (0.98f * w + 0.6f * t), 0.6f},
                              {side * (0.9f * w + 0.4f * t), 1.15f}});
    painter.line(painter.to_picture.in_plane(lock), {0.10f, 0.7f * t + 0.03f, 0.05f}, face.hair);
    painter.round_off(painter.shape, 0.8f);
    painter.strands(0, 0.14f);
  }
}

}  // namespace

void draw_hair_behind(Painter& painter, const Identity& face) {
  const Projection& to_picture = painter.to_picture;
  const Colour colour = 0.82f * face.hair;
  const float t = 0.16f * face.hair_volume;
  const float w = std::max(face.crown, face.cheek) + t;
  if (is_long(face.hair_style)) {
    const float end = 1.25f + 0.5f * face.hairline;
    const Path mane = smooth_closed(symmetric({{0, -1.0f - t},
                                               {0.75f * w, -0.85f},
                                               {w + 0.02f, -0.2f},
                                               {w + 0.08f, 0.6f},
                                               {w - 0.02f, end},
                                               {0.5f * w, end + 0.1f},
                                               {0, end + 0.1f}}));
    coat(painter, to_picture.in_plane(mane), colour, 0.10f);
  } else if (face.hair_style == HairStyle::curly) {
    coat(painter, to_picture.in_plane(curls({0, -0.34f}, {w + 0.10f, 0.82f + t}, 15, 2.3f)), colour);
  } else if (face.hair_style == HairStyle::bun) {
    painter.ellipse(to_picture.in_plane(Vec2{0.15f * face.parting, -1.17f}), {0.26f, 0.24f}, face.hair);
    painter.strands(0, 0.10f);
  } else if (face.hair_style == HairStyle::headscarf) {
    const Path cloth = smooth_closed(symmetric({{0, -1.16f},
                                                {0.62f, -1.02f},
                                                {0.90f, -0.4f},
                                                {0.90f, 0.3f},
                                                {0.80f, 0.9f},
                                                {0.95f, 1.5f},
                                                {0, 1.6f}}));
    coat(painter, to_picture.in_plane(cloth), 0.8f * face.cloth);
  }
}

void draw_hair(Painter& painter, const Identity& face) {
  const Projection& to_picture = painter.to_picture;
  switch (face.hair_style) {
    case HairStyle::bald:
      return;
    case HairStyle::headscarf:
      return draw_headscarf(painter, face);
    case HairStyle::beanie:
      return draw_beanie(painter, face);
    case HairStyle::buzz: {
      const Path cap = joined(over_the_crown(face, 0.015f, -0.12f), hairline(face));
      return painter.fill_path(to_picture.in_plane(cap, depth), mix(face.hair, face.skin, 0.15f), nullptr,
                               0.85f);
    }
    default:
      break;
  }
  const Path edge = to_picture.in_plane(hairline(face), depth);
  painter.soft_line(edge, {0.02f, 0.11f, 0.02f}, {0.72f, 0.66f, 0.64f},
                    &painter.head);  // shadow on the forehead
  if (face.hair_style == HairStyle::curly) {
    const float w = std::max(face.crown, face.cheek) + 0.10f * face.hair_volume;
    const Path outer = curls({0, -0.36f}, {w, 0.74f + 0.14f * face.hair_volume}, 13, 1.75f);
    coat(painter, joined(to_picture.in_plane(outer, depth), edge), face.hair, 0.05f);
  } else {
    const float thick = (face.hair_style == HairStyle::bun ? 0.05f : 0.12f) * face.hair_volume;
    const Path outer = over_the_crown(face, thick, -0.08f);
    coat(painter, joined(to_picture.in_plane(outer, depth), edge), face.hair, 0.14f, 0.45f * face.parting);
  }
  if (is_long(face.hair_style)) draw_locks(painter, face);
}

}  // namespace fermion::fer::synth
