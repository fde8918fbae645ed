// A small anti-aliased rasteriser. Every shape becomes a Mask, a coverage in [0, 1] per pixel; a mask then
// paints a colour, tints what is there, or embosses the surface, which the light shades at the end.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace fermion::fer::synth {

struct Vec2 {
  float x = 0, y = 0;

  friend Vec2 operator+(Vec2 a, Vec2 b) { return {a.x + b.x, a.y + b.y}; }
  friend Vec2 operator-(Vec2 a, Vec2 b) { return {a.x - b.x, a.y - b.y}; }
  friend Vec2 operator*(float s, Vec2 a) { return {s * a.x, s * a.y}; }
};
inline float dot(Vec2 a, Vec2 b) {
  return a.x * b.x + a.y * b.y;
}
inline float length(Vec2 a) {
  return std::sqrt(dot(a, a));
}

struct Colour {
  float r = 0, g = 0, b = 0;

  friend Colour operator+(Colour a, Colour b) { return {a.r + b.r, a.g + b.g, a.b + b.b}; }
  friend Colour operator*(Colour a, Colour b) { return {a.r * b.r, a.g * b.g, a.b * b.b}; }
  friend Colour operator*(float s, Colour a) { return {s * a.r, s * a.g, s * a.b}; }
};
template <class T>
T mix(T a, T b, float t) {
  return (1 - t) * a + t * b;
}

using Path = std::vector<Vec2>;

// Catmull-Rom curves through the points, `steps` pieces from point to point.
Path smooth(const Path& points, int steps = 4);
Path smooth_closed(const Path& points, int steps = 4);
Path joined(Path first, const Path& second);
Path reversed(Path path);
Path moved(Path path, Vec2 by);
// A closed path from its right half, which starts and ends on the axis x = 0.
Path symmetric(Path right);

struct Box {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;  // half open
};

// Coverage of one shape. Only what lies in the box is defined; outside it the mask is zero.
class Mask {
 public:
  explicit Mask(int size) : size_(size), values_(static_cast<std::size_t>(size) * (size + 2)) {}

  int size() const { return size_; }
  const Box& box() const { return box_; }
  float* row(int y) { return values_.data() + static_cast<std::size_t>(y) * (size_ + 2); }
  const float* row(int y) const { return values_.data() + static_cast<std::size_t>(y) * (size_ + 2); }
  float at(int x, int y) const {
    return x >= box_.x0 && x < box_.x1 && y >= box_.y0 && y < box_.y1 ? row(y)[x] : 0.0f;
  }

  // The box that holds [low, high], cut to the picture, with every value in it zero.
  void clear(Vec2 low, Vec2 high);

 private:
  int size_;
  Box box_;
  std::vector<float> values_;  // rows of size + 2: filling spills two past the end
};

// The inside of a closed polygon: exact area per pixel, up to where edges of one pixel overlap. A hole is a
// part of the path that runs the other way round.
void fill(Mask& mask, const Path& polygon);

// A line whose radius goes from `start` over `middle` to `end`, with an edge `softness` pixels wide.
struct Pen {
  float start, middle, end;
  float softness = 1;
};
constexpr Pen even(float radius) {
  return {radius, radius, radius};
}
void stroke(Mask& mask, const Path& line, const Pen& pen);

// A soft line: (1 - d^2 / r^2)^2 at distance d, r as above.
void soft_stroke(Mask& mask, const Path& line, const Pen& pen);

// A soft ellipse, (1 - q)^2 with q the squared distance in units of the half axes, turned by the angle whose
// cosine and sine are `turn`.
void blob(Mask& mask, Vec2 centre, Vec2 half_axes, Vec2 turn);

// What the light falls on: colour, and the slope of the surface towards the viewer.
struct Surface {
  Colour albedo;
  Vec2 slope;
};

struct Canvas {
  explicit Canvas(int size) : size(size), pixels(static_cast<std::size_t>(size) * size) {}
  Surface& at(int x, int y) { return pixels[static_cast<std::size_t>(y) * size + x]; }

  int size;
  std::vector<Surface> pixels;
};

// shader(surface, pixel centre, coverage) for every pixel that the mask covers, within `clip` where given.
template <class Shader>
void for_each_pixel(Canvas& canvas, const Mask& mask, const Mask* clip, Shader&& shader) {
  Box box = mask.box();
  if (clip) {
    const Box& other = clip->box();
    box = {std::max(box.x0, other.x0), std::max(box.y0, other.y0), std::min(box.x1, other.x1),
           std::min(box.y1, other.y1)};
  }
  for (int y = box.y0; y < box.y1; ++y) {
    const float* coverage = mask.row(y);
    const float* limit = clip ? clip->row(y) : nullptr;
    for (int x = box.x0; x < box.x1; ++x) {
      const float alpha = limit ? coverage[x] * limit[x] : coverage[x];
      if (alpha > 0) shader(canvas.at(x, y), Vec2{x + 0.5f, y + 0.5f}, alpha);
    }
  }
}

// Opaque paint of one colour; the surface keeps its slope.
void paint(Canvas& canvas, const Mask& mask, const Mask* clip, Colour colour, float opacity = 1);

// Multiplies what is there by `colour`.
void tint(Canvas& canvas, const Mask& mask, const Mask* clip, Colour colour);

// Raises the surface by `height` pixels (negative: presses it in) times the mask.
void emboss(Canvas& canvas, const Mask& mask, const Mask* clip, float height);

}  // namespace fermion::fer::synth
