// What one face is: everything that varies, drawn from (seed, index). Lengths are in face units, half the
// height of an average head; x runs to the right of the picture, y down, from the middle of the head.
#pragma once

#include <array>
#include <cstdint>

#include "fer/synth_faces.h"
#include "fer/synth_faces/raster.h"

namespace fermion::fer::synth {

enum class HairStyle { bald, buzz, parted, fringe, long_parted, long_fringe, curly, bun, beanie, headscarf };
enum class Beard { none, stubble, moustache, goatee, full };
enum class Glasses { none, round, square };

struct Identity {
  float crown, cheek, jaw, chin, length;  // half widths of the head from top to bottom, and the chin's height
  Colour skin, lips, hair, brows, iris, cloth, collar;
  HairStyle hair_style;
  float hair_volume, hairline, parting;
  float eye_distance, eye_height, eye_width, eye_opening, eye_tilt;
  float brow_height, brow_tilt, brow_thickness, lashes;
  float nose_width, nose_length, mouth_height, mouth_width, upper_lip, lower_lip, mouth_curve;
  float folds, freckles, age;  // nasolabial folds at rest, shares of freckles and of lines
  Beard beard;
  Glasses glasses;
  Colour frame;
  float frame_thickness;
  Vec2 gaze;
};

// Yaw and pitch turn the face in depth; then it is rolled (radians), scaled and shifted.
struct Pose {
  float yaw, pitch, roll;
  float scale;  // a face unit in parts of the picture
  Vec2 shift;   // from the middle of the picture, in parts of it
};

struct Light {
  Vec2 direction;  // the part of the unit vector towards the light that lies in the picture
  float ambient;   // share
  Colour colour;
};

struct Disc {
  Vec2 centre;
  float radius;
  Colour colour;
};
struct Background {
  Colour first, second;
  Vec2 direction;  // from the first colour to the second
  std::array<Disc, 4> discs;
};

struct Camera {
  float exposure, contrast, saturation;
  float blur;   // sigma in parts of the picture
  float noise;  // sigma, white being 1
};

enum class OccluderKind { none, hand, microphone, card, ball };
struct Occluder {
  OccluderKind kind;
  Vec2 place;   // where it covers the face, in face units
  float angle;  // clockwise from below: where it comes from
  float size;
  Colour colour;
};

// Intensity of every action unit by its FACS number, 0 to about 1, on the picture's left and right.
struct ActionUnits {
  std::array<std::array<float, 28>, 2> side{};

  float both(int unit) const { return 0.5f * (side[0][unit] + side[1][unit]); }
};

struct Face {
  Identity identity;
  Pose pose;
  Light light;
  Background background;
  Camera camera;
  Occluder occluder;
};

Face draw_parameters(std::uint64_t seed, std::int64_t index);
ActionUnits draw_action_units(std::uint64_t seed, std::int64_t index, Expression expression);

}  // namespace fermion::fer::synth
