#include "fer/synth_faces_draw.h"

namespace fermion::fer::synth {
namespace {

bool is_long(HairStyle style) {
  return style == HairStyle::long_parted || style == HairStyle::long_fringe;
}

// Strands run away from a point above the head: their tone is a function of the direction from it.
void strands(Painter& painter, const Mask& mask, float from_x, float contrast) {
  for_each_pixel(painter.canvas, mask, nullptr, [&](Surface& surface, Vec2 at, float alpha) {
    const Vec2 p = painter.to_picture.unproject(at);
    const float direction = (p.x - from_x) / (p.y + 1.9f);
    const float wave = std::sin(31 * direction + 2 * p.y) + 0.7f * std::sin(67 * direction - 3 * p.y);
    surface.albedo = (1 + alpha * contrast * wave) * surface.albedo;
  });
}

// A ring of bumps round the head: curls.
Path curls(Vec2 centre, Vec2 half_axes, int count, float from, float to) {
  Path path;
  const int steps = count * 6;
  for (int i = 0; i <= steps; ++i) {
    const float t = static_cast<float>(i) / steps;
    const float angle = mix(from, to, t);
    const float bump = 1 + 0.055f * std::fabs(std::sin(3.14159265f * count * t));
    path.push_back(
        {centre.x + bump * half_axes.x * std::sin(angle), centre.y - bump * half_axes.y * std::cos(angle)});
  }
  return path;
}

void coat(Painter& painter, const Path& picture_path, Colour colour, float texture, float part) {
  painter.fill_path(picture_path, colour, nullptr);
  painter.round_off(painter.shape, 0.8f);
  if (texture > 0) strands(painter, painter.shape, part, texture);
}

// From the picture's left temple over the crown to the right one, `t` outside the skull.
Path over_the_crown(const Identity& face, float t, float ear) {
  const float w = face.crown, c = face.cheek;
  return {{-c - 0.6f * t, ear},
          {-1.0f * w - t, -0.45f},
          {-0.62f * w - 0.8f * t, -0.88f - t},
          {0, -1.0f - 1.2f * t},
          {0.62f * w + 0.8f * t, -0.88f - t},
          {1.0f * w + t, -0.45f},
          {c + 0.6f * t, ear}};
}

// The line where hair ends on the forehead, from right to left.
Path hairline(const Identity& face, HairStyle style) {
  const float w = 0.97f * face.crown, lift = face.hairline, p = 0.45f * face.parting;
  switch (style) {
    case HairStyle::fringe:
    case HairStyle::long_fringe:
      return {{w, -0.16f},        {0.86f * w, -0.40f},         {0.45f * w, -0.47f + lift},
              {0, -0.50f + lift}, {-0.45f * w, -0.47f + lift}, {-0.86f * w, -0.40f},
              {-w, -0.16f}};
    case HairStyle::parted:
    case HairStyle::long_parted:
      return {{w, -0.10f},
              {0.90f * w, -0.36f},
              {0.5f * w + 0.5f * p, -0.55f + lift},
              {p, -0.80f + lift},
              {-0.5f * w + 0.5f * p, -0.55f + lift},
              {-0.90f * w, -0.36f},
              {-w, -0.10f}};
    default:
      return {{w, -0.14f},        {0.86f * w, -0.44f},        {0.5f * w, -0.64f + lift},
              {0, -0.68f + lift}, {-0.5f * w, -0.64f + lift}, {-0.86f * w, -0.44f},
              {-w, -0.14f}};
  }
}

Path closed(Path outer, const Path& inner) {
  outer.insert(outer.end(), inner.begin(), inner.end());
  return outer;
}

}  // namespace

void draw_hair_behind(Painter& painter, const Identity& face) {
  const Projection& to_picture = painter.to_picture;
  const Colour colour = 0.82f * face.hair;
  const float t = 0.16f * face.hair_volume;
  const float w = std::max(face.crown, face.cheek) + t;
  if (is_long(face.hair_style)) {
    const float end = 1.25f + 0.5f * face.hairline;
    coat(painter,
         to_picture.in_plane(smooth_closed({{0, -1.0f - t},
                                            {0.75f * w, -0.85f},
                                            {w + 0.02f, -0.2f},
                                            {w + 0.08f, 0.6f},
                                            {w - 0.02f, end},
                                            {0.5f * w, end + 0.1f},
                                            {-0.5f * w, end + 0.1f},
                                            {-w + 0.02f, end},
                                            {-w - 0.08f, 0.6f},
                                            {-w - 0.02f, -0.2f},
                                            {-0.75f * w, -0.85f}})),
         colour, 0.10f, 0);
  } else if (face.hair_style == HairStyle::curly) {
    coat(painter, to_picture.in_plane(curls({0, -0.34f}, {w + 0.10f, 0.82f + t}, 15, -2.3f, 2.3f)), colour, 0,
         0);
  } else if (face.hair_style == HairStyle::bun) {
    painter.ellipse(to_picture.in_plane({0.15f * face.parting, -1.17f}), {0.26f, 0.24f}, face.hair, nullptr);
    strands(painter, painter.shape, 0, 0.10f);
  } else if (face.hair_style == HairStyle::headscarf) {
    coat(painter,
         to_picture.in_plane(smooth_closed({{0, -1.16f},
                                            {0.62f, -1.02f},
                                            {0.90f, -0.4f},
                                            {0.90f, 0.3f},
                                            {0.80f, 0.9f},
                                            {0.95f, 1.5f},
                                            {-0.95f, 1.5f},
                                            {-0.80f, 0.9f},
                                            {-0.90f, 0.3f},
                                            {-0.90f, -0.4f},
                                            {-0.62f, -1.02f}})),
         0.8f * face.cloth, 0, 0);
  }
}

void draw_hair(Painter& painter, const Identity& face) {
  const Projection& to_picture = painter.to_picture;
  const HairStyle style = face.hair_style;
  const float depth = 0.12f;
  if (style == HairStyle::bald) return;
  if (style == HairStyle::headscarf) {
    const float w = std::max(face.crown, face.cheek);
    Path outer = smooth_closed({{0, -1.14f},
                                {0.62f, -1.0f},
                                {w + 0.14f, -0.4f},
                                {w + 0.15f, 0.25f},
                                {0.72f, 0.85f},
                                {0.45f, 1.28f},
                                {-0.45f, 1.28f},
                                {-0.72f, 0.85f},
                                {-w - 0.15f, 0.25f},
                                {-w - 0.14f, -0.4f},
                                {-0.62f, -1.0f}});
    Path hole = smooth_closed({{0, -0.66f},
                               {0.52f * w, -0.57f},
                               {0.84f * w, -0.2f},
                               {0.87f * w, 0.25f},
                               {0.74f * w, 0.66f},
                               {0.3f, 1.02f},
                               {-0.3f, 1.02f},
                               {-0.74f * w, 0.66f},
                               {-0.87f * w, 0.25f},
                               {-0.84f * w, -0.2f},
                               {-0.52f * w, -0.57f}});
    const Path edge = to_picture.in_plane(hole, depth);
    std::reverse(hole.begin(), hole.end());
    outer.push_back(outer.front());
    hole.push_back(hole.front());
    coat(painter, to_picture.in_plane(closed(outer, hole), depth), face.cloth, 0, 0);
    painter.line(edge, {0.02f, 0.02f, 0.02f}, 0.8f * face.cloth, nullptr);
    return;
  }
  if (style == HairStyle::beanie) {
    const Path cap = closed(smooth(over_the_crown(face, 0.10f, -0.40f)), {});
    coat(painter, to_picture.in_plane(cap, depth), face.cloth, 0, 0);
    const float w = face.crown + 0.06f;
    const Path rim =
        smooth({{-w, -0.47f}, {-0.5f * w, -0.57f}, {0, -0.60f}, {0.5f * w, -0.57f}, {w, -0.47f}});
    painter.line(to_picture.in_plane(rim, depth), {0.09f, 0.10f, 0.09f}, mix(face.cloth, face.collar, 0.6f),
                 nullptr);
    return;
  }
  if (style == HairStyle::buzz) {
    const Path cap = closed(smooth(over_the_crown(face, 0.015f, -0.12f)), smooth(hairline(face, style)));
    painter.fill_path(to_picture.in_plane(cap, depth), mix(face.hair, face.skin, 0.15f), nullptr, 0.85f);
    return;
  }
  const float thick = (style == HairStyle::bun ? 0.05f : 0.12f) * face.hair_volume;
  Path outer = smooth(over_the_crown(face, thick, -0.08f));
  if (style == HairStyle::curly) {
    const float w = std::max(face.crown, face.cheek) + 0.10f * face.hair_volume;
    outer = curls({0, -0.36f}, {w, 0.74f + 0.14f * face.hair_volume}, 13, -1.75f, 1.75f);
  }
  const Path inner = hairline(face, style);
  // The hair throws a soft shadow on the forehead.
  painter.soft_line(to_picture.in_plane(smooth(inner), depth), {0.02f, 0.11f, 0.02f}, {0.72f, 0.66f, 0.64f},
                    &painter.head);
  const float texture = style == HairStyle::curly ? 0.05f : 0.14f;
  coat(painter, to_picture.in_plane(closed(outer, smooth(inner)), depth), face.hair, texture,
       0.45f * face.parting);
  if (is_long(style)) {
    // Locks fall in front of the ears.
    const float w = std::max(face.crown, face.cheek), t = 0.13f * face.hair_volume;
    for (const float side : {-1.0f, 1.0f}) {
      const Path lock = smooth({{side * (0.97f * w + 0.3f * t), -0.42f},
                                {side * (w + 0.5f * t), 0.1f},
                                {side * (0.98f * w + 0.6f * t), 0.6f},
                                {side * (0.9f * w + 0.4f * t), 1.15f}});
      painter.line(to_picture.in_plane(lock), {0.10f, 0.7f * t + 0.03f, 0.05f}, face.hair, nullptr);
      painter.round_off(painter.shape, 0.8f);
      strands(painter, painter.shape, 0, texture);
    }
  }
}

void draw_beard(Painter& painter, const Identity& face, const Features& features) {
  if (face.beard == Beard::none) return;
  const Projection& to_picture = painter.to_picture;
  const Mouth& mouth = features.mouth;
  const float drop = features.jaw_drop, chin = face.length + drop;
  const Vec2 left = mouth.upper_edge.front(), right = mouth.upper_edge.back();
  const float top = mouth.upper_edge[6].y;
  Colour colour = mix(face.hair, face.brows, 0.6f);
  if (face.beard == Beard::moustache || face.beard == Beard::full || face.beard == Beard::goatee) {
    const Path moustache = smooth_closed({{0, top - 0.10f},
                                          {0.5f * right.x, top - 0.085f},
                                          {right.x + 0.05f, right.y - 0.02f},
                                          {right.x + 0.03f, right.y + 0.06f},
                                          {0.5f * right.x, 0.5f * (top + right.y) + 0.01f},
                                          {0, top + 0.02f},
                                          {0.5f * left.x, 0.5f * (top + left.y) + 0.01f},
                                          {left.x - 0.03f, left.y + 0.06f},
                                          {left.x - 0.05f, left.y - 0.02f},
                                          {0.5f * left.x, top - 0.085f}});
    painter.fill_path(to_picture.on_face(moustache, 0.03f), colour, &painter.head, 0.9f);
    strands(painter, painter.shape, 0, 0.06f);
  }
  if (face.beard == Beard::goatee) {
    const float low = mouth.lower_edge[6].y;
    painter.fill_path(to_picture.on_face(smooth_closed({{-0.16f, low + 0.04f},
                                                        {0, low + 0.02f},
                                                        {0.16f, low + 0.04f},
                                                        {0.20f, chin - 0.10f},
                                                        {0, chin + 0.03f},
                                                        {-0.20f, chin - 0.10f}})),
                      colour, nullptr, 0.9f);
  }
  if (face.beard == Beard::stubble || face.beard == Beard::full) {
    const float c = face.cheek;
    const Path cheeks{{-1.1f * c, 0.05f},
                      {-0.86f * c, 0.20f},
                      {-0.60f * c, 0.42f},
                      {left.x - 0.06f, left.y - 0.07f},
                      {0.6f * left.x, top - 0.10f},
                      {0, top - 0.11f},
                      {0.6f * right.x, top - 0.10f},
                      {right.x + 0.06f, right.y - 0.07f},
                      {0.60f * c, 0.42f},
                      {0.86f * c, 0.20f},
                      {1.1f * c, 0.05f}};
    const Path below{{1.2f * c, 0.9f}, {0.5f, 1.5f + drop}, {-0.5f, 1.5f + drop}, {-1.2f * c, 0.9f}};
    painter.fill_path(to_picture.in_plane(closed(smooth(cheeks), below), 0.35f), colour, &painter.head,
                      face.beard == Beard::full ? 0.9f : 0.30f);
    if (face.beard == Beard::full) strands(painter, painter.shape, 0, 0.07f);
  }
}

}  // namespace fermion::fer::synth
