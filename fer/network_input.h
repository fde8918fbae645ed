// What the network reads: faces, moved by the augmentation and standardised.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "engine/tape.h"
#include "fer/dataset.h"
#include "kernels/augment.h"

namespace fermion::fer {

// How a pixel in 0..255 becomes what the network reads: (v / 255 - mean) / std, per channel.
struct Preprocessing {
  int size = 0;  // of the square face
  std::array<float, 3> mean{}, std{1, 1, 1};
};

// Mean and standard deviation of the faces' pixels, per channel.
Preprocessing measure_pixels(const Split& split, int size);

// A batch of N faces on a device. What is written replaces the batch before, in the same place.
class NetworkInput {
 public:
  NetworkInput(engine::Device& device, const Preprocessing& preprocessing, std::int64_t N);

  std::int64_t batch() const { return faces_.shape()[0]; }
  // faces: u8 [N, size, size, 3]; N augmentations.
  void write(std::span<const std::uint8_t> faces, std::span<const kernels::AugmentParameters> augmentations);
  // f32 [N, size, size, 3].
  engine::Tensor standardised(engine::Tape& tape) const;

 private:
  engine::Tensor faces_, augmentations_, mean_, inv_std_;
};

}  // namespace fermion::fer
