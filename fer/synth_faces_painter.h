// Paints in face units: projects points by the face's pose, rasterises, and paints or shapes the surface.
#pragma once

#include "fer/synth_faces_features.h"

namespace fermion::fer::synth {

// From face units to the pixels of a picture `pixels` wide.
class Projection {
 public:
  Projection(const Pose& pose, int pixels);

  // A point of the face's surface, `lift` in front of it.
  Vec2 on_face(Vec2 p, float lift = 0) const;
  Path on_face(const Path& path, float lift = 0) const;
  // A point of the plane through both ears, where silhouettes are, or `depth` in front of it.
  Vec2 in_plane(Vec2 p, float depth = 0) const;
  Path in_plane(const Path& path, float depth = 0) const;
  // The point of that plane that a pixel shows, and a vector of it turned into the picture.
  Vec2 unproject(Vec2 pixel) const;
  Vec2 turned(Vec2 v) const { return {turn.x * v.x - turn.y * v.y, turn.y * v.x + turn.x * v.y}; }

  float unit;       // pixels per face unit
  Vec2 turn;        // cosine and sine of the roll
  Vec2 yaw, pitch;  // cosines and sines
  Vec2 centre;
};

struct Painter {
  Painter(const Pose& pose, int pixels);

  // Paths are in pixels, all lengths in face units; `clip` is null, &head or &inside.
  void fill_path(const Path& path, Colour colour, const Mask* clip, float opacity = 1);
  void line(const Path& path, Pen pen, Colour colour, const Mask* clip, float opacity = 1);
  void soft_line(const Path& path, Pen pen, Colour factor, const Mask* clip);
  void wrinkle(const Path& path, float radius, float depth);
  void bump(Vec2 centre, Vec2 half_axes, float height, Colour factor = {1, 1, 1});
  void ellipse(Vec2 centre, Vec2 half_axes, Colour colour, const Mask* clip, float opacity = 1);

  // Gives what the mask covers the slope of a ball around the head, `roundness` times as steep.
  void round_off(const Mask& mask, float roundness);

  Projection to_picture;
  Canvas canvas;
  Mask shape;   // scratch of every call above
  Mask head;    // the skin of the head: wrinkles and bumps stay on it
  Mask inside;  // an eye's or the mouth's opening
};

}  // namespace fermion::fer::synth
