#include "fer/synth_faces/painter.h"

namespace fermion::fer::synth {
namespace {

Pen in_pixels(const Pen& pen, float unit) {
  return {pen.start * unit, pen.middle * unit, pen.end * unit};
}

}  // namespace

Projection::Projection(const Pose& pose, int pixels)
    : unit(pose.scale * static_cast<float>(pixels)),
      turn{std::cos(pose.roll), std::sin(pose.roll)},
      yaw{std::cos(pose.yaw), std::sin(pose.yaw)},
      pitch{std::cos(pose.pitch), std::sin(pose.pitch)},
      centre(static_cast<float>(pixels) * (Vec2{0.5f, 0.46f} + pose.shift)) {}

Vec2 Projection::in_plane(Vec2 p, float depth) const {
  const Vec2 seen{p.x * yaw.x + depth * yaw.y, p.y * pitch.x + depth * pitch.y};
  return centre + unit * turned(seen);
}

Path Projection::in_plane(const Path& path, float depth) const {
  Path picture;
  picture.reserve(path.size());
  for (const Vec2 p : path) picture.push_back(in_plane(p, depth));
  return picture;
}

Vec2 Projection::on_face(Vec2 p, float lift) const {
  const float u = p.x / 0.86f, v = p.y / 1.2f;
  return in_plane(p, 0.75f * std::sqrt(std::max(0.0f, 1 - u * u - v * v)) + lift);
}

Path Projection::on_face(const Path& path, float lift) const {
  Path picture;
  picture.reserve(path.size());
  for (const Vec2 p : path) picture.push_back(on_face(p, lift));
  return picture;
}

Vec2 Projection::unproject(Vec2 pixel) const {
  const Vec2 d = (1 / unit) * (pixel - centre);
  return {(turn.x * d.x + turn.y * d.y) / yaw.x, (turn.x * d.y - turn.y * d.x) / pitch.x};
}

Painter::Painter(const Pose& pose, int pixels)
    : to_picture(pose, pixels), canvas(pixels), shape(pixels), head(pixels), inside(pixels) {}

void Painter::fill_path(const Path& path, Colour colour, const Mask* clip, float opacity) {
  fill(shape, path);
  paint(canvas, shape, clip, colour, opacity);
}

void Painter::ellipse(Vec2 centre, Vec2 half_axes, Colour colour, const Mask* clip, float opacity) {
  constexpr int corners = 24;
  Path path;
  path.reserve(corners);
  for (int i = 0; i < corners; ++i) {
    const float angle = 6.2831853f * static_cast<float>(i) / corners;
    const Vec2 p{half_axes.x * std::cos(angle), half_axes.y * std::sin(angle)};
    path.push_back(centre + to_picture.unit * to_picture.turned(p));
  }
  fill_path(path, colour, clip, opacity);
}

void Painter::line(const Path& path, Pen pen, Colour colour, const Mask* clip, float opacity) {
  stroke(shape, path, in_pixels(pen, to_picture.unit));
  paint(canvas, shape, clip, colour, opacity);
}

void Painter::soft_line(const Path& path, Pen pen, Colour factor, const Mask* clip, float height) {
  soft_stroke(shape, path, in_pixels(pen, to_picture.unit));
  tint(canvas, shape, clip, factor);
  if (height != 0) emboss(canvas, shape, &head, height * to_picture.unit);
}

void Painter::bump(Vec2 centre, Vec2 half_axes, float height, Colour factor) {
  if (height == 0) return;
  blob(shape, to_picture.on_face(centre), to_picture.unit * half_axes, to_picture.turn);
  tint(canvas, shape, &head, factor);
  emboss(canvas, shape, &head, height * to_picture.unit);
}

void Painter::wrinkle(const Path& path, float radius, float depth) {
  if (depth <= 0.01f) return;
  const float dark = 1 - 0.30f * std::min(depth, 1.5f);
  soft_line(path, {0.6f * radius, radius, 0.6f * radius}, {dark, 0.94f * dark, 0.92f * dark}, &head,
            -0.6f * depth * radius);
}

void Painter::round_off(const Mask& mask, float roundness) {
  const float middle = 0.3f * to_picture.yaw.y;
  for_each_pixel(canvas, mask, nullptr, [&](Surface& surface, Vec2 at, float alpha) {
    const Vec2 p = to_picture.unproject(at);
    const float u = (p.x - middle) / 0.80f, v = p.y / 1.08f;
    const float square = std::min(u * u + v * v, 1.7f);
    const float steep = -roundness * (0.45f + 0.75f * square * square);
    surface.slope = mix(surface.slope, to_picture.turned({steep * u, steep * v}), alpha);
  });
}

void Painter::strands(float from_x, float contrast, const Mask* clip) {
  for_each_pixel(canvas, shape, clip, [&](Surface& surface, Vec2 at, float alpha) {
    const Vec2 p = to_picture.unproject(at);
    const float direction = (p.x - from_x) / (std::fabs(p.y + 1.9f) + 0.1f);
    const float wave = std::sin(31 * direction + 2 * p.y) + 0.7f * std::sin(67 * direction - 3 * p.y);
    surface.albedo = (1 + alpha * contrast * wave) * surface.albedo;
  });
}

}  // namespace fermion::fer::synth
