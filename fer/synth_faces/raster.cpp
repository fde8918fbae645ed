#include "fer/synth_faces/raster.h"

namespace fermion::fer::synth {
namespace {

Vec2 catmull_rom(Vec2 before, Vec2 a, Vec2 b, Vec2 after, float t) {
  const Vec2 linear = b - before;
  const Vec2 quadratic = 2.0f * before - 5.0f * a + 4.0f * b - after;
  const Vec2 cubic = 3.0f * (a - b) + after - before;
  return a + 0.5f * t * (linear + t * (quadratic + t * cubic));
}

// One piece of an edge within one row: `winding` is its signed height. All that lies to its right gains that
// much coverage, the pixels it crosses the part to its right. Rows hold differences, summed up later.
void add_edge(float* row, int width, float xa, float xb, float winding) {
  const float left = std::clamp(std::min(xa, xb), 0.0f, static_cast<float>(width));
  const float right = std::clamp(std::max(xa, xb), 0.0f, static_cast<float>(width));
  const int last = static_cast<int>(right);
  const float per_x = right > left ? winding / (right - left) : 0.0f;
  float x = left;
  for (int pixel = static_cast<int>(left); pixel <= last; ++pixel) {
    const float next = std::min(right, pixel + 1.0f);
    const float part = right > left ? per_x * (next - x) : winding;
    const float middle = 0.5f * (x + next) - pixel;
    row[pixel] += part * (1 - middle);
    row[pixel + 1] += part * middle;
    x = next;
  }
}

float radius_at(const Pen& pen, float t) {
  return t < 0.5f ? mix(pen.start, pen.middle, 2 * t) : mix(pen.middle, pen.end, 2 * t - 1);
}

struct Extent {
  Vec2 low{1e9f, 1e9f}, high{-1e9f, -1e9f};
  void add(Vec2 p, float margin = 0) {
    low = {std::min(low.x, p.x - margin), std::min(low.y, p.y - margin)};
    high = {std::max(high.x, p.x + margin), std::max(high.y, p.y + margin)};
  }
};

// Hands every pixel near the line the squared distance to it and the pen's radius there, piece by piece;
// the mask keeps the largest coverage.
template <class Profile>
void sweep(Mask& mask, const Path& line, const Pen& pen, Profile&& profile) {
  const float margin = std::max({pen.start, pen.middle, pen.end}) + pen.softness;
  Extent extent;
  for (const Vec2 p : line) extent.add(p, margin);
  mask.clear(extent.low, extent.high);
  const int pieces = static_cast<int>(line.size()) - 1;
  for (int i = 0; i < pieces; ++i) {
    const Vec2 a = line[i], along = line[i + 1] - line[i];
    const float inverse = 1 / std::max(dot(along, along), 1e-12f);
    const float ra = radius_at(pen, static_cast<float>(i) / pieces);
    const float rb = radius_at(pen, static_cast<float>(i + 1) / pieces);
    const float reach = std::max(ra, rb) + pen.softness;
    Extent piece;
    piece.add(line[i], reach);
    piece.add(line[i + 1], reach);
    const int x0 = std::max(mask.box().x0, static_cast<int>(piece.low.x));
    const int x1 = std::min(mask.box().x1, static_cast<int>(piece.high.x) + 1);
    const int y0 = std::max(mask.box().y0, static_cast<int>(piece.low.y));
    const int y1 = std::min(mask.box().y1, static_cast<int>(piece.high.y) + 1);
    for (int y = y0; y < y1; ++y) {
      float* row = mask.row(y);
      for (int x = x0; x < x1; ++x) {
        const Vec2 d = Vec2{x + 0.5f, y + 0.5f} - a;
        const float t = std::clamp(dot(d, along) * inverse, 0.0f, 1.0f);
        const Vec2 off = d - t * along;
        row[x] = std::max(row[x], profile(dot(off, off), mix(ra, rb, t)));
      }
    }
  }
}

}  // namespace

Path smooth(const Path& points, int steps) {
  Path path;
  const int n = static_cast<int>(points.size());
  path.reserve(static_cast<std::size_t>((n - 1) * steps + 1));
  for (int i = 0; i + 1 < n; ++i) {
    const Vec2 a = points[i], b = points[i + 1];
    const Vec2 before = i > 0 ? points[i - 1] : 2.0f * a - b;
    const Vec2 after = i + 2 < n ? points[i + 2] : 2.0f * b - a;
    for (int s = 0; s < steps; ++s)
      path.push_back(catmull_rom(before, a, b, after, static_cast<float>(s) / steps));
  }
  path.push_back(points.back());
  return path;
}

Path smooth_closed(const Path& points, int steps) {
  Path path;
  const int n = static_cast<int>(points.size());
  path.reserve(static_cast<std::size_t>(n * steps));
  for (int i = 0; i < n; ++i)
    for (int s = 0; s < steps; ++s)
      path.push_back(catmull_rom(points[(i + n - 1) % n], points[i], points[(i + 1) % n], points[(i + 2) % n],
                                 static_cast<float>(s) / steps));
  return path;
}

Path joined(Path first, const Path& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Path reversed(Path path) {
  std::reverse(path.begin(), path.end());
  return path;
}

Path moved(Path path, Vec2 by) {
  for (Vec2& p : path) p = p + by;
  return path;
}

Path symmetric(Path right) {
  for (std::size_t i = right.size() - 1; i-- > 1;) right.push_back({-right[i].x, right[i].y});
  return right;
}

void Mask::clear(Vec2 low, Vec2 high) {
  const float limit = static_cast<float>(size_);
  box_.x0 = static_cast<int>(std::clamp(low.x, 0.0f, limit));
  box_.y0 = static_cast<int>(std::clamp(low.y, 0.0f, limit));
  box_.x1 = static_cast<int>(std::ceil(std::clamp(high.x, 0.0f, limit)));
  box_.y1 = static_cast<int>(std::ceil(std::clamp(high.y, 0.0f, limit)));
  for (int y = box_.y0; y < box_.y1; ++y) std::fill(row(y) + box_.x0, row(y) + box_.x1 + 2, 0.0f);
}

void fill(Mask& mask, const Path& polygon) {
  Extent extent;
  for (const Vec2 p : polygon) extent.add(p);
  mask.clear(extent.low, extent.high);
  const Box box = mask.box();
  const int width = box.x1 - box.x0;
  for (std::size_t i = 0; i < polygon.size(); ++i) {
    Vec2 a = polygon[i], b = polygon[(i + 1) % polygon.size()];
    if (a.y == b.y) continue;
    const float direction = a.y < b.y ? 1.0f : -1.0f;
    if (a.y > b.y) std::swap(a, b);
    const float per_y = (b.x - a.x) / (b.y - a.y);
    const int first = std::max(box.y0, static_cast<int>(a.y));
    for (int y = first; y < box.y1 && y < b.y; ++y) {
      const float top = std::max(a.y, static_cast<float>(y)), bottom = std::min(b.y, y + 1.0f);
      if (bottom <= top) continue;
      const float x = a.x - box.x0;
      add_edge(mask.row(y) + box.x0, width, x + (top - a.y) * per_y, x + (bottom - a.y) * per_y,
               direction * (bottom - top));
    }
  }
  for (int y = box.y0; y < box.y1; ++y) {
    float* row = mask.row(y) + box.x0;
    float sum = 0;
    for (int x = 0; x < width; ++x) {
      sum += row[x];
      const float coverage = std::min(std::fabs(sum), 1.0f);
      row[x] = coverage < 1e-4f ? 0.0f : coverage;  // rounding leaves crumbs outside
    }
  }
}

void stroke(Mask& mask, const Path& line, const Pen& pen) {
  const float sharpness = 1 / pen.softness;
  sweep(mask, line, pen, [sharpness](float square, float radius) {
    return std::clamp((radius - std::sqrt(square)) * sharpness + 0.5f, 0.0f, 1.0f);
  });
}

void soft_stroke(Mask& mask, const Path& line, const Pen& pen) {
  sweep(mask, line, pen, [](float square, float radius) {
    const float inside = std::max(0.0f, 1 - square / (radius * radius + 1e-12f));
    return inside * inside;
  });
}

void blob(Mask& mask, Vec2 centre, Vec2 half_axes, Vec2 turn) {
  const Vec2 reach{std::fabs(turn.x) * half_axes.x + std::fabs(turn.y) * half_axes.y,
                   std::fabs(turn.y) * half_axes.x + std::fabs(turn.x) * half_axes.y};
  mask.clear(centre - reach, centre + reach);
  const Box box = mask.box();
  const Vec2 inverse{1 / half_axes.x, 1 / half_axes.y};
  for (int y = box.y0; y < box.y1; ++y) {
    float* row = mask.row(y);
    for (int x = box.x0; x < box.x1; ++x) {
      const Vec2 d = Vec2{x + 0.5f, y + 0.5f} - centre;
      const float u = (d.x * turn.x + d.y * turn.y) * inverse.x;
      const float v = (d.y * turn.x - d.x * turn.y) * inverse.y;
      const float inside = std::max(0.0f, 1 - u * u - v * v);
      row[x] = inside * inside;
    }
  }
}

void paint(Canvas& canvas, const Mask& mask, const Mask* clip, Colour colour, float opacity) {
  for_each_pixel(canvas, mask, clip, [=](Surface& surface, Vec2, float alpha) {
    surface.albedo = mix(surface.albedo, colour, opacity * alpha);
  });
}

void tint(Canvas& canvas, const Mask& mask, const Mask* clip, Colour colour) {
  const Colour white{1, 1, 1};
  for_each_pixel(canvas, mask, clip, [=](Surface& surface, Vec2, float alpha) {
    surface.albedo = surface.albedo * mix(white, colour, alpha);
  });
}

void emboss(Canvas& canvas, const Mask& mask, const Mask* clip, float height) {
  const Box box = mask.box();
  for (int y = box.y0; y < box.y1; ++y) {
    for (int x = box.x0; x < box.x1; ++x) {
      const Vec2 slope{mask.at(x + 1, y) - mask.at(x - 1, y), mask.at(x, y + 1) - mask.at(x, y - 1)};
      const float strength = 0.5f * height * (clip ? clip->at(x, y) : 1.0f);
      canvas.at(x, y).slope = canvas.at(x, y).slope + strength * slope;
    }
  }
}

}  // namespace fermion::fer::synth
