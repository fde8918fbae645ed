// Paints in face units: projects points by the face's pose, rasterises, and paints or shapes the surface.
#pragma once

#include "fer/synth_faces/parameters.h"

namespace fermion::fer::synth {

// From face units to the pixels of a picture `pixels` wide.
class Projection {
 public:
  Projection(const Pose& pose, int pixels);

  // A point of the plane through both ears, where silhouettes are, or `depth` in front of it.
  Vec2 in_plane(Vec2 p, float depth = 0) const;
  Path in_plane(const Path& path, float depth = 0) const;
  // A point of the face's surface, or `lift` in front of it.
  Vec2 on_face(Vec2 p, float lift = 0) const;
  Path on_face(const Path& path, float lift = 0) const;
  // The point of the plane that a pixel shows.
  Vec2 unproject(Vec2 pixel) const;
  // A vector of the face as the roll turns it.
  Vec2 turned(Vec2 v) const { return {turn.x * v.x - turn.y * v.y, turn.y * v.x + turn.x * v.y}; }

  float unit;             // pixels per face unit
  Vec2 turn, yaw, pitch;  // cosines and sines
  Vec2 centre;            // of the face, in pixels
};

// Paths and points are in pixels, all other lengths in face units. `clip` is null, &head or &inside. Each
// call leaves its mask in `shape`.
struct Painter {
  Painter(const Pose& pose, int pixels);

  void fill_path(const Path& path, Colour colour, const Mask* clip = nullptr, float opacity = 1);
  void ellipse(Vec2 centre, Vec2 half_axes, Colour colour, const Mask* clip = nullptr, float opacity = 1);
  void line(const Path& path, Pen pen, Colour colour, const Mask* clip = nullptr, float opacity = 1);
  // A soft line or ellipse that multiplies what is there by `factor` and raises the head by `height`.
  void soft_line(const Path& path, Pen pen, Colour factor, const Mask* clip, float height = 0);
  void bump(Vec2 centre, Vec2 half_axes, float height, Colour factor = {1, 1, 1});
  // A fold of the head's skin, dark in its depth; depth 1 is a deep one.
  void wrinkle(const Path& path, float radius, float depth);

  // Gives what `mask` covers the slope of a ball around the head, `roundness` times as steep.
  void round_off(const Mask& mask, float roundness);
  // Hair's texture over `shape`: strands that run away from the point (from_x, -1.9).
  void strands(float from_x, float contrast, const Mask* clip = nullptr);

  Projection to_picture;
  Canvas canvas;
  Mask shape;
  Mask head;    // the head's skin
  Mask inside;  // the opening of an eye or of the mouth
};

}  // namespace fermion::fer::synth
