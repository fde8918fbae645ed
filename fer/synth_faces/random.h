// Random numbers of one group of a face's parameters, one after the other. Every group has a Philox stream of
// its own, so that no group tells anything of another.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "fer/synth_faces/raster.h"
#include "kernels/rng.h"

namespace fermion::fer::synth {

class Draw {
 public:
  // Up to 256 numbers a face.
  Draw(std::uint64_t seed, const char* group, std::int64_t index)
      : random_{seed, kernels::stream_of(group), 0}, next_(static_cast<std::uint64_t>(index) << 8) {}

  float between(float low, float high) {
    return low + (high - low) * static_cast<float>(random_.uniform(next_++));
  }
  // middle +- spread, the mean of two draws.
  float about(float middle, float spread) {
    const float first = between(-spread, spread);
    return middle + 0.5f * (first + between(-spread, spread));
  }
  bool chance(float probability) { return between(0, 1) < probability; }
  template <class T>
  T pick(std::initializer_list<T> choices) {
    return choices.begin()[random_.bits(next_++) % choices.size()];
  }
  Colour colour(float low, float high) {
    const float r = between(low, high), g = between(low, high);
    return {r, g, between(low, high)};
  }
  Colour muted_colour() {
    const Colour bright = colour(0.15f, 1);
    const float grey = between(0.3f, 0.9f);
    return mix(bright, Colour{grey, grey, grey}, 0.55f);
  }

 private:
  kernels::Random random_;
  std::uint64_t next_;
};

}  // namespace fermion::fer::synth
