#include "fer/synth_faces/draw.h"

namespace fermion::fer::synth {
namespace {

Path moustache(const Mouth& mouth) {
  const Vec2 left = mouth.upper_edge.front(), right = mouth.upper_edge.back();
  const float top = mouth.upper_edge[Mouth::middle].y;
  return smooth_closed({{0, top - 0.10f},
                        {0.5f * right.x, top - 0.085f},
                        {right.x + 0.05f, right.y - 0.02f},
                        {right.x + 0.03f, right.y + 0.06f},
                        {0.5f * right.x, 0.5f * (top + right.y) + 0.01f},
                        {0, top + 0.02f},
                        {0.5f * left.x, 0.5f * (top + left.y) + 0.01f},
                        {left.x - 0.03f, left.y + 0.06f},
                        {left.x - 0.05f, left.y - 0.02f},
                        {0.5f * left.x, top - 0.085f}});
}

// From ear to ear: above the mouth, and all that is below.
Path whiskers(const Mouth& mouth, float cheek, float chin) {
  const Vec2 left = mouth.upper_edge.front(), right = mouth.upper_edge.back();
  const float top = mouth.upper_edge[Mouth::middle].y;
  const Path above = smooth({{-1.1f * cheek, 0.05f},
                             {-0.86f * cheek, 0.20f},
                             {-0.60f * cheek, 0.42f},
                             {left.x - 0.06f, left.y - 0.07f},
                             {0.6f * left.x, top - 0.10f},
                             {0, top - 0.11f},
                             {0.6f * right.x, top - 0.10f},
                             {right.x + 0.06f, right.y - 0.07f},
                             {0.60f * cheek, 0.42f},
                             {0.86f * cheek, 0.20f},
                             {1.1f * cheek, 0.05f}});
  return joined(above,
                {{1.2f * cheek, 0.9f}, {0.5f, chin + 0.5f}, {-0.5f, chin + 0.5f}, {-1.2f * cheek, 0.9f}});
}

}  // namespace

void draw_beard(Painter& painter, const Identity& face, const Features& features) {
  const Projection& to_picture = painter.to_picture;
  const Mouth& mouth = features.mouth;
  const Beard beard = face.beard;
  const float chin = face.length + features.jaw_drop;
  const Colour colour = mix(face.hair, face.brows, 0.6f);
  if (beard == Beard::moustache || beard == Beard::goatee || beard == Beard::full) {
    painter.fill_path(to_picture.on_face(moustache(mouth), 0.03f), colour, &painter.head, 0.9f);
    painter.strands(0, 0.06f, &painter.head);
  }
  if (beard == Beard::goatee) {
    const float low = mouth.lower_edge[Mouth::middle].y;
    const Path tuft = smooth_closed({{-0.16f, low + 0.04f},
                                     {0, low + 0.02f},
                                     {0.16f, low + 0.04f},
                                     {0.20f, chin - 0.10f},
                                     {0, chin + 0.03f},
                                     {-0.20f, chin - 0.10f}});
    painter.fill_path(to_picture.on_face(tuft), colour, nullptr, 0.9f);
  }
  if (beard == Beard::stubble || beard == Beard::full) {
    const float opacity = beard == Beard::full ? 0.9f : 0.30f;
    painter.fill_path(to_picture.in_plane(whiskers(mouth, face.cheek, chin), 0.35f), colour, &painter.head,
                      opacity);
    if (beard == Beard::full) painter.strands(0, 0.07f, &painter.head);
  }
}

}  // namespace fermion::fer::synth
