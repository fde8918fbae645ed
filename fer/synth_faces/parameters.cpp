#include "fer/synth_faces/parameters.h"

#include "fer/synth_faces/random.h"

namespace fermion::fer::synth {
namespace {

float luminance(Colour c) {
  return 0.3f * c.r + 0.59f * c.g + 0.11f * c.b;
}

Colour draw_skin(Draw& draw) {
  static const Colour tones[] = {{0.97f, 0.83f, 0.74f}, {0.95f, 0.76f, 0.63f}, {0.88f, 0.67f, 0.51f},
                                 {0.78f, 0.56f, 0.40f}, {0.64f, 0.44f, 0.31f}, {0.51f, 0.34f, 0.24f},
                                 {0.42f, 0.28f, 0.20f}};
  const float tone = draw.between(0, 5.999f);
  const int i = static_cast<int>(tone);
  const Colour blush{draw.about(1, 0.05f), 1, draw.about(1, 0.06f)};
  return mix(tones[i], tones[i + 1], tone - static_cast<float>(i)) * blush;
}

Colour draw_hair(Draw& draw, Colour skin) {
  using List = std::initializer_list<Colour>;
  const List dark{{0.07f, 0.06f, 0.06f}, {0.13f, 0.09f, 0.07f}, {0.22f, 0.14f, 0.09f}, {0.45f, 0.44f, 0.44f}};
  const List any{{0.09f, 0.07f, 0.07f}, {0.24f, 0.15f, 0.09f}, {0.38f, 0.23f, 0.12f}, {0.52f, 0.22f, 0.10f},
                 {0.72f, 0.53f, 0.28f}, {0.84f, 0.70f, 0.44f}, {0.66f, 0.65f, 0.66f}, {0.20f, 0.12f, 0.08f}};
  if (draw.chance(0.05f))
    return draw.pick<Colour>({{0.20f, 0.32f, 0.62f}, {0.70f, 0.24f, 0.42f}, {0.16f, 0.48f, 0.42f}});
  return luminance(skin) < 0.5f ? draw.pick(dark) : draw.pick(any);
}

Identity draw_identity(Draw draw) {
  Identity face{};
  face.crown = draw.about(0.70f, 0.07f);
  face.cheek = draw.about(0.72f, 0.08f);
  face.jaw = face.cheek * draw.about(0.80f, 0.10f);
  face.chin = draw.about(0.27f, 0.09f);
  face.length = draw.about(1.0f, 0.09f);

  face.skin = draw_skin(draw);
  face.hair = draw_hair(draw, face.skin);
  // Brows follow the hair but always stand out from the skin.
  face.brows = 0.8f * face.hair;
  const float brow_limit = 0.42f * luminance(face.skin);
  if (luminance(face.brows) > brow_limit) face.brows = (brow_limit / luminance(face.brows)) * face.brows;
  const Colour lip_tone{draw.about(0.86f, 0.08f), draw.about(0.62f, 0.08f), draw.about(0.64f, 0.08f)};
  face.lips = face.skin * lip_tone;
  const bool lipstick = draw.chance(0.2f);
  const Colour stick =
      draw.pick<Colour>({{0.74f, 0.16f, 0.24f}, {0.80f, 0.30f, 0.42f}, {0.56f, 0.14f, 0.26f}});
  if (lipstick) face.lips = mix(face.lips, stick, 0.7f);
  face.iris = draw.pick<Colour>({{0.22f, 0.13f, 0.07f},
                                 {0.34f, 0.21f, 0.10f},
                                 {0.30f, 0.45f, 0.62f},
                                 {0.32f, 0.48f, 0.34f},
                                 {0.46f, 0.36f, 0.18f},
                                 {0.40f, 0.46f, 0.50f}});
  face.cloth = draw.colour(0.12f, 0.88f);
  face.collar = draw.chance(0.5f) ? mix(face.cloth, Colour{1, 1, 1}, 0.75f) : 0.7f * face.cloth;

  using enum HairStyle;
  face.hair_style =
      draw.pick({bald, buzz, buzz, parted, parted, parted, fringe, fringe, long_parted, long_parted,
                 long_parted, long_fringe, curly, curly, bun, bun, beanie, headscarf});
  face.hair_volume = draw.between(0.7f, 1.3f);
  face.hairline = draw.about(0, 0.09f);
  face.parting = draw.between(-1, 1);

  face.eye_distance = draw.about(0.325f, 0.045f);
  face.eye_height = draw.about(-0.06f, 0.06f);
  face.eye_width = draw.about(0.182f, 0.025f);
  face.eye_opening = draw.about(1.0f, 0.22f);
  face.eye_tilt = draw.about(0.012f, 0.03f);
  face.brow_height = draw.about(0, 0.035f);
  face.brow_tilt = draw.about(-0.008f, 0.026f);
  face.brow_thickness = draw.about(0.034f, 0.014f);
  face.lashes = draw.chance(0.45f) ? draw.between(0.5f, 1) : 0;
  face.nose_width = draw.about(0.13f, 0.04f);
  face.nose_length = draw.about(0.30f, 0.06f);
  face.mouth_height = draw.about(0.575f, 0.045f);
  face.mouth_width = draw.about(0.26f, 0.05f);
  face.upper_lip = draw.about(0.050f, 0.022f);
  face.lower_lip = draw.about(0.068f, 0.026f);
  face.mouth_curve = draw.about(0.012f, 0.018f);
  face.folds = draw.between(0, 0.22f);
  face.freckles = draw.chance(0.15f) ? draw.between(0.4f, 1) : 0;
  face.age = draw.chance(0.3f) ? draw.between(0.2f, 1) : 0;

  const bool bearded = draw.chance(0.34f) && face.lashes == 0;
  const Beard beard =
      draw.pick({Beard::stubble, Beard::stubble, Beard::moustache, Beard::goatee, Beard::full, Beard::full});
  face.beard = bearded && face.hair_style != headscarf ? beard : Beard::none;
  const bool glasses = draw.chance(0.22f);
  const Glasses shape = draw.pick({Glasses::round, Glasses::square});
  face.glasses = glasses ? shape : Glasses::none;
  face.frame = draw.pick<Colour>(
      {{0.07f, 0.07f, 0.08f}, {0.30f, 0.17f, 0.10f}, {0.62f, 0.52f, 0.30f}, {0.15f, 0.20f, 0.40f}});
  face.frame_thickness = draw.between(0.012f, 0.026f);
  face.gaze = {draw.about(0, 0.05f), draw.about(0, 0.02f)};
  return face;
}

Pose draw_pose(Draw draw) {
  Pose pose{};
  pose.scale = draw.between(0.36f, 0.50f);
  // Brows to mouth stay in the picture.
  const float room = 0.65f * (0.5f - 0.62f * pose.scale);
  pose.shift = {draw.between(-room, room), draw.between(-room, room)};
  pose.roll = draw.about(0, 0.44f);
  pose.yaw = draw.about(0, 0.42f);
  pose.pitch = draw.about(0, 0.14f);
  return pose;
}

Light draw_light(Draw draw) {
  Light light{};
  const float from = draw.about(0, 1.9f);  // clockwise from above
  const float slant = draw.between(0.25f, 0.8f);
  light.direction = {slant * std::sin(from), -slant * std::cos(from)};
  light.ambient = draw.between(0.42f, 0.66f);
  const float warmth = draw.about(0, 0.10f);
  light.colour = {1 + warmth, 1, 1 - warmth};
  return light;
}

Background draw_background(Draw draw) {
  Background background{};
  background.first = draw.muted_colour();
  const Colour other = draw.muted_colour();
  background.second = mix(background.first, other, draw.between(0.1f, 0.9f));
  const float angle = draw.between(0, 6.2832f);
  background.direction = {std::cos(angle), std::sin(angle)};
  for (Disc& disc : background.discs) {
    const float x = draw.between(0, 1);
    disc.centre = {x, draw.between(0, 0.8f)};
    disc.radius = draw.chance(0.6f) ? draw.between(0.05f, 0.22f) : 0;
    disc.colour = draw.muted_colour();
  }
  return background;
}

Camera draw_camera(Draw draw) {
  Camera camera{};
  camera.exposure = draw.about(1.05f, 0.25f);
  camera.contrast = draw.about(1.0f, 0.25f);
  camera.saturation = draw.chance(0.06f) ? 0 : draw.about(1, 0.3f);
  camera.blur = draw.chance(0.5f) ? draw.between(0, 0.009f) : 0;
  camera.noise = draw.between(0.003f, 0.026f);
  return camera;
}

Occluder draw_occluder(Draw draw, Colour skin) {
  Occluder occluder{};
  using enum OccluderKind;
  const bool occluded = draw.chance(0.15f);
  const OccluderKind kind = draw.pick({hand, hand, microphone, card, ball});
  occluder.kind = occluded ? kind : none;
  const float from = draw.about(0, 2.2f);  // clockwise from below
  const float off = draw.between(0.62f, 0.9f);
  occluder.place = {-off * std::sin(from), 0.1f + off * std::cos(from)};
  occluder.angle = from + draw.about(0, 0.5f);
  occluder.size = draw.between(0.8f, 1.15f);
  occluder.colour = kind == hand ? skin : draw.colour(0.1f, 0.95f);
  return occluder;
}

}  // namespace

Face draw_parameters(std::uint64_t seed, std::int64_t index) {
  Face face{};
  face.identity = draw_identity({seed, "synth_faces.identity", index});
  face.pose = draw_pose({seed, "synth_faces.pose", index});
  face.light = draw_light({seed, "synth_faces.light", index});
  face.background = draw_background({seed, "synth_faces.background", index});
  face.camera = draw_camera({seed, "synth_faces.camera", index});
  face.occluder = draw_occluder({seed, "synth_faces.occluder", index}, face.identity.skin);
  return face;
}

}  // namespace fermion::fer::synth
