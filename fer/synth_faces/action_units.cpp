#include <vector>

#include "fer/synth_faces/parameters.h"
#include "fer/synth_faces/random.h"

namespace fermion::fer::synth {
namespace {

constexpr float always = 1, usual = 0.93f;

// One part of an expression's prototype: a unit, how probable it is, and the unit that may stand in for it.
struct Part {
  int unit;
  float probability = usual;
  int stand_in = 0;
  float share = 0;  // of faces where the stand-in acts
};

// FACS and EMFACS prototypes (Ekman and Friesen). Units below `usual` are optional.
std::vector<Part> prototype(Expression expression) {
  switch (expression) {
    case Expression::neutral:
      break;
    case Expression::happiness:
      return {{6}, {12, always}, {25, 0.65f}};
    case Expression::sadness:
      return {{1, always}, {4}, {15}, {11, 0.4f}, {17, 0.5f}};
    case Expression::surprise:
      return {{1}, {2, always}, {5}, {26, always, 27, 0.5f}};
    case Expression::fear:
      return {{1, always}, {2}, {4}, {5}, {20, always}, {25, always, 26, 0.5f}, {7, 0.2f}};
    case Expression::disgust:
      return {{9, always, 10, 0.25f}, {10, 0.45f}, {15, 0.7f}, {16, always, 17, 0.5f}, {4, 0.4f}};
    case Expression::anger:
      return {{4, always}, {5}, {7}, {23, always, 24, 0.5f}, {10, 0.25f}, {17, 0.4f}};
  }
  return {};
}

}  // namespace

ActionUnits draw_action_units(std::uint64_t seed, std::int64_t index, Expression expression) {
  Draw draw{seed, "synth_faces.action_units", index};
  const float strength = draw.between(0.64f, 1.10f);
  const float balance = draw.about(0, 0.16f);  // one side of a face acts more than the other
  ActionUnits units;
  for (const Part& part : prototype(expression)) {
    const bool acts = draw.chance(part.probability), stands_in = draw.chance(part.share);
    const float intensity = strength * draw.between(0.7f, 1.1f);
    if (!acts) continue;
    const int unit = stands_in ? part.stand_in : part.unit;
    units.side[0][unit] = intensity * (1 - balance);
    units.side[1][unit] = intensity * (1 + balance);
  }
  return units;
}

}  // namespace fermion::fer::synth
